//! Counts how often each value occurs, of the columns that have few.

use crate::failure::Doing;
use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, PrimitiveArray};
use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use hashbrown::HashMap;
use helios_contract::column::FIELD_ID;
use helios_contract::error::Result;
use helios_contract::values::{self, ValueCounts};
use parquet::file::metadata::KeyValue;
use serde_json::Value;
use std::sync::Arc;

/// A column with more values is not counted.
const VALUES_MAX: usize = 256;
/// A column with a longer text is not counted.
const TEXT_BYTES_MAX: usize = 64;
/// The most a footer holds of it, so that a thousand columns do not make it long.
const BYTES_MAX: usize = 64 << 10;

/// The columns of a file that is being written, as far as they are counted.
#[derive(Debug)]
pub(crate) struct Counting {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    place: usize,
    field: i32,
    values: Values,
    n_nulls: u64,
}

#[derive(Debug)]
enum Values {
    Text(HashMap<String, u64>),
    Number(HashMap<i64, u64>),
    /// How many are false, and how many true.
    Truth([u64; 2]),
}

impl Counting {
    /// Begins with every column that can be counted.
    pub(crate) fn new(schema: &Schema) -> Counting {
        let column = |(place, field): (usize, &Arc<Field>)| {
            let values = match field.data_type() {
                DataType::Utf8 => Values::Text(HashMap::new()),
                DataType::Int32 | DataType::Int64 | DataType::Date32 => Values::Number(HashMap::new()),
                DataType::Boolean => Values::Truth([0; 2]),
                _ => return None,
            };
            let field = field.metadata().get(FIELD_ID)?.parse().ok()?;
            Some(Column { place, field, values, n_nulls: 0 })
        };
        Counting { columns: schema.fields().iter().enumerate().filter_map(column).collect() }
    }

    /// Counts rows; columns that turn out to have many values are given up.
    pub(crate) fn add(&mut self, rows: &RecordBatch) {
        self.columns.retain_mut(|column| column.add(rows.column(column.place)));
    }

    /// The counts as a footer has them.
    pub(crate) fn finish(self) -> Result<Vec<KeyValue>> {
        let mut counted = Vec::with_capacity(self.columns.len());
        for column in self.columns {
            let key = values::key(column.field);
            counted.push((key, serde_json::to_string(&column.counts()).doing("write a footer")?));
        }
        counted.sort_by_key(|(_, counts)| counts.len());
        let mut left = BYTES_MAX;
        let fit = counted.into_iter().map_while(|(key, counts)| {
            left = left.checked_sub(counts.len())?;
            Some(KeyValue::new(key, counts))
        });
        Ok(fit.collect())
    }
}

impl Column {
    /// Whether the column still has few values.
    fn add(&mut self, array: &ArrayRef) -> bool {
        self.n_nulls += array.null_count() as u64;
        match &mut self.values {
            Values::Text(counts) => runs(array.as_string::<i32>().iter().flatten(), |text, n| {
                *counts.entry_ref(text).or_default() += n;
                text.len() <= TEXT_BYTES_MAX && counts.len() <= VALUES_MAX
            }),
            Values::Number(counts) => match array.data_type() {
                DataType::Int32 => add_numbers(counts, array.as_primitive::<Int32Type>()),
                DataType::Date32 => add_numbers(counts, array.as_primitive::<Date32Type>()),
                _ => add_numbers(counts, array.as_primitive::<Int64Type>()),
            },
            Values::Truth([n_false, n_true]) => {
                let truths = array.as_boolean();
                *n_true += truths.true_count() as u64;
                *n_false += truths.false_count() as u64;
                true
            }
        }
    }

    fn counts(self) -> ValueCounts {
        let mut counts: ValueCounts = match self.values {
            Values::Text(counts) => counts.into_iter().map(|(text, n)| (Value::from(text), n)).collect(),
            Values::Number(counts) => counts.into_iter().map(|(number, n)| (Value::from(number), n)).collect(),
            Values::Truth([n_false, n_true]) => vec![(Value::from(false), n_false), (Value::from(true), n_true)],
        };
        counts.push((Value::Null, self.n_nulls));
        counts.retain(|(_, n)| *n > 0);
        // The most frequent first; the same rows make the same file.
        counts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.to_string().cmp(&b.to_string())));
        counts
    }
}

/// Gives runs of equal values to `add`, until it says that it is enough; `false` when it did.
fn runs<V: PartialEq + Copy>(values: impl Iterator<Item = V>, mut add: impl FnMut(V, u64) -> bool) -> bool {
    let mut run: Option<(V, u64)> = None;
    for value in values {
        match &mut run {
            Some((same, n)) if *same == value => *n += 1,
            _ => {
                if run.replace((value, 1)).is_some_and(|(value, n)| !add(value, n)) {
                    return false;
                }
            }
        }
    }
    run.is_none_or(|(value, n)| add(value, n))
}

fn add_numbers<T: ArrowPrimitiveType<Native: Into<i64>>>(counts: &mut HashMap<i64, u64>, numbers: &PrimitiveArray<T>) -> bool {
    runs(numbers.iter().flatten(), |number, n| {
        *counts.entry(number.into()).or_default() += n;
        counts.len() <= VALUES_MAX
    })
}

#[cfg(test)]
mod tests;
