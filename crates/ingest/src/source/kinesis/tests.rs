//! Against a scripted service: every record once, parents before children, whatever happens at random.

mod scripted;

use super::api::Why;
use super::*;
use crate::options::Start;
use crate::report::cause_of;
use crate::source::is_heartbeat;
use helios_contract::stream::{OptionValue, SourceKind, StreamDefinition};
use helios_contract::{Kind, StreamName};
use scripted::{Scripted, refusal};
use std::collections::{BTreeMap, BTreeSet};

const SEEDS: u64 = 60;
/// Longer than any pause of a reader: what has not come by then does not come.
const SILENCE: Duration = Duration::from_secs(400);

fn settings(mode: &str) -> Settings {
    let mut definition = StreamDefinition::new(StreamName::new("clicks").unwrap(), SourceKind::Kinesis);
    let given = [("stream", "clicks"), ("region", "eu-west-1"), ("mode", mode)];
    definition.options = given.map(|(name, value)| (name.to_owned(), OptionValue::Text(value.to_owned()))).into();
    Settings::of(&definition, &*crate::world::World::new().parts().secrets).unwrap()
}

/// What the lake would have: positions that only move from where they are, ids, and gaps.
#[derive(Default)]
struct Lake {
    offsets: Offsets,
    /// Ids in the order they were committed, with their keys.
    rows: Vec<(String, u64)>,
    gaps: Vec<(String, String)>,
}

impl Lake {
    fn commit(&mut self, chunk: Chunk) {
        assert_eq!(self.offsets.get(&*chunk.partition), chunk.from.as_ref(), "the chunk continues where the lake stands");
        self.offsets.insert(chunk.partition.to_string(), chunk.to);
        self.gaps.extend(chunk.gaps.into_iter().map(|gap| (chunk.partition.to_string(), gap.reason)));
        self.rows.extend(chunk.records.into_iter().map(|record| {
            let key = String::from_utf8(record.key.unwrap().to_vec()).unwrap();
            (key, std::str::from_utf8(&record.payload).unwrap().parse().unwrap())
        }));
    }
}

struct Reading {
    api: Scripted,
    mode: &'static str,
    source: Box<dyn Source>,
    lake: Lake,
}

impl Reading {
    async fn begin(api: Scripted, mode: &'static str, start: Start) -> Reading {
        let offsets = begin(&api, start, Timestamp(0)).await.unwrap();
        let lake = Lake { offsets, ..Lake::default() };
        let source = opened(&api, mode, &lake.offsets).await;
        Reading { api, mode, source, lake }
    }

    /// Everything that is not committed is forgotten.
    async fn crash(&mut self) {
        self.source = opened(&self.api, self.mode, &self.lake.offsets).await;
    }

    /// Pulls and commits up to `n` chunks, as long as any come within `limit`.
    async fn pull(&mut self, n: usize, limit: Duration) {
        for _ in 0..n {
            match timeout(limit, self.source.next()).await {
                Ok(Ok(Some(chunk))) if is_heartbeat(&chunk) => {}
                Ok(Ok(Some(chunk))) => {
                    self.lake.commit(chunk);
                    self.source.ack(&self.lake.offsets, &[]).await.unwrap();
                }
                Ok(Ok(None)) => panic!("the source ended"),
                Ok(Err(error)) if error.kind() == Kind::Unavailable => {}
                Ok(Err(error)) => panic!("{error}"),
                Err(_) => return,
            }
        }
    }
}

async fn opened(api: &Scripted, mode: &str, offsets: &Offsets) -> Box<dyn Source> {
    loop {
        match open_with(Arc::new(api.clone()), settings(mode), Duration::from_secs(1), offsets).await {
            Ok(source) => return source,
            Err(error) => assert_eq!(error.kind(), Kind::Unavailable, "{error}"),
        }
    }
}

/// Writes, splits, merges, expires, refuses, crashes; then reads what is left, and holds it against what was written.
async fn chaos(seed: u64, mode: &'static str) {
    let api = Scripted::new(3, seed);
    let mut dice = fastrand::Rng::with_seed(seed);
    {
        let mut stream = api.lock();
        stream.refused = dice.f64() * 0.3;
        stream.whys = vec![Why::Throttled, Why::IteratorExpired, Why::Other];
    }
    let mut reading = Reading::begin(api.clone(), mode, Start::Earliest).await;
    let mut n_put = 0;
    for _ in 0..120 {
        match dice.u32(0..20) {
            0..9 => {
                for _ in 0..dice.usize(1..20) {
                    let key = format!("k{}", dice.u32(0..12));
                    let hash = u128::from(xxhash_rust::xxh3::xxh3_64(key.as_bytes())) << 64;
                    api.put(&key, hash, &n_put.to_string());
                    n_put += 1;
                }
            }
            9 | 10 => {
                let mut stream = api.lock();
                let open = stream.open();
                stream.split(open[dice.usize(..open.len())]);
            }
            11 => {
                let mut stream = api.lock();
                let open = stream.open();
                stream.merge(open[dice.usize(..open.len())]);
            }
            12 => expire(&api, &mut dice),
            13 => reading.crash().await,
            _ => reading.pull(dice.usize(1..8), Duration::from_millis(dice.u64(1..3_000))).await,
        }
    }
    api.lock().refused = 0.0;
    reading.crash().await;
    reading.pull(usize::MAX, Duration::from_secs(60)).await;
    check(&reading, n_put, seed);
}

/// Lets a closed shard expire, or the oldest records of one. Parents were closed before their children, and expire before them.
fn expire(api: &Scripted, dice: &mut fastrand::Rng) {
    let mut stream = api.lock();
    let i = dice.usize(..stream.shards.len());
    let parents = stream.shards[i].shard.parents.clone();
    let is_first = !stream.shards.iter().any(|stored| stored.is_listed && parents.contains(&stored.shard.id));
    let stored = &mut stream.shards[i];
    if stored.shard.is_closed && is_first && dice.bool() {
        stored.is_listed = false;
    } else {
        stored.trimmed = stored.trimmed.max(dice.usize(0..=stored.records.len()));
    }
}

fn check(reading: &Reading, n_put: u64, seed: u64) {
    let stream = reading.api.lock();
    let ids: Vec<u64> = reading.lake.rows.iter().map(|(_, id)| *id).collect();
    let seen: BTreeSet<u64> = ids.iter().copied().collect();
    assert_eq!(seen.len(), ids.len(), "seed {seed}: a record was read twice");
    let gone: BTreeSet<u64> = stream
        .shards
        .iter()
        .flat_map(|stored| stored.records.iter().take(if stored.is_listed { stored.trimmed } else { usize::MAX }))
        .map(|raw| std::str::from_utf8(&raw.data).unwrap().parse().unwrap())
        .collect();
    let lost: Vec<u64> = (0..n_put).filter(|id| !seen.contains(id)).collect();
    assert!(lost.iter().all(|id| gone.contains(id)), "seed {seed}: lost {lost:?}, but {gone:?} expired");
    // What is written with one key is read in its order, through all splits and merges.
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for (key, id) in &reading.lake.rows {
        let before = last.insert(key, *id);
        assert!(before.is_none_or(|before| before < *id), "seed {seed}: {key} {id} came after {before:?}");
    }
    for stored in &stream.shards {
        let id = stored.shard.id.as_str();
        let is_told = reading.lake.gaps.iter().any(|(shard, _)| shard == id);
        let is_whole = stored.is_listed && stored.trimmed == 0;
        assert!(!(is_whole && is_told), "seed {seed}: {id} lost nothing, but the ledger says so: {:?}", reading.lake.gaps);
        let stands = reading.lake.offsets.get(id).map(String::as_str);
        assert!(!(stored.shard.is_closed && stored.is_listed) || stands == Some("closed"), "seed {seed}: {id} {stands:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn chaos_loses_and_doubles_nothing_while_polling() {
    for seed in 0..SEEDS {
        chaos(seed, "poll").await;
    }
}

#[tokio::test(start_paused = true)]
async fn chaos_loses_and_doubles_nothing_with_pushed_records() {
    for seed in 0..SEEDS {
        chaos(seed, "fan_out").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_shard_that_expired_while_nobody_read_is_told() {
    let api = Scripted::new(1, 1);
    let mut reading = Reading::begin(api.clone(), "poll", Start::Earliest).await;
    api.put("k", 0, "0");
    reading.pull(1, SILENCE).await;
    api.put("k", 0, "1");
    {
        let mut stream = api.lock();
        stream.split(0);
        stream.split(1);
        // The parent expired unread, and so did the child that was split again; grandchildren are left.
        (stream.shards[0].is_listed, stream.shards[1].is_listed) = (false, false);
    }
    api.put("k", 0, "2");
    reading.crash().await;
    reading.pull(usize::MAX, SILENCE).await;
    assert_eq!(reading.lake.rows.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [0, 2]);
    let told: Vec<&str> = reading.lake.gaps.iter().map(|(shard, _)| shard.as_str()).collect();
    assert_eq!(told, ["shardId-000000000000", "shardId-000000000001"]);
}

#[tokio::test(start_paused = true)]
async fn reading_from_the_latest_begins_with_what_comes_next() {
    let api = Scripted::new(2, 1);
    api.put("k", 0, "0");
    api.lock().split(0);
    tokio::time::advance(Duration::from_secs(1)).await;
    let offsets = begin(&api, Start::Latest, Timestamp(1_000_000)).await.unwrap();
    assert_eq!((offsets["shardId-000000000000"].as_str(), offsets.len()), ("closed", 4));
    let source = opened(&api, "poll", &offsets).await;
    let mut reading = Reading { api, mode: "poll", source, lake: Lake { offsets, ..Lake::default() } };
    reading.api.put("k", 0, "1");
    reading.crash().await;
    reading.pull(usize::MAX, SILENCE).await;
    assert_eq!(reading.lake.rows, [("k".to_owned(), 1)]);
}

#[tokio::test(start_paused = true)]
async fn two_hundred_idle_shards_are_left_in_peace() {
    let api = Scripted::new(200, 1);
    let offsets = begin(&api, Start::Earliest, Timestamp(0)).await.unwrap();
    let mut source = opened(&api, "poll", &offsets).await;
    let within = async |source: &mut Box<dyn Source>, limit: Duration| {
        let before = api.lock().calls.clone();
        let waiting = async { while source.next().await.unwrap().is_some() {} };
        timeout(limit, waiting).await.unwrap_err();
        let after = api.lock().calls.clone();
        (after.lists - before.lists, after.iterators - before.iterators, after.reads - before.reads)
    };
    // One token a shard, and a listing of them all.
    let (lists, iterators, _) = within(&mut source, Duration::from_secs(10)).await;
    assert_eq!((lists, iterators), (0, 200));
    let (lists, iterators, reads) = within(&mut source, Duration::from_secs(100)).await;
    assert_eq!((lists, iterators), (0, 0), "tokens are renewed by reading");
    assert!((3_000..4_200).contains(&reads), "{reads} reads in 100 seconds");
    assert!(api.lock().calls.reading_max <= 16, "{:?}", api.lock().calls);
}

#[tokio::test(start_paused = true)]
async fn shards_are_read_fairly() {
    let api = Scripted::new(50, 1);
    let mut reading = Reading::begin(api.clone(), "poll", Start::Earliest).await;
    for i in 0..20_000_u64 {
        let hash = u128::from(xxhash_rust::xxh3::xxh3_64(&i.to_be_bytes())) << 64;
        api.put("k", hash, &i.to_string());
    }
    reading.lake.rows.clear();
    reading.pull(600, SILENCE).await;
    // All shards came about as far.
    let stream = api.lock();
    let far = stream.shards.iter().map(|stored| {
        let stands = &reading.lake.offsets[&stored.shard.id];
        stored.records.iter().position(|raw| raw.sequence == *stands).map_or(0, |i| i + 1)
    });
    let far: Vec<usize> = far.collect();
    assert!(far.iter().all(|n| (10..120).contains(n)), "{far:?}");
}

#[tokio::test(start_paused = true)]
async fn subscriptions_go_on_every_five_minutes_and_are_polled_where_refused() {
    let api = Scripted::new(1, 1);
    let mut reading = Reading::begin(api.clone(), "fan_out", Start::Earliest).await;
    for round in 0..30_u64 {
        api.put("k", 0, &round.to_string());
        reading.pull(usize::MAX, Duration::from_secs(60)).await;
    }
    let calls = api.lock().calls.clone();
    assert_eq!(reading.lake.rows.len(), 30);
    assert!(calls.reads == 0 && (5..=8).contains(&calls.subscriptions), "{calls:?}");
    api.lock().n_subscriptions_refused = 4;
    reading.crash().await;
    api.put("k", 0, "30");
    reading.pull(usize::MAX, Duration::from_secs(60)).await;
    assert_eq!(reading.lake.rows.len(), 31);
    let refused = api.lock().calls.clone();
    assert!(refused.reads > 0, "{refused:?}");
    // Then it is tried again.
    reading.pull(usize::MAX, SILENCE).await;
    assert!(api.lock().calls.subscriptions > refused.subscriptions);
}

#[tokio::test(start_paused = true)]
async fn trouble_is_told_and_over_with_the_next_read() {
    let api = Scripted::new(1, 1);
    let offsets = begin(&api, Start::Earliest, Timestamp(0)).await.unwrap();
    let mut source = opened(&api, "poll", &offsets).await;
    for (why, cause) in [(Why::Other, "endpoint_unreachable"), (Why::Throttled, "throttled")] {
        {
            let mut stream = api.lock();
            (stream.refused, stream.whys) = (1.0, vec![why]);
        }
        let error = loop {
            match source.next().await {
                Err(error) => break error,
                Ok(chunk) => assert!(is_heartbeat(&chunk.unwrap())),
            }
        };
        assert_eq!((error.kind(), cause_of(&error)), (Kind::Unavailable, cause));
        api.lock().refused = 0.0;
        while let Err(error) = source.next().await {
            assert_eq!(cause_of(&error), cause);
        }
    }
    {
        let mut stream = api.lock();
        (stream.refused, stream.whys) = (1.0, vec![Why::Argument]);
    }
    assert_eq!(cause_of(&source.next().await.unwrap_err()), cause_of(&refusal(Why::Argument).error));
}
