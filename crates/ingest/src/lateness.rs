//! Counts late rows: those behind the watermark of their source partition by more than the stream allows.

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use helios_contract::stream::StreamDefinition;
use std::collections::HashMap;
use std::sync::Arc;

/// The newest event time of each source partition since the stream was opened.
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
