//! Rows as bytes, in the five formats an answer can have.

mod json;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::csv;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{JsonArray, LineDelimited, Writer as JsonWriter};
use bytes::Bytes;
use helios_contract::error::nearest;
use helios_contract::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::fmt::Display;
use std::sync::Arc;

pub(crate) use json::{columns, exact_rows, sql_type, writer as json_writer};

/// A Parquet row group is closed at this size, so that a large answer is not held whole.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One document: the columns, the rows as objects, and what is known about the answer.
    Json,
    /// One object a line.
    Ndjson,
    /// A header line, then one line a row; nested values as JSON.
    Csv,
    /// A Parquet file.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
}

impl Format {
    const ALL: [(Format, &'static str, &'static str); 5] = [
        (Format::Json, "json", "application/json"),
        (Format::Ndjson, "ndjson", "application/x-ndjson"),
        (Format::Csv, "csv", "text/csv; charset=utf-8"),
        (Format::Parquet, "parquet", "application/vnd.apache.parquet"),
        (Format::Arrow, "arrow", "application/vnd.apache.arrow.stream"),
    ];

    /// The format a request names.
    pub(crate) fn named(name: &str) -> Result<Format> {
        if let Some((format, ..)) = Format::ALL.iter().find(|(_, word, _)| *word == name) {
            return Ok(*format);
        }
        let words = Format::ALL.map(|(_, word, _)| word);
        let hint = match nearest(name, words) {
            Some(word) => format!("Did you mean `{word}`?"),
            None => format!("Use one of {}.", words.join(", ")),
        };
        Err(Error::invalid(format!("there is no answer format '{}'", name.escape_debug())).hint(hint))
    }

    /// The first format an `Accept` header names that we have.
    pub(crate) fn accepted(accept: &str) -> Option<Format> {
        let kind = |text: &str| text.split(';').next().map(|kind| kind.trim().to_ascii_lowercase());
        accept.split(',').find_map(|wanted| {
            Format::ALL.iter().find(|(_, _, media_type)| kind(wanted) == kind(media_type)).map(|(format, ..)| *format)
        })
    }

    /// How the names of its files end.
    pub(crate) fn ending(self) -> &'static str {
        Format::ALL.iter().find(|(format, ..)| *format == self).map(|(_, word, _)| *word).expect("ALL lists every format")
    }

    pub(crate) fn media_type(self) -> &'static str {
        Format::ALL
            .iter()
            .find(|(format, ..)| *format == self)
            .map(|(_, _, media_type)| *media_type)
            .expect("ALL lists every format")
    }
}

/// Writes batches in one format; the bytes so far are taken out as they come.
pub(crate) enum Encoder {
    Json(Box<JsonWriter<Vec<u8>, JsonArray>>),
    Ndjson(Box<JsonWriter<Vec<u8>, LineDelimited>>),
    Csv(Vec<u8>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    Arrow(Box<StreamWriter<Vec<u8>>>),
}

impl Encoder {
    /// Begins an answer with these fields.
    ///
    /// # Errors
    /// `Invalid` when the format cannot hold one of them.
    pub(crate) fn new(format: Format, schema: &SchemaRef) -> Result<Encoder> {
        match format {
            Format::Json => {
                let mut writer = json_writer(Vec::new());
                json::begin(writer.get_mut(), schema);
                Ok(Encoder::Json(Box::new(writer)))
            }
            Format::Ndjson => Ok(Encoder::Ndjson(Box::new(json_writer(Vec::new())))),
            Format::Csv => {
                let mut bytes = Vec::new();
                write_csv(&mut bytes, &RecordBatch::new_empty(schema.clone()), true)?;
                Ok(Encoder::Csv(bytes))
            }
            Format::Parquet => {
                let compression = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(compression).build();
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))
                    .map_err(|error| cannot("Parquet", error))?;
                Ok(Encoder::Parquet(Box::new(writer)))
            }
            Format::Arrow => {
                let writer = StreamWriter::try_new(Vec::new(), schema).map_err(|error| cannot("Arrow IPC", error))?;
                Ok(Encoder::Arrow(Box::new(writer)))
            }
        }
    }

    /// Appends rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Encoder::Json(writer) => writer.write(batch).map_err(|error| cannot("JSON", error)),
            Encoder::Ndjson(writer) => writer.write(batch).map_err(|error| cannot("NDJSON", error)),
            Encoder::Csv(bytes) => write_csv(bytes, batch, false),
            Encoder::Parquet(writer) => {
                writer.write(batch).map_err(|error| cannot("Parquet", error))?;
                if writer.in_progress_size() >= ROW_GROUP_BYTES {
                    writer.flush().map_err(|error| cannot("Parquet", error))?;
                }
                Ok(())
            }
            Encoder::Arrow(writer) => writer.write(batch).map_err(|error| cannot("Arrow IPC", error)),
        }
    }

    /// Ends the rows. JSON is then still open: its caller adds what is known about the answer.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self {
            Encoder::Json(writer) => writer.finish().map_err(|error| cannot("JSON", error)),
            Encoder::Ndjson(_) | Encoder::Csv(_) => Ok(()),
            Encoder::Parquet(writer) => writer.finish().map(drop).map_err(|error| cannot("Parquet", error)),
            Encoder::Arrow(writer) => writer.finish().map_err(|error| cannot("Arrow IPC", error)),
        }
    }

    /// What has been written since the last call.
    pub(crate) fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(match self {
            Encoder::Json(writer) => writer.get_mut(),
            Encoder::Ndjson(writer) => writer.get_mut(),
            Encoder::Csv(bytes) => bytes,
            Encoder::Parquet(writer) => writer.inner_mut(),
            Encoder::Arrow(writer) => writer.get_mut(),
        }))
    }
}

fn write_csv(bytes: &mut Vec<u8>, batch: &RecordBatch, header: bool) -> Result<()> {
    let mut writer = csv::WriterBuilder::new().with_header(header).build(bytes);
    flat(batch).and_then(|batch| writer.write(&batch).map_err(|error| cannot("CSV", error)))
}

/// The batch with nested values as JSON text: CSV has no other way to hold them.
fn flat(batch: &RecordBatch) -> Result<RecordBatch> {
    if !batch.schema_ref().fields().iter().any(|field| field.data_type().is_nested()) {
        return Ok(batch.clone());
    }
    let flat_column = |(field, column): (&Arc<Field>, &ArrayRef)| -> Result<(Field, ArrayRef)> {
        let text = if field.data_type().is_nested() { json::as_text(field, column)? } else { column.clone() };
        Ok((Field::new(field.name(), text.data_type().clone(), true), text))
    };
    let columns = batch.schema_ref().fields().iter().zip(batch.columns()).map(flat_column).collect::<Result<Vec<_>>>()?;
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| cannot("CSV", error))
}

fn cannot(format: &str, error: impl Display) -> Error {
    Error::invalid(format!("cannot write the answer as {format}: {error}")).hint("Cast the column, or ask for another format.")
}

#[cfg(test)]
mod tests;
