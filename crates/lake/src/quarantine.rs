//! Records that did not become rows: kept whole, counted by class, released with the rows they become, or discarded.
//!
//! The counters of a class are kept by triggers, so that they change in the same transaction as the records, whoever
//! changes those.

use crate::Lake;
use crate::catalog;
use crate::failure::Doing;
use async_trait::async_trait;
use bytes::Bytes;
use helios_contract::clock::Timestamp;
use helios_contract::commit::{Commit, CommitId, Kept, Quarantined, Released};
use helios_contract::error::{Error, Result};
use helios_contract::name::StreamName;
use helios_contract::quarantine::{Held, Quarantine, QuarantineId, class, path_shape, reason_shape};
use helios_contract::record::{Position, Record};
use helios_contract::stream::StreamId;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::HashMap;
use std::sync::Arc;

/// What belongs to the table `quarantine`, besides the table itself.
pub(crate) const TABLES: &str = "
-- The newest of a stream, and the newest of a class, are read from the end of an index.
CREATE INDEX quarantine_newest ON quarantine (stream);
CREATE INDEX quarantine_of_class ON quarantine (stream, class);
-- What goes wrong, and how often: `reason` and `path` are without values. Counted by the triggers below.
CREATE TABLE quarantine_classes (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, class TEXT NOT NULL, reason TEXT NOT NULL, path TEXT NOT NULL,
    n_open INTEGER NOT NULL DEFAULT 0, n_replayed INTEGER NOT NULL DEFAULT 0, n_discarded INTEGER NOT NULL DEFAULT 0,
    first_seen INTEGER, last_seen INTEGER, PRIMARY KEY (stream, class)) STRICT, WITHOUT ROWID;
-- How many records were put into quarantine in each of the last minutes.
CREATE TABLE quarantine_minutes (
    stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, class TEXT NOT NULL, minute INTEGER NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (stream, class, minute)) STRICT, WITHOUT ROWID;
CREATE TRIGGER quarantine_in AFTER INSERT ON quarantine BEGIN
    INSERT INTO quarantine_minutes VALUES (NEW.stream, NEW.class, NEW.at / 60000000, 1) ON CONFLICT DO UPDATE SET n = n + 1;
    UPDATE quarantine_classes SET n_open = n_open + (NEW.state = 'open'), n_replayed = n_replayed + (NEW.state = 'replayed'),
        n_discarded = n_discarded + (NEW.state = 'discarded'), first_seen = min(coalesce(first_seen, NEW.at), NEW.at),
        last_seen = max(coalesce(last_seen, NEW.at), NEW.at)
    WHERE stream = NEW.stream AND class = NEW.class;
END;
CREATE TRIGGER quarantine_change AFTER UPDATE OF class, state ON quarantine BEGIN
    UPDATE quarantine_classes SET n_open = n_open - (OLD.state = 'open'), n_replayed = n_replayed - (OLD.state = 'replayed'),
        n_discarded = n_discarded - (OLD.state = 'discarded')
    WHERE stream = OLD.stream AND class = OLD.class;
    UPDATE quarantine_classes SET n_open = n_open + (NEW.state = 'open'), n_replayed = n_replayed + (NEW.state = 'replayed'),
        n_discarded = n_discarded + (NEW.state = 'discarded'), first_seen = min(coalesce(first_seen, NEW.at), NEW.at),
        last_seen = max(coalesce(last_seen, NEW.at), NEW.at)
    WHERE stream = NEW.stream AND class = NEW.class;
END;
CREATE TRIGGER quarantine_out AFTER DELETE ON quarantine BEGIN
    UPDATE quarantine_classes SET n_open = n_open - (OLD.state = 'open'), n_replayed = n_replayed - (OLD.state = 'replayed'),
        n_discarded = n_discarded - (OLD.state = 'discarded')
    WHERE stream = OLD.stream AND class = OLD.class;
END;
";

/// Records discarded in one transaction: others wait for it.
const DISCARD_MAX: usize = 2_000;

#[async_trait]
impl Quarantine for Lake {
    async fn held(&self, stream: StreamId, ids: &[QuarantineId], bytes_max: usize) -> Result<(Vec<Held>, usize)> {
        let ids = ids.to_vec();
        catalog::read(self.catalog_path(), move |conn| held(conn, stream, &ids, bytes_max)).await
    }

    async fn discard(&self, stream: StreamId, ids: Vec<QuarantineId>, reason: &str) -> Result<u64> {
        let mut n_discarded = 0;
        for some in ids.chunks(DISCARD_MAX) {
            let (some, reason) = (some.to_vec(), reason.to_owned());
            let discard = move |conn: &Connection| discard(conn, stream, &some, &reason).doing("discard quarantined records");
            n_discarded += self.writer.write(discard, |_, n| n).await?;
        }
        Ok(n_discarded)
    }
}

/// Stores what a commit puts into quarantine, releases what it takes out, and says anew why the others stay.
pub(crate) fn record(conn: &Connection, stream: &StreamName, id: CommitId, at: Timestamp, commit: &Commit) -> Result<()> {
    let keeper = Keeper { conn, stream: commit.stream, name: stream, at };
    let mut classes = HashMap::new();
    for bad in &commit.quarantined {
        let class = keeper.class(&mut classes, &bad.reason, &bad.path).doing("name a class of quarantined records")?;
        keeper.insert(id, bad, &class)?;
    }
    commit.replayed.released.iter().try_for_each(|released| keeper.release(released))?;
    for kept in &commit.replayed.kept {
        let class = keeper.class(&mut classes, &kept.reason, &kept.path).doing("name a class of quarantined records")?;
        keeper.keep(kept, &class).doing("keep a record in quarantine")?;
    }
    Ok(())
}

struct Keeper<'a> {
    conn: &'a Connection,
    stream: StreamId,
    name: &'a StreamName,
    at: Timestamp,
}

impl Keeper<'_> {
    /// The class of a cause; it has a row from then on.
    fn class(&self, known: &mut HashMap<(String, String), Arc<str>>, reason: &str, path: &str) -> rusqlite::Result<Arc<str>> {
        let cause = (reason_shape(reason), path_shape(path));
        if let Some(class) = known.get(&cause) {
            return Ok(Arc::clone(class));
        }
        let class: Arc<str> = class(self.name, reason, path).into();
        name_class(self.conn, self.stream.0, &class, reason, path)?;
        let forget = "DELETE FROM quarantine_minutes WHERE stream = ? AND class = ? AND minute < ? / 60000000 - 10";
        self.conn.prepare_cached(forget)?.execute(params![self.stream.0, &*class, self.at.0])?;
        known.insert(cause, Arc::clone(&class));
        Ok(class)
    }

    fn insert(&self, id: CommitId, bad: &Quarantined, class: &str) -> Result<()> {
        let headers = match bad.headers.as_slice() {
            [] => None,
            headers => Some(headers_json(headers)?),
        };
        let Quarantined { partition, position, time, reason, path, payload, key, .. } = bad;
        let (payload, key) = (payload.as_ref(), key.as_deref());
        self.conn
            .prepare_cached(
                "INSERT INTO quarantine (stream, commit_id, partition, position, time, reason, path, payload, key, headers, at, class, state)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open')",
            )
            .and_then(|mut insert| {
                let values = params![
                    self.stream.0, id.0, partition, position, time.0, reason, path, payload, key, headers, self.at.0, class
                ];
                insert.execute(values)
            })
            .doing("store quarantined records")?;
        Ok(())
    }

    /// The compare-and-swap that makes a replay idempotent: an open record leaves quarantine once.
    fn release(&self, released: &Released) -> Result<()> {
        let n_changed = self
            .conn
            .prepare_cached("UPDATE quarantine SET state = 'replayed', note = ? WHERE id = ? AND stream = ? AND state = 'open'")
            .and_then(|mut update| {
                let note = Some(&*released.how).filter(|how| !how.is_empty());
                update.execute(params![note, released.id.0, self.stream.0])
            })
            .doing("release a quarantined record")?;
        if n_changed == 1 {
            return Ok(());
        }
        Err(Error::conflict(format!("record {} is not open in quarantine any more", released.id.0))
            .hint("Somebody else replayed or discarded it; nothing of this commit was stored."))
    }

    fn keep(&self, kept: &Kept, class: &str) -> rusqlite::Result<()> {
        let update = "UPDATE quarantine SET reason = ?, path = ?, class = ? WHERE id = ? AND stream = ? AND state = 'open'";
        self.conn.prepare_cached(update)?.execute(params![kept.reason, kept.path, class, kept.id.0, self.stream.0])?;
        Ok(())
    }
}

/// Gives a class its row, where it has none.
pub(crate) fn name_class(conn: &Connection, stream: i64, class: &str, reason: &str, path: &str) -> rusqlite::Result<()> {
    let insert = "INSERT OR IGNORE INTO quarantine_classes (stream, class, reason, path) VALUES (?, ?, ?, ?)";
    conn.prepare_cached(insert)?.execute(params![stream, class, reason_shape(reason), path_shape(path)])?;
    Ok(())
}

/// Removes what arrived before `cutoff`; what was still in quarantine is counted as expired.
pub(crate) fn forget(conn: &Connection, stream: StreamId, cutoff: Timestamp) -> Result<()> {
    let counts = "INSERT INTO expired (stream, partition, n_quarantined)
         SELECT stream, partition, count(*) FROM quarantine WHERE stream = ? AND time < ? AND state <> 'replayed' GROUP BY partition
         ON CONFLICT DO UPDATE SET n_quarantined = n_quarantined + excluded.n_quarantined";
    conn.execute(counts, params![stream.0, cutoff.0]).doing("count old quarantined records")?;
    conn.execute("DELETE FROM quarantine WHERE stream = ? AND time < ?", params![stream.0, cutoff.0])
        .doing("remove old quarantined records")?;
    let empty = "DELETE FROM quarantine_classes WHERE stream = ? AND n_open + n_replayed + n_discarded = 0";
    conn.execute(empty, [stream.0]).doing("remove classes without records")?;
    Ok(())
}

/// The classes of a stream whose counters are not what is there.
pub(crate) fn miscounted(conn: &Connection, stream: StreamId) -> rusqlite::Result<Vec<String>> {
    let mut select = conn.prepare(
        "WITH counted AS (
             SELECT class, sum(state = 'open') AS n_open, sum(state = 'replayed') AS n_replayed, sum(state = 'discarded') AS n_discarded
             FROM quarantine WHERE stream = ?1 GROUP BY class)
         SELECT coalesce(k.class, c.class) FROM (SELECT * FROM quarantine_classes WHERE stream = ?1) k
             FULL JOIN counted c ON c.class = k.class
         WHERE (coalesce(k.n_open, 0), coalesce(k.n_replayed, 0), coalesce(k.n_discarded, 0))
            <> (coalesce(c.n_open, 0), coalesce(c.n_replayed, 0), coalesce(c.n_discarded, 0))",
    )?;
    let classes = select.query_map([stream.0], |row| row.get(0))?;
    classes.collect()
}

fn discard(conn: &Connection, stream: StreamId, ids: &[QuarantineId], reason: &str) -> rusqlite::Result<u64> {
    let mut update = conn
        .prepare_cached("UPDATE quarantine SET state = 'discarded', note = ? WHERE id = ? AND stream = ? AND state = 'open'")?;
    let mut n_discarded = 0;
    for id in ids {
        n_discarded += update.execute(params![reason, id.0, stream.0])? as u64;
    }
    Ok(n_discarded)
}

fn held(conn: &Connection, stream: StreamId, ids: &[QuarantineId], bytes_max: usize) -> Result<(Vec<Held>, usize)> {
    let what = "read quarantined records";
    let mut select = conn
        .prepare(
            "SELECT partition, position, time, payload, key, headers FROM quarantine WHERE id = ? AND stream = ? AND state = 'open'",
        )
        .doing(what)?;
    let mut partitions: HashMap<String, Arc<str>> = HashMap::new();
    let (mut found, mut n_bytes, mut n_looked) = (Vec::new(), 0, 0);
    for id in ids {
        if n_bytes >= bytes_max {
            break;
        }
        n_looked += 1;
        let Some((partition, record, headers)) = select.query_row(params![id.0, stream.0], stored).optional().doing(what)? else {
            continue;
        };
        let headers = headers.map_or(Ok(Vec::new()), |json| read_headers(&json))?;
        n_bytes += record.payload.len();
        let partition = partitions.entry(partition).or_insert_with_key(|name| name.as_str().into());
        found.push(Held { id: *id, partition: Arc::clone(partition), record: Record { headers, ..record } });
    }
    Ok((found, n_looked))
}

fn stored(row: &Row<'_>) -> rusqlite::Result<(String, Record, Option<Vec<u8>>)> {
    let record = Record {
        position: position(row.get(1)?),
        time: Timestamp(row.get(2)?),
        key: row.get::<_, Option<Vec<u8>>>(4)?.map(Bytes::from),
        headers: Vec::new(),
        payload: Bytes::from(row.get::<_, Vec<u8>>(3)?),
    };
    Ok((row.get(0)?, record, row.get(5)?))
}

fn headers_json(headers: &[(String, Option<Bytes>)]) -> Result<Vec<u8>> {
    let headers: Vec<(&str, Option<&[u8]>)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
    serde_json::to_vec(&headers).doing("describe the headers of a record")
}

fn read_headers(json: &[u8]) -> Result<Vec<(String, Option<Bytes>)>> {
    let headers: Vec<(String, Option<Vec<u8>>)> = serde_json::from_slice(json).doing("read the headers of a record")?;
    Ok(headers.into_iter().map(|(name, value)| (name, value.map(Bytes::from))).collect())
}

/// The position that was written so.
fn position(text: String) -> Position {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Position::Number(number),
        _ => Position::Text(text.into()),
    }
}
