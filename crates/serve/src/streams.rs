//! How the streams are doing, and whether their rows agree with the ledger.

use crate::Site;
use crate::failure::Failure;
use crate::query::bad_url;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as UrlQuery, State};
use axum::response::Json;
use helios_contract::StreamName;
use helios_contract::store::Verified;
use helios_contract::stream::StreamStatus;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InUrl {
    stream: Option<String>,
}

/// `GET /api/v1/streams`
pub(crate) async fn list(State(site): State<Arc<Site>>) -> Json<Value> {
    let streams: Vec<Value> = site.parts.control.status().iter().map(status_json).collect();
    Json(json!({"now": site.parts.clock.now().to_string(), "streams": streams}))
}

/// `GET /api/v1/verify`
pub(crate) async fn verify(
    State(site): State<Arc<Site>>,
    in_url: Result<UrlQuery<InUrl>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let UrlQuery(in_url) = in_url.map_err(bad_url)?;
    let stream = in_url.stream.map(StreamName::new).transpose()?;
    let found = site.parts.verify.verify(stream.as_ref()).await?;
    let ok = found.iter().all(|partition| partition.problem.is_empty());
    Ok(Json(json!({"ok": ok, "partitions": found.iter().map(verified_json).collect::<Vec<_>>()})))
}

/// How a stream is doing, as JSON.
pub(crate) fn status_json(status: &StreamStatus) -> Value {
    let lag: Map<String, Value> = status.lag.iter().map(|(partition, n)| (partition.clone(), json!(n))).collect();
    json!({
        "name": status.name,
        "source": status.source,
        "state": status.state.as_str(),
        "since": status.since.to_string(),
        "cause": status.cause,
        "message": status.message,
        "hint": status.hint,
        "n_received": status.n_received,
        "last_commit": status.last_commit,
        "last_commit_at": status.last_commit_at.map(|at| at.to_string()),
        "lag": lag,
    })
}

fn verified_json(found: &Verified) -> Value {
    json!({
        "stream": found.stream,
        "partition": found.partition,
        "received": found.received,
        "stored": found.stored,
        "expired": found.expired,
        "counted": found.counted,
        "quarantined": found.quarantined,
        "quarantine_counted": found.quarantine_counted,
        "filtered": found.filtered,
        "deduplicated": found.deduplicated,
        "lost": found.lost,
        "problem": found.problem,
    })
}
