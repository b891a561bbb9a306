//! Compaction: the tail and the small files become large sorted ones. Blocks.
//!
//! Rows keep their `_commit`, so every version that could be read before can be read after. One compaction runs at a time.

use crate::Lake;
use crate::batches::{self, adapt};
use crate::catalog;
use crate::failure::Doing;
use crate::files::{self, Exchange};
use crate::history::ledger_entry;
use crate::lineage::{Coverage, Lineage};
use crate::parquet_file::{Batches, FileWriter, Layout, NewFile};
use crate::sort::{self, order};
use crate::state::{FileEntry, State, TailSlice};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use helios_contract::clock::Timestamp;
use helios_contract::commit::{CommitId, LedgerEntry, Move};
use helios_contract::error::{Error, Kind, Result};
use helios_contract::stream::{Stream, StreamId};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::debug;

/// Rows sorted in memory at once, in bytes.
const SORT_BYTES: u64 = 48 << 20;
/// Files merged at once; each holds a row group in memory.
const MERGE_FILES_MAX: usize = 16;
/// Files of one size that make a merge worth it.
const MERGE_FILES_MIN: usize = 8;
/// Unsorted files wait for this many bytes, unless the table is idle: while rows pour in, the processor is needed elsewhere.
const UNSORTED_BYTES: u64 = 256 << 20;
const UNSORTED_FILES: usize = 500;
const IDLE: Duration = Duration::from_secs(5);

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Rows written into sorted files.
    pub n_rows: u64,
    /// Files written.
    pub n_files: u64,
    /// Files replaced.
    pub n_replaced: u64,
}

/// A table as it was found.
pub(crate) struct Plan {
    pub(crate) stream: Arc<Stream>,
    pub(crate) schema: SchemaRef,
    pub(crate) version: CommitId,
    pub(crate) tail: Vec<TailSlice>,
    pub(crate) files: Vec<FileEntry>,
    pub(crate) committed_at: Option<Timestamp>,
}

/// Compacts every table where it is due, or everything when it is asked for.
///
/// # Errors
/// The first; the other tables are compacted all the same.
pub(crate) fn compact(lake: &Arc<Lake>, everything: bool) -> Result<Compacted> {
    let (mut done, mut first_error) = (Compacted::default(), None);
    for stream in lake.shared.read(State::streams) {
        match compact_table(lake, stream.id, everything, &mut done) {
            Ok(()) => {}
            // The stream was dropped in the meantime.
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => first_error = first_error.or(Some(error.context(format!("compacting {}", stream.definition.name)))),
        }
    }
    first_error.map_or(Ok(done), Err)
}

pub(crate) fn compact_table(lake: &Arc<Lake>, id: StreamId, everything: bool, done: &mut Compacted) -> Result<()> {
    // What is committed while we work is left for the next time.
    let until = if everything { plan(lake, id)?.version } else { CommitId(0) };
    loop {
        let started = tokio::time::Instant::now();
        let plan = plan(lake, id)?;
        if tail_due(lake, &plan, until) {
            compact_tail(lake, &plan, done)?;
        } else if let Some(unsorted) = unsorted_files(&plan, idle_for(lake, &plan), until) {
            rewrite(lake, &plan, unsorted, done)?;
        } else if let Some(similar) = similar_files(&plan.files, lake.config.file_bytes_target) {
            merge(lake, &plan, similar, done)?;
        } else {
            return Ok(());
        }
        lake.metrics.compacted(started.elapsed());
    }
}

/// Looks at a table as it is now.
pub(crate) fn plan(lake: &Lake, id: StreamId) -> Result<Plan> {
    lake.shared.read(|state| {
        let table = state.table(id)?;
        Ok(Plan {
            stream: Arc::clone(&table.stream),
            schema: Arc::clone(&table.schema),
            version: table.version,
            committed_at: table.committed_at,
            tail: table.tail.clone(),
            files: table.files.clone(),
        })
    })
}

/// Whether the tail is long, large or old enough, or older than `until`.
fn tail_due(lake: &Lake, plan: &Plan, until: CommitId) -> bool {
    let config = &lake.config;
    let Some(oldest) = plan.tail.first() else { return false };
    let age = lake.clock.now().since(oldest.slice.committed_at);
    let bytes: u64 = plan.tail.iter().map(|tail| tail.n_bytes).sum();
    let crowded = *lake.shared.tail_bytes.borrow() > config.tail_bytes_max / 2;
    let old = age >= Duration::from_millis(config.compact_age_ms) || oldest.slice.commit <= until;
    crowded || old || plan.tail.len() >= config.tail_slices_max || bytes >= config.compact_bytes
}

fn idle_for(lake: &Lake, plan: &Plan) -> Duration {
    plan.committed_at.map_or(Duration::MAX, |at| lake.clock.now().since(at))
}

/// Direct commits that are worth sorting now, oldest first.
fn unsorted_files(plan: &Plan, idle_for: Duration, until: CommitId) -> Option<Vec<FileEntry>> {
    let mut unsorted: Vec<FileEntry> = plan.files.iter().filter(|entry| !entry.file.sorted).cloned().collect();
    unsorted.sort_by_key(|entry| entry.file.commit_min);
    let bytes: u64 = unsorted.iter().map(|entry| entry.file.size_bytes).sum();
    let wanted = unsorted.first()?.file.commit_min <= until || idle_for >= IDLE;
    let due = wanted || bytes >= UNSORTED_BYTES || unsorted.len() >= UNSORTED_FILES;
    due.then(|| up_to(unsorted, UNSORTED_BYTES, UNSORTED_FILES))
}

/// Sorted files of one time partition and about one size, when there are enough of them, oldest first.
fn similar_files(files: &[FileEntry], bytes_target: u64) -> Option<Vec<FileEntry>> {
    // Each size class spans a factor of eight, from 1 MiB up.
    let class = |entry: &FileEntry| (entry.file.size_bytes >> 20).max(1).ilog(8);
    let mut similar: BTreeMap<(&str, u32), Vec<FileEntry>> = BTreeMap::new();
    for entry in files.iter().filter(|entry| entry.file.sorted && entry.file.size_bytes < bytes_target / 2) {
        similar.entry((&entry.partition, class(entry))).or_default().push(entry.clone());
    }
    let enough = |files: &Vec<FileEntry>| {
        files.len() >= MERGE_FILES_MIN
            || files.len() > 1 && files.iter().map(|entry| entry.file.size_bytes).sum::<u64>() >= bytes_target
    };
    let mut chosen = similar.into_values().find(enough)?;
    chosen.sort_by_key(|entry| entry.file.commit_min);
    Some(up_to(chosen, bytes_target, MERGE_FILES_MAX))
}

/// The first of `files`, at least two where there are two, up to the limits.
fn up_to(files: Vec<FileEntry>, bytes_max: u64, n_max: usize) -> Vec<FileEntry> {
    let mut bytes = 0;
    let fits = |(i, entry): &(usize, FileEntry)| {
        bytes += entry.file.size_bytes;
        *i < 2 || bytes <= bytes_max && *i < n_max
    };
    files.into_iter().enumerate().take_while(fits).map(|(_, entry)| entry).collect()
}

/// Turns the oldest inline commits into files.
fn compact_tail(lake: &Arc<Lake>, plan: &Plan, done: &mut Compacted) -> Result<()> {
    let mut bytes = 0;
    let fits = |(i, tail): &(usize, &TailSlice)| {
        bytes += tail.n_bytes;
        *i == 0 || bytes <= SORT_BYTES
    };
    let taken: Vec<&TailSlice> = plan.tail.iter().enumerate().take_while(fits).map(|(_, tail)| tail).collect();
    // Commits without rows after the last slice are covered, too, when the whole tail is taken.
    let until = match taken.last() {
        Some(last) if taken.len() < plan.tail.len() => last.slice.commit,
        _ => plan.version,
    };
    let set = lake.next_number();
    let coverage = catalog::read_here(&lake.catalog_path(), |conn| inline_coverage(conn, plan.stream.id, set, until))?;
    let lineage = Lineage { covers: coverage.into_iter().collect(), ..Lineage::default() };
    let rows = taken.iter().map(|tail| adapt(&tail.slice.rows, &plan.schema, lake.backfill));
    let new = write_sorted(lake, plan, set, rows, lineage, &[])?;
    finish(lake, plan, Exchange { stream: plan.stream.id, set, gone: Vec::new(), tail_until: until, new }, done)
}

/// Turns unsorted files into sorted ones, split by time partition.
fn rewrite(lake: &Arc<Lake>, plan: &Plan, gone: Vec<FileEntry>, done: &mut Compacted) -> Result<()> {
    let set = lake.next_number();
    let lineage = Lineage::merged(set, lineages(lake, &gone)?);
    let rows = gone.iter().flat_map(|entry| {
        let (batches, failed) = match open(lake, plan, entry) {
            Ok(batches) => (Some(batches), None),
            Err(error) => (None, Some(Err(error))),
        };
        failed.into_iter().chain(batches.into_iter().flatten())
    });
    let new = write_sorted(lake, plan, set, rows, lineage, &gone)?;
    finish(lake, plan, Exchange { stream: plan.stream.id, set, gone, tail_until: CommitId(0), new }, done)
}

/// Merges sorted files into one.
fn merge(lake: &Arc<Lake>, plan: &Plan, gone: Vec<FileEntry>, done: &mut Compacted) -> Result<()> {
    let set = lake.next_number();
    let lineage = Lineage::merged(set, lineages(lake, &gone)?);
    let mut writer = SetWriter::new(lake, plan, set, lineage, &gone);
    let partition = gone.first().map(|entry| entry.partition.to_string()).unwrap_or_default();
    let mut file = writer.create(&partition)?;
    let runs = gone.iter().map(|entry| open(lake, plan, entry)).collect::<Result<Vec<_>>>()?;
    sort::merge(&plan.schema, &writer.order, runs, |rows| file.write(rows))?;
    writer.open = Some(file);
    let new = writer.finish()?;
    finish(lake, plan, Exchange { stream: plan.stream.id, set, gone, tail_until: CommitId(0), new }, done)
}

/// The rows of a file in today's columns.
fn open<'a>(lake: &Lake, plan: &'a Plan, entry: &FileEntry) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<'a>> {
    let batches = Batches::open(&lake.objects, &entry.file.path, entry.file.size_bytes, &[])?;
    let backfill = lake.backfill;
    Ok(batches.map(move |rows| adapt(&rows?, &plan.schema, backfill)))
}

/// Commits what was written in the place of what was read.
fn finish(lake: &Arc<Lake>, plan: &Plan, exchange: Exchange, done: &mut Compacted) -> Result<()> {
    lake.objects.faults.pass("lake.compact")?;
    let (n_rows, n_files) = (exchange.new.iter().map(|file| file.n_rows).sum::<u64>(), exchange.new.len() as u64);
    let n_replaced = exchange.gone.len() as u64;
    files::exchange(lake, exchange, |_| Ok(()))?;
    debug!(stream = %plan.stream.definition.name, n_rows, n_files, n_replaced, "compacted");
    *done = Compacted { n_rows: done.n_rows + n_rows, n_files: done.n_files + n_files, n_replaced: done.n_replaced + n_replaced };
    Ok(())
}

/// Sorts rows as much as fit into memory at a time, and writes each time partition of that into a file of its own.
fn write_sorted(
    lake: &Arc<Lake>,
    plan: &Plan,
    set: i64,
    rows: impl Iterator<Item = Result<RecordBatch>>,
    lineage: Lineage,
    gone: &[FileEntry],
) -> Result<Vec<NewFile>> {
    let mut writer = SetWriter::new(lake, plan, set, lineage, gone);
    let (mut chunk, mut bytes) = (Vec::new(), 0);
    for rows in rows {
        let rows = rows?;
        bytes += batches::n_bytes(&rows);
        chunk.push(rows);
        if bytes >= SORT_BYTES {
            writer.write(std::mem::take(&mut chunk))?;
            bytes = 0;
        }
    }
    writer.write(chunk)?;
    writer.finish()
}

/// Writes the files of one set, one after the other.
pub(crate) struct SetWriter<'a> {
    lake: &'a Arc<Lake>,
    plan: &'a Plan,
    set: i64,
    order: Vec<String>,
    lineage: Lineage,
    replaces: Vec<String>,
    /// The file that is not finished yet, since only the last one may say that it is the last.
    pub(crate) open: Option<FileWriter>,
    done: Vec<NewFile>,
}

impl<'a> SetWriter<'a> {
    pub(crate) fn new(lake: &'a Arc<Lake>, plan: &'a Plan, set: i64, lineage: Lineage, gone: &[FileEntry]) -> SetWriter<'a> {
        let mut replaces: Vec<String> = gone.iter().map(|entry| entry.file.path.clone()).collect();
        replaces.extend(files::superseded(lake, &plan.stream));
        let order = order(&plan.stream.definition, &plan.schema);
        SetWriter { lake, plan, set, order, lineage, replaces, open: None, done: Vec::new() }
    }

    fn write(&mut self, chunk: Vec<RecordBatch>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let rows = batches::concat(&self.plan.schema, &chunk)?;
        drop(chunk);
        for part in sort::split_sorted(&rows, &self.plan.stream.definition, &self.order)? {
            self.close(false)?;
            let mut file = self.create(&part.partition)?;
            part.batches(&rows).try_for_each(|batch| file.write(&batch?))?;
            self.open = Some(file);
        }
        Ok(())
    }

    pub(crate) fn create(&self, partition: &str) -> Result<FileWriter> {
        let SetWriter { lake, plan, set, order, .. } = self;
        let part = u32::try_from(self.done.len()).map_err(|cause| Error::internal("a set of too many files").because(cause))?;
        let path = files::path(&plan.stream, partition, *set, part);
        let hold = files::announce(lake, &path, *set)?;
        let (stream, schema, partition) = (&plan.stream, &plan.schema, partition.to_owned());
        FileWriter::create(&lake.objects, Layout { stream, schema, path, set: *set, partition, sorted_by: Some(order), hold })
    }

    fn close(&mut self, last: bool) -> Result<()> {
        let Some(file) = self.open.take() else { return Ok(()) };
        let part = u32::try_from(self.done.len()).map_err(|cause| Error::internal("a set of too many files").because(cause))?;
        let mut lineage = self.lineage.clone();
        lineage.covers.iter_mut().filter(|cover| cover.set == self.set).for_each(|cover| (cover.part, cover.last) = (part, last));
        if part > 0 {
            lineage.expired.clear();
        }
        self.done.push(file.finish(&self.lake.objects, lineage, &self.replaces)?);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<NewFile>> {
        self.close(true)?;
        Ok(self.done)
    }
}

/// The lineages of files, as the catalog has them.
pub(crate) fn lineages(lake: &Lake, files: &[FileEntry]) -> Result<Vec<Lineage>> {
    catalog::read_here(&lake.catalog_path(), |conn| {
        let mut select = conn.prepare("SELECT lineage FROM files WHERE id = ?").doing("read lineages")?;
        let mut lineage = |entry: &FileEntry| {
            let text: String = select.query_row([entry.id], |row| row.get(0)).map_err(|cause| match cause {
                rusqlite::Error::QueryReturnedNoRows => Error::not_found("the stream was dropped"),
                cause => Error::internal("could not read lineages").because(cause),
            })?;
            serde_json::from_str(&text).doing("read a lineage")
        };
        files.iter().map(&mut lineage).collect()
    })
}

/// What the inline commits up to `until` did, for the footers of the files that take them over.
fn inline_coverage(conn: &Connection, stream: StreamId, set: i64, until: CommitId) -> Result<Option<Coverage>> {
    let mut select = conn
        .prepare("SELECT id, at, newest, moves FROM commits WHERE stream = ? AND id <= ? AND file_set IS NULL ORDER BY id")
        .doing("read commits")?;
    let mut rows = select.query(params![stream.0, until.0]).doing("read commits")?;
    let (mut coverage, mut moves): (Option<Coverage>, Vec<Move>) = (None, Vec::new());
    while let Some(row) = rows.next().doing("read commits")? {
        let commit = CommitId(row.get(0).doing("read commits")?);
        let text: String = row.get(3).doing("read commits")?;
        moves.extend(serde_json::from_str::<Vec<_>>(&text).doing("read the moves of a commit")?);
        let covered = coverage.get_or_insert(Coverage {
            set,
            part: 0,
            last: true,
            commit_min: commit,
            commit_max: commit,
            at: Timestamp(0),
            newest: None,
            moves: Vec::new(),
            ledger: Vec::new(),
        });
        covered.commit_max = commit;
        covered.at = Timestamp(row.get(1).doing("read commits")?);
        covered.newest = row.get::<_, Option<i64>>(2).doing("read commits")?.map(Timestamp);
    }
    if let Some(covered) = &mut coverage {
        covered.moves = crate::lineage::join_moves(&moves);
        covered.ledger = crate::lineage::join_ledger(&inline_ledger(conn, stream, until).doing("read the ledger")?);
    }
    Ok(coverage)
}

fn inline_ledger(conn: &Connection, stream: StreamId, until: CommitId) -> rusqlite::Result<Vec<LedgerEntry>> {
    let mut select = conn.prepare(
        "SELECT l.partition, l.first, l.last, l.received, l.stored, l.quarantined, l.filtered, l.deduplicated, l.late, l.gap, l.n_lost
         FROM commits c CROSS JOIN ledger l ON l.stream = c.stream AND l.commit_id = c.id
         WHERE c.stream = ? AND c.id <= ? AND c.file_set IS NULL ORDER BY c.id, l.rowid",
    )?;
    let entries = select.query_map(params![stream.0, until.0], ledger_entry)?;
    entries.collect()
}
