//! Following a table: the slices after a commit, from the tail while they are there, from files after that.

use crate::Lake;
use crate::batches::{adapt, commits, concat};
use crate::catalog;
use crate::failure::Doing;
use crate::parquet_file::Batches;
use crate::snapshot::today;
use crate::state::TailSlice;
use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use helios_contract::clock::Timestamp;
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::name::TableName;
use helios_contract::store::{DataFile, Slice};
use helios_contract::stream::StreamId;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Slices of the tail given at once.
const SLICES_MAX: usize = 64;
const BYTES_MAX: u64 = 16 << 20;
/// Rows read from files at once, give or take one commit.
const ROWS_MAX: u64 = 65_536;

/// What was committed after the follower's place, as found in memory.
struct Found {
    stream: StreamId,
    schema: SchemaRef,
    version: CommitId,
    committed_at: Option<Timestamp>,
    after: CommitId,
    tail: Vec<TailSlice>,
    /// By their oldest commit.
    files: Vec<Arc<DataFile>>,
}

/// The slices after a commit; see `TableStore::since`.
///
/// The last slice has no rows where the last commits had none: it says how far the answer reaches.
pub(crate) async fn since(lake: &Lake, name: &TableName, after: CommitId) -> Result<Vec<Slice>> {
    let found = lake.shared.read(|state| {
        let table = state.named(name)?;
        let files = table.files.iter().filter(|entry| entry.file.commit_max > after && entry.file.n_rows > 0);
        let mut files: Vec<_> = files.map(|entry| Arc::clone(&entry.file)).collect();
        files.sort_by_key(|file| file.commit_min);
        let tail = table.tail.iter().filter(|tail| tail.slice.commit > after).cloned().collect();
        let (stream, schema) = (table.stream.id, Arc::clone(&table.schema));
        let (version, committed_at) = (table.version, table.committed_at);
        Ok::<_, Error>(Found { stream, schema, version, committed_at, after, tail, files })
    })?;
    if found.version <= after {
        Ok(Vec::new())
    } else if found.files.is_empty() {
        from_tail(lake, found)
    } else {
        let lake = lake.owned();
        catalog::blocking(move || from_files(&lake, &found)).await
    }
}

fn from_tail(lake: &Lake, found: Found) -> Result<Vec<Slice>> {
    let n_tail = found.tail.len();
    let mut bytes = 0;
    let fits = |(i, tail): &(usize, TailSlice)| {
        bytes += tail.n_bytes;
        *i == 0 || *i < SLICES_MAX && bytes <= BYTES_MAX
    };
    let taken = found.tail.into_iter().enumerate().take_while(fits);
    let mut slices: Vec<Slice> = taken.map(|(_, tail)| today(lake, tail, &found.schema)).collect::<Result<_>>()?;
    if slices.len() == n_tail {
        reach(&mut slices, found.version, found.committed_at.unwrap_or_default(), &found.schema);
    }
    Ok(slices)
}

/// Adds an empty slice when the commits up to `until` had no rows.
fn reach(slices: &mut Vec<Slice>, until: CommitId, at: Timestamp, schema: &SchemaRef) {
    if slices.last().is_none_or(|last| last.commit < until) {
        slices.push(Slice { commit: until, committed_at: at, rows: RecordBatch::new_empty(Arc::clone(schema)) });
    }
}

/// Reads the next commits from wherever their rows are. Blocks.
fn from_files(lake: &Lake, found: &Found) -> Result<Vec<Slice>> {
    let until = window(lake, found)?;
    let mut rows = Vec::new();
    for file in found.files.iter().filter(|file| file.commit_min <= until) {
        for batch in Batches::open_between(&lake.objects, &file.path, file.size_bytes, &[], Some((found.after, until)))? {
            rows.push(adapt(&batch?, &found.schema, lake.backfill)?);
        }
    }
    for tail in found.tail.iter().filter(|tail| tail.slice.commit <= until) {
        rows.push(adapt(&tail.slice.rows, &found.schema, lake.backfill)?);
    }
    let times = catalog::read_here(&lake.catalog_path(), |conn| commit_times(conn, found.stream, found.after, until))?;
    // A rebuilt catalog knows the times of some commits only: the next known one stands for those before it.
    let time = |commit: CommitId| times.range(commit..).next().map_or_else(|| lake.clock.now(), |(_, at)| *at);
    let mut slices = split(&concat(&found.schema, &rows)?)?;
    slices.iter_mut().for_each(|slice| slice.committed_at = time(slice.commit));
    reach(&mut slices, until, time(until), &found.schema);
    Ok(slices)
}

/// The commit up to which rows are read now: as many commits as have [`ROWS_MAX`] rows together, and one at least.
fn window(lake: &Lake, found: &Found) -> Result<CommitId> {
    let mut window = Window::default();
    found.tail.iter().for_each(|tail| window.add(tail.slice.commit.0, tail.slice.rows.num_rows() as u64));
    for file in &found.files {
        // Files are in the order of their oldest commit: the rest comes after the window.
        if window.full && window.end() < file.commit_min {
            break;
        }
        let between = Some((found.after, found.version));
        for batch in Batches::open_between(&lake.objects, &file.path, file.size_bytes, &[hidden::COMMIT], between)? {
            commits(&batch?)?.iter().for_each(|commit| window.add(*commit, 1));
        }
    }
    Ok(if window.full { window.end() } else { found.version })
}

/// The oldest commits, up to a number of rows.
#[derive(Default)]
struct Window {
    n_rows: BTreeMap<i64, u64>,
    total: u64,
    /// Whether commits had to be left out.
    full: bool,
}

impl Window {
    fn add(&mut self, commit: i64, n: u64) {
        *self.n_rows.entry(commit).or_default() += n;
        self.total += n;
        while let Some((last, n)) = self.n_rows.last_key_value().map(|(last, n)| (*last, *n))
            && self.n_rows.len() > 1
            && self.total - n >= ROWS_MAX
        {
            self.n_rows.remove(&last);
            self.total -= n;
            self.full = true;
        }
    }

    fn end(&self) -> CommitId {
        CommitId(self.n_rows.last_key_value().map_or(0, |(last, _)| *last))
    }
}

fn commit_times(conn: &Connection, stream: StreamId, after: CommitId, until: CommitId) -> Result<BTreeMap<CommitId, Timestamp>> {
    let what = "read commit times";
    // One more than asked for: see the caller.
    let select = "SELECT id, at FROM commits WHERE stream = ?1 AND id > ?2
                  AND id <= coalesce((SELECT min(id) FROM commits WHERE stream = ?1 AND id >= ?3), ?3)";
    let mut select = conn.prepare(select).doing(what)?;
    let times = select
        .query_map(params![stream.0, after.0, until.0], |row| Ok((CommitId(row.get(0)?), Timestamp(row.get(1)?))))
        .doing(what)?;
    times.collect::<rusqlite::Result<_>>().doing(what)
}

/// One slice for each commit, oldest first.
fn split(rows: &RecordBatch) -> Result<Vec<Slice>> {
    let numbers = commits(rows)?;
    let n_rows = u32::try_from(numbers.len()).map_err(|cause| Error::internal("a slice with too many rows").because(cause))?;
    let mut indices: Vec<u32> = (0..n_rows).collect();
    indices.sort_by_key(|i| numbers[*i as usize]);
    let slice = |run: &[u32]| {
        let rows = take_record_batch(rows, &UInt32Array::from(run.to_vec())).doing("split rows by commit")?;
        Ok(Slice { commit: CommitId(numbers[run[0] as usize]), committed_at: Timestamp::default(), rows })
    };
    indices.chunk_by(|a, b| numbers[*a as usize] == numbers[*b as usize]).map(slice).collect()
}
