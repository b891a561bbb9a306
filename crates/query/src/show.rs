//! Answers of statements that are not queries: `SHOW`, `DESCRIBE`, and those about streams.

use arrow::array::{ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use helios_contract::Timestamp;
use helios_contract::column::{FIELD_ID, hidden, table_schema, timestamp_type};
use helios_contract::error::{Error, Result};
use helios_contract::stream::{StreamCommand, StreamDefinition, StreamStatus};
use std::sync::Arc;

/// What a statement about a stream did.
pub(crate) fn carried_out(command: &StreamCommand, definition: &StreamDefinition) -> Result<RecordBatch> {
    let result = match command {
        StreamCommand::Create { .. } => return created(definition),
        StreamCommand::Alter { .. } => "altered",
        StreamCommand::Drop { .. } => "dropped",
        StreamCommand::Pause(_) => "paused",
        StreamCommand::Resume(_) => "resumed",
    };
    batch([("stream", text([Some(definition.name.to_string())])), ("result", text([Some(result.to_owned())]))])
}

/// The columns a new stream has, inferred or declared.
fn created(definition: &StreamDefinition) -> Result<RecordBatch> {
    let names = definition.columns.iter().map(|column| Some(column.name.clone()));
    let types = definition.columns.iter().map(|column| Some(column.data_type.to_string()));
    batch([("column", text(names)), ("type", text(types))])
}

/// The fields of the answer to a statement about a stream.
pub(crate) fn fields(command: &StreamCommand) -> Schema {
    let names = if matches!(command, StreamCommand::Create { .. }) { ["column", "type"] } else { ["stream", "result"] };
    Schema::new(names.map(|name| Field::new(name, DataType::Utf8, true)).to_vec())
}

/// `SHOW STREAMS`
pub(crate) fn streams(status: &[StreamStatus]) -> Result<RecordBatch> {
    let words = |of: &dyn Fn(&StreamStatus) -> String| text(status.iter().map(|s| Some(of(s)).filter(|word| !word.is_empty())));
    let moments = |of: &dyn Fn(&StreamStatus) -> Option<Timestamp>| {
        let moments: TimestampMicrosecondArray = status.iter().map(|s| of(s).map(|at| at.0)).collect();
        Arc::new(moments.with_timezone("UTC")) as ArrayRef
    };
    let numbers = |of: &dyn Fn(&StreamStatus) -> Option<i64>| Arc::new(status.iter().map(of).collect::<Int64Array>()) as ArrayRef;
    let lag =
        |s: &StreamStatus| (!s.lag.is_empty()).then(|| s.lag.iter().map(|(_, n)| i64::try_from(*n).unwrap_or(i64::MAX)).sum());
    batch([
        ("stream", words(&|s| s.name.to_string())),
        ("source", words(&|s| s.source.sql().to_owned())),
        ("state", words(&|s| s.state.as_str().to_owned())),
        ("since", moments(&|s| Some(s.since))),
        ("cause", words(&|s| s.cause.clone())),
        ("message", words(&|s| s.message.clone())),
        ("hint", words(&|s| s.hint.clone())),
        ("n_received", numbers(&|s| i64::try_from(s.n_received).ok())),
        ("last_commit", numbers(&|s| s.last_commit.map(|commit| commit.0))),
        ("last_commit_at", moments(&|s| s.last_commit_at)),
        ("lag", numbers(&lag)),
    ])
}

/// `SHOW FUNCTIONS`
pub(crate) fn functions(functions: Vec<(String, &'static str, String)>) -> Result<RecordBatch> {
    batch([
        ("function", text(functions.iter().map(|(name, ..)| Some(name.clone())))),
        ("kind", text(functions.iter().map(|(_, kind, _)| Some((*kind).to_owned())))),
        ("description", text(functions.iter().map(|(.., description)| Some(description.clone()).filter(|d| !d.is_empty())))),
    ])
}

/// `SHOW CREATE STREAM`
pub(crate) fn create_stream(definition: &StreamDefinition) -> Result<RecordBatch> {
    batch([("stream", text([Some(definition.name.to_string())])), ("statement", text([Some(definition.to_string())]))])
}

/// `DESCRIBE` of a stream's table: its columns, then the hidden ones.
pub(crate) fn stream_columns(definition: &StreamDefinition) -> Result<RecordBatch> {
    let schema = table_schema(&definition.columns);
    let sql_type = |field: &Field| match definition.columns.iter().find(|column| column.name == *field.name()) {
        Some(column) => column.data_type.to_string(),
        None => sql_type(field.data_type()),
    };
    describe(&schema, sql_type)
}

/// `DESCRIBE` of a table that is no stream's.
pub(crate) fn columns(schema: &Schema) -> Result<RecordBatch> {
    describe(schema, |field| sql_type(field.data_type()))
}

fn describe(schema: &Schema, sql_type: impl Fn(&Field) -> String) -> Result<RecordBatch> {
    let fields = || schema.fields().iter();
    let id = |field: &Arc<Field>| field.metadata().get(FIELD_ID).and_then(|id| id.parse::<i32>().ok());
    batch([
        ("column", text(fields().map(|field| Some(field.name().clone())))),
        ("type", text(fields().map(|field| Some(sql_type(field))))),
        ("hidden", Arc::new(fields().map(|field| Some(hidden::ALL.contains(&field.name().as_str()))).collect::<BooleanArray>())),
        ("field_id", Arc::new(fields().map(id).collect::<Int32Array>())),
    ])
}

pub(crate) fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt64 => "BIGINT UNSIGNED".to_owned(),
        DataType::Float32 => "REAL".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "TEXT".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        other if *other == timestamp_type() => "TIMESTAMP".to_owned(),
        other => other.to_string(),
    }
}

fn text(values: impl IntoIterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .map_err(|e| Error::internal("cannot build the answer").because(e))
}
