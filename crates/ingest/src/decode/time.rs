//! Timestamps and dates, as microseconds and days since 1970.

use super::misfit::{Fit, Misfit, shown};
use super::number::Number;
use helios_contract::column::TimeFormat;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z.
const MICROS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// Reads `2026-11-21T09:18:00.25+01:00`. A space may stand for the `T`; without a zone it is UTC. Digits after the
/// microseconds are cut, so that no event moves into the next second, hour or day.
pub(crate) fn rfc3339(text: &str) -> Fit<i64> {
    match parse_rfc3339(text.as_bytes()) {
        Some(micros) if MICROS.contains(&micros) => Ok(micros),
        Some(micros) => Err(out_of_range(i128::from(micros))),
        None => Err(not_rfc3339(text)),
    }
}

/// Reads a number of seconds, milliseconds, microseconds or nanoseconds since 1970.
pub(crate) fn epoch(number: &Number, format: TimeFormat) -> Fit<i64> {
    let scale = match format {
        TimeFormat::EpochSeconds => 6,
        TimeFormat::EpochMillis => 3,
        TimeFormat::EpochMicros => 0,
        TimeFormat::EpochNanos => -3,
        TimeFormat::Rfc3339 => unreachable!("numbers are not read as RFC 3339"),
    };
    let Some(micros) = number.truncated(scale) else {
        return Err(Misfit::value(format!("timestamp out of range: {}", number.raw())));
    };
    i64::try_from(micros).ok().filter(|micros| MICROS.contains(micros)).ok_or_else(|| out_of_range(micros))
}

/// Reads `2026-11-21`.
pub(crate) fn date(text: &str) -> Fit<i32> {
    let days = text.as_bytes().first_chunk::<10>().filter(|_| text.len() == 10).and_then(days);
    let days = days.ok_or_else(|| Misfit::value(format!("expected a date like 2026-11-21, found {}", shown(text))))?;
    Ok(i32::try_from(days).expect("four-digit years are within 32 bits of days"))
}

#[inline]
fn parse_rfc3339(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_first_chunk::<10>()?;
    let (time, rest) = rest.split_first_chunk::<9>()?;
    let [b'T' | b't' | b' ', h1, h0, b':', m1, m0, b':', s1, s0] = *time else { return None };
    let (hour, minute, second) = (two(h1, h0)?, two(m1, m0)?, two(s1, s0)?);
    // A leap second is the first moment of the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (micros, zone) = fraction(rest)?;
    let seconds = days(date)? * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - offset_seconds(zone)?;
    Some(seconds * MICROS_PER_SECOND + micros)
}

/// Days since 1970 of `YYYY-MM-DD`, by the Gregorian calendar.
#[inline]
fn days(text: &[u8; 10]) -> Option<i64> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = *text else { return None };
    let (year, month, day) = (two(y3, y2)? * 100 + two(y1, y0)?, two(m1, m0)?, two(d1, d0)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let n_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(is_leap),
        _ => return None,
    };
    if day < 1 || day > n_days {
        return None;
    }
    // Years that start in March put the leap day last (Hinnant, "chrono-compatible low-level date algorithms").
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Microseconds of `.25`, and what follows.
#[inline]
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.' | b',', digits)) = text.split_first() else { return Some((0, text)) };
    let n_digits = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if n_digits == 0 {
        return None;
    }
    let (digits, zone) = digits.split_at(n_digits);
    let micros = (0..6).fold(0, |micros, i| micros * 10 + digits.get(i).map_or(0, |digit| i64::from(digit - b'0')));
    Some((micros, zone))
}

/// `Z`, `+01:00`, `+0100`, `+01`, or nothing.
#[inline]
fn offset_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h1, h0] => (sign, two(h1, h0)?, 0),
        [sign, h1, h0, m1, m0] | [sign, h1, h0, b':', m1, m0] => (sign, two(h1, h0)?, two(m1, m0)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    match sign {
        b'+' => Some(hours * 3600 + minutes * 60),
        b'-' => Some(-(hours * 3600 + minutes * 60)),
        _ => None,
    }
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then_some(i64::from(tens) * 10 + i64::from(ones))
}

/// Years of other than four digits are dates nobody means: say so, instead of speaking of the format.
#[cold]
fn not_rfc3339(text: &str) -> Box<Misfit> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let n_digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    if n_digits > 4 && unsigned[n_digits..].starts_with('-') {
        return Misfit::value(format!(
            "timestamp out of range: year {}",
            &text[..text.len() - unsigned.len() + n_digits.min(20)]
        ));
    }
    Misfit::value(format!("expected an RFC 3339 timestamp, found text {}", shown(text)))
}

#[cold]
fn out_of_range(micros: i128) -> Box<Misfit> {
    // Counted from the year 0 in years of average length, which is exact where it matters: at multiples of 400 years.
    const MICROS_PER_YEAR: i128 = 31_556_952_000_000;
    const MICROS_BEFORE_1970: i128 = 719_528 * SECONDS_PER_DAY as i128 * MICROS_PER_SECOND as i128;
    Misfit::value(format!(
        "timestamp out of range: year {}",
        micros.saturating_add(MICROS_BEFORE_1970).div_euclid(MICROS_PER_YEAR)
    ))
}
