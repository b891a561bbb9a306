//! JSON records, one pass: bytes to columns without a tree or an allocation in between.

use super::column::{Column, Values, list_end};
use super::fields::{Fields, Key};
use super::misfit::{Fit, Misfit, shown};
use super::number::Number;
use super::place::Place;
use super::scan::Scan;
use super::time;
use helios_contract::column::TimeFormat;

/// Reads one record into `fields`; what has no column goes to `rest`. After an error, both hold what was read so far.
pub(crate) fn read(payload: &[u8], fields: &mut Fields, rest: &mut String) -> Fit {
    let mut scan = Scan::open(payload)?;
    match scan.peek() {
        b'{' => object(&mut scan, fields, &Place::record(), rest)?,
        _ if scan.is_at_end() => return Err(Misfit::whole("empty record")),
        _ => return Err(scan.mismatch("an object")),
    }
    scan.end()
}

/// Where a value stands: in a field of an object, or in a list.
#[derive(Clone, Copy)]
pub(crate) enum Slot<'p> {
    /// The field's name as JSON writes it.
    Field(&'p Place<'p>, &'p str),
    /// The item's index.
    Item(&'p Place<'p>, usize),
}

impl<'p> Slot<'p> {
    fn place(self, is_list: bool) -> Place<'p> {
        match self {
            Slot::Field(parent, key) => Place::field(parent, key, is_list),
            Slot::Item(parent, index) => Place::item(parent, index, is_list),
        }
    }
}

/// Reads an object, one value or null for each column. Where a field is repeated, the last value counts.
fn object(scan: &mut Scan, fields: &mut Fields, place: &Place, rest: &mut String) -> Fit {
    scan.enter()?;
    let row = fields.n_rows();
    let Fields { names, columns, successors, .. } = fields;
    let mut n_found = 0;
    let mut previous = 0;
    let mut more = !scan.is_empty(b'}');
    while more {
        match successors.key(names, scan, previous)? {
            Key::Column(i) => {
                let (name, column) = (&names[i], &mut columns[i]);
                if column.len() > row {
                    column.truncate(row);
                    n_found -= 1;
                }
                let slot = Slot::Field(place, &name.key);
                value(scan, column, name.is_required, slot, rest).map_err(|misfit| misfit.in_field(&name.name))?;
                n_found += 1;
                previous = i + 1;
            }
            Key::Unknown(key) => {
                place.write_key(rest, key.source);
                scan.copy(rest).map_err(|misfit| misfit.in_field(&key.text()))?;
            }
        }
        more = scan.another(b'}')?;
    }
    place.close(rest);
    fields.end_row(n_found)
}

fn list(scan: &mut Scan, ends: &mut Vec<i32>, item: &mut Column, place: &Place, rest: &mut String) -> Fit {
    scan.enter()?;
    let mut index = 0;
    let mut more = !scan.is_empty(b']');
    while more {
        value(scan, item, false, Slot::Item(place, index), rest).map_err(|misfit| misfit.in_item(index))?;
        index += 1;
        more = scan.another(b']')?;
    }
    place.close(rest);
    ends.push(list_end(item));
    Ok(())
}

/// Reads one value into `column`.
#[inline]
pub(crate) fn value(scan: &mut Scan, column: &mut Column, is_required: bool, slot: Slot, rest: &mut String) -> Fit {
    let first = scan.peek();
    if first == b'n' {
        scan.word("null")?;
        if is_required {
            return Err(Misfit::value("required field is null"));
        }
        column.push_null();
        return Ok(());
    }
    match &mut column.values {
        Values::Boolean(values) => values.append(boolean(scan, first)?),
        Values::Int(values) => values.push(integer(scan, first, "INT")?),
        Values::BigInt(values) => values.push(integer(scan, first, "BIGINT")?),
        Values::UnsignedBigInt(values) => values.push(integer(scan, first, "BIGINT UNSIGNED")?),
        Values::Real(values) => values.push(real(&number(scan, first)?)?),
        Values::Double(values) => values.push(number(scan, first)?.double()),
        Values::Decimal { unscaled, precision, scale } => {
            unscaled.push(numeric(scan, first, |number| decimal(number, *precision, *scale))?);
        }
        Values::Text(values) => {
            if first != b'"' {
                return Err(scan.mismatch("text"));
            }
            scan.string()?.append_to(&mut values.text);
            values.end();
        }
        Values::Json(values) => {
            scan.copy(&mut values.text)?;
            values.end();
        }
        Values::Timestamp(values, TimeFormat::Rfc3339) => values.push(rfc3339_value(scan, first)?),
        Values::Timestamp(values, format) => {
            values.push(numeric(scan, first, |number| time::epoch(number, *format))?);
        }
        Values::Date(values) => values.push(date_value(scan, first)?),
        Values::Struct(fields) => {
            if first != b'{' {
                return Err(scan.mismatch("an object"));
            }
            object(scan, fields, &slot.place(false), rest)?;
        }
        Values::List { ends, item } => {
            if first != b'[' {
                return Err(scan.mismatch("an array"));
            }
            list(scan, ends, item, &slot.place(true), rest)?;
        }
    }
    column.value_added();
    Ok(())
}

fn boolean(scan: &mut Scan, first: u8) -> Fit<bool> {
    match first {
        b't' => scan.word("true").map(|()| true),
        b'f' => scan.word("false").map(|()| false),
        _ => Err(scan.mismatch("a boolean")),
    }
}

#[inline]
fn number<'a>(scan: &mut Scan<'a>, first: u8) -> Fit<Number<'a>> {
    match first {
        b'-' | b'0'..=b'9' => scan.number(),
        _ => Err(scan.mismatch("a number")),
    }
}

#[inline]
fn integer<T: TryFrom<i128>>(scan: &mut Scan, first: u8, sql_type: &str) -> Fit<T> {
    whole(&number(scan, first)?, sql_type)
}

/// The integer a number is.
#[inline]
pub(crate) fn whole<T: TryFrom<i128>>(number: &Number, sql_type: &str) -> Fit<T> {
    let Some(whole) = number.whole() else {
        return Err(Misfit::value(format!("expected a whole number, found {}", number.raw())));
    };
    T::try_from(whole).map_err(|_| Misfit::value(format!("out of range for {sql_type}: {}", number.raw())))
}

/// The 32-bit float nearest to a number.
pub(crate) fn real(number: &Number) -> Fit<f32> {
    let real = number.real();
    if real.is_finite() { Ok(real) } else { Err(Misfit::value(format!("out of range for REAL: {}", number.raw()))) }
}

/// A number in units of `10^-scale`, rounded half away from zero.
pub(crate) fn decimal(number: &Number, precision: u8, scale: i8) -> Fit<i128> {
    let limit = 10_i128.pow(u32::from(precision.min(38)));
    number
        .rounded(scale)
        .filter(|unscaled| -limit < *unscaled && *unscaled < limit)
        .ok_or_else(|| Misfit::value(format!("out of range for DECIMAL({precision}, {scale}): {}", number.raw())))
}

fn rfc3339_value(scan: &mut Scan, first: u8) -> Fit<i64> {
    if first != b'"' {
        return Err(scan.mismatch("an RFC 3339 timestamp"));
    }
    time::rfc3339(&scan.string()?.text())
}

/// Reads a number, or text that is one, and makes a value of it.
fn numeric<T>(scan: &mut Scan, first: u8, make: impl FnOnce(&Number) -> Fit<T>) -> Fit<T> {
    if first == b'"' { make(&number_in(&scan.string()?.text())?) } else { make(&number(scan, first)?) }
}

/// The number that `text` is.
pub(crate) fn number_in(text: &str) -> Fit<Number<'_>> {
    Number::parse(text).ok_or_else(|| Misfit::value(format!("expected a number, found text {}", shown(text))))
}

fn date_value(scan: &mut Scan, first: u8) -> Fit<i32> {
    if first != b'"' {
        return Err(scan.mismatch("a date like 2026-11-21"));
    }
    time::date(&scan.string()?.text())
}
