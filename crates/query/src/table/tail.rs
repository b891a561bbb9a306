//! The rows not yet in a file: slices in memory, oldest first.

use super::{Rows, field_id};
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use std::sync::Arc;

/// The `wanted` columns of the slices up to the snapshot's version; `None` when there are none.
pub(super) fn scan(rows: &Rows, wanted: &[usize], limit: Option<usize>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let schema: SchemaRef = Arc::new(rows.schema.project(wanted)?);
    let visible = rows.snapshot.tail.iter().filter(|slice| slice.commit <= rows.snapshot.version && slice.rows.num_rows() > 0);
    let batches = visible.map(|slice| project(rows, &slice.rows, wanted, &schema)).collect::<Result<Vec<_>>>()?;
    if batches.is_empty() {
        return Ok(None);
    }
    let source = MemorySourceConfig::try_new(&[batches], schema, None)?.with_limit(limit);
    Ok(Some(DataSourceExec::from_data_source(source)))
}

/// A slice may be older than the last `ALTER STREAM`: columns are found by field id, and those it lacks are null.
fn project(rows: &Rows, batch: &RecordBatch, wanted: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = wanted.iter().zip(schema.fields()).map(|(i, field)| {
        let found = batch.schema_ref().fields().iter().position(|have| match (field_id(have), rows.ids[*i]) {
            (Some(have), Some(want)) => have == want,
            _ => have.name() == field.name(),
        });
        Ok(match found.map(|j| batch.column(j)) {
            None => new_null_array(field.data_type(), batch.num_rows()),
            Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
            Some(column) => cast(column, field.data_type())?,
        })
    });
    let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
