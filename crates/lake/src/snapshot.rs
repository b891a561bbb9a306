//! What a query sees: the newest state from memory, an older one with a look into the catalog.

use crate::Lake;
use crate::batches::adapt;
use crate::catalog;
use crate::failure::Doing;
use crate::state::{Table, TailSlice};
use helios_contract::clock::Timestamp;
use helios_contract::column::table_schema;
use helios_contract::commit::{CommitId, Receipt};
use helios_contract::error::{Error, Result};
use helios_contract::name::TableName;
use helios_contract::store::{Slice, Snapshot, Version};
use helios_contract::stream::StreamId;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;

/// The table at a version; see `TableStore::snapshot`.
pub(crate) async fn snapshot(lake: &Lake, name: &TableName, version: Version) -> Result<Snapshot> {
    let (newest, tail) = lake.shared.read(|state| state.named(name).map(newest))?;
    let mut snapshot = match version {
        Version::Latest => newest,
        Version::Commit(commit) if commit == newest.version => newest,
        Version::Commit(commit) if commit > newest.version || commit < CommitId(0) => {
            return Err(Error::invalid(format!("'{name}' has no version {commit}; its newest is {}", newest.version)));
        }
        Version::Time(time) if newest.committed_at.is_some_and(|at| at <= time) => newest,
        Version::Commit(_) | Version::Time(_) => past(lake, newest, version).await?,
    };
    let visible = tail.into_iter().filter(|tail| tail.slice.commit <= snapshot.version);
    snapshot.tail = visible.map(|tail| today(lake, tail, &snapshot.schema)).collect::<Result<_>>()?;
    Ok(snapshot)
}

fn newest(table: &Table) -> (Snapshot, Vec<TailSlice>) {
    let snapshot = Snapshot {
        stream: Arc::clone(&table.stream),
        schema: Arc::clone(&table.schema),
        version: table.version,
        committed_at: table.committed_at,
        newest: table.newest,
        tail: Vec::new(),
        // Files without rows only remember what retention removed.
        files: table.files.iter().filter(|entry| entry.file.n_rows > 0).map(|entry| Arc::clone(&entry.file)).collect(),
    };
    (snapshot, table.tail.clone())
}

/// A slice in the columns of `schema`.
pub(crate) fn today(lake: &Lake, tail: TailSlice, schema: &arrow::datatypes::SchemaRef) -> Result<Slice> {
    Ok(Slice { rows: adapt(&tail.slice.rows, schema, lake.backfill)?, ..tail.slice })
}

/// Narrows the newest snapshot to an older version.
async fn past(lake: &Lake, newest: Snapshot, version: Version) -> Result<Snapshot> {
    let stream = newest.stream.id;
    let found = catalog::read(lake.catalog_path(), move |conn| {
        let (condition, value) = match version {
            Version::Commit(commit) => ("id", commit.0),
            Version::Time(Timestamp(time)) => ("at", time),
            Version::Latest => ("id", i64::MAX),
        };
        let select = format!("SELECT id, at, newest FROM commits WHERE stream = ? AND {condition} <= ? ORDER BY id DESC LIMIT 1");
        let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?));
        conn.query_row(&select, params![stream.0, value], row).optional().doing("find a version")
    })
    .await?;
    let reached = CommitId(found.map_or(0, |(commit, ..)| commit));
    let version = match version {
        Version::Commit(commit) => commit,
        Version::Latest | Version::Time(_) => reached,
    };
    let then = lake.shared.read(|state| state.table(stream).map(|table| table.definition_at(version)))?;
    Ok(Snapshot {
        schema: table_schema(&then.definition.columns),
        stream: then,
        version,
        committed_at: found.map(|(_, at, _)| Timestamp(at)),
        newest: found.and_then(|(.., newest)| newest).map(Timestamp),
        files: newest.files.into_iter().filter(|file| file.commit_min <= version).collect(),
        ..newest
    })
}

/// The answer kept for an idempotency key.
pub(crate) fn receipt(conn: &Connection, stream: StreamId, key: &str) -> Result<Option<(CommitId, Receipt)>> {
    let found: Option<(i64, String)> = conn
        .query_row("SELECT commit_id, counts FROM receipts WHERE stream = ? AND key = ?", params![stream.0, key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .doing("look up a receipt")?;
    let receipt = |(commit, counts): (i64, String)| {
        let counts = serde_json::from_str(&counts).doing("read a receipt")?;
        Ok((CommitId(commit), Receipt { key: key.to_owned(), counts }))
    };
    found.map(receipt).transpose()
}
