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
use helios_sink::Sinks;
use helios_sink::wire::Wire;
use object_store::ObjectStore;
use prometheus::Registry;
use std::sync::Arc;
use tokio::runtime::Handle;
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
    /// How clusters are reached.
    pub wire: Arc<dyn Wire>,
    /// Faults to inject.
    pub faults: Faults,
    /// Where queries compute; `None`: where everything runs.
    pub query_runtime: Option<Handle>,
    /// What words nobody may guess are drawn from.
    pub seed: [u8; 32],
}

/// The whole product, running.
pub struct Server {
    /// Tables.
    pub lake: Arc<Lake>,
    /// Streams.
    pub ingest: Arc<Ingest>,
    /// Answers.
    pub engine: Arc<Engine>,
    /// Clusters and sinks.
    pub sinks: Arc<Sinks>,
    /// HTTP.
    pub router: helios_serve::Router,
    upkeep: [JoinHandle<()>; 2],
}

/// Builds and starts everything but the listener.
///
/// # Errors
/// `Conflict` when another process holds the data directory; `Unavailable` or `Corrupt` when it cannot be used.
pub async fn start(config: &Config, parts: Parts) -> Result<Server> {
    let metrics = Registry::new();

    // Events end in the lake, so it is opened first.
    let lake = keep(config, &parts, &metrics).await?;

    let conditions = helios_query::conditions()?;
    // Sources are read, decoded, and committed with their positions.
    let ingest_parts = helios_ingest::Parts {
        clock: parts.clock.clone(),
        tables: lake.clone(),
        catalog: lake.clone(),
        receipts: lake.clone(),
        conditions: conditions.clone(),
        drifts: lake.clone(),
        quarantine: lake.clone(),
        secrets: parts.secrets.clone(),
        faults: parts.faults.clone(),
        metrics: metrics.clone(),
    };
    let ingest = helios_ingest::start(config.ingest.clone(), ingest_parts).await?;

    // Sinks follow commits to clusters.
    let sinks = follow(config, &parts, &lake, &metrics).await?;

    // Questions are answered from snapshots of what was committed.
    let system: Vec<Arc<dyn SystemTable>> =
        lake.system_tables().into_iter().chain(ingest.system_tables()).chain(sinks.system_tables()).collect();
    let query_parts = helios_query::Parts {
        clock: parts.clock.clone(),
        tables: lake.clone(),
        catalog: lake.clone(),
        control: ingest.clone(),
        outlets: sinks.clone(),
        quarantine: ingest.clone(),
        store: parts.store,
        backfill: helios_ingest::decode::backfill,
        runtime: parts.query_runtime,
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
        console: engine.clone(),
        conditions,
        documents: lake.clone(),
        probe: ingest.clone(),
        system: engine.system_tables().to_vec(),
        metrics,
        seed: parts.seed,
    };
    let (router, sampler) = helios_serve::open(config.serve.clone(), serve_parts);

    let upkeep = [tokio::spawn(lake.clone().maintain()), tokio::spawn(sampler.run())];
    Ok(Server { lake, ingest, sinks, engine, router, upkeep })
}

async fn keep(config: &Config, parts: &Parts, metrics: &Registry) -> Result<Arc<Lake>> {
    let lake_parts = helios_lake::Parts {
        clock: parts.clock.clone(),
        store: parts.store.clone(),
        faults: parts.faults.clone(),
        backfill: helios_ingest::decode::backfill,
        metrics: metrics.clone(),
    };
    helios_lake::open(config.lake.clone(), lake_parts).await
}

async fn follow(config: &Config, parts: &Parts, lake: &Arc<Lake>, metrics: &Registry) -> Result<Arc<Sinks>> {
    let sink_parts = helios_sink::Parts {
        clock: parts.clock.clone(),
        tables: lake.clone(),
        catalog: lake.clone(),
        changes: lake.clone(),
        outlets: lake.clone(),
        secrets: parts.secrets.clone(),
        wire: parts.wire.clone(),
        faults: parts.faults.clone(),
        metrics: metrics.clone(),
    };
    helios_sink::start(config.sink.clone(), sink_parts).await
}

impl Server {
    /// Stops reading, commits what is open, and closes the lake.
    ///
    /// # Errors
    /// `Unavailable` when the last commits could not be made durable; their records were not acknowledged.
    pub async fn stop(self) -> Result<()> {
        self.ingest.stop().await;
        self.sinks.stop().await;
        self.upkeep.iter().for_each(JoinHandle::abort);
        self.lake.close().await
    }
}
