//! Health that means something: streams that fail or stand still are told apart from a process that lives.

use crate::Site;
use crate::failure::Failure;
use crate::streams::status_json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use futures::StreamExt;
use helios_contract::query::Query;
use helios_contract::stream::{StreamState, StreamStatus};
use helios_contract::{Error, Result, StreamName, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long the engine may take to answer `SELECT 1`.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// `GET /healthz`
pub(crate) async fn healthz(State(site): State<Arc<Site>>) -> (StatusCode, Json<Value>) {
    let stall = Duration::from_secs(site.config.stall_s);
    let now = site.parts.clock.now();
    let mut healthy = true;
    let mut unwell = Vec::new();
    for status in site.parts.control.status() {
        let finding = finding(&status, now, stall);
        healthy &= !matches!(finding, Finding::Failed | Finding::Stalled);
        if let Some(word) = finding.word() {
            let mut told = status_json(&status);
            told["finding"] = word.into();
            unwell.push(told);
        }
    }
    let mismatches = site.proof.problems();
    let healthy = healthy && mismatches.is_empty();
    let ledger = |(stream, at, problem): &(StreamName, Timestamp, String)| json!({"stream": stream, "found_at": at.to_string(), "problem": problem, "hint": "Run `helios verify` for the whole picture, and keep the data directory."});
    let ledger: Vec<Value> = mismatches.iter().map(ledger).collect();
    let (code, word) = if healthy { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "failing") };
    (code, Json(json!({"status": word, "streams": unwell, "ledger": ledger})))
}

/// `GET /readyz`
pub(crate) async fn readyz(State(site): State<Arc<Site>>) -> Result<Json<Value>, Failure> {
    let started = site.parts.control.status();
    let waiting =
        site.parts.catalog.streams().iter().find(|stream| !started.iter().any(|s| s.name == stream.definition.name)).cloned();
    if let Some(stream) = waiting {
        return Err(Error::unavailable(format!("the stream {} has not started yet", stream.definition.name)).into());
    }
    match tokio::time::timeout(READY_WITHIN, select_one(&site)).await {
        Ok(Ok(())) => Ok(Json(json!({"status": "ready"}))),
        Ok(Err(error)) => Err(Error::unavailable("the engine does not answer SELECT 1").because(error).into()),
        Err(_) => {
            Err(Error::unavailable(format!("the engine does not answer SELECT 1 within {} s", READY_WITHIN.as_secs())).into())
        }
    }
}

async fn select_one(site: &Site) -> Result<()> {
    let query = Query { sql: "SELECT 1".to_owned(), ..Query::default() };
    let mut answer = site.parts.engine.run(query).await?;
    while let Some(batch) = answer.rows.next().await {
        batch?;
    }
    Ok(())
}

/// What a stream's status says about its health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Well,
    /// Something failed that is retried.
    Degraded,
    /// The source has records and nothing has been committed for too long.
    Stalled,
    /// Something failed that retrying cannot help.
    Failed,
}

impl Finding {
    fn word(self) -> Option<&'static str> {
        match self {
            Finding::Well => None,
            Finding::Degraded => Some("degraded"),
            Finding::Stalled => Some("stalled"),
            Finding::Failed => Some("failed"),
        }
    }
}

pub(crate) fn finding(status: &StreamStatus, now: Timestamp, stall: Duration) -> Finding {
    // A stream that just started or resumed is given the same time as one that just committed.
    let progressed_at = status.last_commit_at.map_or(status.since, |at| at.max(status.since));
    let has_lag = status.lag.iter().any(|(_, n_records)| *n_records > 0) || status.lag_seconds().is_some_and(|lag| lag > 0.0);
    match status.state {
        StreamState::Failed => Finding::Failed,
        StreamState::Paused => Finding::Well,
        _ if has_lag && now.since(progressed_at) > stall => Finding::Stalled,
        StreamState::Degraded => Finding::Degraded,
        StreamState::Running | StreamState::CatchingUp => Finding::Well,
    }
}
