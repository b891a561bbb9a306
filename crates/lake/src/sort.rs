//! Rows in the stream's order: split by time partition, sorted within memory, merged across files.

use crate::batches::BATCH_ROWS;
use crate::failure::Doing;
use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::compute::{interleave_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};
use helios_contract::clock::Timestamp;
use helios_contract::column::hidden;
use helios_contract::error::{Error, Result};
use helios_contract::stream::{PartitionBy, StreamDefinition, TimePart};
use std::collections::{BTreeMap, HashMap};

/// Time partitions written at once; rows of further ones share a file, so that wild event times do not make a file each.
const PARTITIONS_MAX: usize = 64;

/// The label of files that are not split by time.
pub(crate) const UNSPLIT: &str = "all";
/// The label of files that hold many time partitions.
const MIXED: &str = "mixed";

/// The columns a stream's files are sorted by: the declared ones, else event time, else arrival; then the commit.
pub(crate) fn order(definition: &StreamDefinition, schema: &Schema) -> Vec<String> {
    let declared = if definition.order_by.is_empty() { definition.event_time.as_slice() } else { &definition.order_by };
    let present = declared.iter().filter(|name| schema.column_with_name(name).is_some());
    present.cloned().chain([hidden::COMMIT.to_owned()]).collect()
}

/// Makes rows comparable as bytes.
struct Keys {
    columns: Vec<usize>,
    converter: RowConverter,
}

impl Keys {
    fn new(schema: &Schema, order: &[String]) -> Result<Keys> {
        let columns =
            order.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>().doing("find the columns to sort by")?;
        let fields = columns.iter().map(|i| SortField::new(schema.field(*i).data_type().clone())).collect();
        Ok(Keys { columns, converter: RowConverter::new(fields).doing("sort rows")? })
    }

    fn of(&self, rows: &RecordBatch) -> Result<Rows> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|i| ArrayRef::clone(rows.column(*i))).collect();
        self.converter.convert_columns(&columns).doing("sort rows")
    }
}

/// The rows of one time partition, sorted.
pub(crate) struct Sorted {
    pub(crate) partition: String,
    indices: Vec<u32>,
}

impl Sorted {
    /// The rows themselves, a batch at a time, taken from those that were sorted.
    pub(crate) fn batches<'a>(&'a self, rows: &'a RecordBatch) -> impl Iterator<Item = Result<RecordBatch>> + 'a {
        self.indices
            .chunks(BATCH_ROWS)
            .map(|chunk| take_record_batch(rows, &UInt32Array::from(chunk.to_vec())).doing("sort rows"))
    }
}

/// Splits rows by time partition and sorts each; rows that compare equal stay in the order they arrived.
pub(crate) fn split_sorted(rows: &RecordBatch, definition: &StreamDefinition, order: &[String]) -> Result<Vec<Sorted>> {
    let keys = Keys::new(rows.schema_ref(), order)?.of(rows)?;
    let (labels, label_of) = partitions(rows, definition.partition_by.as_ref());
    let n_rows =
        u32::try_from(rows.num_rows()).map_err(|cause| Error::internal("too many rows to sort at once").because(cause))?;
    let mut sorted: Vec<Sorted> = labels.into_iter().map(|partition| Sorted { partition, indices: Vec::new() }).collect();
    for i in 0..n_rows {
        sorted[label_of.get(i as usize).copied().unwrap_or(0)].indices.push(i);
    }
    for part in &mut sorted {
        part.indices.sort_by(|a, b| keys.row(*a as usize).cmp(&keys.row(*b as usize)));
    }
    Ok(sorted)
}

/// The labels of the time partitions, and which of them each row is in; no second when there is only one.
fn partitions(rows: &RecordBatch, by: Option<&PartitionBy>) -> (Vec<String>, Vec<usize>) {
    let unsplit = || (vec![UNSPLIT.to_owned()], Vec::new());
    let Some(by) = by else { return unsplit() };
    let Some(column) = rows.column_by_name(&by.column) else { return unsplit() };
    if !matches!(column.data_type(), DataType::Timestamp(TimeUnit::Microsecond, _)) {
        return unsplit();
    }
    let length_us = match by.unit {
        TimePart::Hour => 3_600_000_000,
        TimePart::Day | TimePart::Month => 86_400_000_000,
    };
    let bucket = |time: Option<i64>| time.map(|time| time.div_euclid(length_us));
    let times = column.as_primitive::<TimestampMicrosecondType>();
    let mut n_rows: HashMap<Option<i64>, usize> = HashMap::new();
    for time in times {
        *n_rows.entry(bucket(time)).or_default() += 1;
    }
    let mut by_label: BTreeMap<String, (usize, Vec<Option<i64>>)> = BTreeMap::new();
    for (bucket, n) in n_rows {
        let (total, buckets) = by_label.entry(label(bucket.map(|bucket| bucket * length_us), by.unit)).or_default();
        *total += n;
        buckets.push(bucket);
    }
    let mut largest: Vec<_> = by_label.into_iter().collect();
    largest.sort_by_key(|(_, (n, _))| std::cmp::Reverse(*n));
    let index_of: HashMap<Option<i64>, usize> = largest
        .iter()
        .enumerate()
        .flat_map(|(i, (_, (_, buckets)))| buckets.iter().map(move |bucket| (*bucket, i.min(PARTITIONS_MAX))))
        .collect();
    let mut labels: Vec<String> = largest.into_iter().map(|(label, _)| label).collect();
    if labels.len() > PARTITIONS_MAX {
        labels.truncate(PARTITIONS_MAX);
        labels.push(MIXED.to_owned());
    }
    let label_of = times.iter().map(|time| index_of[&bucket(time)]).collect();
    (labels, label_of)
}

/// `2026-11-21T13`, `2026-11-21` or `2026-11`; words for rows without a time, and with one beyond the years 0 to 9999.
fn label(start_us: Option<i64>, unit: TimePart) -> String {
    let Some(start_us) = start_us else { return "none".to_owned() };
    let text = Timestamp(start_us).to_string();
    let len = match unit {
        TimePart::Hour => 13,
        TimePart::Day => 10,
        TimePart::Month => 7,
    };
    let is_date = text.as_bytes().get(4) == Some(&b'-') && text.starts_with(|c: char| c.is_ascii_digit());
    text.get(..len).filter(|_| is_date).unwrap_or("far").to_owned()
}

/// A sorted run that is being merged with others.
struct Run<I> {
    batches: I,
    rows: RecordBatch,
    keys: Rows,
    next: usize,
}

/// Merges sorted runs and gives the rows to `write`, a batch at a time; equal rows come in the order of the runs.
pub(crate) fn merge<I: Iterator<Item = Result<RecordBatch>>>(
    schema: &Schema,
    order: &[String],
    runs: Vec<I>,
    mut write: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let keys = Keys::new(schema, order)?;
    let mut live = Vec::with_capacity(runs.len());
    for mut batches in runs {
        if let Some((rows, keys)) = next_batch(&keys, &mut batches)? {
            live.push(Run { batches, rows, keys, next: 0 });
        }
    }
    let mut taken: Vec<(usize, usize)> = Vec::with_capacity(BATCH_ROWS);
    // `min_by` takes the first of equal runs.
    while let Some(least) = (0..live.len()).min_by(|a, b| live[*a].keys.row(live[*a].next).cmp(&live[*b].keys.row(live[*b].next)))
    {
        taken.push((least, live[least].next));
        live[least].next += 1;
        let used_up = live[least].next == live[least].rows.num_rows();
        if used_up || taken.len() == BATCH_ROWS {
            let batches: Vec<&RecordBatch> = live.iter().map(|run| &run.rows).collect();
            write(&interleave_record_batch(&batches, &taken).doing("merge rows")?)?;
            taken.clear();
        }
        if used_up {
            let run = &mut live[least];
            match next_batch(&keys, &mut run.batches)? {
                Some((rows, keys)) => (run.rows, run.keys, run.next) = (rows, keys, 0),
                None => drop(live.remove(least)),
            }
        }
    }
    Ok(())
}

/// The next batch that has rows, with its keys.
fn next_batch(keys: &Keys, batches: &mut impl Iterator<Item = Result<RecordBatch>>) -> Result<Option<(RecordBatch, Rows)>> {
    for rows in batches {
        let rows = rows?;
        if rows.num_rows() > 0 {
            let keys = keys.of(&rows)?;
            return Ok(Some((rows, keys)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
