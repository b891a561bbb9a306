//! What the columns say beyond their types: other places to look for a value, a default, and that there must be one.

use crate::decode::{backfill, single};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Scalar};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_not_null, is_null};
use arrow::record_batch::RecordBatch;
use helios_contract::column::{Column, hidden};
use helios_contract::{Error, Result};
use std::sync::Arc;

/// The columns that are more than a name and a type, by their index.
pub(crate) struct Shape {
    columns: Vec<(usize, Column, Option<ArrayRef>)>,
}

/// The columns as the decoder is to see them: a value that may still be found elsewhere is not missing yet.
pub(crate) fn for_decoder(columns: &[Column]) -> Vec<Column> {
    columns.iter().map(|column| Column { required: column.required && !is_shaped(column), ..column.clone() }).collect()
}

fn is_shaped(column: &Column) -> bool {
    !column.from.is_empty() || column.default.is_some()
}

impl Shape {
    /// The shape that `columns` ask for.
    pub(crate) fn of(columns: &[Column]) -> Result<Shape> {
        let shaped = columns.iter().enumerate().filter(|(_, column)| is_shaped(column));
        let with_default = shaped.map(|(i, column)| {
            let default = column.default.as_deref().map(|json| {
                single(column, json)
                    .map_err(|reason| Error::invalid(format!("the default of {} does not fit: {reason}", column.name)))
            });
            Ok((i, column.clone(), default.transpose()?))
        });
        Ok(Shape { columns: with_default.collect::<Result<_>>()? })
    }

    /// Fills what is null, and answers for each row the required column that has no value after all.
    pub(crate) fn fill(&self, rows: &mut RecordBatch) -> Result<Vec<Option<&str>>> {
        let mut missing = vec![None; rows.num_rows()];
        if self.columns.is_empty() {
            return Ok(missing);
        }
        let mut columns = rows.columns().to_vec();
        let rest = rows.column_by_name(hidden::REST).map(|rest| rest.as_string::<i32>().clone());
        let rest = rest.ok_or_else(|| Error::internal("rows came without _rest"))?;
        for (i, column, default) in &self.columns {
            if !column.from.is_empty() && columns[*i].null_count() > 0 && rest.null_count() < rest.len() {
                columns[*i] = either(&columns[*i], &backfill(column, &rest))?;
            }
            if let Some(default) = default.as_ref().filter(|_| columns[*i].null_count() > 0) {
                let absent = is_null(&columns[*i]).map_err(bug)?;
                columns[*i] = zip(&absent, &Scalar::new(Arc::clone(default)), &columns[*i]).map_err(bug)?;
            }
            if column.required && columns[*i].null_count() > 0 {
                let rows = (0..missing.len()).filter(|row| columns[*i].is_null(*row));
                rows.for_each(|row| missing[row] = missing[row].or(Some(column.name.as_str())));
            }
        }
        *rows = RecordBatch::try_new(rows.schema(), columns).map_err(bug)?;
        Ok(missing)
    }
}

/// The first of two values that is there.
fn either(first: &ArrayRef, second: &ArrayRef) -> Result<ArrayRef> {
    let present: BooleanArray = is_not_null(first).map_err(bug)?;
    zip(&present, first, second).map_err(bug)
}

fn bug(error: arrow::error::ArrowError) -> Error {
    Error::internal("filling columns from elsewhere").because(error)
}
