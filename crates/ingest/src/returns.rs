//! The way back: quarantined records enter their stream's own pipeline once more, beside its source.
//!
//! They move no positions. Those that become rows, or are left out by the stream's own rules, leave quarantine in the commit
//! that does it; the others stay, with the reason they have now. One lot is on its way at a time, and whoever discards
//! takes the same turn: so no commit meets a record that somebody else has taken.

use crate::intake::Taken;
use crate::repair::sample;
use bytes::Bytes;
use helios_contract::commit::{Counts, Kept, LedgerEntry, Released, Replayed};
use helios_contract::quarantine::{Fate, Held, Outcome, QuarantineId, path_shape, reason_shape};
use helios_contract::record::Chunk;
use helios_contract::{Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard, mpsc, oneshot, watch};
use tokio::time::timeout;

/// Where records wait for the pipeline to take them. It outlives the stream's task.
pub(crate) struct Returns {
    way: watch::Sender<Option<mpsc::Sender<Lot>>>,
    turn: Arc<Mutex<()>>,
}

/// Records that return together.
pub(crate) struct Lot {
    pub(crate) held: Vec<Held>,
    /// How they were mended, as SQL says it.
    pub(crate) how: Arc<str>,
    pub(crate) reply: oneshot::Sender<Outcomes>,
    /// Kept until the commit is answered, also when nobody waits for it any more.
    pub(crate) turn: OwnedMutexGuard<()>,
}

/// What is to be said, and the turn to be given up, once a lot is committed.
pub(crate) struct Answer {
    reply: oneshot::Sender<Outcomes>,
    outcomes: Outcomes,
    _turn: OwnedMutexGuard<()>,
}

/// What a lot adds to a commit.
pub(crate) struct Settled {
    pub(crate) replayed: Replayed,
    pub(crate) ledger: Vec<LedgerEntry>,
    pub(crate) n_bytes: usize,
    pub(crate) answer: Answer,
}

/// The pipeline's end of the way; gone with the pipeline.
pub(crate) struct Arrivals {
    returns: Arc<Returns>,
    lots: mpsc::Receiver<Lot>,
}

impl Returns {
    /// Closed until the stream reads.
    pub(crate) fn new() -> Arc<Returns> {
        Arc::new(Returns { way: watch::Sender::new(None), turn: Arc::default() })
    }

    /// Opens the way for a pipeline.
    pub(crate) fn open(self: &Arc<Self>) -> Arrivals {
        let (sender, lots) = mpsc::channel(1);
        self.way.send_replace(Some(sender));
        Arrivals { returns: Arc::clone(self), lots }
    }

    /// Waits until nobody else sends or discards.
    pub(crate) async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// Hands a lot to the pipeline; false when the stream did not read within `limit`.
    pub(crate) async fn send(&self, lot: Lot, limit: Duration) -> bool {
        let mut way = self.way.subscribe();
        let opened = timeout(limit, way.wait_for(Option::is_some)).await;
        let sender = opened.ok().and_then(Result::ok).and_then(|way| way.clone());
        match sender {
            Some(sender) => sender.send(lot).await.is_ok(),
            None => false,
        }
    }
}

impl Arrivals {
    /// The next lot. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Lot {
        match self.lots.recv().await {
            Some(lot) => lot,
            // The sender is kept for as long as this is.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.returns.way.send_replace(None);
    }
}

impl Answer {
    /// Says that the lot is durable.
    pub(crate) fn send(self) {
        // Nobody may be left to hear it.
        let _ = self.reply.send(self.outcomes);
    }
}

/// How many records had which fate, and one of each.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(BTreeMap<(Fate, String, String), (u64, String)>);

impl Outcomes {
    fn add(&mut self, fate: Fate, (reason, path): (&str, &str), n_records: u64, sample: impl FnOnce() -> String) {
        if n_records > 0 {
            let entry = self.0.entry((fate, reason_shape(reason), path_shape(path)));
            entry.or_insert_with(|| (0, sample())).0 += n_records;
        }
    }

    pub(crate) fn extend(&mut self, others: Outcomes) {
        for (cause, (n_records, sample)) in others.0 {
            self.0.entry(cause).or_insert((0, sample)).0 += n_records;
        }
    }

    pub(crate) fn n_records(&self) -> u64 {
        self.0.values().map(|(n_records, _)| n_records).sum()
    }

    /// The fates in their order, the most frequent reason first.
    pub(crate) fn listed(self) -> Vec<Outcome> {
        let outcome = |((fate, reason, path), (n_records, sample))| Outcome { fate, reason, path, n_records, sample };
        let mut all: Vec<Outcome> = self.0.into_iter().map(outcome).collect();
        all.sort_by_key(|outcome| (outcome.fate, std::cmp::Reverse(outcome.n_records)));
        all
    }
}

/// The records as chunks that move nothing, one for each source partition.
pub(crate) fn chunks(held: &[Held]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for one in held {
        match chunks.iter_mut().find(|chunk| chunk.partition == one.partition) {
            Some(chunk) => chunk.records.push(one.record.clone()),
            None => chunks.push(Chunk {
                partition: Arc::clone(&one.partition),
                from: None,
                to: String::new(),
                records: vec![one.record.clone()],
                gaps: Vec::new(),
                idempotency_key: None,
                tag: 0,
            }),
        }
    }
    chunks
}

/// Which of the records did not fit, by index, each with its reason and path.
///
/// Records that are equal in place and payload cannot be told apart, and need not be: they have the same fate.
pub(crate) fn unfit(held: &[Held], taken: &[Taken]) -> BTreeMap<usize, (String, String)> {
    type Place<'a> = (&'a str, String, &'a Bytes);
    let mut places: HashMap<Place<'_>, Vec<usize>> = HashMap::new();
    for (i, Held { partition, record, .. }) in held.iter().enumerate() {
        places.entry((partition, record.position.to_string(), &record.payload)).or_default().push(i);
    }
    let rejected = taken.iter().flat_map(|taken| &taken.quarantined);
    let found = rejected.filter_map(|bad| {
        let i = places.get_mut(&(bad.partition.as_str(), bad.position.clone(), &bad.payload))?.pop()?;
        Some((i, (bad.reason.clone(), bad.path.clone())))
    });
    found.collect()
}

/// What came of the records, for whoever asked.
pub(crate) fn outcomes(held: &[Held], taken: &[Taken], unfit: &BTreeMap<usize, (String, String)>) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let counts = counts(taken);
    let first = held.iter().enumerate().find(|(i, _)| !unfit.contains_key(i));
    // Which of them were left out is not known: then none is shown.
    let first = first.filter(|_| counts.filtered + counts.deduplicated == 0);
    let of_first = || first.map(|(_, held)| sample(&held.record.payload)).unwrap_or_default();
    outcomes.add(Fate::Stored, ("", ""), counts.stored, of_first);
    outcomes.add(Fate::Filtered, ("", ""), counts.filtered, String::new);
    outcomes.add(Fate::Deduplicated, ("", ""), counts.deduplicated, String::new);
    for (i, (reason, path)) in unfit {
        outcomes.add(Fate::Unfit, (reason, path), 1, || sample(&held[*i].record.payload));
    }
    outcomes
}

fn counts(taken: &[Taken]) -> Counts {
    let mut counts = Counts::default();
    taken.iter().flat_map(|taken| &taken.chunks).for_each(|chunk| counts.add(&chunk.counts));
    counts
}

/// What a lot adds to its commit, given what became of it.
///
/// # Errors
/// `Internal` when the counts do not add up.
pub(crate) fn settle(lot: Lot, taken: &[Taken]) -> Result<Settled> {
    let Lot { held, how, reply, turn } = lot;
    let unfit = unfit(&held, taken);
    let n_unfit = counts(taken).quarantined;
    if n_unfit != unfit.len() as u64 {
        return Err(Error::internal(format!("{n_unfit} replayed records do not fit, {} of them are known", unfit.len())));
    }
    let released = held.iter().enumerate().filter(|(i, _)| !unfit.contains_key(i));
    let released = released.map(|(_, one)| Released { id: one.id, how: Arc::clone(&how) }).collect();
    let kept = unfit.iter().map(|(i, (reason, path))| kept(held[*i].id, reason, path)).collect();
    let ledger = taken.iter().flat_map(|taken| {
        taken.chunks.iter().filter_map(|chunk| {
            let (first, last) = chunk.span.clone()?;
            let replayed = chunk.counts.received - chunk.counts.quarantined;
            let counts = Counts { received: 0, quarantined: 0, replayed, ..chunk.counts };
            let partition = taken.partition.to_string();
            (replayed > 0).then_some(LedgerEntry { partition, first, last, counts, gap: None, n_lost: 0 })
        })
    });
    let ledger = ledger.collect();
    let n_bytes = held.iter().map(|one| one.record.payload.len()).sum();
    let outcomes = outcomes(&held, taken, &unfit);
    Ok(Settled { replayed: Replayed { released, kept }, ledger, n_bytes, answer: Answer { reply, outcomes, _turn: turn } })
}

fn kept(id: QuarantineId, reason: &str, path: &str) -> Kept {
    Kept { id, reason: reason.to_owned(), path: path.to_owned() }
}
