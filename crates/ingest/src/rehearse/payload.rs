//! Rows written back as the JSON records they may have been.

use arrow::array::AsArray;
use arrow::datatypes::Schema;
use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType, hidden};
use helios_contract::{Error, Result};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

type Fields = BTreeMap<String, Box<RawValue>>;

/// One record for each row: its columns, and what is in its `_rest`.
pub(super) fn of(rows: &RecordBatch, columns: &[Column]) -> Result<Vec<Bytes>> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let places: Vec<usize> = names.iter().filter_map(|name| rows.schema().index_of(name).ok()).collect();
    let declared = rows.project(&places).map_err(bug)?;
    let fields: Vec<_> = declared.schema().fields().iter().cloned().collect();
    let declared = declared.with_schema(Arc::new(Schema::new(fields))).map_err(bug)?;
    let mut lines = LineDelimitedWriter::new(Vec::new());
    lines.write(&declared).and_then(|()| lines.finish()).map_err(bug)?;
    let rest = rows.column_by_name(hidden::REST).map(|rest| rest.as_string::<i32>());
    let json: Vec<&str> = columns.iter().filter(|c| c.data_type == ColumnType::Json).map(|c| c.name.as_str()).collect();
    let lines = lines.into_inner();
    let texts = lines.split(|byte| *byte == b'\n').take(rows.num_rows()).enumerate();
    texts.map(|(row, line)| record(line, rest.and_then(|rest| rest.iter().nth(row).flatten()), &json)).collect()
}

fn record(line: &[u8], rest: Option<&str>, json: &[&str]) -> Result<Bytes> {
    if rest.is_none() && json.is_empty() {
        return Ok(Bytes::copy_from_slice(line));
    }
    let mut fields: Fields = serde_json::from_slice(line).map_err(unreadable)?;
    // A column of JSON holds the text of its value.
    for name in json {
        if let Some(field) = fields.get_mut(*name) {
            let text: String = serde_json::from_str(field.get()).map_err(unreadable)?;
            *field = RawValue::from_string(text).map_err(unreadable)?;
        }
    }
    let rest: Fields = rest.map(serde_json::from_str).transpose().map_err(unreadable)?.unwrap_or_default();
    for (name, value) in rest {
        let merged = match fields.get(&name) {
            Some(have) => merged(have, &value)?,
            None => value,
        };
        fields.insert(name, merged);
    }
    serde_json::to_vec(&fields).map(Bytes::from).map_err(unreadable)
}

/// An object of which some fields have columns and some do not.
fn merged(one: &RawValue, other: &RawValue) -> Result<Box<RawValue>> {
    let mut both: Value = serde_json::from_str(one.get()).map_err(unreadable)?;
    merge(&mut both, serde_json::from_str(other.get()).map_err(unreadable)?);
    serde_json::value::to_raw_value(&both).map_err(unreadable)
}

fn merge(into: &mut Value, other: Value) {
    match (into, other) {
        (Value::Object(into), Value::Object(other)) => {
            for (name, value) in other {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(other)) => into.iter_mut().zip(other).for_each(|(into, other)| merge(into, other)),
        (into @ Value::Null, other) => *into = other,
        _ => {}
    }
}

fn bug(error: arrow::error::ArrowError) -> Error {
    Error::internal("writing rows as records").because(error)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::internal("writing a row as a record").because(error)
}
