//! The catalog database: its tables, and how it is opened.

mod upgrade;

use crate::documents::TABLE as DOCUMENTS;
use crate::drift::TABLES as DRIFT;
use crate::failure::Doing;
use crate::outlets::TABLES as OUTLETS;
use crate::quarantine::TABLES as QUARANTINE;
use helios_contract::error::{Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use upgrade::VERSION as SCHEMA_VERSION;

/// The name of the database within the data directory.
pub(crate) const FILE: &str = "catalog.sqlite";

const SCHEMA: &str = "
-- One row per stream; `version` counts changes of the definition, `last_field` is the newest Iceberg field id given out.
CREATE TABLE streams (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, definition TEXT NOT NULL,
    paused INTEGER NOT NULL, created_at INTEGER NOT NULL, last_field INTEGER NOT NULL) STRICT;
-- Where the next record of each source partition is read.
CREATE TABLE offsets (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, partition TEXT NOT NULL, position TEXT NOT NULL,
    PRIMARY KEY (stream, partition)) STRICT, WITHOUT ROWID;
-- `newest` is the newest arrival up to this commit; `file_set` is empty until the commit is covered by files;
-- `folded` commits stand for all of their set.
CREATE TABLE commits (
    id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, at INTEGER NOT NULL,
    n_rows INTEGER NOT NULL, n_bytes INTEGER NOT NULL, newest INTEGER, moves TEXT NOT NULL, file_set INTEGER,
    folded INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX commits_of_stream ON commits (stream, id);
CREATE INDEX commits_without_file ON commits (stream, id) WHERE file_set IS NULL;
CREATE INDEX commits_to_fold ON commits (file_set, at) WHERE folded = 0 AND file_set IS NOT NULL;
-- What became of the records of each commit.
CREATE TABLE ledger (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, commit_id INTEGER NOT NULL, partition TEXT NOT NULL,
    first TEXT NOT NULL, last TEXT NOT NULL, received INTEGER NOT NULL, stored INTEGER NOT NULL, quarantined INTEGER NOT NULL,
    filtered INTEGER NOT NULL, deduplicated INTEGER NOT NULL, late INTEGER NOT NULL, gap TEXT, n_lost INTEGER NOT NULL) STRICT;
CREATE INDEX ledger_of_stream ON ledger (stream, commit_id);
-- The rows of small commits, as an Arrow IPC stream, until they are compacted.
CREATE TABLE slices (
    commit_id INTEGER PRIMARY KEY, stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, ipc BLOB NOT NULL) STRICT;
CREATE INDEX slices_of_stream ON slices (stream);
-- Parquet files. `file_set` is the number in the path, `counts` has the rows by source partition, `lineage` what the file covers.
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, path TEXT NOT NULL UNIQUE,
    file_set INTEGER NOT NULL, size_bytes INTEGER NOT NULL, n_rows INTEGER NOT NULL, commit_min INTEGER NOT NULL, commit_max INTEGER NOT NULL,
    sorted INTEGER NOT NULL, partition TEXT NOT NULL, ranges TEXT NOT NULL, counts TEXT NOT NULL, lineage TEXT NOT NULL) STRICT;
CREATE INDEX files_of_stream ON files (stream);
-- Records that did not become rows. `at` is when that was found; `note` is why they were discarded, or how they were mended.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, commit_id INTEGER NOT NULL,
    partition TEXT NOT NULL, position TEXT NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL, path TEXT NOT NULL,
    payload BLOB NOT NULL, key BLOB, headers BLOB, at INTEGER NOT NULL, class TEXT NOT NULL, state TEXT NOT NULL, note TEXT) STRICT;
CREATE INDEX quarantine_of_stream ON quarantine (stream, partition);
-- Answers to pushes that carried an idempotency key.
CREATE TABLE receipts (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, key TEXT NOT NULL, commit_id INTEGER NOT NULL, at INTEGER NOT NULL,
    counts TEXT NOT NULL, PRIMARY KEY (stream, key)) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_age ON receipts (at);
-- What retention removed.
CREATE TABLE expired (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, partition TEXT NOT NULL, n_rows INTEGER NOT NULL DEFAULT 0,
    n_quarantined INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (stream, partition)) STRICT, WITHOUT ROWID;
-- Objects that no committed state names: about to be written, or to be deleted. `file_set` is the newest set that knew the path.
CREATE TABLE doomed (path TEXT PRIMARY KEY, file_set INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// Opens the database for the one writer, and creates its tables when it is new.
///
/// # Errors
/// `Invalid` when a newer Helios wrote it; `Corrupt` when it is no database.
pub(crate) fn open(path: &Path) -> Result<Connection> {
    let conn = Connection::open(path).doing("open the database")?;
    // FULL: a commit is on disk before it is answered. The log is folded back every 16 MiB.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 4096;
         PRAGMA journal_size_limit = 67108864; PRAGMA busy_timeout = 5000;",
    )
    .doing("set up the database")?;
    conn.set_prepared_statement_cache_capacity(64);
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).doing("read the version of the database")?;
    match version {
        0 => {
            let create = format!(
                "BEGIN; {SCHEMA} {QUARANTINE} {DRIFT} {DOCUMENTS} {OUTLETS} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            );
            conn.execute_batch(&create).doing("create the tables")?;
            Ok(conn)
        }
        1..=SCHEMA_VERSION => {
            upgrade::upgrade(&conn, version)?;
            conn.execute_batch(DOCUMENTS).doing("create the table of documents")?;
            conn.execute_batch(OUTLETS).doing("create the tables of clusters and sinks")?;
            Ok(conn)
        }
        _ => Err(Error::invalid(format!(
            "{} was written by a newer Helios (its version is {version}, this one knows {SCHEMA_VERSION})",
            path.display()
        ))
        .hint("Start the newer Helios, or choose another data directory.")),
    }
}

/// Reads from the database on a connection of its own, on a thread made for blocking work.
///
/// What `read` sees is one consistent state: that of a single moment.
pub(crate) async fn read<T: Send + 'static>(
    path: std::path::PathBuf,
    read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
) -> Result<T> {
    blocking(move || read_here(&path, read)).await
}

/// [`read`] on the calling thread, which must be one for blocking work.
pub(crate) fn read_here<T>(path: &Path, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .doing("open the database")?;
    conn.execute_batch("PRAGMA busy_timeout = 5000; BEGIN").doing("begin to read")?;
    read(&conn)
}

/// Runs CPU or disk work where it holds up nobody.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(cause) => Err(Error::internal("work of the lake was cut short").because(cause)),
    }
}

/// A count as SQLite keeps it; its integers are signed.
pub(crate) fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The count in a column.
pub(crate) fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|n| u64::try_from(n).unwrap_or(0))
}
