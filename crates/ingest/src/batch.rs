//! Rows that wait for their commit, and everything that must be committed with them.

use crate::drift;
use crate::intake::{Taken, TakenChunk};
use crate::returns::{self, Answer, Lot, Settled};
use arrow::record_batch::RecordBatch;
use helios_contract::commit::{Commit, Counts, LedgerEntry, Move, Quarantined, Receipt, Replayed};
use helios_contract::drift::Drift;
use helios_contract::record::{Gap, Offsets};
use helios_contract::source::Done;
use helios_contract::stream::Stream;
use helios_contract::{Error, Result, Timestamp, commit::CommitId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;

/// What has been taken since the last commit began.
#[derive(Default)]
pub(crate) struct Batch {
    partitions: BTreeMap<Arc<str>, Span>,
    rows: Vec<RecordBatch>,
    quarantined: Vec<Quarantined>,
    drift: Vec<Drift>,
    replayed: Replayed,
    replayed_ledger: Vec<LedgerEntry>,
    answers: Vec<Answer>,
    receipts: Vec<Receipt>,
    chunks: Vec<(u64, Counts)>,
    arrivals: Vec<Timestamp>,
    newest: Option<Timestamp>,
    watermarks: BTreeMap<Arc<str>, Timestamp>,
    counts: Counts,
    n_bytes: usize,
    opened_at: Option<Instant>,
}

#[derive(Default)]
struct Span {
    from: Option<String>,
    to: String,
    first: Option<String>,
    last: String,
    counts: Counts,
    gaps: Vec<Gap>,
}

/// What is to be said once the commit is durable.
pub(crate) struct Promise {
    pub(crate) chunks: Vec<(u64, Counts)>,
    /// The oldest arrival of each chunk.
    pub(crate) arrivals: Vec<Timestamp>,
    pub(crate) newest: Option<Timestamp>,
    pub(crate) offsets: Offsets,
    pub(crate) counts: Counts,
    /// Records that have a field without a column, once for each such field.
    pub(crate) n_drifting: u64,
    /// How far event time has come in the partitions that have rows.
    pub(crate) watermarks: BTreeMap<Arc<str>, Timestamp>,
    /// Those of records that came back from quarantine.
    pub(crate) answers: Vec<Answer>,
}

impl Promise {
    pub(crate) fn tags(&self) -> Vec<u64> {
        self.chunks.iter().map(|(tag, _)| *tag).collect()
    }

    pub(crate) fn done(&self, commit: CommitId) -> Vec<Done> {
        self.chunks.iter().map(|(tag, counts)| Done { tag: *tag, commit, counts: *counts }).collect()
    }
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.answers.is_empty()
    }

    pub(crate) fn n_records(&self) -> usize {
        self.counts.received as usize
    }

    pub(crate) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// When its first chunk came.
    pub(crate) fn opened_at(&self) -> Option<Instant> {
        self.opened_at
    }

    /// Adds rows and the move they stand for. Each chunk must continue where the one before it ended.
    pub(crate) fn add(&mut self, taken: Taken) -> Result<()> {
        self.opened_at.get_or_insert_with(Instant::now);
        for chunk in taken.chunks {
            self.add_chunk(&taken.partition, chunk)?;
        }
        if taken.rows.num_rows() > 0 {
            self.rows.push(taken.rows);
        }
        self.quarantined.extend(taken.quarantined);
        self.drift.extend(taken.drift);
        self.watermarks.extend(taken.watermark.map(|watermark| (taken.partition.clone(), watermark)));
        Ok(())
    }

    /// Adds what became of records that came back from quarantine: they move nothing, and were received long ago.
    pub(crate) fn add_returned(&mut self, lot: Lot, taken: Vec<Taken>) -> Result<()> {
        let Settled { replayed, ledger, n_bytes, answer } = returns::settle(lot, &taken)?;
        self.opened_at.get_or_insert_with(Instant::now);
        for taken in taken {
            if taken.rows.num_rows() > 0 {
                self.rows.push(taken.rows);
            }
            self.drift.extend(taken.drift);
        }
        self.replayed.released.extend(replayed.released);
        self.replayed.kept.extend(replayed.kept);
        self.replayed_ledger.extend(ledger);
        self.n_bytes += n_bytes;
        self.answers.push(answer);
        Ok(())
    }

    fn add_chunk(&mut self, partition: &Arc<str>, chunk: TakenChunk) -> Result<()> {
        match self.partitions.get(partition) {
            None => {
                let span = Span { from: chunk.from, ..Span::default() };
                self.partitions.insert(partition.clone(), span);
            }
            Some(span) if chunk.from.as_ref() == Some(&span.to) => {}
            Some(span) => {
                let message =
                    format!("a chunk of partition {partition} continues from {:?}, but {} was read up to", chunk.from, span.to);
                return Err(Error::internal(message));
            }
        }
        let span = self.partitions.get_mut(partition).expect("it was found or inserted above");
        span.to = chunk.to;
        span.counts.add(&chunk.counts);
        span.gaps.extend(chunk.gaps);
        if let Some((first, last)) = chunk.span {
            span.first.get_or_insert(first);
            span.last = last;
        }
        if let Some((oldest, newest)) = chunk.arrivals {
            self.arrivals.push(oldest);
            self.newest = self.newest.max(Some(newest));
        }
        if let Some(key) = chunk.idempotency_key {
            self.receipts.push(Receipt { key, counts: chunk.counts });
        }
        self.counts.add(&chunk.counts);
        self.n_bytes += chunk.n_bytes;
        self.chunks.push((chunk.tag, chunk.counts));
        Ok(())
    }

    /// Splits it into what the lake is asked to do and what the source is told afterwards.
    pub(crate) fn seal(self, stream: &Stream) -> (Commit, Promise) {
        let offsets = self.partitions.iter().map(|(partition, span)| (partition.to_string(), span.to.clone())).collect();
        let mut moves = Vec::with_capacity(self.partitions.len());
        let mut ledger = Vec::with_capacity(self.partitions.len());
        for (partition, span) in self.partitions {
            ledger.extend(entries(&partition, span.first, span.last, span.counts, span.gaps));
            moves.push(Move { partition: partition.to_string(), from: span.from, to: span.to });
        }
        ledger.extend(self.replayed_ledger);
        let drift = drift::merged(self.drift);
        let promise = Promise {
            n_drifting: drift.iter().map(|field| field.n_records).sum(),
            chunks: self.chunks,
            arrivals: self.arrivals,
            newest: self.newest,
            offsets,
            counts: self.counts,
            watermarks: self.watermarks,
            answers: self.answers,
        };
        let commit = Commit {
            stream: stream.id,
            stream_version: stream.version,
            moves,
            rows: self.rows,
            quarantined: self.quarantined,
            replayed: self.replayed,
            drift,
            ledger,
            receipts: self.receipts,
            newest: self.newest,
        };
        (commit, promise)
    }
}

fn entries(partition: &str, first: Option<String>, last: String, counts: Counts, gaps: Vec<Gap>) -> Vec<LedgerEntry> {
    let gap = |gap: Gap| LedgerEntry {
        partition: partition.to_owned(),
        first: gap.first,
        last: gap.last,
        counts: Counts::default(),
        gap: Some(gap.reason),
        n_lost: gap.n_lost.unwrap_or(0),
    };
    let range = first.map(|first| LedgerEntry { partition: partition.to_owned(), first, last, counts, gap: None, n_lost: 0 });
    gaps.into_iter().map(gap).chain(range).collect()
}
