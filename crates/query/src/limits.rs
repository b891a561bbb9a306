//! What one query may use, and what all of them together may use.

use crate::engine::Config;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use helios_contract::query::{Extent, Limits};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Limits with nothing left open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowed {
    pub(crate) n_rows: u64,
    pub(crate) time: Duration,
    pub(crate) memory_bytes: usize,
    /// Whether the answer may end at its limit of rows.
    pub(crate) is_beginning: bool,
}

impl Allowed {
    /// What was asked for, and no more than is configured.
    pub(crate) fn of(config: &Config, asked: &Limits) -> Allowed {
        let memory_bytes = asked.memory_bytes.map_or(config.memory_bytes, |asked| asked.min(config.memory_bytes));
        let is_whole = asked.extent == Extent::Whole;
        let time_max = Duration::from_secs(if is_whole { config.export_seconds } else { config.seconds });
        let n_rows_max = if is_whole { u64::MAX } else { config.n_rows };
        Allowed {
            n_rows: asked.n_rows.map_or(n_rows_max, |asked| asked.min(n_rows_max)),
            time: asked.time.map_or(time_max, |asked| asked.min(time_max)),
            memory_bytes: usize::try_from(memory_bytes).unwrap_or(usize::MAX),
            is_beginning: asked.extent == Extent::Beginning,
        }
    }
}

/// The memory all queries share.
#[derive(Debug)]
pub(crate) struct SharedMemory {
    used: AtomicUsize,
    max: usize,
}

impl SharedMemory {
    /// At most `max` bytes.
    pub(crate) fn new(max: usize) -> Arc<SharedMemory> {
        Arc::new(SharedMemory { used: AtomicUsize::new(0), max })
    }

    fn try_take(&self, n: usize) -> bool {
        let within = |used: usize| used.checked_add(n).filter(|sum| *sum <= self.max);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }
}

/// One query's memory: its own limit, divided fairly among operators that can spill, within what all queries share.
#[derive(Debug)]
pub(crate) struct QueryMemory {
    own: FairSpillPool,
    shared: Arc<SharedMemory>,
}

impl QueryMemory {
    /// At most `max` bytes of what is `shared`.
    pub(crate) fn new(max: usize, shared: Arc<SharedMemory>) -> QueryMemory {
        QueryMemory { own: FairSpillPool::new(max), shared }
    }
}

impl MemoryPool for QueryMemory {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.shared.used.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.shared.used.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        if self.shared.try_take(additional) {
            return Ok(());
        }
        self.own.shrink(reservation, additional);
        Err(DataFusionError::ResourcesExhausted(format!("all queries together use {} bytes", self.shared.max)))
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

impl fmt::Display for QueryMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.own.fmt(f)
    }
}
