//! Columns that grow value by value and can be cut back, because a record may turn out bad in its last byte.

use super::fields::Fields;
use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Date32Array, Decimal128Array, ListArray, NullBufferBuilder, PrimitiveArray,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Float32Type, Float64Type, Int32Type, Int64Type, UInt64Type};
use helios_contract::column::{ColumnType, TimeFormat};
use std::sync::Arc;

/// A column under construction.
pub(crate) struct Column {
    data_type: DataType,
    valid: NullBufferBuilder,
    pub values: Values,
}

/// The values of a column; one that is null takes a place here, too.
pub(crate) enum Values {
    Boolean(BooleanBufferBuilder),
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    UnsignedBigInt(Vec<u64>),
    Real(Vec<f32>),
    Double(Vec<f64>),
    Decimal { unscaled: Vec<i128>, precision: u8, scale: i8 },
    Text(Texts),
    Json(Texts),
    Timestamp(Vec<i64>, TimeFormat),
    Date(Vec<i32>),
    Struct(Fields),
    List { ends: Vec<i32>, item: Box<Column> },
}

/// Texts, one after the other.
pub(crate) struct Texts {
    /// All of them; a text is written here first, then ended.
    pub text: String,
    /// Where each text starts, and after the last, where it ends.
    ends: Vec<i32>,
}

impl Column {
    /// An empty column.
    pub fn new(column_type: &ColumnType) -> Column {
        let values = match column_type {
            ColumnType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            ColumnType::Int => Values::Int(Vec::new()),
            ColumnType::BigInt => Values::BigInt(Vec::new()),
            ColumnType::UnsignedBigInt => Values::UnsignedBigInt(Vec::new()),
            ColumnType::Real => Values::Real(Vec::new()),
            ColumnType::Double => Values::Double(Vec::new()),
            ColumnType::Decimal(precision, scale) => {
                Values::Decimal { unscaled: Vec::new(), precision: *precision, scale: *scale }
            }
            ColumnType::Text => Values::Text(Texts::new()),
            ColumnType::Json => Values::Json(Texts::new()),
            ColumnType::Timestamp(format) => Values::Timestamp(Vec::new(), *format),
            ColumnType::Date => Values::Date(Vec::new()),
            ColumnType::Struct(fields) => Values::Struct(Fields::new(fields)),
            ColumnType::List(item) => Values::List { ends: vec![0], item: Box::new(Column::new(item)) },
        };
        Column { data_type: column_type.arrow(), valid: NullBufferBuilder::new(0), values }
    }

    /// How many values it has, nulls included.
    #[inline]
    pub fn len(&self) -> usize {
        self.valid.len()
    }

    /// Says that one value was added to `values`.
    #[inline]
    pub fn value_added(&mut self) {
        self.valid.append_non_null();
    }

    /// Adds a null.
    pub fn push_null(&mut self) {
        match &mut self.values {
            Values::Boolean(values) => values.append(false),
            Values::Int(values) | Values::Date(values) => values.push(0),
            Values::BigInt(values) | Values::Timestamp(values, _) => values.push(0),
            Values::UnsignedBigInt(values) => values.push(0),
            Values::Real(values) => values.push(0.0),
            Values::Double(values) => values.push(0.0),
            Values::Decimal { unscaled, .. } => unscaled.push(0),
            Values::Text(values) | Values::Json(values) => values.end(),
            Values::Struct(fields) => fields.push_null(),
            Values::List { ends, item } => ends.push(list_end(item)),
        }
        self.valid.append_null();
    }

    /// Keeps the first `n` values, and forgets what a value that failed half-way left behind.
    pub fn truncate(&mut self, n: usize) {
        match &mut self.values {
            Values::Boolean(values) => values.truncate(n),
            Values::Int(values) | Values::Date(values) => values.truncate(n),
            Values::BigInt(values) | Values::Timestamp(values, _) => values.truncate(n),
            Values::UnsignedBigInt(values) => values.truncate(n),
            Values::Real(values) => values.truncate(n),
            Values::Double(values) => values.truncate(n),
            Values::Decimal { unscaled, .. } => unscaled.truncate(n),
            Values::Text(values) | Values::Json(values) => values.truncate(n),
            Values::Struct(fields) => fields.truncate(n),
            Values::List { ends, item } => {
                ends.truncate(n + 1);
                item.truncate(ends[n] as usize);
            }
        }
        self.valid.truncate(n);
    }

    /// Hands the values over and starts again, with room for as many.
    pub fn finish(&mut self) -> ArrayRef {
        let n_values = self.len();
        let nulls = self.valid.finish();
        match &mut self.values {
            Values::Boolean(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int(values) => primitive::<Int32Type>(values, nulls),
            Values::BigInt(values) => primitive::<Int64Type>(values, nulls),
            Values::UnsignedBigInt(values) => primitive::<UInt64Type>(values, nulls),
            Values::Real(values) => primitive::<Float32Type>(values, nulls),
            Values::Double(values) => primitive::<Float64Type>(values, nulls),
            Values::Date(values) => Arc::new(Date32Array::new(taken(values), nulls)),
            Values::Timestamp(values, _) => {
                Arc::new(TimestampMicrosecondArray::new(taken(values), nulls).with_data_type(self.data_type.clone()))
            }
            Values::Decimal { unscaled, .. } => {
                Arc::new(Decimal128Array::new(taken(unscaled), nulls).with_data_type(self.data_type.clone()))
            }
            Values::Text(values) | Values::Json(values) => Arc::new(values.finish(nulls)),
            Values::Struct(fields) => Arc::new(struct_array(&self.data_type, fields, n_values, nulls)),
            Values::List { ends, item } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(ends, vec![0])));
                Arc::new(ListArray::new(item_field(&self.data_type), offsets, item.finish(), nulls))
            }
        }
    }
}

impl Texts {
    fn new() -> Texts {
        Texts { text: String::new(), ends: vec![0] }
    }

    /// Ends the text that was appended to `text`.
    #[inline]
    pub fn end(&mut self) {
        self.ends.push(i32::try_from(self.text.len()).expect("the pipeline keeps chunks far below 2 GiB"));
    }

    fn truncate(&mut self, n: usize) {
        self.ends.truncate(n + 1);
        self.text.truncate(self.ends[n] as usize);
    }

    fn finish(&mut self, nulls: Option<NullBuffer>) -> StringArray {
        let (n_bytes, n_ends) = (self.text.len(), self.ends.len());
        let text = std::mem::replace(&mut self.text, String::with_capacity(n_bytes));
        let ends = std::mem::replace(&mut self.ends, Vec::with_capacity(n_ends));
        self.ends.push(0);
        StringArray::new(OffsetBuffer::new(ScalarBuffer::from(ends)), Buffer::from_vec(text.into_bytes()), nulls)
    }
}

/// Where a list ends whose last item was just added to `items`.
pub(crate) fn list_end(items: &Column) -> i32 {
    i32::try_from(items.len()).expect("the pipeline keeps chunks far below 2 GiB")
}

fn taken<T: arrow::datatypes::ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    let n_values = values.len();
    ScalarBuffer::from(std::mem::replace(values, Vec::with_capacity(n_values)))
}

fn primitive<T: ArrowPrimitiveType>(values: &mut Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(taken(values), nulls))
}

fn struct_array(data_type: &DataType, fields: &mut Fields, n_values: usize, nulls: Option<NullBuffer>) -> StructArray {
    let DataType::Struct(arrow_fields) = data_type else { unreachable!("structs have the Arrow type of structs") };
    StructArray::try_new_with_length(arrow_fields.clone(), fields.finish(), nulls, n_values)
        .expect("each field got one value for each struct")
}

fn item_field(data_type: &DataType) -> Arc<Field> {
    let DataType::List(field) = data_type else { unreachable!("lists have the Arrow type of lists") };
    Arc::clone(field)
}
