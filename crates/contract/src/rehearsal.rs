//! What a change of a stream would do, tried on records it has read lately.

use crate::clock::Timestamp;
use crate::quarantine::Outcome;

/// The outcome of a rehearsal. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// Records that arrived since were tried.
    pub since: Timestamp,
    /// Whether there were more of them than are tried at once; then the newest were left out.
    pub cut_short: bool,
    /// What would become of records that are rows now.
    pub stored: Vec<Outcome>,
    /// What would become of records that are in quarantine now.
    pub quarantined: Vec<Outcome>,
    /// The columns that are new or changed.
    pub columns: Vec<Filled>,
    /// Columns that are gone, renamed, or of another type: statements that name them may be affected.
    pub touched: Vec<String>,
}

/// How a new or changed column would be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// Its name.
    pub column: String,
    /// Rows that would have a value.
    pub n_rows: u64,
    /// One of the values, shortened; empty when there is none.
    pub sample: String,
}
