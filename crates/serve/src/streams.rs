//! How the streams are doing, and whether their rows agree with the ledger.

use crate::Site;
use crate::console::n_rows;
use crate::failure::Failure;
use crate::proof;
use crate::pulse::Rates;
use crate::query::bad_url;
use crate::records::bad_path;
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as UrlQuery, State};
use axum::response::Json;
use helios_contract::store::Verified;
use helios_contract::stream::{Stream, StreamStatus, interval};
use helios_contract::{Error, Result, StreamName};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InUrl {
    stream: Option<String>,
}

/// `GET /api/v1/streams`
pub(crate) async fn list(State(site): State<Arc<Site>>) -> Json<Value> {
    let defined = site.parts.catalog.streams();
    let quarantined = quarantined(&site).await;
    let mut streams = Vec::new();
    for status in site.parts.control.status() {
        let mut told = status_json(&status);
        if let Some(stream) = defined.iter().find(|stream| stream.definition.name == status.name) {
            add_figures(&site, stream, &quarantined, &mut told).await;
        }
        streams.push(told);
    }
    Json(json!({"now": site.parts.clock.now().to_string(), "streams": streams}))
}

/// `GET /api/v1/streams/{name}`
pub(crate) async fn show(
    State(site): State<Arc<Site>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Failure> {
    let name = StreamName::new(name.map_err(bad_path)?.0)?;
    Ok(Json(detail(&site, &name).await?))
}

/// Everything about one stream.
///
/// # Errors
/// `NotFound` when there is none of that name.
pub(crate) async fn detail(site: &Site, name: &StreamName) -> Result<Value> {
    let unknown = || Error::not_found(format!("there is no stream {name}")).hint("GET /api/v1/streams lists them.");
    let stream = site.parts.catalog.streams().into_iter().find(|stream| stream.definition.name == *name);
    let stream = stream.ok_or_else(unknown)?;
    let status = site.parts.control.status().into_iter().find(|status| status.name == *name).ok_or_else(unknown)?;
    let mut told = status_json(&status);
    add_figures(site, &stream, &quarantined(site).await, &mut told).await;
    let definition = &stream.definition;
    let column = |column: &helios_contract::column::Column| json!({"name": column.name, "type": column.data_type.to_string(), "required": column.required});
    told["statement"] = definition.to_string().into();
    told["columns"] = definition.columns.iter().map(column).collect();
    told["event_time"] = json!(definition.event_time);
    told["partitions"] = partitions(site, &stream, &status).await?;
    let rates = site.pulse.rates(Some(name));
    told["batch_rows"] = json!(rates.batch_rows);
    told["stages"] = stages(&rates);
    Ok(told)
}

/// Figures of a stream that are not in its status.
async fn add_figures(site: &Site, stream: &Stream, quarantined: &HashMap<String, u64>, told: &mut Value) {
    let name = &stream.definition.name;
    let rates = site.pulse.rates(Some(name));
    told["events_per_s"] = rates.events_per_s.into();
    told["freshness_ms"] = rates.freshness_json();
    told["n_quarantined"] = quarantined.get(name.as_str()).copied().unwrap_or(0).into();
    told["n_rows"] = json!(n_rows(site, stream).await);
    told["retain"] = json!(stream.definition.retain.map(interval));
    told["created_at"] = stream.created_at.to_string().into();
}

/// The records in quarantine of each stream. Where they cannot be read, none are told; the log says so.
pub(crate) async fn quarantined(site: &Site) -> HashMap<String, u64> {
    let Some(table) = site.parts.system.iter().find(|table| table.name() == "quarantine_classes") else {
        return HashMap::new();
    };
    let rows = match table.rows(None).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!(%error, "cannot count the records in quarantine");
            return HashMap::new();
        }
    };
    let mut counts = HashMap::new();
    let streams = rows.column_by_name("stream").and_then(|column| column.as_string_opt::<i32>().cloned());
    let open = rows.column_by_name("n_open").and_then(|column| column.as_primitive_opt::<Int64Type>().cloned());
    for (stream, n) in streams.iter().flatten().zip(open.iter().flatten()) {
        *counts.entry(stream.unwrap_or_default().to_owned()).or_default() += u64::try_from(n.unwrap_or(0)).unwrap_or(0);
    }
    counts
}

async fn partitions(site: &Site, stream: &Stream, status: &StreamStatus) -> Result<Value> {
    let offsets = site.parts.tables.offsets(stream.id).await?;
    let lag: HashMap<&str, u64> = status.lag.iter().map(|(partition, n)| (partition.as_str(), *n)).collect();
    let mut names: Vec<&str> = offsets.keys().map(String::as_str).chain(lag.keys().copied()).collect();
    names.sort_unstable_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), *name));
    names.dedup();
    let partition = |name: &str| json!({"partition": name, "position": offsets.get(name), "lag": lag.get(name)});
    Ok(names.into_iter().map(partition).collect())
}

/// The way of a record, and how fast and how old records are at each of its stages. Age counts from the arrival at the source.
fn stages(rates: &Rates) -> Value {
    let [fetched, decoded, committed] = rates.ages_ms;
    let stored = (rates.events_per_s - rates.quarantined_per_s).max(0.0);
    // A commit makes rows durable and visible at once, so the last two are the same moment.
    json!([
        {"name": "source", "events_per_s": rates.produced_per_s, "age_ms": fetched.map(|_| 0.0)},
        {"name": "fetched", "events_per_s": rates.events_per_s, "age_ms": fetched},
        {"name": "decoded", "events_per_s": stored, "age_ms": decoded},
        {"name": "stored", "events_per_s": stored, "age_ms": committed},
        {"name": "queryable", "events_per_s": stored, "age_ms": committed},
    ])
}

/// `GET /api/v1/verify`
pub(crate) async fn verify(
    State(site): State<Arc<Site>>,
    in_url: Result<UrlQuery<InUrl>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let UrlQuery(in_url) = in_url.map_err(bad_url)?;
    let stream = in_url.stream.map(StreamName::new).transpose()?;
    let found = proof::verify(&site, stream.as_ref()).await?;
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
        "lag_seconds": status.lag_seconds(),
        "n_late": status.n_late,
        "watermark": status.watermark().map(|at| at.to_string()),
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
