//! What a change of a stream would do, tried on records it has read lately.

use crate::commit::CommitId;
use crate::quarantine::Outcome;
use std::time::Duration;

/// Which rows a change is tried on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those that were committed within this time.
    Within(Duration),
    /// Those of later commits, less the first `skip`.
    After {
        /// The last commit that is left out; 0 for none.
        commit: CommitId,
        /// Rows that are left out of the commits after it.
        skip: u64,
    },
}

/// The outcome of a rehearsal. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// Whether there were more records than are tried at once; then the newest were left out.
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
