//! The gate every request passes: it gets an id and a span, is admitted or refused, and its failure becomes JSON.

use crate::failure::Failure;
use crate::routes::is_api;
use crate::{Config, Site, exports, firehose, live};
use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use helios_contract::Error;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use tracing::Instrument;

/// The header that carries a request's id, both ways.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as errors and logs name it.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

/// Admits a request or refuses it, and finishes its response.
pub(crate) async fn gate(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let id = request_id(&site, request.headers());
    request.extensions_mut().insert(id.clone());
    let span = tracing::info_span!("request", id = %id.0, method = %request.method(), path = request.uri().path());
    async {
        let begun = Instant::now();
        let response = match admit(&site.config, &request) {
            Ok(()) => run(request, next).await,
            Err(failure) if firehose::is_delivery(&request) => {
                firehose::refused(failure, request.headers(), site.parts.clock.now()).into_response()
            }
            Err(failure) => failure.into_response(),
        };
        let response = finished(response, &id);
        tracing::debug!(status = response.status().as_u16(), elapsed_ms = begun.elapsed().as_secs_f64() * 1e3, "answered");
        response
    }
    .instrument(span)
    .await
}

async fn run(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    answer.unwrap_or_else(|_| {
        Failure::from(Error::internal("the request met a bug").hint("Report it with the request id and the server's log."))
            .into_response()
    })
}

fn finished(response: Response, id: &RequestId) -> Response {
    let mut response = match response.extensions().get::<Arc<Failure>>() {
        Some(failure) => failure.respond(&id.0),
        None => response,
    };
    let headers = response.headers_mut();
    headers.insert(X_REQUEST_ID, HeaderValue::from_str(&id.0).expect("request ids are visible ASCII"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The id the client gave, where it gave a usable one; else the start of the process and a count.
fn request_id(site: &Site, headers: &HeaderMap) -> RequestId {
    let given = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    match given.filter(|id| (1..=128).contains(&id.len())) {
        Some(id) => RequestId(id.into()),
        None => RequestId(format!("{:x}-{}", site.started_at.0, site.n_requests.fetch_add(1, Ordering::Relaxed)).into()),
    }
}

fn admit(config: &Config, request: &Request) -> Result<(), Failure> {
    check_host(config, request)?;
    let path = request.uri().path();
    // Anybody may read the probes, and the app that asks for the token. Nobody guesses the address of an export.
    if !is_api(path) || (path.starts_with(exports::PATH) && request.method() == Method::GET) {
        return Ok(());
    }
    match config.token_sha256 {
        Some(hash) if token(request).is_some_and(|token| hash.admits(token)) => Ok(()),
        Some(_) => Err(Failure::with_status(
            StatusCode::UNAUTHORIZED,
            Error::invalid("the request carries no valid token")
                .hint("Send the header `Authorization: Bearer TOKEN`, or `helios ... --token TOKEN`."),
        )),
        None => check_origin(request),
    }
}

/// The token a request carries. Browsers cannot set headers of a WebSocket: there it is one of the protocols offered. Firehose
/// has a header of its own.
fn token(request: &Request) -> Option<&str> {
    let offered = || {
        let protocols = request.headers().get(SEC_WEBSOCKET_PROTOCOL)?.to_str().ok()?;
        protocols.split(',').find_map(|protocol| protocol.trim().strip_prefix("helios.bearer."))
    };
    bearer(request.headers()).or_else(|| match () {
        () if request.uri().path() == live::PATH => offered(),
        () if firehose::is_delivery(request) => firehose::access_key(request.headers()),
        () => None,
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn check_host(config: &Config, request: &Request) -> Result<(), Failure> {
    let Some(allowed) = &config.allowed_hosts else { return Ok(()) };
    let host = host(request).unwrap_or_default();
    let name = without_port(host);
    if allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(Failure::with_status(
        StatusCode::FORBIDDEN,
        Error::invalid(format!("the request is addressed to the host '{}'", name.escape_debug()))
            .hint(format!("Use one of {}, or add the name to `allowed_hosts`.", allowed.join(", "))),
    ))
}

/// Without a token, only the page of this very server may send requests from a browser.
fn check_origin(request: &Request) -> Result<(), Failure> {
    let Some(origin) = request.headers().get(ORIGIN) else { return Ok(()) };
    let from = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    if from.is_some() && from == host(request) {
        return Ok(());
    }
    Err(Failure::with_status(
        StatusCode::FORBIDDEN,
        Error::invalid("the request comes from a web page of another site")
            .hint("Ask from the server's own page, or configure a token."),
    ))
}

fn host(request: &Request) -> Option<&str> {
    match request.headers().get(HOST) {
        Some(host) => host.to_str().ok(),
        None => request.uri().authority().map(|authority| authority.as_str()),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}
