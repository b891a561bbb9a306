//! Brings a catalog that an older Helios wrote up to date, in place: one step for each version.

use crate::drift;
use crate::failure::Doing;
use crate::quarantine;
use helios_contract::error::{Error, Kind, Result};
use helios_contract::name::StreamName;
use helios_contract::quarantine::class;
use rusqlite::{Connection, params};

type Step = fn(&Connection) -> Result<()>;

/// The step at index `n` makes version `n + 2` of version `n + 1`.
const STEPS: &[Step] = &[classes, drift::upgrade];

/// The version of a catalog made today; grows by one with every change of the tables.
pub(super) const VERSION: i64 = STEPS.len() as i64 + 1;

/// Takes the steps from `version` on, all of them or none.
pub(super) fn upgrade(conn: &Connection, version: i64) -> Result<()> {
    let transaction = conn.unchecked_transaction().doing("begin a transaction")?;
    let taken = usize::try_from(version - 1).map_err(|cause| Error::internal("a version below one").because(cause))?;
    STEPS.iter().skip(taken).try_for_each(|step| step(&transaction))?;
    transaction.pragma_update(None, "user_version", VERSION).doing("store the version of the database")?;
    transaction.commit().doing("commit")
}

/// Version 2: quarantined records have a class and a state, and keep their headers.
fn classes(conn: &Connection) -> Result<()> {
    let what = "give quarantined records their classes";
    conn.execute_batch(
        "ALTER TABLE quarantine ADD COLUMN headers BLOB;
         ALTER TABLE quarantine ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE quarantine ADD COLUMN class TEXT NOT NULL DEFAULT '';
         ALTER TABLE quarantine ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
         ALTER TABLE quarantine ADD COLUMN note TEXT;
         UPDATE quarantine SET at = coalesce((SELECT c.at FROM commits c WHERE c.id = commit_id), time);",
    )
    .doing(what)?;
    conn.execute_batch(quarantine::TABLES).doing(what)?;
    let mut causes = conn
        .prepare("SELECT DISTINCT q.stream, s.name, q.reason, q.path FROM quarantine q JOIN streams s ON s.id = q.stream")
        .doing(what)?;
    let mut rows = causes.query([]).doing(what)?;
    let mut found: Vec<(i64, String, String, String)> = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let name: String = row.get(1).doing(what)?;
        let name = StreamName::new(name)
            .map_err(|cause| Error::new(Kind::Corrupt, "a stream of an impossible name").because(cause.message()))?;
        let (reason, path): (String, String) = (row.get(2).doing(what)?, row.get(3).doing(what)?);
        found.push((row.get(0).doing(what)?, class(&name, &reason, &path), reason, path));
    }
    conn.execute_batch(
        "CREATE TEMP TABLE cause (stream INTEGER, class TEXT, reason TEXT, path TEXT, PRIMARY KEY (stream, reason, path))",
    )
    .doing(what)?;
    for (stream, class, reason, path) in found {
        conn.prepare_cached("INSERT INTO cause VALUES (?, ?, ?, ?)")
            .and_then(|mut insert| insert.execute(params![stream, class, reason, path]))
            .doing(what)?;
        quarantine::name_class(conn, stream, &class, &reason, &path).doing(what)?;
    }
    conn.execute_batch(
        "UPDATE quarantine SET class = (SELECT c.class FROM cause c
             WHERE c.stream = quarantine.stream AND c.reason = quarantine.reason AND c.path = quarantine.path);
         DROP TABLE cause;",
    )
    .doing(what)
}
