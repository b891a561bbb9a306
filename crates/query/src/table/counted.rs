//! One column of a table as its values and how often they occur.

use super::{SnapshotTable, files, ranges, tail};
use arrow::array::{ArrayRef, UInt64Array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::union::UnionExec;
use futures::{StreamExt, TryStreamExt, stream};
use helios_contract::store::DataFile;
use helios_contract::values::{self, ValueCounts};
use serde_json::Value;
use std::sync::Arc;

/// The column that says how many rows a row stands for: a name that hardly any other column has.
pub(crate) const N_ROWS: &str = "(rows)";

/// Footers read at a time.
const N_FOOTERS: usize = 16;

/// Whether files may know how often they hold each value of a column.
pub(crate) fn is_counted(field: &Field) -> bool {
    use DataType::{Boolean, Date32, Int32, Int64, Utf8, Utf8View};
    matches!(field.data_type(), Boolean | Date32 | Int32 | Int64 | Utf8 | Utf8View) && field.name() != N_ROWS
}

/// A table of one column of a snapshot, and [`N_ROWS`].
#[derive(Debug)]
pub(crate) struct CountedTable {
    table: SnapshotTable,
    /// Where the column stands in `table.rows.schema`.
    column: usize,
    schema: SchemaRef,
}

impl CountedTable {
    /// Of the column that stands at `column` in the table's schema.
    pub(crate) fn of(table: SnapshotTable, column: usize) -> CountedTable {
        let n_rows = Field::new(N_ROWS, DataType::Int64, false);
        let schema = Arc::new(Schema::new(vec![table.schema.field(column).clone(), n_rows]));
        CountedTable { column: table.columns[column], table, schema }
    }

    /// What the file knows of the column's values, as rows of this table; `None` when it knows nothing.
    async fn counts(&self, file: &DataFile) -> Result<Option<RecordBatch>> {
        let rows = &self.table.rows;
        let Some(id) = rows.ids[self.column] else { return Ok(None) };
        let access = &rows.access;
        // As a scan names the file, so that both find the footer the other has read.
        let file = PartitionedFile::new(file.path.clone(), file.size_bytes).object_meta;
        let footer = DFParquetMetadata::new(&*access.store, &file).with_file_metadata_cache(Some(Arc::clone(&access.footers)));
        let footer = footer.fetch_metadata().await?;
        let key = values::key(id);
        let known = footer.file_metadata().key_value_metadata().into_iter().flatten().find(|pair| pair.key == key);
        // Counts that cannot be read are as good as none: the rows are there.
        let Some(known) = known.and_then(|pair| serde_json::from_str::<ValueCounts>(pair.value.as_deref()?).ok()) else {
            return Ok(None);
        };
        let data_type = self.schema.field(0).data_type();
        let scalars = known.iter().map(|(value, _)| scalar(value, data_type)).collect::<Option<Vec<_>>>();
        // Of another type than the column has now: a scan knows what becomes of it.
        let Some(scalars) = scalars.filter(|scalars| !scalars.is_empty()) else { return Ok(None) };
        let n_rows: ArrayRef = Arc::new(known.iter().map(|(_, n)| *n).collect::<UInt64Array>());
        let columns = vec![ScalarValue::iter_to_array(scalars)?, cast(&n_rows, &DataType::Int64)?];
        Ok(Some(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
    }
}

/// A value as a footer has it, if it is one of the column's type.
fn scalar(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    match (value, data_type) {
        (Value::Null, _) => ScalarValue::try_from(data_type).ok(),
        (Value::Bool(truth), DataType::Boolean) => Some(ScalarValue::Boolean(Some(*truth))),
        (Value::Number(number), DataType::Int32 | DataType::Int64 | DataType::Date32) => {
            ranges::scalar(number.as_i64()?, data_type)
        }
        (Value::String(text), DataType::Utf8) => Some(ScalarValue::Utf8(Some(text.clone()))),
        (Value::String(text), DataType::Utf8View) => Some(ScalarValue::Utf8View(Some(text.clone()))),
        _ => None,
    }
}

#[async_trait]
impl TableProvider for CountedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = &self.table.rows;
        let files = ranges::prune(rows, &self.table.schema, state, filters)?;
        let known = stream::iter(files).map(async |file| {
            let counts = if files::is_whole(rows, &file) { self.counts(&file).await? } else { None };
            Ok::<_, DataFusionError>((file, counts))
        });
        let known: Vec<_> = known.buffered(N_FOOTERS).try_collect().await?;
        let (mut counts, mut unknown) = (Vec::new(), Vec::new());
        for (file, known) in known {
            match known {
                Some(known) => counts.push(known),
                None => unknown.push(file),
            }
        }
        let wanted = [self.column];
        let mut each = files::scan(rows, state, unknown, files::Reading { wanted: &wanted, filters, limit: None })?;
        each.extend(tail::scan(rows, &wanted, None)?);
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::with_capacity(each.len() + 1);
        if !counts.is_empty() || each.is_empty() {
            let counts = vec![concat_batches(&self.schema, &counts)?];
            inputs.push(DataSourceExec::from_data_source(MemorySourceConfig::try_new(&[counts], self.schema(), None)?));
        }
        for plan in each {
            let value = Column::new(self.schema.field(0).name(), 0);
            let columns: [Arc<dyn PhysicalExpr>; 2] = [Arc::new(value), Arc::new(Literal::new(ScalarValue::Int64(Some(1))))];
            let columns = columns.into_iter().zip(self.schema.fields());
            let columns = columns.map(|(expr, field)| ProjectionExpr { expr, alias: field.name().clone() });
            inputs.push(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), plan)?));
        }
        let whole = if inputs.len() == 1 { inputs.swap_remove(0) } else { UnionExec::try_new(inputs)? };
        let Some(projection) = projection else { return Ok(whole) };
        let columns = projection.iter().map(|i| {
            let name = self.schema.field(*i).name();
            ProjectionExpr { expr: Arc::new(Column::new(name, *i)), alias: name.clone() }
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), whole)?))
    }
}
