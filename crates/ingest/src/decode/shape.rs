//! What the columns want of a value: formats that know instants, dates and decimals write them the way the column reads them.

use helios_contract::column::{Column, ColumnType, TimeFormat};
use std::collections::HashMap;

/// The wish of a column, of its fields or of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    /// There is no column, or it takes any JSON.
    Any,
    Number,
    Text,
    /// A timestamp column that reads numbers.
    Epoch(TimeFormat),
    Object(HashMap<String, Shape>),
    List(Box<Shape>),
}

/// The wish of nobody.
const ANY: &Shape = &Shape::Any;

impl Shape {
    /// The wishes of a record's columns.
    pub fn of(columns: &[Column]) -> Shape {
        Shape::Object(columns.iter().map(|column| (column.name.clone(), Shape::of_type(&column.data_type))).collect())
    }

    fn of_type(column_type: &ColumnType) -> Shape {
        match column_type {
            ColumnType::Int
            | ColumnType::BigInt
            | ColumnType::UnsignedBigInt
            | ColumnType::Real
            | ColumnType::Double
            | ColumnType::Decimal(..) => Shape::Number,
            ColumnType::Text => Shape::Text,
            ColumnType::Timestamp(TimeFormat::Rfc3339) | ColumnType::Boolean | ColumnType::Date | ColumnType::Json => Shape::Any,
            ColumnType::Timestamp(format) => Shape::Epoch(*format),
            ColumnType::Struct(fields) => Shape::of(fields),
            ColumnType::List(item) => Shape::List(Box::new(Shape::of_type(item))),
        }
    }

    /// The wish for a field of this object.
    pub fn field(&self, name: &str) -> &Shape {
        match self {
            Shape::Object(fields) => fields.get(name).unwrap_or(ANY),
            _ => ANY,
        }
    }

    /// The wish for the items of this list.
    pub fn item(&self) -> &Shape {
        match self {
            Shape::List(item) => item,
            _ => ANY,
        }
    }
}
