//! The seam to answers, and the one to pushed records.

use crate::clock::Timestamp;
use crate::commit::{CommitId, Counts};
use crate::error::Result;
use crate::name::StreamName;
use crate::stream::StreamDefinition;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;
use std::any::Any;
use std::time::Duration;

/// Values for `$1` or `$name`.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Parameters {
    /// None.
    #[default]
    None,
    /// `$1`, `$2`, ...
    Positional(Vec<serde_json::Value>),
    /// `$name`
    Named(serde_json::Map<String, serde_json::Value>),
}

/// What a query may use. `None` means the configured default, which is also the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Rows returned; one more is an `Exhausted` error at the end of the answer.
    pub n_rows: Option<u64>,
    /// Wall time.
    pub time: Option<Duration>,
    /// Memory before spilling and, where an operator cannot spill, before `Exhausted`.
    pub memory_bytes: Option<u64>,
    /// How much of the answer is wanted.
    pub extent: Extent,
}

/// How much of an answer is wanted, and so what its limit of rows means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// All of it: more rows than the limit are an error.
    #[default]
    Limited,
    /// Its beginning: it ends at the limit.
    Beginning,
    /// All of it, however long: there is no limit of rows, and more time.
    Whole,
}

/// Which answers that were computed before will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reuse {
    /// None: it is computed.
    Never,
    /// One that computing it now would give.
    #[default]
    Exact,
    /// Also one that is no older than this; who asks the same at the same time waits for the same answer.
    Within(Duration),
}

/// A statement to run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// One statement.
    pub sql: String,
    /// Its parameters.
    pub parameters: Parameters,
    /// What it may use.
    pub limits: Limits,
    /// A name for it, for `system.queries` and cancelling; the engine makes one up when empty.
    pub id: String,
    /// Which kept answers will do.
    pub reuse: Reuse,
}

/// The answer to a statement. Dropping it cancels the statement.
pub struct Answer {
    /// The statement's id.
    pub id: String,
    /// The fields.
    pub schema: SchemaRef,
    /// The newest commit among the snapshots read; `None` when no table was read.
    pub snapshot: Option<CommitId>,
    /// Now minus the arrival of the newest record in the tables read; `None` when no table was read or all are empty.
    pub freshness: Option<Duration>,
    /// How long ago it was computed, if it was kept from then.
    pub age: Option<Duration>,
    /// The rows.
    pub rows: BoxStream<'static, Result<RecordBatch>>,
}

/// Answers SQL.
#[async_trait]
pub trait QueryEngine: Send + Sync {
    /// Plans a statement without running it; answers its fields.
    async fn check(&self, sql: &str) -> Result<SchemaRef>;

    /// Runs a statement.
    async fn run(&self, query: Query) -> Result<Answer>;

    /// Cancels a running statement; false when there is none of that id.
    fn cancel(&self, id: &str) -> bool;

    /// What a `CREATE STREAM` statement defines; nothing is created, and its options are not checked.
    ///
    /// # Errors
    /// `Invalid` for every other statement.
    async fn definition(&self, statement: &str) -> Result<StreamDefinition>;
}

/// How pushed records stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyFormat {
    /// JSON in any of its shapes: one object, an array of objects, or one object a line.
    #[default]
    Json,
    /// CSV with a header line.
    Csv,
}

/// A place the sender names itself, so that a repeated push is recognised for ever (`helios load` uses it).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderRange {
    /// The sender's own partition: `file:HASH`.
    pub partition: String,
    /// Where the sender believes Helios stands; `None`: nothing pushed yet.
    pub from: Option<String>,
    /// Where Helios stands after this push.
    pub to: String,
}

/// A record that came apart from others.
#[derive(Debug, Clone)]
pub struct PushedRecord {
    /// Its bytes.
    pub payload: Bytes,
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// When it arrived at where it was sent from; `None`: with the push.
    pub time: Option<Timestamp>,
}

/// Records pushed by a client.
#[derive(Debug, Clone)]
pub struct Push {
    /// The stream to push to.
    pub stream: StreamName,
    /// The decompressed body.
    pub body: Bytes,
    /// How records stand in it.
    pub format: BodyFormat,
    /// Records that came apart from each other; then the body is empty.
    pub records: Option<Vec<PushedRecord>>,
    /// The sender's key, which makes a retry harmless.
    pub idempotency_key: Option<String>,
    /// The sender's own place.
    pub range: Option<SenderRange>,
    /// When the request came.
    pub at: Timestamp,
}

/// What became of a push, once it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pushed {
    /// The commit that holds it.
    pub commit: CommitId,
    /// What became of its records.
    pub counts: Counts,
    /// Whether this is the kept answer to an earlier push with the same key.
    pub repeated: bool,
}

/// Takes pushed records.
#[async_trait]
pub trait Receiver: Send + Sync {
    /// Answers after the commit. A push that continues from the end of one that is expected waits for it.
    ///
    /// # Errors
    /// `NotFound`: no such stream. `Invalid`: not an HTTP stream, or a body without structure. `Conflict`: the sender's
    /// range does not start where Helios stands (the hint names the position). `Exhausted`: the queue is full, retry later.
    /// `Unavailable`: paused, or the disk refuses; retry later.
    async fn push(&self, push: Push) -> Result<Pushed>;

    /// Says that a push of `range` is on its way, until what is returned is dropped: others may wait for it.
    fn expect(&self, stream: &StreamName, range: &SenderRange) -> Box<dyn Any + Send>;

    /// Where Helios stands in a sender's partition; `None`: nothing pushed yet.
    async fn position(&self, stream: &StreamName, partition: &str) -> Result<Option<String>>;
}
