//! Notices fields that have no column.

use crate::infer;
use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use helios_contract::column::{Column, hidden};
use helios_contract::drift::Drift;
use helios_contract::{Error, Result, Timestamp};

/// The fields in the `_rest` of rows that fill no column.
pub(crate) fn seen(columns: &[Column], rows: &RecordBatch) -> Result<Vec<Drift>> {
    let hidden = || rows.column_by_name(hidden::REST).zip(rows.column_by_name(hidden::TIME));
    let (rest, times) = hidden().ok_or_else(|| Error::internal("rows came without _rest or _time"))?;
    let (rest, times) = (rest.as_string::<i32>(), times.as_primitive::<TimestampMicrosecondType>());
    let Some(first) = (0..rest.len()).find(|row| rest.is_valid(*row)) else { return Ok(Vec::new()) };
    let time = Timestamp(times.value(first));
    let has_column = |path: &str| columns.iter().any(|c| c.name == path || c.from.iter().any(|from| from == path));
    let paths = infer::paths(rest.iter().flatten()).into_iter().filter(|(path, ..)| !has_column(path));
    Ok(paths.map(|(path, proposed, n_records)| Drift { path, proposed, n_records, time }).collect())
}

/// One entry for each path.
pub(crate) fn merged(drifts: Vec<Drift>) -> Vec<Drift> {
    let mut merged: Vec<Drift> = Vec::new();
    for drift in drifts {
        match merged.iter_mut().find(|have| have.path == drift.path) {
            Some(have) => {
                have.proposed = have.proposed.or_json(&drift.proposed);
                have.n_records += drift.n_records;
                have.time = have.time.min(drift.time);
            }
            None => merged.push(drift),
        }
    }
    merged
}
