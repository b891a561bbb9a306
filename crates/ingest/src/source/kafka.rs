//! A Kafka topic as a source. Positions come from the lake, never from the group; the group only hears about them.
//!
//! A thread of its own polls librdkafka and sends chunks through a short channel: one hand-over for thousands of messages.

mod client;
mod gather;
pub(crate) mod probe;
mod reader;
mod sample;
mod trouble;

pub(super) use sample::sample;

use super::handover::HandOver;
use crate::Parts;
use crate::pipeline::Job;
use async_trait::async_trait;
use client::{Consumer, Settings};
use helios_contract::record::{Chunk, Offsets};
use helios_contract::source::{Done, Source};
use helios_contract::stream::StreamDefinition;
use helios_contract::{Error, Result};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};
use reader::Reader;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::mpsc;

/// Sends of the reader that wait for the pipeline, each of a few megabytes.
const N_WAITING: usize = 2;

/// Connects, and finds where the option `start` begins in every partition.
///
/// # Errors
/// As [`open`].
pub(super) async fn beginnings(definition: &StreamDefinition, parts: &Parts) -> Result<Offsets> {
    let settings = Settings::of(definition, &*parts.secrets)?;
    let looking = tokio::task::spawn_blocking(move || reader::beginnings(&settings));
    looking.await.map_err(|e| Error::internal("connecting to kafka").because(e))?
}

/// Connects, finds every partition's place, and begins to read.
///
/// # Errors
/// The named states of the guide: `broker_down`, `topic_missing`, `authentication_failed`, ...
pub(super) async fn open(job: &Job, offsets: &Offsets) -> Result<Box<dyn Source>> {
    let settings = Settings::of(&job.stream.definition, &*job.parts.secrets)?;
    let (topic, stored) = (settings.topic.clone(), offsets.clone());
    let refresh = Duration::from_millis(job.config.kafka_refresh_ms);
    let clock = job.parts.clock.clone();
    let connecting = tokio::task::spawn_blocking(move || Reader::connect(settings, &stored, refresh, clock));
    let reader = connecting.await.map_err(|e| Error::internal("connecting to kafka").because(e))??;
    let consumer = Arc::downgrade(reader.consumer());
    let (sender, chunks) = mpsc::channel(N_WAITING);
    std::thread::Builder::new()
        .name(format!("kafka-{}", job.stream.definition.name))
        .spawn(move || reader.run(&sender))
        .map_err(|e| Error::unavailable("starting a thread for a kafka topic").because(e))?;
    Ok(Box::new(KafkaSource { topic, chunks: HandOver::new(chunks, "thread that reads the kafka topic"), consumer }))
}

struct KafkaSource {
    topic: String,
    chunks: HandOver,
    // The reader's thread owns the consumer: closing one blocks.
    consumer: Weak<Consumer>,
}

#[async_trait]
impl Source for KafkaSource {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        self.chunks.next().await.map(Some)
    }

    async fn ack(&mut self, offsets: &Offsets, _: &[Done]) -> Result<()> {
        let Some(consumer) = self.consumer.upgrade() else { return Ok(()) };
        let told = tell_group(&consumer, &self.topic, offsets);
        told.map_err(|e| Error::unavailable("committing offsets to the kafka group").because(e))
    }

    fn lag(&self) -> Vec<(String, u64)> {
        self.consumer.upgrade().map(|consumer| consumer.context().lag()).unwrap_or_default()
    }
}

// For lag tools only: nothing here ever reads these offsets back.
fn tell_group(consumer: &Consumer, topic: &str, offsets: &Offsets) -> rdkafka::error::KafkaResult<()> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (partition, position) in offsets {
        if let (Ok(partition), Ok(position)) = (partition.parse(), position.parse()) {
            list.add_partition_offset(topic, partition, Offset::Offset(position))?;
        }
    }
    consumer.commit(&list, CommitMode::Async)
}

#[cfg(test)]
mod tests;
