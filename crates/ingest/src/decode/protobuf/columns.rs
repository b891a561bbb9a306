//! The columns that take the messages of a schema.

use super::known::{self, Known};
use helios_contract::column::{Column, ColumnType, TimeFormat};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// One column for each field.
pub(super) fn of(message: &MessageDescriptor) -> Vec<Column> {
    fields(message, &mut vec![message.full_name().to_owned()])
}

/// The columns of a message inside the messages `within`.
fn fields(message: &MessageDescriptor, within: &mut Vec<String>) -> Vec<Column> {
    message.fields().map(|field| Column::new(field.name(), field_type(&field, within))).collect()
}

fn field_type(field: &FieldDescriptor, within: &mut Vec<String>) -> ColumnType {
    match () {
        () if field.is_map() => ColumnType::Json,
        () if field.is_list() => ColumnType::List(Box::new(column_type(&field.kind(), within))),
        () => column_type(&field.kind(), within),
    }
}

fn column_type(kind: &Kind, within: &mut Vec<String>) -> ColumnType {
    match kind {
        Kind::Bool => ColumnType::Boolean,
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => ColumnType::Int,
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint32 | Kind::Fixed32 => ColumnType::BigInt,
        Kind::Uint64 | Kind::Fixed64 => ColumnType::UnsignedBigInt,
        Kind::Float => ColumnType::Real,
        Kind::Double => ColumnType::Double,
        Kind::String | Kind::Bytes | Kind::Enum(_) => ColumnType::Text,
        Kind::Message(message) => message_type(message, within),
    }
}

fn message_type(message: &MessageDescriptor, within: &mut Vec<String>) -> ColumnType {
    match known::of(message.full_name()) {
        Some(Known::Timestamp) => ColumnType::Timestamp(TimeFormat::Rfc3339),
        Some(Known::Duration) => ColumnType::Text,
        Some(Known::Date) => ColumnType::Date,
        Some(Known::Wrapper) => known::wrapped(message).map_or(ColumnType::Json, |kind| column_type(&kind, within)),
        // A decimal of the type says neither digits nor scale: JSON keeps the number as it is.
        Some(Known::Struct | Known::Value | Known::ListValue | Known::Decimal) => ColumnType::Json,
        // A message without fields, or inside itself, has no type of its own.
        None if message.fields().len() == 0 || within.iter().any(|name| name == message.full_name()) => ColumnType::Json,
        None => {
            within.push(message.full_name().to_owned());
            let fields = fields(message, within);
            within.pop();
            ColumnType::Struct(fields)
        }
    }
}
