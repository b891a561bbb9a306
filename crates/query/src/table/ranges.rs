//! What files' columns span, for leaving files out and for answering counts without reading.

use super::Rows;
use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, DFSchema, Result, ScalarValue, Statistics};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use helios_contract::store::{ColumnRange, DataFile};
use std::collections::HashSet;
use std::sync::Arc;

/// The files that hold rows of the snapshot and may hold rows that pass `filters` (over the fields `seen`).
pub(super) fn prune(rows: &Rows, seen: &SchemaRef, state: &dyn Session, filters: &[Expr]) -> Result<Vec<Arc<DataFile>>> {
    let version = rows.snapshot.version;
    let mut files: Vec<Arc<DataFile>> = rows.snapshot.files.iter().filter(|file| file.commit_min <= version).cloned().collect();
    let Some(filter) = conjunction(filters.iter().cloned()).filter(|_| !files.is_empty()) else { return Ok(files) };
    let filter = state.create_physical_expr(filter, &DFSchema::try_from(Arc::clone(seen))?)?;
    // A filter that says nothing about ranges keeps every file.
    let Some(predicate) = PruningPredicateBuilder::new().with_file_schema(Arc::clone(seen)).build(filter) else {
        return Ok(files);
    };
    let mut kept = predicate.prune(&Spans { rows, files: &files })?.into_iter();
    files.retain(|_| kept.next().unwrap_or(true));
    Ok(files)
}

/// What is known about one file, over all columns of the table.
pub(super) fn statistics(rows: &Rows, file: &DataFile) -> Statistics {
    let column = |(field, id): (&Arc<arrow::datatypes::Field>, &Option<i32>)| {
        let range = range(file, *id);
        let bound = |bound: Option<i64>| match bound.and_then(|value| scalar(value, field.data_type())) {
            Some(value) => Precision::Exact(value),
            None => Precision::Absent,
        };
        ColumnStatistics {
            null_count: range.map_or(Precision::Absent, |range| Precision::Exact(usize_of(range.n_nulls))),
            min_value: bound(range.map(|range| range.min)),
            max_value: bound(range.map(|range| range.max)),
            ..ColumnStatistics::new_unknown()
        }
    };
    Statistics {
        num_rows: Precision::Exact(usize_of(file.n_rows)),
        total_byte_size: Precision::Inexact(usize_of(file.size_bytes)),
        column_statistics: rows.schema.fields().iter().zip(rows.ids.iter()).map(column).collect(),
    }
}

/// The range of a column that has values in the file; a file of nulls spans nothing.
fn range(file: &DataFile, id: Option<i32>) -> Option<&ColumnRange> {
    file.ranges.iter().find(|range| Some(range.field) == id).filter(|range| range.n_nulls < file.n_rows && range.min <= range.max)
}

/// A bound, or another value that fits into an `i64`, as the column has it.
pub(super) fn scalar(value: i64, data_type: &DataType) -> Option<ScalarValue> {
    match data_type {
        DataType::Int32 => i32::try_from(value).ok().map(|value| ScalarValue::Int32(Some(value))),
        DataType::Int64 => Some(ScalarValue::Int64(Some(value))),
        DataType::UInt64 => u64::try_from(value).ok().map(|value| ScalarValue::UInt64(Some(value))),
        DataType::Date32 => i32::try_from(value).ok().map(|value| ScalarValue::Date32(Some(value))),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => Some(ScalarValue::TimestampMicrosecond(Some(value), zone.clone())),
        _ => None,
    }
}

fn usize_of(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

struct Spans<'a> {
    rows: &'a Rows,
    files: &'a [Arc<DataFile>],
}

impl Spans<'_> {
    fn bounds(&self, column: &Column, bound: impl Fn(&ColumnRange) -> i64) -> Option<ArrayRef> {
        let index = self.rows.schema.index_of(column.name()).ok()?;
        let data_type = self.rows.schema.field(index).data_type();
        scalar(0, data_type)?;
        let null = ScalarValue::try_from(data_type).ok()?;
        let bounds = self.files.iter().map(|file| {
            let bound = range(file, self.rows.ids[index]).and_then(|range| scalar(bound(range), data_type));
            bound.unwrap_or_else(|| null.clone())
        });
        ScalarValue::iter_to_array(bounds).ok()
    }
}

impl PruningStatistics for Spans<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |range| range.min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |range| range.max)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let id = self.rows.ids[self.rows.schema.index_of(column.name()).ok()?];
        let n_nulls = |file: &Arc<DataFile>| file.ranges.iter().find(|range| Some(range.field) == id).map(|range| range.n_nulls);
        Some(Arc::new(self.files.iter().map(n_nulls).collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.files.iter().map(|file| Some(file.n_rows)).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
