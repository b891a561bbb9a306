//! What sources give: records, read together in chunks.

use crate::clock::Timestamp;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where one record stands in its source partition. Opaque: compared for equality only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// Kafka offsets, HTTP counters.
    Number(i64),
    /// Kinesis sequence numbers and the like.
    Text(Arc<str>),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Number(n) => n.fmt(f),
            Position::Text(text) => f.write_str(text),
        }
    }
}

/// The position after the last committed record of each source partition, as the source writes it.
pub type Offsets = BTreeMap<String, String>;

/// One record of a source, undecoded.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// When it arrived at the source (the broker's time, or the moment the request came).
    pub time: Timestamp,
    /// The record's key, if the source has keys.
    pub key: Option<Bytes>,
    /// The record's headers, in order.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// The bytes to decode.
    pub payload: Bytes,
}

/// Positions that were passed without giving records, and why: retention ran out, a transaction was aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// First position passed.
    pub first: String,
    /// Last position passed, inclusive.
    pub last: String,
    /// How many records are known to be lost; `None` when that cannot be known.
    pub n_lost: Option<u64>,
    /// The cause, in words.
    pub reason: String,
}

/// Records of one source partition, read together.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The source partition.
    pub partition: Arc<str>,
    /// The stored position this chunk continues from; `None` when the partition is new.
    pub from: Option<String>,
    /// The position to store once this chunk is committed.
    pub to: String,
    /// The records, oldest first; may be empty when only positions move.
    pub records: Vec<Record>,
    /// What was passed over on the way.
    pub gaps: Vec<Gap>,
    /// A key that makes a repeated push harmless, if its sender gave one.
    pub idempotency_key: Option<String>,
    /// The source's own mark, handed back in [`crate::source::Done`].
    pub tag: u64,
}
