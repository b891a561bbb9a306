//! Speaks HTTP to people and programs: questions, pushed records, live rows, health, and a small page.
//!
//! A request passes `gate` (who may ask, under which id), is matched by `routes`, and is answered by the module named
//! after what it asks for. Errors travel as [`failure::Failure`] and become JSON in one place.

mod config;
mod gate;
mod routes;

mod failure;

mod body;
mod records;

mod encode;
mod pipe;
mod query;
mod tail;

mod health;
mod metrics;
mod page;
mod streams;

mod listen;

pub use axum::Router;
pub use config::{Config, TokenHash};
pub use failure::status_of;
pub use listen::serve;

use crate::metrics::Meters;
use helios_contract::Clock;
use helios_contract::query::{QueryEngine, Receiver};
use helios_contract::store::{Catalog, Changes, TableStore, Verify};
use helios_contract::stream::StreamControl;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
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
    /// What `/metrics` shows; the HTTP figures are added to it.
    pub metrics: prometheus::Registry,
}

/// What every request can reach.
struct Site {
    config: Config,
    parts: Parts,
    meters: Meters,
    /// Bytes of request bodies that may be in memory at once.
    body_budget: Arc<Semaphore>,
    n_requests: AtomicU64,
    started_at: helios_contract::Timestamp,
}

/// Everything Helios answers over HTTP.
pub fn router(config: Config, parts: Parts) -> Router {
    let site = Arc::new(Site {
        meters: Meters::register(&parts.metrics),
        body_budget: Arc::new(Semaphore::new(config.inflight_bytes_max.min(Semaphore::MAX_PERMITS))),
        n_requests: AtomicU64::new(0),
        started_at: parts.clock.now(),
        config,
        parts,
    });
    routes::router(site)
}

#[cfg(test)]
mod tests;
