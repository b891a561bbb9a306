//! The seam to SQL conditions over rows: the rules and the filter of a stream.

use crate::error::Result;
use arrow::array::BooleanArray;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Makes conditions from SQL.
pub trait Conditions: Send + Sync {
    /// A condition over rows with the fields `schema`.
    ///
    /// # Errors
    /// `Invalid` for what is no condition, names no column, or would not answer the same twice (`now()`).
    fn compile(&self, condition: &str, schema: &SchemaRef) -> Result<Arc<dyn Condition>>;
}

/// A condition, ready to be held against rows. Pure.
pub trait Condition: Send + Sync {
    /// For each row whether it holds; null where that cannot be said.
    ///
    /// # Errors
    /// `Invalid` when a row cannot be evaluated (a cast that fails); `Exhausted` when memory does not last.
    fn holds(&self, rows: &RecordBatch) -> Result<BooleanArray>;
}
