//! How a sink is doing: what users see of it, and the metrics.

use helios_contract::clock::{Clock, Timestamp};
use helios_contract::cluster::RemoteName;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::sink::{Sink, SinkState, SinkStatus};
use prometheus::{IntCounterVec, Opts, Registry};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::{info, warn};

/// The metrics of all sinks.
pub(crate) struct Metrics {
    rows: IntCounterVec,
    blocks: IntCounterVec,
    failures: IntCounterVec,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Metrics> {
        let clash = |e| Error::internal("cannot register the metrics of sinks").because(e);
        let counter = |name: &str, help: &str| {
            let counter = IntCounterVec::new(Opts::new(name, help), &["sink"]).map_err(clash)?;
            registry.register(Box::new(counter.clone())).map_err(clash)?;
            Ok(counter)
        };
        Ok(Metrics {
            rows: counter("helios_sink_rows_total", "Rows delivered.")?,
            blocks: counter("helios_sink_blocks_total", "Blocks delivered.")?,
            failures: counter("helios_sink_failures_total", "Deliveries that failed and are tried again.")?,
        })
    }
}

/// What is known of one sink; outlives its task.
pub(crate) struct Report {
    status: Mutex<SinkStatus>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl Report {
    pub(crate) fn new(sink: &Sink, table: RemoteName, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Report {
        let status = SinkStatus {
            definition: sink.definition.clone(),
            table,
            state: if sink.paused { SinkState::Paused } else { SinkState::CatchingUp },
            since: clock.now(),
            message: String::new(),
            hint: String::new(),
            delivered: sink.progress.delivered,
            delivered_commit_at: None,
            n_rows: 0,
            n_blocks: 0,
            last_delivery_at: None,
            stored: sink.stored,
        };
        Report { status: Mutex::new(status), clock, metrics }
    }

    pub(crate) fn status(&self) -> SinkStatus {
        self.lock().clone()
    }

    pub(crate) fn store(&self, stored: bool) {
        self.lock().stored = stored;
    }

    pub(crate) fn becomes(&self, state: SinkState) {
        let now = self.clock.now();
        let mut status = self.lock();
        if status.state != state {
            (status.state, status.since) = (state, now);
            info!(sink = %status.definition.name, state = state.as_str(), "a sink changed its state");
        }
        status.message.clear();
        status.hint.clear();
    }

    pub(crate) fn trouble(&self, state: SinkState, error: &Error) {
        let now = self.clock.now();
        let mut status = self.lock();
        let name = status.definition.name.clone();
        self.metrics.failures.with_label_values(&[name.as_str()]).inc();
        if status.state != state || status.message != error.message() {
            warn!(sink = %name, state = state.as_str(), %error, "a sink is in trouble");
        }
        if status.state != state {
            (status.state, status.since) = (state, now);
        }
        status.message = error.message();
        status.hint = error.hint_text().unwrap_or_default().to_owned();
    }

    pub(crate) fn delivered(&self, until: CommitId, committed_at: Option<Timestamp>, n_rows: u64, n_blocks: u64) {
        let now = self.clock.now();
        let mut status = self.lock();
        status.delivered = until;
        status.delivered_commit_at = committed_at.or(status.delivered_commit_at);
        if n_blocks > 0 {
            status.n_rows += n_rows;
            status.n_blocks += n_blocks;
            status.last_delivery_at = Some(now);
            let name = status.definition.name.clone();
            self.metrics.rows.with_label_values(&[name.as_str()]).inc_by(n_rows);
            self.metrics.blocks.with_label_values(&[name.as_str()]).inc_by(n_blocks);
        }
    }

    fn lock(&self) -> MutexGuard<'_, SinkStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
