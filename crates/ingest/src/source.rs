//! Where records come from: one file a kind. A source is opened where the lake stands, pulled, and told of commits.

pub mod demo;
pub(crate) mod http;
mod kafka;
pub(crate) mod kinesis;

mod checks;
mod handover;

pub(crate) use kafka::probe as kafka_probe;
pub(crate) use kinesis::probe as kinesis_probe;

use crate::pipeline::Job;
use crate::{Config, Parts};
use bytes::Bytes;
use helios_contract::record::{Chunk, Offsets};
use helios_contract::source::Source;
use helios_contract::stream::{SourceKind, StreamDefinition};
use helios_contract::{Error, Result};
use std::sync::Arc;

/// Opens the stream's source where the lake stands.
pub(crate) async fn open(job: &Job, offsets: &Offsets) -> Result<Box<dyn Source>> {
    match job.stream.definition.source {
        SourceKind::Kafka => kafka::open(job, offsets).await,
        SourceKind::Kinesis => kinesis::open(job, offsets).await,
        SourceKind::Http => Ok(http::open(job.inbox.clone(), offsets)),
        SourceKind::Demo => demo::open(job, offsets),
    }
}

/// Where reading a new stream begins; empty where its source says so by itself.
///
/// # Errors
/// What keeps the source from being read: the stream is not created then.
pub(crate) async fn beginnings(definition: &StreamDefinition, parts: &Parts) -> Result<Offsets> {
    match definition.source {
        SourceKind::Kafka => kafka::beginnings(definition, parts).await,
        SourceKind::Kinesis => kinesis::beginnings(definition, parts).await,
        SourceKind::Http | SourceKind::Demo => Ok(Offsets::new()),
    }
}

/// Reads some records to infer columns from.
///
/// # Errors
/// `Invalid` when there are none; `Unavailable` and the like when the source is away.
pub(crate) async fn sample(definition: &StreamDefinition, config: &Config, parts: &Parts) -> Result<Vec<Bytes>> {
    match definition.source {
        SourceKind::Kafka => kafka::sample(definition, config, parts).await,
        SourceKind::Kinesis => kinesis::sample(definition, config, parts).await,
        SourceKind::Http | SourceKind::Demo => Err(Error::internal("the source has no records to sample")),
    }
}

/// The stream is dropped: what was set up for it at its source is taken away, as far as the source can be reached.
pub(crate) async fn forget(definition: &StreamDefinition, parts: &Parts) {
    if definition.source == SourceKind::Kinesis {
        kinesis::forget(definition, parts).await;
    }
}

/// A chunk that moves nothing: it says only that the source is well, and that its lag may have changed.
fn heartbeat() -> Chunk {
    Chunk {
        partition: Arc::from(""),
        from: Some(String::new()),
        to: String::new(),
        records: Vec::new(),
        gaps: Vec::new(),
        idempotency_key: None,
        tag: 0,
    }
}

/// Whether a chunk moves nothing.
pub(crate) fn is_heartbeat(chunk: &Chunk) -> bool {
    chunk.records.is_empty() && chunk.from.as_ref() == Some(&chunk.to)
}
