//! Reads request bodies: decompressed as they come, and never more of them than there is room for.

use crate::Site;
use crate::failure::Failure;
use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use helios_contract::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::io::StreamReader;

/// Room made in the buffer before each read.
const STEP_BYTES: usize = 64 << 10;
/// The most room made for a body before any of it is here.
const ROOM_BYTES_MAX: usize = 16 << 20;
/// How long the rest of a refused body is read on.
const DRAIN_WITHIN: Duration = Duration::from_secs(5);

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Gzip,
    Zstd,
}

/// A whole body, and its share of the memory set aside for bodies: held until it is dropped.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

/// Reads a body of at most `bytes_max` decompressed bytes.
pub(crate) async fn read(site: &Site, headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Received, Failure> {
    let encoding = encoding(headers)?;
    if encoding == Encoding::Identity && content_length(headers).is_some_and(|length| length > bytes_max as u64) {
        return Err(too_large(bytes_max));
    }
    let mut plain = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    // Room for all of it from the start; what is not sent takes no memory.
    let length = content_length(headers).filter(|_| encoding == Encoding::Identity).unwrap_or(0);
    let room = usize::try_from(length).unwrap_or(bytes_max).min(ROOM_BYTES_MAX) + STEP_BYTES;
    let received = read_all(site, decompressed(&mut plain, encoding), BytesMut::with_capacity(room), encoding, bytes_max).await;
    if received.is_err() {
        // A client that is still sending would see a broken connection instead of the answer.
        let rest = &mut plain.take(bytes_max as u64);
        let _ = tokio::time::timeout(DRAIN_WITHIN, tokio::io::copy(rest, &mut tokio::io::sink())).await;
    }
    received
}

async fn read_all(
    site: &Site,
    mut source: impl AsyncRead + Unpin,
    mut bytes: BytesMut,
    encoding: Encoding,
    bytes_max: usize,
) -> Result<Received, Failure> {
    let idle = Duration::from_secs(site.config.body_idle_s);
    let mut share = take(&site.body_budget, 0)?;
    loop {
        bytes.reserve(STEP_BYTES);
        let read = tokio::time::timeout(idle, source.read_buf(&mut bytes)).await.map_err(|_| paused(idle))?;
        let n_read = read.map_err(|error| unreadable(encoding, error))?;
        if n_read == 0 {
            return Ok(Received { bytes: bytes.freeze(), _share: share });
        }
        if bytes.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        share.merge(take(&site.body_budget, n_read)?);
        // Decompressing a body that is already here never waits by itself.
        tokio::task::consume_budget().await;
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Failure> {
    let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    let value = String::from_utf8_lossy(value.as_bytes()).trim().to_ascii_lowercase();
    match value.as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        "zstd" => Ok(Encoding::Zstd),
        other => {
            let error = Error::invalid(format!("cannot read a body with Content-Encoding '{}'", other.escape_debug()));
            Err(Failure::with_status(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                error.hint("Send it plain, or compressed with gzip or zstd."),
            ))
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn decompressed<'a>(plain: impl AsyncBufRead + Send + Unpin + 'a, encoding: Encoding) -> Box<dyn AsyncRead + Send + Unpin + 'a> {
    match encoding {
        Encoding::Identity => Box::new(plain),
        Encoding::Gzip => {
            let mut decoder = GzipDecoder::new(plain);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
        Encoding::Zstd => {
            let mut decoder = ZstdDecoder::new(plain);
            decoder.multiple_members(true);
            Box::new(decoder)
        }
    }
}

fn take(budget: &Arc<Semaphore>, n_bytes: usize) -> Result<OwnedSemaphorePermit, Failure> {
    let n = u32::try_from(n_bytes).expect("one read brings at most the buffer's room, far below 4 GiB");
    budget.clone().try_acquire_many_owned(n).map_err(|_| {
        Failure::from(
            Error::unavailable("too many request bodies are being received at once").hint("Send the request again in a second."),
        )
    })
}

fn too_large(bytes_max: usize) -> Failure {
    let error = Error::exhausted(format!("the body is larger than {}", size(bytes_max)));
    Failure::with_status(
        StatusCode::PAYLOAD_TOO_LARGE,
        error.hint(format!(
            "Send it in several requests of at most {} each, decompressed; `helios load` does so.",
            size(bytes_max)
        )),
    )
}

fn size(bytes: usize) -> String {
    match bytes {
        n if n >= 1 << 20 && n.is_multiple_of(1 << 20) => format!("{} MiB", n >> 20),
        n => format!("{n} bytes"),
    }
}

fn paused(idle: Duration) -> Failure {
    let error = Error::invalid(format!("nothing more of the body came for {} seconds", idle.as_secs()));
    Failure::with_status(StatusCode::REQUEST_TIMEOUT, error.hint("Send the whole request again; none of its records was stored."))
}

fn unreadable(encoding: Encoding, error: io::Error) -> Failure {
    let name = match encoding {
        Encoding::Identity => return Error::invalid("the body broke off").because(error).into(),
        Encoding::Gzip => "gzip",
        Encoding::Zstd => "zstd",
    };
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("the {name} body is truncated"),
        _ => format!("the body is not valid {name}"),
    };
    Error::invalid(what).because(error).hint("Send the whole request again; none of its records was stored.").into()
}
