//! Retention: whole files go once all their rows are older than the stream keeps them, and the ledger is told. Blocks.
//!
//! In their place stays one file without rows that remembers what they covered, so that a rebuilt catalog still adds up.

use crate::Lake;
use crate::catalog::{self, signed};
use crate::compact::{self, SetWriter, lineages, plan};
use crate::failure::Doing;
use crate::files::{self, Exchange};
use crate::lineage::Lineage;
use crate::objects::wait;
use crate::quarantine;
use crate::state::FileEntry;
use arrow::array::{Array, AsArray};
use arrow::compute::max;
use arrow::datatypes::{DataType, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use helios_contract::clock::Timestamp;
use helios_contract::column::{FIELD_ID, hidden};
use helios_contract::commit::CommitId;
use helios_contract::error::{Kind, Result};
use helios_contract::store::ColumnRange;
use helios_contract::stream::{Stream, StreamId};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// The label of files without rows.
const EXPIRED: &str = "expired";

/// Removes what is too old in every stream; answers how many rows.
///
/// # Errors
/// The first; the other streams are looked at all the same.
pub(crate) fn retain(lake: &Arc<Lake>) -> Result<u64> {
    let now = lake.clock.now();
    forget_receipts(lake, now)?;
    let (mut removed, mut first_error) = (0, None);
    for stream in lake.shared.read(crate::state::State::streams) {
        let Some(keep) = stream.definition.retain else { continue };
        match retain_stream(lake, &stream, now.minus(keep)) {
            Ok(n) => removed += n,
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => {
                let what = format!("removing old rows of {}", stream.definition.name);
                first_error = first_error.or(Some(error.context(what)));
            }
        }
    }
    first_error.map_or(Ok(removed), Err)
}

fn retain_stream(lake: &Arc<Lake>, stream: &Stream, cutoff: Timestamp) -> Result<u64> {
    forget_quarantined(lake, stream.id, cutoff)?;
    let event_time = stream.definition.event_time.as_deref();
    // Inline rows that are too old are put into files first: only files are removed.
    if plan(lake, stream.id)?.tail.iter().any(|tail| newest(&tail.slice.rows, event_time).is_some_and(|time| time < cutoff.0)) {
        compact::compact_table(lake, stream.id, true, &mut compact::Compacted::default())?;
    }
    let plan = plan(lake, stream.id)?;
    let is_old = |entry: &&FileEntry| entry.file.n_rows > 0 && is_old(&plan.schema, event_time, &entry.file.ranges, cutoff);
    let gone: Vec<FileEntry> = plan.files.iter().filter(is_old).cloned().collect();
    if gone.is_empty() {
        return Ok(0);
    }
    let n_rows = gone.iter().map(|entry| entry.file.n_rows).sum();
    let n_files = gone.len();
    let counts = counts(lake, &gone)?;
    let set = lake.next_number();
    let mut lineage = Lineage::merged(set, lineages(lake, &gone)?);
    counts.iter().for_each(|(partition, n)| *lineage.expired.entry(partition.clone()).or_default() += n);
    let mut writer = SetWriter::new(lake, &plan, set, lineage, &gone);
    writer.open = Some(writer.create(EXPIRED)?);
    let new = writer.finish()?;
    let id = stream.id;
    let exchange = Exchange { stream: id, set, gone, tail_until: CommitId(0), new };
    files::exchange(lake, exchange, move |conn| {
        counts.iter().try_for_each(|(partition, n)| add_expired(conn, id, partition, *n, 0))
    })?;
    info!(stream = %stream.definition.name, n_rows, n_files, "removed rows that were kept long enough");
    Ok(n_rows)
}

/// Whether every row is older than `cutoff`, by event time, and by arrival where a row has none.
fn is_old(schema: &Schema, event_time: Option<&str>, ranges: &[ColumnRange], cutoff: Timestamp) -> bool {
    let range = |name: &str| {
        let id: i32 = schema.field_with_name(name).ok()?.metadata().get(FIELD_ID)?.parse().ok()?;
        ranges.iter().find(|range| range.field == id)
    };
    let is_old = |range: &ColumnRange| range.max < cutoff.0;
    match event_time.and_then(range) {
        Some(times) if times.n_nulls == 0 => is_old(times),
        Some(times) => is_old(times) && range(hidden::TIME).is_some_and(is_old),
        None => range(hidden::TIME).is_some_and(is_old),
    }
}

/// The newest time of inline rows, by event time where they all have one.
fn newest(rows: &RecordBatch, event_time: Option<&str>) -> Option<i64> {
    let times = |name: &str| {
        let column = rows.column_by_name(name)?;
        matches!(column.data_type(), DataType::Timestamp(TimeUnit::Microsecond, _))
            .then(|| column.as_primitive::<TimestampMicrosecondType>())
    };
    let events = event_time.and_then(times).filter(|events| events.null_count() == 0);
    max(events.or_else(|| times(hidden::TIME))?)
}

/// Rows of files by source partition.
fn counts(lake: &Lake, files: &[FileEntry]) -> Result<BTreeMap<String, u64>> {
    catalog::read_here(&lake.catalog_path(), |conn| {
        let mut sums = BTreeMap::new();
        for entry in files {
            let text: String = conn
                .query_row("SELECT counts FROM files WHERE id = ?", [entry.id], |row| row.get(0))
                .doing("read the counts of a file")?;
            let counts: BTreeMap<String, u64> = serde_json::from_str(&text).doing("read the counts of a file")?;
            counts.into_iter().for_each(|(partition, n)| *sums.entry(partition).or_default() += n);
        }
        Ok(sums)
    })
}

/// Adds to what was removed from a partition.
pub(crate) fn add_expired(conn: &Connection, stream: StreamId, partition: &str, n_rows: u64, n_quarantined: u64) -> Result<()> {
    conn.execute(
        "INSERT INTO expired (stream, partition, n_rows, n_quarantined) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET n_rows = n_rows + excluded.n_rows, n_quarantined = n_quarantined + excluded.n_quarantined",
        params![stream.0, partition, signed(n_rows), signed(n_quarantined)],
    )
    .doing("count what was removed")?;
    Ok(())
}

fn forget_quarantined(lake: &Lake, stream: StreamId, cutoff: Timestamp) -> Result<()> {
    let old = catalog::read_here(&lake.catalog_path(), |conn| {
        let select = "SELECT EXISTS (SELECT 1 FROM quarantine WHERE stream = ? AND time < ?)";
        conn.query_row(select, params![stream.0, cutoff.0], |row| row.get::<_, bool>(0)).doing("look for old quarantined records")
    })?;
    if !old {
        return Ok(());
    }
    wait(lake.writer.write(move |conn| quarantine::forget(conn, stream, cutoff), |_, ()| ()))
}

fn forget_receipts(lake: &Lake, now: Timestamp) -> Result<()> {
    let cutoff = now.minus(Duration::from_secs(lake.config.receipts_keep_hours * 3600));
    let old = catalog::read_here(&lake.catalog_path(), |conn| {
        let select = "SELECT EXISTS (SELECT 1 FROM receipts WHERE at < ?)";
        conn.query_row(select, [cutoff.0], |row| row.get::<_, bool>(0)).doing("look for old receipts")
    })?;
    if !old {
        return Ok(());
    }
    let work =
        move |conn: &Connection| conn.execute("DELETE FROM receipts WHERE at < ?", [cutoff.0]).doing("remove old receipts");
    wait(lake.writer.write(work, |_, _| ()))
}
