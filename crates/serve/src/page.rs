//! The web app's files as they were built into the binary, and the description of the routes.

use crate::Site;
use crate::failure::Failure;
use crate::routes::is_api;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    IF_NONE_MATCH, REFERRER_POLICY, VARY,
};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use helios_contract::Error;
use std::sync::Arc;

/// One file of the web app.
struct AppFile {
    /// The path it is asked for under: `/assets/index-8f3a.js`.
    path: &'static str,
    media_type: &'static str,
    /// With its quotes.
    etag: &'static str,
    raw: &'static [u8],
    br: Option<&'static [u8]>,
    gz: Option<&'static [u8]>,
}

/// Every file of `ui/dist`, in the order of their paths; empty where the app was not built.
static APP: &[AppFile] = include!(concat!(env!("OUT_DIR"), "/app_files.rs"));

const INDEX: &str = "/index.html";
/// What is served as the app where it was not built.
const UNBUILT: &str = include_str!("page/unbuilt.html");
/// Replaced in the page by a word that is another one in each response: styles and scripts that carry it may run.
const NONCE: &str = "__CSP_NONCE__";
/// Files whose names carry a hash of what is in them.
const HASHED: &str = "/assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// `GET /api/v1/openapi.json`
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], include_str!("openapi.json"))
}

/// Whatever is no route: a file of the app, or the app's page, which knows its own addresses.
pub(crate) async fn app(
    State(site): State<Arc<Site>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let path = uri.path();
    let nothing = |hint: &str| Error::not_found(format!("there is nothing at {path}")).hint(hint);
    if is_api(path) {
        return Err(nothing("See /api/v1/openapi.json for what there is.").into());
    }
    if method != Method::GET && method != Method::HEAD {
        let error = Error::invalid(format!("{path} does not take {method}"));
        return Err(Failure::with_status(StatusCode::METHOD_NOT_ALLOWED, error.hint("It is a page of the web app.")));
    }
    match APP.iter().find(|file| file.path == path && path != INDEX) {
        Some(file) => Ok(asset(file, &headers)),
        None if path.starts_with(HASHED) => Err(nothing("The app was built anew: reload the page.").into()),
        None => Ok(index(&site.nonces.next())),
    }
}

/// The app's page, or how to build it.
fn index(nonce: &str) -> Response {
    let built = APP.iter().find(|file| file.path == INDEX).map(|file| String::from_utf8_lossy(file.raw));
    let page = built.as_deref().unwrap_or(UNBUILT).replace(NONCE, nonce);
    let policy = format!(
        "default-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    );
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, page).into_response()
}

fn asset(file: &AppFile, asked: &HeaderMap) -> Response {
    let caching = if file.path.starts_with(HASHED) { FOR_EVER } else { "no-cache" };
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, HeaderValue::from_static(file.etag));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if has_already(asked, file.etag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    let (encoding, bytes) = form(file, asked);
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    (headers, bytes).into_response()
}

/// The smallest form the client reads.
fn form(file: &AppFile, asked: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let accepted = asked.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let reads = |name: &str| {
        accepted.split(',').any(|part| {
            let mut words = part.split(';').map(str::trim);
            words.next() == Some(name) && !words.any(|quality| ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains(&quality))
        })
    };
    match (file.br, file.gz) {
        (Some(br), _) if reads("br") => (Some("br"), br),
        (_, Some(gz)) if reads("gzip") => (Some("gzip"), gz),
        _ => (None, file.raw),
    }
}

/// Whether the client holds what carries `etag`.
pub(crate) fn has_already(asked: &HeaderMap, etag: &str) -> bool {
    let known = asked.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests;
