//! The rows not yet in a file: slices in memory, oldest first.

use super::{Rows, field_id};
use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use helios_contract::column::hidden;
use helios_contract::store::Slice;
use std::sync::Arc;

/// The `wanted` columns of the slices up to the snapshot's version; `None` when there are none.
pub(super) fn scan(rows: &Rows, wanted: &[usize], limit: Option<usize>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema: SchemaRef = Arc::new(rows.schema.project(wanted)?);
    let (after, version) = (rows.after, rows.snapshot.version);
    let is_visible = |slice: &&Slice| slice.commit > after && slice.commit <= version && slice.rows.num_rows() > 0;
    let visible = rows.snapshot.tail.iter().filter(is_visible);
    let mut batches = Vec::with_capacity(rows.snapshot.tail.len());
    // Slices mostly share one schema: the places of columns are looked up once for each.
    let mut known: Option<(SchemaRef, Vec<Option<usize>>)> = None;
    for slice in visible {
        let places = match &known {
            Some((have, places)) if Arc::ptr_eq(have, slice.rows.schema_ref()) => places,
            _ => &known.insert((slice.rows.schema(), places(rows, slice.rows.schema_ref(), wanted))).1,
        };
        batches.push(project(rows, &slice.rows, places, wanted, &schema)?);
    }
    if batches.is_empty() {
        return Ok(None);
    }
    let source = MemorySourceConfig::try_new(&[batches], schema, None)?.with_limit(limit);
    Ok(Some(DataSourceExec::from_data_source(source)))
}

/// Where the `wanted` columns stand in a slice, by field id: it may be older than the last `ALTER STREAM`.
fn places(rows: &Rows, have: &SchemaRef, wanted: &[usize]) -> Vec<Option<usize>> {
    let place = |column: &usize| {
        have.fields().iter().position(|have| match (field_id(have), rows.ids[*column]) {
            (Some(have), Some(want)) => have == want,
            _ => have.name() == rows.schema.field(*column).name(),
        })
    };
    wanted.iter().map(place).collect()
}

/// Columns the slice lacks are null, or taken from its `_rest`.
fn project(
    rows: &Rows,
    batch: &RecordBatch,
    places: &[Option<usize>],
    wanted: &[usize],
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let rest = batch.column_by_name(hidden::REST).and_then(|rest| rest.as_string_opt::<i32>());
    let columns = places.iter().zip(wanted).zip(schema.fields()).map(|((place, wanted), field)| {
        Ok(match place.map(|place| batch.column(place)) {
            None => match rows.origins[*wanted].as_ref().zip(rest) {
                Some((column, rest)) => cast(&(rows.backfill)(column, rest), field.data_type())?,
                None => new_null_array(field.data_type(), batch.num_rows()),
            },
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            Some(column) => cast(column, field.data_type())?,
        })
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
