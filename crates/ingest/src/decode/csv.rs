//! CSV records: one line each, cells in column order, read by the same rules as JSON values.

use super::column::{Column, Values};
use super::fields::Fields;
use super::json::{Slot, decimal, number_in, real, value, whole};
use super::misfit::{Fit, Misfit, shown};
use super::place::Place;
use super::scan::{Scan, utf8};
use super::time;
use csv_core::ReadRecordResult;
use helios_contract::column::TimeFormat;

/// Splits lines into cells; keeps its buffers from line to line.
pub(crate) struct Cells {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    pub fn new(n_columns: usize) -> Cells {
        Cells { reader: csv_core::Reader::new(), text: Vec::new(), ends: vec![0; n_columns + 1] }
    }

    /// Reads one record into `fields`; fields of nested objects without a column go to `rest`.
    pub fn read(&mut self, payload: &[u8], fields: &mut Fields, rest: &mut String) -> Fit {
        let line = utf8(payload)?.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            return Err(Misfit::whole("empty record"));
        }
        let n_cells = self.split(line.as_bytes())?;
        let n_columns = fields.columns.len();
        if n_cells != n_columns {
            let more = if n_cells > n_columns { " or more" } else { "" };
            return Err(Misfit::whole(format!("expected {n_columns} fields, found {n_cells}{more}")));
        }
        let place = Place::record();
        let mut start = 0;
        for (i, (name, column)) in fields.names.iter().zip(&mut fields.columns).enumerate() {
            let cell = std::str::from_utf8(&self.text[start..self.ends[i]]).expect("commas and quotes do not split characters");
            start = self.ends[i];
            let slot = Slot::Field(&place, &name.key);
            read_cell(cell, column, name.is_required, slot, rest).map_err(|misfit| misfit.in_cell(&name.name))?;
        }
        place.close(rest);
        fields.end_row(n_columns)
    }

    /// How many cells the line has; at most one more than there are columns is told apart.
    fn split(&mut self, line: &[u8]) -> Fit<usize> {
        self.reader.reset();
        self.text.resize(self.text.len().max(line.len() + 1), 0);
        let (mut n_read, mut n_text, mut n_cells) = (0, 0, 0);
        loop {
            // At the end of the line the reader is given nothing more, which tells it that the record ends.
            let (result, read, text, cells) =
                self.reader.read_record(&line[n_read..], &mut self.text[n_text..], &mut self.ends[n_cells..]);
            n_read += read;
            n_text += text;
            n_cells += cells;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputEndsFull => return Ok(n_cells),
                ReadRecordResult::OutputFull => unreachable!("cells are never longer than their line"),
            }
        }
        if line[n_read..].iter().any(|byte| !byte.is_ascii_whitespace()) {
            return Err(Misfit::whole("more than one line"));
        }
        Ok(n_cells)
    }
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
