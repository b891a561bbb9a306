//! MessagePack records as JSON text.

use super::misfit::{Fit, Misfit};
use super::shape::Shape;
use super::write::{self, Instant};
use rmpv::Value;
use rmpv::decode::{Error, read_value_with_max_depth};
use std::borrow::Cow;

/// The type of the extension that holds a moment.
const TIMESTAMP: i8 = -1;

/// The library counts a list and its items as levels of their own.
const LIBRARY_DEPTH_MAX: usize = 3 * write::DEPTH_MAX;

/// Writes the record as JSON to `out`.
pub(crate) fn write(payload: &[u8], shape: &Shape, out: &mut String) -> Fit {
    if payload.is_empty() {
        return Err(Misfit::whole("empty record"));
    }
    let mut rest = payload;
    let record = read_value_with_max_depth(&mut rest, LIBRARY_DEPTH_MAX).map_err(|e| match e {
        Error::InvalidMarkerRead(_) | Error::InvalidDataRead(_) => Misfit::whole("invalid MessagePack: the record breaks off"),
        Error::DepthLimitExceeded => Misfit::whole(format!("nested deeper than {} levels", write::DEPTH_MAX)),
    })?;
    match rest.len() {
        0 => value(&record, shape, out, 0),
        n => Err(Misfit::whole(format!("invalid MessagePack: {n} bytes follow the record"))),
    }
}

fn value(value: &Value, shape: &Shape, out: &mut String, depth: usize) -> Fit {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Boolean(value) => write::number(out, value),
        Value::Integer(value) => write::number(out, value),
        Value::F32(value) => write::float(out, *value),
        Value::F64(value) => write::double(out, *value),
        Value::String(value) => match value.as_str() {
            Some(value) => write::text(out, value),
            None => return Err(not_utf8()),
        },
        Value::Binary(value) => write::bytes(out, value),
        Value::Ext(TIMESTAMP, bytes) => match moment(bytes) {
            Some(moment) => write::instant(out, moment, shape),
            None => return Err(Misfit::value("invalid MessagePack: a timestamp of an unknown form")),
        },
        Value::Ext(number, bytes) => {
            out.push_str("{\"type\":");
            write::number(out, number);
            out.push_str(",\"data\":");
            write::bytes(out, bytes);
            out.push('}');
        }
        Value::Array(items) => {
            write::check_depth(depth + 1)?;
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                self::value(item, shape.item(), out, depth + 1).map_err(|misfit| misfit.in_item(i))?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            write::check_depth(depth + 1)?;
            out.push('{');
            for (i, (key, entry)) in entries.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                let key = text_of(key)?;
                write::text(out, &key);
                out.push(':');
                self::value(entry, shape.field(&key), out, depth + 1).map_err(|misfit| misfit.in_field(&key))?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// The name of a field: text, or a number as text.
fn text_of(key: &Value) -> Fit<Cow<'_, str>> {
    match key {
        Value::String(key) => key.as_str().map(Cow::Borrowed).ok_or_else(not_utf8),
        Value::Integer(key) => Ok(Cow::Owned(key.to_string())),
        _ => Err(Misfit::value("invalid MessagePack: a field's name is neither text nor a whole number")),
    }
}

/// Seconds in 32 bits; nanoseconds in 30 bits and seconds in 34; or nanoseconds in 32 bits and seconds in 64.
fn moment(bytes: &[u8]) -> Option<Instant> {
    if let Ok(seconds) = <[u8; 4]>::try_from(bytes) {
        return Some(Instant::of_seconds(i64::from(u32::from_be_bytes(seconds)), 0));
    }
    if let Ok(both) = <[u8; 8]>::try_from(bytes) {
        let both = u64::from_be_bytes(both);
        return Some(Instant::of_seconds((both & 0x3_ffff_ffff) as i64, (both >> 34) as i64));
    }
    let (nanos, seconds) = bytes.split_first_chunk::<4>()?;
    let seconds = <[u8; 8]>::try_from(seconds).ok()?;
    Some(Instant::of_seconds(i64::from_be_bytes(seconds), i64::from(u32::from_be_bytes(*nanos))))
}

fn not_utf8() -> Box<Misfit> {
    Misfit::value("invalid UTF-8 in a text")
}
