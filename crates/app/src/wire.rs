//! Builds the product, in the order an event travels: sources and decoders commit into the lake, queries read its
//! snapshots, and the server speaks to people and programs. Read this first.

use crate::config::Config;
use helios_contract::fault::Faults;
use helios_contract::secret::Secrets;
use helios_contract::system::SystemTable;
use helios_contract::{Clock, Result};
use helios_ingest::Ingest;
use helios_lake::Lake;
use helios_query::Engine;
use object_store::ObjectStore;
use prometheus::Registry;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// What tests replace.
#[derive(Clone)]
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where Parquet files are kept.
    pub store: Arc<dyn ObjectStore>,
    /// Where secrets are looked up.
    pub secrets: Arc<dyn Secrets>,
    /// Faults to inject.
    pub faults: Faults,
}

/// The whole product, running.
pub struct Server {
    /// Tables.
    pub lake: Arc<Lake>,
    /// Streams.
    pub ingest: Arc<Ingest>,
    /// Answers.
    pub engine: Arc<Engine>,
    /// HTTP.
    pub router: helios_serve::Router,
    maintenance: JoinHandle<()>,
}

/// Builds and starts everything but the listener.
///
/// # Errors
/// `Conflict` when another process holds the data directory; `Unavailable` or `Corrupt` when it cannot be used.
pub async fn start(config: &Config, parts: Parts) -> Result<Server> {
    let metrics = Registry::new();

    // Events end in the lake, so it is opened first.
    let lake_parts = helios_lake::Parts {
        clock: parts.clock.clone(),
        store: parts.store.clone(),
        faults: parts.faults.clone(),
        metrics: metrics.clone(),
    };
    let lake = helios_lake::open(config.lake.clone(), lake_parts).await?;

    // Sources are read, decoded, and committed with their positions.
    let ingest_parts = helios_ingest::Parts {
        clock: parts.clock.clone(),
        tables: lake.clone(),
        catalog: lake.clone(),
        receipts: lake.clone(),
        secrets: parts.secrets,
        faults: parts.faults,
        metrics: metrics.clone(),
    };
    let ingest = helios_ingest::start(config.ingest.clone(), ingest_parts).await?;

    // Questions are answered from snapshots of what was committed.
    let system: Vec<Arc<dyn SystemTable>> = lake.system_tables().into_iter().chain(ingest.system_tables()).collect();
    let query_parts = helios_query::Parts {
        clock: parts.clock.clone(),
        tables: lake.clone(),
        catalog: lake.clone(),
        control: ingest.clone(),
        store: parts.store,
        system,
        metrics: metrics.clone(),
    };
    let engine = helios_query::open(config.query.clone(), query_parts)?;

    // People and programs come in over HTTP.
    let serve_parts = helios_serve::Parts {
        clock: parts.clock,
        engine: engine.clone(),
        receiver: ingest.clone(),
        control: ingest.clone(),
        catalog: lake.clone(),
        tables: lake.clone(),
        changes: lake.clone(),
        verify: lake.clone(),
        metrics,
    };
    let router = helios_serve::router(config.serve.clone(), serve_parts);

    let maintenance = tokio::spawn(lake.clone().maintain());
    Ok(Server { lake, ingest, engine, router, maintenance })
}

impl Server {
    /// Stops reading, commits what is open, and closes the lake.
    ///
    /// # Errors
    /// `Unavailable` when the last commits could not be made durable; their records were not acknowledged.
    pub async fn stop(self) -> Result<()> {
        self.ingest.stop().await;
        self.maintenance.abort();
        self.lake.close().await
    }
}
