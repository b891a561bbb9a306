//! How a block is divided, so that each part lands in one partition of the remote table: the server then takes it whole or
//! not at all, and never more partitions at once than it allows.

use crate::types::{Type, quoted};
use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use helios_contract::error::{Error, Result};
use helios_contract::stream::TimePart;
use std::collections::BTreeMap;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// The time partitions of a remote table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Division {
    /// Their length; the server's own may be longer.
    pub(crate) unit: TimePart,
    /// The column they are of.
    pub(crate) column: String,
    /// Its type there.
    pub(crate) remote_type: Type,
}

impl Division {
    /// What stands after `PARTITION BY`.
    pub(crate) fn expression(&self) -> String {
        let column = match self.remote_type.inner() {
            Type::Int(_) => format!("toDateTime(intDiv({}, 1000000), 'UTC')", quoted(&self.column)),
            _ => quoted(&self.column),
        };
        match self.unit {
            TimePart::Hour => format!("toStartOfHour({column})"),
            TimePart::Day => format!("toYYYYMMDD({column})"),
            TimePart::Month => format!("toYYYYMM({column})"),
        }
    }

    /// Reads a table's partition key; `None`: it is not divided.
    ///
    /// # Errors
    /// `Invalid` for a key that is not one of time, or of days of a zone of its own.
    pub(crate) fn read(key: &str, remote_type: impl Fn(&str) -> Option<Type>) -> Result<Option<Division>> {
        let key = key.trim();
        if key.is_empty() || key == "tuple()" {
            return Ok(None);
        }
        let wrong = |why: &str| {
            Err(Error::invalid(format!("the table is divided by {key}, {why}: a block could be taken in part"))
                .hint("Divide it by toYYYYMM, toYYYYMMDD or toStartOfHour of a column with the type DateTime64(6, 'UTC'), or not at all."))
        };
        let Some((function, inside)) = key.strip_suffix(')').and_then(|key| key.split_once('(')) else {
            return wrong("which Helios cannot follow");
        };
        let unit = match function {
            "toStartOfHour" => TimePart::Hour,
            "toYYYYMMDD" | "toDate" | "toStartOfDay" | "toMonday" | "toStartOfWeek" => TimePart::Day,
            "toYYYYMM" | "toStartOfMonth" | "toStartOfQuarter" | "toYear" | "toStartOfYear" => TimePart::Month,
            _ => return wrong("which Helios cannot follow"),
        };
        let column =
            inside.strip_prefix("toDateTime(intDiv(").map_or(inside, |inside| inside.split(',').next().unwrap_or(inside));
        let column = column.trim_matches('`').replace("\\`", "`");
        match remote_type(&column) {
            Some(found) => match found.inner() {
                Type::Int(64) => Ok(Some(Division { unit, column, remote_type: found })),
                Type::DateTime64(_, Some(zone)) if ["UTC", "Etc/UTC", "GMT"].contains(&zone.as_str()) => {
                    Ok(Some(Division { unit, column, remote_type: found }))
                }
                _ => wrong("which are no parts of UTC"),
            },
            None => wrong("which Helios cannot follow"),
        }
    }

    /// The condition for the part that begins at a microsecond.
    pub(crate) fn condition(&self, starts: Option<i64>) -> String {
        let column = quoted(&self.column);
        let moment = |at: i64| match self.remote_type.inner() {
            Type::Int(_) => at.to_string(),
            // Hours begin at whole seconds.
            _ => format!("toDateTime64({}, 6, 'UTC')", at.div_euclid(1_000_000)),
        };
        match starts {
            None => format!("isNull({column})"),
            Some(at) => format!("{column} >= {} AND {column} < {}", moment(at), moment(end(at, self.unit))),
        }
    }
}

/// The rows of each part, in the order of time; those without a time come first.
pub(crate) fn divide(rows: &RecordBatch, division: Option<&Division>) -> Result<Vec<(Option<i64>, RecordBatch)>> {
    let Some(division) = division else { return Ok(vec![(None, rows.clone())]) };
    let times = rows.column_by_name(&division.column).and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let times = times.ok_or_else(|| {
        Error::invalid(format!("the remote table is divided by {}, which is no TIMESTAMP of the stream", division.column))
    })?;
    let mut parts: BTreeMap<Option<i64>, Vec<u32>> = BTreeMap::new();
    // Neighbours mostly belong together.
    let mut known: Option<(i64, i64)> = None;
    for (row, time) in times.iter().enumerate() {
        let starts = time.map(|time| match known {
            Some((start, end)) if (start..end).contains(&time) => start,
            _ => {
                let start = start(time, division.unit);
                known = Some((start, end(start, division.unit)));
                start
            }
        });
        let row = u32::try_from(row).map_err(|cause| Error::internal("a block of too many rows").because(cause))?;
        parts.entry(starts).or_default().push(row);
    }
    let part = |(starts, places): (Option<i64>, Vec<u32>)| {
        if places.len() == rows.num_rows() {
            return Ok((starts, rows.clone()));
        }
        let taken = take_record_batch(rows, &UInt32Array::from(places));
        taken.map(|taken| (starts, taken)).map_err(|cause| Error::internal("cannot divide a block").because(cause))
    };
    parts.into_iter().map(part).collect()
}

/// Where the part with a moment begins.
fn start(time: i64, unit: TimePart) -> i64 {
    match unit {
        TimePart::Hour => time.div_euclid(HOUR_US) * HOUR_US,
        TimePart::Day => time.div_euclid(DAY_US) * DAY_US,
        TimePart::Month => {
            let (year, month) = year_and_month(time.div_euclid(DAY_US));
            days_before(year, month) * DAY_US
        }
    }
}

/// Where the part that begins at a moment ends.
fn end(starts: i64, unit: TimePart) -> i64 {
    match unit {
        TimePart::Hour => starts.saturating_add(HOUR_US),
        TimePart::Day => starts.saturating_add(DAY_US),
        TimePart::Month => {
            let (year, month) = year_and_month(starts.div_euclid(DAY_US));
            days_before(if month == 12 { year + 1 } else { year }, month % 12 + 1).saturating_mul(DAY_US)
        }
    }
}

/// The month that a day is in; days count from 1970-01-01. Years begin in March, so that the day a leap year adds comes last.
fn year_and_month(day: i64) -> (i64, i64) {
    const ERA: i64 = 146_097;
    let day = day + 719_468;
    let of_era = day.rem_euclid(ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (day.div_euclid(ERA) * 400 + year_of_era + i64::from(month <= 2), month)
}

/// The first day of a month.
fn days_before(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year.rem_euclid(400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5;
    year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc() -> Type {
        Type::DateTime64(6, Some("UTC".to_owned()))
    }

    #[test]
    fn months_begin_and_end_where_the_calendar_says() {
        // 1969-12, 1970-01, 2000-02 (a leap year), 2100-02 (none), by their first days.
        for (month, first, next) in [(0, -31, 0), (0, 0, 31), (0, 10_988, 11_017), (0, 47_513, 47_541)] {
            let (first, next): (i64, i64) = (first + month, next);
            for day in [first, next - 1] {
                assert_eq!(start(day * DAY_US + 7, TimePart::Month), first * DAY_US, "day {day}");
            }
            assert_eq!(end(first * DAY_US, TimePart::Month), next * DAY_US);
        }
        assert_eq!(start(-1, TimePart::Hour), -HOUR_US);
    }

    #[test]
    fn a_key_that_was_written_reads_back() {
        for unit in [TimePart::Hour, TimePart::Day, TimePart::Month] {
            for remote_type in [utc(), Type::Int(64)] {
                let written = Division { unit, column: "at".to_owned(), remote_type };
                let key = written.expression().replace('`', "");
                let read = Division::read(&key, |name| (name == "at").then(|| written.remote_type.clone())).unwrap();
                assert_eq!(read, Some(written), "{key}");
            }
        }
        assert_eq!(Division::read("tuple()", |_| None).unwrap(), None);
        let berlin = Type::DateTime64(6, Some("Europe/Berlin".to_owned()));
        for (key, found) in [("city", utc()), ("cityHash64(at)", utc()), ("toYYYYMM(at)", berlin)] {
            assert!(Division::read(key, |_| Some(found.clone())).is_err(), "{key}");
        }
    }
}
