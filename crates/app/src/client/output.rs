//! Answers on their way to a terminal, a pipe or a file.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::util::display::FormatOptions;
use arrow::util::pretty::pretty_format_batches_with_options;
use clap::ValueEnum;
use helios_contract::{Error, Result};
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// How answers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table to look at
    Table,
    /// A header line, then one line a row
    Csv,
    /// One document: columns, rows and what is known about the answer
    Json,
    /// One JSON object a line
    Ndjson,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

impl Format {
    /// What the server is asked for.
    pub(crate) fn over_http(self) -> &'static str {
        match self {
            Format::Csv => "csv",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Parquet => "parquet",
            Format::Table | Format::Arrow => "arrow",
        }
    }

    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Format::Parquet | Format::Arrow)
    }

    /// The format a file's name asks for.
    pub(crate) fn of_file(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()? {
            "csv" => Some(Format::Csv),
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "parquet" => Some(Format::Parquet),
            "arrow" | "arrows" => Some(Format::Arrow),
            _ => None,
        }
    }
}

/// Where answers go.
pub(crate) struct Output {
    writer: Box<dyn Write + Send>,
    pub(crate) is_terminal: bool,
}

impl Output {
    pub(crate) fn stdout() -> Output {
        Output { writer: Box::new(io::stdout()), is_terminal: io::stdout().is_terminal() }
    }

    pub(crate) fn file(path: &Path) -> Result<Output> {
        let file =
            File::create(path).map_err(|error| Error::unavailable(format!("cannot write {}", path.display())).because(error))?;
        Ok(Output { writer: Box::new(file), is_terminal: false })
    }

    /// Writes; breaks off when whoever reads has seen enough, as `head` does.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<ControlFlow<()>> {
        match self.writer.write_all(bytes).and_then(|()| self.writer.flush()) {
            Ok(()) => Ok(ControlFlow::Continue(())),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
            Err(error) => Err(Error::unavailable("cannot write the answer").because(error)),
        }
    }

    /// Writes everything `source` gives, as it comes.
    ///
    /// # Errors
    /// `Unavailable` when the source breaks off.
    pub(crate) fn copy(&mut self, mut source: impl Read) -> Result<ControlFlow<()>> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = source.read(&mut buffer).map_err(broken_off)?;
            if n == 0 {
                return Ok(ControlFlow::Continue(()));
            }
            if self.write(&buffer[..n])?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
}

/// The error of an answer that ends before its end.
pub(crate) fn broken_off(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable("the answer broke off").because(error)
}

/// Rows as a table. What could move a terminal's cursor or change its colours is replaced.
pub(crate) fn table(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String> {
    let empty = [RecordBatch::new_empty(Arc::clone(schema))];
    let batches = if batches.is_empty() { &empty[..] } else { batches };
    let options = FormatOptions::default().with_display_error(true).with_null("NULL");
    let table = pretty_format_batches_with_options(batches, &options)
        .map_err(|error| Error::internal("cannot lay out the answer as a table").because(error))?;
    let visible = |c: char| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c };
    Ok(table.to_string().chars().map(visible).chain(['\n']).collect())
}

/// `1 row`, `1,234 rows`.
pub(crate) fn counted(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// A number with commas between groups of three digits.
pub(crate) fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time span in the unit that suits it: `0.4 s`, `12 min`.
pub(crate) fn span(ms: u64) -> String {
    match ms / 1000 {
        0..100 => format!("{:.1} s", ms as f64 / 1e3),
        seconds @ 100..6_000 => format!("{} min", seconds / 60),
        seconds @ 6_000..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
