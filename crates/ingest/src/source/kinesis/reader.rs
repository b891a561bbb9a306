//! Reads all shards of a stream: one task that knows the tree, and below it one for each shard that may be read now.

use super::api::{Api, Page, Pages, Refusal, Shard, Why};
use super::pace::Pace;
use super::place::Place;
use super::settings::Settings;
use super::shard::{Reading, expired_gap};
use super::tree::{self, Plan};
use crate::backoff::Backoff;
use crate::source::heartbeat;
use futures::StreamExt;
use helios_contract::record::{Chunk, Offsets};
use helios_contract::{Error, Kind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::select;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

/// Reads at a time, over all shards; each holds a few megabytes until its chunk is handed over.
const READS_MAX: usize = 16;
/// Pauses between questions for children that are not listed yet, and between tries of a shard in trouble.
const RETRY_MIN_MS: u64 = 500;
const RETRY_MAX_MS: u64 = 10_000;
/// Subscriptions refused in a row before a shard is polled instead, and for how long it then is.
const REFUSALS_MAX: u32 = 4;
const POLL_INSTEAD: Duration = Duration::from_secs(300);
/// The service takes a subscription to a shard this long after another one.
const SUBSCRIBE_AGAIN: Duration = Duration::from_secs(5);

/// What the tasks of one stream share.
pub(super) struct Reader {
    pub(super) api: Arc<dyn Api>,
    pub(super) settings: Settings,
    pub(super) idle_max: Duration,
    chunks: mpsc::Sender<Result<Vec<Chunk>>>,
    reads: Semaphore,
    n_shards: AtomicUsize,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    behind: BTreeMap<String, Duration>,
    in_trouble: BTreeSet<String>,
}

/// Nobody listens any more.
struct Gone;

impl Reader {
    pub(super) fn new(
        api: Arc<dyn Api>,
        settings: Settings,
        idle_max: Duration,
        chunks: mpsc::Sender<Result<Vec<Chunk>>>,
    ) -> Reader {
        let reads = Semaphore::new(READS_MAX);
        Reader { api, settings, idle_max, chunks, reads, n_shards: AtomicUsize::new(0), known: Mutex::default() }
    }

    /// How far reading is behind the newest record, by shard.
    pub(super) fn behind(&self) -> Vec<(String, Duration)> {
        self.lock().behind.iter().map(|(shard, behind)| (shard.clone(), *behind)).collect()
    }

    /// Reads until nobody listens any more. `committed` says where the lake stands whenever a shard was read to its end.
    pub(super) async fn run(self: Arc<Self>, mut shards: Vec<Shard>, mut committed: watch::Receiver<Offsets>) {
        let consumer = self.consumer().await;
        let mut tasks: JoinSet<Result<(), Gone>> = JoinSet::new();
        let mut started = BTreeSet::new();
        let mut backoff = Backoff::new(RETRY_MIN_MS, RETRY_MAX_MS);
        let mut is_unlisted = false;
        loop {
            let stands = committed.borrow_and_update().clone();
            let Ok(is_incomplete) = self.follow(&shards, &stands, &mut started, &mut tasks, consumer.as_ref()).await else {
                return;
            };
            let pause = (is_incomplete || is_unlisted).then(|| backoff.pause());
            select! { biased;
                ended = tasks.join_next(), if !tasks.is_empty() => match ended {
                    // A shard that was read to its end; its children wait for the commit.
                    Some(Ok(Ok(()))) => continue,
                    Some(Err(broken)) => {
                        let error = Error::internal("the task that reads a shard broke").because(broken);
                        let _ = self.chunks.send(Err(error)).await;
                        return;
                    }
                    Some(Ok(Err(Gone))) | None => return,
                },
                changed = committed.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    backoff.reset();
                }
                () = wait(pause) => {}
            }
            let listed = self.api.shards().await;
            is_unlisted = listed.is_err();
            let told = match listed {
                Ok(listed) => {
                    shards = listed;
                    self.well("").await
                }
                Err(refusal) if refusal.why == Why::Throttled => Ok(()),
                Err(refusal) => self.trouble("", refusal.error).await,
            };
            if told.is_err() {
                return;
            }
        }
    }

    /// Does what the tree asks for; answers whether it is to be looked at again without waiting for a commit.
    async fn follow(
        self: &Arc<Self>,
        shards: &[Shard],
        committed: &Offsets,
        started: &mut BTreeSet<String>,
        tasks: &mut JoinSet<Result<(), Gone>>,
        consumer: Option<&Arc<str>>,
    ) -> Result<bool, Gone> {
        let plan = match tree::plan(shards, committed) {
            Ok(plan) => plan,
            Err(error) => {
                self.send(Err(error)).await?;
                return Err(Gone);
            }
        };
        let Plan { ready, expired, is_incomplete } = plan;
        // A shard that is being read finds out by itself.
        let expired: Vec<Chunk> = expired
            .into_iter()
            .filter(|(id, _)| started.insert(id.clone()))
            .map(|(id, stored)| expired_chunk(&id, stored))
            .collect();
        if !expired.is_empty() {
            self.send(Ok(expired)).await?;
        }
        for (shard, place) in ready {
            if started.insert(shard.id.clone()) {
                let is_stored = committed.contains_key(&shard.id);
                let reading = Reading::new(shard, place, is_stored, self.settings.what(), self.settings.record_bytes_max);
                self.n_shards.fetch_add(1, Ordering::Relaxed);
                tasks.spawn(self.clone().read(reading, consumer.cloned()));
            }
        }
        Ok(is_incomplete)
    }

    /// The consumer to subscribe with; `None` where records are polled.
    async fn consumer(&self) -> Option<Arc<str>> {
        let name = self.settings.consumer.as_deref()?;
        if name.starts_with("arn:") {
            return Some(name.into());
        }
        match self.api.register(name).await {
            Ok(arn) => {
                info!(consumer = name, arn, "registered for records pushed by kinesis");
                Some(arn.into())
            }
            Err(Refusal { error, .. }) => {
                warn!(consumer = name, %error, "kinesis does not register the consumer; its shards are polled");
                None
            }
        }
    }

    async fn read(self: Arc<Self>, mut reading: Reading, consumer: Option<Arc<str>>) -> Result<(), Gone> {
        let ended = match &consumer {
            Some(consumer) => self.subscribe(&mut reading, consumer).await,
            None => self.poll(&mut reading, None).await.map(drop),
        };
        self.n_shards.fetch_sub(1, Ordering::Relaxed);
        self.lock().behind.remove(&reading.shard.id);
        ended
    }

    /// Polls a shard to its end, or until a moment; answers whether it ended.
    async fn poll(&self, reading: &mut Reading, until: Option<Instant>) -> Result<bool, Gone> {
        let mut pace = Pace::new(&reading.shard.id, self.idle_max);
        let mut backoff = Backoff::new(RETRY_MIN_MS, RETRY_MAX_MS);
        let mut iterator = None;
        while until.is_none_or(|until| Instant::now() < until) {
            let permit = self.reads.acquire().await.map_err(|_| Gone)?;
            let began = Instant::now();
            let pause = match self.poll_once(reading, &mut iterator, pace.n_records()).await {
                Ok(page) => {
                    backoff.reset();
                    let (n_records, behind) = (page.records.len(), page.behind);
                    let n_bytes = page.records.iter().map(|record| record.data.len()).sum();
                    if !self.hand_over(reading, page).await? {
                        return Ok(true);
                    }
                    pace.after(n_records, n_bytes, !behind.is_zero(), self.n_shards.load(Ordering::Relaxed))
                }
                Err(refusal) => match self.excuse(reading, &mut iterator, refusal, &mut pace, &mut backoff).await? {
                    Some(pause) => pause,
                    None => return Ok(true),
                },
            };
            drop(permit);
            sleep_until(began + pause).await;
        }
        Ok(false)
    }

    async fn poll_once(&self, reading: &Reading, iterator: &mut Option<String>, n_max: usize) -> Result<Page, Refusal> {
        let token = match iterator.take() {
            Some(token) => token,
            None => self.api.iterator(&reading.shard.id, &reading.from()).await?,
        };
        match self.api.records(&token, n_max).await {
            Ok(page) => {
                iterator.clone_from(&page.next);
                Ok(page)
            }
            // A token lasts: the same read is tried again with it.
            Err(refusal) if refusal.why == Why::Throttled => {
                *iterator = Some(token);
                Err(refusal)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// What a refused read means: how long to wait, or `None` when the shard is gone.
    async fn excuse(
        &self,
        reading: &mut Reading,
        iterator: &mut Option<String>,
        refusal: Refusal,
        pace: &mut Pace,
        backoff: &mut Backoff,
    ) -> Result<Option<Duration>, Gone> {
        let Refusal { why, error } = refusal;
        match why {
            Why::Throttled => {
                let (pause, is_long) = pace.throttled();
                if is_long {
                    self.trouble(&reading.shard.id, error).await?;
                }
                Ok(Some(pause))
            }
            Why::IteratorExpired => {
                *iterator = None;
                Ok(Some(Duration::ZERO))
            }
            Why::ShardMissing => {
                let chunk = reading.gone();
                self.send(Ok(vec![chunk])).await?;
                Ok(None)
            }
            Why::Argument | Why::Busy | Why::Other => {
                self.trouble(&reading.shard.id, error).await?;
                Ok(Some(backoff.pause()))
            }
        }
    }

    /// Takes what is pushed until the shard ends; polls for a while where subscriptions are refused.
    async fn subscribe(&self, reading: &mut Reading, consumer: &str) -> Result<(), Gone> {
        let mut backoff = Backoff::new(RETRY_MIN_MS, RETRY_MAX_MS);
        let mut n_refused = 0;
        loop {
            let began = Instant::now();
            let refusal = match self.api.subscribe(consumer, &reading.shard.id, &reading.from()).await {
                Ok(pages) => {
                    n_refused = 0;
                    match self.drain(reading, pages).await? {
                        Drained::Ended => return Ok(()),
                        // Five minutes are over; the next subscription goes on where this one stood.
                        Drained::Over if began.elapsed() >= SUBSCRIBE_AGAIN => {
                            backoff.reset();
                            continue;
                        }
                        Drained::Over => {
                            sleep(SUBSCRIBE_AGAIN).await;
                            continue;
                        }
                        Drained::Refused(refusal) => refusal,
                    }
                }
                Err(refusal) => {
                    n_refused += 1;
                    refusal
                }
            };
            if matches!(refusal.why, Why::ShardMissing | Why::Argument) || n_refused >= REFUSALS_MAX {
                warn!(shard = reading.shard.id, error = %refusal.error, "kinesis refuses to push records; the shard is polled");
                if self.poll(reading, Some(Instant::now() + POLL_INSTEAD)).await? {
                    return Ok(());
                }
                n_refused = 0;
            } else {
                sleep(backoff.pause()).await;
            }
        }
    }

    async fn drain(&self, reading: &mut Reading, mut pages: Pages) -> Result<Drained, Gone> {
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    let continuation = page.next.clone();
                    if !self.hand_over(reading, page).await? {
                        return Ok(Drained::Ended);
                    }
                    reading.goes_on(continuation);
                }
                Err(refusal) => return Ok(Drained::Refused(refusal)),
            }
        }
        Ok(Drained::Over)
    }

    /// Hands a page over; answers whether there is more to come.
    async fn hand_over(&self, reading: &mut Reading, page: Page) -> Result<bool, Gone> {
        let is_last = page.next.is_none();
        let is_news = self.lock().behind.insert(reading.shard.id.clone(), page.behind) != Some(page.behind);
        match reading.take(page) {
            Ok(Some(chunk)) => {
                self.lock().in_trouble.remove(&reading.shard.id);
                self.send(Ok(vec![chunk])).await?;
            }
            Ok(None) => {
                self.well(&reading.shard.id).await?;
                if is_news {
                    self.send(Ok(vec![heartbeat()])).await?;
                }
            }
            Err(error) => {
                self.send(Err(error)).await?;
                return Err(Gone);
            }
        }
        Ok(!is_last)
    }

    /// A shard, or the tree (""), is well; that is news when it was the last one in trouble.
    async fn well(&self, shard: &str) -> Result<(), Gone> {
        let is_over = {
            let mut known = self.lock();
            known.in_trouble.remove(shard) && known.in_trouble.is_empty()
        };
        if is_over { self.send(Ok(vec![heartbeat()])).await } else { Ok(()) }
    }

    async fn trouble(&self, shard: &str, error: Error) -> Result<(), Gone> {
        self.lock().in_trouble.insert(shard.to_owned());
        let is_final = error.kind() != Kind::Unavailable;
        self.send(Err(error)).await?;
        if is_final { Err(Gone) } else { Ok(()) }
    }

    async fn send(&self, news: Result<Vec<Chunk>>) -> Result<(), Gone> {
        self.chunks.send(news).await.map_err(|_| Gone)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a subscription ended.
enum Drained {
    Ended,
    Over,
    Refused(Refusal),
}

fn expired_chunk(id: &str, stored: Option<String>) -> Chunk {
    let gaps = vec![expired_gap(stored.as_deref())];
    let to = Place::Closed.to_string();
    Chunk { partition: id.into(), from: stored, to, records: Vec::new(), gaps, idempotency_key: None, tag: 0 }
}

async fn wait(pause: Option<Duration>) {
    match pause {
        Some(pause) => sleep(pause).await,
        None => std::future::pending().await,
    }
}
