//! Every route: what it is called, and who answers.

use crate::failure::Failure;
use crate::{Site, gate, health, metrics, page, query, records, streams, tail};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post};
use helios_contract::Error;
use std::sync::Arc;

/// The method, the path and the answer of every route.
pub(crate) fn routes() -> [(&'static str, &'static str, MethodRouter<Arc<Site>>); 15] {
    [
        ("GET", "/", get(page::index)),
        ("GET", "/app.css", get(page::css)),
        ("GET", "/app.js", get(page::js)),
        ("GET", "/healthz", get(health::healthz)),
        ("GET", "/readyz", get(health::readyz)),
        ("GET", "/metrics", get(metrics::metrics)),
        ("GET", "/api/v1/openapi.json", get(page::openapi)),
        ("POST", "/api/v1/query", post(query::run)),
        ("POST", "/api/v1/query/check", post(query::check)),
        ("DELETE", "/api/v1/queries/{id}", delete(query::cancel)),
        ("GET", "/api/v1/streams", get(streams::list)),
        ("GET", "/api/v1/streams/{name}/tail", get(tail::tail)),
        ("GET", "/api/v1/verify", get(streams::verify)),
        ("POST", "/v1/streams/{name}/records", post(records::push)),
        ("GET", "/v1/streams/{name}/positions/{partition}", get(records::position)),
    ]
}

pub(crate) fn router(site: Arc<Site>) -> Router {
    routes()
        .into_iter()
        .fold(Router::new(), |router, (method, path, answer)| {
            let meters = site.meters.clone();
            router.route(
                path,
                answer.layer(from_fn(move |request, next| metrics::measure(meters.clone(), method, path, request, next))),
            )
        })
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        // Bodies are read by `body::read`, with limits of their own.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(site.clone(), gate::gate))
        .with_state(site)
}

async fn unknown(uri: Uri) -> Failure {
    Error::not_found(format!("there is nothing at {}", uri.path())).hint("See /api/v1/openapi.json for what there is.").into()
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    let error = Error::invalid(format!("{} does not take {method}", uri.path()));
    Failure::with_status(StatusCode::METHOD_NOT_ALLOWED, error.hint("See /api/v1/openapi.json for what it takes."))
}
