//! What a client reads when a request fails: a status, and JSON that says what to do.

use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Json, Response};
use helios_contract::{Error, Kind};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// An error on its way to a client.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    error: Error,
    /// What else the sender reads.
    more: Map<String, Value>,
}

impl Failure {
    /// An error with a status of its own.
    pub(crate) fn with_status(status: StatusCode, error: Error) -> Failure {
        let code = match status {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            _ => error.kind().as_str(),
        };
        Failure { status, code, error, more: Map::new() }
    }

    /// An error of a statement: reaching its limits is the statement's fault, not a reason to come back later.
    pub(crate) fn of_query(error: Error) -> Failure {
        match error.kind() {
            Kind::Exhausted => Failure::with_status(StatusCode::UNPROCESSABLE_ENTITY, error),
            _ => Failure::from(error),
        }
    }

    /// Adds where Helios stands in the sender's partition, for a push that did not start there.
    pub(crate) fn standing_at(self, position: Option<String>) -> Failure {
        self.with("position", json!(position))
    }

    /// Adds a field that a certain kind of sender reads.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Failure {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// The error with its hint.
    pub(crate) fn message(&self) -> String {
        self.error.to_string()
    }

    /// The complete response, logged where it tells of a defect.
    pub(crate) fn respond(&self, request_id: &str) -> Response {
        if matches!(self.error.kind(), Kind::Corrupt | Kind::Internal) {
            tracing::error!(error = %self.error, "request failed");
        }
        let mut body = error_json(&self.error, request_id);
        body.insert("code".to_owned(), self.code.into());
        body.extend(self.more.clone());
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::with_status(status_of(error.kind()), error)
    }
}

/// The status an error of this kind has, unless what was asked for gives it another meaning.
pub fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Exhausted => StatusCode::TOO_MANY_REQUESTS,
        Kind::Corrupt | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Carried in the response's extensions to the gate, which knows the request's id and writes the body.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// An error as JSON: `code`, `message`, and where known `hint` and `position`; then the request's id.
pub(crate) fn error_json(error: &Error, request_id: &str) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("code".to_owned(), error.kind().as_str().into());
    body.insert("message".to_owned(), error.message().into());
    if let Some(hint) = error.hint_text() {
        body.insert("hint".to_owned(), hint.into());
    }
    if let Some(at) = error.position() {
        body.insert("position".to_owned(), json!({"line": at.line, "column": at.column}));
    }
    body.insert("request_id".to_owned(), request_id.into());
    body
}
