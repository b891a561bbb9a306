//! `system.*`: tables that answer operational questions in SQL.

use crate::error::Result;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;

/// One `system.NAME` table, filled when it is asked.
#[async_trait]
pub trait SystemTable: Send + Sync {
    /// The name after `system.`.
    fn name(&self) -> &'static str;

    /// The fields.
    fn schema(&self) -> SchemaRef;

    /// The rows now, at most `limit` where one is given.
    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch>;
}
