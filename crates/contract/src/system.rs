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

    /// Whether [`SystemTable::wanted`] looks up what this text column must equal.
    fn looks_up(&self, column: usize) -> bool {
        let _ = column;
        false
    }

    /// The rows that are wanted: exactly those, by the columns it looks up. Columns nobody asked for may be null.
    async fn wanted(&self, wanted: &Wanted) -> Result<RecordBatch> {
        self.rows(wanted.limit).await
    }
}

/// What a query needs of a system table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The columns; `None`: all.
    pub columns: Option<Vec<usize>>,
    /// Columns that are looked up, and what they must equal.
    pub equal: Vec<(usize, String)>,
    /// The most rows.
    pub limit: Option<usize>,
}
