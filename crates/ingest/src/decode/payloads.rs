//! How the payloads of a stream are written, and what its decoder must know to read them.

use super::avro::Avro;
use super::csv::Cells;
use super::fields::Fields;
use super::json;
use super::misfit::{Fit, Misfit};
use super::msgpack;
use super::protobuf::Protobuf;
use super::scan::utf8;
use super::shape::Shape;
use super::unpack::{Compression, Unpacker};
use super::validate::JsonSchema;
use super::write;
use crate::format::{self, Dialect};
use helios_contract::column::Column;
use helios_contract::decode::{RegisteredSchema, SchemaFound};
use helios_contract::record::Record;
use helios_contract::stream::{Format, StreamDefinition};
use std::collections::{BTreeSet, HashMap};

/// Reads the payloads of one stream.
pub(crate) struct Payloads {
    unpacker: Unpacker,
    compression: Compression,
    kind: Kind,
    shape: Shape,
    /// The record being read, as JSON, where it is written in anything else.
    json: String,
}

enum Kind {
    Json,
    Csv(Box<Cells>),
    /// The whole payload is the value of the column, whose name stands here as JSON writes it.
    Text(String),
    Msgpack,
    /// All records have one schema.
    Fixed(Box<Writer>),
    /// Each record begins with the number of its schema.
    Registered {
        format: Format,
        message: Option<String>,
        writers: HashMap<u32, Writer>,
    },
}

/// A schema that records were written with, made ready to read them.
pub(crate) enum Writer {
    Avro(Avro),
    Protobuf(Protobuf),
    Json(JsonSchema),
    /// Why records of this schema cannot be read.
    Unusable(String),
}

/// What stands before a record whose schema is registered: a zero, and the schema's number.
const FRAME_BYTES: usize = 5;

impl Payloads {
    /// For the records of a stream whose definition was checked.
    pub fn of(definition: &StreamDefinition) -> Payloads {
        let compression = format::compression(definition);
        let shape = Shape::of(&definition.columns);
        let kind = if format::is_registered(definition) {
            let message = format::text(definition, "message").map(str::to_owned);
            Kind::Registered { format: definition.format, message, writers: HashMap::new() }
        } else {
            match (definition.format, format::fixed_schema(definition)) {
                (_, Some(schema)) => {
                    Kind::Fixed(Box::new(Writer::new(definition.format, &schema, format::text(definition, "message"), &shape)))
                }
                (Format::Csv | Format::Tsv, None) => {
                    Kind::Csv(Box::new(Cells::new(Dialect::of(definition), &definition.columns)))
                }
                (Format::Text, None) => Kind::Text(key(definition.columns.first())),
                (Format::Msgpack, None) => Kind::Msgpack,
                (Format::Json | Format::CloudwatchLogs | Format::Avro | Format::Protobuf, None) => Kind::Json,
            }
        };
        Payloads { unpacker: Unpacker::new(compression), compression, kind, shape, json: String::new() }
    }

    /// The next records are decoded together.
    pub fn start_batch(&mut self) {
        self.unpacker.start_batch();
    }

    /// Reads one record into `fields`; what has no column goes to `rest`. After an error, both hold what was read so far.
    pub fn read(&mut self, payload: &[u8], fields: &mut Fields, rest: &mut String) -> Fit {
        let payload = self.unpacker.unpack(payload)?;
        match &mut self.kind {
            Kind::Json => return json::read(payload, fields, rest),
            Kind::Csv(cells) => return cells.read(payload, fields, rest),
            Kind::Fixed(writer) if matches!(**writer, Writer::Json(_)) => {
                writer.check(payload)?;
                return json::read(payload, fields, rest);
            }
            Kind::Registered { writers, .. } => {
                let (id, body) = framed(payload)?;
                match writers.get(&id) {
                    Some(writer @ Writer::Json(_)) => {
                        writer.check(body)?;
                        return json::read(body, fields, rest);
                    }
                    _ => {
                        self.json.clear();
                        write_registered(writers, id, body, &self.shape, &mut self.json)?;
                    }
                }
            }
            other => {
                self.json.clear();
                other.write(payload, &self.shape, &mut self.json)?;
            }
        }
        json::read(self.json.as_bytes(), fields, rest)
    }

    /// The record as JSON, to infer columns from.
    pub fn as_json(&mut self, payload: &[u8]) -> Fit<String> {
        let payload = self.unpacker.unpack(payload)?;
        let mut out = String::new();
        match &self.kind {
            Kind::Json => out.push_str(utf8(payload)?),
            kind => kind.write(payload, &Shape::Any, &mut out)?,
        }
        Ok(out)
    }

    /// The numbers of schemas that these records name and that are not known yet.
    pub fn unknown_schemas(&self, records: &[Record]) -> Vec<u32> {
        let Kind::Registered { writers, .. } = &self.kind else { return Vec::new() };
        let ids = records.iter().filter_map(|record| self.schema_id(&record.payload));
        ids.filter(|id| !writers.contains_key(id)).collect::<BTreeSet<u32>>().into_iter().collect()
    }

    /// The number of the schema that a payload names.
    pub fn schema_id(&self, payload: &[u8]) -> Option<u32> {
        match self.compression.head::<FRAME_BYTES>(payload)? {
            [0, id @ ..] => Some(u32::from_be_bytes(id)),
            _ => None,
        }
    }

    /// Takes the schema with a number; none says that there is none.
    pub fn know_schema(&mut self, id: u32, schema: SchemaFound) {
        let Kind::Registered { format, message, writers } = &mut self.kind else { return };
        let writer = match schema {
            Some(schema) => match Writer::new(*format, &schema, message.as_deref(), &self.shape) {
                Writer::Unusable(reason) => Writer::Unusable(format!("schema {id} cannot be used: {reason}")),
                usable => usable,
            },
            None => Writer::Unusable(format!("the registry has no schema {id}")),
        };
        writers.insert(id, writer);
    }
}

impl Kind {
    /// Writes a record that is not JSON as JSON.
    fn write(&self, payload: &[u8], shape: &Shape, out: &mut String) -> Fit {
        match self {
            Kind::Msgpack => msgpack::write(payload, shape, out),
            Kind::Text(key) => line(payload, key, out),
            Kind::Fixed(writer) => writer.write(payload, false, shape, out),
            Kind::Registered { writers, .. } => {
                let (id, body) = framed(payload)?;
                write_registered(writers, id, body, shape, out)
            }
            Kind::Json | Kind::Csv(_) => unreachable!("these are read as they are"),
        }
    }
}

impl Writer {
    /// Makes a schema ready for a format; `message` is the one of records that do not name theirs.
    pub fn new(format: Format, schema: &RegisteredSchema, message: Option<&str>, shape: &Shape) -> Writer {
        let made = match format {
            Format::Avro => Avro::new(schema, shape).map(Writer::Avro),
            Format::Protobuf => Protobuf::new(schema, message).map(Writer::Protobuf),
            _ => JsonSchema::new(schema).map(Writer::Json),
        };
        made.unwrap_or_else(Writer::Unusable)
    }

    /// The columns that take every record of this schema.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub fn columns(&self) -> Result<Vec<Column>, String> {
        let columns = match self {
            Writer::Avro(schema) => schema.columns(),
            Writer::Protobuf(schema) => schema.columns(),
            Writer::Json(schema) => schema.columns(),
            Writer::Unusable(reason) => return Err(reason.clone()),
        };
        columns.filter(|columns| !columns.is_empty()).ok_or_else(|| "it names no fields".to_owned())
    }

    fn write(&self, payload: &[u8], is_framed: bool, shape: &Shape, out: &mut String) -> Fit {
        match self {
            Writer::Avro(schema) => schema.write(payload, out),
            Writer::Protobuf(schema) if is_framed => schema.write_indexed(payload, shape, out),
            Writer::Protobuf(schema) => schema.write(payload, shape, out),
            Writer::Json(schema) => {
                schema.check(payload)?;
                out.push_str(utf8(payload)?);
                Ok(())
            }
            Writer::Unusable(reason) => Err(Misfit::whole(reason.clone())),
        }
    }

    fn check(&self, payload: &[u8]) -> Fit {
        match self {
            Writer::Json(schema) => schema.check(payload),
            _ => Ok(()),
        }
    }
}

fn write_registered(writers: &HashMap<u32, Writer>, id: u32, body: &[u8], shape: &Shape, out: &mut String) -> Fit {
    match writers.get(&id) {
        Some(writer) => writer.write(body, true, shape, out),
        // Whoever decodes hands schemas over first.
        None => Err(Misfit::whole(format!("schema {id} was not fetched"))),
    }
}

/// The number of the schema that a record begins with, and the record itself.
fn framed(payload: &[u8]) -> Fit<(u32, &[u8])> {
    match payload.split_first_chunk::<FRAME_BYTES>() {
        Some(([0, id @ ..], body)) => Ok((u32::from_be_bytes(*id), body)),
        _ if payload.is_empty() => Err(Misfit::whole("empty record")),
        _ => Err(Misfit::whole("does not begin with 0 and the number of a schema, as a registry's serializers write")),
    }
}

/// A line of text, without its end, as the one field of an object.
fn line(payload: &[u8], key: &str, out: &mut String) -> Fit {
    let text = utf8(payload)?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    out.push('{');
    out.push_str(key);
    out.push(':');
    write::text(out, text);
    out.push('}');
    Ok(())
}

fn key(column: Option<&Column>) -> String {
    let mut key = String::new();
    write::text(&mut key, column.map_or("line", |column| column.name.as_str()));
    key
}
