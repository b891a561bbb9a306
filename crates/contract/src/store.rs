//! The seam to where tables are kept.

use crate::clock::Timestamp;
use crate::column::ColumnType;
use crate::commit::{Commit, CommitId, Receipt};
use crate::error::Result;
use crate::name::{StreamName, TableName};
use crate::record::Offsets;
use crate::stream::{Stream, StreamDefinition, StreamId};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use std::sync::Arc;

/// The rows of one commit; fields as `column::table_schema` says.
#[derive(Debug, Clone)]
pub struct Slice {
    /// The commit.
    pub commit: CommitId,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// Its rows.
    pub rows: RecordBatch,
}

/// The least and greatest value of an integer, date or timestamp column in a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ColumnRange {
    /// The column's Iceberg field id.
    pub field: i32,
    /// The least value: the integer itself, days, or microseconds.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
    /// How many rows have no value.
    pub n_nulls: u64,
}

/// A Parquet file of a table. While anybody holds it, the file is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// The path within the lake's object store.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its rows.
    pub n_rows: u64,
    /// The oldest commit with rows in it.
    pub commit_min: CommitId,
    /// The newest commit with rows in it.
    pub commit_max: CommitId,
    /// What its columns span.
    pub ranges: Vec<ColumnRange>,
    /// Whether its rows are in the stream's order (compacted), and not in arrival order.
    pub sorted: bool,
}

/// What a query sees of a table: the rows of every commit up to `version`, and nothing else.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The stream whose table it is.
    pub stream: Arc<Stream>,
    /// The fields, as `column::table_schema` says, by the stream's definition now.
    pub schema: SchemaRef,
    /// Rows with `_commit` up to this are in it. Tail and files may hold newer rows: filter them out.
    pub version: CommitId,
    /// When that commit was made; `None` when the table is empty.
    pub committed_at: Option<Timestamp>,
    /// The arrival time of the newest record, `None` when the table is empty.
    pub newest: Option<Timestamp>,
    /// Rows not yet in a file, oldest first.
    pub tail: Vec<Slice>,
    /// Files.
    pub files: Vec<Arc<DataFile>>,
}

/// Which snapshot is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The newest.
    Latest,
    /// `VERSION AS OF n`
    Commit(CommitId),
    /// `TIMESTAMP AS OF t`: the newest commit not after `t`.
    Time(Timestamp),
}

/// Where rows and positions are kept.
#[async_trait]
pub trait TableStore: Send + Sync {
    /// The stored positions of a stream's source.
    async fn offsets(&self, stream: StreamId) -> Result<Offsets>;

    /// Makes a commit durable, then visible: all or nothing.
    ///
    /// # Errors
    /// `Conflict` when a `from` is not what is stored or the stream changed; `NotFound` when the stream is gone;
    /// `Unavailable` when the disk is full or failing: nothing was committed, and the same commit may be tried again.
    async fn commit(&self, commit: Commit) -> Result<CommitId>;

    /// The table at a version.
    ///
    /// # Errors
    /// `NotFound` for the table; `Invalid` for a version that does not exist yet.
    async fn snapshot(&self, table: &TableName, version: Version) -> Result<Snapshot>;

    /// The slices after a commit, oldest first, as many as are wise to hold at once; empty when there are none.
    async fn since(&self, table: &TableName, after: CommitId) -> Result<Vec<Slice>>;
}

/// Tells when tables change.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Waits until the table has a commit after `after`.
    ///
    /// # Errors
    /// `NotFound` when the table is gone, also while waiting.
    async fn changed(&self, table: &TableName, after: CommitId) -> Result<()>;
}

/// Remembers the answers to pushes that carried an idempotency key.
#[async_trait]
pub trait Receipts: Send + Sync {
    /// The commit and counts kept for a key, if it was used before.
    async fn receipt(&self, stream: StreamId, key: &str) -> Result<Option<(CommitId, Receipt)>>;
}

/// Remembers the fields that records have and the table does not.
#[async_trait]
pub trait Drifts: Send + Sync {
    /// The type proposed for the field at `path`; `None` when no record had it.
    async fn proposed(&self, stream: StreamId, path: &str) -> Result<Option<ColumnType>>;
}

/// Where stream definitions are kept.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Every stream, by name.
    fn streams(&self) -> Vec<Arc<Stream>>;

    /// Adds a stream, assigns its number and its columns' field ids.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    async fn create(&self, definition: StreamDefinition) -> Result<Arc<Stream>>;

    /// Replaces definition and `paused` of a stream; assigns field ids to new columns (those with id 0).
    ///
    /// # Errors
    /// `Conflict` when `stream.version` is not the stored one; `NotFound` when it is gone.
    async fn replace(&self, stream: Stream) -> Result<Arc<Stream>>;

    /// Removes a stream, its rows, positions, quarantine and ledger.
    async fn remove(&self, name: &StreamName) -> Result<()>;
}

/// One finding of a verification: a stream's source partition, as the ledger says and as the rows say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The stream.
    pub stream: StreamName,
    /// The source partition.
    pub partition: String,
    /// Records received, by the ledger.
    pub received: u64,
    /// Rows stored, by the ledger.
    pub stored: u64,
    /// Rows removed by retention since.
    pub expired: u64,
    /// Rows counted in files and tail now.
    pub counted: u64,
    /// Records put into quarantine, by the ledger.
    pub quarantined: u64,
    /// Records counted in quarantine now.
    pub quarantine_counted: u64,
    /// Records left out, by the ledger.
    pub filtered: u64,
    /// Records left out as repeated, by the ledger.
    pub deduplicated: u64,
    /// Records known to be lost at the source, with a ledger row saying why.
    pub lost: u64,
    /// What does not agree; empty when all does.
    pub problem: String,
}

/// Recounts what is stored and compares it with the ledger.
#[async_trait]
pub trait Verify: Send + Sync {
    /// Verifies one stream, or all.
    async fn verify(&self, stream: Option<&StreamName>) -> Result<Vec<Verified>>;
}
