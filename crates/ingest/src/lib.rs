//! Reads sources, decodes records, and commits rows together with the positions they came from.
//!
//! Read the modules in the order a record travels: [`source`] gives chunks, `intake` makes rows of them, `batch` collects
//! the rows, and `pipeline` is the one loop that drives all three and the only place that acknowledges.

mod format;
mod options;
mod registry;
pub mod source;

pub mod decode;
mod infer;
mod split;

mod dedup;
mod drift;
mod intake;
mod lateness;

mod rehearse;
mod repair;
mod replay;
mod returns;

mod backoff;
mod batch;
mod pipeline;

mod definition;
mod probe;
mod push;
mod report;
mod supervisor;
mod system;

#[cfg(test)]
mod world;

pub use format::format_options;
pub use options::{OptionSpec, Takes, options};

use async_trait::async_trait;
use helios_contract::commit::CommitId;
use helios_contract::condition::Conditions;
use helios_contract::quarantine::fix::Fix;
use helios_contract::quarantine::{Outcome, Quarantine, QuarantineControl, QuarantineId};
use helios_contract::query::{Push, Pushed, Receiver, SenderRange};
use helios_contract::rehearsal::{Reach, Rehearsal};
use helios_contract::secret::Secrets;
use helios_contract::store::{Catalog, Drifts, Receipts, TableStore, Version};
use helios_contract::stream::{StreamChange, StreamCommand, StreamControl, StreamDefinition, StreamStatus};
use helios_contract::system::SystemTable;
use helios_contract::{Clock, Result, StreamName, fault::Faults};
use std::any::Any;
use std::sync::Arc;
use supervisor::Supervisor;

/// What users may set.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long rows of a polled source wait for company before they are committed. Pushed records never wait.
    pub commit_delay_ms: u64,
    /// Rows that make a batch full.
    pub batch_rows_max: usize,
    /// Payload bytes that make a batch full. A stream holds two batches at most: one being committed, one being filled.
    pub batch_bytes_max: usize,
    /// Records decoded in one go.
    pub decode_rows_max: usize,
    /// Bytes of pushed records that may wait for their commit, per stream; more are answered with "retry later".
    pub push_bytes_max: usize,
    /// Pushes that may wait for their commit, per stream.
    pub push_requests_max: usize,
    /// How long a push waits for a stream that is just starting.
    pub push_wait_ms: u64,
    /// How long a commit of pushed records is tried while the disk is full or failing; then their senders are told to come back.
    pub push_retry_ms: u64,
    /// The first pause after something was away; it doubles up to the next setting.
    pub retry_delay_min_ms: u64,
    /// The longest pause after something was away.
    pub retry_delay_max_ms: u64,
    /// The first pause before a failed stream is opened again; it doubles up to the next setting.
    pub reopen_delay_min_ms: u64,
    /// The longest pause before a failed stream is opened again.
    pub reopen_delay_max_ms: u64,
    /// How long a stopping stream may take to commit what is open.
    pub stop_ms: u64,
    /// After how long without rows a source partition no longer holds the stream's watermark back.
    pub partition_idle_ms: u64,
    /// How often Kafka is asked for new partitions.
    pub kafka_refresh_ms: u64,
    /// The longest pause between two reads of a Kinesis shard that has nothing new; more where a stream has many shards.
    pub kinesis_idle_ms: u64,
    /// How long `CREATE STREAM` without columns may read a sample.
    pub sample_ms: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            commit_delay_ms: 50,
            batch_rows_max: 131_072,
            batch_bytes_max: 32 << 20,
            decode_rows_max: 16_384,
            push_bytes_max: 64 << 20,
            push_requests_max: 4_096,
            push_wait_ms: 5_000,
            push_retry_ms: 2_000,
            retry_delay_min_ms: 100,
            retry_delay_max_ms: 5_000,
            reopen_delay_min_ms: 1_000,
            reopen_delay_max_ms: 30_000,
            stop_ms: 10_000,
            partition_idle_ms: 60_000,
            kafka_refresh_ms: 10_000,
            kinesis_idle_ms: 1_000,
            sample_ms: 10_000,
        }
    }
}

/// What tests replace.
#[derive(Clone)]
pub struct Parts {
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Where rows and positions are kept.
    pub tables: Arc<dyn TableStore>,
    /// Where stream definitions are kept.
    pub catalog: Arc<dyn Catalog>,
    /// Where answers to pushes with an idempotency key are kept.
    pub receipts: Arc<dyn Receipts>,
    /// Makes conditions of rules and filters.
    pub conditions: Arc<dyn Conditions>,
    /// What types were proposed for fields without a column.
    pub drifts: Arc<dyn Drifts>,
    /// Where records that did not fit are kept.
    pub quarantine: Arc<dyn Quarantine>,
    /// What secret options stand for.
    pub secrets: Arc<dyn Secrets>,
    /// `ingest.decode`, `ingest.commit` and `ingest.answer` can be made to fail.
    pub faults: Faults,
    /// Where metrics are registered.
    pub metrics: prometheus::Registry,
}

/// All streams of a server, running.
pub struct Ingest {
    supervisor: Arc<Supervisor>,
}

/// Resumes every stream that is not paused.
///
/// # Errors
/// `Internal` when `parts.metrics` already has our metrics. A stream that cannot be opened is no error here: it says so in
/// its status and is retried.
pub async fn start(config: Config, parts: Parts) -> Result<Arc<Ingest>> {
    let supervisor = Supervisor::new(config, parts)?;
    supervisor.start_all().await;
    Ok(Arc::new(Ingest { supervisor }))
}

impl Ingest {
    /// `system.streams` and `system.partitions`.
    pub fn system_tables(&self) -> Vec<Arc<dyn SystemTable>> {
        system::tables(&self.supervisor)
    }

    /// Stops reading, commits what is open, and ends all stream tasks.
    pub async fn stop(&self) {
        self.supervisor.stop_all().await;
    }
}

#[async_trait]
impl StreamControl for Ingest {
    async fn apply(&self, command: StreamCommand) -> Result<StreamDefinition> {
        self.supervisor.apply(command).await
    }

    async fn rehearse(
        &self,
        name: &StreamName,
        change: StreamChange,
        reach: Reach,
        quarantined: Vec<QuarantineId>,
    ) -> Result<Rehearsal> {
        rehearse::rehearse(&self.supervisor, name, change, reach, quarantined).await
    }

    fn status(&self) -> Vec<StreamStatus> {
        self.supervisor.status()
    }
}

#[async_trait]
impl QuarantineControl for Ingest {
    async fn discard(&self, stream: &StreamName, ids: Vec<QuarantineId>, reason: &str) -> Result<u64> {
        replay::discard(&self.supervisor, stream, ids, reason).await
    }

    async fn replay(&self, stream: &StreamName, ids: Vec<QuarantineId>, fixes: Vec<Fix>) -> Result<Vec<Outcome>> {
        replay::replay(&self.supervisor, stream, ids, fixes).await
    }

    async fn rehearse(&self, stream: &StreamName, ids: Vec<QuarantineId>, fixes: Vec<Fix>) -> Result<Vec<Outcome>> {
        replay::rehearse(&self.supervisor, stream, ids, fixes).await
    }
}

#[async_trait]
impl Receiver for Ingest {
    async fn push(&self, push: Push) -> Result<Pushed> {
        push::push(&self.supervisor, push).await
    }

    fn expect(&self, stream: &StreamName, range: &SenderRange) -> Box<dyn Any + Send> {
        match self.supervisor.inbox(stream) {
            Ok((_, inbox)) => Box::new(inbox.expect(range)),
            // The push itself will hear of it.
            Err(_) => Box::new(()),
        }
    }

    async fn position(&self, stream: &StreamName, partition: &str) -> Result<Option<String>> {
        let stream = self.supervisor.stream(stream)?;
        Ok(self.supervisor.parts.tables.offsets(stream.id).await?.remove(partition))
    }
}

/// The commit that everything visible is in: what we answer when the commit's own number is not known any more.
async fn newest_commit(tables: &dyn TableStore, name: &StreamName) -> Result<CommitId> {
    Ok(tables.snapshot(name, Version::Latest).await?.version)
}
