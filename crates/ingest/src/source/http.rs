//! Pushed records as a source: an inbox between the requests that wait and the pipeline that commits.
//!
//! The inbox gives each push its place in its partition the moment it is let in, so that what the sender is told (go on,
//! repeated, conflict) is decided before anything is queued. What is let in is bounded by bytes and by number until it is
//! committed, not until it is pulled.

use async_trait::async_trait;
use helios_contract::commit::CommitId;
use helios_contract::query::{Pushed, PushedRecord, SenderRange};
use helios_contract::record::{Chunk, Offsets, Position, Record};
use helios_contract::source::{Done, Source};
use helios_contract::{Error, Result, Timestamp, commit::Counts};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;

/// The partition of pushes whose sender names no place of its own; its position counts records.
const PARTITION: &str = "http";

/// How long a push waits for the one it continues from.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

/// Where pushes of one stream wait for their commit. It outlives the stream's task.
pub(crate) struct Inbox {
    bytes_max: usize,
    requests_max: usize,
    state: Mutex<State>,
    open: watch::Sender<bool>,
    arrived: Notify,
    // A position has moved, or a push that was expected will not come.
    moved: Notify,
}

#[derive(Default)]
struct State {
    // Where the lake will stand once everything let in is committed.
    positions: Offsets,
    queue: VecDeque<Chunk>,
    waiting: BTreeMap<u64, Waiting>,
    // Partition and end of the ranges whose pushes are on their way here, and how many of each.
    expected: HashMap<(String, String), usize>,
    // Idempotency keys of pushes on their way, and the repeats that wait for the same answer.
    keys: HashMap<String, Vec<Reply>>,
    n_bytes: usize,
    n_pushed: u64,
}

struct Waiting {
    reply: Reply,
    partition: String,
    key: Option<String>,
    n_bytes: usize,
}

type Reply = oneshot::Sender<Result<Pushed>>;

/// The answer to come. An error in receiving means that the push it waits with was never let in.
pub(crate) type Awaited = oneshot::Receiver<Result<Pushed>>;

/// Records on their way into the inbox.
pub(crate) struct Parcel {
    pub(crate) records: Vec<PushedRecord>,
    pub(crate) at: Timestamp,
    pub(crate) range: Option<SenderRange>,
    pub(crate) key: Option<KeyHeld>,
}

/// What the inbox says to a push.
pub(crate) enum Admitted {
    /// It is queued; wait for the commit.
    Queued(Awaited),
    /// The sender's range is stored already.
    Repeated,
}

/// What the inbox says to an idempotency key.
pub(crate) enum KeyState {
    /// Nobody else uses it now; it is held until the push is answered or this is dropped.
    Held(KeyHeld),
    /// A push with the same key is on its way: its answer counts for this one, too.
    OnItsWay(Awaited),
}

/// An idempotency key that this push, and no other, is deciding about.
pub(crate) struct KeyHeld {
    inbox: Arc<Inbox>,
    key: String,
    settled: bool,
}

impl KeyHeld {
    /// Answers this push, and those that wait with it, with a kept answer.
    pub(crate) fn settle(mut self, commit: CommitId, counts: Counts) -> Pushed {
        self.settled = true;
        let pushed = Pushed { commit, counts, repeated: true };
        for reply in self.inbox.lock().keys.remove(&self.key).into_iter().flatten() {
            let _ = reply.send(Ok(pushed));
        }
        pushed
    }
}

impl Drop for KeyHeld {
    fn drop(&mut self) {
        if !self.settled {
            self.inbox.lock().keys.remove(&self.key);
        }
    }
}

/// A sender's range whose push is on its way.
pub(crate) struct Expected {
    inbox: Arc<Inbox>,
    end: (String, String),
}

impl Drop for Expected {
    fn drop(&mut self) {
        let mut state = self.inbox.lock();
        if let Some(n) = state.expected.get_mut(&self.end) {
            *n -= 1;
            if *n == 0 {
                state.expected.remove(&self.end);
            }
        }
        drop(state);
        self.inbox.moved.notify_waiters();
    }
}

impl Inbox {
    /// A closed inbox: it opens when the stream's source does.
    pub(crate) fn new(bytes_max: usize, requests_max: usize) -> Arc<Inbox> {
        Arc::new(Inbox {
            bytes_max,
            requests_max,
            state: Mutex::default(),
            open: watch::Sender::new(false),
            arrived: Notify::new(),
            moved: Notify::new(),
        })
    }

    /// Waits until the stream reads; false when it did not in time.
    pub(crate) async fn opened(&self, limit: Duration) -> bool {
        let mut open = self.open.subscribe();
        let opened = timeout(limit, open.wait_for(|open| *open)).await;
        opened.is_ok_and(|open| open.is_ok())
    }

    /// Takes hold of an idempotency key.
    pub(crate) fn hold(self: &Arc<Self>, key: &str) -> KeyState {
        match self.lock().keys.entry(key.to_owned()) {
            std::collections::hash_map::Entry::Occupied(mut others) => {
                let (reply, awaited) = oneshot::channel();
                others.get_mut().push(reply);
                KeyState::OnItsWay(awaited)
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(Vec::new());
                KeyState::Held(KeyHeld { inbox: self.clone(), key: key.to_owned(), settled: false })
            }
        }
    }

    /// Lets a push that continues from the end of `range` wait for this one, until what is returned is dropped.
    pub(crate) fn expect(self: &Arc<Self>, range: &SenderRange) -> Expected {
        let end = (range.partition.clone(), range.to.clone());
        *self.lock().expected.entry(end.clone()).or_default() += 1;
        Expected { inbox: self.clone(), end }
    }

    /// Waits for the push that this range continues from, as long as that one is expected and not here yet: of two requests the
    /// later one may be through first.
    pub(crate) async fn reached(&self, range: &SenderRange) {
        let Some(from) = &range.from else { return };
        let before = (range.partition.clone(), from.clone());
        let is_early = || {
            let state = self.lock();
            let now = state.positions.get(&range.partition);
            now != Some(from) && now != Some(&range.to) && state.expected.contains_key(&before)
        };
        let reached = async {
            loop {
                let moved = self.moved.notified();
                if !is_early() {
                    return;
                }
                moved.await;
            }
        };
        // Whoever is still waiting then is told where the partition stands.
        let _ = timeout(REACHED_WITHIN, reached).await;
    }

    /// Lets a push in, all of it or nothing.
    ///
    /// # Errors
    /// `Conflict` when the sender's range does not continue where we stand; `Exhausted` when too much waits already;
    /// `Unavailable` when the stream has stopped.
    pub(crate) fn admit(&self, parcel: Parcel) -> Result<Admitted> {
        let Parcel { records: pushed, at, range, mut key } = parcel;
        let n_bytes = pushed.iter().map(|record| record.payload.len()).sum();
        let mut state = self.lock();
        if !*self.open.borrow() {
            return Err(stopped());
        }
        let (partition, from, to) = match place(&state.positions, range, pushed.len())? {
            Place::Next { partition, from, to } => (partition, from, to),
            Place::Stored { partition } if state.waiting.values().any(|other| other.partition == partition) => {
                return Err(Error::unavailable(format!(
                    "a push up to this place of partition {partition} is still being committed"
                ))
                .hint("Send it again in a moment."));
            }
            Place::Stored { .. } => return Ok(Admitted::Repeated),
        };
        let is_full = state.n_bytes.saturating_add(n_bytes) > self.bytes_max || state.waiting.len() >= self.requests_max;
        if is_full && !state.waiting.is_empty() {
            let message = format!("{} pushes of {} bytes already wait for their commit", state.waiting.len(), state.n_bytes);
            return Err(Error::exhausted(message).hint("Send them again in a moment."));
        }
        let tag = state.n_pushed;
        state.n_pushed += 1;
        let (reply, awaited) = oneshot::channel();
        let held = key.as_mut().map(|key| {
            key.settled = true;
            key.key.clone()
        });
        state.positions.insert(partition.clone(), to.clone());
        state.n_bytes += n_bytes;
        state.waiting.insert(tag, Waiting { reply, partition: partition.clone(), key: held.clone(), n_bytes });
        let records = records(pushed, at, from.as_deref(), &to);
        state.queue.push_back(Chunk {
            partition: partition.into(),
            from,
            to,
            records,
            gaps: Vec::new(),
            idempotency_key: held,
            tag,
        });
        drop(state);
        self.arrived.notify_one();
        self.moved.notify_waiters();
        Ok(Admitted::Queued(awaited))
    }

    // Starts anew where the lake stands.
    fn open_at(&self, offsets: &Offsets) {
        self.lock().positions.clone_from(offsets);
        self.open.send_replace(true);
    }

    // Lets nothing in any more, and tells whoever still waits why.
    fn close(&self, why: &Error) {
        let mut state = self.lock();
        self.open.send_replace(false);
        for waiting in std::mem::take(&mut state.waiting).into_values() {
            // A key whose push is not let in yet stays with its holder.
            let repeats = waiting.key.and_then(|key| state.keys.remove(&key)).unwrap_or_default();
            for reply in std::iter::once(waiting.reply).chain(repeats) {
                let _ = reply.send(Err(again(why)));
            }
        }
        state.queue.clear();
        state.n_bytes = 0;
    }

    fn settle(&self, tag: u64, pushed: Pushed) {
        let mut state = self.lock();
        let Some(waiting) = state.waiting.remove(&tag) else { return };
        state.n_bytes -= waiting.n_bytes;
        let repeats = waiting.key.and_then(|key| state.keys.remove(&key)).unwrap_or_default();
        drop(state);
        // Nobody may be left to hear it: the client hung up.
        let _ = waiting.reply.send(Ok(pushed));
        for reply in repeats {
            let _ = reply.send(Ok(Pushed { repeated: true, ..pushed }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a push whose stream stopped under it.
pub(crate) fn stopped() -> Error {
    Error::unavailable("the stream stopped before the records were committed")
        .hint("Send them again; with an Idempotency-Key that is harmless even if they were.")
}

enum Place {
    Next { partition: String, from: Option<String>, to: String },
    Stored { partition: String },
}

// Where a push belongs, given where we stand.
fn place(positions: &Offsets, range: Option<SenderRange>, n_records: usize) -> Result<Place> {
    let Some(SenderRange { partition, from, to }) = range else {
        let from = positions.get(PARTITION).cloned();
        let n_before = from.as_deref().map_or(Ok(0), str::parse::<u64>);
        let n_before =
            n_before.map_err(|_| Error::corrupt(format!("the stored position of partition {PARTITION} is no number")))?;
        return Ok(Place::Next { partition: PARTITION.to_owned(), from, to: (n_before + n_records as u64).to_string() });
    };
    let now = positions.get(&partition);
    if now == Some(&to) {
        return Ok(Place::Stored { partition });
    }
    if now == from.as_ref() {
        return Ok(Place::Next { partition, from, to });
    }
    let wanted = from.as_deref().unwrap_or("the beginning");
    let (stand, go_on) = match now {
        Some(now) => (format!("the position is {now}"), format!("Continue from {now}.")),
        None => ("nothing is stored".to_owned(), "Start from the beginning.".to_owned()),
    };
    Err(Error::conflict(format!("the records continue from {wanted} of partition {partition}, but there {stand}")).hint(go_on))
}

// A sender that counts records gets their numbers; one with other positions gets its own with a number behind.
fn records(pushed: Vec<PushedRecord>, at: Timestamp, from: Option<&str>, to: &str) -> Vec<Record> {
    let first = from.map_or(Some(0), |from| from.parse::<i64>().ok());
    let position = |i: usize| match first {
        Some(first) => Position::Number(first + i as i64),
        None => Position::Text(format!("{to}#{i}").into()),
    };
    let record = |(i, PushedRecord { payload, key, time }): (usize, PushedRecord)| Record {
        position: position(i),
        time: time.unwrap_or(at),
        key,
        headers: Vec::new(),
        payload,
    };
    pushed.into_iter().enumerate().map(record).collect()
}

/// Opens the inbox at the stored positions.
pub(crate) fn open(inbox: Arc<Inbox>, offsets: &Offsets) -> Box<dyn Source> {
    inbox.open_at(offsets);
    Box::new(HttpSource { inbox })
}

struct HttpSource {
    inbox: Arc<Inbox>,
}

#[async_trait]
impl Source for HttpSource {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(chunk) = self.inbox.lock().queue.pop_front() {
                return Ok(Some(chunk));
            }
            self.inbox.arrived.notified().await;
        }
    }

    async fn ack(&mut self, _: &Offsets, done: &[Done]) -> Result<()> {
        for done in done {
            self.inbox.settle(done.tag, Pushed { commit: done.commit, counts: done.counts, repeated: false });
        }
        Ok(())
    }

    // Everything let in later continues from what is rejected, so all of it is.
    async fn reject(&mut self, _: &[u64], error: &Arc<Error>) {
        self.inbox.close(error);
    }

    fn lag(&self) -> Vec<(String, u64)> {
        let n_queued: usize = self.inbox.lock().queue.iter().map(|chunk| chunk.records.len()).sum();
        vec![(PARTITION.to_owned(), n_queued as u64)]
    }
}

impl Drop for HttpSource {
    fn drop(&mut self) {
        self.inbox.close(&stopped());
    }
}

// Errors travel to many waiters but cannot be cloned.
fn again(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.message());
    match error.hint_text() {
        Some(hint) => copy.hint(hint),
        None => copy,
    }
}

#[cfg(test)]
mod tests;
