//! Arrow to a block.

use crate::types::Type;
use arrow::array::{Array, ArrayRef, AsArray, StructArray, UInt64Array, make_array};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use helios_contract::error::{Error, Result};

/// A column of a block: what it is called and what type its values are sent as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name.
    pub name: String,
    /// The type of the remote column.
    pub remote_type: Type,
}

/// One block of these columns.
///
/// # Errors
/// `Invalid` naming the column whose values do not fit its type.
pub fn encode(columns: &[(Target, ArrayRef)]) -> Result<Vec<u8>> {
    let n_rows = columns.first().map_or(0, |(_, values)| values.len());
    let n_bytes: usize = columns.iter().map(|(_, values)| values.get_array_memory_size()).sum();
    let mut out = Vec::with_capacity(n_bytes + n_bytes / 8 + 1024);
    put_length(columns.len(), &mut out);
    put_length(n_rows, &mut out);
    for (target, values) in columns {
        let sent = target.remote_type.plain();
        put_text(&target.name, &mut out);
        put_text(&sent.to_string(), &mut out);
        column(values, &sent, &mut out).map_err(|error| error.context(format!("column {}", target.name)))?;
    }
    Ok(out)
}

fn column(values: &ArrayRef, sent: &Type, out: &mut Vec<u8>) -> Result<()> {
    if let Type::Nullable(inner) = sent {
        match values.nulls() {
            None => out.resize(out.len() + values.len(), 0),
            Some(nulls) => out.extend(nulls.iter().map(|valid| u8::from(!valid))),
        }
        return bare(values, inner, out);
    }
    if values.null_count() > 0 && !matches!(sent, Type::Array(_) | Type::Tuple(_)) {
        return Err(Error::invalid(format!(
            "{} of {} values are NULL, which {sent} does not take",
            values.null_count(),
            values.len()
        )));
    }
    bare(values, sent, out)
}

/// The values without their nulls; what stands in the place of a null does not matter.
fn bare(values: &ArrayRef, sent: &Type, out: &mut Vec<u8>) -> Result<()> {
    match sent {
        Type::Bool | Type::UInt(8) => {
            let values = as_type(values, &DataType::Boolean)?;
            out.extend(values.as_boolean().values().iter().map(u8::from));
        }
        Type::Int(32) => {
            let values = as_type(values, &DataType::Int32)?;
            values.as_primitive::<Int32Type>().values().iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        Type::Int(64) => {
            let values = as_type(values, &DataType::Int64)?;
            values.as_primitive::<Int64Type>().values().iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        Type::UInt(64) => {
            let values = as_type(values, &DataType::UInt64)?;
            values.as_primitive::<UInt64Type>().values().iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        Type::Float32 => {
            let values = as_type(values, &DataType::Float32)?;
            values.as_primitive::<Float32Type>().values().iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        Type::Float64 => {
            let values = as_type(values, &DataType::Float64)?;
            values.as_primitive::<Float64Type>().values().iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        Type::Decimal(precision, scale) => decimals(values, *precision, *scale, out)?,
        Type::String | Type::Json => strings(values, out)?,
        Type::Date32 => {
            let values = as_type(values, &DataType::Date32)?;
            values.as_primitive::<Date32Type>().values().iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
        }
        Type::DateTime64(scale @ 6..=9, _) => moments(values, 10_i64.pow(u32::from(*scale) - 6), out)?,
        Type::Array(item) => lists(values, item, out)?,
        Type::Tuple(fields) => tuples(values, fields, out)?,
        other => return Err(Error::invalid(format!("values of {} cannot be sent as {other}", values.data_type()))),
    }
    Ok(())
}

fn as_type(values: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if values.data_type() == wanted {
        return Ok(values.clone());
    }
    let unfit = |why| Error::invalid(format!("values of {} do not fit {wanted}", values.data_type())).because(why);
    cast(values, wanted).map_err(unfit)
}

fn decimals(values: &ArrayRef, precision: u8, scale: i8, out: &mut Vec<u8>) -> Result<()> {
    let values = as_type(values, &DataType::Decimal128(precision, scale))?;
    let values = values.as_primitive::<Decimal128Type>().values();
    // Of numbers that fit, the low bytes are the number.
    let n_bytes = match precision {
        0..=9 => 4,
        10..=18 => 8,
        _ => 16,
    };
    values.iter().for_each(|value| out.extend_from_slice(&value.to_le_bytes()[..n_bytes]));
    Ok(())
}

fn strings(values: &ArrayRef, out: &mut Vec<u8>) -> Result<()> {
    let values = as_type(values, &DataType::Utf8)?;
    let values = values.as_string::<i32>();
    let (offsets, bytes) = (values.value_offsets(), values.value_data());
    for (i, range) in offsets.windows(2).enumerate() {
        let text = if values.is_null(i) { &[][..] } else { &bytes[range[0] as usize..range[1] as usize] };
        put_length(text.len(), out);
        out.extend_from_slice(text);
    }
    Ok(())
}

fn moments(values: &ArrayRef, factor: i64, out: &mut Vec<u8>) -> Result<()> {
    let values = as_type(values, &helios_contract::column::timestamp_type())?;
    for value in values.as_primitive::<TimestampMicrosecondType>().values() {
        let ticks = value.checked_mul(factor);
        let ticks = ticks.ok_or_else(|| Error::invalid(format!("the moment {value} is too far away for the remote type")))?;
        out.extend_from_slice(&ticks.to_le_bytes());
    }
    Ok(())
}

fn lists(values: &ArrayRef, item: &Type, out: &mut Vec<u8>) -> Result<()> {
    let Some(lists) = values.as_list_opt::<i32>() else {
        return Err(Error::invalid(format!("values of {} cannot be sent as Array({item})", values.data_type())));
    };
    let mut taken: Vec<u64> = Vec::with_capacity(lists.values().len());
    for (i, range) in lists.value_offsets().windows(2).enumerate() {
        if lists.is_valid(i) {
            taken.extend(range[0] as u64..range[1] as u64);
        }
        out.extend_from_slice(&(taken.len() as u64).to_le_bytes());
    }
    let broken = |cause| Error::internal("cannot take the items of a list").because(cause);
    let items = take(lists.values(), &UInt64Array::from(taken), None).map_err(broken)?;
    column(&items, item, out)
}

fn tuples(values: &ArrayRef, fields: &[(Option<String>, Type)], out: &mut Vec<u8>) -> Result<()> {
    let Some(structs) = values.as_struct_opt() else {
        return Err(Error::invalid(format!("values of {} cannot be sent as a tuple", values.data_type())));
    };
    for (i, (name, field)) in fields.iter().enumerate() {
        let name = name.as_deref().unwrap_or_default();
        let found = structs.column_by_name(name);
        let found =
            found.ok_or_else(|| Error::invalid(format!("the object has no field {name} (the {}. of the tuple)", i + 1)))?;
        column(&within(structs, found)?, field, out).map_err(|error| error.context(format!("field {name}")))?;
    }
    Ok(())
}

/// A field's values, null where the object is.
fn within(structs: &StructArray, field: &ArrayRef) -> Result<ArrayRef> {
    if structs.null_count() == 0 {
        return Ok(field.clone());
    }
    let nulls = NullBuffer::union(structs.nulls(), field.nulls());
    let built = field.to_data().into_builder().nulls(nulls).build();
    built.map(make_array).map_err(|cause| Error::internal("cannot read the fields of an object").because(cause))
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Seven bits a byte, the lowest first.
fn put_length(length: usize, out: &mut Vec<u8>) {
    let mut left = length;
    while left >= 0x80 {
        out.push((left as u8) | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}
