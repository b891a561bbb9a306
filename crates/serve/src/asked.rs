//! What requests say: bodies as JSON, ids in paths.

use crate::failure::Failure;
use crate::{Site, body};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::request::Parts as Head;
use helios_contract::{Error, Result};
use serde::de::DeserializeOwned;

/// The longest document people keep.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 1 << 20;

/// The request's head, and its body as JSON.
pub(crate) async fn json<T: DeserializeOwned>(site: &Site, request: Request, bytes_max: usize) -> Result<(Head, T), Failure> {
    let (head, body) = request.into_parts();
    let received = body::read(site, &head.headers, body, bytes_max).await?;
    let value = serde_json::from_slice(&received.bytes);
    Ok((head, value.map_err(|error| Error::invalid("cannot read the request's JSON").because(error))?))
}

/// An id that a client may have chosen.
pub(crate) fn id(id: String) -> Result<String> {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':');
    if (1..=128).contains(&id.len()) && id.bytes().all(is_word) {
        return Ok(id);
    }
    Err(Error::invalid(format!("'{}' cannot be an id", id.chars().take(128).collect::<String>().escape_debug()))
        .hint("Use up to 128 letters, digits, hyphens, underscores, dots and colons."))
}

/// Text that must not be empty, or longer than `chars_max`.
pub(crate) fn text<'a>(name: &str, text: &'a str, chars_max: usize) -> Result<&'a str> {
    match text.chars().count() {
        0 => Err(Error::invalid(format!("`{name}` is empty"))),
        n if n > chars_max => Err(Error::invalid(format!("`{name}` is {n} characters long; {chars_max} at most are kept"))),
        _ => Ok(text),
    }
}

/// Whether the request comes from the console of the web app, whose statements are remembered.
pub(crate) fn is_console(headers: &HeaderMap) -> bool {
    headers.get("x-helios-client").is_some_and(|client| client.as_bytes() == b"console")
}
