//! Takes pushed records: the answer comes after the commit, so 200 means durable.

use crate::failure::Failure;
use crate::{Site, body};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::response::Json;
use helios_contract::query::{BodyFormat, Push, SenderRange};
use helios_contract::{Error, Kind, Result, StreamName};
use serde_json::{Value, json};
use std::sync::Arc;

/// `POST /v1/streams/{name}/records`
pub(crate) async fn push(
    State(site): State<Arc<Site>>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let at = site.parts.clock.now();
    let stream = StreamName::new(name.map_err(bad_path)?.0)?;
    let (head, body) = request.into_parts();
    let range = sender_range(&head.headers)?;
    let _expected = range.as_ref().map(|range| site.parts.receiver.expect(&stream, range));
    let idempotency_key = text(&head.headers, "idempotency-key")?;
    let received = body::read(&site, &head.headers, body, site.config.body_bytes_max).await?;
    let push = Push {
        stream: stream.clone(),
        body: received.bytes.clone(),
        format: format(&head.headers),
        records: None,
        idempotency_key,
        range: range.clone(),
        at,
    };
    match site.parts.receiver.push(push).await {
        Ok(pushed) => Ok(Json(json!({
            "stored": pushed.counts.stored,
            "quarantined": pushed.counts.quarantined,
            "deduplicated": pushed.counts.deduplicated,
            "filtered": pushed.counts.filtered,
            "late": pushed.counts.late,
            "commit": pushed.commit,
            "repeated": pushed.repeated,
        }))),
        Err(error) => Err(refused(&site, &stream, range, error).await),
    }
}

/// A refused push; where its range did not start where Helios stands, the position goes along.
async fn refused(site: &Site, stream: &StreamName, range: Option<SenderRange>, error: Error) -> Failure {
    let Some(range) = range.filter(|_| error.kind() == Kind::Conflict) else { return error.into() };
    match site.parts.receiver.position(stream, &range.partition).await {
        Ok(position) => Failure::from(error).standing_at(position),
        Err(error) => error.into(),
    }
}

/// `GET /v1/streams/{name}/positions/{partition}`
pub(crate) async fn position(
    State(site): State<Arc<Site>>,
    path: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<Value>, Failure> {
    let Path((name, partition)) = path.map_err(bad_path)?;
    let position = site.parts.receiver.position(&StreamName::new(name)?, &partition).await?;
    Ok(Json(json!({"position": position})))
}

/// The error of a path that is not UTF-8.
pub(crate) fn bad_path(rejection: PathRejection) -> Error {
    Error::invalid("cannot read the path").because(rejection)
}

/// Anything that does not say CSV is read as JSON: senders rarely bother with the type.
fn format(headers: &HeaderMap) -> BodyFormat {
    let csv = |value: &str| value.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/csv"));
    match headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(value) if csv(value) => BodyFormat::Csv,
        _ => BodyFormat::Json,
    }
}

fn sender_range(headers: &HeaderMap) -> Result<Option<SenderRange>> {
    let partition = text(headers, "helios-partition")?;
    let from = text(headers, "helios-from")?;
    let to = text(headers, "helios-to")?;
    match (partition, to) {
        (Some(partition), Some(to)) => Ok(Some(SenderRange { partition, from, to })),
        (None, None) if from.is_none() => Ok(None),
        _ => Err(Error::invalid("the sender's range is incomplete")
            .hint("Send Helios-Partition and Helios-To together, and Helios-From for all but the first range.")),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Result<Option<String>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if (1..=512).contains(&text.len()) => Ok(Some(text.to_owned())),
        _ => Err(Error::invalid(format!("the header {name} is not 1 to 512 characters of visible ASCII"))),
    }
}
