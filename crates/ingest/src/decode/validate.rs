//! JSON records that must follow a JSON Schema.

use super::misfit::{Fit, Misfit};
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::decode::RegisteredSchema;
use jsonschema::paths::LocationSegment;
use jsonschema::{Retrieve, Uri, Validator};
use serde_json::Value;
use std::collections::HashMap;

/// A schema, made ready to hold records against.
pub(crate) struct JsonSchema {
    validator: Validator,
    schema: Value,
}

/// Where a schema without an `$id` is said to be, so that names of others can be told from it.
const BASE: &str = "registry:///schema.json";

/// References are followed this far when columns are made of a schema.
const DEPTH_MAX: usize = 32;

/// What a validator may load: the schemas that came with it, by the name they are referred to.
struct References(HashMap<String, Value>);

impl Retrieve for References {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str();
        let found = self.0.iter().find(|(name, _)| uri == *name || uri.ends_with(&format!("/{name}")));
        found.map(|(_, schema)| schema.clone()).ok_or_else(|| format!("{uri} is not among its references").into())
    }
}

impl JsonSchema {
    /// Reads a schema.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(schema: &RegisteredSchema) -> Result<JsonSchema, String> {
        if schema.language != "JSON" {
            return Err(format!("it is written in {}", schema.language));
        }
        let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|e| e.to_string());
        let references: HashMap<String, Value> =
            schema.references.iter().map(|(name, text)| Ok((name.clone(), parse(text)?))).collect::<Result<_, String>>()?;
        let schema = parse(&schema.text)?;
        let options = jsonschema::options().with_base_uri(BASE).with_retriever(References(references));
        let validator = options.build(&schema).map_err(|e| e.to_string())?;
        Ok(JsonSchema { validator, schema })
    }

    /// Says where and why a record does not follow the schema.
    pub fn check(&self, payload: &[u8]) -> Fit {
        let payload = payload.strip_prefix("\u{feff}".as_bytes()).unwrap_or(payload);
        let record: Value = serde_json::from_slice(payload).map_err(|e| Misfit::whole(format!("invalid JSON: {e}")))?;
        let Err(error) = self.validator.validate(&record) else { return Ok(()) };
        // The values themselves are left out: faults of one kind belong together in quarantine.
        let mut misfit = Misfit::value(format!("against the JSON Schema: {}", error.masked()));
        let path: Vec<LocationSegment> = error.instance_path().segments().collect();
        for step in path.into_iter().rev() {
            misfit = match step {
                LocationSegment::Property(name) => misfit.in_field(&name),
                LocationSegment::Index(index) => misfit.in_item(index),
            };
        }
        Err(misfit)
    }

    /// Columns for the properties of the schema; `None` when it says nothing about objects.
    pub fn columns(&self) -> Option<Vec<Column>> {
        match self.object(&self.schema, DEPTH_MAX)? {
            ColumnType::Struct(fields) => Some(fields),
            _ => None,
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Option<ColumnType> {
        let schema = self.followed(schema, depth)?;
        let properties = schema.get("properties")?.as_object().filter(|properties| !properties.is_empty())?;
        let depth = depth.checked_sub(1)?;
        let columns = properties.iter().map(|(name, property)| Column::new(name.clone(), self.column_type(property, depth)));
        Some(ColumnType::Struct(columns.collect()))
    }

    fn column_type(&self, schema: &Value, depth: usize) -> ColumnType {
        let Some(schema) = self.followed(schema, depth) else { return ColumnType::Json };
        let is = |word: &str| schema.get("format").and_then(Value::as_str) == Some(word);
        match kind(schema) {
            Some("boolean") => ColumnType::Boolean,
            Some("integer") => ColumnType::BigInt,
            Some("number") => ColumnType::Double,
            Some("string") if is("date-time") => ColumnType::Timestamp(TimeFormat::Rfc3339),
            Some("string") if is("date") => ColumnType::Date,
            Some("string") => ColumnType::Text,
            Some("array") => match (schema.get("items").filter(|items| items.is_object()), depth.checked_sub(1)) {
                (Some(items), Some(depth)) => ColumnType::List(Box::new(self.column_type(items, depth))),
                _ => ColumnType::Json,
            },
            Some("object") => self.object(schema, depth).unwrap_or(ColumnType::Json),
            _ => ColumnType::Json,
        }
    }

    /// The schema that is meant: inside the same document, and the one alternative that is not null.
    fn followed<'s>(&'s self, schema: &'s Value, depth: usize) -> Option<&'s Value> {
        let mut schema = schema;
        for _ in 0..depth {
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                schema = self.schema.pointer(reference.strip_prefix('#')?)?;
                continue;
            }
            let alternatives = ["oneOf", "anyOf"].iter().find_map(|word| schema.get(*word)?.as_array());
            let Some(alternatives) = alternatives else { return Some(schema) };
            let mut values = alternatives.iter().filter(|one| one.get("type").and_then(Value::as_str) != Some("null"));
            match (values.next(), values.next()) {
                (Some(only), None) => schema = only,
                _ => return Some(schema),
            }
        }
        None
    }
}

/// The one type besides null that a schema asks for.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            let first = kinds.next();
            if kinds.next().is_none() { first } else { None }
        }
        _ => None,
    }
}
