//! Recovers the catalog from the data files alone.
//!
//! Each file's footer says which commits it covers and how they moved the source's positions. What others have replaced
//! is left out. Then, for every source partition, the moves must form one chain: rows after a hole are set aside, so that
//! the source is read again from the hole and nothing is there twice. A push cannot be read again: there the rows are
//! kept, and the hole goes into the ledger.

use crate::catalog;
use crate::commit::insert_ledger;
use crate::failure::Doing;
use crate::lineage::{Coverage, whole_sets};
use crate::lock::lock;
use crate::objects::{Objects, wait};
use crate::parquet_file::{FoundFile, read_footer};
use crate::retain::add_expired;
use crate::streams::greatest_id;
use crate::{Config, Parts, files};
use chain::follow;
use futures::{StreamExt, TryStreamExt};
use helios_contract::clock::Timestamp;
use helios_contract::commit::{CommitId, Counts, LedgerEntry};
use helios_contract::error::{Kind, Result};
use helios_contract::name::StreamName;
use helios_contract::record::Offsets;
use helios_contract::stream::{SourceKind, Stream, StreamId};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

mod chain;

/// Footers read at once.
const READS: usize = 16;

/// What a rebuild found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rebuilt {
    /// Streams in the new catalog.
    pub n_streams: u64,
    /// Files in the new catalog.
    pub n_files: u64,
    /// Rows in them.
    pub n_rows: u64,
    /// Files that are there but not in the new catalog, each with the reason. None was deleted.
    pub set_aside: Vec<String>,
    /// What could not be recovered, in words.
    pub lost: Vec<String>,
}

/// Writes a new catalog from the data files; an old one is kept beside it under another name.
///
/// # Errors
/// `Conflict` when another process holds the directory; `Unavailable` when the storage fails.
pub async fn rebuild(config: Config, parts: Parts) -> Result<Rebuilt> {
    let objects = Objects { store: parts.store, local: config.local_data_dir.clone(), faults: parts.faults };
    let now = parts.clock.now();
    catalog::blocking(move || {
        let _lock = lock(&config.dir)?;
        let mut rebuilt = Rebuilt::default();
        let found = wait(find(&objects, &mut rebuilt))?;
        let path = config.dir.join(catalog::FILE);
        let new = config.dir.join("catalog.sqlite.new");
        remove_database(&new)?;
        let mut conn = catalog::open(&new)?;
        let transaction = conn.transaction().doing("begin a transaction")?;
        for (id, files) in by_stream(found, &mut rebuilt) {
            insert_stream(&transaction, id, files, &mut rebuilt)?;
        }
        transaction.commit().doing("commit")?;
        conn.close().map_err(|(_, cause)| cause).doing("close the new database")?;
        let old = config.dir.join(format!("catalog.sqlite.before-{}", now.0));
        rename_database(&path, &old)?;
        rename_database(&new, &path)?;
        Ok(rebuilt)
    })
    .await
}

/// Reads every footer. Files that are none of ours, or unreadable, are set aside.
async fn find(objects: &Objects, rebuilt: &mut Rebuilt) -> Result<Vec<FoundFile>> {
    let listed: Vec<_> = objects.store.list(None).try_collect().await.doing("list the data files")?;
    let ours = listed.into_iter().filter(|object| object.location.as_ref().ends_with(".parquet"));
    let mut reads = futures::stream::iter(ours)
        .map(|object| async move {
            let path = object.location.to_string();
            (read_footer(objects, &path, object.size).await, path)
        })
        .buffered(READS);
    let mut found = Vec::new();
    while let Some((read, path)) = reads.next().await {
        match read {
            Ok(file) => found.push(file),
            Err(error) if error.kind() == Kind::Corrupt => rebuilt.set_aside.push(format!("{path}: {}", error.message())),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The files that count, by stream.
fn by_stream(found: Vec<FoundFile>, rebuilt: &mut Rebuilt) -> BTreeMap<StreamId, Vec<FoundFile>> {
    let mut streams: BTreeMap<StreamId, Vec<FoundFile>> = BTreeMap::new();
    for file in found {
        streams.entry(file.stream.id).or_default().push(file);
    }
    // A dropped stream's name may have been given to a later one.
    let mut owner: BTreeMap<StreamName, StreamId> = BTreeMap::new();
    for (id, files) in &streams {
        owner.extend(files.iter().map(|file| (file.stream.definition.name.clone(), *id)));
    }
    streams.retain(|id, files| {
        let replaced = files.iter().any(|file| owner.get(&file.stream.definition.name) != Some(id));
        if replaced {
            rebuilt.set_aside.extend(files.iter().map(|file| format!("{}: a later stream has its name", file.file.path)));
        }
        !replaced
    });
    streams.into_iter().map(|(id, files)| (id, live(files, rebuilt))).collect()
}

/// Leaves out what belongs to sets that were never finished, and what finished ones have replaced.
fn live(files: Vec<FoundFile>, rebuilt: &mut Rebuilt) -> Vec<FoundFile> {
    let whole = whole_sets(files.iter().flat_map(|found| &found.file.lineage.covers));
    let is_sound = |found: &FoundFile| found.file.lineage.covers.iter().all(|cover| whole.contains(&cover.set));
    let replaced: BTreeSet<String> =
        files.iter().filter(|found| is_sound(found)).flat_map(|found| found.replaces.clone()).collect();
    let (sound, broken): (Vec<_>, Vec<_>) = files.into_iter().partition(is_sound);
    rebuilt.set_aside.extend(broken.iter().map(|found| format!("{}: other parts of its set are missing", found.file.path)));
    let (gone, live): (Vec<_>, Vec<_>) = sound.into_iter().partition(|found| replaced.contains(&found.file.path));
    rebuilt.set_aside.extend(gone.iter().map(|found| format!("{}: replaced by other files", found.file.path)));
    live
}

/// Writes one stream with all that can be told from its files.
fn insert_stream(conn: &Connection, id: StreamId, files: Vec<FoundFile>, rebuilt: &mut Rebuilt) -> Result<()> {
    let Some(stream) = files.iter().max_by_key(|found| (found.stream.version, found.file.set)).map(|found| found.stream.clone())
    else {
        return Ok(());
    };
    insert_definition(conn, &stream, &files)?;
    let keep_after_holes = stream.definition.source == SourceKind::Http;
    let chained = follow(files, keep_after_holes);
    rebuilt.set_aside.extend(chained.aside.iter().map(|found| format!("{}: it continues rows that are lost", found.file.path)));
    insert_positions(conn, id, &chained.positions)?;
    insert_commits(conn, id, &chained.kept, rebuilt)?;
    let newest = chained.kept.iter().map(|found| found.file.commit_max).max().unwrap_or_default();
    for gap in &chained.gaps {
        rebuilt.lost.push(format!(
            "{}: partition {}: {}",
            stream.definition.name,
            gap.partition,
            gap.gap.as_deref().unwrap_or_default()
        ));
        insert_ledger(conn, id, newest, gap).doing("store the ledger")?;
    }
    for found in &chained.kept {
        files::insert(conn, id, &found.file)?;
        found.file.lineage.expired.iter().try_for_each(|(partition, n)| add_expired(conn, id, partition, *n, 0))?;
        rebuilt.n_files += 1;
        rebuilt.n_rows += found.file.n_rows;
    }
    rebuilt.n_streams += 1;
    Ok(())
}

fn insert_definition(conn: &Connection, stream: &Stream, files: &[FoundFile]) -> Result<()> {
    // Ids of columns dropped since must not be given again.
    let columns = files.iter().flat_map(|found| &found.stream.definition.columns);
    let last_field = columns.map(greatest_id).max().unwrap_or(0);
    let json = serde_json::to_string(&stream.definition).doing("describe a stream")?;
    let values = params![
        stream.id.0,
        stream.definition.name.as_str(),
        catalog::signed(stream.version),
        json,
        stream.paused,
        stream.created_at.0,
        last_field
    ];
    conn.execute(
        "INSERT INTO streams (id, name, version, definition, paused, created_at, last_field) VALUES (?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    .doing("add a stream")?;
    Ok(())
}

fn insert_positions(conn: &Connection, id: StreamId, positions: &Offsets) -> Result<()> {
    for (partition, position) in positions {
        let values = params![id.0, partition, position];
        conn.execute("INSERT INTO offsets (stream, partition, position) VALUES (?, ?, ?)", values).doing("store a position")?;
    }
    Ok(())
}

/// Writes one commit and the ledger for each set of files; the commits within a set are not told apart any more.
fn insert_commits(conn: &Connection, id: StreamId, kept: &[FoundFile], rebuilt: &mut Rebuilt) -> Result<()> {
    let covers = kept.iter().flat_map(|found| &found.file.lineage.covers);
    // The parts of a set repeat what it says.
    let sets: BTreeMap<(CommitId, i64), &Coverage> = covers.map(|cover| ((cover.commit_max, cover.set), cover)).collect();
    let (mut at, mut newest) = (Timestamp::default(), None);
    for (commit, cover) in sets.values().map(|cover| (cover.commit_max, cover)) {
        (at, newest) = (at.max(cover.at), newest.max(cover.newest));
        let n_rows: u64 = cover.ledger.iter().map(|entry| entry.counts.stored).sum();
        let moves = serde_json::to_string(&cover.moves).doing("describe a commit")?;
        let values =
            params![commit.0, id.0, at.0, catalog::signed(n_rows), newest.map(|newest: Timestamp| newest.0), moves, cover.set];
        conn.execute("INSERT INTO commits (id, stream, at, n_rows, n_bytes, newest, moves, file_set, folded) VALUES (?, ?, ?, ?, 0, ?, ?, ?, TRUE)", values)
            .doing("store a commit")?;
        for entry in &cover.ledger {
            insert_ledger(conn, id, commit, entry).doing("store the ledger")?;
        }
    }
    let entries = sets.values().flat_map(|cover| &cover.ledger);
    for lost in quarantine_lost(entries) {
        rebuilt.lost.push(format!("partition {}: {}", lost.partition, lost.gap.as_deref().unwrap_or_default()));
        let newest = sets.keys().map(|(commit, _)| *commit).max().unwrap_or_default();
        insert_ledger(conn, id, newest, &lost).doing("store the ledger")?;
        add_expired(conn, id, &lost.partition, 0, lost.n_lost)?;
    }
    Ok(())
}

/// Says for the ledger which quarantined records are gone: only the catalog had them. Those replayed since are rows.
fn quarantine_lost<'a>(entries: impl Iterator<Item = &'a LedgerEntry>) -> Vec<LedgerEntry> {
    let mut sums: BTreeMap<&str, LedgerEntry> = BTreeMap::new();
    for entry in entries.filter(|entry| entry.counts.quarantined + entry.counts.replayed > 0) {
        let nothing = || LedgerEntry { counts: Counts::default(), ..entry.clone() };
        let sum = sums.entry(&entry.partition).or_insert_with(nothing);
        sum.last.clone_from(&entry.last);
        sum.counts.add(&entry.counts);
    }
    let lost = |sum: LedgerEntry| {
        let n = sum.counts.quarantined.checked_sub(sum.counts.replayed).filter(|n| *n > 0)?;
        let gap = Some(format!("{n} quarantined records were in the lost catalog only"));
        Some(LedgerEntry { counts: Counts::default(), gap, n_lost: n, ..sum })
    };
    sums.into_values().filter_map(lost).collect()
}

fn database_files(path: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

fn remove_database(path: &Path) -> Result<()> {
    let mut present = database_files(path).into_iter().filter(|file| file.exists());
    present.try_for_each(std::fs::remove_file).doing("remove an unfinished rebuild")
}

fn rename_database(from: &Path, to: &Path) -> Result<()> {
    let mut pairs = database_files(from).into_iter().zip(database_files(to)).filter(|(from, _)| from.exists());
    pairs.try_for_each(|(from, to)| std::fs::rename(from, to)).doing("put the new catalog in place")
}
