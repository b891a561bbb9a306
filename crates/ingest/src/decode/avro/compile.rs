//! From a schema to the nodes that records are read by: names resolved, and told what the columns want.

use super::{Field, Node};
use crate::decode::shape::Shape;
use crate::decode::write;
use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, UuidSchema};
use std::collections::HashMap;

/// Schemas nested deeper than this are refused.
const DEPTH_MAX: usize = 128;

/// All nodes of `root`, and its own index.
pub(super) fn nodes(root: &Schema, others: &[Schema], shape: &Shape) -> Result<(Vec<Node>, usize), String> {
    let mut names = HashMap::new();
    for schema in std::iter::once(root).chain(others) {
        collect(schema, None, &mut names, 0)?;
    }
    let mut compiler = Compiler { names, nodes: Vec::new(), known: HashMap::new() };
    let root = compiler.node(root, None, shape, 0)?;
    Ok((compiler.nodes, root))
}

/// Finds every named schema, by its full name.
fn collect<'s>(
    schema: &'s Schema,
    space: Option<&str>,
    names: &mut HashMap<String, &'s Schema>,
    depth: usize,
) -> Result<(), String> {
    check(depth)?;
    let name = schema.name().filter(|_| !matches!(schema, Schema::Ref { .. }));
    let full = name.map(|name| name.fully_qualified_name(space));
    if let Some(full) = &full {
        names.entry(full.to_string()).or_insert(schema);
    }
    let space = full.as_ref().map_or(space, |full| full.namespace());
    match schema {
        Schema::Record(record) => record.fields.iter().try_for_each(|field| collect(&field.schema, space, names, depth + 1)),
        Schema::Array(array) => collect(&array.items, space, names, depth + 1),
        Schema::Map(map) => collect(&map.types, space, names, depth + 1),
        Schema::Union(union) => union.variants().iter().try_for_each(|branch| collect(branch, space, names, depth + 1)),
        _ => Ok(()),
    }
}

struct Compiler<'s> {
    names: HashMap<String, &'s Schema>,
    nodes: Vec<Node>,
    /// Records that no column has a wish for: one node each, so that they may hold themselves.
    known: HashMap<String, usize>,
}

impl<'s> Compiler<'s> {
    fn node(&mut self, schema: &'s Schema, space: Option<&str>, shape: &Shape, depth: usize) -> Result<usize, String> {
        check(depth)?;
        let node = match schema {
            Schema::Null => Node::Null,
            Schema::Boolean => Node::Boolean,
            Schema::Int => Node::Integer { is_long: false },
            Schema::Long => Node::Integer { is_long: true },
            Schema::Float => Node::Float,
            Schema::Double => Node::Double,
            Schema::Bytes => Node::Bytes,
            Schema::String => Node::Text,
            Schema::Fixed(fixed) => Node::Fixed(fixed.size),
            Schema::Enum(symbols) => Node::Enum(symbols.symbols.clone(), shape.clone()),
            Schema::Decimal(decimal) => {
                let size = match &decimal.inner {
                    InnerDecimalSchema::Bytes => None,
                    InnerDecimalSchema::Fixed(fixed) => Some(fixed.size),
                };
                Node::Decimal { precision: decimal.precision, scale: decimal.scale, size, shape: shape.clone() }
            }
            Schema::BigDecimal => Node::BigDecimal(shape.clone()),
            Schema::Uuid(UuidSchema::String) => Node::Text,
            Schema::Uuid(UuidSchema::Bytes) => Node::Uuid { size: None },
            Schema::Uuid(UuidSchema::Fixed(fixed)) => Node::Uuid { size: Some(fixed.size) },
            Schema::Date => Node::Date(shape.clone()),
            Schema::TimeMillis => Node::TimeOfDay(6, shape.clone()),
            Schema::TimeMicros => Node::TimeOfDay(3, shape.clone()),
            Schema::TimestampMillis | Schema::LocalTimestampMillis => Node::Instant(6, shape.clone()),
            Schema::TimestampMicros | Schema::LocalTimestampMicros => Node::Instant(3, shape.clone()),
            Schema::TimestampNanos | Schema::LocalTimestampNanos => Node::Instant(0, shape.clone()),
            Schema::Duration(_) => Node::Duration,
            Schema::Array(array) => Node::Array(self.node(&array.items, space, shape.item(), depth + 1)?),
            Schema::Map(map) => Node::Map(self.node(&map.types, space, &Shape::Any, depth + 1)?),
            Schema::Union(union) => {
                let branches = union.variants().iter().map(|branch| self.node(branch, space, shape, depth + 1));
                Node::Union(branches.collect::<Result<_, _>>()?)
            }
            Schema::Record(_) => return self.record(schema, space, shape, depth),
            Schema::Ref { name } => {
                let full = name.fully_qualified_name(space).to_string();
                let named = *self.names.get(&full).ok_or_else(|| format!("it refers to {full}, which nobody defines"))?;
                // Inside it, names without a namespace are of its own.
                let space = full.rsplit_once('.').map(|(space, _)| space.to_owned());
                return self.node(named, space.as_deref(), shape, depth + 1);
            }
        };
        Ok(self.push(node))
    }

    fn record(&mut self, schema: &'s Schema, space: Option<&str>, shape: &Shape, depth: usize) -> Result<usize, String> {
        let Schema::Record(record) = schema else { unreachable!("only records are given") };
        let full = record.name.fully_qualified_name(space);
        let has_wishes = matches!(shape, Shape::Object(_));
        if let Some(known) = self.known.get(&full.to_string()).filter(|_| !has_wishes) {
            return Ok(*known);
        }
        let index = self.push(Node::Null);
        if !has_wishes {
            self.known.insert(full.to_string(), index);
        }
        let mut fields = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let node = self.node(&field.schema, full.namespace(), shape.field(&field.name), depth + 1)?;
            let mut key = String::new();
            write::text(&mut key, &field.name);
            fields.push(Field { name: field.name.clone(), key, node });
        }
        self.nodes[index] = Node::Record(fields);
        Ok(index)
    }

    fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}

fn check(depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX { Err(format!("it is nested deeper than {DEPTH_MAX} levels")) } else { Ok(()) }
}
