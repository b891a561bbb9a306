//! One delivery: some commits, divided into blocks, each in the remote table once, whatever happens on the way.
//!
//! What is about to be sent is kept first. Each block goes into one partition, so the server takes it whole or not at all;
//! its name is the same whenever it is sent, so a server that remembers it does not take it twice; and after any doubt the
//! rows of its commits are counted there before it is sent again.

use crate::division::divide;
use crate::mapping::NULLS;
use crate::native::{Target, encode};
use crate::nulls::paths;
use crate::server::Server;
use crate::table::{Table, remote};
use crate::types::{quoted, text};
use arrow::array::{ArrayRef, AsArray, RecordBatch, new_null_array};
use arrow::datatypes::UInt64Type;
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::fault::Faults;
use helios_contract::sink::{Intended, IntendedBlock, SinkName};
use std::sync::Arc;
use tracing::{debug, warn};

/// Where a delivery goes.
pub(crate) struct Delivery<'a> {
    pub(crate) sink: &'a SinkName,
    pub(crate) server: &'a Arc<Server>,
    pub(crate) table: &'a Table,
    pub(crate) faults: &'a Faults,
    /// Every row up to here is in the table.
    pub(crate) after: CommitId,
}

/// The blocks that the rows of some commits make, in the order they are sent.
pub(crate) struct Blocks {
    pub(crate) intended: Intended,
    parts: Vec<(Option<i64>, RecordBatch)>,
}

impl Blocks {
    /// Divides rows as the table is divided.
    pub(crate) fn of(rows: &RecordBatch, until: CommitId, table: &Table) -> Result<Blocks> {
        let parts = if rows.num_rows() == 0 { Vec::new() } else { divide(rows, table.division.as_ref())? };
        let block =
            |(starts, rows): &(Option<i64>, RecordBatch)| IntendedBlock { starts: *starts, n_rows: rows.num_rows() as u64 };
        let intended = Intended { until, blocks: parts.iter().map(block).collect() };
        Ok(Blocks { intended, parts })
    }
}

impl Delivery<'_> {
    /// Sends every block.
    ///
    /// # Errors
    /// Whatever kept one from being taken; some may have been taken all the same.
    pub(crate) async fn send(&self, blocks: &Blocks) -> Result<()> {
        for (starts, rows) in &blocks.parts {
            self.insert(*starts, rows, blocks.intended.until).await?;
        }
        Ok(())
    }

    /// Sends those of the blocks intended before that the table does not have.
    ///
    /// # Errors
    /// As [`Delivery::send`]; `Conflict` when the table holds more rows of these commits than there are.
    pub(crate) async fn settle(&self, intended: &Intended, blocks: &Blocks) -> Result<()> {
        if intended.blocks.is_empty() {
            return Ok(());
        }
        self.wait_for_others(intended.until).await?;
        let held = self.held(intended).await?;
        for (block, n_held) in intended.blocks.iter().zip(held) {
            if n_held > block.n_rows {
                return Err(Error::conflict(format!(
                    "{} holds {n_held} rows of the commits {} to {}, but only {} were sent",
                    self.table.name,
                    self.after.0 + 1,
                    intended.until,
                    block.n_rows
                ))
                .hint("Somebody else writes to the table, or to its column _commit; deliver into a table of its own."));
            }
            // The server takes a block whole or not at all; rows that are missing now were removed there since.
            if n_held > 0 {
                debug!(sink = %self.sink, until = %intended.until, n_held, "a block was taken before");
                continue;
            }
            match blocks.parts.iter().find(|(starts, _)| *starts == block.starts) {
                Some((starts, rows)) => self.insert(*starts, rows, intended.until).await?,
                None => warn!(sink = %self.sink, n_rows = block.n_rows, "rows expired before they could be delivered"),
            }
        }
        Ok(())
    }

    async fn insert(&self, starts: Option<i64>, rows: &RecordBatch, until: CommitId) -> Result<()> {
        let columns = columns(rows, &self.table.targets);
        let block = tokio::task::spawn_blocking(move || encode(&columns)).await;
        let block = block.map_err(|cause| Error::internal("encoding a block broke off").because(cause))??;
        let names: Vec<String> = self.table.targets.iter().map(|target| quoted(&target.name)).collect();
        let into = format!("{} ({})", remote(&self.table.name), names.join(", "));
        self.faults.pass("sink.send")?;
        self.server.insert(into, block, &self.token(starts, until)).await?;
        self.faults.pass("sink.sent")
    }

    /// The name of a block: the same whenever it is sent.
    fn token(&self, starts: Option<i64>, until: CommitId) -> String {
        let starts = starts.map_or_else(|| "all".to_owned(), |starts| starts.to_string());
        format!("helios-{}-{}-{}-{starts}", self.table.name.table, self.after, until)
    }

    /// An insert that we gave up on may still be going on.
    async fn wait_for_others(&self, until: CommitId) -> Result<()> {
        let prefix = format!("helios-{}-{}-{until}-", self.table.name.table, self.after);
        let sql = format!(
            "SELECT toString(count()) FROM system.processes WHERE query_id LIKE {}",
            text(&format!("{}%", prefix.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%")))
        );
        match self.server.texts(sql).await?.concat().first().map(String::as_str) {
            None | Some("0") => Ok(()),
            Some(_) => Err(Error::unavailable(format!("the cluster {} still works on a block sent before", self.server.name))),
        }
    }

    /// How many rows of each block the table has.
    async fn held(&self, intended: &Intended) -> Result<Vec<u64>> {
        // One host is brought up to date and counted: another one may lack what this one has.
        let turn = self.server.turn();
        if self.table.is_replicated {
            self.server.catch_up(&self.table.name, turn).await?;
        }
        let count = |block: &IntendedBlock| match &self.table.division {
            Some(division) => format!("countIf({})", division.condition(block.starts)),
            None => "count()".to_owned(),
        };
        let counts: Vec<String> = intended.blocks.iter().map(count).collect();
        let commit = quoted(hidden::COMMIT);
        let sql = format!(
            "SELECT {} FROM {} WHERE {commit} > {} AND {commit} <= {}",
            counts.join(", "),
            remote(&self.table.name),
            self.after,
            intended.until
        );
        let answer = self.server.put(sql, Vec::new(), turn).await?;
        // A condition that meets nothing may leave out the one row of zeros.
        let Some(answer) = answer.filter(|answer| answer.num_rows() == 1) else { return Ok(vec![0; counts.len()]) };
        let numbers = answer.columns().iter().map(|column| column.as_primitive_opt::<UInt64Type>().map(|counts| counts.value(0)));
        numbers.collect::<Option<Vec<u64>>>().ok_or_else(|| Error::internal("a count was answered with something else"))
    }
}

/// The rows as the table's columns; one that the rows do not have is `NULL`.
fn columns(rows: &RecordBatch, targets: &[Target]) -> Vec<(Target, ArrayRef)> {
    let column = |target: &Target| {
        let values = match rows.column_by_name(&target.name) {
            Some(values) => values.clone(),
            None if target.name == NULLS => paths(rows),
            None => new_null_array(&target.remote_type.arrow(), rows.num_rows()),
        };
        (target.clone(), values)
    };
    targets.iter().map(column).collect()
}
