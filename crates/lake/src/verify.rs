//! Recounts what is stored, from the disk and not from memory, and compares it with the ledger.

use crate::Lake;
use crate::batches::{commits, count_partitions, decode_ipc};
use crate::catalog::{self, count};
use crate::failure::Doing;
use crate::parquet_file::Batches;
use crate::quarantine;
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::error::Result;
use helios_contract::name::StreamName;
use helios_contract::store::Verified;
use helios_contract::stream::{Stream, StreamId};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Verifies one stream, or all; see `Verify::verify`.
pub(crate) async fn verify(lake: &Lake, name: Option<&StreamName>) -> Result<Vec<Verified>> {
    let streams = lake.shared.read(|state| match name {
        Some(name) => state.named(name).map(|table| vec![Arc::clone(&table.stream)]),
        None => Ok(state.streams()),
    })?;
    let lake = lake.owned();
    catalog::blocking(move || {
        // Held until the end: no file that the catalog names below is deleted meanwhile.
        let _recounting = Arc::clone(&lake.recounting);
        let mut findings = Vec::new();
        for stream in streams {
            findings.extend(verify_stream(&lake, &stream)?);
        }
        Ok(findings)
    })
    .await
}

/// The partitions of a stream with what was found about each.
#[derive(Default)]
struct Findings(BTreeMap<String, (Verified, Vec<String>)>);

/// A file as the catalog has it.
struct Listed {
    path: String,
    size_bytes: u64,
    n_rows: u64,
    commit_min: i64,
    commit_max: i64,
    counts: BTreeMap<String, u64>,
}

fn verify_stream(lake: &Lake, stream: &Stream) -> Result<Vec<Verified>> {
    let mut findings = Findings::default();
    // One reading transaction: ledger, inline rows and the list of files belong to the same moment.
    let (files, version) = catalog::read_here(&lake.catalog_path(), |conn| {
        read_ledger(conn, stream, &mut findings).doing("read the ledger")?;
        read_counts(conn, stream, &mut findings).doing("count quarantined and removed records")?;
        let version = conn
            .query_row("SELECT coalesce(max(id), 0) FROM commits WHERE stream = ?", [stream.id.0], |row| row.get::<_, i64>(0))
            .doing("read the newest commit")?;
        recount_inline(conn, stream, &mut findings)?;
        Ok((read_files(conn, stream.id)?, version))
    })?;
    for file in &files {
        recount_file(lake, stream, file, version, &mut findings);
    }
    Ok(findings.0.into_values().map(|(found, problems)| concluded(found, problems)).collect())
}

impl Findings {
    fn of(&mut self, stream: &Stream, partition: &str) -> &mut (Verified, Vec<String>) {
        self.0.entry(partition.to_owned()).or_insert_with(|| {
            let found = Verified {
                stream: stream.definition.name.clone(),
                partition: partition.to_owned(),
                received: 0,
                stored: 0,
                expired: 0,
                counted: 0,
                quarantined: 0,
                quarantine_counted: 0,
                filtered: 0,
                deduplicated: 0,
                lost: 0,
                problem: String::new(),
            };
            (found, Vec::new())
        })
    }
}

fn read_ledger(conn: &Connection, stream: &Stream, findings: &mut Findings) -> rusqlite::Result<()> {
    let mut select = conn.prepare(
        "SELECT partition, sum(received), sum(stored), sum(quarantined), sum(filtered), sum(deduplicated), sum(n_lost),
                sum(received <> stored + quarantined + filtered + deduplicated)
         FROM ledger WHERE stream = ? GROUP BY partition",
    )?;
    let mut rows = select.query([stream.id.0])?;
    while let Some(row) = rows.next()? {
        let (found, problems) = findings.of(stream, &row.get::<_, String>(0)?);
        found.received = count(row, 1)?;
        found.stored = count(row, 2)?;
        found.quarantined = count(row, 3)?;
        found.filtered = count(row, 4)?;
        found.deduplicated = count(row, 5)?;
        found.lost = count(row, 6)?;
        let n_unbalanced = count(row, 7)?;
        if n_unbalanced > 0 {
            problems.push(format!("{n_unbalanced} ledger rows do not balance: records received did not all end in one place"));
        }
    }
    Ok(())
}

/// Counts quarantined records, those discarded among them, and adds what retention removed: the ledger still knows those.
fn read_counts(conn: &Connection, stream: &Stream, findings: &mut Findings) -> rusqlite::Result<()> {
    let mut select =
        conn.prepare("SELECT partition, count(*) FROM quarantine WHERE stream = ? AND state <> 'replayed' GROUP BY partition")?;
    let mut rows = select.query([stream.id.0])?;
    while let Some(row) = rows.next()? {
        findings.of(stream, &row.get::<_, String>(0)?).0.quarantine_counted = count(row, 1)?;
    }
    let mut select = conn.prepare("SELECT partition, n_rows, n_quarantined FROM expired WHERE stream = ?")?;
    let mut rows = select.query([stream.id.0])?;
    while let Some(row) = rows.next()? {
        let (found, _) = findings.of(stream, &row.get::<_, String>(0)?);
        found.expired = count(row, 1)?;
        found.quarantine_counted += count(row, 2)?;
    }
    for class in quarantine::miscounted(conn, stream.id)? {
        findings.of(stream, "").1.push(format!("the counters of the quarantine class {class} are not what is there"));
    }
    Ok(())
}

fn recount_inline(conn: &Connection, stream: &Stream, findings: &mut Findings) -> Result<()> {
    let what = "read inline rows";
    let mut select = conn.prepare("SELECT commit_id, ipc FROM slices WHERE stream = ?").doing(what)?;
    let mut rows = select.query([stream.id.0]).doing(what)?;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next().doing(what)? {
        let commit = CommitId(row.get(0).doing(what)?);
        let ipc = row.get_ref(1).and_then(|bytes| Ok(bytes.as_blob()?)).doing(what)?;
        match decode_ipc(ipc, commit) {
            Ok(rows) => count_partitions(&rows, &mut counts)?,
            Err(error) => findings.of(stream, "").1.push(error.message()),
        }
    }
    counts.into_iter().for_each(|(partition, n)| findings.of(stream, &partition).0.counted += n);
    Ok(())
}

fn read_files(conn: &Connection, stream: StreamId) -> Result<Vec<Listed>> {
    let what = "read files";
    let mut select = conn
        .prepare("SELECT path, size_bytes, n_rows, commit_min, commit_max, counts FROM files WHERE stream = ?")
        .doing(what)?;
    let mut rows = select.query([stream.0]).doing(what)?;
    let mut files = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let counts: String = row.get(5).doing(what)?;
        files.push(Listed {
            path: row.get(0).doing(what)?,
            size_bytes: count(row, 1).doing(what)?,
            n_rows: count(row, 2).doing(what)?,
            commit_min: row.get(3).doing(what)?,
            commit_max: row.get(4).doing(what)?,
            counts: serde_json::from_str(&counts).doing("read the counts of a file")?,
        });
    }
    Ok(files)
}

/// Counts the rows of a file; what is wrong with it is a problem of every partition that has rows in it.
fn recount_file(lake: &Lake, stream: &Stream, file: &Listed, version: i64, findings: &mut Findings) {
    let mut counts = BTreeMap::new();
    let problem = match read_file(lake, file, version, &mut counts) {
        Ok(problem) => problem,
        Err(error) => Some(format!("{} cannot be read: {}", file.path, error.message())),
    };
    counts.into_iter().for_each(|(partition, n)| findings.of(stream, &partition).0.counted += n);
    if let Some(problem) = problem {
        let partitions = if file.counts.is_empty() { vec![""] } else { file.counts.keys().map(String::as_str).collect() };
        partitions.into_iter().for_each(|partition| findings.of(stream, partition).1.push(problem.clone()));
    }
}

fn read_file(lake: &Lake, file: &Listed, version: i64, counts: &mut BTreeMap<String, u64>) -> Result<Option<String>> {
    let Listed { path, commit_min, commit_max, .. } = file;
    let (mut n_rows, mut n_strays) = (0, 0);
    for rows in Batches::open(&lake.objects, path, file.size_bytes, &[hidden::PARTITION, hidden::COMMIT])? {
        let rows = rows?;
        n_rows += rows.num_rows() as u64;
        n_strays += commits(&rows)?.iter().filter(|commit| !(*commit_min..=*commit_max).contains(*commit)).count();
        count_partitions(&rows, counts)?;
    }
    Ok(if n_rows != file.n_rows {
        Some(format!("{path} has {n_rows} rows, the catalog says {}", file.n_rows))
    } else if n_strays > 0 {
        Some(format!("{path} has {n_strays} rows of commits outside {commit_min} to {commit_max}"))
    } else if *commit_max > version {
        Some(format!("{path} has rows of commit {commit_max}, but the newest commit is {version}"))
    } else {
        None
    })
}

fn concluded(mut found: Verified, mut problems: Vec<String>) -> Verified {
    let expected = found.stored.saturating_sub(found.expired);
    if found.counted != expected {
        problems.push(format!("{} rows are there, the ledger says {expected}", found.counted));
    }
    if found.quarantine_counted != found.quarantined {
        problems
            .push(format!("{} quarantined records are there, the ledger says {}", found.quarantine_counted, found.quarantined));
    }
    found.problem = problems.join("; ");
    found
}
