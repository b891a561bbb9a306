//! What the web app asks to remember: short links, drafts of things not finished, and a newcomer's checklist.

use crate::Site;
use crate::asked;
use crate::failure::Failure;
use crate::nonces::digits;
use crate::records::bad_path;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use helios_contract::documents::{Document, DocumentKind};
use helios_contract::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// The longest address a short link stands for: a statement may be in it.
const PATH_CHARS_MAX: usize = 64 << 10;
/// A draft nobody has touched for so long is forgotten.
const DRAFT_KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);
const CHECKLIST: &str = "checklist";
const CHECKLIST_LINES_MAX: usize = 50;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToLink {
    path: String,
}

/// `POST /api/v1/links`
pub(crate) async fn link(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Failure> {
    let (_, ToLink { path }) = asked::json(&site, request, asked::DOCUMENT_BYTES_MAX).await?;
    asked::text("path", &path, PATH_CHARS_MAX)?;
    // What begins with two slashes, or a slash and a backslash, leads browsers to another site.
    let is_ours = path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && !path.contains(char::is_control);
    if !is_ours {
        return Err(Error::invalid("a link leads to an address of this app")
            .hint("Send a path that begins with one slash.")
            .into());
    }
    // The same address has the same link.
    let id = digits(&Sha256::digest(path.as_bytes()), 6);
    let document = Document {
        id: id.clone(),
        at: site.parts.clock.now(),
        expires_at: None,
        text: String::new(),
        body: json!({"path": path}),
    };
    site.parts.documents.put(DocumentKind::Link, document).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": id, "url": format!("/s/{id}")}))).into_response())
}

/// `GET /api/v1/links/{id}`
pub(crate) async fn follow(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(found(&site, DocumentKind::Link, &id.map_err(bad_path)?.0).await?.body))
}

/// `GET /api/v1/drafts/{id}`
pub(crate) async fn draft(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(found(&site, DocumentKind::Draft, &id.map_err(bad_path)?.0).await?.body))
}

/// `PUT /api/v1/drafts/{id}`
pub(crate) async fn keep_draft(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<StatusCode, Failure> {
    let id = asked::id(id.map_err(bad_path)?.0)?;
    let (_, body): (_, Value) = asked::json(&site, request, asked::DOCUMENT_BYTES_MAX).await?;
    let at = site.parts.clock.now();
    let document = Document { id, at, expires_at: Some(at.plus(DRAFT_KEPT_FOR)), text: String::new(), body };
    site.parts.documents.put(DocumentKind::Draft, document).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/drafts/{id}`
pub(crate) async fn forget_draft(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Failure> {
    let Path(id) = id.map_err(bad_path)?;
    match site.parts.documents.delete(DocumentKind::Draft, &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(unknown(DocumentKind::Draft, &id).into()),
    }
}

async fn found(site: &Site, kind: DocumentKind, id: &str) -> Result<Document> {
    site.parts.documents.get(kind, id).await?.ok_or_else(|| unknown(kind, id))
}

fn unknown(kind: DocumentKind, id: &str) -> Error {
    let shown: String = id.chars().take(128).collect();
    Error::not_found(format!("there is no {} '{}'", kind.as_str(), shown.escape_debug()))
}

#[derive(Debug, Default, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
struct Checklist {
    done: Vec<String>,
    dismissed: bool,
}

/// `GET /api/v1/checklist`
pub(crate) async fn checklist(State(site): State<Arc<Site>>) -> Result<Json<Value>, Failure> {
    let kept = site.parts.documents.get(DocumentKind::Checklist, CHECKLIST).await?;
    Ok(Json(kept.map_or_else(|| json!(Checklist::default()), |document| document.body)))
}

/// `PUT /api/v1/checklist`
pub(crate) async fn keep_checklist(State(site): State<Arc<Site>>, request: Request) -> Result<Json<Value>, Failure> {
    let (_, checklist): (_, Checklist) = asked::json(&site, request, asked::DOCUMENT_BYTES_MAX).await?;
    if checklist.done.len() > CHECKLIST_LINES_MAX {
        return Err(Error::invalid(format!("a checklist has at most {CHECKLIST_LINES_MAX} lines")).into());
    }
    let body = json!(checklist);
    let document = Document {
        id: CHECKLIST.to_owned(),
        at: site.parts.clock.now(),
        expires_at: None,
        text: String::new(),
        body: body.clone(),
    };
    site.parts.documents.put(DocumentKind::Checklist, document).await?;
    Ok(Json(body))
}
