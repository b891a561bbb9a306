//! Records that did not become rows: what groups them, what can be done with them, and the seams to where they are kept.

mod fingerprint;
pub mod fix;

pub use fingerprint::{class, path_shape, reason_shape};

use crate::error::Result;
use crate::name::StreamName;
use crate::record::Record;
use crate::stream::StreamId;
use async_trait::async_trait;
use fix::Fix;
use std::sync::Arc;

/// The number of a quarantined record; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuarantineId(pub i64);

/// An open record of quarantine, whole.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its number.
    pub id: QuarantineId,
    /// The source partition.
    pub partition: Arc<str>,
    /// As it came.
    pub record: Record,
}

/// Where records that did not fit are kept.
#[async_trait]
pub trait Quarantine: Send + Sync {
    /// Those of `ids` that are open, in that order, until they hold `bytes_max` of payload (one at least); and how many of
    /// `ids` were looked at.
    async fn held(&self, stream: StreamId, ids: &[QuarantineId], bytes_max: usize) -> Result<(Vec<Held>, usize)>;

    /// Discards those of `ids` that are open, for a reason that is kept; answers how many.
    async fn discard(&self, stream: StreamId, ids: Vec<QuarantineId>, reason: &str) -> Result<u64>;
}

/// What becomes of a record that is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It becomes a row.
    Stored,
    /// The stream's own rule leaves it out.
    Filtered,
    /// It repeats a row that is stored.
    Deduplicated,
    /// It still does not fit, and stays.
    Unfit,
}

/// What became, or would become, of some of the records replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Their fate.
    pub fate: Fate,
    /// Why they do not fit, without values; empty for the others.
    pub reason: String,
    /// The field at fault, list indexes as `[]`.
    pub path: String,
    /// How many.
    pub n_records: u64,
    /// One of them as it was after the fixes, shortened; empty when none can be told.
    pub sample: String,
}

/// Carries out statements about quarantine.
#[async_trait]
pub trait QuarantineControl: Send + Sync {
    /// Discards those of `ids` that are open; answers how many.
    ///
    /// # Errors
    /// `NotFound` for the stream.
    async fn discard(&self, stream: &StreamName, ids: Vec<QuarantineId>, reason: &str) -> Result<u64>;

    /// Sends those of `ids` that are open through the stream's own pipeline, mended by `fixes`. What becomes a row leaves
    /// quarantine in the same step. Breaking off loses nothing: the same call goes on where it stopped.
    ///
    /// # Errors
    /// `NotFound` for the stream; `Invalid` for fixes that its format does not take; `Unavailable` when the stream does not read.
    async fn replay(&self, stream: &StreamName, ids: Vec<QuarantineId>, fixes: Vec<Fix>) -> Result<Vec<Outcome>>;

    /// What [`QuarantineControl::replay`] would do. Changes nothing.
    ///
    /// # Errors
    /// As there, but it works for a stream that does not read, too.
    async fn rehearse(&self, stream: &StreamName, ids: Vec<QuarantineId>, fixes: Vec<Fix>) -> Result<Vec<Outcome>>;
}
