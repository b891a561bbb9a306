//! Columns from a sample of records: the narrowest types that take every value seen without loss.

use crate::decode::misfit::Fit;
use crate::decode::scan::Scan;
use crate::decode::{Number, rfc3339};
use crate::format::Dialect;
use helios_contract::column::{Column, ColumnType, TimeFormat, hidden};
use helios_contract::{Error, Result};
use std::collections::HashMap;

mod sample;

#[cfg(test)]
mod tests;

pub(crate) use sample::{known, sampled};

/// Further columns go to `_rest`.
const N_COLUMNS_MAX: usize = 2_000;

/// An object with more distinct fields than this is a map in disguise.
const N_STRUCT_FIELDS_MAX: usize = 32;

/// Rows of a CSV file that are looked at.
const N_CSV_ROWS: usize = 10_000;

/// Columns, in the order in which fields were first seen, that take all `samples`, which are JSON records.
///
/// # Errors
/// `Invalid` when there is no sample, or none of them is a JSON object.
pub(crate) fn infer(samples: &[&[u8]]) -> Result<Vec<Column>> {
    let mut seen = Fields::default();
    let mut problem = None;
    let mut n_read = 0;
    for sample in samples {
        match read_record(sample) {
            Ok(record) => {
                seen.merge(record);
                n_read += 1;
            }
            Err(misfit) => problem = problem.or(Some(misfit.reason())),
        }
    }
    if n_read == 0 {
        let cause =
            problem.map_or("there are no records yet".to_owned(), |problem| format!("no record can be read as JSON: {problem}"));
        return Err(Error::invalid(format!("cannot infer columns from a sample: {cause}"))
            .hint("Declare the columns, or send a record first."));
    }
    Ok(columns(seen, column_type))
}

/// Columns that take the rows of a CSV file with a header line.
///
/// # Errors
/// `Invalid` when the header or a row cannot be read.
pub(crate) fn csv(body: &[u8], dialect: &Dialect) -> Result<Vec<Column>> {
    let broken = |e: csv::Error| Error::invalid(format!("cannot infer columns from CSV: {e}"));
    let mut reader = dialect.reader(body);
    let names: Vec<String> = reader.headers().map_err(broken)?.iter().map(|name| name.trim().to_owned()).collect();
    let mut seen = Fields::default();
    for name in &names {
        seen.add(name.clone(), Seen::Nothing);
    }
    for row in reader.records().take(N_CSV_ROWS) {
        for (name, cell) in names.iter().zip(&row.map_err(broken)?) {
            seen.add(name.clone(), read_cell(cell.trim()));
        }
    }
    // A cell is text before it is anything else.
    Ok(columns(seen, |name, seen| match seen {
        Seen::Nothing | Seen::Mixed => ColumnType::Text,
        seen => column_type(name, seen),
    }))
}

/// The fields of JSON objects by path (`a.b` where objects nest), with the type that takes their values and how many
/// objects have them. Further paths than are worth a column are left out.
pub(crate) fn paths<'t>(objects: impl Iterator<Item = &'t str>) -> Vec<(String, ColumnType, u64)> {
    let mut seen = Fields::default();
    let mut counts: Vec<u64> = Vec::new();
    for object in objects {
        let Ok(fields) = read_record(object.as_bytes()) else { continue };
        for (path, value) in leaves(fields, "") {
            if seen.fields.len() < N_COLUMNS_MAX || seen.by_name.contains_key(&path) {
                let place = seen.add(path, value);
                counts.resize(seen.fields.len(), 0);
                counts[place] += 1;
            }
        }
    }
    let typed = seen.fields.into_iter().zip(counts);
    typed.map(|((path, seen), n)| (path.clone(), column_type(path.rsplit('.').next().unwrap_or_default(), seen), n)).collect()
}

fn leaves(fields: Fields, within: &str) -> Vec<(String, Seen)> {
    let leaf = |(name, value): (String, Seen)| {
        let path = format!("{within}{name}");
        match value {
            Seen::Object(inner) if !inner.fields.is_empty() => leaves(inner, &format!("{path}.")),
            value => vec![(path, value)],
        }
    };
    fields.fields.into_iter().flat_map(leaf).collect()
}

/// The column that most likely says when the event happened.
pub(crate) fn event_time(columns: &[Column]) -> Option<String> {
    const NAMES: [&str; 14] = [
        "event_time",
        "event_timestamp",
        "event_ts",
        "timestamp",
        "ts",
        "time",
        "@timestamp",
        "datetime",
        "occurred_at",
        "happened_at",
        "created_at",
        "sent_at",
        "created",
        "date",
    ];
    let timestamps = || columns.iter().filter(|column| matches!(column.data_type, ColumnType::Timestamp(_)));
    let named = NAMES.iter().find_map(|name| timestamps().find(|column| column.name.eq_ignore_ascii_case(name)));
    named.or_else(|| timestamps().find(|column| sounds_like_time(&column.name))).map(|column| column.name.clone())
}

/// What the values of a field were so far.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    /// Only null.
    Nothing,
    Boolean,
    Integers {
        min: i128,
        max: i128,
    },
    Numbers,
    Texts {
        all_timestamps: bool,
    },
    Object(Fields),
    Array(Box<Seen>),
    /// Kinds that no type but JSON takes.
    Mixed,
}

/// Fields in the order in which they were first seen.
#[derive(Debug, Clone, PartialEq, Default)]
struct Fields {
    fields: Vec<(String, Seen)>,
    by_name: HashMap<String, usize>,
}

impl Fields {
    /// Adds what a field was once more; answers the field's place.
    fn add(&mut self, name: String, value: Seen) -> usize {
        if let Some(i) = self.by_name.get(&name) {
            let seen = &mut self.fields[*i].1;
            *seen = std::mem::replace(seen, Seen::Nothing).and(value);
            return *i;
        }
        self.by_name.insert(name.clone(), self.fields.len());
        self.fields.push((name, value));
        self.fields.len() - 1
    }

    fn merge(&mut self, other: Fields) {
        for (name, value) in other.fields {
            self.add(name, value);
        }
    }
}

impl Seen {
    fn and(self, other: Seen) -> Seen {
        match (self, other) {
            (Seen::Nothing, seen) | (seen, Seen::Nothing) => seen,
            (Seen::Boolean, Seen::Boolean) => Seen::Boolean,
            (Seen::Integers { min, max }, Seen::Integers { min: min2, max: max2 }) => {
                Seen::Integers { min: min.min(min2), max: max.max(max2) }
            }
            (Seen::Integers { .. } | Seen::Numbers, Seen::Integers { .. } | Seen::Numbers) => Seen::Numbers,
            (Seen::Texts { all_timestamps }, Seen::Texts { all_timestamps: also }) => {
                Seen::Texts { all_timestamps: all_timestamps && also }
            }
            (Seen::Object(mut fields), Seen::Object(others)) => {
                fields.merge(others);
                Seen::Object(fields)
            }
            (Seen::Array(items), Seen::Array(others)) => Seen::Array(Box::new(items.and(*others))),
            _ => Seen::Mixed,
        }
    }
}

fn read_record(sample: &[u8]) -> Fit<Fields> {
    let mut scan = Scan::open(sample)?;
    if scan.peek() != b'{' {
        return Err(scan.mismatch("an object"));
    }
    let fields = read_object(&mut scan)?;
    scan.end()?;
    Ok(fields)
}

fn read_object(scan: &mut Scan) -> Fit<Fields> {
    let mut fields = Fields::default();
    scan.enter()?;
    let mut more = !scan.is_empty(b'}');
    while more {
        let name = scan.key()?.text().into_owned();
        let value = read_value(scan)?;
        fields.add(name, value);
        more = scan.another(b'}')?;
    }
    Ok(fields)
}

fn read_value(scan: &mut Scan) -> Fit<Seen> {
    Ok(match scan.peek() {
        b'n' => scan.word("null").map(|()| Seen::Nothing)?,
        b't' => scan.word("true").map(|()| Seen::Boolean)?,
        b'f' => scan.word("false").map(|()| Seen::Boolean)?,
        b'-' | b'0'..=b'9' => number(&scan.number()?),
        b'"' => text(&scan.string()?.text()),
        b'{' => Seen::Object(read_object(scan)?),
        b'[' => {
            let mut items = Seen::Nothing;
            scan.enter()?;
            let mut more = !scan.is_empty(b']');
            while more {
                items = items.and(read_value(scan)?);
                more = scan.another(b']')?;
            }
            Seen::Array(Box::new(items))
        }
        _ => return Err(scan.unexpected("a value")),
    })
}

fn read_cell(cell: &str) -> Seen {
    match cell {
        "" => Seen::Nothing,
        "true" | "TRUE" | "True" | "false" | "FALSE" | "False" => Seen::Boolean,
        _ => Number::parse(cell).map_or_else(|| text(cell), |n| number(&n)),
    }
}

fn number(number: &Number) -> Seen {
    match number.whole() {
        Some(n) if number.is_integer() => Seen::Integers { min: n, max: n },
        _ => Seen::Numbers,
    }
}

fn text(text: &str) -> Seen {
    Seen::Texts { all_timestamps: rfc3339(text).is_ok() }
}

/// The columns for `seen`; names that cannot be columns stay in `_rest`.
fn columns(seen: Fields, column_type: impl Fn(&str, Seen) -> ColumnType) -> Vec<Column> {
    let fields = seen.fields.into_iter().filter(|(name, _)| !name.is_empty() && !hidden::ALL.contains(&name.as_str()));
    fields.take(N_COLUMNS_MAX).map(|(name, seen)| Column::new(name.clone(), column_type(&name, seen))).collect()
}

fn column_type(name: &str, seen: Seen) -> ColumnType {
    match seen {
        Seen::Nothing | Seen::Mixed => ColumnType::Json,
        Seen::Boolean => ColumnType::Boolean,
        Seen::Integers { min, max } => integer_type(name, min, max),
        Seen::Numbers => ColumnType::Double,
        Seen::Texts { all_timestamps: true } => ColumnType::Timestamp(TimeFormat::Rfc3339),
        Seen::Texts { all_timestamps: false } => ColumnType::Text,
        Seen::Array(items) => ColumnType::List(Box::new(column_type("", *items))),
        Seen::Object(fields) if fields.fields.is_empty() || fields.fields.len() > N_STRUCT_FIELDS_MAX => ColumnType::Json,
        Seen::Object(fields) => ColumnType::Struct(
            fields.fields.into_iter().map(|(name, seen)| Column::new(name.clone(), column_type(&name, seen))).collect(),
        ),
    }
}

fn integer_type(name: &str, min: i128, max: i128) -> ColumnType {
    /// Larger than every integer of 38 digits.
    const DECIMAL_END: i128 = 10_i128.pow(38);
    if let Some(format) = epoch_format(min, max).filter(|_| sounds_like_time(name)) {
        return ColumnType::Timestamp(format);
    }
    let fits = |lowest: i128, highest: i128| lowest <= min && max <= highest;
    if fits(i128::from(i64::MIN), i128::from(i64::MAX)) {
        ColumnType::BigInt
    } else if fits(0, i128::from(u64::MAX)) {
        ColumnType::UnsignedBigInt
    } else if fits(1 - DECIMAL_END, DECIMAL_END - 1) {
        ColumnType::Decimal(38, 0)
    } else {
        ColumnType::Json
    }
}

/// The unit in which all of `min..=max` lie between 1990 and 2100.
fn epoch_format(min: i128, max: i128) -> Option<TimeFormat> {
    const SECONDS: (i128, i128) = (631_152_000, 4_102_444_800);
    let units = [
        (TimeFormat::EpochSeconds, 1),
        (TimeFormat::EpochMillis, 1_000),
        (TimeFormat::EpochMicros, 1_000_000),
        (TimeFormat::EpochNanos, 1_000_000_000),
    ];
    units.into_iter().find(|(_, unit)| SECONDS.0 * unit <= min && max < SECONDS.1 * unit).map(|(format, _)| format)
}

fn sounds_like_time(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.trim_start_matches('@'), "ts" | "time" | "timestamp" | "datetime")
        || ["_at", "_time", "_ts", "_timestamp"].iter().any(|ending| name.ends_with(ending))
}
