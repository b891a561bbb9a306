//! `system.*`: tables that answer operational questions in SQL.

use crate::error::Result;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures_core::stream::BoxStream;

/// One `system.NAME` table, filled when it is asked.
#[async_trait]
pub trait SystemTable: Send + Sync {
    /// The name after `system.`.
    fn name(&self) -> &'static str;

    /// The fields.
    fn schema(&self) -> SchemaRef;

    /// The rows now, at most `limit` where one is given.
    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch>;

    /// Whether [`SystemTable::stream`] looks up what this column must equal.
    fn looks_up(&self, column: usize) -> bool {
        let _ = column;
        false
    }

    /// The column whose values come in descending order and are never null, if there is one.
    fn descending(&self) -> Option<usize> {
        None
    }

    /// The rows that are wanted, exactly those by the columns it looks up, read as they are taken. Columns nobody asked for
    /// may be null. `None` where [`SystemTable::rows`] is all there is.
    fn stream(&self, wanted: &Wanted) -> Option<BoxStream<'static, Result<RecordBatch>>> {
        let _ = wanted;
        None
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
