//! What somebody who connects a stream wants to know before it is one: can it be reached, what is in it, what would become of it.

use crate::Site;
use crate::asked;
use crate::encode::exact_rows;
use crate::failure::Failure;
use crate::history::millis;
use crate::pipe::pipe;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt;
use helios_contract::probe::{Check, Preview, PreviewColumn, SampleRecord};
use helios_contract::{Error, Result};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::Instrument;

const SAMPLE_DEFAULT: usize = 20;
const SAMPLE_MAX: usize = 1_000;
const PAYLOADS_MAX: usize = 2_000;
/// A request may bring a sample back.
const BODY_BYTES_MAX: usize = 32 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    statement: String,
}

/// `POST /api/v1/streams/test`
pub(crate) async fn test(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Failure> {
    let (_, About { statement }) = asked::json(&site, request, site.config.sql_bytes_max).await?;
    let definition = site.parts.engine.definition(&statement).await?;
    let mut checks = site.parts.probe.test(definition);
    let (pipe, body) = pipe();
    let telling = async move {
        while let Some(check) = checks.next().await {
            if pipe.send(format!("{}\n", check_json(&check))).await.is_err() {
                return;
            }
        }
    };
    tokio::spawn(telling.in_current_span());
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn check_json(check: &Check) -> Value {
    json!({
        "check": check.name,
        "state": check.state.as_str(),
        "ms": check.took.map(millis),
        "message": check.message,
        "hint": check.hint,
    })
}

/// `POST /api/v1/streams/topics`
pub(crate) async fn topics(State(site): State<Arc<Site>>, request: Request) -> Result<Json<Value>, Failure> {
    let (_, About { statement }) = asked::json(&site, request, site.config.sql_bytes_max).await?;
    let definition = site.parts.engine.definition(&statement).await?;
    let topics = site.parts.probe.topics(definition).await?;
    let topic =
        |t: &helios_contract::probe::Topic| json!({"name": t.name, "n_partitions": t.n_partitions, "n_records": t.n_records});
    Ok(Json(json!({"topics": topics.iter().map(topic).collect::<Vec<_>>()})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToSample {
    statement: String,
    #[serde(default)]
    limit: Option<usize>,
}

/// `POST /api/v1/streams/sample`
pub(crate) async fn sample(State(site): State<Arc<Site>>, request: Request) -> Result<Json<Value>, Failure> {
    let (_, ToSample { statement, limit }) = asked::json(&site, request, site.config.sql_bytes_max).await?;
    let definition = site.parts.engine.definition(&statement).await?;
    let limit = limit.unwrap_or(SAMPLE_DEFAULT).clamp(1, SAMPLE_MAX);
    let sample = site.parts.probe.sample(definition, limit).await?;
    let records: Vec<Value> = sample.records.iter().map(record_json).collect();
    Ok(Json(json!({"format": sample.format.as_str(), "why": sample.why, "records": records})))
}

fn record_json(record: &SampleRecord) -> Value {
    let headers: serde_json::Map<String, Value> =
        record.headers.iter().map(|(name, value)| (name.clone(), json!(value.as_deref().map(String::from_utf8_lossy)))).collect();
    let (payload, encoding) = match std::str::from_utf8(&record.payload) {
        Ok(text) => (text.to_owned(), "utf8"),
        Err(_) => (STANDARD.encode(&record.payload), "base64"),
    };
    json!({
        "partition": record.partition,
        "position": record.position,
        "time": record.time.map(|time| time.to_string()),
        "key": record.key.as_deref().map(String::from_utf8_lossy),
        "headers": (!headers.is_empty()).then_some(headers),
        "payload": payload,
        "encoding": encoding,
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToPreview {
    statement: String,
    payloads: Vec<String>,
    /// How the payloads are written here: `utf8`, or `base64` for all of them.
    #[serde(default)]
    encoding: Option<String>,
}

/// `POST /api/v1/streams/preview`
pub(crate) async fn preview(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Failure> {
    let (_, wanted): (_, ToPreview) = asked::json(&site, request, BODY_BYTES_MAX).await?;
    let definition = site.parts.engine.definition(&wanted.statement).await?;
    if wanted.payloads.len() > PAYLOADS_MAX {
        return Err(Error::invalid(format!("at most {PAYLOADS_MAX} payloads are looked at")).hint("Send fewer.").into());
    }
    let payloads = payloads(wanted.payloads, wanted.encoding.as_deref())?;
    let preview = site.parts.probe.preview(definition, payloads).await?;
    Ok(Json(preview_json(&preview)?).into_response())
}

fn payloads(given: Vec<String>, encoding: Option<&str>) -> Result<Vec<Bytes>> {
    match encoding {
        None | Some("utf8") => Ok(given.into_iter().map(Bytes::from).collect()),
        Some("base64") => {
            let bytes = |text: String| STANDARD.decode(text).map(Bytes::from);
            let decoded: Result<Vec<Bytes>, _> = given.into_iter().map(bytes).collect();
            decoded.map_err(|error| Error::invalid("a payload is not base64").because(error))
        }
        Some(other) => {
            Err(Error::invalid(format!("there is no encoding '{}'", other.escape_debug())).hint("Use utf8 or base64."))
        }
    }
}

#[derive(serde::Serialize)]
struct Previewed {
    columns: Vec<Value>,
    rows: Box<RawValue>,
    rejects: Vec<Value>,
    statement: String,
}

fn preview_json(preview: &Preview) -> Result<Previewed> {
    let column = |seen: &PreviewColumn| {
        json!({
            "path": seen.column.from.first().unwrap_or(&seen.column.name),
            "name": seen.column.name,
            "type": seen.column.data_type.to_string(),
            "seen": seen.seen,
            "why": seen.why,
            "examples": seen.examples,
            "required": seen.column.required,
        })
    };
    let rows = String::from_utf8(exact_rows(std::slice::from_ref(&preview.rows))?);
    let rows = rows.map_err(|error| Error::internal("rows are not UTF-8").because(error))?;
    Ok(Previewed {
        columns: preview.columns.iter().map(column).collect(),
        rows: RawValue::from_string(rows).map_err(|error| Error::internal("rows are not JSON").because(error))?,
        rejects: preview.rejects.iter().map(|r| json!({"index": r.index, "reason": r.reason, "path": r.path})).collect(),
        statement: preview.definition.to_string(),
    })
}
