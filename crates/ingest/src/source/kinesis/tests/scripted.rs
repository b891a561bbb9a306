//! A stream of the service in memory: written to, split, merged, expired, and refusing calls at random.

use super::super::api::{Api, From, Page, Pages, Raw, Refusal, Shard, Why};
use super::super::trouble::named;
use async_trait::async_trait;
use fastrand::Rng;
use futures::StreamExt;
use helios_contract::{Kind, Timestamp};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Shared by a test and the source that reads it.
#[derive(Clone)]
pub(super) struct Scripted(pub(super) Arc<Mutex<Stream>>);

pub(super) struct Stream {
    pub(super) shards: Vec<Stored>,
    pub(super) began: Instant,
    pub(super) random: Rng,
    /// The share of calls that is refused, and why.
    pub(super) refused: f64,
    pub(super) whys: Vec<Why>,
    /// How many subscriptions are refused from now on.
    pub(super) n_subscriptions_refused: usize,
    pub(super) calls: Calls,
    n_records: u64,
}

/// Calls that came.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Calls {
    pub(super) lists: usize,
    pub(super) iterators: usize,
    pub(super) reads: usize,
    pub(super) subscriptions: usize,
    pub(super) reading_now: usize,
    pub(super) reading_max: usize,
}

/// A shard and everything that was ever written to it.
pub(super) struct Stored {
    pub(super) shard: Shard,
    pub(super) records: Vec<Raw>,
    /// Records before this one have expired.
    pub(super) trimmed: usize,
    pub(super) is_listed: bool,
}

const PAGE_RECORDS_MAX: usize = 7;
const ITERATOR_LASTS: Duration = Duration::from_secs(300);
const SUBSCRIPTION_LASTS: Duration = Duration::from_secs(300);

impl Scripted {
    pub(super) fn new(n_shards: u128, seed: u64) -> Scripted {
        let width = u128::MAX / n_shards;
        let stream = Stream {
            shards: Vec::new(),
            began: Instant::now(),
            random: Rng::with_seed(seed),
            refused: 0.0,
            whys: Vec::new(),
            n_subscriptions_refused: 0,
            calls: Calls::default(),
            n_records: 0,
        };
        let scripted = Scripted(Arc::new(Mutex::new(stream)));
        for i in 0..n_shards {
            let last = if i + 1 == n_shards { u128::MAX } else { (i + 1) * width - 1 };
            scripted.lock().add(Vec::new(), (i * width, last));
        }
        scripted
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Stream> {
        self.0.lock().unwrap()
    }

    /// Writes a record to the open shard that its hash belongs to; answers the shard's id.
    pub(super) fn put(&self, key: &str, hash: u128, payload: &str) -> String {
        self.lock().put(key, hash, payload.as_bytes().to_vec())
    }
}

impl Stream {
    fn add(&mut self, parents: Vec<String>, hashes: (u128, u128)) {
        let id = format!("shardId-{:012}", self.shards.len());
        let shard = Shard { id, parents, hashes, is_closed: false };
        self.shards.push(Stored { shard, records: Vec::new(), trimmed: 0, is_listed: true });
    }

    pub(super) fn put(&mut self, key: &str, hash: u128, data: Vec<u8>) -> String {
        self.n_records += 1;
        let sequence = format!("4959{:052}", self.n_records);
        let time = Timestamp(i64::try_from(self.began.elapsed().as_micros()).unwrap());
        let is_there =
            |stored: &&mut Stored| !stored.shard.is_closed && (stored.shard.hashes.0..=stored.shard.hashes.1).contains(&hash);
        let stored = self.shards.iter_mut().find(is_there).expect("open shards cover all hashes");
        stored.records.push(Raw { sequence, time, key: key.to_owned(), data });
        stored.shard.id.clone()
    }

    pub(super) fn open(&self) -> Vec<usize> {
        (0..self.shards.len()).filter(|i| !self.shards[*i].shard.is_closed).collect()
    }

    pub(super) fn split(&mut self, i: usize) {
        let (first, last) = self.shards[i].shard.hashes;
        if last - first < 16 {
            return;
        }
        let middle = first + (last - first) / 2;
        self.shards[i].shard.is_closed = true;
        let parent = vec![self.shards[i].shard.id.clone()];
        self.add(parent.clone(), (first, middle));
        self.add(parent, (middle + 1, last));
    }

    /// Merges a shard with the one behind it, if there is one.
    pub(super) fn merge(&mut self, i: usize) {
        let (first, last) = self.shards[i].shard.hashes;
        let behind = self.open().into_iter().find(|j| last < u128::MAX && self.shards[*j].shard.hashes.0 == last + 1);
        let Some(j) = behind else { return };
        let end = self.shards[j].shard.hashes.1;
        self.shards[i].shard.is_closed = true;
        self.shards[j].shard.is_closed = true;
        let parents = vec![self.shards[i].shard.id.clone(), self.shards[j].shard.id.clone()];
        self.add(parents, (first, end));
    }

    fn refusal(&mut self) -> Option<Refusal> {
        if self.whys.is_empty() || self.random.f64() >= self.refused {
            return None;
        }
        let why = self.whys[self.random.usize(..self.whys.len())];
        Some(refusal(why))
    }

    fn find(&self, id: &str) -> Result<&Stored, Refusal> {
        let stored = self.shards.iter().find(|stored| stored.shard.id == id && stored.is_listed);
        stored.ok_or_else(|| refusal(Why::ShardMissing))
    }

    fn index(&self, id: &str, from: &From) -> Result<usize, Refusal> {
        let stored = self.find(id)?;
        let first = |is_after: &dyn Fn(&Raw) -> bool| stored.records.iter().position(is_after).unwrap_or(stored.records.len());
        let index = match from {
            From::Earliest => 0,
            From::Time(time) => first(&|raw| raw.time >= *time),
            From::At(sequence) => first(&|raw| raw.sequence >= *sequence),
            From::After(sequence) => first(&|raw| raw.sequence > *sequence),
        };
        Ok(index.max(stored.trimmed))
    }

    fn page(&mut self, id: &str, index: usize) -> Result<(Page, usize), Refusal> {
        let n = self.random.usize(0..=PAGE_RECORDS_MAX);
        let stored = self.find(id)?;
        let index = index.max(stored.trimmed);
        let end = (index + n).min(stored.records.len());
        let is_over = stored.shard.is_closed && end == stored.records.len();
        let behind = if end < stored.records.len() { Duration::from_secs(1) } else { Duration::ZERO };
        let next = (!is_over).then(String::new);
        Ok((Page { records: stored.records[index..end].to_vec(), next, behind }, end))
    }
}

pub(super) fn refusal(why: Why) -> Refusal {
    let (kind, word) = match why {
        Why::Throttled => (Kind::Unavailable, "throttled"),
        Why::Other => (Kind::Unavailable, "endpoint_unreachable"),
        _ => (Kind::NotFound, "scripted"),
    };
    Refusal { why, error: named(kind, word, "reading a scripted stream", "as the script says".to_owned()) }
}

#[async_trait]
impl Api for Scripted {
    async fn shards(&self) -> Result<Vec<Shard>, Refusal> {
        sleep(Duration::from_millis(3)).await;
        let mut stream = self.lock();
        stream.calls.lists += 1;
        if let Some(refusal) = stream.refusal().filter(|refusal| matches!(refusal.why, Why::Throttled | Why::Other)) {
            return Err(refusal);
        }
        Ok(stream.shards.iter().filter(|stored| stored.is_listed).map(|stored| stored.shard.clone()).collect())
    }

    async fn iterator(&self, shard: &str, from: &From) -> Result<String, Refusal> {
        sleep(Duration::from_millis(3)).await;
        let mut stream = self.lock();
        stream.calls.iterators += 1;
        let index = stream.index(shard, from)?;
        Ok(format!("{shard}|{index}|{}", stream.began.elapsed().as_millis()))
    }

    async fn records(&self, iterator: &str, n_records_max: usize) -> Result<Page, Refusal> {
        assert!(n_records_max > 0);
        {
            let mut stream = self.lock();
            stream.calls.reads += 1;
            stream.calls.reading_now += 1;
            stream.calls.reading_max = stream.calls.reading_max.max(stream.calls.reading_now);
        }
        sleep(Duration::from_millis(5)).await;
        let mut stream = self.lock();
        stream.calls.reading_now -= 1;
        let mut parts = iterator.split('|');
        let (shard, index, at) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let made_at = Duration::from_millis(at.parse().unwrap());
        if stream.began.elapsed() - made_at > ITERATOR_LASTS {
            return Err(refusal(Why::IteratorExpired));
        }
        if let Some(refusal) = stream.refusal() {
            return Err(refusal);
        }
        let (page, end) = stream.page(shard, index.parse().unwrap())?;
        let next = page.next.map(|_| format!("{shard}|{end}|{}", stream.began.elapsed().as_millis()));
        Ok(Page { next, ..page })
    }

    async fn register(&self, consumer: &str) -> Result<String, Refusal> {
        Ok(format!("arn:aws:kinesis:eu-west-1:1:stream/s/consumer/{consumer}:1"))
    }

    async fn subscribe(&self, consumer_arn: &str, shard: &str, from: &From) -> Result<Pages, Refusal> {
        assert!(consumer_arn.starts_with("arn:"));
        let (index, at) = {
            let mut stream = self.lock();
            stream.calls.subscriptions += 1;
            if stream.n_subscriptions_refused > 0 {
                stream.n_subscriptions_refused -= 1;
                return Err(refusal(Why::Busy));
            }
            (stream.index(shard, from)?, Instant::now())
        };
        let (scripted, shard) = (self.clone(), shard.to_owned());
        let pages = futures::stream::unfold(Some(index), move |index| {
            let (scripted, shard) = (scripted.clone(), shard.clone());
            async move {
                let index = index?;
                sleep(Duration::from_millis(200)).await;
                if at.elapsed() > SUBSCRIPTION_LASTS {
                    return None;
                }
                let mut stream = scripted.lock();
                let (page, end) = match stream.page(&shard, index) {
                    Ok(page) => page,
                    Err(refusal) => return Some((Err(refusal), None)),
                };
                // As the service does, also where no record came: the number before the next one.
                let before = stream.find(&shard).ok().and_then(|stored| stored.records.get(end.checked_sub(1)?));
                let continuation = before.map_or_else(|| "0".to_owned(), |raw| raw.sequence.clone());
                let next = page.next.as_ref().map(|_| continuation);
                let is_over = next.is_none();
                Some((Ok(Page { next, ..page }), (!is_over).then_some(end)))
            }
        });
        Ok(pages.boxed())
    }
}
