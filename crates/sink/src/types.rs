//! ClickHouse's types: read from its words, written back, and what their values become here.

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use helios_contract::column::timestamp_type;
use std::fmt;
use std::sync::Arc;

/// A type of ClickHouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `Bool`
    Bool,
    /// `Int8` to `Int64`, by its bits.
    Int(u8),
    /// `UInt8` to `UInt64`, by its bits.
    UInt(u8),
    /// `Float32`
    Float32,
    /// `Float64`
    Float64,
    /// `Decimal(P, S)` of up to 38 digits.
    Decimal(u8, i8),
    /// `String`
    String,
    /// `FixedString(N)`
    FixedString(usize),
    /// `Date`: days in 16 bits.
    Date,
    /// `Date32`
    Date32,
    /// `DateTime`: seconds, with the zone it is shown in.
    DateTime(Option<String>),
    /// `DateTime64(P)`, with the zone it is shown in.
    DateTime64(u8, Option<String>),
    /// `UUID`
    Uuid,
    /// `IPv4`
    Ipv4,
    /// `IPv6`
    Ipv6,
    /// `Enum8` or `Enum16`, by its bits: numbers and their names.
    Enum(u8, Vec<(i16, String)>),
    /// `JSON`, asked for as text.
    Json,
    /// `Nullable(T)`
    Nullable(Box<Type>),
    /// `LowCardinality(T)`
    LowCardinality(Box<Type>),
    /// `Array(T)`
    Array(Box<Type>),
    /// `Tuple(name T, ...)`
    Tuple(Vec<(Option<String>, Type)>),
    /// `Map(K, V)`
    Map(Box<Type>, Box<Type>),
    /// `Nothing`: the type of `NULL`.
    Nothing,
}

impl Type {
    /// Reads a type; `None` for those we have no use for.
    pub fn parse(text: &str) -> Option<Type> {
        let mut rest = text.trim();
        let found = read(&mut rest, 0)?;
        rest.is_empty().then_some(found)
    }

    /// The same type where nothing is nullable at its top.
    pub fn inner(&self) -> &Type {
        match self {
            Type::Nullable(inner) | Type::LowCardinality(inner) => inner.inner(),
            other => other,
        }
    }

    /// Whether it takes `NULL`.
    pub fn is_nullable(&self) -> bool {
        match self {
            Type::Nullable(_) => true,
            Type::LowCardinality(inner) => inner.is_nullable(),
            _ => false,
        }
    }

    /// The type without dictionaries, as its values are sent.
    #[must_use]
    pub fn plain(&self) -> Type {
        match self {
            Type::LowCardinality(inner) => inner.plain(),
            Type::Nullable(inner) => Type::Nullable(Box::new(inner.plain())),
            Type::Array(inner) => Type::Array(Box::new(inner.plain())),
            Type::Map(key, value) => Type::Map(Box::new(key.plain()), Box::new(value.plain())),
            Type::Tuple(fields) => Type::Tuple(fields.iter().map(|(name, field)| (name.clone(), field.plain())).collect()),
            other => other.clone(),
        }
    }

    /// What its values become; every integer is of 32 or 64 bits, as Helios' own are.
    pub fn arrow(&self) -> DataType {
        match self {
            Type::Bool => DataType::Boolean,
            Type::Int(64) | Type::UInt(32) => DataType::Int64,
            Type::UInt(64) => DataType::UInt64,
            Type::Int(_) | Type::UInt(_) => DataType::Int32,
            Type::Float32 => DataType::Float32,
            Type::Float64 => DataType::Float64,
            Type::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Type::String | Type::FixedString(_) | Type::Uuid | Type::Ipv4 | Type::Ipv6 | Type::Enum(..) | Type::Json => {
                DataType::Utf8
            }
            Type::Date | Type::Date32 => DataType::Date32,
            Type::DateTime64(scale, _) if *scale > 6 => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Type::DateTime(_) | Type::DateTime64(..) => timestamp_type(),
            Type::Nullable(inner) | Type::LowCardinality(inner) => inner.arrow(),
            Type::Array(item) => DataType::List(Arc::new(Field::new("item", item.arrow(), true))),
            Type::Tuple(fields) => DataType::Struct(tuple_fields(fields)),
            Type::Map(key, value) => {
                DataType::List(Arc::new(Field::new("item", DataType::Struct(entry_fields(key, value)), true)))
            }
            Type::Nothing => DataType::Null,
        }
    }
}

/// The fields of a tuple; those without a name are called `1`, `2` and so on, as ClickHouse does.
pub(crate) fn tuple_fields(fields: &[(Option<String>, Type)]) -> Fields {
    let field = |(i, (name, field)): (usize, &(Option<String>, Type))| {
        Field::new(name.clone().unwrap_or_else(|| (i + 1).to_string()), field.arrow(), true)
    };
    fields.iter().enumerate().map(field).collect()
}

/// The fields of an entry of a map.
pub(crate) fn entry_fields(key: &Type, value: &Type) -> Fields {
    Fields::from(vec![Field::new("key", key.arrow(), true), Field::new("value", value.arrow(), true)])
}

/// As ClickHouse writes it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone =
            |zone: &Option<String>, before: &str| zone.as_ref().map(|z| format!("{before}{}", text(z))).unwrap_or_default();
        match self {
            Type::Bool => f.write_str("Bool"),
            Type::Int(bits) => write!(f, "Int{bits}"),
            Type::UInt(bits) => write!(f, "UInt{bits}"),
            Type::Float32 => f.write_str("Float32"),
            Type::Float64 => f.write_str("Float64"),
            Type::Decimal(precision, scale) => write!(f, "Decimal({precision}, {scale})"),
            Type::String => f.write_str("String"),
            Type::FixedString(n) => write!(f, "FixedString({n})"),
            Type::Date => f.write_str("Date"),
            Type::Date32 => f.write_str("Date32"),
            Type::DateTime(None) => f.write_str("DateTime"),
            Type::DateTime(at) => write!(f, "DateTime({})", zone(at, "")),
            Type::DateTime64(scale, at) => write!(f, "DateTime64({scale}{})", zone(at, ", ")),
            Type::Uuid => f.write_str("UUID"),
            Type::Ipv4 => f.write_str("IPv4"),
            Type::Ipv6 => f.write_str("IPv6"),
            Type::Enum(bits, names) => {
                let names: Vec<String> = names.iter().map(|(number, name)| format!("{} = {number}", text(name))).collect();
                write!(f, "Enum{bits}({})", names.join(", "))
            }
            Type::Json => f.write_str("JSON"),
            Type::Nullable(inner) => write!(f, "Nullable({inner})"),
            Type::LowCardinality(inner) => write!(f, "LowCardinality({inner})"),
            Type::Array(item) => write!(f, "Array({item})"),
            Type::Tuple(fields) => {
                let field = |(name, field): &(Option<String>, Type)| match name {
                    Some(name) => format!("{} {field}", quoted(name)),
                    None => field.to_string(),
                };
                write!(f, "Tuple({})", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
            Type::Map(key, value) => write!(f, "Map({key}, {value})"),
            Type::Nothing => f.write_str("Nothing"),
        }
    }
}

/// A name as ClickHouse reads it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// A text as ClickHouse reads it.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// How deep types may nest.
const DEPTH_MAX: usize = 32;

fn read(rest: &mut &str, depth: usize) -> Option<Type> {
    if depth > DEPTH_MAX {
        return None;
    }
    let name = word(rest)?;
    let nested = |rest: &mut &str| {
        take(rest, "(")?;
        let inner = read(rest, depth + 1)?;
        take(rest, ")").map(|()| Box::new(inner))
    };
    Some(match name.as_str() {
        "Bool" => Type::Bool,
        "Int8" | "Int16" | "Int32" | "Int64" => Type::Int(name[3..].parse().ok()?),
        "UInt8" | "UInt16" | "UInt32" | "UInt64" => Type::UInt(name[4..].parse().ok()?),
        "Float32" => Type::Float32,
        "Float64" => Type::Float64,
        "String" => Type::String,
        "Date" => Type::Date,
        "Date32" => Type::Date32,
        "UUID" => Type::Uuid,
        "IPv4" => Type::Ipv4,
        "IPv6" => Type::Ipv6,
        "Nothing" => Type::Nothing,
        "JSON" => {
            if rest.starts_with('(') {
                skip_brackets(rest)?;
            }
            Type::Json
        }
        "Nullable" => Type::Nullable(nested(rest)?),
        "LowCardinality" => Type::LowCardinality(nested(rest)?),
        "Array" => Type::Array(nested(rest)?),
        "FixedString" => Type::FixedString(usize::try_from(*numbers(rest)?.first()?).ok()?),
        "Decimal" => match numbers(rest)?[..] {
            [precision, scale] if precision <= 38 => Type::Decimal(u8::try_from(precision).ok()?, i8::try_from(scale).ok()?),
            _ => return None,
        },
        "DateTime" => Type::DateTime(if take(rest, "(").is_some() { Some(close(rest, literal)?) } else { None }),
        "DateTime64" => date_time64(rest)?,
        "Enum8" | "Enum16" => Type::Enum(name[4..].parse().ok()?, enumeration(rest)?),
        "Tuple" => tuple(rest, depth)?,
        "Map" => {
            take(rest, "(")?;
            let key = read(rest, depth + 1)?;
            take(rest, ",")?;
            let value = read(rest, depth + 1)?;
            take(rest, ")")?;
            Type::Map(Box::new(key), Box::new(value))
        }
        // An aggregate that is a plain value of its last argument's type.
        "SimpleAggregateFunction" => {
            take(rest, "(")?;
            word(rest)?;
            take(rest, ",")?;
            let inner = read(rest, depth + 1)?;
            take(rest, ")")?;
            inner
        }
        _ => return None,
    })
}

fn date_time64(rest: &mut &str) -> Option<Type> {
    take(rest, "(")?;
    let scale = number(rest)?;
    let zone = if take(rest, ",").is_some() { Some(literal(rest)?) } else { None };
    take(rest, ")")?;
    Some(Type::DateTime64(u8::try_from(scale).ok().filter(|scale| *scale <= 9)?, zone))
}

fn enumeration(rest: &mut &str) -> Option<Vec<(i16, String)>> {
    take(rest, "(")?;
    let mut names = Vec::new();
    loop {
        let name = literal(rest)?;
        take(rest, "=")?;
        names.push((i16::try_from(number(rest)?).ok()?, name));
        if take(rest, ",").is_none() {
            take(rest, ")")?;
            return Some(names);
        }
    }
}

fn tuple(rest: &mut &str, depth: usize) -> Option<Type> {
    take(rest, "(")?;
    let mut fields = Vec::new();
    loop {
        let before = *rest;
        // `name Type` or `Type`: a name is followed by another word.
        let name = word(rest).filter(|_| !rest.starts_with(['(', ',', ')']));
        if name.is_none() {
            *rest = before;
        }
        fields.push((name, read(rest, depth + 1)?));
        if take(rest, ",").is_none() {
            take(rest, ")")?;
            return Some(Type::Tuple(fields));
        }
    }
}

fn close<T>(rest: &mut &str, inside: impl Fn(&mut &str) -> Option<T>) -> Option<T> {
    let found = inside(rest)?;
    take(rest, ")").map(|()| found)
}

fn take(rest: &mut &str, token: &str) -> Option<()> {
    *rest = rest.trim_start().strip_prefix(token)?.trim_start();
    Some(())
}

fn word(rest: &mut &str) -> Option<String> {
    if let Some(inside) = rest.strip_prefix('`') {
        return escaped(rest, inside, '`');
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (found, after) = rest.split_at(end);
    *rest = after.trim_start();
    (!found.is_empty()).then(|| found.to_owned())
}

fn literal(rest: &mut &str) -> Option<String> {
    let inside = rest.trim_start().strip_prefix('\'')?;
    escaped(rest, inside, '\'')
}

/// The text up to `end`, which a backslash or itself may escape.
fn escaped<'a>(rest: &mut &'a str, inside: &'a str, end: char) -> Option<String> {
    let mut found = String::new();
    let mut chars = inside.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => found.push(chars.next()?.1),
            c if c == end && inside[i + c.len_utf8()..].starts_with(end) => found.push(chars.next()?.1),
            c if c == end => {
                *rest = inside[i + c.len_utf8()..].trim_start();
                return Some(found);
            }
            c => found.push(c),
        }
    }
    None
}

fn number(rest: &mut &str) -> Option<i64> {
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    *rest = after.trim_start();
    digits.parse().ok()
}

fn numbers(rest: &mut &str) -> Option<Vec<i64>> {
    take(rest, "(")?;
    let mut found = vec![number(rest)?];
    while take(rest, ",").is_some() {
        found.push(number(rest)?);
    }
    take(rest, ")").map(|()| found)
}

fn skip_brackets(rest: &mut &str) -> Option<()> {
    let mut depth = 0_usize;
    for (i, c) in rest.char_indices() {
        depth = match c {
            '(' => depth + 1,
            ')' => depth.checked_sub(1)?,
            _ => depth,
        };
        if depth == 0 {
            *rest = rest[i + 1..].trim_start();
            return Some(());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_back_as_they_are_written() {
        for text in [
            "Nullable(Decimal(18, 3))",
            "LowCardinality(Nullable(String))",
            "Array(Tuple(`a` Int32, `b c` Array(Nullable(String))))",
            "Tuple(UInt8, DateTime64(6, 'UTC'), DateTime)",
            "Map(String, Array(Float64))",
            "Enum8('it\\'s' = -1, 'b' = 2)",
            "FixedString(16)",
            "DateTime('Europe/Amsterdam')",
        ] {
            assert_eq!(Type::parse(text).map(|found| found.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_type() {
        for text in ["AggregateFunction(sum, Int64)", "Int256", "Decimal(76, 2)", "Nullable(", "Array(Int32) x", ""] {
            assert_eq!(Type::parse(text), None, "{text}");
        }
        assert_eq!(Type::parse("SimpleAggregateFunction(sum, Int64)"), Some(Type::Int(64)));
        assert_eq!(Type::parse("JSON(max_dynamic_paths=8, a.b UInt32)"), Some(Type::Json));
    }
}
