//! Clusters: databases of others that Helios delivers to and reads from.

use crate::clock::Timestamp;
use crate::column::quoted;
use crate::error::Result;
use crate::name::StreamName;
use crate::stream::{Options, written};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures_core::stream::BoxStream;
use std::fmt;
use std::time::Duration;

/// The name of a cluster, which stands before the database in `ch.analytics.orders`.
pub type ClusterName = StreamName;

/// What `CREATE CLUSTER` says. `Display` writes the statement back; secrets stay names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ClusterDefinition {
    /// Its name.
    pub name: ClusterName,
    /// How to reach it, and as whom.
    pub options: Options,
}

impl fmt::Display for ClusterDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CREATE CLUSTER {} FROM CLICKHOUSE{}", self.name, written(&self.options))
    }
}

/// A statement about a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterCommand {
    /// `CREATE CLUSTER [IF NOT EXISTS]`
    Create {
        /// What to create.
        definition: ClusterDefinition,
        /// Succeed quietly when it is there already.
        if_not_exists: bool,
    },
    /// `ALTER CLUSTER name SET (option = value, ...)`
    Set(ClusterName, Options),
    /// `ALTER CLUSTER name RESET (option, ...)`
    Reset(ClusterName, Vec<String>),
    /// `DROP CLUSTER [IF EXISTS]`
    Drop {
        /// Which.
        name: ClusterName,
        /// Succeed quietly when it is not there.
        if_exists: bool,
    },
}

/// One thing that was looked at while a statement was carried out, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `login`, `column price`.
    pub about: String,
    /// `ok`, `note` or `missing`.
    pub result: &'static str,
    /// In words.
    pub detail: String,
}

impl Finding {
    /// All is well with it.
    pub fn ok(about: impl Into<String>, detail: impl Into<String>) -> Finding {
        Finding { about: about.into(), result: "ok", detail: detail.into() }
    }

    /// Worth knowing.
    pub fn note(about: impl Into<String>, detail: impl Into<String>) -> Finding {
        Finding { about: about.into(), result: "note", detail: detail.into() }
    }

    /// Something will not work without it.
    pub fn missing(about: impl Into<String>, detail: impl Into<String>) -> Finding {
        Finding { about: about.into(), result: "missing", detail: detail.into() }
    }
}

/// How one cluster is doing.
#[derive(Debug, Clone)]
pub struct ClusterStatus {
    /// Its definition.
    pub definition: ClusterDefinition,
    /// What the server called its version when it last answered; empty before.
    pub version: String,
    /// When it last answered.
    pub answered_at: Option<Timestamp>,
    /// The last failure, unless it answered since; empty when all is well.
    pub message: String,
}

/// A table of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct RemoteName {
    /// The database.
    pub database: String,
    /// The table.
    pub table: String,
}

impl fmt::Display for RemoteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", quoted(&self.database), quoted(&self.table))
    }
}

/// A column of a cluster's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteColumn {
    /// Its name.
    pub name: String,
    /// Its type in the cluster's own words.
    pub remote_type: String,
    /// What its values become; `None`: there is nothing they could become, so it is not shown.
    pub data_type: Option<DataType>,
}

/// A question in the cluster's own dialect. It may read, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteQuery {
    /// The statement.
    pub sql: String,
    /// How long the server may take.
    pub within: Duration,
}

/// The answer. Dropping it cancels the question.
pub struct RemoteRows {
    /// The fields.
    pub schema: SchemaRef,
    /// The rows.
    pub rows: BoxStream<'static, Result<RecordBatch>>,
}

/// The seam to a cluster that answers questions. `Debug` writes its name: plans show it.
#[async_trait]
pub trait Cluster: Send + Sync + fmt::Debug {
    /// The version of the server, major and minor; asked for once, then known.
    async fn version(&self) -> Result<(u32, u32)>;

    /// The columns of a table.
    ///
    /// # Errors
    /// `NotFound` with the nearest name; `Unavailable` when the cluster is away.
    async fn describe(&self, table: &RemoteName) -> Result<Vec<RemoteColumn>>;

    /// Asks; answers once the fields are known.
    ///
    /// # Errors
    /// `Invalid` with the server's own words for what it does not understand; `Unavailable` when it is away.
    async fn query(&self, query: RemoteQuery) -> Result<RemoteRows>;
}
