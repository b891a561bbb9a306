//! Commits and ledger of long ago, folded: one entry for a set of files in the place of one for each commit. Blocks.
//!
//! A busy stream commits twenty times a second; without this the catalog would grow by half a gigabyte a day. Sums,
//! gaps and positions stay what they were, and so do the rows and their `_commit`.

use crate::Lake;
use crate::catalog::{self, count, signed};
use crate::commit::insert_ledger;
use crate::failure::Doing;
use crate::lineage::{join_ledger, join_moves};
use crate::objects::wait;
use helios_contract::commit::{CommitId, Counts, LedgerEntry, Move};
use helios_contract::error::Result;
use helios_contract::stream::StreamId;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::time::Duration;

/// A set of files whose commits are still told apart.
struct Unfolded {
    set: i64,
    stream: StreamId,
    at: i64,
}

/// Folds the commits of every set of files that is older than the history is kept.
pub(crate) fn fold(lake: &Lake) -> Result<()> {
    let cutoff = lake.clock.now().minus(Duration::from_secs(lake.config.history_hours * 3600));
    loop {
        match catalog::read_here(&lake.catalog_path(), oldest)? {
            Some(oldest) if oldest.at < cutoff.0 => wait(lake.writer.write(move |conn| fold_set(conn, &oldest), |_, ()| ()))?,
            _ => return Ok(()),
        }
    }
}

/// The oldest set that is not folded. Sets are numbered in the order of time.
fn oldest(conn: &Connection) -> Result<Option<Unfolded>> {
    let select =
        "SELECT file_set, stream, at FROM commits WHERE folded = 0 AND file_set IS NOT NULL ORDER BY file_set, at LIMIT 1";
    let unfolded = |row: &Row<'_>| Ok(Unfolded { set: row.get(0)?, stream: StreamId(row.get(1)?), at: row.get(2)? });
    conn.query_row(select, [], unfolded).optional().doing("look for old commits")
}

fn fold_set(conn: &Connection, unfolded: &Unfolded) -> Result<()> {
    let Unfolded { set, stream, .. } = unfolded;
    let what = "fold old commits";
    let mut select = conn
        .prepare_cached("SELECT id, n_rows, n_bytes, moves FROM commits WHERE folded = 0 AND file_set = ? ORDER BY at, id")
        .doing(what)?;
    let mut rows = select.query([set]).doing(what)?;
    let (mut ids, mut n_rows, mut n_bytes, mut moves) = (Vec::new(), 0, 0, Vec::<Move>::new());
    while let Some(row) = rows.next().doing(what)? {
        ids.push(CommitId(row.get(0).doing(what)?));
        n_rows += count(row, 1).doing(what)?;
        n_bytes += count(row, 2).doing(what)?;
        let text: String = row.get(3).doing(what)?;
        moves.extend(serde_json::from_str::<Vec<Move>>(&text).doing("read the moves of a commit")?);
    }
    let Some(last) = ids.iter().copied().max() else { return Ok(()) };
    let mut ledger = Vec::new();
    for id in &ids {
        ledger.extend(take_ledger(conn, *stream, *id).doing(what)?);
        if *id != last {
            conn.prepare_cached("DELETE FROM commits WHERE id = ?").and_then(|mut delete| delete.execute([id.0])).doing(what)?;
        }
    }
    let moves = serde_json::to_string(&join_moves(&moves)).doing("describe a commit")?;
    conn.prepare_cached("UPDATE commits SET n_rows = ?, n_bytes = ?, moves = ?, folded = 1 WHERE id = ?")
        .and_then(|mut update| update.execute(params![signed(n_rows), signed(n_bytes), moves, last.0]))
        .doing(what)?;
    join_ledger(&ledger).iter().try_for_each(|entry| insert_ledger(conn, *stream, last, entry)).doing(what)
}

/// Removes the ledger of a commit and answers it.
fn take_ledger(conn: &Connection, stream: StreamId, commit: CommitId) -> rusqlite::Result<Vec<LedgerEntry>> {
    let columns = "partition, first, last, received, stored, quarantined, filtered, deduplicated, late, gap, n_lost";
    let mut select =
        conn.prepare_cached(&format!("SELECT {columns} FROM ledger WHERE stream = ? AND commit_id = ? ORDER BY rowid"))?;
    let entries = select.query_map(params![stream.0, commit.0], ledger_entry)?.collect::<rusqlite::Result<_>>()?;
    conn.prepare_cached("DELETE FROM ledger WHERE stream = ? AND commit_id = ?")?.execute(params![stream.0, commit.0])?;
    Ok(entries)
}

/// The ledger entry in a row: partition, first, last, the counts in their order, gap and losses.
pub(crate) fn ledger_entry(row: &Row<'_>) -> rusqlite::Result<LedgerEntry> {
    let quarantined: i64 = row.get(5)?;
    let counts = Counts {
        received: count(row, 3)?,
        stored: count(row, 4)?,
        quarantined: quarantined.max(0).unsigned_abs(),
        filtered: count(row, 6)?,
        deduplicated: count(row, 7)?,
        late: count(row, 8)?,
        replayed: quarantined.min(0).unsigned_abs(),
    };
    let (partition, first, last) = (row.get(0)?, row.get(1)?, row.get(2)?);
    Ok(LedgerEntry { partition, first, last, counts, gap: row.get(9)?, n_lost: count(row, 10)? })
}
