//! Figures for `/metrics`.

use crate::state::Shared;
use helios_contract::StreamName;
use helios_contract::error::{Error, Result};
use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, Opts, Registry};
use std::time::Duration;

/// The lake's figures.
#[derive(Debug)]
pub(crate) struct Metrics {
    commits: IntCounterVec,
    rows: IntCounterVec,
    commit_seconds: Histogram,
    compaction_seconds: Histogram,
    tail_bytes: IntGauge,
    files: IntGauge,
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Metrics> {
        let seconds = prometheus::exponential_buckets(0.0005, 2.0, 18);
        let build = |seconds: Vec<f64>| -> prometheus::Result<Metrics> {
            let histogram = |name, help| Histogram::with_opts(HistogramOpts::new(name, help).buckets(seconds.clone()));
            let metrics = Metrics {
                commits: IntCounterVec::new(Opts::new("helios_commits_total", "Commits made durable."), &["stream"])?,
                rows: IntCounterVec::new(Opts::new("helios_rows_total", "Rows made durable."), &["stream"])?,
                commit_seconds: histogram("helios_commit_seconds", "From the call of a commit to its answer.")?,
                compaction_seconds: histogram("helios_compaction_seconds", "One step of compaction.")?,
                tail_bytes: IntGauge::new("helios_lake_tail_bytes", "Committed rows in memory, not yet in a file.")?,
                files: IntGauge::new("helios_lake_files", "Data files in use.")?,
            };
            registry.register(Box::new(metrics.commits.clone()))?;
            registry.register(Box::new(metrics.rows.clone()))?;
            registry.register(Box::new(metrics.commit_seconds.clone()))?;
            registry.register(Box::new(metrics.compaction_seconds.clone()))?;
            registry.register(Box::new(metrics.tail_bytes.clone()))?;
            registry.register(Box::new(metrics.files.clone()))?;
            Ok(metrics)
        };
        seconds.and_then(build).map_err(|cause| Error::internal("could not register the lake's metrics").because(cause))
    }

    pub(crate) fn committed(&self, stream: &StreamName, n_rows: u64, took: Duration) {
        self.commits.with_label_values(&[stream.as_str()]).inc();
        self.rows.with_label_values(&[stream.as_str()]).inc_by(n_rows);
        self.commit_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn compacted(&self, took: Duration) {
        self.compaction_seconds.observe(took.as_secs_f64());
    }

    /// Brings the gauges up to date.
    pub(crate) fn measure(&self, shared: &Shared) {
        let (bytes, files) =
            shared.read(|state| (state.tail_bytes(), state.tables.values().map(|table| table.files.len()).sum::<usize>()));
        self.tail_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.files.set(i64::try_from(files).unwrap_or(i64::MAX));
    }
}
