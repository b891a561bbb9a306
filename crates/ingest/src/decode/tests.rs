//! What each type takes, what it refuses and why, and that a bad record never harms its neighbours.

mod against_arrow;
mod avro;
mod bad_input;
mod csv;
mod hostile;
mod json_schema;
mod msgpack;
mod packed;
mod protobuf;
mod rest;
mod values;

use super::open;
use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use bytes::Bytes;
use helios_contract::StreamName;
use helios_contract::clock::Timestamp;
use helios_contract::column::{Column, ColumnType};
use helios_contract::decode::Decoded;
use helios_contract::record::{Position, Record};
use helios_contract::stream::{Format, OptionValue, Options, SourceKind, StreamDefinition};

fn definition(columns: Vec<Column>, format: Format) -> StreamDefinition {
    let name = StreamName::new("events").expect("a good name");
    StreamDefinition { columns, format, ..StreamDefinition::new(name, SourceKind::Http) }
}

fn record(offset: usize, payload: impl AsRef<[u8]>) -> Record {
    Record {
        position: Position::Number(offset as i64),
        time: Timestamp(1_000_000),
        key: None,
        headers: Vec::new(),
        payload: Bytes::copy_from_slice(payload.as_ref()),
    }
}

fn decode<P: AsRef<[u8]>>(columns: Vec<Column>, format: Format, payloads: &[P]) -> Decoded {
    let records: Vec<Record> = payloads.iter().enumerate().map(|(i, payload)| record(i, payload)).collect();
    open(&definition(columns, format)).decode("p0", &records)
}

/// Options of a format, as text.
fn options(given: &[(&str, &str)]) -> Options {
    given.iter().map(|(name, value)| ((*name).to_owned(), OptionValue::Text((*value).to_owned()))).collect()
}

/// The same for a format with options.
fn decode_with<P: AsRef<[u8]>>(columns: Vec<Column>, format: Format, given: Options, payloads: &[P]) -> Decoded {
    let records: Vec<Record> = payloads.iter().enumerate().map(|(i, payload)| record(i, payload)).collect();
    let definition = StreamDefinition { format_options: given, ..definition(columns, format) };
    open(&definition).decode("p0", &records)
}

fn json<P: AsRef<[u8]>>(columns: Vec<Column>, payloads: &[P]) -> Decoded {
    decode(columns, Format::Json, payloads)
}

fn column(name: &str, data_type: ColumnType) -> Column {
    Column::new(name, data_type)
}

/// A value as text, `NULL` for null.
fn shown(rows: &RecordBatch, column: &str, row: usize) -> String {
    let array = rows.column_by_name(column).expect("the column is there");
    if array.is_null(row) { "NULL".to_owned() } else { array_value_to_string(array, row).expect("every value can be shown") }
}

/// What became of one payload: the value of `column`, or `reason @ path`.
fn outcome(decoded: &Decoded, column: &str) -> String {
    assert_eq!(decoded.rows.num_rows() + decoded.rejects.len(), 1, "one record becomes a row or a reject");
    match decoded.rejects.first() {
        Some(reject) => format!("{} @ {}", reject.reason, reject.path),
        None => shown(&decoded.rows, column, 0),
    }
}
