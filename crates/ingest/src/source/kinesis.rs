//! A Kinesis stream as a source. A source partition is a shard; positions come from the lake, and from nowhere else.
//!
//! Read the modules in the order a shard is met: `settings` and `client` reach the service, behind the seam that `api`
//! is; `tree` says which shards may be read, `reader` reads them at a `pace`, and `shard` makes chunks of their records.

mod api;
mod place;
mod settings;
mod trouble;

mod client;

mod aggregate;
mod pace;
mod shard;
mod tree;

mod reader;

mod newest;
pub(crate) mod probe;

#[cfg(test)]
mod tests;

pub(crate) use aggregate::{UserRecord, unpack};
pub(crate) use settings::check;

use super::handover::HandOver;
use crate::pipeline::Job;
use crate::{Config, Parts};
use api::{Api, From, Refusal, Shard, Why};
use async_trait::async_trait;
use bytes::Bytes;
use client::Kinesis;
use helios_contract::record::{Chunk, Offsets};
use helios_contract::source::{Done, Source};
use helios_contract::stream::StreamDefinition;
use helios_contract::{Error, Result, Timestamp};
use place::Place;
use reader::Reader;
use settings::Settings;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::warn;

/// Chunks that wait for the pipeline, each of a megabyte or two.
const N_WAITING: usize = 8;
/// Steps back from a moment that the service says is still to come; each is ten times the last one.
const STEP_BACK_MS: i64 = 100;
const STEPS_BACK_MAX: u32 = 6;
const SAMPLE_A_SHARD: usize = 200;
/// Whoever drops a stream waits this long for the service.
const FORGET_WITHIN: Duration = Duration::from_secs(10);

/// Finds where the option `start` begins in every shard there is. Shards that come later are read from their first record on.
///
/// # Errors
/// As [`open`].
pub(super) async fn beginnings(definition: &StreamDefinition, parts: &Parts) -> Result<Offsets> {
    let settings = Settings::of(definition, &*parts.secrets)?;
    let api = Kinesis::connect(&settings).await?;
    begin(&api, settings.start, parts.clock.now()).await
}

async fn begin(api: &dyn Api, start: crate::options::Start, now: Timestamp) -> Result<Offsets> {
    use crate::options::Start;
    let shards = api.shards().await.map_err(|refusal| refusal.error)?;
    let latest = match start {
        Start::Latest => Some(latest(api, &shards, now).await?),
        Start::Earliest | Start::At(_) => None,
    };
    let place = |shard: &Shard| match (start, latest) {
        // Nothing comes any more to a shard that is closed.
        (Start::Latest, _) if shard.is_closed => Place::Closed,
        (Start::Latest, Some(moment)) | (Start::At(moment), _) => Place::Since(moment),
        (Start::Earliest | Start::Latest, _) => Place::Earliest,
    };
    Ok(shards.iter().map(|shard| (shard.id.clone(), place(shard).to_string())).collect())
}

// This moment by the service's clock, as far as it can be known: rather too early than past a record.
async fn latest(api: &dyn Api, shards: &[Shard], now: Timestamp) -> Result<Timestamp> {
    let Some(open) = shards.iter().find(|shard| !shard.is_closed) else { return Ok(now) };
    let mut back_ms = 0;
    for step in 0..=STEPS_BACK_MAX {
        let moment = Timestamp(now.0 - back_ms * 1_000);
        match api.iterator(&open.id, &From::Time(moment)).await {
            Ok(_) => return Ok(moment),
            Err(refusal) if refusal.why == Why::Argument => back_ms = STEP_BACK_MS * 10_i64.pow(step),
            Err(refusal) => return Err(refusal.error),
        }
    }
    Err(Error::invalid("this machine's clock is ahead of kinesis' by more than a day").hint("Set the clock."))
}

/// Connects, and begins to read where the lake stands.
///
/// # Errors
/// The named states of the guide: `stream_missing`, `access_denied`, `endpoint_unreachable`, ...
pub(super) async fn open(job: &Job, offsets: &Offsets) -> Result<Box<dyn Source>> {
    let settings = Settings::of(&job.stream.definition, &*job.parts.secrets)?;
    let api = Arc::new(Kinesis::connect(&settings).await?);
    let idle_max = Duration::from_millis(job.config.kinesis_idle_ms);
    open_with(api, settings, idle_max, offsets).await
}

async fn open_with(api: Arc<dyn Api>, settings: Settings, idle_max: Duration, offsets: &Offsets) -> Result<Box<dyn Source>> {
    let shards = api.shards().await.map_err(|refusal| refusal.error)?;
    let (sender, chunks) = mpsc::channel(N_WAITING);
    let (committed, watched) = watch::channel(offsets.clone());
    let reader = Arc::new(Reader::new(api, settings, idle_max, sender));
    let mut task = JoinSet::new();
    task.spawn(reader.clone().run(shards, watched));
    let n_closed = n_closed(offsets);
    Ok(Box::new(KinesisSource {
        chunks: HandOver::new(chunks, "task that reads the kinesis stream"),
        reader,
        committed,
        n_closed,
        _task: task,
    }))
}

/// Tells the service that nobody reads the stream any more.
pub(super) async fn forget(definition: &StreamDefinition, parts: &Parts) {
    let Ok(settings) = Settings::of(definition, &*parts.secrets) else { return };
    // A consumer that was given by its ARN is somebody else's.
    let Some(consumer) = settings.consumer.as_deref().filter(|name| !name.starts_with("arn:")) else { return };
    let deregistering = async {
        let api = Kinesis::connect(&settings).await?;
        api.deregister(consumer).await.map_err(|Refusal { error, .. }| error)
    };
    let late = |_| Err(Error::unavailable(format!("no answer within {} s", FORGET_WITHIN.as_secs())));
    if let Err(error) = timeout(FORGET_WITHIN, deregistering).await.unwrap_or_else(late) {
        warn!(consumer, %error, "kinesis keeps the consumer of a stream that was dropped; it costs until it is deregistered");
    }
}

/// Reads some records to infer columns from.
///
/// # Errors
/// `Invalid` when there are none; else what keeps the stream from being read.
pub(super) async fn sample(definition: &StreamDefinition, config: &Config, parts: &Parts) -> Result<Vec<Bytes>> {
    let settings = Settings::of(definition, &*parts.secrets)?;
    let api = Kinesis::connect(&settings).await?;
    let limit = Duration::from_millis(config.sample_ms);
    let records = newest::newest(&api, SAMPLE_A_SHARD, parts.clock.now(), limit).await?;
    if records.is_empty() {
        let stream = settings.stream.as_deref().unwrap_or_default();
        return Err(Error::invalid(format!("stream {stream} has no records to infer columns from")).hint(
            "Declare the columns: CREATE STREAM name (column type, ...) FROM KINESIS ..., or try again once there are records.",
        ));
    }
    Ok(records.into_iter().map(|record| record.payload).collect())
}

struct KinesisSource {
    chunks: HandOver,
    reader: Arc<Reader>,
    // Where the lake stands, told whenever one more shard is done with: its children may be read then.
    committed: watch::Sender<Offsets>,
    n_closed: usize,
    // Ends with the source, and all tasks below it.
    _task: JoinSet<()>,
}

#[async_trait]
impl Source for KinesisSource {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        self.chunks.next().await.map(Some)
    }

    async fn ack(&mut self, offsets: &Offsets, _: &[Done]) -> Result<()> {
        let n_closed = n_closed(offsets);
        if n_closed != self.n_closed {
            self.n_closed = n_closed;
            self.committed.send_replace(offsets.clone());
        }
        Ok(())
    }

    fn behind(&self) -> Vec<(String, Duration)> {
        self.reader.behind()
    }
}

fn n_closed(offsets: &Offsets) -> usize {
    offsets.values().filter(|stored| Place::is_closed(stored)).count()
}
