//! The one atomic step: rows, quarantine, counts and the source's positions together.

use crate::clock::Timestamp;
use crate::drift::Drift;
use crate::quarantine::QuarantineId;
use crate::stream::StreamId;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// The number of a commit; grows over all streams of a lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct CommitId(pub i64);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of records. `received + replayed = stored + quarantined + filtered + deduplicated`, always.
///
/// A replay receives nothing: it takes records out of quarantine and stores, filters or deduplicates them. Over all commits,
/// `quarantined - replayed` are in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Records read.
    pub received: u64,
    /// Became rows.
    pub stored: u64,
    /// Put into quarantine.
    pub quarantined: u64,
    /// Left out by the stream's own rule.
    pub filtered: u64,
    /// Left out as repeated.
    pub deduplicated: u64,
    /// Of the stored ones: behind the watermark by more than the allowed lateness.
    pub late: u64,
    /// Taken out of quarantine again; they ended anew, and elsewhere.
    #[serde(default)]
    pub replayed: u64,
}

impl Counts {
    /// Whether every record received ended in exactly one place.
    pub fn balances(&self) -> bool {
        self.received + self.replayed == self.stored + self.quarantined + self.filtered + self.deduplicated
    }

    /// Adds another count to this one.
    pub fn add(&mut self, other: &Counts) {
        self.received += other.received;
        self.stored += other.stored;
        self.quarantined += other.quarantined;
        self.filtered += other.filtered;
        self.deduplicated += other.deduplicated;
        self.late += other.late;
        self.replayed += other.replayed;
    }
}

/// A record that did not become a row, kept whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The source partition.
    pub partition: String,
    /// Where it stands in it.
    pub position: String,
    /// When it arrived.
    pub time: Timestamp,
    /// Why it did not fit.
    pub reason: String,
    /// The field at fault, as `a.b[2].c`; empty when it is the whole record.
    pub path: String,
    /// The bytes, as they came.
    pub payload: Bytes,
    /// The record's key, if it had one.
    pub key: Option<Bytes>,
    /// The record's headers, in order.
    pub headers: Vec<(String, Option<Bytes>)>,
}

/// What a commit does to records that are in quarantine already.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Those whose rows are in the commit, or that it leaves out. The commit is refused with `Conflict` unless all are open.
    pub released: Vec<Released>,
    /// Those that still do not fit.
    pub kept: Vec<Kept>,
}

/// A record that leaves quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Released {
    /// Which.
    pub id: QuarantineId,
    /// How it was mended, as SQL says it; empty when it was not.
    pub how: Arc<str>,
}

/// A record that was tried again and stays in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub id: QuarantineId,
    /// Why it does not fit now.
    pub reason: String,
    /// The field at fault now.
    pub path: String,
}

/// What a commit did with a range of one source partition.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LedgerEntry {
    /// The source partition.
    pub partition: String,
    /// First position of the range.
    pub first: String,
    /// Last position of the range, inclusive.
    pub last: String,
    /// What became of its records; all zero for a gap.
    pub counts: Counts,
    /// For a range that gave no records: why, and how many are known to be lost.
    pub gap: Option<String>,
    /// Records known to be lost in a gap.
    pub n_lost: u64,
}

/// The move of one source partition's position.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Move {
    /// The source partition.
    pub partition: String,
    /// The position that must be stored now; `None`: none.
    pub from: Option<String>,
    /// The position to store.
    pub to: String,
}

/// The answer to a push that carried an idempotency key, kept so that a repeat gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The sender's key.
    pub key: String,
    /// What became of its records.
    pub counts: Counts,
}

/// Everything one batch changes, in one step or not at all.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The stream.
    pub stream: StreamId,
    /// The version of the stream's definition the rows were decoded with.
    pub stream_version: u64,
    /// Position moves; refused with `Conflict` unless every `from` is what is stored.
    pub moves: Vec<Move>,
    /// The rows; fields as `column::row_schema` says.
    pub rows: Vec<RecordBatch>,
    /// Records that did not fit.
    pub quarantined: Vec<Quarantined>,
    /// What it does to records that did not fit before.
    pub replayed: Replayed,
    /// Fields of its records that have no column.
    pub drift: Vec<Drift>,
    /// What became of every record, per source partition.
    pub ledger: Vec<LedgerEntry>,
    /// Receipts to keep.
    pub receipts: Vec<Receipt>,
    /// The arrival time of the newest record in it, if it has records.
    pub newest: Option<Timestamp>,
}

impl Commit {
    /// How many rows it adds.
    pub fn n_rows(&self) -> usize {
        self.rows.iter().map(RecordBatch::num_rows).sum()
    }
}
