//! The statements people ran in the console, kept for a while so that they find them again.

use crate::Site;
use crate::asked;
use crate::failure::Failure;
use crate::query::bad_url;
use crate::records::bad_path;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as UrlQuery, Request, State};
use axum::response::Json;
use helios_contract::console::Progress;
use helios_contract::documents::{Document, DocumentKind, Page};
use helios_contract::{Error, Result, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long a statement is kept, unless somebody starred it.
const KEPT_FOR: Duration = Duration::from_secs(90 * 86_400);
const ENTRIES_DEFAULT: usize = 50;
const ENTRIES_MAX: usize = 500;

/// A statement that is to be kept once it has ended.
pub(crate) struct Keeping {
    pub(crate) site: Arc<Site>,
    pub(crate) id: String,
    pub(crate) freshness_ms: Option<u64>,
}

impl Keeping {
    /// Keeps it. A statement that is not kept is no failure of the statement: the log says so.
    pub(crate) async fn keep(self) {
        let Some(progress) = self.site.parts.console.progress(&self.id) else { return };
        let entry = entry(&progress, self.freshness_ms);
        let document = document(&self.id, progress.started_at, &progress.sql, entry);
        if let Err(error) = self.site.parts.documents.put(DocumentKind::History, document).await {
            tracing::warn!(%error, "cannot keep a statement in the history");
        }
    }
}

fn entry(progress: &Progress, freshness_ms: Option<u64>) -> Value {
    // Its answer was dropped a moment ago.
    let state = if progress.state == "running" { "cancelled" } else { progress.state };
    json!({
        "id": progress.id,
        "sql": progress.sql,
        "started_at": progress.started_at.to_string(),
        "elapsed_ms": millis(progress.elapsed),
        "n_rows": progress.n_rows,
        "state": state,
        "error": progress.error.as_ref().map(|(kind, message)| json!({"code": kind.as_str(), "message": message})),
        "freshness_ms": freshness_ms,
        "starred": false,
    })
}

fn document(id: &str, at: Timestamp, sql: &str, body: Value) -> Document {
    let is_starred = body["starred"] == true;
    let expires_at = (!is_starred).then(|| at.plus(KEPT_FOR));
    Document { id: id.to_owned(), at, expires_at, text: sql.to_owned(), body }
}

/// Milliseconds with three digits behind the point.
pub(crate) fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InUrl {
    q: Option<String>,
    limit: Option<usize>,
    before: Option<String>,
}

/// `GET /api/v1/history`
pub(crate) async fn list(
    State(site): State<Arc<Site>>,
    in_url: Result<UrlQuery<InUrl>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let UrlQuery(in_url) = in_url.map_err(bad_url)?;
    let page = Page {
        containing: in_url.q.filter(|q| !q.is_empty()),
        after: in_url.before,
        limit: in_url.limit.unwrap_or(ENTRIES_DEFAULT).min(ENTRIES_MAX),
    };
    let found = site.parts.documents.list(DocumentKind::History, page).await?;
    Ok(Json(json!({"entries": found.into_iter().map(|document| document.body).collect::<Vec<_>>()})))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    starred: bool,
}

/// `PUT /api/v1/history/{id}`
pub(crate) async fn star(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<Value>, Failure> {
    let id = asked::id(id.map_err(bad_path)?.0)?;
    let (_, change): (_, Change) = asked::json(&site, request, asked::DOCUMENT_BYTES_MAX).await?;
    let kept = site.parts.documents.get(DocumentKind::History, &id).await?;
    let mut kept = kept.ok_or_else(|| Error::not_found(format!("there is no statement '{id}' in the history")))?;
    kept.body["starred"] = change.starred.into();
    let changed = document(&id, kept.at, &kept.text, kept.body);
    let answer = changed.body.clone();
    site.parts.documents.put(DocumentKind::History, changed).await?;
    Ok(Json(answer))
}
