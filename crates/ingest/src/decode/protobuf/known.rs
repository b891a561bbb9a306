//! Messages that everybody uses, as the values they stand for.

use super::{object, value};
use crate::decode::misfit::Fit;
use crate::decode::shape::Shape;
use crate::decode::write::{self, Instant};
use prost_reflect::{DynamicMessage, Kind, ReflectMessage, Value};

/// The messages that stand for one value of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Timestamp,
    Duration,
    /// `StringValue` and the like: a value that may be missing.
    Wrapper,
    /// Any JSON: an object, a value or a list.
    Struct,
    Value,
    ListValue,
    /// `google.type.Date`
    Date,
    /// `confluent.type.Decimal`
    Decimal,
}

/// What a message stands for, by its full name.
pub(super) fn of(full_name: &str) -> Option<Known> {
    Some(match full_name {
        "google.protobuf.Timestamp" => Known::Timestamp,
        "google.protobuf.Duration" => Known::Duration,
        "google.protobuf.Struct" => Known::Struct,
        "google.protobuf.Value" => Known::Value,
        "google.protobuf.ListValue" => Known::ListValue,
        "google.type.Date" => Known::Date,
        "confluent.type.Decimal" => Known::Decimal,
        name => {
            let kind = name.strip_prefix("google.protobuf.")?.strip_suffix("Value")?;
            ["Bool", "Int32", "Int64", "UInt32", "UInt64", "Float", "Double", "String", "Bytes"]
                .contains(&kind)
                .then_some(Known::Wrapper)?
        }
    })
}

/// Writes a message inside another one.
pub(super) fn message(message: &DynamicMessage, shape: &Shape, out: &mut String, depth: usize) -> Fit {
    let Some(known) = of(message.descriptor().full_name()) else { return object(message, shape, out, depth) };
    write::check_depth(depth)?;
    write::check_size(out)?;
    match known {
        Known::Timestamp => {
            let instant = Instant::of_seconds(number(message, 1), number(message, 2));
            write::instant(out, instant, shape);
        }
        Known::Duration => {
            let duration = Instant::of_seconds(number(message, 1), number(message, 2));
            write::duration(out, duration, shape);
        }
        Known::Date => return date(message, shape, out, depth),
        Known::Decimal => {
            let unscaled = message.get_field_by_number(1);
            let unscaled = unscaled.as_deref().and_then(Value::as_bytes).map(|bytes| bytes.as_ref()).unwrap_or_default();
            let scale = usize::try_from(number(message, 3)).unwrap_or(usize::MAX);
            return write::decimal(out, unscaled, scale, shape);
        }
        Known::Wrapper | Known::Struct | Known::ListValue => return inner(message, 1, shape, out, depth),
        Known::Value => match message.fields().next() {
            // `null_value` is an enum of one symbol.
            Some((field, _)) if field.number() != 1 => return inner(message, field.number(), shape, out, depth),
            _ => out.push_str("null"),
        },
    }
    Ok(())
}

/// Writes a field instead of its message.
fn inner(message: &DynamicMessage, number: u32, shape: &Shape, out: &mut String, depth: usize) -> Fit {
    match (message.descriptor().get_field(number), message.get_field_by_number(number)) {
        (Some(field), Some(found)) => value(&found, &field.kind(), shape, out, depth),
        _ => object(message, shape, out, depth),
    }
}

fn date(message: &DynamicMessage, shape: &Shape, out: &mut String, depth: usize) -> Fit {
    let (year, month, day) = (number(message, 1), number(message, 2), number(message, 3));
    // A year alone, or a month without a year, is no date.
    if !(1..=9_999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return object(message, shape, out, depth);
    }
    write::text(out, &format!("{year:04}-{month:02}-{day:02}"));
    Ok(())
}

fn number(message: &DynamicMessage, field: u32) -> i64 {
    match message.get_field_by_number(field).as_deref() {
        Some(Value::I64(number)) => *number,
        Some(Value::I32(number)) => i64::from(*number),
        Some(Value::U32(number)) => i64::from(*number),
        _ => 0,
    }
}

/// The kind of the value in a wrapper.
pub(super) fn wrapped(message: &prost_reflect::MessageDescriptor) -> Option<Kind> {
    message.get_field(1).map(|field| field.kind())
}
