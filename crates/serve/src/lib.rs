//! Speaks HTTP to people and programs: questions, pushed records, live rows, health, and the web app's files.
//!
//! A request passes `gate` (who may ask, under which id), is matched by `routes`, and is answered by the module named
//! after what it asks for. Errors travel as [`failure::Failure`] and become JSON in one place.

mod config;
mod gate;
mod nonces;
mod routes;

mod failure;

mod asked;
mod body;
mod firehose;
mod lambda;
mod records;

mod encode;
mod pipe;
mod query;
mod tail;

mod console;
mod exports;
mod history;
mod notes;
mod saved;

mod live;
mod proof;
mod pulse;

mod health;
mod metrics;
mod page;
mod streams;
mod wizard;

mod listen;

pub use axum::Router;
pub use config::{Config, TokenHash};
pub use failure::status_of;
pub use listen::serve;

use crate::exports::Exports;
use crate::metrics::Meters;
use crate::nonces::Nonces;
use crate::proof::Proof;
use crate::pulse::Pulse;
use helios_contract::Clock;
use helios_contract::condition::Conditions;
use helios_contract::console::Console;
use helios_contract::documents::Documents;
use helios_contract::probe::Probe;
use helios_contract::query::{QueryEngine, Receiver};
use helios_contract::store::{Catalog, Changes, TableStore, Verify};
use helios_contract::stream::StreamControl;
use helios_contract::system::SystemTable;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// What `serve` needs from outside.
#[derive(Clone)]
pub struct Parts {
    /// Tells when a request came.
    pub clock: Arc<dyn Clock>,
    /// Answers SQL.
    pub engine: Arc<dyn QueryEngine>,
    /// Takes pushed records.
    pub receiver: Arc<dyn Receiver>,
    /// Knows how the streams are doing.
    pub control: Arc<dyn StreamControl>,
    /// Knows the streams.
    pub catalog: Arc<dyn Catalog>,
    /// Gives the rows to tail.
    pub tables: Arc<dyn TableStore>,
    /// Tells when there are more.
    pub changes: Arc<dyn Changes>,
    /// Recounts.
    pub verify: Arc<dyn Verify>,
    /// Looks at statements without answering them.
    pub console: Arc<dyn Console>,
    /// Makes conditions of what people write behind WHERE.
    pub conditions: Arc<dyn Conditions>,
    /// Keeps what people want kept.
    pub documents: Arc<dyn Documents>,
    /// Looks at sources before they are streams.
    pub probe: Arc<dyn Probe>,
    /// Every table of the schema `system`.
    pub system: Vec<Arc<dyn SystemTable>>,
    /// What `/metrics` shows; the HTTP figures are added to it.
    pub metrics: prometheus::Registry,
    /// From the system's randomness: whoever knows it can guess the ids of exports and the nonces of pages.
    pub seed: [u8; 32],
}

/// What every request can reach.
struct Site {
    config: Config,
    parts: Parts,
    meters: Meters,
    /// Bytes of request bodies that may be in memory at once.
    body_budget: Arc<Semaphore>,
    n_requests: AtomicU64,
    nonces: Nonces,
    exports: Exports,
    pulse: Pulse,
    proof: Proof,
    /// The figures of all streams, and of which beat they are.
    overview: Mutex<Option<(u64, Arc<serde_json::Value>)>>,
    live_places: Arc<Semaphore>,
    /// Another word after each start.
    instance: String,
    started_at: helios_contract::Timestamp,
}

/// Counts once a second what the streams do, so that the last minutes are known when somebody looks, and recounts now and
/// then what is stored.
pub struct Sampler(Arc<Site>);

impl Sampler {
    /// Runs for ever. Cancel-safe.
    pub async fn run(self) {
        tokio::join!(pulse::run(self.0.clone()), proof::run(&self.0));
    }

    /// Looks once.
    #[cfg(test)]
    fn beat(&self) {
        self.0.pulse.beat(&self.0.parts.metrics, self.0.parts.clock.now());
    }
}

/// Everything Helios answers over HTTP, and what must run beside it.
pub fn open(config: Config, parts: Parts) -> (Router, Sampler) {
    let nonces = Nonces::new(parts.seed);
    let started_at = parts.clock.now();
    let site = Arc::new(Site {
        meters: Meters::register(&parts.metrics, started_at),
        body_budget: Arc::new(Semaphore::new(config.inflight_bytes_max.min(Semaphore::MAX_PERMITS))),
        n_requests: AtomicU64::new(0),
        exports: Exports::default(),
        pulse: Pulse::default(),
        proof: Proof::default(),
        overview: Mutex::default(),
        live_places: Arc::new(Semaphore::new(live::CONNECTIONS_MAX)),
        instance: nonces.next(),
        nonces,
        started_at,
        config,
        parts,
    });
    (routes::router(site.clone()), Sampler(site))
}

#[cfg(test)]
mod tests;
