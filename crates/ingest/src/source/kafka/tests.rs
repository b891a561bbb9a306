//! Against librdkafka's own cluster: every message once, new partitions found, restarts exact.

use super::*;
use crate::report::cause_of;
use crate::source::is_heartbeat;
use crate::world::World;
use helios_contract::StreamName;
use helios_contract::column::{Column, ColumnType};
use helios_contract::store::Catalog;
use helios_contract::stream::{OptionValue, SourceKind, StreamCommand, StreamControl, StreamDefinition, StreamState};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::collections::BTreeMap;
use tokio::time::sleep;

fn definition(brokers: &str, more: &[(&str, &str)]) -> StreamDefinition {
    let mut definition = StreamDefinition::new(StreamName::new("orders").unwrap(), SourceKind::Kafka);
    let given = [("brokers", brokers), ("topic", "orders")].into_iter().chain(more.iter().copied());
    definition.options = given.map(|(name, value)| (name.to_owned(), OptionValue::Text(value.to_owned()))).collect();
    definition
}

fn produce(brokers: &str, partition: i32, ids: std::ops::Range<i64>) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", brokers).set("compression.type", "zstd").create().unwrap();
    for id in ids {
        let payload = format!("{{\"id\":{id}}}");
        producer.send(BaseRecord::to("orders").partition(partition).key("k").payload(&payload)).unwrap();
    }
    producer.flush(Duration::from_secs(10)).unwrap();
}

/// Pulls until the chunks hold `n` records; checks that they chain, and moves `offsets` along.
async fn pull(source: &mut dyn Source, offsets: &mut Offsets, n: usize) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    while chunks.iter().map(|chunk| chunk.records.len()).sum::<usize>() < n {
        let chunk = source.next().await.unwrap().unwrap();
        if is_heartbeat(&chunk) {
            continue;
        }
        assert_eq!(chunk.from, offsets.get(&*chunk.partition).cloned());
        offsets.insert(chunk.partition.to_string(), chunk.to.clone());
        chunks.push(chunk);
    }
    chunks
}

fn records(chunks: &[Chunk]) -> BTreeMap<String, Vec<i64>> {
    let mut ids: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for chunk in chunks {
        let of = |record: &helios_contract::record::Record| {
            serde_json::from_slice::<serde_json::Value>(&record.payload).unwrap()["id"].as_i64().unwrap()
        };
        ids.entry(chunk.partition.to_string()).or_default().extend(chunk.records.iter().map(of));
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_partition_is_read_from_the_lakes_positions() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 2, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    produce(&brokers, 0, 0..1_000);
    produce(&brokers, 1, 1_000..1_500);
    let world = World::new();
    let job = world.job(definition(&brokers, &[])).await;

    let mut offsets = Offsets::new();
    let mut source = open(&job, &offsets).await.unwrap();
    let chunks = pull(&mut *source, &mut offsets, 1_500).await;
    let expected =
        BTreeMap::from([("0".to_owned(), (0..1_000).collect()), ("1".to_owned(), (1_000..1_500).collect::<Vec<i64>>())]);
    assert_eq!(records(&chunks), expected);
    assert_eq!(offsets, Offsets::from([("0".into(), "1000".into()), ("1".into(), "500".into())]));
    source.ack(&offsets, &[]).await.unwrap();
    while source.lag() != [("0".to_owned(), 0), ("1".to_owned(), 0)] {
        assert!(is_heartbeat(&source.next().await.unwrap().unwrap()));
    }

    // Opened in the middle, it goes on from there, whatever the group has heard.
    let mut middle = Offsets::from([("0".into(), "990".into()), ("1".into(), "500".into())]);
    let mut again = open(&job, &middle).await.unwrap();
    let chunks = pull(&mut *again, &mut middle, 10).await;
    assert_eq!(records(&chunks), BTreeMap::from([("0".to_owned(), (990..1_000).collect())]));
    let first = chunks.iter().flat_map(|chunk| &chunk.records).next().unwrap();
    assert_eq!(first.key.as_deref(), Some(b"k".as_slice()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn reading_from_the_latest_stores_its_beginning_at_once() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    produce(&brokers, 0, 0..10);
    let world = World::new();
    let job = world.job(definition(&brokers, &[("start", "latest")])).await;
    let mut source = open(&job, &Offsets::new()).await.unwrap();
    let begin = source.next().await.unwrap().unwrap();
    assert_eq!((begin.from, begin.to.as_str(), begin.records.len()), (None, "10", 0));
    produce(&brokers, 0, 10..15);
    let mut offsets = Offsets::from([("0".into(), "10".into())]);
    assert_eq!(records(&pull(&mut *source, &mut offsets, 5).await), BTreeMap::from([("0".to_owned(), (10..15).collect())]));
}

fn create(columns: &[&str], definition: StreamDefinition) -> StreamCommand {
    let columns = columns.iter().map(|name| Column::new(*name, ColumnType::BigInt)).collect();
    StreamCommand::Create { definition: Box::new(StreamDefinition { columns, ..definition }), if_not_exists: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_produced_after_the_stream_was_created_is_read() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 2, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    produce(&brokers, 0, 0..10);
    let world = World::new();
    let ingest = crate::start(world.config.clone(), world.parts()).await.unwrap();
    ingest.apply(create(&["id"], definition(&brokers, &[("start", "latest")]))).await.unwrap();
    let begin = world.lake.table("orders").offsets;
    assert_eq!(begin, Offsets::from([("0".into(), "10".into()), ("1".into(), "0".into())]));
    produce(&brokers, 0, 10..15);
    produce(&brokers, 1, 15..20);
    while ingest.status()[0].n_received < 10 {
        sleep(Duration::from_millis(10)).await;
    }
    ingest.stop().await;
    let mut ids = world.lake.table("orders").values("id");
    ids.sort_unstable();
    assert_eq!(ids, (10..20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_that_cannot_begin_is_not_created() {
    let cluster = MockCluster::new(1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let world = World::new();
    let ingest = crate::start(world.config.clone(), world.parts()).await.unwrap();
    let away = definition("127.0.0.1:1", &[]);
    let missing = definition(&brokers, &[]);
    for (definition, cause, said) in [(away, "broker_down", "from 127.0.0.1:1: "), (missing, "topic_missing", "topic orders")] {
        let error = ingest.apply(create(&["id"], definition)).await.unwrap_err();
        assert_eq!(cause_of(&error), cause, "{error}");
        assert!(error.message().contains(said), "{error}");
        assert!(world.lake.streams().is_empty() && ingest.status().is_empty());
    }
    cluster.create_topic("orders", 1, 1).unwrap();
    world.lake.faults.arm("lake.refuse", 1);
    let error = ingest.apply(create(&["id"], definition(&brokers, &[]))).await.unwrap_err();
    assert_eq!(error.message(), "storing where reading begins: injected fault at lake.refuse");
    assert!(world.lake.streams().is_empty() && ingest.status().is_empty());
    ingest.apply(create(&["id"], definition(&brokers, &[]))).await.unwrap();
    ingest.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_wrong_has_a_name() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    produce(&brokers, 0, 0..10);
    let world = World::new();
    let job = world.job(definition(&brokers, &[])).await;
    let beyond = Offsets::from([("0".into(), "11".into())]);
    let error = open(&job, &beyond).await.err().unwrap();
    assert_eq!(cause_of(&error), "topic_recreated");
    assert!(error.message().ends_with("the next offset of partition 0 is 11, but the partition ends at 10"), "{error}");

    let mut small = definition(&brokers, &[]);
    small.name = StreamName::new("small").unwrap();
    small.options.insert("message_max_bytes".into(), OptionValue::Number(5));
    let job = world.job(small).await;
    let mut source = open(&job, &Offsets::from([("0".into(), "0".into())])).await.unwrap();
    let error = source.next().await.unwrap_err();
    assert_eq!(cause_of(&error), "message_too_large");
    assert!(error.message().ends_with("the message at offset 0 of partition 0 has 8 bytes"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_sample_comes_from_every_partition() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 3, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    let world = World::new();
    let definition = definition(&brokers, &[]);
    let empty = sample(&definition, &world.config, &world.parts()).await.unwrap_err();
    assert_eq!(empty.kind(), helios_contract::Kind::Invalid);
    produce(&brokers, 0, 0..1_000);
    produce(&brokers, 2, 0..7);
    assert_eq!(sample(&definition, &world.config, &world.parts()).await.unwrap().len(), 207);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_retention_took_is_told_as_a_gap() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    // The mock cluster keeps five megabytes a partition.
    for round in 0..40 {
        produce_large(&brokers, round);
    }
    let world = World::new();
    let job = world.job(definition(&brokers, &[])).await;
    let mut source = open(&job, &Offsets::from([("0".into(), "3".into())])).await.unwrap();
    let chunk = source.next().await.unwrap().unwrap();
    let low: i64 = chunk.to.parse().unwrap();
    assert!(low > 3, "the mock cluster still has everything");
    assert_eq!((chunk.from.as_deref(), chunk.records.len()), (Some("3"), 0));
    let gap = &chunk.gaps[0];
    assert_eq!((gap.first.as_str(), gap.last.clone(), gap.n_lost), ("3", (low - 1).to_string(), Some(low as u64 - 3)));
    let next = source.next().await.unwrap().unwrap();
    assert_eq!(next.from.as_deref(), Some(chunk.to.as_str()));
}

fn produce_large(brokers: &str, round: i64) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let payload = format!("{{\"id\":{round},\"text\":\"{}\"}}", "x".repeat(500_000));
    producer.send(BaseRecord::<(), _>::to("orders").partition(0).payload(&payload)).unwrap();
    producer.flush(Duration::from_secs(10)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_and_comes_back_costs_no_record() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("orders", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    produce(&brokers, 0, 0..10);
    let world = World::new();
    let ingest = crate::start(world.config.clone(), world.parts()).await.unwrap();
    ingest.apply(create(&["id"], definition(&brokers, &[]))).await.unwrap();
    let until = async |state: StreamState, n_received: u64| {
        while ingest.status()[0].state != state || ingest.status()[0].n_received < n_received {
            sleep(Duration::from_millis(10)).await;
        }
    };
    until(StreamState::Running, 10).await;
    cluster.broker_down(1).unwrap();
    until(StreamState::Degraded, 10).await;
    assert_eq!(ingest.status()[0].cause, "broker_down");
    cluster.broker_up(1).unwrap();
    until(StreamState::Running, 10).await;
    produce(&brokers, 0, 10..20);
    until(StreamState::Running, 20).await;
    ingest.stop().await;
    assert_eq!(world.lake.table("orders").values("id"), (0..20).collect::<Vec<_>>());
}
