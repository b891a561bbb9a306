//! Values of a column out of `_rest`, where its field stood before there was a column, or stands under another name.

use super::column::Column;
use super::json::{self, Slot};
use super::misfit::Fit;
use super::place::Place;
use super::scan::Scan;
use arrow::array::{Array, ArrayRef, StringArray};
use helios_contract::column;

/// For each row the first value that stands at one of the column's places and fits; else null.
pub fn backfill(column: &column::Column, rest: &StringArray) -> ArrayRef {
    let mut values = Column::new(&column.data_type);
    for row in 0..rest.len() {
        let found = rest.is_valid(row) && column.from.iter().any(|place| read_at(rest.value(row), place, &mut values));
        if !found {
            values.push_null();
        }
    }
    values.finish()
}

/// Adds the value at `place`; false, and nothing added, when there is none that fits.
fn read_at(rest: &str, place: &str, values: &mut Column) -> bool {
    let n_before = values.len();
    let read = Scan::open(rest.as_bytes()).and_then(|mut scan| descend(&mut scan, place, values));
    match read {
        Ok(true) => true,
        Ok(false) => false,
        Err(_) => {
            values.truncate(n_before);
            false
        }
    }
}

// A name may hold dots itself, so the path is matched from the left, name by name.
fn descend(scan: &mut Scan, path: &str, values: &mut Column) -> Fit<bool> {
    if scan.peek() != b'{' {
        return scan.copy(&mut String::new()).map(|()| false);
    }
    scan.enter()?;
    let mut more = !scan.is_empty(b'}');
    while more {
        let key = scan.key()?;
        let name = key.text();
        match path.strip_prefix(name.as_ref()) {
            Some("") if scan.peek() == b'n' => scan.word("null")?,
            Some("") => {
                let record = Place::record();
                json::value(scan, values, false, Slot::Field(&record, key.source), &mut String::new())?;
                return Ok(true);
            }
            Some(inner) if inner.starts_with('.') && descend(scan, &inner[1..], values)? => return Ok(true),
            // It was read to its end in search of the rest of the path.
            Some(inner) if inner.starts_with('.') => {}
            _ => scan.copy(&mut String::new())?,
        }
        more = scan.another(b'}')?;
    }
    Ok(false)
}

/// One value of the column from its JSON text.
pub(crate) fn single(column: &column::Column, json: &str) -> Result<ArrayRef, String> {
    let mut values = Column::new(&column.data_type);
    let read = Scan::open(json.as_bytes()).and_then(|mut scan| {
        let record = Place::record();
        json::value(&mut scan, &mut values, false, Slot::Item(&record, 0), &mut String::new())?;
        scan.end()
    });
    read.map_err(|misfit| misfit.reason())?;
    Ok(values.finish())
}
