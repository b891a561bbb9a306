//! What ran and what runs: `system.queries`, cancelling, and the counts of both.

use crate::explain::scanned;
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::physical_plan::ExecutionPlan;
use helios_contract::column::timestamp_type;
use helios_contract::commit::CommitId;
use helios_contract::console::Progress;
use helios_contract::error::{Error, Kind, Result};
use helios_contract::system::SystemTable;
use helios_contract::{Clock, Timestamp};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Statements kept after they ended.
const ENDED_MAX: usize = 1_000;
/// Bytes kept of a statement's text.
const SQL_BYTES_MAX: usize = 10_000;

/// How a statement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Finished,
    Failed,
    Cancelled,
}

impl Ending {
    fn as_str(self) -> &'static str {
        match self {
            Ending::Finished => "finished",
            Ending::Failed => "failed",
            Ending::Cancelled => "cancelled",
        }
    }
}

/// The kind and the message of an error.
type Failure = (Kind, String);

#[derive(Debug, Clone)]
struct Entry {
    id: String,
    sql: String,
    started_at: Timestamp,
    started: Instant,
    n_rows: u64,
    snapshot: Option<CommitId>,
    /// Counts what it reads, while it runs.
    plan: Option<Arc<dyn ExecutionPlan>>,
    /// Rows and bytes it had read when it ended.
    scanned: (u64, u64),
    /// How it ended, after how many milliseconds, and its error.
    ended: Option<(Ending, f64, Option<Failure>)>,
    cancel: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Kept {
    n_begun: u64,
    running: BTreeMap<u64, Entry>,
    ended: VecDeque<Entry>,
}

/// Every statement that runs, and the last thousand that ended.
#[derive(Debug)]
pub(crate) struct History {
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    ended: IntCounterVec,
    running: IntGauge,
    rows: IntCounter,
    seconds: Histogram,
}

impl History {
    /// An empty history whose counts go to `metrics`.
    ///
    /// # Errors
    /// `Internal` when the names are taken.
    pub(crate) fn open(clock: Arc<dyn Clock>, metrics: &Registry) -> Result<Arc<History>> {
        let register = || -> Result<History, prometheus::Error> {
            let buckets = vec![0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
            let history = History {
                clock,
                kept: Mutex::default(),
                ended: IntCounterVec::new(Opts::new("helios_queries_total", "Statements that ended, by how."), &["state"])?,
                running: IntGauge::new("helios_queries_running", "Statements running now.")?,
                rows: IntCounter::new("helios_query_rows_total", "Rows answered.")?,
                seconds: Histogram::with_opts(
                    HistogramOpts::new("helios_query_seconds", "How long statements took.").buckets(buckets),
                )?,
            };
            metrics.register(Box::new(history.ended.clone()))?;
            metrics.register(Box::new(history.running.clone()))?;
            metrics.register(Box::new(history.rows.clone()))?;
            metrics.register(Box::new(history.seconds.clone()))?;
            Ok(history)
        };
        register().map(Arc::new).map_err(|e| Error::internal("cannot register the metrics of queries").because(e))
    }

    /// What was run lately, each text once.
    pub(crate) fn texts(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let texts: BTreeSet<String> = kept.ended.iter().chain(kept.running.values()).map(|entry| entry.sql.clone()).collect();
        texts.into_iter().collect()
    }

    /// Begins a statement; an empty `id` gets one made up.
    ///
    /// # Errors
    /// `Conflict` when a statement of that id runs.
    pub(crate) fn begin(self: &Arc<Self>, id: &str, sql: &str) -> Result<Ticket> {
        let started_at = self.clock.now();
        let (cancel, cancelled) = watch::channel(false);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.running.values().any(|entry| entry.id == id) {
            return Err(Error::conflict(format!("a query with the id {id} is running")).hint("Choose another id, or none."));
        }
        kept.n_begun += 1;
        let number = kept.n_begun;
        let id = if id.is_empty() { format!("q{:x}-{number}", started_at.0) } else { id.to_owned() };
        let entry = Entry {
            id: id.clone(),
            sql: shortened(sql),
            started_at,
            started: Instant::now(),
            n_rows: 0,
            snapshot: None,
            plan: None,
            scanned: (0, 0),
            ended: None,
            cancel,
        };
        kept.running.insert(number, entry);
        self.running.inc();
        Ok(Ticket { history: Arc::clone(self), number, id, cancelled })
    }

    /// Cancels a running statement; false when there is none of that id.
    pub(crate) fn cancel(&self, id: &str) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.running.values().find(|entry| entry.id == id);
        found.is_some_and(|entry| !entry.cancel.send_replace(true))
    }

    /// How far the newest statement of that id is.
    pub(crate) fn progress(&self, id: &str) -> Option<Progress> {
        let entry = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.running.values().rev().chain(kept.ended.iter().rev()).find(|entry| entry.id == id).cloned()?
        };
        let (n_rows_read, n_bytes_read) = entry.plan.as_ref().map_or(entry.scanned, scanned);
        let (state, elapsed, error) = match entry.ended {
            None => ("running", entry.started.elapsed(), None),
            Some((ending, ms, error)) => (ending.as_str(), Duration::from_secs_f64(ms / 1e3), error),
        };
        Some(Progress {
            id: entry.id,
            state,
            sql: entry.sql,
            started_at: entry.started_at,
            elapsed,
            n_rows: entry.n_rows,
            n_rows_read,
            n_bytes_read,
            error,
        })
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).running.get_mut(&number) {
            change(entry);
        }
    }

    fn end(&self, number: u64, ending: Ending, error: Option<&Error>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut entry) = kept.running.remove(&number) else { return };
        let elapsed = entry.started.elapsed();
        entry.scanned = entry.plan.take().map_or((0, 0), |plan| scanned(&plan));
        entry.ended = Some((ending, elapsed.as_secs_f64() * 1e3, error.map(|e| (e.kind(), e.to_string()))));
        tracing::debug!(id = entry.id, state = ending.as_str(), n_rows = entry.n_rows, ?elapsed, "query ended");
        self.running.dec();
        self.ended.with_label_values(&[ending.as_str()]).inc();
        self.rows.inc_by(entry.n_rows);
        self.seconds.observe(elapsed.as_secs_f64());
        kept.ended.push_back(entry);
        if kept.ended.len() > ENDED_MAX {
            kept.ended.pop_front();
        }
    }
}

/// One running statement. Dropped before it ended, the statement was cancelled.
#[derive(Debug)]
pub(crate) struct Ticket {
    history: Arc<History>,
    number: u64,
    pub(crate) id: String,
    cancelled: watch::Receiver<bool>,
}

impl Ticket {
    /// Shows `sql` instead of what the user sent.
    pub(crate) fn show(&self, sql: &str) {
        self.history.change(self.number, |entry| entry.sql = shortened(sql));
    }

    /// Notes the snapshot it reads.
    pub(crate) fn reads(&self, snapshot: Option<CommitId>) {
        self.history.change(self.number, |entry| entry.snapshot = snapshot);
    }

    /// Notes the plan that counts what it reads.
    pub(crate) fn runs(&self, plan: &Arc<dyn ExecutionPlan>) {
        self.history.change(self.number, |entry| entry.plan = Some(Arc::clone(plan)));
    }

    /// Counts rows answered.
    pub(crate) fn answered(&self, n_rows: usize) {
        self.history.change(self.number, |entry| entry.n_rows += n_rows as u64);
    }

    /// Waits until somebody cancels it.
    pub(crate) async fn cancelled(&self) -> Error {
        let mut cancelled = self.cancelled.clone();
        if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
        Error::conflict(format!("query {} was cancelled", self.id))
    }

    /// Ends it.
    pub(crate) fn end(self, result: Result<(), &Error>) {
        match result {
            Ok(()) => self.history.end(self.number, Ending::Finished, None),
            Err(error) if *self.cancelled.borrow() => self.history.end(self.number, Ending::Cancelled, Some(error)),
            Err(error) => self.history.end(self.number, Ending::Failed, Some(error)),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.history.end(self.number, Ending::Cancelled, None);
    }
}

fn shortened(sql: &str) -> String {
    sql[..sql.floor_char_boundary(SQL_BYTES_MAX)].to_owned()
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("sql", DataType::Utf8, true),
        Field::new("state", DataType::Utf8, true),
        Field::new("started_at", timestamp_type(), true),
        Field::new("elapsed_ms", DataType::Float64, true),
        Field::new("n_rows", DataType::Int64, true),
        Field::new("error_kind", DataType::Utf8, true),
        Field::new("error", DataType::Utf8, true),
        Field::new("snapshot", DataType::Int64, true),
    ]))
}

/// `system.queries`
#[derive(Debug)]
pub(crate) struct Queries(pub(crate) Arc<History>);

#[async_trait]
impl SystemTable for Queries {
    fn name(&self) -> &'static str {
        "queries"
    }

    fn schema(&self) -> SchemaRef {
        schema()
    }

    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch> {
        let entries: Vec<Entry> = {
            let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.running.values().rev().chain(kept.ended.iter().rev()).take(limit.unwrap_or(usize::MAX)).cloned().collect()
        };
        let text = |of: &dyn Fn(&Entry) -> Option<String>| Arc::new(entries.iter().map(of).collect::<StringArray>()) as ArrayRef;
        let number = |of: &dyn Fn(&Entry) -> Option<i64>| Arc::new(entries.iter().map(of).collect::<Int64Array>()) as ArrayRef;
        let error = |e: &Entry| e.ended.clone().and_then(|(_, _, error)| error);
        let elapsed_ms = |e: &Entry| e.ended.as_ref().map_or(e.started.elapsed().as_secs_f64() * 1e3, |(_, ms, _)| *ms);
        let started = TimestampMicrosecondArray::from_iter_values(entries.iter().map(|e| e.started_at.0)).with_timezone("UTC");
        let columns = vec![
            text(&|e| Some(e.id.clone())),
            text(&|e| Some(e.sql.clone())),
            text(&|e| Some(e.ended.as_ref().map_or("running", |(ending, ..)| ending.as_str()).to_owned())),
            Arc::new(started) as ArrayRef,
            Arc::new(entries.iter().map(|e| Some(elapsed_ms(e))).collect::<Float64Array>()),
            number(&|e| i64::try_from(e.n_rows).ok()),
            text(&|e| error(e).map(|(kind, _)| kind.as_str().to_owned())),
            text(&|e| error(e).map(|(_, message)| message)),
            number(&|e| e.snapshot.map(|commit| commit.0)),
        ];
        RecordBatch::try_new(self.schema(), columns).map_err(|e| Error::internal("cannot list queries").because(e))
    }
}
