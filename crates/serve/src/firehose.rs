//! Takes what Amazon Data Firehose delivers to an HTTP endpoint: records in base64, answered once they are durable.
//!
//! Firehose repeats a delivery that was not answered as it wants, with the same request id: that is the idempotency key.

use crate::failure::Failure;
use crate::records::bad_path;
use crate::{Site, body};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use helios_contract::query::{BodyFormat, Push, PushedRecord};
use helios_contract::{Error, Result, StreamName, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Firehose buffers 64 MiB at most, which base64 makes a third larger.
const BODY_BYTES_MAX: usize = 96 << 20;
const REQUEST_ID: &str = "x-amz-firehose-request-id";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    request_id: String,
    records: Vec<Delivered>,
}

#[derive(Deserialize)]
struct Delivered {
    data: String,
}

/// `POST /v1/streams/{name}/firehose`
pub(crate) async fn deliver(
    State(site): State<Arc<Site>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let at = site.parts.clock.now();
    let headers = request.headers().clone();
    let taken = take(&site, name, request, at).await;
    taken
        .map(|request_id| Json(json!({"requestId": request_id, "timestamp": at.0 / 1_000})))
        .map_err(|f| refused(f, &headers, at))
}

async fn take(
    site: &Site,
    name: Result<Path<String>, PathRejection>,
    request: Request,
    at: Timestamp,
) -> Result<String, Failure> {
    let stream = StreamName::new(name.map_err(bad_path)?.0)?;
    let (head, body) = request.into_parts();
    let received = body::read(site, &head.headers, body, BODY_BYTES_MAX).await?;
    let Delivery { request_id, records } = serde_json::from_slice(&received.bytes).map_err(|error| {
        Error::invalid("cannot read the delivery").because(error).hint("This address takes what Amazon Data Firehose sends.")
    })?;
    if request_id_of(&head.headers).is_some_and(|header| header != request_id) {
        return Err(Error::invalid("the request id of the header and that of the body are not the same").into());
    }
    let records: Result<Vec<PushedRecord>> = records.into_iter().map(|record| decoded(&record.data)).collect();
    let records = records?;
    if !records.is_empty() {
        let idempotency_key = Some(format!("firehose {request_id}"));
        let (body, format) = (Bytes::new(), BodyFormat::Json);
        site.parts.receiver.push(Push { stream, body, format, records: Some(records), idempotency_key, range: None, at }).await?;
    }
    Ok(request_id)
}

fn decoded(data: &str) -> Result<PushedRecord> {
    let payload = STANDARD.decode(data).map_err(|error| Error::invalid("a record is not base64").because(error))?;
    Ok(PushedRecord { payload: payload.into(), key: None, time: None })
}

/// Whether a request is a delivery: it carries its token in a header of its own.
pub(crate) fn is_delivery(request: &Request) -> bool {
    request.uri().path().strip_prefix("/v1/streams/").is_some_and(|rest| rest.ends_with("/firehose"))
}

/// The access key that Firehose was told to send.
pub(crate) fn access_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-firehose-access-key")?.to_str().ok()
}

/// A refusal with what Firehose reads: it repeats the delivery, and in the end keeps it where failed ones go. Of all statuses,
/// only 413 is final at once.
pub(crate) fn refused(failure: Failure, headers: &HeaderMap, at: Timestamp) -> Failure {
    let message = failure.message();
    failure
        .with("requestId", request_id_of(headers).unwrap_or_default().into())
        .with("timestamp", (at.0 / 1_000).into())
        .with("errorMessage", message.into())
}

fn request_id_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(REQUEST_ID)?.to_str().ok()
}
