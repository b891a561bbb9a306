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
}

/// The key of the Arrow field metadata that carries the Iceberg field id.
pub const FIELD_ID: &str = "PARQUET:field_id";

impl Column {
    /// A nullable column without a field id yet.
    pub fn new(name: impl Into<String>, data_type: ColumnType) -> Column {
        Column { name: name.into(), data_type, required: false, id: 0 }
    }

    /// The Arrow field, nullable, with the Iceberg field id in its metadata once there is one.
    ///
    /// Required columns stay nullable in Arrow so that columns may be added and dropped freely.
    pub fn field(&self) -> Field {
        let field = Field::new(&self.name, self.data_type.arrow(), true);
        if self.id == 0 {
            return field;
        }
        field.with_metadata(HashMap::from([(FIELD_ID.to_owned(), self.id.to_string())]))
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
        write!(f, "{} {}{}", quoted(&self.name), self.data_type, if self.required { " NOT NULL" } else { "" })
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
    /// All of them, in the order they stand after the declared columns.
    pub const ALL: [&str; 7] = [TIME, PARTITION, OFFSET, KEY, HEADERS, REST, COMMIT];
}

/// The Arrow fields a decoder produces: the declared columns, then the hidden ones without `_commit`.
///
/// Hidden columns carry Iceberg field ids from 1,000,001 up, so that they never meet a declared column's.
pub fn row_schema(columns: &[Column]) -> SchemaRef {
    let hidden =
        hidden::ALL.iter().enumerate().filter(|(_, name)| **name != hidden::COMMIT).map(|(i, name)| hidden_field(i, name));
    Arc::new(Schema::new(columns.iter().map(Column::field).chain(hidden).collect::<Vec<_>>()))
}

/// The Arrow fields a query sees: those of [`row_schema`], then `_commit`.
pub fn table_schema(columns: &[Column]) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = row_schema(columns).fields().iter().cloned().collect();
    fields.push(Arc::new(hidden_field(hidden::ALL.len() - 1, hidden::COMMIT)));
    Arc::new(Schema::new(fields))
}

fn hidden_field(i: usize, name: &str) -> Field {
    let data_type = match name {
        hidden::TIME => timestamp_type(),
        hidden::OFFSET | hidden::COMMIT => DataType::Int64,
        _ => DataType::Utf8,
    };
    let id = 1_000_001 + i;
    Field::new(name, data_type, true).with_metadata(HashMap::from([(FIELD_ID.to_owned(), id.to_string())]))
}
