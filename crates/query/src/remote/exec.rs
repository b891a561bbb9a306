//! Asks a cluster, and gives its answer the types that were planned.

use super::nulls;
use super::select::Select;
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::{StreamExt, TryStreamExt};
use helios_contract::cluster::{Cluster, RemoteQuery};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One question to a cluster.
#[derive(Debug)]
pub(crate) struct RemoteExec {
    cluster: Arc<dyn Cluster>,
    sql: String,
    within: Duration,
    /// Whether the last column of the answer says where lists and objects are `NULL`.
    has_nulls: bool,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RemoteExec {
    /// With `has_nulls` the answer has a last column, not among the fields, that says where lists and objects are `NULL`.
    pub(crate) fn new(
        cluster: Arc<dyn Cluster>,
        select: &Select,
        schema: SchemaRef,
        within: Duration,
        has_nulls: bool,
    ) -> RemoteExec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        let metrics = ExecutionPlanMetricsSet::new();
        RemoteExec { cluster, sql: select.sql(), within, has_nulls, properties: Arc::new(properties), metrics }
    }
}

impl DisplayAs for RemoteExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "RemoteExec: {:?}: {}", self.cluster, self.sql)
    }
}

impl ExecutionPlan for RemoteExec {
    fn name(&self) -> &'static str {
        "RemoteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a question to a cluster has no children") }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { internal_err!("a question to a cluster has no children") }
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (cluster, schema, has_nulls) = (Arc::clone(&self.cluster), self.schema(), self.has_nulls);
        let query = RemoteQuery { sql: self.sql.clone(), within: self.within };
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let planned = Arc::clone(&schema);
        let asked = async move {
            let answer = cluster.query(query).await.map_err(outside)?;
            let rows = answer.rows.map(move |batch| {
                let batch = as_planned(batch.map_err(outside)?, &planned, has_nulls)?;
                metrics.record_output(batch.num_rows());
                Ok(batch)
            });
            Ok::<_, DataFusionError>(rows)
        };
        let rows = futures::stream::once(asked).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

fn outside(error: helios_contract::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The answer's columns, by their place, as the types that were planned.
fn as_planned(answer: RecordBatch, planned: &SchemaRef, has_nulls: bool) -> Result<RecordBatch> {
    let n_rows = answer.num_rows();
    let columns = planned.fields().iter().enumerate().map(|(i, field)| {
        let Some(column) = answer.columns().get(i) else { return internal_err!("the cluster answered too few columns") };
        let column: ArrayRef =
            if column.data_type() == field.data_type() { Arc::clone(column) } else { cast(column, field.data_type())? };
        match answer.columns().last().filter(|_| has_nulls && field.data_type().is_nested()) {
            Some(paths) => nulls::restore(&column, field.name(), paths),
            None => Ok(column),
        }
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    Ok(RecordBatch::try_new_with_options(Arc::clone(planned), columns, &options)?)
}
