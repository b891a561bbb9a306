//! Sinks: tables of clusters that follow a stream, commit by commit, each delivered exactly once.

use crate::clock::Timestamp;
use crate::cluster::{Cluster, ClusterCommand, ClusterDefinition, ClusterName, ClusterStatus, Finding, RemoteName};
use crate::column::quoted;
use crate::commit::CommitId;
use crate::error::Result;
use crate::name::StreamName;
use crate::stream::StreamId;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// The name of a sink.
pub type SinkName = StreamName;

/// What `CREATE SINK` says, with the database filled in. `Display` writes the statement back.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SinkDefinition {
    /// Its name.
    pub name: SinkName,
    /// The stream it follows.
    pub stream: StreamName,
    /// Where it delivers to.
    pub cluster: ClusterName,
    /// The database; `None`: the cluster's.
    pub database: Option<String>,
    /// The table.
    pub table: String,
    /// The table's engine, in the cluster's own words.
    pub engine: Option<String>,
    /// How the table is ordered; empty: as the stream is.
    pub order_by: Vec<String>,
}

impl fmt::Display for SinkDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE SINK {} FROM {} INTO {}.", self.name, self.stream, self.cluster)?;
        if let Some(database) = &self.database {
            write!(f, "{}.", quoted(database))?;
        }
        f.write_str(&quoted(&self.table))?;
        if let Some(engine) = &self.engine {
            write!(f, " ENGINE '{}'", engine.replace('\'', "''"))?;
        }
        if !self.order_by.is_empty() {
            let names: Vec<String> = self.order_by.iter().map(|name| quoted(name)).collect();
            write!(f, " ORDER BY ({})", names.join(", "))?;
        }
        Ok(())
    }
}

/// A statement about a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkCommand {
    /// `CREATE SINK [IF NOT EXISTS]`
    Create {
        /// What to create.
        definition: SinkDefinition,
        /// Succeed quietly when it is there already.
        if_not_exists: bool,
    },
    /// `DROP SINK [IF EXISTS]`; the table in the cluster stays.
    Drop {
        /// Which.
        name: SinkName,
        /// Succeed quietly when it is not there.
        if_exists: bool,
    },
    /// `PAUSE SINK`
    Pause(SinkName),
    /// `RESUME SINK`: also tries again what was parked.
    Resume(SinkName),
    /// `ALTER STREAM name STORE IN cluster`, or `None` for `STORE IN LAKE`.
    Store(StreamName, Option<ClusterName>),
}

/// A statement about a cluster or a sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutletCommand {
    /// About a cluster.
    Cluster(ClusterCommand),
    /// About a sink.
    Sink(SinkCommand),
}

/// A sink as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sink {
    /// What the user said.
    pub definition: SinkDefinition,
    /// The number of the stream it follows; another stream of the same name is another stream.
    pub stream: StreamId,
    /// Whether delivery is stopped on purpose.
    pub paused: bool,
    /// Whether the stream's table is read from the cluster as far as was delivered.
    pub stored: bool,
    /// How far it is.
    pub progress: Progress,
}

/// How far a sink is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Every row up to this commit is in the cluster, once.
    pub delivered: CommitId,
    /// What may have been sent since: kept before it is sent, so that after a crash the same is sent again, or found there.
    pub intended: Option<Intended>,
}

/// The rows of the commits after `delivered`, up to `until`, as they are divided into blocks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Intended {
    /// The last commit in it.
    pub until: CommitId,
    /// The blocks, each of one partition of the remote table, so that the server takes it whole or not at all.
    pub blocks: Vec<IntendedBlock>,
}

/// One block that may have been sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct IntendedBlock {
    /// The partition: the microsecond its time begins; `None`: rows without a time, or a table that is not divided.
    pub starts: Option<i64>,
    /// How many rows it has.
    pub n_rows: u64,
}

/// A change to the clusters and sinks in the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutletChange {
    /// Adds a cluster, or replaces the one of that name.
    KeepCluster(ClusterDefinition),
    /// Forgets a cluster.
    ForgetCluster(ClusterName),
    /// Adds a sink, or replaces definition, `paused` and `stored` of the one of that name; its progress stays.
    KeepSink(Sink),
    /// Forgets a sink.
    ForgetSink(SinkName),
}

/// Where clusters and sinks are kept.
#[async_trait]
pub trait OutletCatalog: Send + Sync {
    /// All of them, by name.
    async fn outlets(&self) -> Result<(Vec<ClusterDefinition>, Vec<Sink>)>;

    /// Makes a change durable.
    async fn change(&self, change: OutletChange) -> Result<()>;

    /// Makes the progress of a sink durable.
    ///
    /// # Errors
    /// `NotFound` when the sink is gone, also because its stream was dropped.
    async fn advance(&self, sink: &SinkName, progress: Progress) -> Result<()>;
}

/// The states a sink can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SinkState {
    /// Delivering, and close behind the stream.
    Running,
    /// Delivering, with much to catch up on.
    CatchingUp,
    /// Stopped on purpose.
    Paused,
    /// The cluster is away or busy; it is tried again.
    Degraded,
    /// The cluster refuses us: login or rights. It is tried again now and then.
    Refused,
    /// What would be delivered does not fit; `RESUME SINK` tries again.
    Parked,
}

impl SinkState {
    /// The word shown to users.
    pub fn as_str(self) -> &'static str {
        match self {
            SinkState::Running => "running",
            SinkState::CatchingUp => "catching_up",
            SinkState::Paused => "paused",
            SinkState::Degraded => "degraded",
            SinkState::Refused => "refused",
            SinkState::Parked => "parked",
        }
    }
}

/// How one sink is doing.
#[derive(Debug, Clone)]
pub struct SinkStatus {
    /// Its definition.
    pub definition: SinkDefinition,
    /// The table it delivers to.
    pub table: RemoteName,
    /// The state.
    pub state: SinkState,
    /// Since when.
    pub since: Timestamp,
    /// What happened, in the server's own words; empty when all is well.
    pub message: String,
    /// What to do; empty when all is well.
    pub hint: String,
    /// Every row up to this commit is in the cluster.
    pub delivered: CommitId,
    /// When that commit was made.
    pub delivered_commit_at: Option<Timestamp>,
    /// Rows delivered since the process started.
    pub n_rows: u64,
    /// Blocks sent since the process started.
    pub n_blocks: u64,
    /// When the cluster last took a block.
    pub last_delivery_at: Option<Timestamp>,
    /// Whether the stream's table is read from the cluster.
    pub stored: bool,
}

/// Where the rows of a stream are read from, besides the lake.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The cluster.
    pub cluster: Arc<dyn Cluster>,
    /// The table.
    pub table: RemoteName,
    /// It has every row up to this commit.
    pub delivered: CommitId,
}

impl Stored {
    /// No further than a snapshot of the stream.
    #[must_use]
    pub fn until(self, version: CommitId) -> Stored {
        Stored { delivered: self.delivered.min(version), ..self }
    }
}

/// Carries out statements about clusters and sinks, and says where they stand.
#[async_trait]
pub trait Outlets: Send + Sync {
    /// Carries out `command`, to its end even when the caller goes away; answers what was found on the way.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` for the statement; `Unavailable` when the cluster is away.
    async fn apply(&self, command: OutletCommand) -> Result<Vec<Finding>>;

    /// How every cluster and every sink is doing, by name.
    fn status(&self) -> (Vec<ClusterStatus>, Vec<SinkStatus>);

    /// A cluster, to be asked.
    ///
    /// # Errors
    /// `NotFound` with the nearest name.
    fn cluster(&self, name: &str) -> Result<Arc<dyn Cluster>>;

    /// Where the rows of a stream are read from, when that is a cluster.
    fn stored(&self, stream: StreamId) -> Option<Stored>;
}
