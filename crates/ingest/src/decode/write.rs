//! Values of other formats as the JSON text that the scanner reads into columns.
//!
//! Every digit is written; a column that takes less says so by the same rules as for JSON.

use super::misfit::{Fit, Misfit};
use super::shape::Shape;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use helios_contract::column::{ColumnType, TimeFormat};
use std::fmt::Write;

/// Objects and lists inside each other, as the scanner takes them.
pub(crate) const DEPTH_MAX: usize = 128;

/// A record that becomes more text than this is one that was made to harm.
pub(crate) const TEXT_BYTES_MAX: usize = 64 << 20;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i128 = 86_400;

/// A decimal of more bytes than this has more digits than anybody has use for.
const DECIMAL_BYTES_MAX: usize = 1_024;

/// A moment as it was sent: nanoseconds since 1970, and how many of nine decimal places the number on the wire leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    pub nanos: i128,
    pub wire_scale: u32,
}

impl Instant {
    /// A number of units of `10^-(9 - wire_scale)` seconds: 6 for milliseconds, 3 for microseconds, 0 for nanoseconds.
    pub fn of(number: i64, wire_scale: u32) -> Instant {
        Instant { nanos: i128::from(number) * 10_i128.pow(wire_scale), wire_scale }
    }

    /// Seconds and nanoseconds.
    pub fn of_seconds(seconds: i64, nanos: i64) -> Instant {
        Instant { nanos: i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanos), wire_scale: 9 }
    }
}

/// Text in quotes.
pub(crate) fn text(out: &mut String, text: &str) {
    out.push('"');
    // Without a way out of the loop it looks at many bytes at a time.
    let is_plain = text.bytes().fold(true, |plain, byte| plain & !must_be_escaped(byte));
    if is_plain {
        out.push_str(text)
    } else {
        escaped(out, text)
    }
    out.push('"');
}

fn escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(must_be_escaped) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            byte @ (b'"' | b'\\') => out.extend(['\\', char::from(byte)]),
            byte => append(out, format_args!("\\u{byte:04x}")),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

fn must_be_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Bytes as base64 text.
pub(crate) fn bytes(out: &mut String, bytes: &[u8]) {
    out.push('"');
    STANDARD.encode_string(bytes, out);
    out.push('"');
}

/// A number that `Display` writes as JSON does.
pub(crate) fn number(out: &mut String, number: impl std::fmt::Display) {
    append(out, format_args!("{number}"));
}

/// A 64-bit float, in the fewest digits that give it back; JSON has no other way for those that are no numbers than text.
pub(crate) fn double(out: &mut String, number: f64) {
    match number.is_finite() {
        true => append(out, format_args!("{number:?}")),
        false => out.push_str(not_a_number(number)),
    }
}

/// A 32-bit float, likewise.
pub(crate) fn float(out: &mut String, number: f32) {
    match number.is_finite() {
        true => append(out, format_args!("{number:?}")),
        false => out.push_str(not_a_number(f64::from(number))),
    }
}

fn not_a_number(number: f64) -> &'static str {
    match number {
        n if n.is_nan() => "\"NaN\"",
        n if n > 0.0 => "\"Infinity\"",
        _ => "\"-Infinity\"",
    }
}

/// A moment: a number where the column reads numbers, otherwise RFC 3339.
pub(crate) fn instant(out: &mut String, instant: Instant, shape: &Shape) {
    let Instant { nanos, wire_scale } = instant;
    match shape {
        Shape::Number => scaled(out, nanos, wire_scale),
        Shape::Epoch(format) => scaled(out, nanos, n_places(*format)),
        _ => {
            let (seconds, nanos) = (nanos.div_euclid(NANOS_PER_SECOND), nanos.rem_euclid(NANOS_PER_SECOND));
            out.push('"');
            civil(out, seconds.div_euclid(SECONDS_PER_DAY));
            out.push('T');
            clock(out, seconds.rem_euclid(SECONDS_PER_DAY), nanos);
            out.push_str("Z\"");
        }
    }
}

/// A date, given as days since 1970.
pub(crate) fn date(out: &mut String, days: i64, shape: &Shape) {
    match shape {
        Shape::Number => number(out, days),
        Shape::Epoch(format) => {
            scaled(out, i128::from(days) * SECONDS_PER_DAY * NANOS_PER_SECOND, n_places(*format));
        }
        _ => {
            out.push('"');
            civil(out, i128::from(days));
            out.push('"');
        }
    }
}

/// A time of day, given in units of `10^-(9 - wire_scale)` seconds.
pub(crate) fn time_of_day(out: &mut String, units: i64, wire_scale: u32, shape: &Shape) {
    let nanos = i128::from(units) * 10_i128.pow(wire_scale);
    if *shape == Shape::Number || !(0..SECONDS_PER_DAY * NANOS_PER_SECOND).contains(&nanos) {
        return number(out, units);
    }
    out.push('"');
    clock(out, nanos / NANOS_PER_SECOND, nanos % NANOS_PER_SECOND);
    out.push('"');
}

/// `unscaled * 10^-scale`, where `unscaled` is a big-endian number with a sign.
pub(crate) fn decimal(out: &mut String, unscaled: &[u8], scale: usize, shape: &Shape) -> Fit {
    if unscaled.len() > DECIMAL_BYTES_MAX || scale > DECIMAL_BYTES_MAX {
        return Err(Misfit::value(format!("a decimal of {} bytes and scale {scale} is too long", unscaled.len())));
    }
    let (is_negative, digits) = digits(unscaled);
    let quote = if *shape == Shape::Text { "\"" } else { "" };
    out.push_str(quote);
    out.push_str(if is_negative { "-" } else { "" });
    // One digit at least stands before the point.
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(fraction);
    }
    out.push_str(quote);
    Ok(())
}

/// A UUID of 16 bytes.
pub(crate) fn uuid(out: &mut String, bytes: &[u8; 16]) {
    let hex = u128::from_be_bytes(*bytes);
    let hex = format!("{hex:032x}");
    append(out, format_args!("\"{}-{}-{}-{}-{}\"", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]));
}

/// The decimal digits of a big-endian two's complement number, and whether it is below zero.
fn digits(unscaled: &[u8]) -> (bool, String) {
    let is_negative = unscaled.first().is_some_and(|byte| byte & 0x80 != 0);
    if unscaled.len() <= 16 {
        let mut wide = [if is_negative { 0xff } else { 0 }; 16];
        wide[16 - unscaled.len()..].copy_from_slice(unscaled);
        return (is_negative, i128::from_be_bytes(wide).unsigned_abs().to_string());
    }
    let mut magnitude = unscaled.to_vec();
    if is_negative {
        let mut carry = true;
        for byte in magnitude.iter_mut().rev() {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    // Divided by ten again and again; the remainders are the digits, the last one first.
    let mut digits = Vec::new();
    while magnitude.iter().any(|byte| *byte != 0) {
        let mut rest = 0_u16;
        for byte in &mut magnitude {
            let part = rest << 8 | u16::from(*byte);
            (*byte, rest) = (u8::try_from(part / 10).expect("the rest is below ten"), part % 10);
        }
        digits.push(b'0' + u8::try_from(rest).expect("the rest is below ten"));
    }
    digits.reverse();
    (is_negative, if digits.is_empty() { "0".to_owned() } else { digits.into_iter().map(char::from).collect() })
}

/// How many of the nine decimal places of a second a number in this format leaves out.
fn n_places(format: TimeFormat) -> u32 {
    match format {
        TimeFormat::EpochSeconds => 9,
        TimeFormat::EpochMillis => 6,
        TimeFormat::EpochMicros => 3,
        TimeFormat::EpochNanos | TimeFormat::Rfc3339 => 0,
    }
}

/// `number / 10^n_places`, with no more decimal places than it takes.
fn scaled(out: &mut String, value: i128, n_places: u32) {
    let unit = 10_u128.pow(n_places);
    let (whole, fraction) = (value.unsigned_abs() / unit, value.unsigned_abs() % unit);
    out.push_str(if value < 0 { "-" } else { "" });
    number(out, whole);
    if fraction > 0 {
        let fraction = format!("{fraction:0width$}", width = n_places as usize);
        out.push('.');
        out.push_str(fraction.trim_end_matches('0'));
    }
}

/// `YYYY-MM-DD` for days since 1970; years of other than four digits are written with their sign.
fn civil(out: &mut String, days: i128) {
    // Years that start in March put the leap day last (Hinnant, "chrono-compatible low-level date algorithms").
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i128::from(month <= 2);
    match (0..=9_999).contains(&year) {
        true => append(out, format_args!("{year:04}-{month:02}-{day:02}")),
        false => append(out, format_args!("{year:+06}-{month:02}-{day:02}")),
    }
}

/// `HH:MM:SS.fraction`
fn clock(out: &mut String, seconds: i128, nanos: i128) {
    append(out, format_args!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60));
    if nanos > 0 {
        let fraction = format!("{nanos:09}");
        out.push('.');
        out.push_str(fraction.trim_end_matches('0'));
    }
}

fn append(out: &mut String, arguments: std::fmt::Arguments) {
    out.write_fmt(arguments).expect("writing to a String cannot fail");
}

/// Says that a record that has become `out` is not worth more.
pub(crate) fn check_size(out: &str) -> Fit {
    match out.len() > TEXT_BYTES_MAX {
        true => Err(Misfit::whole(format!("expands to more than {} MiB", TEXT_BYTES_MAX >> 20))),
        false => Ok(()),
    }
}

/// Says that values are nested too deeply.
pub(crate) fn check_depth(depth: usize) -> Fit {
    match depth > DEPTH_MAX {
        true => Err(Misfit::whole(format!("nested deeper than {DEPTH_MAX} levels"))),
        false => Ok(()),
    }
}

/// The column for decimals of so many digits; text where there is none so wide, which loses nothing either.
pub(crate) fn decimal_column(precision: usize, scale: usize) -> ColumnType {
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision as i8 => ColumnType::Decimal(precision, scale),
        _ => ColumnType::Text,
    }
}

/// A length of time: seconds as a number where the column reads numbers, otherwise text like `1.5s`.
pub(crate) fn duration(out: &mut String, duration: Instant, shape: &Shape) {
    match shape {
        Shape::Number => scaled(out, duration.nanos, duration.wire_scale),
        _ => {
            out.push('"');
            scaled(out, duration.nanos, duration.wire_scale);
            out.push_str("s\"");
        }
    }
}
