//! Tells late rows: those behind the watermark of their source partition by more than the stream allows.

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::store::{TableStore, Version};
use helios_contract::stream::{Stream, StreamDefinition};
use helios_contract::{Kind, Result, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How much of the stream's past a restart looks at.
const RECALLED: Duration = Duration::from_secs(60);

/// The newest event time of each source partition.
pub(crate) struct Watermarks {
    column: String,
    lateness_micros: i64,
    newest: HashMap<Arc<str>, i64>,
}

impl Watermarks {
    /// `None` when the stream does not say how late a row may be: then no row is late.
    pub(crate) fn of(definition: &StreamDefinition) -> Option<Watermarks> {
        let column = definition.event_time.clone()?;
        let lateness_micros = i64::try_from(definition.lateness?.as_micros()).unwrap_or(i64::MAX);
        Some(Watermarks { column, lateness_micros, newest: HashMap::new() })
    }

    /// The newest event time of a partition.
    pub(crate) fn newest(&self, partition: &str) -> Option<Timestamp> {
        self.newest.get(partition).copied().filter(|newest| *newest > i64::MIN).map(Timestamp)
    }

    /// Learns from the rows of the stream's last minute, so that a restart makes nothing less late.
    pub(crate) async fn recall(&mut self, tables: &dyn TableStore, stream: &Stream) -> Result<()> {
        let name = &stream.definition.name;
        let newest = tables.snapshot(name, Version::Latest).await?;
        let Some(last) = newest.committed_at else { return Ok(()) };
        let mut after = match tables.snapshot(name, Version::Time(last.minus(RECALLED))).await {
            Ok(snapshot) => snapshot.version,
            Err(error) if error.kind() == Kind::Invalid => CommitId(0),
            Err(error) => return Err(error),
        };
        loop {
            let slices = tables.since(name, after).await?;
            let Some(slice) = slices.last() else { return Ok(()) };
            after = slice.commit;
            for slice in &slices {
                self.learn(&slice.rows);
            }
        }
    }

    fn learn(&mut self, rows: &RecordBatch) {
        let times = rows.column_by_name(&self.column).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let partitions = rows.column_by_name(hidden::PARTITION).and_then(|c| c.as_string_opt::<i32>());
        let Some((times, partitions)) = times.zip(partitions) else { return };
        for row in (0..rows.num_rows()).filter(|row| times.is_valid(*row) && partitions.is_valid(*row)) {
            let time = times.value(row);
            match self.newest.get_mut(partitions.value(row)) {
                Some(newest) => *newest = time.max(*newest),
                None => drop(self.newest.insert(Arc::from(partitions.value(row)), time)),
            }
        }
    }

    /// Which rows are late. Each row is held against the watermark that the rows before it made.
    pub(crate) fn late(&mut self, partition: &Arc<str>, rows: &RecordBatch) -> Vec<bool> {
        let mut late = vec![false; rows.num_rows()];
        let Some(times) = rows.column_by_name(&self.column).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>()) else {
            return late;
        };
        let newest = self.newest.entry(partition.clone()).or_insert(i64::MIN);
        for (row, late) in late.iter_mut().enumerate().filter(|(row, _)| times.is_valid(*row)) {
            let time = times.value(row);
            *late = time.saturating_add(self.lateness_micros) < *newest;
            *newest = time.max(*newest);
        }
        late
    }
}
