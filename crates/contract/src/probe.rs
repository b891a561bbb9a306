//! The seam to sources before they are streams: named checks, topics, samples, and what would become of records.

use crate::clock::Timestamp;
use crate::column::Column;
use crate::decode::Reject;
use crate::error::Result;
use crate::stream::StreamDefinition;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures_core::stream::BoxStream;
use std::time::Duration;

/// Looks at a source that a definition names, without creating a stream and without leaving a trace there.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Tries to reach and read the source, step by step; each check is told as it ends. Those behind a failed one are skipped.
    fn test(&self, definition: StreamDefinition) -> BoxStream<'static, Check>;

    /// The topics there are; the option that names one may be missing.
    ///
    /// # Errors
    /// `Invalid` for a source without topics, or a login that is refused; `Unavailable` when it cannot be reached.
    async fn topics(&self, definition: StreamDefinition) -> Result<Vec<Topic>>;

    /// The newest records, and how they seem to be written.
    ///
    /// # Errors
    /// As [`Probe::topics`].
    async fn sample(&self, definition: StreamDefinition, n_records_max: usize) -> Result<Sample>;

    /// What would become of these payloads; columns are inferred where the definition has none.
    ///
    /// # Errors
    /// `Invalid` when columns cannot be inferred, or the definition contradicts itself.
    async fn preview(&self, definition: StreamDefinition, payloads: Vec<Bytes>) -> Result<Preview>;
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// As it should.
    Ok,
    /// It failed.
    Failed,
    /// It does not apply, or something before it failed.
    Skipped,
}

impl CheckState {
    /// The word shown to users.
    pub fn as_str(self) -> &'static str {
        match self {
            CheckState::Ok => "ok",
            CheckState::Failed => "failed",
            CheckState::Skipped => "skipped",
        }
    }
}

/// One check of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `dns`, `tcp`, `tls`, `login`, `metadata`, `read` or `decode`.
    pub name: &'static str,
    /// How it ended.
    pub state: CheckState,
    /// How long it took; `None` where it was not measured by itself.
    pub took: Option<Duration>,
    /// What was found.
    pub message: String,
    /// What to do; empty when there is nothing to do.
    pub hint: String,
}

/// A topic of a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub n_partitions: usize,
    /// Records it holds, where that was asked; transactions' markers count.
    pub n_records: Option<u64>,
}

/// How payloads seem to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// JSON objects.
    Json,
    /// Lines of fields with commas between them.
    Csv,
    /// Avro behind a schema registry's five bytes.
    Avro,
    /// Protocol buffers.
    Protobuf,
    /// What a CloudWatch Logs subscription sends.
    CloudwatchLogs,
    /// Text of some other kind, or nothing known.
    Text,
}

impl Guess {
    /// The word shown to users.
    pub fn as_str(self) -> &'static str {
        match self {
            Guess::Json => "json",
            Guess::Csv => "csv",
            Guess::Avro => "avro",
            Guess::Protobuf => "protobuf",
            Guess::CloudwatchLogs => "cloudwatch_logs",
            Guess::Text => "text",
        }
    }
}

/// One record of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRecord {
    /// The source partition.
    pub partition: String,
    /// Where it stands in it.
    pub position: String,
    /// When it arrived at the source.
    pub time: Option<Timestamp>,
    /// Its key.
    pub key: Option<Bytes>,
    /// Its headers, in order.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Its bytes.
    pub payload: Bytes,
}

/// The newest records of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// How they seem to be written.
    pub format: Guess,
    /// What that is concluded from, as a sentence.
    pub why: String,
    /// The records, newest first.
    pub records: Vec<SampleRecord>,
}

/// What is known of a column from a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct PreviewColumn {
    /// The column.
    pub column: Column,
    /// The share of the rows that have a value for it.
    pub seen: f64,
    /// Why it has its type, as a sentence.
    pub why: String,
    /// Some values.
    pub examples: Vec<String>,
}

/// What would become of payloads.
#[derive(Debug)]
pub struct Preview {
    /// The definition with its columns, and the event time where one was found.
    pub definition: StreamDefinition,
    /// Its columns.
    pub columns: Vec<PreviewColumn>,
    /// The rows, with the declared columns only.
    pub rows: RecordBatch,
    /// Payloads that did not fit.
    pub rejects: Vec<Reject>,
}
