//! Takes the event that AWS Lambda gets from a Kinesis stream, as it is, and answers what the function is to return.
//!
//! A batch is stored whole or not at all: what fails is the batch from its first record on, and Lambda sends it again.

use crate::failure::Failure;
use crate::records::bad_path;
use crate::{Site, asked};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::response::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use helios_contract::query::{BodyFormat, Push, PushedRecord};
use helios_contract::{Error, Kind, Result, StreamName, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Sent>,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "eventID")]
    event_id: String,
    kinesis: Kinesis,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    partition_key: String,
    sequence_number: String,
    data: String,
    /// Seconds, with milliseconds behind the point.
    approximate_arrival_timestamp: Option<f64>,
}

/// `POST /v1/streams/{name}/lambda`
pub(crate) async fn take(
    State(site): State<Arc<Site>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let at = site.parts.clock.now();
    let stream = StreamName::new(name.map_err(bad_path)?.0)?;
    let (_, event): (_, Event) = asked::json(&site, request, site.config.body_bytes_max).await?;
    let (Some(first), Some(last)) = (event.records.first(), event.records.last()) else { return Ok(failures(None)) };
    // Lambda repeats a batch with the same records.
    let idempotency_key = Some(format!("lambda {} {} {}", first.event_id, last.event_id, event.records.len()));
    let first = first.kinesis.sequence_number.clone();
    let records: Result<Vec<PushedRecord>> = event.records.into_iter().map(decoded).collect();
    let (body, format, records) = (Bytes::new(), BodyFormat::Json, Some(records?));
    match site.parts.receiver.push(Push { stream, body, format, records, idempotency_key, range: None, at }).await {
        Ok(_) => Ok(failures(None)),
        // What is wrong with the request does not get better by repeating it: the function fails, and says why.
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::NotFound) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "a batch from lambda was not stored; it comes again");
            Ok(failures(Some(first)))
        }
    }
}

/// What the function returns: from which record on Lambda is to send again.
fn failures(first: Option<String>) -> Json<Value> {
    Json(json!({"batchItemFailures": first.iter().map(|first| json!({"itemIdentifier": first})).collect::<Vec<_>>()}))
}

fn decoded(sent: Sent) -> Result<PushedRecord> {
    let Kinesis { partition_key, sequence_number, data, approximate_arrival_timestamp } = sent.kinesis;
    let payload = STANDARD
        .decode(data)
        .map_err(|error| Error::invalid(format!("the data of record {sequence_number} is not base64")).because(error))?;
    let time = approximate_arrival_timestamp.map(|seconds| Timestamp((seconds * 1_000.0).round() as i64 * 1_000));
    Ok(PushedRecord { payload: payload.into(), key: Some(partition_key.into()), time })
}
