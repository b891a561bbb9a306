//! How streams are doing.

use super::SourceKind;
use crate::clock::Timestamp;
use crate::commit::CommitId;
use crate::name::StreamName;
use std::time::Duration;

/// The five states a stream can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamState {
    /// Reading, and close behind the source.
    Running,
    /// Reading, with much to catch up on.
    CatchingUp,
    /// Stopped on purpose.
    Paused,
    /// Something failed; it is retried.
    Degraded,
    /// Something failed that retrying cannot help.
    Failed,
}

impl StreamState {
    /// The word shown to users.
    pub fn as_str(self) -> &'static str {
        match self {
            StreamState::Running => "running",
            StreamState::CatchingUp => "catching_up",
            StreamState::Paused => "paused",
            StreamState::Degraded => "degraded",
            StreamState::Failed => "failed",
        }
    }
}

/// How one stream is doing.
#[derive(Debug, Clone)]
pub struct StreamStatus {
    /// Which.
    pub name: StreamName,
    /// Where its records come from.
    pub source: SourceKind,
    /// The state.
    pub state: StreamState,
    /// Since when.
    pub since: Timestamp,
    /// A word for the cause: `broker_down`, `authentication_failed`, `topic_missing`; empty when all is well.
    pub cause: String,
    /// What happened, in words; empty when all is well.
    pub message: String,
    /// What to do; empty when all is well.
    pub hint: String,
    /// Records received since the process started.
    pub n_received: u64,
    /// The newest commit of this process, if any.
    pub last_commit: Option<CommitId>,
    /// When the newest commit was.
    pub last_commit_at: Option<Timestamp>,
    /// Records not yet read, per partition.
    pub lag: Vec<(String, u64)>,
    /// How far reading is behind the newest record, per partition, where the source tells time and not records.
    pub behind: Vec<(String, Duration)>,
    /// Late rows since the process started.
    pub n_late: u64,
    /// The newest event time of each partition with rows, where the stream says how late one may be.
    pub watermarks: Vec<Watermark>,
}

impl StreamStatus {
    /// How far the partition is behind that is furthest behind; `None` where the source does not tell time.
    pub fn lag_seconds(&self) -> Option<f64> {
        self.behind.iter().map(|(_, behind)| behind.as_secs_f64()).reduce(f64::max)
    }

    /// Up to where event time is complete: the oldest watermark of the partitions that are not idle, or the newest when all are.
    pub fn watermark(&self) -> Option<Timestamp> {
        let active = self.watermarks.iter().filter(|watermark| !watermark.idle).map(|watermark| watermark.at).min();
        active.or_else(|| self.watermarks.iter().map(|watermark| watermark.at).max())
    }
}

/// How far event time has come in one source partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The source partition.
    pub partition: String,
    /// The newest event time.
    pub at: Timestamp,
    /// No row has come for so long that nobody waits for it.
    pub idle: bool,
}
