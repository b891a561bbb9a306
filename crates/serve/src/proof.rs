//! The last recount of what is stored: whether it agreed with the ledger, for health and for whoever asks.

use crate::Site;
use helios_contract::store::Verified;
use helios_contract::{Result, StreamName, Timestamp};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tracing::{error, warn};

/// What did not agree, per stream, and when that was found.
#[derive(Default)]
pub(crate) struct Proof(Mutex<BTreeMap<StreamName, (Timestamp, String)>>);

impl Proof {
    /// What does not agree now, as far as is known.
    pub(crate) fn problems(&self) -> Vec<(StreamName, Timestamp, String)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(stream, (at, problem))| (stream.clone(), *at, problem.clone())).collect()
    }

    /// Replaces what is known of `stream`, or of all.
    fn learn(&self, stream: Option<&StreamName>, found: &[Verified], now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| stream.is_some_and(|stream| stream != name));
        for partition in found.iter().filter(|partition| !partition.problem.is_empty()) {
            error!(
                stream = %partition.stream, partition = partition.partition, problem = partition.problem,
                "the ledger does not agree with what is stored"
            );
            known.entry(partition.stream.clone()).or_insert_with(|| (now, partition.problem.clone()));
        }
    }
}

/// Recounts, and remembers what came of it.
///
/// # Errors
/// As for `Verify::verify`.
pub(crate) async fn verify(site: &Site, stream: Option<&StreamName>) -> Result<Vec<Verified>> {
    let found = site.parts.verify.verify(stream).await?;
    site.proof.learn(stream, &found, site.parts.clock.now());
    Ok(found)
}

/// Recounts from time to time, for ever. Cancel-safe.
pub(crate) async fn run(site: &Site) {
    if site.config.verify_s == 0 {
        return;
    }
    loop {
        tokio::time::sleep(Duration::from_secs(site.config.verify_s)).await;
        if let Err(error) = verify(site, None).await {
            warn!(%error, "what is stored could not be recounted; it is tried again");
        }
    }
}
