//! A cluster as we talk to it: statements, questions and blocks, each with the settings that its version knows.

use crate::Parts;
use crate::native::rows_of;
use crate::options::Access;
use crate::said;
use crate::table::remote;
use crate::types::text;
use crate::wire::{Ask, Reply, Wire};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::util::display::array_value_to_string;
use bytes::Bytes;
use helios_contract::clock::{Clock, Timestamp};
use helios_contract::cluster::{ClusterName, RemoteName};
use helios_contract::error::{Error, Result, nearest};
use helios_contract::secret::Secrets;
use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tracing::warn;

/// Statements about tables, and small questions.
const TOLD_WITHIN: Duration = Duration::from_secs(60);
/// A block.
const INSERTED_WITHIN: Duration = Duration::from_secs(120);
/// How long a replica may take to fetch what others took.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(20);
/// An answer that explains a failure is not read further than this.
const WORDS_MAX: u64 = 64 << 10;

/// The versions from which on something can be relied on.
pub(crate) mod since {
    /// `insert_deduplication_token`.
    pub(crate) const TOKENS: (u32, u32) = (22, 2);
    /// `DateTime64`, `LowCardinality`, skip indices, `aggregate_functions_null_for_empty`.
    pub(crate) const MODERN: (u32, u32) = (21, 9);
    /// `SYSTEM SYNC REPLICA ... LIGHTWEIGHT`, which does not wait for merges.
    pub(crate) const LIGHTWEIGHT: (u32, u32) = (23, 8);
    /// zstd in requests.
    pub(crate) const ZSTD: (u32, u32) = (20, 10);
    /// Nothing older was ever tried.
    pub(crate) const OLDEST: (u32, u32) = (18, 16);
}

/// How the server did when it was last asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health {
    pub(crate) version: String,
    pub(crate) manner: Manner,
    pub(crate) answered_at: Option<Timestamp>,
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// What a server did when it was last asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Manner {
    #[default]
    NotAsked,
    Answers,
    Away,
    Refuses,
}

impl Manner {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Manner::NotAsked => "not asked",
            Manner::Answers => "answers",
            Manner::Away => "away",
            Manner::Refuses => "refuses",
        }
    }
}

/// A cluster that can be asked.
pub(crate) struct Server {
    pub(crate) name: ClusterName,
    pub(crate) access: Access,
    wire: Arc<dyn Wire>,
    secrets: Arc<dyn Secrets>,
    clock: Arc<dyn Clock>,
    /// Grows when a host does not answer: the next one is asked then, until it does not.
    turn: AtomicUsize,
    /// In which turn the host was last known to have every row of a table.
    whole: Mutex<HashMap<RemoteName, usize>>,
    version: OnceLock<(u32, u32)>,
    health: Mutex<Health>,
}

impl Server {
    pub(crate) fn new(name: ClusterName, access: Access, parts: &Parts) -> Arc<Server> {
        let (turn, whole) = (AtomicUsize::new(0), Mutex::default());
        let (version, health) = (OnceLock::new(), Mutex::default());
        let (wire, secrets, clock) = (parts.wire.clone(), parts.secrets.clone(), parts.clock.clone());
        Arc::new(Server { name, access, wire, secrets, clock, turn, whole, version, health })
    }

    pub(crate) fn health(&self) -> Health {
        lock(&self.health).clone()
    }

    /// Whose turn it is to be asked.
    pub(crate) fn turn(&self) -> usize {
        self.turn.load(Ordering::Relaxed)
    }

    /// The host whose turn it is.
    pub(crate) fn host(&self, turn: usize) -> &str {
        &self.access.hosts[turn % self.access.hosts.len()]
    }

    /// Carries out a statement that answers nothing, on one host. It is not said twice: nobody knows what a host that does not
    /// answer has done.
    pub(crate) async fn tell(self: &Arc<Self>, sql: String) -> Result<()> {
        self.put(sql, Vec::new(), self.turn()).await.map(drop)
    }

    /// Carries out a statement about tables: on every host, where a cluster is named. Answers which hosts will do it later, as
    /// they are away.
    pub(crate) async fn tell_everywhere(self: &Arc<Self>, sql: String, within: Duration) -> Result<Option<String>> {
        if self.access.cluster.is_none() {
            return self.tell(sql).await.map(|()| None);
        }
        let mut parameters = vec![("distributed_ddl_task_timeout", within.as_secs().to_string())];
        if self.version().await? >= since::MODERN {
            parameters.push(("distributed_ddl_output_mode", "null_status_on_timeout".to_owned()));
        }
        match self.put(sql, parameters, self.turn()).await {
            Ok(answer) => Ok(answer.as_ref().and_then(unfinished)),
            // Older servers say so with an error; the statement stands in the queue of those that are away.
            Err(error) if said::code(&error) == Some(said::TIMEOUT) => Ok(Some(error.message())),
            Err(error) => Err(error),
        }
    }

    /// Asks a small question; `None`: the answer has not even columns.
    pub(crate) async fn ask(self: &Arc<Self>, sql: String) -> Result<Option<RecordBatch>> {
        let ask = self.small(sql, Vec::new());
        self.off_thread(move |server| rows_of(BufReader::new(server.send_until_answered(&ask)?.body))).await
    }

    /// The same, of one host.
    pub(crate) async fn put(
        self: &Arc<Self>,
        sql: String,
        parameters: Vec<(&'static str, String)>,
        turn: usize,
    ) -> Result<Option<RecordBatch>> {
        let ask = self.small(sql, parameters);
        self.off_thread(move |server| rows_of(BufReader::new(server.send(&ask, turn)?.body))).await
    }

    fn small(&self, sql: String, mut parameters: Vec<(&'static str, String)>) -> Ask {
        parameters.push(("default_format", "Native".to_owned()));
        Ask { parameters, body: sql.into(), within: TOLD_WITHIN, ..self.blank() }
    }

    /// The texts in the columns of a small answer, row by row; the question casts everything to text.
    pub(crate) async fn texts(self: &Arc<Self>, sql: String) -> Result<Vec<Vec<String>>> {
        words(self.ask(sql).await?)
    }

    /// The same, of one host.
    pub(crate) async fn texts_of(self: &Arc<Self>, sql: String, turn: usize) -> Result<Vec<Vec<String>>> {
        words(self.put(sql, Vec::new(), turn).await?)
    }

    /// Waits until a host has every row of a replicated table that another one took.
    pub(crate) async fn catch_up(self: &Arc<Self>, table: &RemoteName, turn: usize) -> Result<()> {
        let lightweight = if self.version().await? >= since::LIGHTWEIGHT { " LIGHTWEIGHT" } else { "" };
        let sql = format!("SYSTEM SYNC REPLICA {}{lightweight}", remote(table));
        let within = ("receive_timeout", CAUGHT_UP_WITHIN.as_secs().to_string());
        self.put(sql, vec![within], turn).await.map(drop).map_err(|error| match said::code(&error) {
            Some(said::TIMEOUT) => Error::unavailable(format!(
                "{table} on {} lacks rows that another host took and has not handed over",
                self.host(turn)
            ))
            .because(error)
            .hint("They come when that host is back."),
            _ => error,
        })
    }

    /// A host that has every row of a table that was delivered; the turn in which it is asked.
    pub(crate) async fn whole(self: &Arc<Self>, table: &RemoteName) -> Result<usize> {
        let turn = self.turn();
        let is_known = lock(&self.whole).get(table) == Some(&turn);
        // The host that takes every row has them; another one may wait for some.
        if self.access.hosts.len() > 1 && !is_known {
            self.catch_up(table, turn).await?;
            lock(&self.whole).insert(table.clone(), turn);
        }
        Ok(turn)
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
            let reply = server.send(&ask, server.turn())?;
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

    pub(crate) fn blank(&self) -> Ask {
        Ask {
            url: String::new(),
            ca_location: self.access.ca_location.clone(),
            user: self.access.user.clone(),
            password: None,
            parameters: Vec::new(),
            body: Bytes::new(),
            encoding: None,
            within: TOLD_WITHIN,
        }
    }

    /// Sends to one host after the other until one answers: for what may be asked twice.
    fn send_until_answered(&self, ask: &Ask) -> Result<Reply> {
        let mut silent = Vec::new();
        for _ in 0..self.access.hosts.len() {
            match self.send(ask, self.turn()) {
                Err(error) if said::is_away(&error) => silent.push(error),
                sent => return sent,
            }
        }
        Err(self.nobody(silent))
    }

    /// What to say when none of the hosts answers.
    pub(crate) fn nobody(&self, errors: Vec<Error>) -> Error {
        let mut messages: Vec<String> = errors.iter().map(Error::message).collect();
        // In one order, whoever was asked first.
        messages.sort();
        match <[Error; 1]>::try_from(errors) {
            Ok([only]) => only,
            Err(_) => Error::unavailable(format!("no host of the cluster {} answers: {}", self.name, messages.join("; ")))
                .hint("Check the option url, and that the servers run and can be reached."),
        }
    }

    /// Sends to one host; a reply that is not 200 is an error in the server's own words.
    pub(crate) fn send(&self, ask: &Ask, turn: usize) -> Result<Reply> {
        let mut ask = Ask { url: self.host(turn).to_owned(), ..ask.clone() };
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
        self.learn(sent.as_ref().err(), turn);
        sent
    }

    /// Remembers how a host did; one that cannot help has had its turn.
    fn learn(&self, error: Option<&Error>, turn: usize) {
        let mut health = lock(&self.health);
        if let Some(error) = error.filter(|error| said::is_of_host(error)) {
            let moved = self.turn.compare_exchange(turn, turn + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            // Once, and not for each host over and over while none of them answers.
            if moved && self.access.hosts.len() > 1 && !matches!(health.manner, Manner::Away) {
                warn!(cluster = %self.name, host = self.host(turn), next = self.host(turn + 1), %error, "the next host is asked");
            }
        }
        health.manner = match error {
            Some(error) if said::is_away(error) => Manner::Away,
            Some(error) if said::remedy(error) == said::Remedy::Refused => Manner::Refuses,
            _ => Manner::Answers,
        };
        match (error, health.manner) {
            (Some(error), Manner::Away | Manner::Refuses) => {
                health.message = error.message();
                health.hint = error.hint_text().unwrap_or_default().to_owned();
            }
            _ => {
                health.answered_at = Some(self.clock.now());
                health.message.clear();
                health.hint.clear();
            }
        }
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
        lock(&self.health).version = words;
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

    pub(crate) async fn unknown(self: &Arc<Self>, table: &RemoteName) -> Error {
        let error = Error::not_found(format!("the cluster {} has no table {table}", self.name));
        let sql = format!("SELECT name FROM system.tables WHERE database = {}", text(&table.database));
        let known = self.texts(sql).await.unwrap_or_default().concat();
        match nearest(&table.table, known.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("Did you mean {}.{near}?", table.database)),
            None => error.hint("Write cluster.database.table."),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The texts in the columns of an answer, row by row.
fn words(answer: Option<RecordBatch>) -> Result<Vec<Vec<String>>> {
    let Some(rows) = answer else { return Ok(Vec::new()) };
    let columns: Option<Vec<_>> = rows.columns().iter().map(|column| column.as_string_opt::<i32>()).collect();
    let columns = columns.ok_or_else(|| Error::internal("a question for texts was answered with something else"))?;
    Ok((0..rows.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_owned()).collect()).collect())
}

/// The hosts that have not carried out a statement `ON CLUSTER` yet: those without a status.
fn unfinished(answer: &RecordBatch) -> Option<String> {
    let (hosts, ports) = (answer.column_by_name("host")?, answer.column_by_name("port")?);
    let status = answer.column_by_name("status")?;
    let host = |row: usize| {
        let written = array_value_to_string(hosts, row).ok().zip(array_value_to_string(ports, row).ok());
        written.map(|(host, port)| format!("{host}:{port}"))
    };
    let waiting: Vec<String> = (0..answer.num_rows()).filter(|row| status.is_null(*row)).filter_map(host).collect();
    (!waiting.is_empty()).then(|| format!("{} will do it when it is back", waiting.join(", ")))
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
