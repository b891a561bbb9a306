//! Avro records, read by the schema they were written with, as JSON text.
//!
//! The library reads schemas; the records are read here: every length is held against what is there, nesting is bounded, and
//! nothing is built in between, which the library's reader of values does not give.

mod body;
mod compile;

use super::misfit::{Fit, Misfit};
use super::shape::Shape;
use super::write::{self, Instant};
use apache_avro::Schema;
use apache_avro::rabin::Rabin;
use body::Body;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::decode::RegisteredSchema;

/// A schema, made ready to read records with.
pub(crate) struct Avro {
    nodes: Vec<Node>,
    root: usize,
    /// What stands before a record in the single-object encoding.
    single_object: [u8; 10],
}

/// A type of the schema. Others are meant by their index, so that a record may hold itself.
enum Node {
    Null,
    Boolean,
    /// `int` and `long`: both are written alike.
    Integer {
        is_long: bool,
    },
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    /// The symbols, and whether the column wants their numbers.
    Enum(Vec<String>, Shape),
    /// `size` is that of a fixed; bytes say their length.
    Decimal {
        precision: usize,
        scale: usize,
        size: Option<usize>,
        shape: Shape,
    },
    /// A decimal that carries its scale.
    BigDecimal(Shape),
    Uuid {
        size: Option<usize>,
    },
    Date(Shape),
    TimeOfDay(u32, Shape),
    Instant(u32, Shape),
    Duration,
    Record(Vec<Field>),
    Array(usize),
    Map(usize),
    Union(Vec<usize>),
}

struct Field {
    name: String,
    /// As JSON writes it, with quotes.
    key: String,
    node: usize,
}

impl Avro {
    /// Reads a schema for records that become columns of `shape`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(schema: &RegisteredSchema, shape: &Shape) -> Result<Avro, String> {
        if schema.language != "AVRO" {
            return Err(format!("it is written in {}", schema.language));
        }
        let references = schema.references.iter().map(|(_, text)| text);
        let parsed = Schema::parse_str_with_list(&schema.text, references);
        let (root, others) = parsed.map_err(|e| e.to_string())?;
        let (nodes, index) = compile::nodes(&root, &others, shape)?;
        let mut single_object = [0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0];
        single_object[2..].copy_from_slice(&root.fingerprint::<Rabin>().bytes);
        Ok(Avro { nodes, root: index, single_object })
    }

    /// Writes the record as JSON to `out`.
    pub fn write(&self, payload: &[u8], out: &mut String) -> Fit {
        if payload.is_empty() && !matches!(&self.nodes[self.root], Node::Record(fields) if fields.is_empty()) {
            return Err(Misfit::whole("empty record"));
        }
        let payload = payload.strip_prefix(&self.single_object).unwrap_or(payload);
        let mut body = Body::new(payload);
        self.value(self.root, &mut body, out, 0)?;
        match body.n_left() {
            0 => Ok(()),
            n => Err(Misfit::whole(format!("invalid Avro: {n} bytes follow the record"))),
        }
    }

    fn value(&self, node: usize, body: &mut Body, out: &mut String, depth: usize) -> Fit {
        match &self.nodes[node] {
            Node::Null => out.push_str("null"),
            Node::Boolean => out.push_str(if body.boolean()? { "true" } else { "false" }),
            Node::Integer { .. } => write::number(out, body.long()?),
            Node::Float => write::float(out, f32::from_le_bytes(body.array()?)),
            Node::Double => write::double(out, f64::from_le_bytes(body.array()?)),
            Node::Bytes => write::bytes(out, body.bytes()?),
            Node::Text => write::text(out, body.text()?),
            Node::Fixed(size) => write::bytes(out, body.take(*size)?),
            Node::Enum(symbols, shape) => symbol(symbols, shape, body, out)?,
            Node::Decimal { scale, size, shape, .. } => write::decimal(out, body.sized(*size)?, *scale, shape)?,
            Node::BigDecimal(shape) => big_decimal(shape, body, out)?,
            Node::Uuid { size } => match <&[u8; 16]>::try_from(body.sized(*size)?) {
                Ok(bytes) => write::uuid(out, bytes),
                Err(_) => return Err(Misfit::value("invalid Avro: a UUID of other than 16 bytes")),
            },
            Node::Date(shape) => write::date(out, body.long()?, shape),
            Node::TimeOfDay(scale, shape) => write::time_of_day(out, body.long()?, *scale, shape),
            Node::Instant(scale, shape) => write::instant(out, Instant::of(body.long()?, *scale), shape),
            Node::Duration => duration(body, out)?,
            Node::Record(fields) => return self.record(fields, body, out, depth + 1),
            Node::Array(item) => return self.array(*item, body, out, depth + 1),
            Node::Map(value) => return self.map(*value, body, out, depth + 1),
            Node::Union(branches) => {
                let index = body.long()?;
                let branch = usize::try_from(index).ok().and_then(|index| branches.get(index));
                let branch = branch
                    .ok_or_else(|| Misfit::value(format!("invalid Avro: branch {index} of a union of {}", branches.len())))?;
                return self.value(*branch, body, out, depth);
            }
        }
        Ok(())
    }

    fn record(&self, fields: &[Field], body: &mut Body, out: &mut String, depth: usize) -> Fit {
        write::check_depth(depth)?;
        out.push('{');
        for (i, field) in fields.iter().enumerate() {
            out.push_str(if i > 0 { "," } else { "" });
            out.push_str(&field.key);
            out.push(':');
            self.value(field.node, body, out, depth).map_err(|misfit| misfit.in_field(&field.name))?;
        }
        out.push('}');
        Ok(())
    }

    fn array(&self, item: usize, body: &mut Body, out: &mut String, depth: usize) -> Fit {
        write::check_depth(depth)?;
        out.push('[');
        let mut index = 0;
        loop {
            let n_items = body.block()?;
            if n_items == 0 {
                break;
            }
            for _ in 0..n_items {
                out.push_str(if index > 0 { "," } else { "" });
                self.value(item, body, out, depth).map_err(|misfit| misfit.in_item(index))?;
                // Items may take no byte at all.
                write::check_size(out)?;
                index += 1;
            }
        }
        out.push(']');
        Ok(())
    }

    fn map(&self, value: usize, body: &mut Body, out: &mut String, depth: usize) -> Fit {
        write::check_depth(depth)?;
        out.push('{');
        let mut is_first = true;
        loop {
            let n_items = body.block()?;
            if n_items == 0 {
                break;
            }
            for _ in 0..n_items {
                out.push_str(if is_first { "" } else { "," });
                is_first = false;
                let key = body.text()?;
                write::text(out, key);
                out.push(':');
                self.value(value, body, out, depth).map_err(|misfit| misfit.in_field(key))?;
                write::check_size(out)?;
            }
        }
        out.push('}');
        Ok(())
    }

    /// The columns that take every record of this schema without loss.
    ///
    /// # Errors
    /// `None` when it is not the schema of a record.
    pub fn columns(&self) -> Option<Vec<Column>> {
        match &self.nodes[self.root] {
            Node::Record(fields) => Some(self.fields(fields, &mut vec![self.root])),
            _ => None,
        }
    }

    /// The columns of fields inside the records `within`.
    fn fields(&self, fields: &[Field], within: &mut Vec<usize>) -> Vec<Column> {
        fields.iter().map(|field| Column::new(field.name.clone(), self.column_type(field.node, within))).collect()
    }

    fn column_type(&self, node: usize, within: &mut Vec<usize>) -> ColumnType {
        match &self.nodes[node] {
            Node::Boolean => ColumnType::Boolean,
            Node::Integer { is_long: false } => ColumnType::Int,
            Node::Integer { is_long: true } => ColumnType::BigInt,
            Node::Float => ColumnType::Real,
            Node::Double => ColumnType::Double,
            Node::Bytes | Node::Text | Node::Fixed(_) | Node::Enum(..) | Node::Uuid { .. } | Node::TimeOfDay(..) => {
                ColumnType::Text
            }
            Node::Decimal { precision, scale, .. } => write::decimal_column(*precision, *scale),
            Node::Date(_) => ColumnType::Date,
            Node::Instant(..) => ColumnType::Timestamp(TimeFormat::Rfc3339),
            // A record without fields, or inside itself, has no type of its own.
            Node::Record(fields) if fields.is_empty() || within.contains(&node) => ColumnType::Json,
            Node::Record(fields) => {
                within.push(node);
                let fields = self.fields(fields, within);
                within.pop();
                ColumnType::Struct(fields)
            }
            Node::Array(item) => ColumnType::List(Box::new(self.column_type(*item, within))),
            Node::Union(branches) => {
                let mut values = branches.iter().filter(|branch| !matches!(self.nodes[**branch], Node::Null));
                match (values.next(), values.next()) {
                    (Some(only), None) => self.column_type(*only, within),
                    _ => ColumnType::Json,
                }
            }
            Node::Null | Node::BigDecimal(_) | Node::Duration | Node::Map(_) => ColumnType::Json,
        }
    }
}

fn symbol(symbols: &[String], shape: &Shape, body: &mut Body, out: &mut String) -> Fit {
    let index = body.long()?;
    let symbol = usize::try_from(index).ok().and_then(|index| symbols.get(index));
    let symbol = symbol.ok_or_else(|| Misfit::value(format!("invalid Avro: symbol {index} of an enum of {}", symbols.len())))?;
    match shape {
        Shape::Number => write::number(out, index),
        _ => write::text(out, symbol),
    }
    Ok(())
}

/// Bytes that hold the unscaled value as bytes, then the scale.
fn big_decimal(shape: &Shape, body: &mut Body, out: &mut String) -> Fit {
    let mut inner = Body::new(body.bytes()?);
    let unscaled = inner.bytes()?;
    let scale = inner.long()?;
    match usize::try_from(scale) {
        Ok(scale) => write::decimal(out, unscaled, scale, shape),
        Err(_) => Err(Misfit::value(format!("invalid Avro: a decimal of scale {scale}"))),
    }
}

/// Three little-endian numbers.
fn duration(body: &mut Body, out: &mut String) -> Fit {
    let parts = [body.array()?, body.array()?, body.array()?].map(u32::from_le_bytes);
    for (part, key) in parts.iter().zip(["{\"months\":", ",\"days\":", ",\"millis\":"]) {
        out.push_str(key);
        write::number(out, part);
    }
    out.push('}');
    Ok(())
}
