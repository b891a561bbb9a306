//! CSV records: one line each, cells in an order that is known, read by the same rules as JSON values.

use super::column::{Column, Values};
use super::fields::Fields;
use super::json::{Slot, decimal, number_in, real, value, whole};
use super::misfit::{Fit, Misfit, shown};
use super::place::Place;
use super::scan::{Scan, utf8};
use super::{time, write};
use crate::format::{Dialect, Names};
use csv_core::ReadRecordResult;
use helios_contract::column::{self, TimeFormat};

/// Splits lines into cells; keeps its buffers from line to line.
pub(crate) struct Cells {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    header: Header,
}

/// Which cell belongs where.
enum Header {
    /// As many cells as columns, in their order.
    Columns,
    Given(Vec<Target>),
    /// The first line of the last record, and what it said.
    InRecord(String, Vec<Target>),
}

/// Where a cell belongs.
struct Target {
    name: String,
    /// As JSON writes it, with quotes.
    key: String,
    /// None: to `_rest`.
    column: Option<usize>,
}

/// More fields than this in a header are refused.
const N_HEADER_CELLS_MAX: usize = 10_000;

impl Cells {
    pub fn new(dialect: Dialect, columns: &[column::Column]) -> Cells {
        let mut reader = csv_core::ReaderBuilder::new();
        reader.delimiter(dialect.delimiter).quoting(dialect.quote.is_some());
        if let Some(quote) = dialect.quote {
            reader.quote(quote);
        }
        let index = |name: &str| columns.iter().position(|column| column.name == name);
        let header = match dialect.names {
            Names::Columns => Header::Columns,
            Names::Given(names) => Header::Given(names.into_iter().map(|name| Target::new(&name, index(&name))).collect()),
            Names::InRecord => Header::InRecord(String::new(), Vec::new()),
        };
        Cells { reader: reader.build(), text: Vec::new(), ends: Vec::new(), header }
    }

    /// Reads one record into `fields`; what has no column goes to `rest`.
    pub fn read(&mut self, payload: &[u8], fields: &mut Fields, rest: &mut String) -> Fit {
        let line = utf8(payload)?.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            return Err(Misfit::whole("empty record"));
        }
        match std::mem::replace(&mut self.header, Header::Columns) {
            Header::Columns => self.read_columns(line, fields, rest),
            Header::Given(targets) => {
                let fit = self.read_targets(line, &targets, fields, rest);
                self.header = Header::Given(targets);
                fit
            }
            Header::InRecord(mut names, mut targets) => {
                let fit = self.read_named(line, &mut names, &mut targets, fields, rest);
                self.header = Header::InRecord(names, targets);
                fit
            }
        }
    }

    fn read_columns(&mut self, line: &str, fields: &mut Fields, rest: &mut String) -> Fit {
        let n_columns = fields.columns.len();
        self.split_one(line, n_columns)?;
        let place = Place::record();
        let mut start = 0;
        for (i, (name, column)) in fields.names.iter().zip(&mut fields.columns).enumerate() {
            let cell = cell(&self.text, start, self.ends[i]);
            start = self.ends[i];
            let slot = Slot::Field(&place, &name.key);
            read_cell(cell, column, name.is_required, slot, rest).map_err(|misfit| misfit.in_cell(&name.name))?;
        }
        place.close(rest);
        fields.end_row(n_columns)
    }

    fn read_targets(&mut self, line: &str, targets: &[Target], fields: &mut Fields, rest: &mut String) -> Fit {
        self.split_one(line, targets.len())?;
        let place = Place::record();
        let mut start = 0;
        let mut n_found = 0;
        for (i, target) in targets.iter().enumerate() {
            let cell = cell(&self.text, start, self.ends[i]);
            start = self.ends[i];
            match target.column {
                Some(column) => {
                    let (name, column) = (&fields.names[column], &mut fields.columns[column]);
                    let slot = Slot::Field(&place, &name.key);
                    read_cell(cell, column, name.is_required, slot, rest).map_err(|misfit| misfit.in_cell(&name.name))?;
                    n_found += 1;
                }
                None => {
                    place.write_key(rest, &target.key);
                    write::text(rest, cell);
                }
            }
        }
        place.close(rest);
        fields.end_row(n_found)
    }

    /// Reads a record whose first line names its fields; most records name the same ones as the last.
    fn read_named(
        &mut self,
        record: &str,
        names: &mut String,
        targets: &mut Vec<Target>,
        fields: &mut Fields,
        rest: &mut String,
    ) -> Fit {
        let (header, line) = match record.strip_prefix(names.as_str()).filter(|_| !names.is_empty()) {
            Some(line) => (names.as_str(), line),
            None => {
                let (n_read, _) = self.split(record.as_bytes(), N_HEADER_CELLS_MAX)?;
                record.split_at(n_read)
            }
        };
        if line.trim().is_empty() {
            return Err(Misfit::whole("a line of names, and no line of values"));
        }
        if header != names {
            let header = header.to_owned();
            *targets = self.targets(&header, fields)?;
            *names = header;
        }
        self.read_targets(line, targets, fields, rest)
    }

    fn targets(&mut self, header: &str, fields: &Fields) -> Fit<Vec<Target>> {
        let (_, n_cells) = self.split(header.as_bytes(), N_HEADER_CELLS_MAX)?;
        let mut targets: Vec<Target> = Vec::with_capacity(n_cells);
        let mut start = 0;
        for end in &self.ends[..n_cells] {
            let name = cell(&self.text, start, *end).trim();
            start = *end;
            if targets.iter().any(|target| target.name == name) {
                return Err(Misfit::whole(format!("the header names {} twice", shown(name))));
            }
            targets.push(Target::new(name, fields.names.iter().position(|column| column.name == name)));
        }
        Ok(targets)
    }

    /// Splits a record of one line, which must have so many cells.
    fn split_one(&mut self, line: &str, n_expected: usize) -> Fit {
        let (n_read, n_cells) = self.split(line.as_bytes(), n_expected)?;
        if n_cells != n_expected {
            let more = if n_cells > n_expected { " or more" } else { "" };
            return Err(Misfit::whole(format!("expected {n_expected} fields, found {n_cells}{more}")));
        }
        if line.as_bytes()[n_read..].iter().any(|byte| !byte.is_ascii_whitespace()) {
            return Err(Misfit::whole("more than one line"));
        }
        Ok(())
    }

    /// Splits the first line; answers where it ends, and how many cells it has. One more than expected is told apart.
    fn split(&mut self, line: &[u8], n_expected: usize) -> Fit<(usize, usize)> {
        self.reader.reset();
        self.text.resize(self.text.len().max(line.len() + 1), 0);
        self.ends.resize(self.ends.len().max(n_expected + 1), 0);
        let ends = &mut self.ends[..n_expected + 1];
        let (mut n_read, mut n_text, mut n_cells) = (0, 0, 0);
        loop {
            // At the end of the line the reader is given nothing more, which tells it that the record ends.
            let (result, read, text, cells) =
                self.reader.read_record(&line[n_read..], &mut self.text[n_text..], &mut ends[n_cells..]);
            n_read += read;
            n_text += text;
            n_cells += cells;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End | ReadRecordResult::OutputEndsFull => {
                    return Ok((n_read, n_cells));
                }
                ReadRecordResult::OutputFull => unreachable!("cells are never longer than their line"),
            }
        }
    }
}

impl Target {
    fn new(name: &str, column: Option<usize>) -> Target {
        let mut key = String::new();
        write::text(&mut key, name);
        Target { name: name.to_owned(), key, column }
    }
}

fn cell(text: &[u8], start: usize, end: usize) -> &str {
    std::str::from_utf8(&text[start..end]).expect("delimiters and quotes do not split characters")
}

/// Reads a cell; an empty one is null, except that it is an empty text.
fn read_cell(cell: &str, column: &mut Column, is_required: bool, slot: Slot, rest: &mut String) -> Fit {
    if let Values::Text(values) = &mut column.values {
        values.text.push_str(cell);
        values.end();
        column.value_added();
        return Ok(());
    }
    let cell = cell.trim();
    if cell.is_empty() {
        if is_required {
            return Err(Misfit::value("required field is empty"));
        }
        column.push_null();
        return Ok(());
    }
    match &mut column.values {
        Values::Boolean(values) => values.append(boolean(cell)?),
        Values::Int(values) => values.push(whole(&number_in(cell)?, "INT")?),
        Values::BigInt(values) => values.push(whole(&number_in(cell)?, "BIGINT")?),
        Values::UnsignedBigInt(values) => values.push(whole(&number_in(cell)?, "BIGINT UNSIGNED")?),
        Values::Real(values) => values.push(real(&number_in(cell)?)?),
        Values::Double(values) => values.push(number_in(cell)?.double()),
        Values::Decimal { unscaled, precision, scale } => unscaled.push(decimal(&number_in(cell)?, *precision, *scale)?),
        Values::Timestamp(values, TimeFormat::Rfc3339) => values.push(time::rfc3339(cell)?),
        Values::Timestamp(values, format) => values.push(time::epoch(&number_in(cell)?, *format)?),
        Values::Date(values) => values.push(time::date(cell)?),
        Values::Text(_) | Values::Json(_) | Values::Struct(_) | Values::List { .. } => {
            let mut scan = Scan::open(cell.as_bytes())?;
            value(&mut scan, column, is_required, slot, rest)?;
            return scan.end();
        }
    }
    column.value_added();
    Ok(())
}

fn boolean(cell: &str) -> Fit<bool> {
    match cell {
        "true" | "TRUE" | "True" => Ok(true),
        "false" | "FALSE" | "False" => Ok(false),
        _ => Err(Misfit::value(format!("expected a boolean, found text {}", shown(cell)))),
    }
}
