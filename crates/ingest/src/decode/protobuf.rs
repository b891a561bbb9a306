//! Protobuf messages, read by the schema they were written with, as JSON text.
//!
//! Fields have the names of the schema. A field that cannot say whether it was set has its default where it was not; one that
//! can is left out. Fields that the schema does not know stand under their numbers, so that they end in `_rest`.

mod columns;
mod compile;
mod known;

use super::misfit::{Fit, Misfit};
use super::shape::Shape;
use super::write;
use helios_contract::column::Column;
use helios_contract::decode::RegisteredSchema;
use prost_reflect::prost::encoding::{WireType, decode_varint};
use prost_reflect::{DynamicMessage, FileDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, UnknownField, Value};
use std::collections::BTreeMap;

/// A schema, made ready to read messages with.
pub(crate) struct Protobuf {
    file: FileDescriptor,
    /// The message of records that do not name theirs.
    message: Option<MessageDescriptor>,
}

/// Messages inside messages, as the schema of a record may name them.
const N_INDEXES_MAX: i64 = 32;

impl Protobuf {
    /// Reads a schema; `message` is the full name of the message of records that do not name theirs.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(schema: &RegisteredSchema, message: Option<&str>) -> Result<Protobuf, String> {
        if schema.language != "PROTOBUF" {
            return Err(format!("it is written in {}", schema.language));
        }
        let file = compile::file(schema)?;
        let message = compile::message(&file, message)?;
        Ok(Protobuf { file, message })
    }

    /// Writes the message as JSON to `out`.
    pub fn write(&self, payload: &[u8], shape: &Shape, out: &mut String) -> Fit {
        match &self.message {
            _ if payload.is_empty() => Err(Misfit::whole("empty record")),
            Some(message) => write_message(message, payload, shape, out),
            None => Err(Misfit::whole("the schema has no message")),
        }
    }

    /// The same for a record that begins with the place of its message in the schema.
    pub fn write_indexed(&self, payload: &[u8], shape: &Shape, out: &mut String) -> Fit {
        let mut rest = payload;
        let message = self.indexed(&mut rest)?;
        write_message(&message, rest, shape, out)
    }

    /// The columns that take every message of this schema without loss.
    pub fn columns(&self) -> Option<Vec<Column>> {
        self.message.as_ref().map(columns::of)
    }

    /// Reads which message of the schema, and which inside that one, a record is.
    fn indexed(&self, payload: &mut &[u8]) -> Fit<MessageDescriptor> {
        let missing = || Misfit::whole("the record names a message that its schema does not have");
        let n_indexes = zigzag(payload)?;
        if !(0..=N_INDEXES_MAX).contains(&n_indexes) {
            return Err(missing());
        }
        // No index at all stands for the first message.
        let first = if n_indexes == 0 { 0 } else { zigzag(payload)? };
        let nth = |index: i64| usize::try_from(index).map_err(|_| missing());
        let mut message = self.file.messages().nth(nth(first)?).ok_or_else(missing)?;
        for _ in 1..n_indexes {
            let index = nth(zigzag(payload)?)?;
            let child = message.child_messages().nth(index).ok_or_else(missing)?;
            message = child;
        }
        Ok(message)
    }
}

fn write_message(message: &MessageDescriptor, payload: &[u8], shape: &Shape, out: &mut String) -> Fit {
    let read = DynamicMessage::decode(message.clone(), payload).map_err(|e| {
        let reason = e.to_string();
        let reason = reason.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&reason);
        // The library cannot tell a number that breaks off from one that is too long.
        let is_broken =
            ["buffer underflow", "unexpected end of buffer", "invalid varint"].iter().any(|word| reason.contains(word));
        match is_broken {
            true => broken_off(),
            false => Misfit::whole(format!("invalid Protobuf: {reason}")),
        }
    })?;
    object(&read, shape, out, 1)
}

/// Writes a message that is no well-known one.
fn object(message: &DynamicMessage, shape: &Shape, out: &mut String, depth: usize) -> Fit {
    write::check_depth(depth)?;
    write::check_size(out)?;
    out.push('{');
    let mut is_first = true;
    for field in message.descriptor().fields() {
        let has_default = field.field_descriptor_proto().default_value.is_some();
        if field.supports_presence() && !message.has_field(&field) && !has_default {
            continue;
        }
        out.push_str(if is_first { "" } else { "," });
        is_first = false;
        write::text(out, field.name());
        out.push(':');
        let shape = shape.field(field.name());
        value(&message.get_field(&field), &field.kind(), shape, out, depth).map_err(|misfit| misfit.in_field(field.name()))?;
    }
    unknown(message.unknown_fields(), is_first, out);
    out.push('}');
    Ok(())
}

fn value(value: &Value, kind: &Kind, shape: &Shape, out: &mut String, depth: usize) -> Fit {
    match value {
        Value::Bool(value) => write::number(out, value),
        Value::I32(value) => write::number(out, value),
        Value::I64(value) => write::number(out, value),
        Value::U32(value) => write::number(out, value),
        Value::U64(value) => write::number(out, value),
        Value::F32(value) => write::float(out, *value),
        Value::F64(value) => write::double(out, *value),
        Value::String(value) => write::text(out, value),
        Value::Bytes(value) => write::bytes(out, value),
        Value::EnumNumber(number) => match kind.as_enum().and_then(|kind| kind.get_value(*number)) {
            Some(name) if *shape != Shape::Number => write::text(out, name.name()),
            // A number that the schema has no name for is kept as it is.
            Some(_) | None => write::number(out, number),
        },
        Value::Message(message) => return known::message(message, shape, out, depth + 1),
        Value::List(items) => {
            write::check_depth(depth + 1)?;
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                self::value(item, kind, shape.item(), out, depth + 1).map_err(|misfit| misfit.in_item(i))?;
            }
            out.push(']');
        }
        Value::Map(entries) => {
            write::check_depth(depth + 1)?;
            let kind = kind.as_message().map(|entry| entry.map_entry_value_field().kind());
            let kind = kind.unwrap_or(Kind::String);
            // In order, so that the same record always gives the same text.
            let entries: BTreeMap<&MapKey, &Value> = entries.iter().collect();
            out.push('{');
            for (i, (key, entry)) in entries.into_iter().enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                let key = text_of(key);
                write::text(out, &key);
                out.push(':');
                self::value(entry, &kind, shape.field(&key), out, depth + 1).map_err(|misfit| misfit.in_field(&key))?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn text_of(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

/// Writes fields that the schema does not know under their numbers; one that is repeated as a list.
fn unknown<'a>(fields: impl Iterator<Item = &'a UnknownField>, mut is_first: bool, out: &mut String) {
    let mut by_number: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for field in fields {
        by_number.entry(field.number()).or_default().push(unknown_value(field));
    }
    for (number, values) in by_number {
        out.push_str(if is_first { "" } else { "," });
        is_first = false;
        write::text(out, &number.to_string());
        out.push(':');
        match values.as_slice() {
            [only] => out.push_str(only),
            many => out.extend(["[", &many.join(","), "]"]),
        }
    }
}

/// Numbers as they are, without a sign; everything else as base64.
fn unknown_value(field: &UnknownField) -> String {
    let mut encoded = Vec::new();
    field.encode(&mut encoded);
    let mut rest = encoded.as_slice();
    let mut out = String::new();
    // The field's own number comes first.
    let has_key = decode_varint(&mut rest).is_ok();
    match field.wire_type() {
        WireType::Varint if has_key => write::number(&mut out, decode_varint(&mut rest).unwrap_or_default()),
        WireType::SixtyFourBit | WireType::ThirtyTwoBit if has_key => {
            let mut wide = [0; 8];
            wide[..rest.len()].copy_from_slice(rest);
            write::number(&mut out, u64::from_le_bytes(wide));
        }
        WireType::LengthDelimited if has_key => {
            let _length = decode_varint(&mut rest);
            write::bytes(&mut out, rest);
        }
        _ => write::bytes(&mut out, &encoded),
    }
    out
}

/// Records that break off are one reason, wherever they break off: in quarantine they belong together.
#[cold]
fn broken_off() -> Box<Misfit> {
    Misfit::whole("invalid Protobuf: the record breaks off or is damaged")
}

fn zigzag(payload: &mut &[u8]) -> Fit<i64> {
    let number = decode_varint(payload).map_err(|_| broken_off())?;
    Ok((number >> 1) as i64 ^ -((number & 1) as i64))
}
