//! Follows commits and delivers them elsewhere, in order and exactly once; asks clusters.
//!
//! Read [`deliver`] first: it holds the one idea. Around it, `follow` decides what is delivered when, `table` keeps the remote
//! table in line with its stream, `native` writes and reads blocks, `server` talks, and `wire` is the network.

mod types;

pub mod native;

mod asked;
mod options;
mod said;
mod server;
pub mod wire;

mod division;
mod mapping;
mod nulls;
mod table;

mod deliver;
mod follow;
mod report;

mod check;
mod outlets;
mod system;

pub use mapping::NULLS;
pub use types::Type;

use follow::{Job, keep_following};
use helios_contract::clock::{Clock, Timestamp};
use helios_contract::cluster::{ClusterDefinition, ClusterName, RemoteName};
use helios_contract::error::{Error, Result, nearest};
use helios_contract::fault::Faults;
use helios_contract::name::StreamName;
use helios_contract::secret::Secrets;
use helios_contract::sink::{OutletCatalog, Sink, SinkName, SinkStatus};
use helios_contract::store::{Catalog, Changes, TableStore, Version};
use helios_contract::stream::StreamId;
use helios_contract::system::SystemTable;
use options::Access;
use prometheus::Registry;
use report::{Metrics, Report};
use server::{Health, Server};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::error;
use wire::Wire;

/// What users may set.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Fewer rows than this wait for company,
    pub block_rows_min: usize,
    /// but not longer than this.
    pub block_delay_ms: u64,
    /// Rows of a block, give or take a commit.
    pub block_rows_max: usize,
    /// The first pause after a cluster was away; it doubles up to the next setting.
    pub retry_delay_min_ms: u64,
    /// The longest pause after a cluster was away.
    pub retry_delay_max_ms: u64,
    /// The pause after a cluster refused us.
    pub refused_delay_ms: u64,
    /// How long a stopping sink may take to end the block it sends.
    pub stop_ms: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            block_rows_min: 10_000,
            block_delay_ms: 1_000,
            block_rows_max: 131_072,
            retry_delay_min_ms: 100,
            retry_delay_max_ms: 5_000,
            refused_delay_ms: 30_000,
            stop_ms: 10_000,
        }
    }
}

/// What sinks are put together from.
pub struct Parts {
    /// Tells wall time.
    pub clock: Arc<dyn Clock>,
    /// Where rows are read.
    pub tables: Arc<dyn TableStore>,
    /// Which streams there are.
    pub catalog: Arc<dyn Catalog>,
    /// Tells when there is something to deliver.
    pub changes: Arc<dyn Changes>,
    /// Where clusters and sinks are kept.
    pub outlets: Arc<dyn OutletCatalog>,
    /// Looks up passwords.
    pub secrets: Arc<dyn Secrets>,
    /// Reaches servers.
    pub wire: Arc<dyn Wire>,
    /// Fails where a test wants it to.
    pub faults: Faults,
    /// Where deliveries are counted.
    pub metrics: Registry,
}

/// All clusters and sinks, and the tasks of the sinks that are not paused.
pub struct Sinks {
    config: Config,
    parts: Arc<Parts>,
    metrics: Arc<Metrics>,
    state: Arc<Mutex<State>>,
    /// Held while a statement is carried out: statements come one after the other.
    changing: tokio::sync::Mutex<()>,
    this: Weak<Sinks>,
}

#[derive(Default)]
struct State {
    clusters: BTreeMap<ClusterName, KeptCluster>,
    sinks: BTreeMap<SinkName, KeptSink>,
}

struct KeptCluster {
    definition: ClusterDefinition,
    /// Made when it is first needed: a secret may be missing until then.
    server: Option<Arc<Server>>,
}

struct KeptSink {
    /// As it was when it was last changed; the report knows how far it is.
    sink: Sink,
    report: Arc<Report>,
    running: Option<Running>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Starts every sink that is not paused.
///
/// # Errors
/// `Corrupt` or `Unavailable` when the catalog cannot be read.
pub async fn start(config: Config, parts: Parts) -> Result<Arc<Sinks>> {
    let metrics = Arc::new(Metrics::register(&parts.metrics)?);
    let (clusters, kept) = parts.outlets.outlets().await?;
    let clusters = clusters.into_iter().map(|definition| (definition.name.clone(), KeptCluster { definition, server: None }));
    let state = Arc::new(Mutex::new(State { clusters: clusters.collect(), sinks: BTreeMap::new() }));
    let (parts, changing) = (Arc::new(parts), tokio::sync::Mutex::default());
    let sinks = Arc::new_cyclic(|this| Sinks { config, parts, metrics, state, changing, this: this.clone() });
    kept.into_iter().for_each(|sink| sinks.begin(sink));
    Ok(sinks)
}

impl Sinks {
    /// `system.clusters` and `system.sinks`.
    pub fn system_tables(self: &Arc<Self>) -> Vec<Arc<dyn SystemTable>> {
        system::tables(self)
    }

    /// Stops all sinks; what they had begun to deliver is settled when they start again.
    pub async fn stop(&self) {
        let _changing = self.changing.lock().await;
        let running: Vec<Running> = self.lock().sinks.values_mut().filter_map(|kept| kept.running.take()).collect();
        futures::future::join_all(running.into_iter().map(|running| self.end(running))).await;
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// The newest commit of a stream, and when it was made.
    async fn newest(&self, stream: &StreamName) -> Option<(i64, Option<Timestamp>)> {
        let snapshot = self.parts.tables.snapshot(stream, Version::Latest).await.ok()?;
        Some((snapshot.version.0, snapshot.committed_at))
    }

    /// Remembers a sink, and starts it unless it is paused.
    fn begin(&self, sink: Sink) {
        let table = match self.table_of(&sink) {
            Ok(table) => table,
            Err(_) => RemoteName { database: String::new(), table: sink.definition.table.clone() },
        };
        let report = Arc::new(Report::new(&sink, table.clone(), self.parts.clock.clone(), self.metrics.clone()));
        let running = (!sink.paused).then(|| {
            let stop = CancellationToken::new();
            let connect = connector(self.state.clone(), self.parts.clone(), sink.definition.cluster.clone());
            let (config, parts) = (self.config.clone(), self.parts.clone());
            let job = Job { config, parts, sink: sink.clone(), table, report: report.clone(), stop: stop.clone(), connect };
            Running { stop, task: tokio::spawn(keep_following(job)) }
        });
        self.lock().sinks.insert(sink.definition.name.clone(), KeptSink { sink, report, running });
    }

    /// The remote table of a sink, with its database.
    fn table_of(&self, sink: &Sink) -> Result<RemoteName> {
        let table = sink.definition.table.clone();
        match &sink.definition.database {
            Some(database) => Ok(RemoteName { database: database.clone(), table }),
            None => Ok(RemoteName { database: self.server(&sink.definition.cluster)?.access.database.clone(), table }),
        }
    }

    async fn end(&self, running: Running) {
        running.stop.cancel();
        let mut task = running.task;
        let ended = tokio::time::timeout(Duration::from_millis(self.config.stop_ms), &mut task).await;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(cause)) => error!(%cause, "the task of a sink broke"),
            Err(_) => task.abort(),
        }
    }

    fn server(&self, name: &ClusterName) -> Result<Arc<Server>> {
        server_of(&self.state, &self.parts, name.as_str())
    }

    /// How a cluster did when it was last asked, and which of its hosts is asked now.
    fn health(&self, name: &ClusterName) -> (Health, String) {
        let state = self.lock();
        let server = state.clusters.get(name).and_then(|kept| kept.server.as_ref());
        server.map(|server| (server.health(), server.host(server.turn()).to_owned())).unwrap_or_default()
    }

    /// Forgets sinks whose stream was dropped: the catalog forgot them with it.
    fn purge(&self) {
        let streams: Vec<StreamId> = self.parts.catalog.streams().iter().map(|stream| stream.id).collect();
        self.lock().sinks.retain(|_, kept| {
            let is_there = streams.contains(&kept.sink.stream);
            if let Some(running) = kept.running.as_ref().filter(|_| !is_there) {
                running.stop.cancel();
            }
            is_there
        });
    }

    fn sink_statuses(&self) -> Vec<SinkStatus> {
        self.purge();
        self.lock().sinks.values().map(|kept| kept.report.status()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

type Connect = Box<dyn Fn() -> Result<Arc<Server>> + Send + Sync>;

fn connector(state: Arc<Mutex<State>>, parts: Arc<Parts>, name: ClusterName) -> Connect {
    Box::new(move || server_of(&state, &parts, name.as_str()))
}

/// The cluster as it is defined now.
fn server_of(state: &Mutex<State>, parts: &Parts, name: &str) -> Result<Arc<Server>> {
    let mut state = lock(state);
    let names: Vec<String> = state.clusters.keys().map(ToString::to_string).collect();
    let found = state.clusters.iter_mut().find(|(known, _)| known.as_str() == name);
    let Some((_, kept)) = found else {
        let error = Error::not_found(format!("there is no cluster {name}"));
        return Err(match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("Did you mean {near}?")),
            None => error.hint("SHOW CLUSTERS lists them; CREATE CLUSTER name FROM CLICKHOUSE (url = ...) makes one."),
        });
    };
    if let Some(server) = &kept.server {
        return Ok(server.clone());
    }
    let access = Access::of(&kept.definition, &*parts.secrets)?;
    let server = Server::new(kept.definition.name.clone(), access, parts);
    kept.server = Some(server.clone());
    Ok(server)
}
