//! The life of a data file: announced, written, committed, replaced, and deleted once nobody reads it.
//!
//! An object is named in the table `doomed` whenever no committed state names it: before it is written and after it was
//! replaced. A crash in between leaves nothing behind that the next start does not find there and delete.

use crate::Lake;
use crate::catalog::signed;
use crate::failure::Doing;
use crate::objects::wait;
use crate::parquet_file::NewFile;
use crate::state::{FileEntry, Held};
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::stream::{Stream, StreamId};
use rusqlite::{Connection, params};
use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use tracing::warn;

/// The path of one part of a set of files.
pub(crate) fn path(stream: &Stream, partition: &str, set: i64, part: u32) -> String {
    format!("{}/{partition}/{set:016}-{part}.parquet", folder(stream))
}

fn folder(stream: &Stream) -> String {
    format!("{}.{}", stream.definition.name, stream.id.0)
}

/// Announces an object about to be written. It is deleted after what is returned is dropped, unless it was committed by then.
pub(crate) fn announce(lake: &Lake, path: &str, set: i64) -> Result<Arc<dyn Any + Send + Sync>> {
    let hold: Arc<dyn Any + Send + Sync> = Arc::new(());
    let held = Held { by: Arc::downgrade(&hold), superseded: false };
    lake.shared.change(|state| state.held.insert(path.to_owned(), held));
    let path = path.to_owned();
    wait(lake.writer.write(move |conn| doom(conn, &path, set), |_, ()| ()))?;
    Ok(hold)
}

fn doom(conn: &Connection, path: &str, set: i64) -> Result<()> {
    let mut insert =
        conn.prepare_cached("INSERT OR REPLACE INTO doomed (path, file_set) VALUES (?, ?)").doing("announce a file")?;
    insert.execute(params![path, set]).doing("announce a file")?;
    Ok(())
}

/// Makes a written file part of its table; answers its number. To be called in a transaction.
pub(crate) fn insert(conn: &Connection, stream: StreamId, file: &NewFile) -> Result<i64> {
    let ranges: Vec<(i32, i64, i64, u64)> = file.ranges.iter().map(|r| (r.field, r.min, r.max, r.n_nulls)).collect();
    let json = |value: serde_json::Result<String>| value.doing("describe a file");
    conn.prepare_cached(
        "INSERT INTO files (stream, path, file_set, size_bytes, n_rows, commit_min, commit_max, sorted, partition, ranges, counts, lineage)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .and_then(|mut insert| {
        insert.insert(params![
            stream.0,
            file.path,
            file.set,
            signed(file.size_bytes),
            signed(file.n_rows),
            file.commit_min.0,
            file.commit_max.0,
            file.sorted,
            file.partition,
            json(serde_json::to_string(&ranges)).map_err(to_sql)?,
            json(serde_json::to_string(&file.counts)).map_err(to_sql)?,
            json(serde_json::to_string(&file.lineage)).map_err(to_sql)?,
        ])
    })
    .and_then(|id| conn.prepare_cached("DELETE FROM doomed WHERE path = ?")?.execute([&file.path]).map(|_| id))
    .doing("store a file")
}

fn to_sql(error: Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// What takes the place of what.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) stream: StreamId,
    /// The number of the new set.
    pub(crate) set: i64,
    /// Files that go.
    pub(crate) gone: Vec<FileEntry>,
    /// Inline rows of commits up to this go, too.
    pub(crate) tail_until: CommitId,
    /// Files that come.
    pub(crate) new: Vec<NewFile>,
}

/// Puts files in the place of files and inline rows, in one transaction, together with what `also` does.
pub(crate) fn exchange(
    lake: &Lake,
    exchange: Exchange,
    also: impl FnOnce(&Connection) -> Result<()> + Send + 'static,
) -> Result<()> {
    let Exchange { stream, set, gone, tail_until, new } = exchange;
    let gone_ids: Vec<i64> = gone.iter().map(|entry| entry.id).collect();
    let work = move |conn: &Connection| {
        for entry in &gone {
            let n = conn.execute("DELETE FROM files WHERE id = ?", [entry.id]).doing("replace a file")?;
            if n == 0 {
                return Err(Error::not_found("the stream was dropped while its files were compacted"));
            }
            doom(conn, &entry.file.path, set)?;
        }
        if tail_until > CommitId(0) {
            conn.execute("DELETE FROM slices WHERE stream = ? AND commit_id <= ?", params![stream.0, tail_until.0])
                .doing("replace inline rows")?;
            conn.execute(
                "UPDATE commits SET file_set = ? WHERE stream = ? AND id <= ? AND file_set IS NULL",
                params![set, stream.0, tail_until.0],
            )
            .doing("replace inline rows")?;
        }
        also(conn)?;
        let entries = new.iter().map(|file| Ok(FileEntry::new(insert(conn, stream, file)?, file))).collect::<Result<Vec<_>>>()?;
        Ok((entries, new))
    };
    let publish = move |state: &mut crate::state::State, (entries, _new): (Vec<FileEntry>, Vec<NewFile>)| {
        state.exchange(stream, &gone_ids, tail_until, entries);
    };
    wait(lake.writer.write(work, publish))
}

/// Paths of a stream that others have replaced but that are not deleted yet.
pub(crate) fn superseded(lake: &Lake, stream: &Stream) -> Vec<String> {
    let folder = format!("{}/", folder(stream));
    lake.shared.read(|state| {
        let held = state.held.iter().filter(|(path, held)| held.superseded && path.starts_with(&folder));
        held.map(|(path, _)| path.clone()).collect()
    })
}

/// Deletes the doomed objects that nobody holds. Called from blocking threads.
pub(crate) fn sweep(lake: &Lake) -> Result<()> {
    // Whoever recounts all files needs all of them.
    if Arc::strong_count(&lake.recounting) > 1 {
        return Ok(());
    }
    // Decided by the writer, between two publications: a doomed path that nobody holds then will never be named again. Read
    // beside the writer, a file could be struck off the list and let go of between one look and the next.
    let (mut left, free): (BTreeSet<String>, BTreeSet<String>) = wait(lake.writer.write(doomed_paths, |state, doomed| {
        let is_held = |path: &String| state.held.get(path).is_some_and(|held| held.by.strong_count() > 0);
        doomed.into_iter().partition(is_held)
    }))?;
    let mut deleted = Vec::new();
    for path in free {
        match wait(lake.objects.delete(&path)) {
            Ok(()) => deleted.push(path),
            Err(error) => {
                warn!(path, %error, "could not delete a file that is no longer needed; it is tried again");
                left.insert(path);
            }
        }
    }
    if !deleted.is_empty() {
        wait(lake.writer.write(move |conn| forget(conn, deleted), |_, ()| ()))?;
    }
    lake.shared.change(|state| state.held.retain(|path, held| held.by.strong_count() > 0 || left.contains(path)));
    Ok(())
}

/// The objects that no committed state names.
pub(crate) fn doomed_paths(conn: &Connection) -> Result<Vec<String>> {
    let mut select = conn.prepare("SELECT path FROM doomed").doing("list doomed files")?;
    let paths = select.query_map([], |row| row.get(0)).doing("list doomed files")?;
    paths.collect::<rusqlite::Result<_>>().doing("list doomed files")
}

/// Strikes deleted objects off the list.
pub(crate) fn forget(conn: &Connection, deleted: Vec<String>) -> Result<()> {
    for path in deleted {
        conn.execute("DELETE FROM doomed WHERE path = ?", [path]).doing("forget a deleted file")?;
    }
    Ok(())
}
