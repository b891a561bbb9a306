//! What `FORMAT name (option = value, ...)` means: one table of options a format, and what they stand for.

use crate::decode::{Compression, Writer, cloudwatch, shape};
use crate::options::{self, OptionSpec, Takes, option};
use helios_contract::column::{Column, ColumnType};
use helios_contract::decode::RegisteredSchema;
use helios_contract::stream::{Format, OptionValue, StreamDefinition};
use helios_contract::{Error, Result};

const SCHEMA: OptionSpec = option("schema", Takes::Text, None, "The schema of all records, written out.");
const MESSAGE: OptionSpec =
    option("message", Takes::Text, Some("the first one"), "The full name of the message that records are, as 'shop.Order'.");
const COMPRESSION: OptionSpec =
    option("compression", Takes::Word(&["auto", "gzip", "none"]), Some("auto"), "How payloads are compressed.");
const REGISTRY: OptionSpec =
    option("registry", Takes::Text, None, "The address of a Confluent-compatible schema registry, as 'http://host:8081'.");
const REGISTRY_USERNAME: OptionSpec = option("registry_username", Takes::Text, None, "The user to log in to the registry as.");
const REGISTRY_PASSWORD: OptionSpec = option("registry_password", Takes::Secret, None, "The user's password.");
const REGISTRY_TOKEN: OptionSpec = option("registry_token", Takes::Secret, None, "A bearer token for the registry.");
const REGISTRY_CA: OptionSpec =
    option("registry_ca_location", Takes::Text, None, "A PEM file with the authorities that may vouch for the registry.");
const SUBJECT: OptionSpec =
    option("subject", Takes::Text, Some("TOPIC-value"), "The subject whose newest schema gives the columns.");
const UNKNOWN_SCHEMA: OptionSpec = option(
    "unknown_schema",
    Takes::Word(&["wait", "quarantine"]),
    Some("wait"),
    "What happens to records whose schema the registry does not have.",
);
const DELIMITER: OptionSpec = option("delimiter", Takes::Byte, Some(","), "What stands between fields.");
const TAB: OptionSpec = option("delimiter", Takes::Byte, Some("\\t"), "What stands between fields.");
const QUOTE: OptionSpec = option("quote", Takes::ByteOrNone, Some("\""), "What stands around fields that hold a delimiter.");
const HEADER: OptionSpec = option(
    "header",
    Takes::Header,
    Some("false"),
    "Whether each record begins with a line that names its fields; or their names, where no record does.",
);

const JSON: &[OptionSpec] =
    &[SCHEMA, REGISTRY, REGISTRY_USERNAME, REGISTRY_PASSWORD, REGISTRY_TOKEN, REGISTRY_CA, SUBJECT, UNKNOWN_SCHEMA, COMPRESSION];
const PROTOBUF: &[OptionSpec] = &[
    SCHEMA,
    MESSAGE,
    REGISTRY,
    REGISTRY_USERNAME,
    REGISTRY_PASSWORD,
    REGISTRY_TOKEN,
    REGISTRY_CA,
    SUBJECT,
    UNKNOWN_SCHEMA,
    COMPRESSION,
];

/// The options of a format.
pub fn format_options(format: Format) -> &'static [OptionSpec] {
    match format {
        Format::Json | Format::Avro => JSON,
        Format::Protobuf => PROTOBUF,
        Format::Csv => &[DELIMITER, QUOTE, HEADER, COMPRESSION],
        Format::Tsv => &[TAB, QUOTE, HEADER, COMPRESSION],
        Format::Text | Format::Msgpack | Format::CloudwatchLogs => &[COMPRESSION],
    }
}

/// Checks a stream's format: its options one by one, together, and against the columns.
///
/// # Errors
/// `Invalid`, naming what does not fit and what would.
pub(crate) fn check(definition: &StreamDefinition) -> Result<()> {
    let owner = format!("FORMAT {}", definition.format.sql());
    options::check_against(&owner, format_options(definition.format), &definition.format_options)?;
    let has = |name: &str| definition.format_options.contains_key(name);
    if has("schema") && has("registry") {
        return Err(Error::invalid(format!("{owner} has both a schema and a registry"))
            .hint("Records have the schema that the registry gives for their number: leave out the option schema."));
    }
    if matches!(definition.format, Format::Avro | Format::Protobuf) && !has("schema") && !has("registry") {
        return Err(Error::invalid(format!("{owner} needs the option registry or the option schema"))
            .hint("Write registry = 'http://host:8081', or schema = '...' with the schema of all records."));
    }
    if let Some(name) = definition
        .format_options
        .keys()
        .find(|name| !has("registry") && (name.starts_with("registry_") || matches!(name.as_str(), "subject" | "unknown_schema")))
    {
        return Err(Error::invalid(format!("the option {name} of {owner} needs the option registry")));
    }
    if let Some(address) = text(definition, "registry") {
        check_address(address)?;
    }
    if let Some(schema) = fixed_schema(definition)
        && let Writer::Unusable(reason) = fixed_writer(definition, &schema)
    {
        return Err(Error::invalid(format!("the schema of {owner} cannot be used: {reason}")));
    }
    check_columns(definition, &owner)
}

fn check_address(address: &str) -> Result<()> {
    let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
        return Err(Error::invalid("the option registry is no address").hint("Write 'http://host:8081' or 'https://host'."));
    };
    if rest.split('/').next().is_some_and(|host| host.contains('@')) {
        return Err(Error::invalid("the option registry holds a user and a password")
            .hint("Write registry_username = '...', registry_password = SECRET '...'."));
    }
    Ok(())
}

fn check_columns(definition: &StreamDefinition, owner: &str) -> Result<()> {
    match (definition.format, definition.columns.as_slice()) {
        (_, []) => Ok(()),
        (Format::Text, [only]) if only.data_type == ColumnType::Text => Ok(()),
        (Format::Text, _) => Err(Error::invalid(format!("{owner} fills one TEXT column"))
            .hint("Declare (line TEXT), or no columns; regexp_match and split_part take lines apart.")),
        (Format::Csv | Format::Tsv, columns) => match Dialect::of(definition).names {
            Names::Given(names) => {
                let missing = columns.iter().find(|column| column.required && !names.contains(&column.name));
                missing.map_or(Ok(()), |column| {
                    Err(Error::invalid(format!("the header of {owner} does not name {}, which is NOT NULL", column.name)))
                })
            }
            Names::Columns | Names::InRecord => Ok(()),
        },
        _ => Ok(()),
    }
}

/// The columns that the definition gives by itself: by its schema, its header, or its format.
///
/// # Errors
/// `Invalid` when its schema gives none.
pub(crate) fn own_columns(definition: &StreamDefinition) -> Result<Option<Vec<Column>>> {
    if definition.format == Format::Text {
        return Ok(Some(vec![Column::new("line", ColumnType::Text)]));
    }
    if definition.format == Format::CloudwatchLogs {
        return Ok(Some(cloudwatch::columns()));
    }
    let Some(schema) = fixed_schema(definition) else { return Ok(None) };
    columns(definition, &schema).map(Some)
}

/// The columns that take every record of a schema.
///
/// # Errors
/// `Invalid` when it gives none.
pub(crate) fn columns(definition: &StreamDefinition, schema: &RegisteredSchema) -> Result<Vec<Column>> {
    fixed_writer(definition, schema).columns().map_err(|reason| {
        Error::invalid(format!("cannot make columns of the schema: {reason}"))
            .hint("Declare the columns: CREATE STREAM name (column type, ...) FROM ...")
    })
}

fn fixed_writer(definition: &StreamDefinition, schema: &RegisteredSchema) -> Writer {
    Writer::new(definition.format, schema, text(definition, "message"), &shape::Shape::of(&definition.columns))
}

/// The schema of all records, where the definition has one.
pub(crate) fn fixed_schema(definition: &StreamDefinition) -> Option<RegisteredSchema> {
    let text = text(definition, "schema")?.to_owned();
    let language = match definition.format {
        Format::Avro => "AVRO",
        Format::Protobuf => "PROTOBUF",
        _ => "JSON",
    };
    Some(RegisteredSchema { language: language.to_owned(), text, references: Vec::new() })
}

/// Whether each record names its schema, which a registry has.
pub(crate) fn is_registered(definition: &StreamDefinition) -> bool {
    definition.format_options.contains_key("registry")
}

/// Whether records of schemas that the registry does not have go to quarantine.
pub(crate) fn quarantines_unknown(definition: &StreamDefinition) -> bool {
    text(definition, "unknown_schema").is_some_and(|word| word.eq_ignore_ascii_case("quarantine"))
}

/// How payloads are compressed. An Avro record without a frame may begin like gzip, so that nothing is guessed there.
pub(crate) fn compression(definition: &StreamDefinition) -> Compression {
    match text(definition, "compression").map(str::to_ascii_lowercase).as_deref() {
        Some("gzip") => Compression::Gzip,
        Some("none") => Compression::None,
        _ if definition.format == Format::Avro && !is_registered(definition) => Compression::None,
        _ => Compression::Auto,
    }
}

/// The text of an option that holds no secret.
pub(crate) fn text<'a>(definition: &'a StreamDefinition, name: &str) -> Option<&'a str> {
    match definition.format_options.get(name) {
        Some(OptionValue::Text(text)) => Some(text),
        _ => None,
    }
}

/// How lines of fields are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    /// None where fields are never quoted.
    pub(crate) quote: Option<u8>,
    pub(crate) names: Names,
}

/// Which field of a line belongs to which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Names {
    /// In the order of the columns.
    Columns,
    /// In this order.
    Given(Vec<String>),
    /// As the first line of each record says.
    InRecord,
}

impl Dialect {
    /// That of a CSV or TSV stream whose options were checked.
    pub(crate) fn of(definition: &StreamDefinition) -> Dialect {
        let delimiter = text(definition, "delimiter").and_then(options::byte);
        let delimiter = delimiter.unwrap_or(if definition.format == Format::Tsv { b'\t' } else { b',' });
        let quote = text(definition, "quote").map_or(Some(b'"'), options::byte);
        let names = match definition.format_options.get("header") {
            Some(OptionValue::Bool(true)) => Names::InRecord,
            Some(OptionValue::Text(names)) => {
                Names::Given(names.split(char::from(delimiter)).map(|name| name.trim().to_owned()).collect())
            }
            _ => Names::Columns,
        };
        Dialect { delimiter, quote, names }
    }

    /// Reads lines of which the first names the fields.
    pub(crate) fn reader<'b>(&self, body: &'b [u8]) -> csv::Reader<&'b [u8]> {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(self.delimiter).quoting(self.quote.is_some());
        builder.quote(self.quote.unwrap_or(b'"'));
        builder.from_reader(body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body))
    }

    /// Writes lines as [`Dialect::reader`] reads them.
    pub(crate) fn writer<W: std::io::Write>(&self, buffer_bytes: usize, out: W) -> csv::Writer<W> {
        let mut builder = csv::WriterBuilder::new();
        builder.delimiter(self.delimiter).buffer_capacity(buffer_bytes);
        match self.quote {
            Some(quote) => builder.quote(quote),
            None => builder.quote_style(csv::QuoteStyle::Never),
        };
        builder.from_writer(out)
    }
}

#[cfg(test)]
mod tests;
