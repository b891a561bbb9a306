//! Looks at sources before they are streams, and at what would become of their records. Nothing is created or stored.

use crate::Ingest;
use crate::decode::cloudwatch;
use crate::intake::shape::{self, Shape};
use crate::registry::Registry;
use crate::{Parts, decode, definition, format, infer, source};
use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::util::display::array_value_to_string;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::decode::{Decoded, Decoder, Reject};
use helios_contract::probe::{Check, CheckState, Guess, Preview, PreviewColumn, Probe, Sample, SampleRecord, Topic};
use helios_contract::record::{Position, Record};
use helios_contract::stream::{Format, SourceKind, StreamDefinition};
use helios_contract::{Error, Result};
use std::time::Duration;
use tokio::time::Instant;

/// Everything that is checked, in its order.
pub(crate) const CHECKS: [&str; 7] = ["dns", "tcp", "tls", "login", "metadata", "read", "decode"];
/// Values shown of a column.
const EXAMPLES_MAX: usize = 3;
const EXAMPLE_CHARS_MAX: usize = 80;
const PARTITION: &str = "sample";

#[async_trait]
impl Probe for Ingest {
    fn test(&self, definition: StreamDefinition) -> BoxStream<'static, Check> {
        match definition.source {
            SourceKind::Kafka => source::kafka_probe::test(definition, self.supervisor.parts.clone()),
            SourceKind::Kinesis => source::kinesis_probe::test(definition, self.supervisor.parts.clone()),
            _ => futures::stream::iter(nothing_to_reach(&definition)).boxed(),
        }
    }

    async fn topics(&self, definition: StreamDefinition) -> Result<Vec<Topic>> {
        match definition.source {
            SourceKind::Kafka => source::kafka_probe::topics(definition, &self.supervisor.parts).await,
            SourceKind::Kinesis => source::kinesis_probe::topics(definition, &self.supervisor.parts).await,
            kind => Err(Error::invalid(format!("{} has no topics", kind.sql()))),
        }
    }

    async fn sample(&self, definition: StreamDefinition, n_records_max: usize) -> Result<Sample> {
        let (parts, limit) = (&self.supervisor.parts, Duration::from_millis(self.supervisor.config.sample_ms));
        let records = match definition.source {
            SourceKind::Kafka => source::kafka_probe::sample(definition, parts, n_records_max, limit).await?,
            SourceKind::Kinesis => source::kinesis_probe::sample(definition, parts, n_records_max, limit).await?,
            _ => Vec::new(),
        };
        let (format, why) = guess(&records);
        Ok(Sample { format, why, records })
    }

    async fn preview(&self, definition: StreamDefinition, payloads: Vec<Bytes>) -> Result<Preview> {
        preview(definition, payloads, &self.supervisor.parts).await
    }
}

/// A source that comes to us, or that we are.
fn nothing_to_reach(definition: &StreamDefinition) -> Vec<Check> {
    let message = match definition.source {
        SourceKind::Http => format!("records are pushed to /v1/streams/{}/records", definition.name),
        kind => format!("{} needs no connection", kind.sql()),
    };
    CHECKS.map(|name| skipped(name, &message)).to_vec()
}

/// A check that did not apply.
pub(crate) fn skipped(name: &'static str, message: &str) -> Check {
    Check { name, state: CheckState::Skipped, took: None, message: message.to_owned(), hint: String::new() }
}

/// A check that ended well.
pub(crate) fn passed(name: &'static str, took: Option<Duration>, message: String) -> Check {
    Check { name, state: CheckState::Ok, took, message, hint: String::new() }
}

/// A check that failed.
pub(crate) fn failed(name: &'static str, took: Option<Duration>, error: &Error) -> Check {
    let hint = error.hint_text().unwrap_or_default().to_owned();
    Check { name, state: CheckState::Failed, took, message: error.message(), hint }
}

/// Whether a record can become a row.
pub(crate) async fn decodes(definition: StreamDefinition, record: SampleRecord, parts: &Parts) -> Check {
    let began = Instant::now();
    let previewed = preview(definition, vec![record.payload], parts).await;
    let took = Some(began.elapsed());
    match previewed {
        Ok(preview) => match preview.rejects.first() {
            None => passed("decode", took, format!("a record becomes a row of {} columns", preview.columns.len())),
            Some(reject) if reject.path.is_empty() => failed("decode", took, &unfit(&reject.reason)),
            Some(reject) => failed("decode", took, &unfit(&format!("{}: {}", reject.path, reject.reason))),
        },
        Err(error) => failed("decode", took, &error),
    }
}

fn unfit(reason: &str) -> Error {
    Error::invalid(format!("the newest record does not fit: {reason}"))
        .hint("Look at a sample, and change the format or the columns.")
}

async fn preview(mut definition: StreamDefinition, payloads: Vec<Bytes>, parts: &Parts) -> Result<Preview> {
    let is_declared = !definition.columns.is_empty();
    definition::complete(&mut definition);
    if definition.columns.is_empty() {
        definition.columns = match infer::known(&definition, &*parts.secrets).await? {
            Some(columns) => columns,
            None => infer::sampled(&definition, &payloads, &*parts.secrets).await?,
        };
        definition.event_time = definition.event_time.take().or_else(|| infer::event_time(&definition.columns));
    }
    definition::check(&definition)?;
    let payloads = match definition.format {
        Format::CloudwatchLogs => payloads.into_iter().flat_map(|payload| events(payload, &definition)).collect(),
        _ => payloads,
    };
    let now = parts.clock.now();
    let record = |(i, payload): (usize, Bytes)| {
        let position = Position::Number(i as i64);
        Record { position, time: now, key: None, headers: Vec::new(), payload }
    };
    let records: Vec<Record> = payloads.into_iter().enumerate().map(record).collect();
    let shape = Shape::of(&definition.columns)?;
    let for_decoder = StreamDefinition { columns: shape::for_decoder(&definition.columns), ..definition.clone() };
    let mut decoder = decode::open(&for_decoder);
    let registry = Registry::of(&definition, &*parts.secrets)?;
    for id in decoder.unknown_schemas(&records) {
        let schema = match &registry {
            Some(registry) => registry.schema(id).await?,
            None => None,
        };
        decoder.know_schema(id, schema);
    }
    let n_columns = definition.columns.len();
    let Decoded { mut rows, mut rejects, .. } = decoded(decoder, records).await?;
    fill(&shape, &mut rows, &mut rejects)?;
    let rows = rows.project(&(0..n_columns).collect::<Vec<_>>());
    let rows = rows.map_err(|e| Error::internal("cannot leave out the hidden columns").because(e))?;
    let columns = definition.columns.iter().enumerate();
    let columns = columns.map(|(i, column)| seen(column, i, &rows, is_declared)).collect();
    Ok(Preview { definition, columns, rows, rejects })
}

fn events(payload: Bytes, definition: &StreamDefinition) -> Vec<Bytes> {
    cloudwatch::payloads(&payload, format::compression(definition)).unwrap_or_else(|| vec![payload])
}

/// Fills columns from their other places in the record; a required one that is still missing rejects its record.
fn fill(shape: &Shape, rows: &mut RecordBatch, rejects: &mut Vec<Reject>) -> Result<()> {
    let missing = shape.fill(rows)?;
    let is_rejected = |index: &usize| rejects.binary_search_by_key(index, |reject| reject.index).is_ok();
    let indexes = (0..rows.num_rows() + rejects.len()).filter(|index| !is_rejected(index));
    let reject = |(index, name): (usize, &Option<&str>)| {
        let path = (*name)?.to_owned();
        Some(Reject { index, reason: "required field is missing".to_owned(), path })
    };
    let more: Vec<Reject> = indexes.zip(&missing).filter_map(reject).collect();
    let is_whole: BooleanArray = missing.iter().map(|name| Some(name.is_none())).collect();
    *rows = filter_record_batch(rows, &is_whole).map_err(|e| Error::internal("leaving out rejected rows").because(e))?;
    rejects.extend(more);
    rejects.sort_by_key(|reject| reject.index);
    Ok(())
}

async fn decoded(mut decoder: Box<dyn Decoder>, records: Vec<Record>) -> Result<Decoded> {
    let decoding = tokio::task::spawn_blocking(move || decoder.decode(PARTITION, &records));
    decoding.await.map_err(|e| Error::internal("decoding a sample").because(e))
}

fn seen(column: &Column, i: usize, rows: &RecordBatch, is_declared: bool) -> PreviewColumn {
    let values = rows.column(i);
    let n_seen = values.len() - values.null_count();
    let mut examples: Vec<String> = Vec::new();
    for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
        let Ok(text) = array_value_to_string(values, row) else { continue };
        let text: String = text.chars().take(EXAMPLE_CHARS_MAX).collect();
        if !examples.contains(&text) {
            examples.push(text);
        }
        if examples.len() == EXAMPLES_MAX {
            break;
        }
    }
    let share = if values.is_empty() { 0.0 } else { n_seen as f64 / values.len() as f64 };
    let why = if is_declared { "Declared in the statement." } else { why(&column.data_type, n_seen) };
    PreviewColumn { column: column.clone(), seen: share, why: why.to_owned(), examples }
}

/// What of a sample leads to a type.
fn why(data_type: &ColumnType, n_seen: usize) -> &'static str {
    match data_type {
        ColumnType::Json if n_seen == 0 => "No record has a value for it: anything will fit.",
        ColumnType::Json => "Its values are of different kinds, or objects with many different fields.",
        ColumnType::Boolean => "Every value is true or false.",
        ColumnType::Int | ColumnType::BigInt => "Every value is a whole number.",
        ColumnType::UnsignedBigInt => "Every value is a whole number, some too large for a signed one.",
        ColumnType::Decimal(..) => "Every value is a number of a fixed number of digits.",
        ColumnType::Real | ColumnType::Double => "Every value is a number, some with a fraction.",
        ColumnType::Timestamp(TimeFormat::Rfc3339) => "Every value reads as a date and time.",
        ColumnType::Timestamp(_) => "Its name speaks of time, and every value is one between 1990 and 2100.",
        ColumnType::Date => "Every value is a date.",
        ColumnType::Struct(_) => "Every value is an object with the same few fields.",
        ColumnType::List(_) => "Every value is a list.",
        // Text, and what later versions know.
        _ => "Its values are text.",
    }
}

/// How payloads seem to be written, and what says so.
fn guess(records: &[SampleRecord]) -> (Guess, String) {
    let payloads: Vec<&[u8]> = records.iter().map(|record| record.payload.as_ref()).filter(|p| !p.is_empty()).collect();
    let n = payloads.len();
    let share = |is: &dyn Fn(&[u8]) -> bool| payloads.iter().filter(|payload| is(payload)).count();
    // Nearly all: a sample may hold some that do not fit.
    let nearly_all = |n_that: usize| n > 0 && n_that * 10 >= n * 9;
    let n_json = share(&is_json_object);
    let n_framed = share(&is_framed);
    let n_text = share(&|payload| std::str::from_utf8(payload).is_ok());
    if n == 0 {
        return (Guess::Json, "There is no record to look at; JSON is the usual.".to_owned());
    }
    // Before JSON, which it is, too, where it is not compressed.
    let n_logs = share(&cloudwatch::is_subscription);
    if nearly_all(n_logs) {
        return (Guess::CloudwatchLogs, format!("{n_logs} of {n} records come from a CloudWatch Logs subscription."));
    }
    if nearly_all(n_json) {
        return (Guess::Json, format!("{n_json} of {n} records are JSON objects."));
    }
    if nearly_all(n_framed) {
        return (Guess::Avro, format!("{n_framed} of {n} records begin with 0 and the number of a registered schema."));
    }
    if !nearly_all(n_text) {
        return (Guess::Protobuf, format!("{} of {n} records are not text.", n - n_text));
    }
    match commas(&payloads) {
        Some(n_fields) => (Guess::Csv, format!("Nearly all records are lines of {n_fields} fields with commas between them.")),
        None => (Guess::Text, "The records are text, and neither JSON objects nor lines of fields.".to_owned()),
    }
}

fn is_json_object(payload: &[u8]) -> bool {
    payload.trim_ascii_start().starts_with(b"{") && serde_json::from_slice::<serde::de::IgnoredAny>(payload).is_ok()
}

/// What a schema registry's clients put in front: a zero and four bytes.
fn is_framed(payload: &[u8]) -> bool {
    payload.len() > 5 && payload[0] == 0
}

/// The number of fields of nearly all lines, if they have more than one.
fn commas(payloads: &[&[u8]]) -> Option<usize> {
    let counts: Vec<usize> = payloads.iter().map(|payload| payload.iter().filter(|b| **b == b',').count()).collect();
    let usual = *counts.first().filter(|n| **n > 0)?;
    let n_usual = counts.iter().filter(|n| **n == usual).count();
    (n_usual * 10 >= counts.len() * 9).then_some(usual + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(payloads: &[&[u8]]) -> Guess {
        let record = |payload: &&[u8]| SampleRecord {
            partition: "0".to_owned(),
            position: "1".to_owned(),
            time: None,
            key: None,
            headers: Vec::new(),
            payload: Bytes::copy_from_slice(payload),
        };
        guess(&payloads.iter().map(record).collect::<Vec<_>>()).0
    }

    #[test]
    fn formats_are_guessed_from_nearly_all_records() {
        assert_eq!(guessed(&[]), Guess::Json);
        assert_eq!(guessed(&[b"{\"a\":1}", b" {\"b\":\"\"}"]), Guess::Json);
        assert_eq!(guessed(&[b"{\"a\":1", b"{\"b\":\"\"}"]), Guess::Text);
        assert_eq!(guessed(&[b"1,a,2", b"2,b,3"]), Guess::Csv);
        assert_eq!(guessed(&[b"1,a,2", b"nothing"]), Guess::Text);
        assert_eq!(guessed(&[b"\0\0\0\0\x07abc"]), Guess::Avro);
        assert_eq!(guessed(&[b"\x0a\xff\xfe\x80"]), Guess::Protobuf);
    }
}
