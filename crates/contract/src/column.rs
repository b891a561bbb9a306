//! Columns as users declare them, and the Arrow they become.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How a timestamp is written in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// Text as in RFC 3339; a missing zone means UTC.
    Rfc3339,
    /// Seconds since the epoch; fractions allowed.
    EpochSeconds,
    /// Milliseconds since the epoch.
    EpochMillis,
    /// Microseconds since the epoch.
    EpochMicros,
    /// Nanoseconds since the epoch.
    EpochNanos,
}

impl TimeFormat {
    /// All formats with the word SQL uses: `TIMESTAMP FORMAT EPOCH_MS`.
    pub const ALL: [(TimeFormat, &'static str); 5] = [
        (TimeFormat::Rfc3339, "RFC3339"),
        (TimeFormat::EpochSeconds, "EPOCH_S"),
        (TimeFormat::EpochMillis, "EPOCH_MS"),
        (TimeFormat::EpochMicros, "EPOCH_US"),
        (TimeFormat::EpochNanos, "EPOCH_NS"),
    ];

    /// The word SQL uses.
    pub fn sql(self) -> &'static str {
        TimeFormat::ALL.iter().find(|(format, _)| *format == self).map(|(_, word)| *word).expect("ALL lists every format")
    }
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// `BOOLEAN`
    Boolean,
    /// `INT`: 32 bits.
    Int,
    /// `BIGINT`: 64 bits.
    BigInt,
    /// `BIGINT UNSIGNED`: 64 bits.
    UnsignedBigInt,
    /// `REAL`: 32-bit float.
    Real,
    /// `DOUBLE`: 64-bit float.
    Double,
    /// `DECIMAL(precision, scale)`; at most 38 digits.
    Decimal(u8, i8),
    /// `TEXT`
    Text,
    /// `TIMESTAMP FORMAT ...`: microseconds, UTC.
    Timestamp(TimeFormat),
    /// `DATE`, written as `2026-11-21`.
    Date,
    /// `JSON`: any value, kept as its JSON text.
    Json,
    /// `STRUCT<a INT, b TEXT>`: a nested object.
    Struct(Vec<Column>),
    /// `ARRAY<type>`
    List(Box<ColumnType>),
}

/// One column, or one field of a nested object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Column {
    /// The name, which is also the field's name in the record.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub data_type: ColumnType,
    /// A record without this field is quarantined.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// The Iceberg field id; 0 until the catalog assigns one.
    #[serde(default)]
    pub id: i32,
    /// Other places in the record where the value may stand, as `a.b`; the field of the column's own name goes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// The place it was promoted from: rows that were stored before take their value from there, in their `_rest`. It stays
    /// what it was, so that the history of the column does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<String>,
    /// The value, as JSON text, of records that do not have the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// The key of the Arrow field metadata that carries the Iceberg field id.
pub const FIELD_ID: &str = "PARQUET:field_id";

/// The key of the Arrow field metadata that carries the whole column where it has more places than one.
const ORIGIN: &str = "helios.origin";

impl Column {
    /// A nullable column without a field id yet.
    pub fn new(name: impl Into<String>, data_type: ColumnType) -> Column {
        Column { name: name.into(), data_type, required: false, id: 0, from: Vec::new(), promoted: None, default: None }
    }

    /// The Arrow field, nullable, with the Iceberg field id in its metadata once there is one.
    ///
    /// Required columns stay nullable in Arrow so that columns may be added and dropped freely.
    pub fn field(&self) -> Field {
        let field = Field::new(&self.name, self.data_type.arrow(), true);
        if self.id == 0 {
            return field;
        }
        let mut metadata = HashMap::from([(FIELD_ID.to_owned(), self.id.to_string())]);
        if let Some(place) = &self.promoted {
            let origin = Column { from: vec![place.clone()], promoted: None, required: false, default: None, ..self.clone() };
            metadata.extend(serde_json::to_string(&origin).ok().map(|origin| (ORIGIN.to_owned(), origin)));
        }
        field.with_metadata(metadata)
    }

    /// The column of a field whose values also stand in `_rest`, in rows that are older than the column.
    pub fn of_origin(field: &Field) -> Option<Column> {
        serde_json::from_str(field.metadata().get(ORIGIN)?).ok()
    }
}

impl ColumnType {
    /// The Arrow type that holds it.
    pub fn arrow(&self) -> DataType {
        match self {
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Int => DataType::Int32,
            ColumnType::BigInt => DataType::Int64,
            ColumnType::UnsignedBigInt => DataType::UInt64,
            ColumnType::Real => DataType::Float32,
            ColumnType::Double => DataType::Float64,
            ColumnType::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            ColumnType::Text | ColumnType::Json => DataType::Utf8,
            ColumnType::Timestamp(_) => timestamp_type(),
            ColumnType::Date => DataType::Date32,
            ColumnType::Struct(fields) => DataType::Struct(fields.iter().map(Column::field).collect()),
            ColumnType::List(item) => DataType::List(Arc::new(Field::new("item", item.arrow(), true))),
        }
    }
}

/// As written in `CREATE STREAM`.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::Boolean => f.write_str("BOOLEAN"),
            ColumnType::Int => f.write_str("INT"),
            ColumnType::BigInt => f.write_str("BIGINT"),
            ColumnType::UnsignedBigInt => f.write_str("BIGINT UNSIGNED"),
            ColumnType::Real => f.write_str("REAL"),
            ColumnType::Double => f.write_str("DOUBLE"),
            ColumnType::Decimal(precision, scale) => write!(f, "DECIMAL({precision}, {scale})"),
            ColumnType::Text => f.write_str("TEXT"),
            ColumnType::Timestamp(TimeFormat::Rfc3339) => f.write_str("TIMESTAMP"),
            ColumnType::Timestamp(format) => write!(f, "TIMESTAMP FORMAT {}", format.sql()),
            ColumnType::Date => f.write_str("DATE"),
            ColumnType::Json => f.write_str("JSON"),
            ColumnType::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, field) in fields.iter().enumerate() {
                    write!(f, "{}{field}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str(">")
            }
            ColumnType::List(item) => write!(f, "ARRAY<{item}>"),
        }
    }
}

/// As written in `CREATE STREAM`.
impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}{}", quoted(&self.name), self.data_type, if self.required { " NOT NULL" } else { "" })?;
        if !self.from.is_empty() {
            let places: Vec<String> = self.from.iter().map(|place| quoted_path(place)).collect();
            write!(f, " FROM ({})", places.join(", "))?;
        }
        match &self.default {
            Some(json) => write!(f, " DEFAULT {}", literal(json)),
            None => Ok(()),
        }
    }
}

/// A place in a record, each step in double quotes where it needs them: `customer."Home Address".city`.
pub fn quoted_path(path: &str) -> String {
    path.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// JSON text of a single value as SQL writes it.
fn literal(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::String(text)) => format!("'{}'", text.replace('\'', "''")),
        _ => json.to_owned(),
    }
}

/// An identifier, in double quotes unless it reads back as itself without them.
pub fn quoted(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The Arrow type of every timestamp: microseconds, UTC.
pub fn timestamp_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Columns Helios adds to every table. They are hidden from `SELECT *`.
pub mod hidden {
    /// `BIGINT`: the number of the commit that made the row visible. Added by the lake.
    pub const COMMIT: &str = "_commit";
    /// `TIMESTAMP`: when the record arrived at its source.
    pub const TIME: &str = "_time";
    /// `TEXT`: the source partition.
    pub const PARTITION: &str = "_partition";
    /// `BIGINT`: the position within the partition, where positions are numbers.
    pub const OFFSET: &str = "_offset";
    /// `TEXT`: the record's key.
    pub const KEY: &str = "_key";
    /// `TEXT`: the record's headers as a JSON object.
    pub const HEADERS: &str = "_headers";
    /// `TEXT`: the fields that have no column, as a JSON object.
    pub const REST: &str = "_rest";
    /// `BOOLEAN`: whether the row was behind its partition's watermark by more than the stream allows.
    pub const LATE: &str = "_late";
    /// `ARRAY<TEXT>`: the rules that it breaks and that tag; `NULL` when there are none.
    pub const TAGS: &str = "_tags";
    /// All of them, in the order they stand after the declared columns.
    pub const ALL: [&str; 9] = [TIME, PARTITION, OFFSET, KEY, HEADERS, REST, LATE, TAGS, COMMIT];
}

/// The Arrow fields a decoder produces: the declared columns, then the hidden ones without `_commit`.
pub fn row_schema(columns: &[Column]) -> SchemaRef {
    let hidden = hidden::ALL.iter().filter(|name| **name != hidden::COMMIT).map(|name| hidden_field(name));
    Arc::new(Schema::new(columns.iter().map(Column::field).chain(hidden).collect::<Vec<_>>()))
}

/// The Arrow fields a query sees: those of [`row_schema`], then `_commit`.
pub fn table_schema(columns: &[Column]) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = row_schema(columns).fields().iter().cloned().collect();
    fields.push(Arc::new(hidden_field(hidden::COMMIT)));
    Arc::new(Schema::new(fields))
}

/// Hidden columns carry Iceberg field ids from 1,000,001 up, in the order they were invented, so that they never meet a
/// declared column's and never change.
fn hidden_field(name: &str) -> Field {
    let (id, data_type) = match name {
        hidden::TIME => (1_000_001, timestamp_type()),
        hidden::PARTITION => (1_000_002, DataType::Utf8),
        hidden::OFFSET => (1_000_003, DataType::Int64),
        hidden::KEY => (1_000_004, DataType::Utf8),
        hidden::HEADERS => (1_000_005, DataType::Utf8),
        hidden::REST => (1_000_006, DataType::Utf8),
        hidden::COMMIT => (1_000_007, DataType::Int64),
        hidden::LATE => (1_000_008, DataType::Boolean),
        _ => (1_000_009, DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))),
    };
    Field::new(name, data_type, true).with_metadata(HashMap::from([(FIELD_ID.to_owned(), id.to_string())]))
}
