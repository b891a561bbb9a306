//! `system.*` as DataFusion sees it, and `system.metrics`.

use arrow::array::{Float64Array, RecordBatch, StringArray};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, Session, TableProvider};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{StreamExt, TryStreamExt};
use helios_contract::error::Error;
use helios_contract::system::{SystemTable, Wanted};
use prometheus::Registry;
use prometheus::proto::{Metric, MetricType};
use std::fmt;
use std::sync::Arc;

/// The schema `system` with these tables.
pub(crate) fn schema(tables: &[Arc<dyn SystemTable>]) -> Arc<dyn SchemaProvider> {
    let schema = MemorySchemaProvider::new();
    for table in tables {
        let provider = Provider { schema: table.schema(), table: Arc::clone(table) };
        schema.register_table(table.name().to_owned(), Arc::new(provider)).expect("system tables have different names");
    }
    Arc::new(schema)
}

struct Provider {
    table: Arc<dyn SystemTable>,
    schema: SchemaRef,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "system.{}", self.table.name())
    }
}

#[async_trait]
impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.equality(filter) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let equal = filters.iter().filter_map(|filter| self.equality(filter)).collect();
        let wanted = Wanted { columns: projection.cloned(), equal, limit };
        let rows = Rows { table: Arc::clone(&self.table), schema: Arc::clone(&self.schema), wanted };
        let (rows, schema, order) = (vec![Arc::new(rows) as _], Arc::clone(&self.schema), self.order(projection));
        let plan = StreamingTableExec::try_new(schema, rows, projection, order, false, limit)?;
        Ok(Arc::new(plan))
    }
}

impl Provider {
    /// The text column that a filter asks to be equal to a literal, for tables that can look it up.
    fn equality(&self, filter: &Expr) -> Option<(usize, String)> {
        let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter else { return None };
        let (Expr::Column(column), Expr::Literal(value, _)) = (left.as_ref(), right.as_ref()) else { return None };
        let index = self.schema.index_of(&column.name).ok().filter(|index| self.table.looks_up(*index))?;
        match value {
            ScalarValue::Int64(Some(number)) => Some((index, number.to_string())),
            value => Some((index, value.try_as_str().flatten()?.to_owned())),
        }
    }

    /// The order that rows come in, by a column of the projection: then the newest need no sorting.
    fn order(&self, projection: Option<&Vec<usize>>) -> Option<LexOrdering> {
        let column = self.table.descending()?;
        let index = projection.map_or(Some(column), |columns| columns.iter().position(|i| *i == column))?;
        let options = SortOptions { descending: true, nulls_first: true };
        let column = Arc::new(Column::new(self.schema.field(column).name(), index));
        LexOrdering::new([PhysicalSortExpr::new(column, options)])
    }
}

/// Reads a system table when the query runs, not when it is planned.
struct Rows {
    table: Arc<dyn SystemTable>,
    schema: SchemaRef,
    wanted: Wanted,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "system.{}", self.table.name())
    }
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (table, limit) = (Arc::clone(&self.table), self.wanted.limit);
        let rows = match table.stream(&self.wanted) {
            Some(rows) => rows,
            None => futures::stream::once(async move { table.rows(limit).await }).boxed(),
        };
        let rows = rows.map_err(|error| DataFusionError::External(Box::new(error)));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

/// `system.metrics`: what `/metrics` shows.
pub(crate) struct Metrics(pub(crate) Registry);

#[async_trait]
impl SystemTable for Metrics {
    fn name(&self) -> &'static str {
        "metrics"
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("name", DataType::Utf8, true),
            Field::new("labels", DataType::Utf8, true),
            Field::new("value", DataType::Float64, true),
        ]))
    }

    async fn rows(&self, limit: Option<usize>) -> helios_contract::Result<RecordBatch> {
        let mut samples = Vec::new();
        for family in self.0.gather() {
            for metric in family.get_metric() {
                samples.extend(read(family.name(), family.get_field_type(), metric));
            }
        }
        samples.truncate(limit.unwrap_or(usize::MAX));
        let columns = vec![
            Arc::new(samples.iter().map(|s| Some(s.name.as_str())).collect::<StringArray>()) as _,
            Arc::new(samples.iter().map(|s| Some(s.labels.as_str())).collect::<StringArray>()) as _,
            Arc::new(samples.iter().map(|s| Some(s.value)).collect::<Float64Array>()) as _,
        ];
        RecordBatch::try_new(self.schema(), columns).map_err(|e| Error::internal("cannot list metrics").because(e))
    }
}

struct Sample {
    name: String,
    labels: String,
    value: f64,
}

fn read(name: &str, kind: MetricType, metric: &Metric) -> Vec<Sample> {
    let sample = |suffix: &str, value: f64, bucket: Option<f64>| {
        let mut labels: serde_json::Map<_, _> =
            metric.get_label().iter().map(|label| (label.name().to_owned(), label.value().into())).collect();
        if let Some(bound) = bucket {
            labels.insert("le".to_owned(), bound.to_string().into());
        }
        Sample { name: format!("{name}{suffix}"), labels: serde_json::Value::Object(labels).to_string(), value }
    };
    match kind {
        MetricType::COUNTER => vec![sample("", metric.get_counter().get_value(), None)],
        MetricType::GAUGE => vec![sample("", metric.get_gauge().get_value(), None)],
        MetricType::HISTOGRAM => {
            let histogram = metric.get_histogram();
            let buckets = histogram.get_bucket().iter();
            let mut samples: Vec<Sample> =
                buckets.map(|b| sample("_bucket", b.cumulative_count() as f64, Some(b.upper_bound()))).collect();
            samples.push(sample("_sum", histogram.get_sample_sum(), None));
            samples.push(sample("_count", histogram.get_sample_count() as f64, None));
            samples
        }
        _ => Vec::new(),
    }
}
