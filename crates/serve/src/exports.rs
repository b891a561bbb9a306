//! Whole results as files: asked for with a request, fetched once by an address that only the asker knows.

use crate::Site;
use crate::asked;
use crate::encode::Format;
use crate::failure::Failure;
use crate::gate::RequestId;
use crate::query::{parameters, respond};
use crate::records::bad_path;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use helios_contract::query::{Extent, Limits, Query};
use helios_contract::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long an export waits to be fetched.
const WAITS: Duration = Duration::from_secs(600);
/// Exports that wait; the oldest makes room.
const WAITING_MAX: usize = 100;
const NAME_CHARS_MAX: usize = 120;

/// Where the addresses begin.
pub(crate) const PATH: &str = "/api/v1/exports/";

/// Exports that were asked for and not fetched.
#[derive(Default)]
pub(crate) struct Exports(Mutex<VecDeque<Waiting>>);

struct Waiting {
    id: String,
    since: Instant,
    export: Export,
}

struct Export {
    query: Query,
    format: Format,
    filename: String,
}

impl Exports {
    fn add(&self, id: String, export: Export) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|waiting| waiting.since.elapsed() < WAITS);
        if waiting.len() >= WAITING_MAX {
            waiting.pop_front();
        }
        waiting.push_back(Waiting { id, since: Instant::now(), export });
    }

    fn take(&self, id: &str) -> Option<Export> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = waiting.iter().position(|waiting| waiting.id == id)?;
        waiting.remove(found).filter(|found| found.since.elapsed() < WAITS).map(|found| found.export)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    sql: String,
    #[serde(default)]
    params: Option<Value>,
    format: String,
    #[serde(default)]
    filename: Option<String>,
}

/// `POST /api/v1/exports`
pub(crate) async fn prepare(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Failure> {
    let (_, wanted): (_, Wanted) = asked::json(&site, request, site.config.sql_bytes_max).await?;
    let format = Format::named(&wanted.format)?;
    let reading = site.parts.console.read(&wanted.sql).await;
    if let Some(error) = reading.error {
        return Err(Failure::of_query(error));
    }
    if !matches!(reading.statements.as_slice(), [statement] if statement.read_only) {
        return Err(Error::invalid("only one query can be exported").hint("Send one SELECT.").into());
    }
    let query = Query {
        sql: wanted.sql,
        parameters: parameters(wanted.params)?,
        limits: Limits { extent: Extent::Whole, ..Limits::default() },
        ..Query::default()
    };
    let filename = filename(wanted.filename.as_deref(), format);
    let id = site.nonces.next();
    let url = format!("{PATH}{id}");
    site.exports.add(id, Export { query, format, filename });
    Ok((StatusCode::CREATED, Json(json!({"url": url}))).into_response())
}

/// `GET /api/v1/exports/{id}`
pub(crate) async fn fetch(
    State(site): State<Arc<Site>>,
    Extension(request_id): Extension<RequestId>,
    method: Method,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    let begun = Instant::now();
    let Path(id) = id.map_err(bad_path)?;
    if method == Method::HEAD {
        let error = Error::invalid("an export can be fetched once, and not only looked at");
        return Err(Failure::with_status(StatusCode::METHOD_NOT_ALLOWED, error));
    }
    let export = site.exports.take(&id).ok_or_else(|| {
        Error::not_found("there is no such export").hint("An export waits ten minutes and is fetched once: ask for it again.")
    })?;
    let answer = site.parts.engine.run(export.query).await.map_err(Failure::of_query)?;
    let mut response = respond(answer, export.format, begun, request_id, None).await?;
    let headers = response.headers_mut();
    let disposition = HeaderValue::from_str(&disposition(&export.filename));
    headers.insert(CONTENT_DISPOSITION, disposition.map_err(|e| Error::internal("cannot name the file").because(e))?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A name that every system takes, with the format's ending.
fn filename(wanted: Option<&str>, format: Format) -> String {
    let ending = format.ending();
    let wanted = wanted.map_or("result", |name| name.strip_suffix(&format!(".{ending}")).unwrap_or(name));
    let kept = |c: char| if c.is_control() || r#"/\:*?"<>|"#.contains(c) { '_' } else { c };
    let name: String = wanted.chars().take(NAME_CHARS_MAX).map(kept).collect();
    let name = name.trim().trim_start_matches('.');
    format!("{}.{ending}", if name.is_empty() { "result" } else { name })
}

/// The name twice: for clients that read ASCII only, and as it is.
fn disposition(filename: &str) -> String {
    let ascii: String = filename.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).collect();
    let escaped = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    let exact: String = filename.bytes().map(escaped).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_harmless_and_end_as_they_should() {
        assert_eq!(filename(None, Format::Ndjson), "result.ndjson");
        assert_eq!(filename(Some("orders.csv"), Format::Csv), "orders.csv");
        assert_eq!(filename(Some("../../etc/passwd\r\nX: y"), Format::Csv), "_.._etc_passwd__X_ y.csv");
        assert_eq!(filename(Some("  "), Format::Parquet), "result.parquet");
        assert_eq!(disposition("Grüße 1.csv"), "attachment; filename=\"Gr__e 1.csv\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%201.csv");
    }
}
