//! Clusters and sinks in the catalog database, written by its one writer like everything else there.

use crate::Lake;
use crate::catalog;
use crate::failure::Doing;
use async_trait::async_trait;
use helios_contract::cluster::ClusterDefinition;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::sink::{OutletCatalog, OutletChange, Progress, Sink, SinkName};
use helios_contract::stream::StreamId;
use rusqlite::{Connection, params};

/// Made whenever the catalog is opened for writing: nothing else refers to them, so they have no part in the catalog's
/// version. A sink goes with its stream.
pub(crate) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS clusters (name TEXT PRIMARY KEY, definition TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sinks (
    name TEXT PRIMARY KEY, stream INTEGER NOT NULL REFERENCES streams ON DELETE CASCADE, definition TEXT NOT NULL,
    paused INTEGER NOT NULL, stored INTEGER NOT NULL, delivered INTEGER NOT NULL, intended TEXT) STRICT, WITHOUT ROWID;
";

#[async_trait]
impl OutletCatalog for Lake {
    async fn outlets(&self) -> Result<(Vec<ClusterDefinition>, Vec<Sink>)> {
        catalog::read(self.catalog_path(), |conn| Ok((clusters(conn)?, sinks(conn)?))).await
    }

    async fn change(&self, change: OutletChange) -> Result<()> {
        self.writer.write(move |conn| keep(conn, &change), |_, ()| ()).await
    }

    async fn advance(&self, sink: &SinkName, progress: Progress) -> Result<()> {
        let name = sink.clone();
        self.writer.write(move |conn| advance(conn, &name, &progress), |_, ()| ()).await
    }
}

fn clusters(conn: &Connection) -> Result<Vec<ClusterDefinition>> {
    let what = "read the clusters";
    let mut select = conn.prepare("SELECT definition FROM clusters ORDER BY name").doing(what)?;
    let rows = select.query_map([], |row| row.get::<_, String>(0)).doing(what)?;
    rows.map(|json| serde_json::from_str(&json.doing(what)?).doing(what)).collect()
}

fn sinks(conn: &Connection) -> Result<Vec<Sink>> {
    let what = "read the sinks";
    let columns = "stream, definition, paused, stored, delivered, intended";
    let mut select = conn.prepare(&format!("SELECT {columns} FROM sinks ORDER BY name")).doing(what)?;
    let mut rows = select.query([]).doing(what)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().doing(what)? {
        let definition: String = row.get(1).doing(what)?;
        let intended: Option<String> = row.get(5).doing(what)?;
        found.push(Sink {
            definition: serde_json::from_str(&definition).doing(what)?,
            stream: StreamId(row.get(0).doing(what)?),
            paused: row.get(2).doing(what)?,
            stored: row.get(3).doing(what)?,
            progress: Progress {
                delivered: CommitId(row.get(4).doing(what)?),
                intended: intended.map(|json| serde_json::from_str(&json).doing(what)).transpose()?,
            },
        });
    }
    Ok(found)
}

fn keep(conn: &Connection, change: &OutletChange) -> Result<()> {
    let what = "keep a cluster or a sink";
    match change {
        OutletChange::KeepCluster(definition) => {
            let json = serde_json::to_string(definition).doing(what)?;
            let values = params![definition.name.as_str(), json];
            conn.execute("INSERT OR REPLACE INTO clusters (name, definition) VALUES (?, ?)", values).map(drop).doing(what)
        }
        OutletChange::ForgetCluster(name) => {
            conn.execute("DELETE FROM clusters WHERE name = ?", [name.as_str()]).map(drop).doing(what)
        }
        OutletChange::KeepSink(sink) => keep_sink(conn, sink),
        OutletChange::ForgetSink(name) => conn.execute("DELETE FROM sinks WHERE name = ?", [name.as_str()]).map(drop).doing(what),
    }
}

fn keep_sink(conn: &Connection, sink: &Sink) -> Result<()> {
    let what = "keep a sink";
    let json = serde_json::to_string(&sink.definition).doing(what)?;
    let insert = "INSERT INTO sinks (name, stream, definition, paused, stored, delivered, intended)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                  ON CONFLICT (name) DO UPDATE SET definition = ?3, paused = ?4, stored = ?5";
    let intended = intended(&sink.progress)?;
    let name = sink.definition.name.as_str();
    let values = params![name, sink.stream.0, json, sink.paused, sink.stored, sink.progress.delivered.0, intended];
    conn.execute(insert, values).map(drop).doing(what)
}

fn advance(conn: &Connection, name: &SinkName, progress: &Progress) -> Result<()> {
    let what = "store how far a sink is";
    let intended = intended(progress)?;
    let mut update = conn.prepare_cached("UPDATE sinks SET delivered = ?, intended = ? WHERE name = ?").doing(what)?;
    match update.execute(params![progress.delivered.0, intended, name.as_str()]).doing(what)? {
        0 => Err(Error::not_found(format!("the sink '{name}' was dropped"))),
        _ => Ok(()),
    }
}

fn intended(progress: &Progress) -> Result<Option<String>> {
    progress.intended.as_ref().map(|intended| serde_json::to_string(intended).doing("describe a block")).transpose()
}
