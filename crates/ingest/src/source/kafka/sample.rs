//! The last messages of every partition, to infer columns from.

use super::client::{Consumer, Settings};
use super::reader::connect;
use super::trouble;
use crate::{Config, Parts};
use bytes::Bytes;
use helios_contract::stream::StreamDefinition;
use helios_contract::{Error, Result};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const A_PARTITION: i64 = 200;
const RECORDS_MAX: usize = 2_000;
const BYTES_MAX: usize = 16 << 20;

/// Reads a sample.
///
/// # Errors
/// `Invalid` when the topic is empty; else what keeps it from being read.
pub(in crate::source) async fn sample(definition: &StreamDefinition, config: &Config, parts: &Parts) -> Result<Vec<Bytes>> {
    let settings = Settings::of(definition, &*parts.secrets)?;
    let limit = Duration::from_millis(config.sample_ms);
    let reading = tokio::task::spawn_blocking(move || read(&settings, limit));
    reading.await.map_err(|e| Error::internal("reading a sample from kafka").because(e))?
}

fn read(settings: &Settings, limit: Duration) -> Result<Vec<Bytes>> {
    let consumer = settings.consumer()?;
    let refused = |e: KafkaError| {
        trouble::of(&settings.what(), e.rdkafka_error_code().unwrap_or(rdkafka::types::RDKafkaErrorCode::Fail), "")
    };
    let ids = connect(&consumer, settings)?;
    let deadline = Instant::now() + limit;
    let mut list = TopicPartitionList::with_capacity(ids.len());
    // Where each partition's sample ends.
    let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
    for id in ids {
        let (low, high) = consumer.fetch_watermarks(&settings.topic, id, limit).map_err(refused)?;
        if high > low {
            ends.insert(id, high);
            list.add_partition_offset(&settings.topic, id, Offset::Offset(low.max(high - A_PARTITION))).map_err(refused)?;
        }
    }
    consumer.assign(&list).map_err(refused)?;
    let payloads = collect(&consumer, ends, deadline);
    if payloads.is_empty() {
        return Err(Error::invalid(format!("topic {} has no messages to infer columns from", settings.topic)).hint(
            "Declare the columns: CREATE STREAM name (column type, ...) FROM KAFKA ..., or try again once there are messages.",
        ));
    }
    Ok(payloads)
}

// The ends may be markers of transactions, which never come: a pause without messages ends it, too.
fn collect(consumer: &Consumer, mut ends: BTreeMap<i32, i64>, deadline: Instant) -> Vec<Bytes> {
    const SILENCE: Duration = Duration::from_secs(2);
    let mut payloads = Vec::new();
    let mut n_bytes = 0;
    let mut quiet_at = Instant::now() + SILENCE;
    while !ends.is_empty() && payloads.len() < RECORDS_MAX && n_bytes < BYTES_MAX && Instant::now() < deadline.min(quiet_at) {
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) else { continue };
        quiet_at = Instant::now() + SILENCE;
        if ends.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
            ends.remove(&message.partition());
        }
        if let Some(payload) = message.payload() {
            n_bytes += payload.len();
            payloads.push(Bytes::copy_from_slice(payload));
        }
    }
    payloads
}
