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

    /// Whether [`SystemTable::wanted`] answers only what is wanted; else [`SystemTable::rows`] is asked.
    fn is_choosy(&self) -> bool {
        false
    }

    /// The rows that are wanted. Columns nobody asked for may be null.
    async fn wanted(&self, wanted: &Wanted) -> Result<RecordBatch> {
        self.rows(wanted.limit).await
    }
}

/// What a query needs of a system table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The columns; `None`: all.
    pub columns: Option<Vec<usize>>,
    /// Text columns and what they must equal.
    pub equal: Vec<(usize, String)>,
    /// The most rows.
    pub limit: Option<usize>,
}
