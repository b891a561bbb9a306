//! How a stream is doing: the state users see, the causes errors carry, and the metrics.

use crate::batch::Promise;
use helios_contract::commit::CommitId;
use helios_contract::stream::{Stream, StreamState, StreamStatus, Watermark};
use helios_contract::{Clock, Error, Kind, Result, StreamName, Timestamp};

use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// The word for what went wrong, put under an [`Error`] with `because`.
#[derive(Debug)]
pub(crate) struct Cause {
    pub(crate) word: &'static str,
    /// What the client library said.
    pub(crate) detail: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Cause {}

/// The word for what went wrong; the error's kind where nobody said more.
pub(crate) fn cause_of(error: &Error) -> &'static str {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Cause>());
    cause.map_or(error.kind().as_str(), |cause| cause.word)
}

/// What a record passes on its way to a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    /// It was read from its source.
    Fetched,
    /// Its bytes were decoded.
    Decoded,
    /// It was committed, which makes it durable and visible at once.
    Stored,
}

impl Stage {
    const ALL: [Stage; 3] = [Stage::Fetched, Stage::Decoded, Stage::Stored];

    fn as_str(self) -> &'static str {
        match self {
            Stage::Fetched => "fetched",
            Stage::Decoded => "decoded",
            Stage::Stored => "stored",
        }
    }
}

/// The metrics of all streams.
pub(crate) struct Metrics {
    received: IntCounterVec,
    quarantined: IntCounterVec,
    late: IntCounterVec,
    drifting: IntCounterVec,
    freshness: HistogramVec,
    age: HistogramVec,
    batch_rows: HistogramVec,
    lag: IntGaugeVec,
    lag_seconds: GaugeVec,
    state: IntGaugeVec,
}

const FRESHNESS_SECONDS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];
/// Finer and wider: the first stages take less than a millisecond, and what piled up at a source may be days old.
const AGE_SECONDS: [f64; 18] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0, 3_600.0, 86_400.0];
const BATCH_ROWS: [f64; 7] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 50_000.0, 200_000.0];

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Metrics> {
        let metrics = Metrics::new().map_err(bug)?;
        registry.register(Box::new(metrics.received.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.quarantined.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.late.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.drifting.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.freshness.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.age.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.batch_rows.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.lag.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.lag_seconds.clone())).map_err(bug)?;
        registry.register(Box::new(metrics.state.clone())).map_err(bug)?;
        Ok(metrics)
    }

    fn new() -> prometheus::Result<Metrics> {
        let freshness =
            HistogramOpts::new("helios_freshness_seconds", "From the arrival of a chunk's oldest record to its commit")
                .buckets(FRESHNESS_SECONDS.to_vec());
        let age = HistogramOpts::new("helios_stage_age_seconds", "Since the arrival of a chunk's oldest record, at each stage")
            .buckets(AGE_SECONDS.to_vec());
        let lag_seconds = Opts::new("helios_lag_seconds", "Age of the newest record at its commit; 0 when no record is unread");
        let batch_rows = HistogramOpts::new("helios_batch_rows", "Records a commit").buckets(BATCH_ROWS.to_vec());
        Ok(Metrics {
            received: IntCounterVec::new(Opts::new("helios_records_received_total", "Records read and committed"), &["stream"])?,
            quarantined: IntCounterVec::new(
                Opts::new("helios_records_quarantined_total", "Records put into quarantine"),
                &["stream"],
            )?,
            late: IntCounterVec::new(
                Opts::new("helios_records_late_total", "Rows behind the watermark by more than the stream allows"),
                &["stream"],
            )?,
            drifting: IntCounterVec::new(
                Opts::new("helios_fields_without_column_total", "Fields that records had and the table did not"),
                &["stream"],
            )?,
            freshness: HistogramVec::new(freshness, &["stream"])?,
            age: HistogramVec::new(age, &["stream", "stage"])?,
            batch_rows: HistogramVec::new(batch_rows, &["stream"])?,
            lag: IntGaugeVec::new(Opts::new("helios_lag_records", "Records not yet read"), &["stream", "partition"])?,
            lag_seconds: GaugeVec::new(lag_seconds, &["stream"])?,
            state: IntGaugeVec::new(Opts::new("helios_stream_state", "1 for the state the stream is in"), &["stream", "state"])?,
        })
    }
}

fn bug(error: prometheus::Error) -> Error {
    Error::internal("registering the metrics of streams").because(error)
}

/// What one stream says about itself. It outlives the stream's task.
pub(crate) struct Report {
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    // A partition without rows for so long is not waited for.
    idle_after: Duration,
    known: Mutex<Known>,
}

struct Known {
    status: StreamStatus,
    // When the commit was begun that the lake refused first, until it takes one again.
    refused_since: Option<Instant>,
    // The newest event time of each partition, and when its last rows were committed.
    watermarks: BTreeMap<Arc<str>, (Timestamp, Timestamp)>,
}

/// More unread records than this, and the stream is catching up rather than running.
const CLOSE_BEHIND: u64 = 100_000;
/// The same for sources that tell time.
const CLOSE_BEHIND_SECONDS: f64 = 30.0;

impl Report {
    pub(crate) fn new(stream: &Stream, clock: Arc<dyn Clock>, metrics: Arc<Metrics>, idle_after: Duration) -> Report {
        let state = if stream.paused { StreamState::Paused } else { StreamState::CatchingUp };
        let status = StreamStatus {
            name: stream.definition.name.clone(),
            source: stream.definition.source,
            state,
            since: clock.now(),
            cause: String::new(),
            message: String::new(),
            hint: String::new(),
            n_received: 0,
            last_commit: None,
            last_commit_at: None,
            lag: Vec::new(),
            behind: Vec::new(),
            n_late: 0,
            watermarks: Vec::new(),
        };
        let known = Known { status, refused_since: None, watermarks: BTreeMap::new() };
        let report = Report { clock, metrics, idle_after, known: Mutex::new(known) };
        report.show(state);
        report
    }

    pub(crate) fn status(&self) -> StreamStatus {
        let known = self.lock();
        let now = self.clock.now();
        let watermark = |(partition, (at, moved_at)): (&Arc<str>, &(Timestamp, Timestamp))| Watermark {
            partition: partition.to_string(),
            at: *at,
            idle: now.since(*moved_at) > self.idle_after,
        };
        StreamStatus { watermarks: known.watermarks.iter().map(watermark).collect(), ..known.status.clone() }
    }

    pub(crate) fn last_commit(&self) -> Option<CommitId> {
        self.lock().status.last_commit
    }

    /// Whether the lake has refused the newest commit.
    pub(crate) fn is_refused(&self) -> bool {
        self.lock().refused_since.is_some()
    }

    /// All is well with the source: it is read, close behind or catching up. While the lake refuses commits, that does not count.
    pub(crate) fn well(&self) {
        let known = self.lock();
        if known.refused_since.is_some() {
            return;
        }
        let lag: u64 = known.status.lag.iter().map(|(_, lag)| lag).sum();
        let is_far = lag > CLOSE_BEHIND || known.status.lag_seconds().is_some_and(|lag| lag > CLOSE_BEHIND_SECONDS);
        drop(known);
        self.enter(if is_far { StreamState::CatchingUp } else { StreamState::Running }, None);
    }

    /// Stopped on purpose.
    pub(crate) fn paused(&self) {
        self.lock().refused_since = None;
        self.enter(StreamState::Paused, None);
    }

    /// Something is wrong: degraded when waiting helps, failed when it does not.
    pub(crate) fn trouble(&self, error: &Error) {
        let state = if error.kind() == Kind::Unavailable { StreamState::Degraded } else { StreamState::Failed };
        if state == StreamState::Failed {
            self.lock().refused_since = None;
        }
        self.enter(state, Some(error));
    }

    /// The lake refused a commit begun at `began`; it may take it later. Answers for how long it has refused all there were.
    pub(crate) fn refused(&self, began: Instant, error: &Error) -> Duration {
        let since = *self.lock().refused_since.get_or_insert(began);
        self.trouble(error);
        since.elapsed()
    }

    /// Chunks passed a stage; their oldest records arrived then.
    pub(crate) fn passed(&self, stage: Stage, at: Timestamp, arrivals: impl Iterator<Item = Timestamp>) {
        let name = self.lock().status.name.clone();
        let ages = self.metrics.age.with_label_values(&[name.as_str(), stage.as_str()]);
        arrivals.for_each(|arrival| ages.observe(at.since(arrival).as_secs_f64()));
    }

    /// A batch became durable.
    pub(crate) fn committed(&self, commit: CommitId, promise: &Promise) {
        let now = self.clock.now();
        let mut known = self.lock();
        known.refused_since = None;
        let status = &mut known.status;
        status.n_received += promise.counts.received;
        status.n_late += promise.counts.late;
        status.last_commit = Some(commit);
        status.last_commit_at = Some(now);
        let is_behind = status.lag.iter().any(|(_, lag)| *lag > 0) || status.lag_seconds().is_some_and(|lag| lag > 0.0);
        let name = status.name.clone();
        known.watermarks.extend(promise.watermarks.iter().map(|(partition, at)| (partition.clone(), (*at, now))));
        drop(known);
        let stream = &[name.as_str()];
        let age = promise.newest.filter(|_| is_behind).map_or(0.0, |newest| now.since(newest).as_secs_f64());
        self.metrics.lag_seconds.with_label_values(stream).set(age);
        self.metrics.received.with_label_values(stream).inc_by(promise.counts.received);
        self.metrics.quarantined.with_label_values(stream).inc_by(promise.counts.quarantined);
        self.metrics.late.with_label_values(stream).inc_by(promise.counts.late);
        self.metrics.drifting.with_label_values(stream).inc_by(promise.n_drifting);
        self.metrics.batch_rows.with_label_values(stream).observe(promise.counts.received as f64);
        let freshness = self.metrics.freshness.with_label_values(stream);
        for arrival in &promise.arrivals {
            freshness.observe(now.since(*arrival).as_secs_f64());
        }
        self.passed(Stage::Stored, now, promise.arrivals.iter().copied());
    }

    /// How far behind the source is.
    pub(crate) fn lag(&self, lag: Vec<(String, u64)>, behind: Vec<(String, Duration)>) {
        let mut known = self.lock();
        for (partition, n) in &lag {
            let gauge = self.metrics.lag.with_label_values(&[known.status.name.as_str(), partition]);
            gauge.set(i64::try_from(*n).unwrap_or(i64::MAX));
        }
        known.status.lag = lag;
        known.status.behind = behind;
        let is_well = matches!(known.status.state, StreamState::Running | StreamState::CatchingUp);
        drop(known);
        if is_well {
            self.well();
        }
    }

    /// Takes the stream out of the metrics once it is dropped.
    pub(crate) fn forget(&self) {
        let status = &self.lock().status;
        let name = status.name.as_str();
        // Removing what was never observed fails, and that is fine.
        let _ = self.metrics.received.remove_label_values(&[name]);
        let _ = self.metrics.quarantined.remove_label_values(&[name]);
        let _ = self.metrics.late.remove_label_values(&[name]);
        let _ = self.metrics.drifting.remove_label_values(&[name]);
        let _ = self.metrics.freshness.remove_label_values(&[name]);
        let _ = self.metrics.batch_rows.remove_label_values(&[name]);
        let _ = self.metrics.lag_seconds.remove_label_values(&[name]);
        for stage in Stage::ALL {
            let _ = self.metrics.age.remove_label_values(&[name, stage.as_str()]);
        }
        for (partition, _) in &status.lag {
            let _ = self.metrics.lag.remove_label_values(&[name, partition]);
        }
        for state in STATES {
            let _ = self.metrics.state.remove_label_values(&[name, state.as_str()]);
        }
    }

    fn enter(&self, state: StreamState, error: Option<&Error>) {
        let cause = error.map(cause_of).unwrap_or_default();
        let mut known = self.lock();
        let status = &mut known.status;
        let changed = status.state != state || status.cause != cause;
        if changed {
            status.since = self.clock.now();
        }
        status.state = state;
        cause.clone_into(&mut status.cause);
        status.message = error.map(Error::message).unwrap_or_default();
        status.hint = error.and_then(Error::hint_text).unwrap_or_default().to_owned();
        let name = status.name.clone();
        drop(known);
        if changed {
            self.show(state);
            log(&name, state, cause, error);
        }
    }

    fn show(&self, state: StreamState) {
        let name = self.lock().status.name.clone();
        for each in STATES {
            self.metrics.state.with_label_values(&[name.as_str(), each.as_str()]).set(i64::from(each == state));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const STATES: [StreamState; 5] =
    [StreamState::Running, StreamState::CatchingUp, StreamState::Paused, StreamState::Degraded, StreamState::Failed];

fn log(stream: &StreamName, state: StreamState, cause: &str, error: Option<&Error>) {
    match error {
        Some(error) => warn!(%stream, state = state.as_str(), cause, %error, "stream in trouble"),
        None => info!(%stream, state = state.as_str(), "stream changed state"),
    }
}
