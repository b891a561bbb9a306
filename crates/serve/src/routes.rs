//! Every route: what it is called, and who answers.

use crate::failure::Failure;
use crate::{
    Site, console, exports, firehose, gate, health, history, lambda, live, metrics, notes, page, query, records, saved, streams,
    tail, wizard,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, delete, get, post, put};
use helios_contract::Error;
use std::sync::Arc;

/// The method, the path and the answer of every route.
pub(crate) fn routes() -> Vec<(&'static str, &'static str, MethodRouter<Arc<Site>>)> {
    vec![
        ("GET", "/healthz", get(health::healthz)),
        ("GET", "/readyz", get(health::readyz)),
        ("GET", "/metrics", get(metrics::metrics)),
        ("GET", "/api/v1/openapi.json", get(page::openapi)),
        ("POST", "/api/v1/query", post(query::run)),
        ("POST", "/api/v1/query/check", post(console::check)),
        ("POST", "/api/v1/query/explain", post(console::explain)),
        ("GET", "/api/v1/queries/{id}", get(console::progress)),
        ("DELETE", "/api/v1/queries/{id}", delete(query::cancel)),
        ("GET", "/api/v1/catalog", get(console::catalog)),
        ("GET", "/api/v1/functions", get(console::functions)),
        ("POST", "/api/v1/exports", post(exports::prepare)),
        ("GET", "/api/v1/exports/{id}", get(exports::fetch)),
        ("GET", "/api/v1/history", get(history::list)),
        ("PUT", "/api/v1/history/{id}", put(history::star)),
        ("GET", "/api/v1/saved-queries", get(saved::list)),
        ("POST", "/api/v1/saved-queries", post(saved::create)),
        ("GET", "/api/v1/saved-queries/{id}", get(saved::show)),
        ("PUT", "/api/v1/saved-queries/{id}", put(saved::replace)),
        ("DELETE", "/api/v1/saved-queries/{id}", delete(saved::delete)),
        ("POST", "/api/v1/links", post(notes::link)),
        ("GET", "/api/v1/links/{id}", get(notes::follow)),
        ("GET", "/api/v1/drafts/{id}", get(notes::draft)),
        ("PUT", "/api/v1/drafts/{id}", put(notes::keep_draft)),
        ("DELETE", "/api/v1/drafts/{id}", delete(notes::forget_draft)),
        ("GET", "/api/v1/checklist", get(notes::checklist)),
        ("PUT", "/api/v1/checklist", put(notes::keep_checklist)),
        ("GET", live::PATH, get(live::live)),
        ("GET", "/api/v1/streams", get(streams::list)),
        ("POST", "/api/v1/streams/test", post(wizard::test)),
        ("POST", "/api/v1/streams/topics", post(wizard::topics)),
        ("POST", "/api/v1/streams/sample", post(wizard::sample)),
        ("POST", "/api/v1/streams/preview", post(wizard::preview)),
        ("GET", "/api/v1/streams/{name}", get(streams::show)),
        ("GET", "/api/v1/streams/{name}/tail", get(tail::tail)),
        ("GET", "/api/v1/verify", get(streams::verify)),
        ("POST", "/v1/streams/{name}/records", post(records::push)),
        ("POST", "/v1/streams/{name}/firehose", post(firehose::deliver)),
        ("POST", "/v1/streams/{name}/lambda", post(lambda::take)),
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
        .fallback(page::app)
        .method_not_allowed_fallback(wrong_method)
        // Bodies are read by `body::read`, with limits of their own.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(site.clone(), gate::gate))
        .with_state(site)
}

/// Whether a path belongs to programs; every other one is a file or an address of the web app.
pub(crate) fn is_api(path: &str) -> bool {
    ["/api", "/v1", "/metrics"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

async fn wrong_method(method: Method, uri: Uri) -> Failure {
    let error = Error::invalid(format!("{} does not take {method}", uri.path()));
    Failure::with_status(StatusCode::METHOD_NOT_ALLOWED, error.hint("See /api/v1/openapi.json for what it takes."))
}
