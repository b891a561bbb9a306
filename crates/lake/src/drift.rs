//! What became of a table's columns over time, and which fields have none yet.

use crate::failure::Doing;
use helios_contract::clock::Timestamp;
use helios_contract::column::{Column, ColumnType};
use helios_contract::commit::CommitId;
use helios_contract::drift::Drift;
use helios_contract::error::Result;
use helios_contract::stream::{Stream, StreamDefinition, StreamId};
use rusqlite::{Connection, OptionalExtension, params};

pub(crate) const TABLES: &str = "
-- Fields without a column. `proposed` is the type as JSON, `type` as SQL; `n_before` is how many rows were stored before.
CREATE TABLE IF NOT EXISTS drift (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, path TEXT NOT NULL, proposed TEXT NOT NULL, type TEXT NOT NULL,
    n_records INTEGER NOT NULL, first_seen INTEGER NOT NULL, n_before INTEGER NOT NULL, PRIMARY KEY (stream, path)) STRICT, WITHOUT ROWID;
-- What happened to columns.
CREATE TABLE IF NOT EXISTS schema_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, at INTEGER NOT NULL,
    kind TEXT NOT NULL, path TEXT NOT NULL, type TEXT NOT NULL) STRICT;
-- Definitions with other columns than today's; commits up to `until` were made under it.
CREATE TABLE IF NOT EXISTS definitions (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, until INTEGER NOT NULL, definition TEXT NOT NULL,
    PRIMARY KEY (stream, until)) STRICT, WITHOUT ROWID;
";

/// Most fields without a column that are remembered for a stream.
const FIELDS_MAX: i64 = 5_000;

/// Version 3 of the catalog: it remembers fields without a column, and older definitions.
pub(crate) fn upgrade(conn: &Connection) -> Result<()> {
    conn.execute_batch(TABLES).doing("create the tables of schema changes")
}

/// Remembers the fields that the records of a commit have and the table does not.
pub(crate) fn record(conn: &Connection, stream: StreamId, drifts: &[Drift]) -> Result<()> {
    let what = "remember fields without a column";
    let mut before = None;
    for drift in drifts {
        let known: Option<String> = conn
            .prepare_cached("SELECT proposed FROM drift WHERE stream = ? AND path = ?")
            .and_then(|mut select| select.query_row(params![stream.0, drift.path], |row| row.get(0)).optional())
            .doing(what)?;
        let Some(known) = known else {
            let (n_fields, n_before) = match before {
                Some(before) => before,
                None => *before.insert(before_this(conn, stream)?),
            };
            if n_fields < FIELDS_MAX {
                insert(conn, stream, drift, n_before)?;
                before = Some((n_fields + 1, n_before));
            }
            continue;
        };
        let known: ColumnType = serde_json::from_str(&known).doing(what)?;
        let proposed = known.or_json(&drift.proposed);
        conn.prepare_cached("UPDATE drift SET proposed = ?, type = ?, n_records = n_records + ? WHERE stream = ? AND path = ?")
            .and_then(|mut update| {
                update.execute(params![json(&proposed), proposed.to_string(), drift.n_records as i64, stream.0, drift.path])
            })
            .doing(what)?;
    }
    Ok(())
}

/// How many fields are remembered, and how many rows were stored before the newest commit.
fn before_this(conn: &Connection, stream: StreamId) -> Result<(i64, i64)> {
    conn.query_row(
        "SELECT (SELECT count(*) FROM drift WHERE stream = ?1),
                (SELECT coalesce(sum(stored), 0) FROM ledger WHERE stream = ?1
                 AND commit_id < (SELECT max(id) FROM commits WHERE stream = ?1))",
        [stream.0],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
    .doing("count what was stored before a new field")
}

fn insert(conn: &Connection, stream: StreamId, drift: &Drift, n_before: i64) -> Result<()> {
    let Drift { path, proposed, n_records, time } = drift;
    conn.prepare_cached("INSERT INTO drift VALUES (?, ?, ?, ?, ?, ?, ?)")
        .and_then(|mut insert| {
            insert.execute(params![stream.0, path, json(proposed), proposed.to_string(), *n_records as i64, time.0, n_before])
        })
        .map(drop)
        .doing("remember a field without a column")
}

fn json(column_type: &ColumnType) -> String {
    serde_json::to_string(column_type).expect("types have no maps, the only thing that JSON might refuse")
}

/// The type proposed for a field without a column.
pub(crate) fn proposed(conn: &Connection, stream: StreamId, path: &str) -> Result<Option<ColumnType>> {
    let what = "look up what was seen of a field";
    let proposed: Option<String> = conn
        .query_row("SELECT proposed FROM drift WHERE stream = ? AND path = ?", params![stream.0, path], |row| row.get(0))
        .optional()
        .doing(what)?;
    proposed.map(|json| serde_json::from_str(&json).doing(what)).transpose()
}

/// Records what a new definition does to the columns, and keeps the old one for the versions made under it.
pub(crate) fn changed(conn: &Connection, new: &Stream, at: Timestamp) -> Result<()> {
    let what = "record a change of columns";
    let old: String = conn.query_row("SELECT definition FROM streams WHERE id = ?", [new.id.0], |row| row.get(0)).doing(what)?;
    let before: StreamDefinition = serde_json::from_str(&old).doing("read the definition of a stream")?;
    if before.columns == new.definition.columns {
        return Ok(());
    }
    conn.execute(
        "INSERT OR IGNORE INTO definitions SELECT ?1, coalesce((SELECT max(id) FROM commits WHERE stream = ?1), 0), ?2",
        params![new.id.0, old],
    )
    .doing(what)?;
    for (kind, path, data_type) in differences(&before.columns, &new.definition.columns) {
        conn.execute(
            "INSERT INTO schema_changes (stream, at, kind, path, type) VALUES (?, ?, ?, ?, ?)",
            params![new.id.0, at.0, kind, path, data_type],
        )
        .doing(what)?;
    }
    for path in new.definition.columns.iter().flat_map(|column| column.from.iter().chain([&column.name])) {
        conn.execute("DELETE FROM drift WHERE stream = ? AND path = ?", params![new.id.0, path]).doing(what)?;
    }
    Ok(())
}

/// What happened to each column: kind, name (or path), type.
fn differences(before: &[Column], after: &[Column]) -> Vec<(&'static str, String, String)> {
    let mut found = Vec::new();
    for column in after {
        let data_type = column.data_type.to_string();
        match before.iter().find(|old| old.id == column.id) {
            None if column.from.is_empty() => found.push(("column_added", column.name.clone(), data_type)),
            None => found.push(("promoted", format!("{} as {}", column.from.join(", "), column.name), data_type)),
            Some(old) => {
                if old.name != column.name {
                    found.push(("column_renamed", format!("{} to {}", old.name, column.name), data_type.clone()));
                }
                if old.data_type != column.data_type {
                    found.push(("type_changed", column.name.clone(), format!("{} to {data_type}", old.data_type)));
                }
                if old.from != column.from || old.default != column.default {
                    found.push(("mapped", column.name.clone(), data_type));
                }
            }
        }
    }
    let dropped = before.iter().filter(|old| !after.iter().any(|column| column.id == old.id));
    found.extend(dropped.map(|old| ("column_dropped", old.name.clone(), old.data_type.to_string())));
    found
}

/// A definition of former times, and the newest version made under it.
type Past = (CommitId, (StreamId, StreamDefinition));

/// Every older definition, oldest first.
pub(crate) fn definitions(conn: &Connection) -> Result<Vec<Past>> {
    let what = "read older definitions";
    let mut select = conn.prepare("SELECT stream, until, definition FROM definitions ORDER BY stream, until").doing(what)?;
    let mut rows = select.query([]).doing(what)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let definition: String = row.get(2).doing(what)?;
        let definition = serde_json::from_str(&definition).doing("read the definition of a stream")?;
        found.push((CommitId(row.get(1).doing(what)?), (StreamId(row.get(0).doing(what)?), definition)));
    }
    Ok(found)
}
