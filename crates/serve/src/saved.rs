//! Queries with a title, which people keep and come back to.

use crate::Site;
use crate::asked;
use crate::failure::Failure;
use crate::records::bad_path;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use helios_contract::documents::{Document, DocumentKind, Page};
use helios_contract::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

const KIND: DocumentKind = DocumentKind::SavedQuery;
const TITLE_CHARS_MAX: usize = 200;

/// What a client says about one.
#[derive(Debug, Deserialize)]
struct Wanted {
    title: String,
    sql: String,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    chart: Option<Map<String, Value>>,
}

/// `GET /api/v1/saved-queries`
pub(crate) async fn list(State(site): State<Arc<Site>>) -> Result<Json<Value>, Failure> {
    let all = Page { limit: usize::MAX, ..Page::default() };
    let found = site.parts.documents.list(KIND, all).await?;
    Ok(Json(json!({"queries": found.into_iter().map(|document| document.body).collect::<Vec<_>>()})))
}

/// `POST /api/v1/saved-queries`
pub(crate) async fn create(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Failure> {
    let id = site.nonces.next();
    let kept = keep(&site, id, request).await?;
    Ok((StatusCode::CREATED, Json(kept)).into_response())
}

/// `GET /api/v1/saved-queries/{id}`
pub(crate) async fn show(State(site): State<Arc<Site>>, id: Result<Path<String>, PathRejection>) -> Result<Json<Value>, Failure> {
    Ok(Json(existing(&site, &id.map_err(bad_path)?.0).await?.body))
}

/// `PUT /api/v1/saved-queries/{id}`
pub(crate) async fn replace(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let existing = existing(&site, &id.map_err(bad_path)?.0).await?;
    Ok(Json(keep(&site, existing.id, request).await?))
}

/// `DELETE /api/v1/saved-queries/{id}`
pub(crate) async fn delete(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Failure> {
    let Path(id) = id.map_err(bad_path)?;
    match site.parts.documents.delete(KIND, &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(&id).into()),
    }
}

async fn existing(site: &Site, id: &str) -> Result<Document> {
    site.parts.documents.get(KIND, id).await?.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Error {
    let shown: String = id.chars().take(128).collect();
    Error::not_found(format!("there is no saved query '{}'", shown.escape_debug()))
}

async fn keep(site: &Site, id: String, request: Request) -> Result<Value, Failure> {
    let (_, wanted): (_, Wanted) = asked::json(site, request, asked::DOCUMENT_BYTES_MAX).await?;
    let title = asked::text("title", wanted.title.trim(), TITLE_CHARS_MAX)?;
    asked::text("sql", &wanted.sql, asked::DOCUMENT_BYTES_MAX)?;
    let at = site.parts.clock.now();
    let body = json!({
        "id": id,
        "title": title,
        "sql": wanted.sql,
        "params": wanted.params,
        "folder": wanted.folder,
        "chart": wanted.chart,
        "updated_at": at.to_string(),
    });
    let text = format!("{title}\n{}", wanted.sql);
    site.parts.documents.put(KIND, Document { id, at, expires_at: None, text, body: body.clone() }).await?;
    Ok(body)
}
