//! Questions that queries ask of a cluster, and their answers, block by block.

use crate::native::Blocks;
use crate::said;
use crate::server::{Server, since};
use crate::types::Type;
use crate::wire::Ask;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use futures::StreamExt;
use helios_contract::cluster::{Cluster, RemoteColumn, RemoteName, RemoteQuery, RemoteRows};
use helios_contract::error::{Error, Result};
use std::fmt;
use std::io::BufReader;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Blocks read ahead of a slow reader.
const BLOCKS_AHEAD: usize = 2;

/// A server that queries ask.
pub(crate) struct Asked {
    pub(crate) server: Arc<Server>,
    /// The table that must be asked where each of its rows is, as the stream is stored in it.
    pub(crate) stored: Option<RemoteName>,
}

/// Its name: plans show it.
impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.server.name.as_str())
    }
}

#[async_trait]
impl Cluster for Asked {
    async fn version(&self) -> Result<(u32, u32)> {
        self.server.version().await
    }

    async fn describe(&self, table: &RemoteName) -> Result<Vec<RemoteColumn>> {
        let columns = self.server.columns(table).await?;
        if columns.is_empty() {
            return Err(self.server.unknown(table).await);
        }
        let column = |[name, remote_type, _]: [String; 3]| {
            let data_type = Type::parse(&remote_type).map(|found| found.arrow());
            RemoteColumn { name, remote_type, data_type }
        };
        Ok(columns.into_iter().map(column).collect())
    }

    async fn query(&self, query: RemoteQuery) -> Result<RemoteRows> {
        let mut silent = Vec::new();
        for _ in 0..self.server.access.hosts.len() {
            let turn = self.server.turn();
            match self.query_one(&query).await {
                Err(error) if said::is_away(&error) && self.server.turn() != turn => silent.push(error),
                answer => return answer,
            }
        }
        Err(self.server.nobody(silent))
    }
}

impl Asked {
    /// Asks the host whose turn it is.
    async fn query_one(&self, query: &RemoteQuery) -> Result<RemoteRows> {
        let version = self.server.version().await?;
        let turn = match &self.stored {
            Some(table) => self.server.whole(table).await?,
            None => self.server.turn(),
        };
        let mut parameters = vec![
            ("default_format", "Native".to_owned()),
            // Only reads; what may be set is set by us.
            ("readonly", "2".to_owned()),
            ("max_execution_time", query.within.as_secs().max(1).to_string()),
            ("enable_http_compression", "1".to_owned()),
            ("join_use_nulls", "1".to_owned()),
        ];
        if version >= since::MODERN {
            parameters.push(("aggregate_functions_null_for_empty", "1".to_owned()));
            parameters.push(("cancel_http_readonly_queries_on_client_close", "1".to_owned()));
        }
        if version >= (24, 10) {
            parameters.push(("output_format_native_write_json_as_string", "1".to_owned()));
        }
        let ask = Ask { parameters, body: query.sql.clone().into(), within: query.within, ..self.server.blank() };
        let (send, mut receive) = mpsc::channel(BLOCKS_AHEAD);
        let server = Arc::clone(&self.server);
        // Whoever drops the rows closes the channel, and with it the connection.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = forward(&server, &ask, turn, &send) {
                drop(send.blocking_send(Err(error)));
            }
        }));
        let schema = match receive.recv().await {
            Some(Ok(Item::Fields(schema))) => schema,
            Some(Err(error)) => return Err(error),
            Some(Ok(Item::Rows(_))) | None => return Err(Error::internal("an answer began without its fields")),
        };
        let rows = received(receive).boxed();
        Ok(RemoteRows { schema, rows })
    }
}

enum Item {
    Fields(SchemaRef),
    Rows(RecordBatch),
}

/// Reads an answer and hands it over: first its fields, then its rows.
fn forward(server: &Server, ask: &Ask, turn: usize, send: &mpsc::Sender<Result<Item>>) -> Result<()> {
    let mut blocks = Blocks::new(BufReader::with_capacity(1 << 18, server.send(ask, turn)?.body));
    let first = blocks.next_block()?;
    let schema = first.as_ref().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    if send.blocking_send(Ok(Item::Fields(schema))).is_err() {
        return Ok(());
    }
    let mut next = first;
    while let Some(block) = next {
        if block.num_rows() > 0 && send.blocking_send(Ok(Item::Rows(block))).is_err() {
            return Ok(());
        }
        next = blocks.next_block()?;
    }
    Ok(())
}

fn received(receive: mpsc::Receiver<Result<Item>>) -> impl futures::Stream<Item = Result<RecordBatch>> {
    futures::stream::unfold(receive, |mut receive| async {
        match receive.recv().await? {
            Ok(Item::Rows(rows)) => Some((Ok(rows), receive)),
            Ok(Item::Fields(_)) => Some((Err(Error::internal("an answer has fields twice")), receive)),
            Err(error) => Some((Err(error), receive)),
        }
    })
}
