//! Rows as they come, as many as the client is ready for and an eye can follow; the others are counted.

use super::Credit;
use super::topics::{Ended, Feed, gone_or};
use super::words::Kind;
use crate::Site;
use crate::encode::exact_rows;
use arrow::array::RecordBatch;
use arrow::compute::filter_record_batch;
use helios_contract::commit::CommitId;
use helios_contract::condition::Condition;
use helios_contract::store::{Slice, Snapshot, Version};
use helios_contract::{Error, Result, StreamName};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Messages are at least so far apart.
const TICK: Duration = Duration::from_millis(100);
/// No eye follows more rows a second.
const ROWS_PER_S_MAX: f64 = 2_000.0;
/// Rows shown before the first new one comes.
const SNAPSHOT_ROWS_MAX: u64 = 200;
/// A message is about this long at most, unless a single row is longer.
const MESSAGE_BYTES: usize = 1 << 20;
/// Slices looked at between two messages; what remains is looked at after the next.
const ROUNDS_MAX: usize = 64;
/// While rows are only counted, the count is told this often.
const COUNT_EVERY: Duration = Duration::from_secs(1);

/// Follows a stream's rows.
pub(super) async fn tail(name: &StreamName, condition: Option<&str>, after: Option<i64>, credit: &Credit, feed: &Feed) -> Ended {
    let site = &feed.site;
    let snapshot = match site.parts.tables.snapshot(name, Version::Latest).await {
        Ok(snapshot) => snapshot,
        Err(error) => return error.into(),
    };
    let condition = match condition.map(|sql| site.parts.conditions.compile(sql, &snapshot.schema)).transpose() {
        Ok(condition) => condition,
        Err(error) => return error.into(),
    };
    let mut tail = Tail { condition, picked: Picked::default(), allowance: ROWS_PER_S_MAX, filled_at: Instant::now() };
    let mut after = match resumed(&snapshot, after) {
        Some(after) => after,
        None => match tail.begin(&snapshot, credit, feed).await {
            Ok(()) => snapshot.version,
            Err(ended) => return ended,
        },
    };
    drop(snapshot);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told_at = Instant::now();
    loop {
        tick.tick().await;
        if let Err(ended) = tail.step(site, name, &mut after, credit).await {
            return ended;
        }
        let is_due = tail.picked.n_rows > 0 || told_at.elapsed() >= COUNT_EVERY;
        if tail.picked.is_worth_telling() && is_due {
            told_at = Instant::now();
            if let Err(ended) = tail.tell(Kind::Update, after, credit, feed).await {
                return ended;
            }
        }
    }
}

/// Where to go on, if everything since is still in memory.
fn resumed(snapshot: &Snapshot, after: Option<i64>) -> Option<CommitId> {
    let after = CommitId(after?);
    let oldest = snapshot.tail.first().map_or(snapshot.version, |slice| slice.commit);
    (oldest <= after && after <= snapshot.version).then_some(after)
}

struct Tail {
    condition: Option<Arc<dyn Condition>>,
    picked: Picked,
    /// Rows that may be sent now; fills up with time.
    allowance: f64,
    filled_at: Instant,
}

impl Tail {
    /// Sends the newest rows there are.
    async fn begin(&mut self, snapshot: &Snapshot, credit: &Credit, feed: &Feed) -> Result<(), Ended> {
        let n_max = credit.available().min(SNAPSHOT_ROWS_MAX);
        let mut newest: Vec<RecordBatch> = Vec::new();
        let mut n_rows = 0;
        for slice in snapshot.tail.iter().rev().filter(|slice| slice.commit <= snapshot.version) {
            if n_rows >= n_max {
                break;
            }
            let rows = self.fitting(slice)?;
            n_rows += rows.num_rows() as u64;
            newest.push(rows);
        }
        for rows in newest.into_iter().rev() {
            self.picked.add(rows, n_max);
        }
        // These were there before: nothing was skipped.
        self.picked.n_skipped = 0;
        self.tell(Kind::Snapshot, snapshot.version, credit, feed).await
    }

    /// Picks rows of the slices after `after`, or waits for the next.
    async fn step(&mut self, site: &Site, name: &StreamName, after: &mut CommitId, credit: &Credit) -> Result<(), Ended> {
        let mut slices = site.parts.tables.since(name, *after).await.map_err(gone_or)?;
        if slices.is_empty() {
            // What was skipped is told while nothing comes, too.
            if self.picked.is_worth_telling() {
                return Ok(());
            }
            site.parts.changes.changed(name, *after).await.map_err(gone_or)?;
            slices = site.parts.tables.since(name, *after).await.map_err(gone_or)?;
        }
        let n_max = credit.available().min(self.refilled());
        for _ in 0..ROUNDS_MAX {
            for slice in &slices {
                let rows = self.fitting(slice)?;
                self.picked.add(rows, n_max);
                *after = slice.commit;
            }
            slices = site.parts.tables.since(name, *after).await.map_err(gone_or)?;
            if slices.is_empty() {
                break;
            }
        }
        Ok(())
    }

    fn refilled(&mut self) -> u64 {
        let now = Instant::now();
        self.allowance = ROWS_PER_S_MAX.min(self.allowance + (now - self.filled_at).as_secs_f64() * ROWS_PER_S_MAX);
        self.filled_at = now;
        self.allowance as u64
    }

    /// The rows of a slice that fulfil the condition.
    fn fitting(&self, slice: &Slice) -> Result<RecordBatch> {
        let Some(condition) = &self.condition else { return Ok(slice.rows.clone()) };
        let holds = condition.holds(&slice.rows)?;
        filter_record_batch(&slice.rows, &holds).map_err(|error| Error::internal("cannot pick rows").because(error))
    }

    async fn tell(&mut self, kind: Kind, seq: CommitId, credit: &Credit, feed: &Feed) -> Result<(), Ended> {
        let Picked { batches, n_rows, n_skipped } = std::mem::take(&mut self.picked);
        let batches: Vec<RecordBatch> = batches.into();
        let encoding = tokio::task::spawn_blocking(move || exact_rows(&batches));
        let rows = encoding.await.map_err(|error| Error::internal("cannot write rows").because(error))??;
        credit.take(n_rows);
        self.allowance -= n_rows as f64;
        let data = format!(r#"{{"rows":{},"skipped":{n_skipped}}}"#, String::from_utf8_lossy(&rows));
        feed.send(kind, seq.0, &data).await
    }
}

/// The newest rows, and how many were too many.
#[derive(Default)]
struct Picked {
    batches: VecDeque<RecordBatch>,
    n_rows: u64,
    n_skipped: u64,
}

impl Picked {
    fn is_worth_telling(&self) -> bool {
        self.n_rows > 0 || self.n_skipped > 0
    }

    /// Adds rows, the newest so far, and lets go of the oldest beyond `n_max` or a message's length.
    fn add(&mut self, rows: RecordBatch, n_max: u64) {
        let n_added = rows.num_rows() as u64;
        if n_added == 0 {
            return;
        }
        let row_bytes = (rows.get_array_memory_size() / rows.num_rows()).max(1);
        let n_max = n_max.min((MESSAGE_BYTES / row_bytes).max(1) as u64);
        self.batches.push_back(rows);
        self.n_rows += n_added;
        while self.n_rows > n_max {
            let n_over = self.n_rows - n_max;
            let Some(oldest) = self.batches.pop_front() else { break };
            let n_oldest = oldest.num_rows() as u64;
            let n_dropped = n_over.min(n_oldest);
            if n_dropped < n_oldest {
                let (from, n) = (n_dropped as usize, (n_oldest - n_dropped) as usize);
                self.batches.push_front(oldest.slice(from, n));
            }
            self.n_rows -= n_dropped;
            self.n_skipped += n_dropped;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Int64Array;

    fn rows(numbers: std::ops::Range<i64>) -> RecordBatch {
        RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from_iter_values(numbers)) as _)]).unwrap()
    }

    fn numbers(picked: &Picked) -> Vec<i64> {
        let values = |batch: &RecordBatch| batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec();
        picked.batches.iter().flat_map(values).collect()
    }

    #[test]
    fn the_newest_rows_are_picked_and_the_others_counted() {
        let mut picked = Picked::default();
        picked.add(rows(0..3), 5);
        picked.add(rows(3..7), 5);
        assert_eq!((numbers(&picked), picked.n_skipped), (vec![2, 3, 4, 5, 6], 2));
        picked.add(rows(7..20), 5);
        assert_eq!((numbers(&picked), picked.n_rows, picked.n_skipped), ((15..20).collect(), 5, 15));
        picked.add(rows(20..22), 0);
        assert_eq!((picked.n_rows, picked.n_skipped), (0, 22));
    }
}
