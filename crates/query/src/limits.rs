//! What one query may use, and what all of them together may use.

use crate::engine::Config;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use helios_contract::query::{Extent, Limits};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// One query's memory: its own limit, within what all queries share.
///
/// Operators that can spill take what they need while there is plenty. What DataFusion's own pool does, dividing the limit
/// evenly among them, makes a GROUP BY spill at a tenth of it: most of them hardly use their part. The last quarter is kept so
/// that each finds the little it needs to go on, whatever the others hold.
#[derive(Debug)]
pub(crate) struct QueryMemory {
    max: usize,
    own: Mutex<Own>,
    shared: Arc<SharedMemory>,
}

#[derive(Debug, Default)]
struct Own {
    used: usize,
    /// Operators that can spill.
    n_spilling: usize,
}

impl QueryMemory {
    /// At most `max` bytes of what is `shared`.
    pub(crate) fn new(max: usize, shared: Arc<SharedMemory>) -> QueryMemory {
        QueryMemory { max, own: Mutex::default(), shared }
    }

    fn own(&self) -> MutexGuard<'_, Own> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an operator may hold `wanted` when all of them hold `total`.
    fn allows(&self, own: &Own, can_spill: bool, wanted: usize, total: usize) -> bool {
        let kept = self.max / 4;
        total <= self.max && (!can_spill || total <= self.max - kept || wanted <= kept / own.n_spilling.max(1))
    }
}

impl MemoryPool for QueryMemory {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own().n_spilling += usize::from(consumer.can_spill());
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own().n_spilling -= usize::from(consumer.can_spill());
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.own().used += additional;
        self.shared.used.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.own().used -= shrink;
        self.shared.used.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut own = self.own();
        let (wanted, total) = (reservation.size().saturating_add(additional), own.used.saturating_add(additional));
        if !self.allows(&own, reservation.consumer().can_spill(), wanted, total) {
            return Err(DataFusionError::ResourcesExhausted(format!("the query may use {} bytes", self.max)));
        }
        if !self.shared.try_take(additional) {
            return Err(DataFusionError::ResourcesExhausted(format!("all queries together use {} bytes", self.shared.max)));
        }
        own.used = total;
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.own().used
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.max)
    }
}

impl fmt::Display for QueryMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} bytes", self.reserved(), self.max)
    }
}
