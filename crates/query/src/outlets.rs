//! Answers of statements about clusters and sinks, and of statements in a cluster's own dialect.

use crate::engine::{Engine, Rows, Started};
use crate::limits::Allowed;
use crate::show;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::common::DataFusionError;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::TryStreamExt;
use helios_contract::Timestamp;
use helios_contract::cluster::{ClusterStatus, Finding, RemoteColumn, RemoteName, RemoteQuery};
use helios_contract::error::{Error, Result};
use helios_contract::sink::{OutletCommand, SinkStatus};
use std::sync::Arc;

/// What stands in the first line of a statement that a cluster answers as it is.
const ENGINE_MARK: &str = "-- engine:";

/// The cluster that a statement is meant for: `-- engine: ch`.
pub(crate) fn engine_of(sql: &str) -> Option<&str> {
    let first = sql.trim_start().lines().next()?;
    let (mark, name) = first.split_at_checked(ENGINE_MARK.len())?;
    mark.eq_ignore_ascii_case(ENGINE_MARK).then(|| name.trim())
}

impl Engine {
    pub(crate) async fn outlet(&self, command: OutletCommand) -> Result<RecordBatch> {
        findings(&self.parts.outlets.apply(command).await?)
    }

    /// Sends a statement to a cluster, untouched; it may read, nothing else.
    pub(crate) async fn foreign(&self, cluster: &str, sql: &str, allowed: &Allowed) -> Result<Started> {
        let slot = self.turn().await?;
        let cluster = self.parts.outlets.cluster(cluster)?;
        let query = RemoteQuery { sql: sql.to_owned(), within: allowed.time };
        let answer = cluster.query(query).await?;
        let plan: Arc<dyn ExecutionPlan> = Arc::new(EmptyExec::new(Arc::clone(&answer.schema)));
        let rows = answer.rows.map_err(|error| DataFusionError::External(Box::new(error)));
        let rows = Box::pin(RecordBatchStreamAdapter::new(answer.schema, rows));
        Ok(Started::Rows(Box::new(Rows { rows, snapshots: Vec::new(), slot, freshness: None, plan, keeping: None })))
    }

    /// The columns of a cluster's table: as they are there, and as they are here.
    pub(crate) async fn describe(&self, name: &[String]) -> Result<RecordBatch> {
        let [cluster, database, table] = name else { return Err(Error::internal("a cluster's table has three names")) };
        let name = RemoteName { database: database.clone(), table: table.clone() };
        let columns = self.parts.outlets.cluster(cluster)?.describe(&name).await?;
        let shown = |column: &RemoteColumn| match &column.data_type {
            Some(data_type) => show::sql_type(data_type),
            None => "(cannot be read)".to_owned(),
        };
        batch([
            ("column", text(columns.iter().map(|column| column.name.clone()))),
            ("type", text(columns.iter().map(shown))),
            ("remote_type", text(columns.iter().map(|column| column.remote_type.clone()))),
        ])
    }

    pub(crate) fn show_clusters(&self) -> Result<RecordBatch> {
        let (clusters, _) = self.parts.outlets.status();
        let words = |of: &dyn Fn(&ClusterStatus) -> String| text(clusters.iter().map(of));
        batch([
            ("cluster", words(&|cluster| cluster.definition.name.to_string())),
            ("version", words(&|cluster| cluster.version.clone())),
            ("answered_at", moments(clusters.iter().map(|cluster| cluster.answered_at))),
            ("message", words(&|cluster| cluster.message.clone())),
            ("statement", words(&|cluster| cluster.definition.to_string())),
        ])
    }

    pub(crate) fn show_sinks(&self) -> Result<RecordBatch> {
        let (_, sinks) = self.parts.outlets.status();
        let words = |of: &dyn Fn(&SinkStatus) -> String| text(sinks.iter().map(of));
        let numbers =
            |of: &dyn Fn(&SinkStatus) -> Option<i64>| Arc::new(sinks.iter().map(of).collect::<Int64Array>()) as ArrayRef;
        batch([
            ("sink", words(&|sink| sink.definition.name.to_string())),
            ("stream", words(&|sink| sink.definition.stream.to_string())),
            ("table", words(&|sink| format!("{}.{}", sink.definition.cluster, sink.table))),
            ("state", words(&|sink| sink.state.as_str().to_owned())),
            ("since", moments(sinks.iter().map(|sink| Some(sink.since)))),
            ("message", words(&|sink| sink.message.clone())),
            ("hint", words(&|sink| sink.hint.clone())),
            ("delivered", numbers(&|sink| Some(sink.delivered.0))),
            ("last_delivery_at", moments(sinks.iter().map(|sink| sink.last_delivery_at))),
            ("n_rows", numbers(&|sink| i64::try_from(sink.n_rows).ok())),
        ])
    }
}

/// What was found while a statement was carried out.
pub(crate) fn findings(found: &[Finding]) -> Result<RecordBatch> {
    batch([
        ("about", text(found.iter().map(|finding| finding.about.clone()))),
        ("result", text(found.iter().map(|finding| finding.result.to_owned()))),
        ("detail", text(found.iter().map(|finding| finding.detail.clone()))),
    ])
}

fn text(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(values.map(|text| Some(text).filter(|text| !text.is_empty())).collect::<StringArray>())
}

fn moments(values: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let moments: TimestampMicrosecondArray = values.map(|at| at.map(|at| at.0)).collect();
    Arc::new(moments.with_timezone("UTC"))
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .map_err(|e| Error::internal("cannot build the answer").because(e))
}
