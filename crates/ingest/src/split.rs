//! A pushed body, cut into records without copying it (CSV aside).
//!
//! Only as much is understood here as is needed to find where records begin and end: what is wrong inside a record is for
//! the decoder to say, so that it costs that record and no other.

use crate::decode::Number;
use crate::decode::scan::Scan;
use crate::format::{Dialect, Names, is_registered};
use bytes::Bytes;
use helios_contract::column::{ColumnType, TimeFormat};
use helios_contract::error::nearest;
use helios_contract::query::BodyFormat;
use helios_contract::stream::{Format, StreamDefinition};
use helios_contract::{Error, Result};
use memchr::{memchr, memchr_iter, memchr3};
use std::ops::Range;

#[cfg(test)]
mod tests;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The records of a body, as payloads for the decoder of `stream`; none for an empty body.
///
/// # Errors
/// `Invalid` when the body has no such structure: nothing of it may be taken.
pub(crate) fn records(body: &Bytes, format: BodyFormat, stream: &StreamDefinition) -> Result<Vec<Bytes>> {
    match (stream.format, format) {
        (Format::Text, _) => Ok(text(body)),
        // These say nothing about where a record ends, or about its compression: a body is a record.
        (Format::Msgpack | Format::Avro | Format::Protobuf | Format::CloudwatchLogs, _) => Ok(whole(body)),
        _ if is_registered(stream) => Ok(whole(body)),
        (Format::Json | Format::Csv | Format::Tsv, BodyFormat::Json) => json(body),
        (Format::Json | Format::Csv | Format::Tsv, BodyFormat::Csv) => csv(body, stream),
    }
}

fn whole(body: &Bytes) -> Vec<Bytes> {
    if body.is_empty() { Vec::new() } else { vec![body.clone()] }
}

/// One record a line, as it stands; lines without a character are none.
fn text(body: &Bytes) -> Vec<Bytes> {
    let ends = memchr_iter(b'\n', body).chain([body.len()]);
    let lines = ends.scan(0, |next, end| Some(std::mem::replace(next, end + 1)..end));
    lines.map(|line| body.slice(line)).filter(|line| !matches!(line.as_ref(), b"" | b"\r")).collect()
}

/// Records in an array, one a line, or one after the other in any layout.
///
/// Where the first line is not an object by itself, the body is either objects spread over lines, or lines of which the first is
/// bad. It is the latter if objects cannot be told apart, but a later line is one.
fn json(body: &Bytes) -> Result<Vec<Bytes>> {
    let start = if body.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let start = skip_blank(body, start);
    let first_line = start..memchr(b'\n', &body[start..]).map_or(body.len(), |n| start + n);
    match body.get(start) {
        Some(b'[') => array(body, start),
        Some(b'{') if !is_object(&body[first_line]) => Ok(match objects(body, start) {
            Some(records) => records,
            None if memchr_iter(b'\n', body).any(|end_of_line| starts_object(&body[end_of_line + 1..])) => lines(body, start),
            None => vec![body.slice(trimmed(body, start..body.len()))],
        }),
        _ => Ok(lines(body, start)),
    }
}

/// Whether the first line of `text` is an object by itself.
fn starts_object(text: &[u8]) -> bool {
    text.first() == Some(&b'{') && is_object(&text[..memchr(b'\n', text).unwrap_or(text.len())])
}

fn is_object(line: &[u8]) -> bool {
    object_end(line, 0).is_some_and(|end| skip_blank(line, end) == line.len())
}

fn lines(body: &Bytes, start: usize) -> Vec<Bytes> {
    let ends = memchr_iter(b'\n', &body[start..]).map(|n| start + n).chain([body.len()]);
    let lines = ends.scan(start, |next, end| Some(std::mem::replace(next, end + 1)..end));
    lines.map(|line| trimmed(body, line)).filter(|line| !line.is_empty()).map(|line| body.slice(line)).collect()
}

/// Objects one after the other; `None` when the body is not that.
fn objects(body: &Bytes, start: usize) -> Option<Vec<Bytes>> {
    let mut records = Vec::new();
    let mut at = start;
    while at < body.len() {
        let end = object_end(body, at)?;
        records.push(body.slice(at..end));
        at = skip_blank(body, end);
    }
    Some(records)
}

/// Where the object that starts at `at` ends; `None` when there is none, or it is cut off.
fn object_end(text: &[u8], mut at: usize) -> Option<usize> {
    if text.get(at) != Some(&b'{') {
        return None;
    }
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => (depth, at) = (depth - 1, at + 1),
            _ => at += 1,
        }
    }
}

/// The items of the array that starts at `start`.
fn array(body: &Bytes, start: usize) -> Result<Vec<Bytes>> {
    let broken = |at: usize, what: &str| {
        Error::invalid(format!("cannot split the JSON array into records: {what} at byte {at}"))
            .hint("Send a whole array of objects, or one object a line; nothing of this body was taken.")
    };
    let mut records = Vec::new();
    let mut at = skip_blank(body, start + 1);
    while body.get(at) != Some(&b']') || !records.is_empty() {
        let end = item_end(body, at).ok_or_else(|| broken(body.len(), "it is cut off"))?;
        let item = trimmed(body, at..end);
        if item.is_empty() {
            return Err(broken(end, "an item is missing"));
        }
        records.push(body.slice(item));
        at = end;
        match body[end] {
            b',' => at += 1,
            b']' => break,
            _ => return Err(broken(end, "a bracket does not match")),
        }
    }
    let end = skip_blank(body, at + 1);
    if end < body.len() { Err(broken(end, "something follows its end")) } else { Ok(records) }
}

/// Where the item of an array that starts at `at` ends: at a comma or a closing bracket; `None` when it is cut off.
fn item_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
            b',' | b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => (depth, at) = (depth - 1, at + 1),
            _ => at += 1,
        }
    }
}

/// After the closing quote of the string that opens at `start`; `None` when its line ends first.
fn string_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr3(b'"', b'\\', b'\n', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => return None,
        }
    }
}

fn skip_blank(text: &[u8], at: usize) -> usize {
    text.len() - text[at.min(text.len())..].trim_ascii_start().len()
}

fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let start = skip_blank(&text[..range.end], range.start);
    start..start + text[start..range.end].trim_ascii_end().len()
}

/// The rows after the header line, as the stream's format has them: JSON objects, or lines with cells in column order.
fn csv(body: &Bytes, stream: &StreamDefinition) -> Result<Vec<Bytes>> {
    let dialect = Dialect::of(stream);
    let mut reader = dialect.reader(body);
    let header: Vec<String> = reader.headers().map_err(broken_csv)?.iter().map(|name| name.trim().to_owned()).collect();
    if header.is_empty() {
        return Ok(Vec::new());
    }
    check_header(&header, stream, &dialect)?;
    let types: Vec<Option<&ColumnType>> = header
        .iter()
        .map(|name| stream.columns.iter().find(|column| column.name == *name).map(|column| &column.data_type))
        .collect();
    let cell = |wanted: &str| header.iter().position(|name| name == wanted);
    let cells: Vec<Option<usize>> = match &dialect.names {
        Names::Columns => stream.columns.iter().map(|column| cell(&column.name)).collect(),
        Names::Given(names) => names.iter().map(|name| cell(name)).collect(),
        Names::InRecord => (0..header.len()).map(Some).collect(),
    };
    let mut text = Vec::new();
    let mut ends = Vec::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(broken_csv)? {
        if stream.format == Format::Json {
            write_object(&mut text, &header, &types, &row);
        } else {
            if dialect.names == Names::InRecord {
                write_line(&mut text, &dialect, header.iter().map(String::as_str));
            }
            write_line(&mut text, &dialect, cells.iter().map(|cell| cell.and_then(|i| row.get(i)).unwrap_or("")));
        }
        ends.push(text.len());
    }
    let text = Bytes::from(text);
    let mut start = 0;
    Ok(ends.into_iter().map(|end| text.slice(std::mem::replace(&mut start, end)..end)).collect())
}

fn broken_csv(e: csv::Error) -> Error {
    Error::invalid(format!("cannot split the CSV body into records: {e}"))
        .hint("Every line needs as many fields as the header; nothing of this body was taken.")
}

/// A header that shares no name with the columns is most likely a row.
fn check_header(header: &[String], stream: &StreamDefinition, dialect: &Dialect) -> Result<()> {
    let names = || match &dialect.names {
        Names::Given(names) => names.iter().map(String::as_str).collect::<Vec<_>>(),
        Names::Columns | Names::InRecord => stream.columns.iter().map(|column| column.name.as_str()).collect(),
    };
    let is_column = |name: &&String| names().contains(&name.as_str());
    if let Some((i, name)) = header.iter().enumerate().find(|(i, name)| header[..*i].contains(name)) {
        return Err(Error::invalid(format!("the CSV header names '{name}' twice, the second time as field {}", i + 1)));
    }
    let unknown = header.iter().find(|name| !is_column(name));
    // Lines whose fields are known by their order have no place for further ones.
    let has_place = stream.format == Format::Json || dialect.names == Names::InRecord;
    let refused = unknown.filter(|_| !has_place || !header.iter().any(|name| is_column(&name)));
    let Some(name) = refused else { return Ok(()) };
    let hint = match nearest(name, names()) {
        Some(column) => format!("Did you mean '{column}'?"),
        None => format!("The first line must name columns of {}: {}.", stream.name, names().join(", ")),
    };
    Err(Error::invalid(format!("the CSV header names '{name}', which is no column of {}", stream.name)).hint(hint))
}

fn write_object(out: &mut Vec<u8>, header: &[String], types: &[Option<&ColumnType>], row: &csv::StringRecord) {
    out.push(b'{');
    let mut separator: &[u8] = b"";
    for ((name, column_type), cell) in header.iter().zip(types).zip(row) {
        if cell.trim().is_empty() && *column_type != Some(&ColumnType::Text) {
            continue;
        }
        out.extend_from_slice(separator);
        write_text(out, name);
        out.push(b':');
        match column_type.and_then(|column_type| bare_json(cell.trim(), column_type)) {
            Some(json) => out.extend_from_slice(json.as_bytes()),
            None => write_text(out, cell),
        }
        separator = b",";
    }
    out.push(b'}');
}

/// The cell as a JSON value that is not text, where the column asks for one and the cell is one.
fn bare_json<'a>(cell: &'a str, column_type: &ColumnType) -> Option<&'a str> {
    match column_type {
        ColumnType::Boolean => match cell {
            "true" | "TRUE" | "True" => Some("true"),
            "false" | "FALSE" | "False" => Some("false"),
            _ => None,
        },
        ColumnType::Json | ColumnType::Struct(_) | ColumnType::List(_) => {
            let mut scan = Scan::open(cell.as_bytes()).ok()?;
            scan.copy(&mut String::new()).and_then(|()| scan.end()).ok().map(|()| cell)
        }
        ColumnType::Text | ColumnType::Date | ColumnType::Timestamp(TimeFormat::Rfc3339) => None,
        _ => Number::parse(cell).map(|number| number.raw()),
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("text is always JSON, and memory takes it");
}

fn write_line<'c>(out: &mut Vec<u8>, dialect: &Dialect, cells: impl Iterator<Item = &'c str>) {
    const BUFFER_BYTES: usize = 256;
    let mut writer = dialect.writer(BUFFER_BYTES, out);
    writer.write_record(cells).and_then(|()| Ok(writer.flush()?)).expect("memory takes every record");
}
