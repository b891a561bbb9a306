//! `system.streams` and `system.partitions`: how streams and their source partitions are doing, in SQL.

use crate::supervisor::Supervisor;
use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use helios_contract::column::timestamp_type;
use helios_contract::system::SystemTable;
use helios_contract::{Error, Result, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Both tables.
pub(crate) fn tables(supervisor: &Arc<Supervisor>) -> Vec<Arc<dyn SystemTable>> {
    vec![Arc::new(Streams(supervisor.clone())), Arc::new(Partitions(supervisor.clone()))]
}

struct Streams(Arc<Supervisor>);

#[async_trait]
impl SystemTable for Streams {
    fn name(&self) -> &'static str {
        "streams"
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("name", DataType::Utf8, false),
            Field::new("source", DataType::Utf8, false),
            Field::new("state", DataType::Utf8, false),
            Field::new("since", timestamp_type(), false),
            Field::new("cause", DataType::Utf8, false),
            Field::new("message", DataType::Utf8, false),
            Field::new("hint", DataType::Utf8, false),
            Field::new("n_received", DataType::UInt64, false),
            Field::new("last_commit", DataType::Int64, true),
            Field::new("last_commit_at", timestamp_type(), true),
            Field::new("lag", DataType::UInt64, false),
            Field::new("n_late", DataType::UInt64, false),
            Field::new("watermark", timestamp_type(), true),
            Field::new("lag_seconds", DataType::Float64, true),
        ]))
    }

    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch> {
        let mut all = self.0.status();
        all.truncate(limit.unwrap_or(usize::MAX));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(all.iter().map(|s| s.name.as_str()))),
            Arc::new(StringArray::from_iter_values(all.iter().map(|s| s.source.sql().to_ascii_lowercase()))),
            Arc::new(StringArray::from_iter_values(all.iter().map(|s| s.state.as_str()))),
            moments(all.iter().map(|s| Some(s.since.0))),
            Arc::new(StringArray::from_iter_values(all.iter().map(|s| &s.cause))),
            Arc::new(StringArray::from_iter_values(all.iter().map(|s| &s.message))),
            Arc::new(StringArray::from_iter_values(all.iter().map(|s| &s.hint))),
            Arc::new(UInt64Array::from_iter_values(all.iter().map(|s| s.n_received))),
            Arc::new(Int64Array::from_iter(all.iter().map(|s| s.last_commit.map(|commit| commit.0)))),
            moments(all.iter().map(|s| s.last_commit_at.map(|at| at.0))),
            Arc::new(UInt64Array::from_iter_values(all.iter().map(|s| s.lag.iter().map(|(_, lag)| lag).sum::<u64>()))),
            Arc::new(UInt64Array::from_iter_values(all.iter().map(|s| s.n_late))),
            moments(all.iter().map(|s| s.watermark().map(|at| at.0))),
            Arc::new(Float64Array::from_iter(all.iter().map(|s| s.lag_seconds()))),
        ];
        RecordBatch::try_new(self.schema(), columns).map_err(bug)
    }
}

struct Partitions(Arc<Supervisor>);

/// What is known of a source partition.
#[derive(Default)]
struct Known {
    position: Option<String>,
    lag: Option<u64>,
    behind: Option<Duration>,
    watermark: Option<(Timestamp, bool)>,
}

#[async_trait]
impl SystemTable for Partitions {
    fn name(&self) -> &'static str {
        "partitions"
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("stream", DataType::Utf8, false),
            Field::new("partition", DataType::Utf8, false),
            Field::new("position", DataType::Utf8, true),
            Field::new("lag", DataType::UInt64, true),
            Field::new("watermark", timestamp_type(), true),
            Field::new("idle", DataType::Boolean, true),
            Field::new("lag_seconds", DataType::Float64, true),
        ]))
    }

    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch> {
        let mut rows: Vec<(String, String, Known)> = Vec::new();
        for status in self.0.status() {
            // A stream that was dropped a moment ago has no partitions.
            let Ok(stream) = self.0.stream(&status.name) else { continue };
            let mut partitions: BTreeMap<String, Known> = BTreeMap::new();
            for (partition, position) in self.0.parts.tables.offsets(stream.id).await? {
                partitions.entry(partition).or_default().position = Some(position);
            }
            for (partition, lag) in status.lag {
                partitions.entry(partition).or_default().lag = Some(lag);
            }
            for (partition, behind) in status.behind {
                partitions.entry(partition).or_default().behind = Some(behind);
            }
            for watermark in status.watermarks {
                partitions.entry(watermark.partition).or_default().watermark = Some((watermark.at, watermark.idle));
            }
            rows.extend(partitions.into_iter().map(|(partition, known)| (status.name.to_string(), partition, known)));
        }
        rows.truncate(limit.unwrap_or(usize::MAX));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.0))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.1))),
            Arc::new(StringArray::from_iter(rows.iter().map(|row| row.2.position.as_deref()))),
            Arc::new(UInt64Array::from_iter(rows.iter().map(|row| row.2.lag))),
            moments(rows.iter().map(|row| row.2.watermark.map(|(at, _)| at.0))),
            Arc::new(BooleanArray::from_iter(rows.iter().map(|row| row.2.watermark.map(|(_, idle)| idle)))),
            Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.2.behind.map(|behind| behind.as_secs_f64())))),
        ];
        RecordBatch::try_new(self.schema(), columns).map_err(bug)
    }
}

fn moments(micros: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
}

fn bug(error: arrow::error::ArrowError) -> Error {
    Error::internal("filling a system table").because(error)
}
