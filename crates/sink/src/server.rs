//! A cluster as we talk to it: statements, questions and blocks, each with the settings that its version knows.

use crate::Parts;
use crate::native::{Blocks, rows_of};
use crate::options::Access;
use crate::said;
use crate::types::{Type, text};
use crate::wire::{Ask, Reply, Wire};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use helios_contract::clock::{Clock, Timestamp};
use helios_contract::cluster::{Cluster, ClusterName, RemoteColumn, RemoteName, RemoteQuery, RemoteRows};
use helios_contract::error::{Error, Kind, Result, nearest};
use helios_contract::secret::Secrets;
use std::fmt;
use std::io::{BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// Statements about tables, and small questions.
const TOLD_WITHIN: Duration = Duration::from_secs(60);
/// A block.
const INSERTED_WITHIN: Duration = Duration::from_secs(120);
/// An answer that explains a failure is not read further than this.
const WORDS_MAX: u64 = 64 << 10;
/// Blocks read ahead of a slow reader.
const BLOCKS_AHEAD: usize = 2;

/// The versions from which on something can be relied on.
pub(crate) mod since {
    /// `insert_deduplication_token`.
    pub(crate) const TOKENS: (u32, u32) = (22, 2);
    /// `DateTime64`, `LowCardinality`, skip indices, `aggregate_functions_null_for_empty`.
    pub(crate) const MODERN: (u32, u32) = (21, 9);
    /// zstd in requests.
    pub(crate) const ZSTD: (u32, u32) = (20, 10);
    /// Nothing older was ever tried.
    pub(crate) const OLDEST: (u32, u32) = (18, 16);
}

/// How the server did when it was last asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    pub(crate) version: String,
    pub(crate) answered_at: Option<Timestamp>,
    pub(crate) message: String,
}

/// A cluster that can be asked.
pub(crate) struct Server {
    pub(crate) name: ClusterName,
    pub(crate) access: Access,
    wire: Arc<dyn Wire>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    /// Grows when a host does not answer: the next one is asked then.
    host: AtomicUsize,
    version: OnceLock<(u32, u32)>,
    health: Mutex<Health>,
}

impl Server {
    pub(crate) fn new(name: ClusterName, access: Access, parts: &Parts) -> Arc<Server> {
        let (host, version, health) = (AtomicUsize::new(0), OnceLock::new(), Mutex::default());
        let (wire, secrets, clock) = (parts.wire.clone(), parts.secrets.clone(), parts.clock.clone());
        Arc::new(Server { name, access, wire, secrets, clock, host, version, health })
    }

    pub(crate) fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Carries out a statement that answers nothing.
    pub(crate) async fn tell(self: &Arc<Self>, sql: String) -> Result<()> {
        self.ask(sql, Vec::new()).await.map(drop)
    }

    /// Asks a small question; `None`: the answer has not even columns.
    pub(crate) async fn ask(
        self: &Arc<Self>,
        sql: String,
        mut parameters: Vec<(&'static str, String)>,
    ) -> Result<Option<RecordBatch>> {
        parameters.push(("default_format", "Native".to_owned()));
        let ask = Ask { parameters, body: sql.into(), encoding: None, within: TOLD_WITHIN, ..self.blank() };
        self.off_thread(move |server| rows_of(BufReader::new(server.send(ask)?.body))).await
    }

    /// The texts in the columns of a small answer, row by row; the question casts everything to text.
    pub(crate) async fn texts(self: &Arc<Self>, sql: String) -> Result<Vec<Vec<String>>> {
        let Some(rows) = self.ask(sql, Vec::new()).await? else { return Ok(Vec::new()) };
        let columns: Option<Vec<_>> = rows.columns().iter().map(|column| column.as_string_opt::<i32>()).collect();
        let columns = columns.ok_or_else(|| Error::internal("a question for texts was answered with something else"))?;
        Ok((0..rows.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_owned()).collect()).collect())
    }

    /// Inserts one block. `id` names the attempt to the server, which runs no two of the same name at once, and does not take
    /// a block of the same token again, as long as it remembers it.
    pub(crate) async fn insert(self: &Arc<Self>, into: String, block: Vec<u8>, id: &str) -> Result<()> {
        let version = self.version().await?;
        let mut parameters = vec![("query", format!("INSERT INTO {into} FORMAT Native")), ("query_id", id.to_owned())];
        if version >= since::TOKENS {
            parameters.push(("insert_deduplication_token", id.to_owned()));
            parameters.push(("async_insert", "0".to_owned()));
        }
        let encoding = self.access.compression.map(|word| if version < since::ZSTD { "gzip" } else { word });
        if encoding.is_some() {
            parameters.push(("enable_http_compression", "1".to_owned()));
        }
        self.off_thread(move |server| {
            let body = compressed(block, encoding)?;
            let ask = Ask { parameters, body, encoding, within: INSERTED_WITHIN, ..server.blank() };
            let mut rest = Vec::new();
            let reply = server.send(ask)?;
            let read = reply.body.take(WORDS_MAX).read_to_end(&mut rest);
            read.map_err(|cause| Error::unavailable("the answer to an insert broke off").because(cause))?;
            // A failure that came after the headers stands in the body.
            match rest.is_empty() {
                true => Ok(()),
                false => Err(said::error(server.name.as_str(), 500, None, &String::from_utf8_lossy(&rest))),
            }
        })
        .await
    }

    fn blank(&self) -> Ask {
        let hosts = &self.access.hosts;
        Ask {
            url: hosts[self.host.load(Ordering::Relaxed) % hosts.len()].clone(),
            ca_location: self.access.ca_location.clone(),
            user: self.access.user.clone(),
            password: None,
            parameters: Vec::new(),
            body: Bytes::new(),
            encoding: None,
            within: TOLD_WITHIN,
        }
    }

    /// Sends; a reply that is not 200 is an error in the server's own words.
    fn send(&self, mut ask: Ask) -> Result<Reply> {
        ask.parameters.push(("database", self.access.database.clone()));
        ask.password = self.access.password.as_ref().map(|value| self.secrets.resolve(value)).transpose()?;
        let sent = self.wire.send(&ask).and_then(|reply| {
            if reply.status == 200 && reply.code.is_none() {
                return Ok(reply);
            }
            let mut body = Vec::new();
            // What cannot be read cannot explain.
            let _ = reply.body.take(WORDS_MAX).read_to_end(&mut body);
            Err(said::error(self.name.as_str(), reply.status, reply.code, &String::from_utf8_lossy(&body)))
        });
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match &sent {
            Err(error) if error.kind() == Kind::Unavailable && said::code(error).is_none() => {
                self.host.fetch_add(1, Ordering::Relaxed);
                health.message = error.message();
            }
            Err(error) if said::remedy(error) == said::Remedy::Refused => health.message = error.message(),
            _ => (health.answered_at, health.message) = (Some(self.clock.now()), String::new()),
        }
        sent
    }

    async fn off_thread<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Arc<Server>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let server = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(&server)).await {
            Ok(done) => done,
            Err(cause) => Err(Error::internal("talking to a cluster broke off").because(cause)),
        }
    }

    /// The version, from the server or from what it said before.
    pub(crate) async fn version(self: &Arc<Self>) -> Result<(u32, u32)> {
        if let Some(version) = self.version.get() {
            return Ok(*version);
        }
        let found = self.texts("SELECT version()".to_owned()).await?;
        let words = found.into_iter().flatten().next().unwrap_or_default();
        let mut numbers = words.split('.').map(|number| number.parse::<u32>().ok());
        let version = numbers.next().flatten().zip(numbers.next().flatten());
        let version = version.ok_or_else(|| Error::invalid(format!("the server calls its version '{words}'")))?;
        if version < since::OLDEST {
            return Err(Error::invalid(format!("the server's version {words} is too old")).hint(format!(
                "Helios talks to ClickHouse {}.{} and newer.",
                since::OLDEST.0,
                since::OLDEST.1
            )));
        }
        self.health.lock().unwrap_or_else(PoisonError::into_inner).version = words;
        Ok(*self.version.get_or_init(|| version))
    }

    /// The columns of a table with what the server computes by itself; empty when there is no such table.
    pub(crate) async fn columns(self: &Arc<Self>, table: &RemoteName) -> Result<Vec<[String; 3]>> {
        let sql = format!(
            "SELECT name, type, default_kind FROM system.columns WHERE database = {} AND table = {}",
            text(&table.database),
            text(&table.table)
        );
        let row = |row: Vec<String>| <[String; 3]>::try_from(row).map_err(|_| Error::internal("three columns were asked for"));
        self.texts(sql).await?.into_iter().map(row).collect()
    }

    async fn unknown(self: &Arc<Self>, table: &RemoteName) -> Error {
        let error = Error::not_found(format!("the cluster {} has no table {table}", self.name));
        let sql = format!("SELECT name FROM system.tables WHERE database = {}", text(&table.database));
        let known = self.texts(sql).await.unwrap_or_default().concat();
        match nearest(&table.table, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("Did you mean {}.{near}?", table.database)),
            None => error.hint("Write cluster.database.table."),
        }
    }
}

/// The body as it travels.
fn compressed(block: Vec<u8>, encoding: Option<&str>) -> Result<Bytes> {
    let packed = match encoding {
        Some("zstd") => zstd::bulk::compress(&block, 1),
        Some(_) => {
            let mut packed = flate2::read::GzEncoder::new(&block[..], flate2::Compression::fast());
            let mut out = Vec::new();
            packed.read_to_end(&mut out).map(|_| out)
        }
        None => Ok(block),
    };
    packed.map(Bytes::from).map_err(|cause| Error::internal("cannot compress a block").because(cause))
}

/// A server that queries ask.
pub(crate) struct Asked(pub(crate) Arc<Server>);

/// Its name: plans show it.
impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name.as_str())
    }
}

#[async_trait]
impl Cluster for Asked {
    async fn version(&self) -> Result<(u32, u32)> {
        self.0.version().await
    }

    async fn describe(&self, table: &RemoteName) -> Result<Vec<RemoteColumn>> {
        let columns = self.0.columns(table).await?;
        if columns.is_empty() {
            return Err(self.0.unknown(table).await);
        }
        let column = |[name, remote_type, _]: [String; 3]| {
            let data_type = Type::parse(&remote_type).map(|found| found.arrow());
            RemoteColumn { name, remote_type, data_type }
        };
        Ok(columns.into_iter().map(column).collect())
    }

    async fn query(&self, query: RemoteQuery) -> Result<RemoteRows> {
        let version = self.0.version().await?;
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
        let ask = Ask { parameters, body: query.sql.into(), encoding: None, within: query.within, ..self.0.blank() };
        let (send, mut receive) = mpsc::channel(BLOCKS_AHEAD);
        let server = Arc::clone(&self.0);
        // Whoever drops the rows closes the channel, and with it the connection.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = forward(&server, ask, &send) {
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
fn forward(server: &Server, ask: Ask, send: &mpsc::Sender<Result<Item>>) -> Result<()> {
    let mut blocks = Blocks::new(BufReader::with_capacity(1 << 18, server.send(ask)?.body));
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
