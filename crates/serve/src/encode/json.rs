//! Rows as JSON: 64-bit integers stay numbers, decimals are text so that no digit is lost on the way.

use super::cannot;
use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::json::writer::{
    Encoder, EncoderFactory, EncoderOptions, JsonArray, JsonFormat, NullableEncoder, Writer, WriterBuilder, make_encoder,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use helios_contract::Result;
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;

/// A writer of rows; rows show columns without a value as `null`.
pub(crate) fn writer<W: Write, F: JsonFormat>(out: W) -> Writer<W, F> {
    WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(DecimalsAsText)).build(out)
}

/// Rows as one JSON array for readers whose numbers are doubles: 64-bit integers and decimals are text.
pub(crate) fn exact_rows(batches: &[RecordBatch]) -> Result<Vec<u8>> {
    let builder = WriterBuilder::new().with_explicit_nulls(true).with_encoder_factory(Arc::new(DigitsAsText));
    let mut writer = builder.build::<_, JsonArray>(Vec::new());
    batches.iter().try_for_each(|batch| writer.write(batch)).map_err(|error| cannot("JSON", error))?;
    writer.finish().map_err(|error| cannot("JSON", error))?;
    Ok(writer.into_inner())
}

/// What stands before the rows in a JSON document.
pub(super) fn begin(out: &mut Vec<u8>, schema: &Schema) {
    let columns = serde_json::to_string(&columns(schema)).expect("names and types are JSON");
    out.extend_from_slice(format!("{{\"columns\":{columns},\"data\":").as_bytes());
}

/// `[{"name", "type"}]`, with types as SQL writes them.
pub(crate) fn columns(schema: &Schema) -> Vec<Value> {
    schema.fields().iter().map(|field| json!({"name": field.name(), "type": sql_type(field.data_type())})).collect()
}

pub(crate) fn sql_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "NULL".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Int8 => "TINYINT".to_owned(),
        DataType::Int16 => "SMALLINT".to_owned(),
        DataType::Int32 => "INT".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::UInt8 => "TINYINT UNSIGNED".to_owned(),
        DataType::UInt16 => "SMALLINT UNSIGNED".to_owned(),
        DataType::UInt32 => "INT UNSIGNED".to_owned(),
        DataType::UInt64 => "BIGINT UNSIGNED".to_owned(),
        DataType::Float16 | DataType::Float32 => "REAL".to_owned(),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "TEXT".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BYTEA".to_owned(),
        DataType::Date32 | DataType::Date64 => "DATE".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "TIME".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMP".to_owned(),
        DataType::Duration(_) | DataType::Interval(_) => "INTERVAL".to_owned(),
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) | DataType::Decimal256(p, s) => {
            format!("DECIMAL({p}, {s})")
        }
        DataType::Dictionary(_, value) => sql_type(value),
        DataType::Struct(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|field| format!("{} {}", field.name(), sql_type(field.data_type()))).collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            format!("ARRAY<{}>", sql_type(item.data_type()))
        }
        other => other.to_string(),
    }
}

/// Each value of a column as its JSON text.
pub(super) fn as_text(field: &Arc<Field>, column: &ArrayRef) -> Result<ArrayRef> {
    let options = EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(DecimalsAsText));
    let mut encoder = make_encoder(field, column.as_ref(), &options).map_err(|error| cannot("JSON", error))?;
    let mut text = |row: usize| {
        let mut bytes = Vec::new();
        encoder.encode(row, &mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let values: StringArray = (0..column.len()).map(|row| column.is_valid(row).then(|| text(row))).collect();
    Ok(Arc::new(values))
}

#[derive(Debug)]
struct DecimalsAsText;

impl EncoderFactory for DecimalsAsText {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        if !array.data_type().is_decimal() {
            return Ok(None);
        }
        let digits = ArrayFormatter::try_new(array, &FormatOptions::new().with_display_error(true))?;
        Ok(Some(NullableEncoder::new(Box::new(Quoted(digits)), array.nulls().cloned())))
    }
}

#[derive(Debug)]
struct DigitsAsText;

impl EncoderFactory for DigitsAsText {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let data_type = array.data_type();
        if !data_type.is_decimal() && !matches!(data_type, DataType::Int64 | DataType::UInt64) {
            return Ok(None);
        }
        let digits = ArrayFormatter::try_new(array, &FormatOptions::new().with_display_error(true))?;
        Ok(Some(NullableEncoder::new(Box::new(Quoted(digits)), array.nulls().cloned())))
    }
}

struct Quoted<'a>(ArrayFormatter<'a>);

impl Encoder for Quoted<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        write!(out, "\"{}\"", self.0.value(row)).expect("writing to memory does not fail");
    }
}
