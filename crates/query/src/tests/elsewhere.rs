//! A cluster that answers what the test says, and remembers what it was asked.

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use helios_contract::cluster::{Cluster, ClusterStatus, Finding, RemoteColumn, RemoteName, RemoteQuery, RemoteRows};
use helios_contract::error::{Error, Result};
use helios_contract::sink::{OutletCommand, Outlets, SinkStatus, Stored};
use helios_contract::stream::StreamId;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// One cluster, `ch`.
#[derive(Default, Clone)]
pub(crate) struct Elsewhere(Arc<Mutex<State>>);

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ch")
    }
}

#[derive(Debug, Default)]
struct State {
    tables: HashMap<String, Vec<RemoteColumn>>,
    answer: Option<RecordBatch>,
    asked: Vec<String>,
    stored: Option<Stored>,
    commands: Vec<OutletCommand>,
}

impl Elsewhere {
    /// A table of these columns, each with its type in the cluster's words and here.
    pub(crate) fn table(&self, name: &str, columns: Vec<RemoteColumn>) {
        self.0.lock().unwrap().tables.insert(name.to_owned(), columns);
    }

    /// What the next questions are answered with.
    pub(crate) fn answers(&self, rows: RecordBatch) {
        self.0.lock().unwrap().answer = Some(rows);
    }

    /// What it was asked since this was called last.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    /// What was to be carried out since this was called last.
    pub(crate) fn commands(&self) -> Vec<OutletCommand> {
        std::mem::take(&mut self.0.lock().unwrap().commands)
    }

    /// Where every stream is stored.
    pub(crate) fn stores(&self, stored: Stored) {
        self.0.lock().unwrap().stored = Some(stored);
    }
}

#[async_trait]
impl Cluster for Elsewhere {
    async fn version(&self) -> Result<(u32, u32)> {
        Ok((26, 9))
    }

    async fn describe(&self, table: &RemoteName) -> Result<Vec<RemoteColumn>> {
        let state = self.0.lock().unwrap();
        state
            .tables
            .get(&table.to_string())
            .cloned()
            .ok_or_else(|| Error::not_found(format!("the cluster ch has no table {table}")))
    }

    async fn query(&self, query: RemoteQuery) -> Result<RemoteRows> {
        let mut state = self.0.lock().unwrap();
        state.asked.push(query.sql);
        let rows = state.answer.clone().ok_or_else(|| Error::invalid("the cluster ch says: no answer"))?;
        Ok(RemoteRows { schema: rows.schema(), rows: futures::stream::iter([Ok(rows)]).boxed() })
    }
}

#[async_trait]
impl Outlets for Elsewhere {
    async fn apply(&self, command: OutletCommand) -> Result<Vec<Finding>> {
        self.0.lock().unwrap().commands.push(command);
        Ok(vec![Finding::ok("login", "helios")])
    }

    fn status(&self) -> (Vec<ClusterStatus>, Vec<SinkStatus>) {
        (Vec::new(), Vec::new())
    }

    fn cluster(&self, name: &str) -> Result<Arc<dyn Cluster>> {
        match name {
            "ch" => Ok(Arc::new(self.clone())),
            _ => Err(Error::not_found(format!("there is no cluster {name}"))),
        }
    }

    fn stored(&self, _: StreamId) -> Option<Stored> {
        self.0.lock().unwrap().stored.clone()
    }
}
