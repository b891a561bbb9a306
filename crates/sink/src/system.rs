//! `system.clusters` and `system.sinks`.

use crate::Sinks;
use crate::server::Health;
use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use helios_contract::clock::Timestamp;
use helios_contract::cluster::ClusterStatus;
use helios_contract::column::timestamp_type;
use helios_contract::error::{Error, Result};
use helios_contract::sink::{Outlets, SinkStatus};
use helios_contract::stream::OptionValue;
use helios_contract::system::SystemTable;
use std::sync::Arc;

/// Both tables.
pub(crate) fn tables(sinks: &Arc<Sinks>) -> Vec<Arc<dyn SystemTable>> {
    vec![Arc::new(Clusters(Arc::clone(sinks))), Arc::new(SinksTable(Arc::clone(sinks)))]
}

struct Clusters(Arc<Sinks>);

#[async_trait]
impl SystemTable for Clusters {
    fn name(&self) -> &'static str {
        "clusters"
    }

    fn schema(&self) -> SchemaRef {
        let texts = ["name", "url", "user", "database", "version", "state", "host", "message", "hint", "statement"];
        schema(&texts, &["answered_at"], &["n_sinks"], &[], &[])
    }

    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch> {
        let (mut clusters, sinks) = self.0.status();
        clusters.truncate(limit.unwrap_or(usize::MAX));
        let option = |cluster: &ClusterStatus, name: &str, or: &str| match cluster.definition.options.get(name) {
            None => or.to_owned(),
            Some(OptionValue::Text(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        let words = |of: &dyn Fn(&ClusterStatus) -> String| texts(clusters.iter().map(of));
        let asked: Vec<(Health, String)> = clusters.iter().map(|cluster| self.0.health(&cluster.definition.name)).collect();
        let n_sinks = |cluster: &ClusterStatus| {
            let n = sinks.iter().filter(|sink| sink.definition.cluster == cluster.definition.name).count();
            i64::try_from(n).ok()
        };
        batch(
            self.schema(),
            vec![
                words(&|cluster| cluster.definition.name.to_string()),
                words(&|cluster| option(cluster, "url", "")),
                words(&|cluster| option(cluster, "user", "default")),
                words(&|cluster| option(cluster, "database", "default")),
                words(&|cluster| cluster.version.clone()),
                texts(asked.iter().map(|(health, _)| health.manner.as_str().to_owned())),
                texts(asked.iter().map(|(_, host)| host.clone())),
                words(&|cluster| cluster.message.clone()),
                texts(asked.iter().map(|(health, _)| health.hint.clone())),
                words(&|cluster| cluster.definition.to_string()),
                times(clusters.iter().map(|cluster| cluster.answered_at)),
                Arc::new(clusters.iter().map(n_sinks).collect::<Int64Array>()),
            ],
        )
    }
}

struct SinksTable(Arc<Sinks>);

#[async_trait]
impl SystemTable for SinksTable {
    fn name(&self) -> &'static str {
        "sinks"
    }

    fn schema(&self) -> SchemaRef {
        let texts = ["name", "stream", "cluster", "table", "state", "message", "hint", "statement"];
        let times = ["since", "delivered_commit_at", "last_delivery_at"];
        schema(&texts, &times, &["delivered", "newest", "n_rows", "n_blocks"], &["lag_s"], &["stored"])
    }

    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch> {
        let (_, mut sinks) = self.0.status();
        sinks.truncate(limit.unwrap_or(usize::MAX));
        let mut newest = Vec::with_capacity(sinks.len());
        for sink in &sinks {
            newest.push(self.0.newest(&sink.definition.stream).await);
        }
        let words = |of: &dyn Fn(&SinkStatus) -> String| texts(sinks.iter().map(of));
        let numbers = |of: &dyn Fn(&SinkStatus) -> u64| -> ArrayRef {
            Arc::new(sinks.iter().map(|sink| i64::try_from(of(sink)).ok()).collect::<Int64Array>())
        };
        // How long ago the first commit that is not delivered was made, at most.
        let lag = |(sink, newest): (&SinkStatus, &Option<(i64, Option<Timestamp>)>)| {
            let (commit, at) = newest.as_ref()?;
            let behind = *commit > sink.delivered.0;
            let since = sink.delivered_commit_at.or(*at).filter(|_| behind);
            Some(since.map_or(0.0, |since| self.0.now().since(since).as_secs_f64()))
        };
        batch(
            self.schema(),
            vec![
                words(&|sink| sink.definition.name.to_string()),
                words(&|sink| sink.definition.stream.to_string()),
                words(&|sink| sink.definition.cluster.to_string()),
                words(&|sink| sink.table.to_string()),
                words(&|sink| sink.state.as_str().to_owned()),
                words(&|sink| sink.message.clone()),
                words(&|sink| sink.hint.clone()),
                words(&|sink| sink.definition.to_string()),
                times(sinks.iter().map(|sink| Some(sink.since))),
                times(sinks.iter().map(|sink| sink.delivered_commit_at)),
                times(sinks.iter().map(|sink| sink.last_delivery_at)),
                Arc::new(sinks.iter().map(|sink| Some(sink.delivered.0)).collect::<Int64Array>()),
                Arc::new(newest.iter().map(|newest| newest.as_ref().map(|(commit, _)| *commit)).collect::<Int64Array>()),
                numbers(&|sink| sink.n_rows),
                numbers(&|sink| sink.n_blocks),
                Arc::new(sinks.iter().zip(&newest).map(lag).collect::<Float64Array>()),
                Arc::new(sinks.iter().map(|sink| Some(sink.stored)).collect::<BooleanArray>()),
            ],
        )
    }
}

fn schema(texts: &[&str], times: &[&str], integers: &[&str], reals: &[&str], flags: &[&str]) -> SchemaRef {
    let of = |names: &[&str], data_type: DataType| {
        names.iter().map(|name| Field::new(*name, data_type.clone(), true)).collect::<Vec<_>>()
    };
    let fields = [
        of(texts, DataType::Utf8),
        of(times, timestamp_type()),
        of(integers, DataType::Int64),
        of(reals, DataType::Float64),
        of(flags, DataType::Boolean),
    ];
    Arc::new(Schema::new(fields.concat()))
}

fn texts(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(values.map(|text| Some(text).filter(|text| !text.is_empty())).collect::<StringArray>())
}

fn times(values: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let times: TimestampMicrosecondArray = values.map(|at| at.map(|at| at.0)).collect();
    Arc::new(times.with_timezone("UTC"))
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch> {
    RecordBatch::try_new(schema, columns).map_err(|e| Error::internal("cannot list clusters or sinks").because(e))
}
