//! What is read from the catalog when a lake is opened.

use crate::batches;
use crate::catalog::count;
use crate::drift;
use crate::failure::Doing;
use crate::files;
use crate::objects::{Objects, wait};
use crate::state::{FileEntry, State, Table, TailSlice};
use futures::StreamExt;
use helios_contract::clock::Timestamp;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::store::{ColumnRange, DataFile, Slice};
use helios_contract::stream::{Stream, StreamId};
use object_store::ObjectStore;
use rusqlite::{Connection, Row};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tracing::warn;

/// Refuses to start an empty catalog over the data files of a lost one.
pub(crate) fn refuse_lost_catalog(catalog: &Path, store: &dyn ObjectStore) -> Result<()> {
    if catalog.exists() {
        return Ok(());
    }
    match wait(store.list(None).next()) {
        None => Ok(()),
        Some(found) => {
            let path = found.doing("look for data files")?.location;
            Err(Error::corrupt(format!("{} is missing, but there are data files such as {path}", catalog.display()))
                .hint("Run `helios catalog rebuild` to recover the catalog from them, or choose another data directory."))
        }
    }
}

/// The greatest number ever given to a commit or a set of files.
pub(crate) fn newest_number(conn: &Connection) -> Result<i64> {
    conn.query_row(
        "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'commits'), 0),
                    coalesce((SELECT max(file_set) FROM files), 0), coalesce((SELECT max(file_set) FROM doomed), 0))",
        [],
        |row| row.get(0),
    )
    .doing("find the newest commit")
}

/// Deletes what a crash left half written, and what was replaced but not deleted yet.
pub(crate) fn delete_doomed(conn: &Connection, objects: &Objects) -> Result<()> {
    let mut deleted = Vec::new();
    for path in files::doomed_paths(conn)? {
        match wait(objects.delete(&path)) {
            Ok(()) => deleted.push(path),
            Err(error) => warn!(path, %error, "could not delete a file that is no longer needed; it is tried again"),
        }
    }
    let transaction = conn.unchecked_transaction().doing("begin a transaction")?;
    files::forget(&transaction, deleted)?;
    transaction.commit().doing("commit")
}

/// Everything that is kept in memory.
pub(crate) fn load(conn: &Connection) -> Result<State> {
    let mut state = State::default();
    for stream in streams(conn)? {
        state.define(Arc::new(stream));
    }
    load_past(conn, &mut state)?;
    load_positions(conn, &mut state).doing("read positions")?;
    load_versions(conn, &mut state).doing("read versions")?;
    load_files(conn, &mut state)?;
    load_tails(conn, &mut state)?;
    Ok(state)
}

fn streams(conn: &Connection) -> Result<Vec<Stream>> {
    let what = "read streams";
    let mut select = conn.prepare("SELECT id, version, definition, paused, created_at FROM streams").doing(what)?;
    let mut rows = select.query([]).doing(what)?;
    let mut streams = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let definition: String = row.get(2).doing(what)?;
        streams.push(Stream {
            id: StreamId(row.get(0).doing(what)?),
            version: count(row, 1).doing(what)?,
            definition: serde_json::from_str(&definition).doing("read the definition of a stream")?,
            paused: row.get(3).doing(what)?,
            created_at: Timestamp(row.get(4).doing(what)?),
        });
    }
    Ok(streams)
}

/// The definitions that older versions were made under.
fn load_past(conn: &Connection, state: &mut State) -> Result<()> {
    for (until, past) in drift::definitions(conn)? {
        if let Some(table) = state.tables.get_mut(&past.0) {
            let then = Stream { definition: past.1, ..Stream::clone(&table.stream) };
            table.past.push((until, Arc::new(then)));
        }
    }
    Ok(())
}

/// The table a row belongs to; its stream is the first column.
fn table<'a>(state: &'a mut State, row: &Row<'_>) -> rusqlite::Result<&'a mut Table> {
    let id: i64 = row.get(0)?;
    // Foreign keys see to it that there is one.
    state.tables.get_mut(&StreamId(id)).ok_or(rusqlite::Error::IntegralValueOutOfRange(0, id))
}

fn load_positions(conn: &Connection, state: &mut State) -> rusqlite::Result<()> {
    let mut select = conn.prepare("SELECT stream, partition, position FROM offsets")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        table(state, row)?.offsets.insert(row.get(1)?, row.get(2)?);
    }
    Ok(())
}

fn load_versions(conn: &Connection, state: &mut State) -> rusqlite::Result<()> {
    let mut select = conn.prepare("SELECT stream, id, at, newest FROM commits WHERE stream = ? ORDER BY id DESC LIMIT 1")?;
    for id in state.tables.keys().copied().collect::<Vec<_>>() {
        let mut rows = select.query([id.0])?;
        if let Some(row) = rows.next()? {
            let table = table(state, row)?;
            table.version = CommitId(row.get(1)?);
            table.committed_at = Some(Timestamp(row.get(2)?));
            table.newest = row.get::<_, Option<i64>>(3)?.map(Timestamp);
            table.changed.send_replace(table.version);
        }
    }
    Ok(())
}

fn load_files(conn: &Connection, state: &mut State) -> Result<()> {
    let what = "read files";
    let mut labels: HashMap<String, Arc<str>> = HashMap::new();
    let mut select = conn
        .prepare("SELECT stream, id, partition, path, size_bytes, n_rows, commit_min, commit_max, ranges, sorted FROM files ORDER BY id")
        .doing(what)?;
    let mut rows = select.query([]).doing(what)?;
    while let Some(row) = rows.next().doing(what)? {
        let label: String = row.get(2).doing(what)?;
        let partition = labels.entry(label).or_insert_with_key(|label| Arc::from(label.as_str()));
        let entry = FileEntry { id: row.get(1).doing(what)?, partition: Arc::clone(partition), file: Arc::new(data_file(row)?) };
        table(state, row).doing(what)?.files.push(entry);
    }
    Ok(())
}

fn data_file(row: &Row<'_>) -> Result<DataFile> {
    let what = "read files";
    let ranges = row.get_ref(8).and_then(|text| Ok(text.as_str()?)).doing(what)?;
    let ranges: Vec<(i32, i64, i64, u64)> = serde_json::from_str(ranges).doing("read what a file spans")?;
    Ok(DataFile {
        path: row.get(3).doing(what)?,
        size_bytes: count(row, 4).doing(what)?,
        n_rows: count(row, 5).doing(what)?,
        commit_min: CommitId(row.get(6).doing(what)?),
        commit_max: CommitId(row.get(7).doing(what)?),
        ranges: ranges.into_iter().map(|(field, min, max, n_nulls)| ColumnRange { field, min, max, n_nulls }).collect(),
        sorted: row.get(9).doing(what)?,
    })
}

fn load_tails(conn: &Connection, state: &mut State) -> Result<()> {
    let what = "read inline rows";
    let mut select = conn
        .prepare(
            "SELECT s.stream, s.commit_id, c.at, s.ipc FROM slices s JOIN commits c ON c.id = s.commit_id ORDER BY s.commit_id",
        )
        .doing(what)?;
    let mut rows = select.query([]).doing(what)?;
    while let Some(row) = rows.next().doing(what)? {
        let commit = CommitId(row.get(1).doing(what)?);
        let ipc = row.get_ref(3).and_then(|bytes| Ok(bytes.as_blob()?)).doing(what)?;
        let rows = batches::decode_ipc(ipc, commit)?;
        let n_bytes = batches::n_bytes(&rows);
        let slice = Slice { commit, committed_at: Timestamp(row.get(2).doing(what)?), rows };
        table(state, row).doing(what)?.tail.push(TailSlice { slice, n_bytes });
    }
    Ok(())
}
