//! A commit: its rows are placed first, then everything is recorded in one transaction.

use crate::Lake;
use crate::batches;
use crate::catalog::{blocking, count, signed};
use crate::drift;
use crate::failure::{Doing, repeated};
use crate::files;
use crate::lineage::{Coverage, Lineage};
use crate::parquet_file::{FileWriter, Layout, NewFile};
use crate::quarantine;
use crate::state::{Committed, FileEntry, State, TailSlice};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use helios_contract::clock::Timestamp;
use helios_contract::column::row_schema;
use helios_contract::commit::{Commit, CommitId, LedgerEntry};
use helios_contract::error::{Error, Result};
use helios_contract::name::StreamName;
use helios_contract::store::Slice;
use helios_contract::stream::{Stream, StreamId};
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;
use std::time::Duration;

/// Rows that take more than this many times the inline limit in memory are not tried inline: they compress three- to fourfold.
const INLINE_RATIO: u64 = 6;

/// Where the rows of a commit went.
enum Placed {
    Nowhere,
    Inline { ipc: Vec<u8>, rows: RecordBatch },
    File(NewFile),
}

/// Commits; see `TableStore::commit`.
pub(crate) async fn commit(lake: &Lake, commit: Commit) -> Result<CommitId> {
    let started = tokio::time::Instant::now();
    let (stream, schema) = lake
        .shared
        .read(|state| state.table(commit.stream).map(|table| (Arc::clone(&table.stream), Arc::clone(&table.schema))))?;
    check(&commit, &stream)?;
    if commit.n_rows() > 0 {
        room(lake).await?;
    }
    let id = CommitId(lake.next_number());
    let (n_rows, name) = (commit.n_rows() as u64, stream.definition.name.clone());
    let now = lake.clock.now();
    let owned = lake.owned();
    let permit = Arc::clone(&lake.placing)
        .acquire_owned()
        .await
        .map_err(|cause| Error::unavailable("the lake is closed").because(cause))?;
    let (commit, placed) = blocking(move || {
        let _permit = permit;
        let placed = place(&owned, id, now, &stream, &schema, &commit)?;
        Ok((commit, placed))
    })
    .await?;
    let (faults, recorded_as) = (lake.objects.faults.clone(), name.clone());
    let work = move |conn: &Connection| {
        let recorded = record(conn, (id, &recorded_as), now, commit, &placed)?;
        // The hold on a new file goes along until the file is published: until then only the hold keeps it from being deleted.
        faults.pass("lake.commit").map(|()| (recorded, placed))
    };
    lake.writer.write(work, |state, (recorded, _placed)| publish(state, recorded)).await?;
    lake.objects.faults.pass("lake.committed")?;
    lake.metrics.committed(&name, n_rows, started.elapsed());
    wake_compaction(lake, &name);
    Ok(id)
}

/// Refuses what would make the ledger lie.
fn check(commit: &Commit, stream: &Stream) -> Result<()> {
    if commit.stream_version != stream.version {
        return Err(changed(stream.version, commit.stream_version));
    }
    let sum = |count: fn(&LedgerEntry) -> u64| commit.ledger.iter().map(count).sum::<u64>();
    let (stored, quarantined) = (sum(|entry| entry.counts.stored), sum(|entry| entry.counts.quarantined));
    if let Some(entry) = commit.ledger.iter().find(|entry| !entry.counts.balances()) {
        return Err(Error::internal(format!("the ledger of partition {} does not balance: {:?}", entry.partition, entry.counts)));
    }
    if (stored, quarantined) != (commit.n_rows() as u64, commit.quarantined.len() as u64) {
        return Err(Error::internal(format!(
            "the ledger says {stored} rows and {quarantined} quarantined records, the commit has {} and {}",
            commit.n_rows(),
            commit.quarantined.len()
        )));
    }
    let replayed = sum(|entry| entry.counts.replayed);
    if replayed != commit.replayed.released.len() as u64 {
        let n_released = commit.replayed.released.len();
        return Err(Error::internal(format!("the ledger says {replayed} records are replayed, the commit has {n_released}")));
    }
    let fields = row_schema(&stream.definition.columns);
    match commit.rows.iter().find(|rows| rows.schema_ref().fields() != fields.fields()) {
        Some(rows) => {
            Err(Error::internal(format!("rows do not have the stream's columns, but {:?}", rows.schema_ref().fields())))
        }
        None => Ok(()),
    }
}

fn changed(now: u64, given: u64) -> Error {
    Error::conflict(format!("the stream changed: its definition is at version {now}, the rows were decoded with version {given}"))
}

/// Waits until there is room for more inline rows in memory, unless none is to be expected.
async fn room(lake: &Lake) -> Result<()> {
    let bytes_max = lake.config.tail_bytes_max;
    let mut bytes = lake.shared.tail_bytes.subscribe();
    if *bytes.borrow() <= bytes_max {
        return Ok(());
    }
    lake.shared.compaction_due.notify_one();
    let mut upkeep_error = lake.shared.upkeep_error.subscribe();
    let limit = Duration::from_millis(lake.config.commit_wait_ms_max);
    tokio::select! {
        biased;
        _ = bytes.wait_for(|bytes| *bytes <= bytes_max) => Ok(()),
        Ok(error) = upkeep_error.wait_for(Option::is_some) => {
            let error = error.as_ref().expect("it was waited for");
            Err(repeated(error).context("there is no room for new rows until compaction works again"))
        }
        () = tokio::time::sleep(limit) => {
            Err(Error::unavailable(format!("compaction did not make room for new rows within {} s", limit.as_secs()))
                .hint("The disk or the processor is too slow for what comes in."))
        }
    }
}

/// Encodes the rows, and writes them to a durable file where they are many. Blocks.
fn place(lake: &Arc<Lake>, id: CommitId, now: Timestamp, stream: &Stream, schema: &SchemaRef, commit: &Commit) -> Result<Placed> {
    if commit.n_rows() == 0 {
        return Ok(Placed::Nowhere);
    }
    let n_bytes: u64 = commit.rows.iter().map(batches::n_bytes).sum();
    // A replay moves no positions. Inline, it gets into a file no sooner than the commits that its records came with: so the
    // files never tell of the one without the other.
    let is_replay = commit.moves.is_empty();
    if is_replay || n_bytes <= lake.config.inline_bytes_max.saturating_mul(INLINE_RATIO) {
        let rows = batches::concat(&row_schema(&stream.definition.columns), &commit.rows)?;
        let ipc = batches::encode_ipc(&rows)?;
        if is_replay || ipc.len() as u64 <= lake.config.inline_bytes_max {
            return Ok(Placed::Inline { ipc, rows: batches::with_commit(&rows, id, schema)? });
        }
    }
    let path = files::path(stream, "direct", id.0, 0);
    let hold = files::announce(lake, &path, id.0)?;
    let layout = Layout { stream, schema, path, set: id.0, partition: "direct".to_owned(), sorted_by: None, hold };
    let mut file = FileWriter::create(&lake.objects, layout)?;
    for rows in &commit.rows {
        file.write(&batches::with_commit(rows, id, schema)?)?;
    }
    let coverage = Coverage {
        set: id.0,
        part: 0,
        last: true,
        commit_min: id,
        commit_max: id,
        at: now,
        newest: commit.newest,
        moves: commit.moves.clone(),
        ledger: commit.ledger.clone(),
    };
    let lineage = Lineage { covers: vec![coverage], ..Lineage::default() };
    Ok(Placed::File(file.finish(&lake.objects, lineage, &[])?))
}

/// Records a commit; every check that decides about it is made here, within the transaction.
fn record(
    conn: &Connection,
    (id, name): (CommitId, &StreamName),
    now: Timestamp,
    commit: Commit,
    placed: &Placed,
) -> Result<(StreamId, Committed)> {
    let stream = commit.stream;
    check_version(conn, &commit)?;
    let (at, newest) = after_last(conn, id, now, &commit)?;
    commit.moves.iter().try_for_each(|step| move_position(conn, stream, step))?;
    let n_bytes = commit.rows.iter().map(batches::n_bytes).sum();
    let file_set = matches!(placed, Placed::File(_)).then_some(id.0);
    let moves = serde_json::to_string(&commit.moves).doing("describe a commit")?;
    conn.prepare_cached("INSERT INTO commits (id, stream, at, n_rows, n_bytes, newest, moves, file_set, folded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .and_then(|mut insert| {
            let newest = newest.map(|newest| newest.0);
            insert.execute(params![id.0, stream.0, at.0, signed(commit.n_rows() as u64), signed(n_bytes), newest, moves, file_set, file_set.is_some()])
        })
        .doing("store a commit")?;
    commit.ledger.iter().try_for_each(|entry| insert_ledger(conn, stream, id, entry)).doing("store the ledger")?;
    quarantine::record(conn, name, id, at, &commit)?;
    drift::record(conn, stream, &commit.drift)?;
    insert_receipts(conn, id, at, &commit)?;
    let mut committed = Committed { id, at, newest, moves: commit.moves, slice: None, file: None };
    match placed {
        Placed::Nowhere => {}
        Placed::Inline { ipc, rows } => {
            conn.prepare_cached("INSERT INTO slices (commit_id, stream, ipc) VALUES (?, ?, ?)")
                .and_then(|mut insert| insert.execute(params![id.0, stream.0, ipc]))
                .doing("store rows")?;
            let n_bytes = batches::n_bytes(rows);
            committed.slice = Some(TailSlice { slice: Slice { commit: id, committed_at: at, rows: rows.clone() }, n_bytes });
        }
        Placed::File(file) => committed.file = Some(FileEntry::new(files::insert(conn, stream, file)?, file)),
    }
    Ok((stream, committed))
}

fn check_version(conn: &Connection, commit: &Commit) -> Result<()> {
    let version = conn
        .prepare_cached("SELECT version FROM streams WHERE id = ?")
        .and_then(|mut select| select.query_row([commit.stream.0], |row| count(row, 0)).optional())
        .doing("look up the stream")?;
    match version {
        None => Err(Error::not_found("the stream was dropped")),
        Some(version) if version != commit.stream_version => Err(changed(version, commit.stream_version)),
        Some(_) => Ok(()),
    }
}

/// The commit's time and newest arrival, which never go back within a stream, and the same for its number.
fn after_last(conn: &Connection, id: CommitId, now: Timestamp, commit: &Commit) -> Result<(Timestamp, Option<Timestamp>)> {
    let last = conn
        .prepare_cached("SELECT id, at, newest FROM commits WHERE stream = ? ORDER BY id DESC LIMIT 1")
        .and_then(|mut select| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?));
            select.query_row([commit.stream.0], row).optional()
        })
        .doing("look up the last commit")?;
    match last {
        None => Ok((now, commit.newest)),
        Some((last, ..)) if last >= id.0 => Err(Error::conflict("another commit of the stream was first")),
        Some((_, at, newest)) => Ok((now.max(Timestamp(at)), commit.newest.max(newest.map(Timestamp)))),
    }
}

/// The compare-and-swap that everything said about delivery follows from.
fn move_position(conn: &Connection, stream: StreamId, step: &helios_contract::commit::Move) -> Result<()> {
    let stored: Option<String> = conn
        .prepare_cached("SELECT position FROM offsets WHERE stream = ? AND partition = ?")
        .and_then(|mut select| select.query_row(params![stream.0, step.partition], |row| row.get(0)).optional())
        .doing("look up a position")?;
    if stored != step.from {
        let shown = |position: &Option<String>| position.clone().unwrap_or_else(|| "nothing".to_owned());
        return Err(Error::conflict(format!(
            "partition {} stands at {}, not at {}",
            step.partition,
            shown(&stored),
            shown(&step.from)
        ))
        .hint("Somebody else committed first; read the stored positions and continue from there."));
    }
    conn.prepare_cached("INSERT OR REPLACE INTO offsets (stream, partition, position) VALUES (?, ?, ?)")
        .and_then(|mut insert| insert.execute(params![stream.0, step.partition, step.to]))
        .doing("store a position")?;
    Ok(())
}

/// Adds one ledger entry.
pub(crate) fn insert_ledger(conn: &Connection, stream: StreamId, id: CommitId, entry: &LedgerEntry) -> rusqlite::Result<()> {
    let mut insert = conn.prepare_cached("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    let LedgerEntry { partition, first, last, counts, gap, n_lost } = entry;
    insert.execute(params![
        stream.0,
        id.0,
        partition,
        first,
        last,
        signed(counts.received),
        signed(counts.stored),
        // Over all commits the column adds up to what is in quarantine.
        signed(counts.quarantined) - signed(counts.replayed),
        signed(counts.filtered),
        signed(counts.deduplicated),
        signed(counts.late),
        gap,
        signed(*n_lost)
    ])?;
    Ok(())
}

fn insert_receipts(conn: &Connection, id: CommitId, at: Timestamp, commit: &Commit) -> Result<()> {
    for receipt in &commit.receipts {
        let counts = serde_json::to_string(&receipt.counts).doing("store a receipt")?;
        conn.prepare_cached("INSERT OR REPLACE INTO receipts (stream, key, commit_id, at, counts) VALUES (?, ?, ?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![commit.stream.0, receipt.key, id.0, at.0, counts]))
            .doing("store a receipt")?;
    }
    Ok(())
}

fn publish(state: &mut State, (stream, committed): (StreamId, Committed)) {
    if let Some(table) = state.tables.get_mut(&stream) {
        table.add(committed);
    }
}

/// Rings for compaction as soon as the tail is long or large enough.
fn wake_compaction(lake: &Lake, name: &StreamName) {
    let config = &lake.config;
    let due = lake.shared.read(|state| {
        state
            .named(name)
            .is_ok_and(|table| table.tail.len() >= config.tail_slices_max || table.tail_bytes() >= config.compact_bytes)
    });
    if due {
        lake.shared.compaction_due.notify_one();
    }
}
