//! Runs statements and streams their answers.

use crate::asked::is_console;
use crate::encode::{Encoder, Format};
use crate::failure::{Failure, error_json};
use crate::gate::RequestId;
use crate::history::Keeping;
use crate::pipe::{Gone, Pipe, pipe};
use crate::records::bad_path;
use crate::{Site, body};
use arrow::array::RecordBatch;
use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as UrlQuery, Request, State};
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use helios_contract::query::{Answer, Extent, Limits, Parameters, Query, Reuse};
use helios_contract::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::Instrument;

/// More cells than this take too long to encode between two awaits.
const INLINE_CELLS_MAX: usize = 4096;

/// The body of `POST /api/v1/query`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    sql: String,
    #[serde(default)]
    params: Option<Value>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    limits: AskedLimits,
    /// The answer ends after so many rows.
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default)]
    id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AskedLimits {
    rows: Option<u64>,
    seconds: Option<f64>,
    memory_bytes: Option<u64>,
}

/// What the address may say instead of the body.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InUrl {
    format: Option<String>,
    id: Option<String>,
}

/// `POST /api/v1/query`
pub(crate) async fn run(
    State(site): State<Arc<Site>>,
    Extension(request_id): Extension<RequestId>,
    in_url: Result<UrlQuery<InUrl>, QueryRejection>,
    request: Request,
) -> Result<Response, Failure> {
    let begun = Instant::now();
    let UrlQuery(in_url) = in_url.map_err(bad_url)?;
    let (head, body) = request.into_parts();
    let asked = asked(&head.headers, &body::read(&site, &head.headers, body, site.config.sql_bytes_max).await?.bytes)?;
    let format = match asked.format.as_deref().or(in_url.format.as_deref()) {
        Some(name) => Format::named(name)?,
        None => head.headers.get(ACCEPT).and_then(|accept| Format::accepted(accept.to_str().ok()?)).unwrap_or(Format::Json),
    };
    let mut id = checked_id(asked.id.or(in_url.id).or(id_in_headers(&head.headers)))?;
    let is_kept = is_console(&head.headers);
    if is_kept && id.is_empty() {
        id = site.nonces.next();
    }
    let keeping = is_kept.then(|| Keeping { site: site.clone(), id: id.clone(), freshness_ms: None });
    let limits = limits(&asked.limits, asked.limit)?;
    let reuse = reuse(&head.headers)?;
    let query = Query { sql: asked.sql, parameters: parameters(asked.params)?, limits, id, reuse };
    match site.parts.engine.run(query).await {
        Ok(answer) => respond(answer, format, begun, request_id, keeping).await,
        Err(error) => {
            if let Some(keeping) = keeping {
                keeping.keep().await;
            }
            Err(Failure::of_query(error))
        }
    }
}

/// `DELETE /api/v1/queries/{id}`
pub(crate) async fn cancel(
    State(site): State<Arc<Site>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Failure> {
    let Path(id) = id.map_err(bad_path)?;
    // One that is over already is what was wanted: its client may have left a moment before, which ended it.
    if site.parts.engine.cancel(&id) || site.parts.console.progress(&id).is_some() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let error = Error::not_found(format!("no query '{}' is running", id.escape_debug()));
    Err(error.hint("Running queries are in the table system.queries.").into())
}

/// The error of an address whose `?` part does not fit.
pub(crate) fn bad_url(rejection: QueryRejection) -> Error {
    Error::invalid("cannot read the address").because(rejection.body_text())
}

/// The request: JSON where it says so, else the statement itself.
fn asked(headers: &HeaderMap, bytes: &Bytes) -> Result<Asked> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return serde_json::from_slice(bytes).map_err(|error| {
            Error::invalid("cannot read the request's JSON")
                .because(error)
                .hint("Send {\"sql\": \"...\"}, or the statement itself as text/plain.")
        });
    }
    let sql = std::str::from_utf8(bytes).map_err(|error| Error::invalid("the statement is not UTF-8").because(error))?;
    Ok(Asked { sql: sql.to_owned(), ..Asked::default() })
}

/// The id a client may give in a header, so that it can cancel before it hears anything.
fn id_in_headers(headers: &HeaderMap) -> Option<String> {
    headers.get("x-query-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned())
}

pub(crate) fn parameters(params: Option<Value>) -> Result<Parameters> {
    match params {
        None | Some(Value::Null) => Ok(Parameters::None),
        Some(Value::Array(values)) => Ok(Parameters::Positional(values)),
        Some(Value::Object(values)) => Ok(Parameters::Named(values)),
        Some(_) => Err(Error::invalid("`params` is neither an array nor an object")
            .hint("Send [1, \"a\"] for $1 and $2, or {\"name\": 1} for $name.")),
    }
}

fn limits(asked: &AskedLimits, beginning: Option<u64>) -> Result<Limits> {
    let time = asked.seconds.map(|seconds| {
        Duration::try_from_secs_f64(seconds).map_err(|error| Error::invalid("cannot use `limits.seconds`").because(error))
    });
    let (n_rows, extent) = match (beginning, asked.rows) {
        (Some(limit), Some(rows)) if rows < limit => (Some(rows), Extent::Limited),
        (Some(limit), _) => (Some(limit), Extent::Beginning),
        (None, rows) => (rows, Extent::Limited),
    };
    Ok(Limits { n_rows, time: time.transpose()?, memory_bytes: asked.memory_bytes, extent })
}

/// Which kept answers will do, in the words of HTTP: `Cache-Control: max-age=SECONDS`, or `no-cache`.
fn reuse(headers: &HeaderMap) -> Result<Reuse> {
    let said = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    for directive in said.flat_map(|value| value.split(',')).map(str::trim) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.to_ascii_lowercase().as_str() {
            "no-cache" | "no-store" => return Ok(Reuse::Never),
            "max-age" => {
                let seconds = value.trim_matches('"').parse().map_err(|error| {
                    Error::invalid(format!("cannot read `Cache-Control: {directive}`"))
                        .because(error)
                        .hint("Write max-age=SECONDS, a whole number.")
                })?;
                return Ok(Reuse::Within(Duration::from_secs(seconds)));
            }
            _ => {}
        }
    }
    Ok(Reuse::Exact)
}

fn checked_id(id: Option<String>) -> Result<String> {
    let id = id.unwrap_or_default();
    if id.len() <= 128 && id.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(id);
    }
    Err(Error::invalid("the query's id is not at most 128 visible ASCII characters"))
}

/// The head of the response goes out with the first rows: until then a failure still has its own status.
pub(crate) async fn respond(
    mut answer: Answer,
    format: Format,
    begun: Instant,
    request_id: RequestId,
    mut keeping: Option<Keeping>,
) -> Result<Response, Failure> {
    let encoder = Encoder::new(format, &answer.schema)?;
    if let Some(keeping) = &mut keeping {
        keeping.freshness_ms = freshness_ms(&answer);
    }
    let first = match answer.rows.next().await.transpose() {
        Ok(first) => first,
        Err(error) => {
            if let Some(keeping) = keeping {
                keeping.keep().await;
            }
            return Err(Failure::of_query(error));
        }
    };
    let headers = headers(&answer, format);
    let writing = Writing { encoder, format, n_rows: 0, begun, request_id };
    if answer.age.is_some() && keeping.is_none() {
        return Ok((headers, whole(writing, answer, first).await?).into_response());
    }
    let (pipe, body) = pipe();
    let written = async move {
        write(writing, answer, first, pipe).await;
        if let Some(keeping) = keeping {
            keeping.keep().await;
        }
    };
    tokio::spawn(written.in_current_span());
    Ok((headers, body).into_response())
}

fn headers(answer: &Answer, format: Format) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    if let Ok(id) = HeaderValue::from_str(&answer.id) {
        headers.insert(HeaderName::from_static("x-query-id"), id);
    }
    if let Some(snapshot) = answer.snapshot {
        headers.insert(HeaderName::from_static("x-snapshot"), HeaderValue::from(snapshot.0));
    }
    if let Some(ms) = freshness_ms(answer) {
        headers.insert(HeaderName::from_static("x-freshness-ms"), HeaderValue::from(ms));
    }
    if let Some(age) = answer.age {
        headers.insert(AGE, HeaderValue::from(age.as_secs()));
    }
    headers
}

fn freshness_ms(answer: &Answer) -> Option<u64> {
    answer.freshness.map(|freshness| u64::try_from(freshness.as_millis()).unwrap_or(u64::MAX))
}

/// An answer being written.
struct Writing {
    encoder: Encoder,
    format: Format,
    n_rows: usize,
    begun: Instant,
    request_id: RequestId,
}

/// Writes the answer until it ends, fails, or the client goes away; then drops it, which cancels the statement.
async fn write(mut writing: Writing, mut answer: Answer, first: Option<RecordBatch>, pipe: Pipe) {
    let mut next = first.map(Ok);
    while let Some(batch) = next {
        let encoded = match batch {
            Ok(batch) => encode(writing, batch).await,
            Err(error) => Err((writing, error)),
        };
        let piece = match encoded {
            Ok((same, piece)) => {
                writing = same;
                piece
            }
            Err((writing, error)) => return pipe.abort(writing.last_words(&error)).await,
        };
        if let Err(Gone) = pipe.send(piece).await {
            return;
        }
        next = tokio::select! {
            biased;
            () = pipe.closed() => return,
            next = answer.rows.next() => next,
        };
    }
    match writing.end(&answer) {
        // A client that left just before the end misses nothing it can still hear of.
        Ok(piece) => drop(pipe.send(piece).await),
        Err(error) => pipe.abort(writing.last_words(&error)).await,
    }
}

/// The body of an answer whose rows are all there: in one piece it costs half of what a stream does.
async fn whole(mut writing: Writing, mut answer: Answer, first: Option<RecordBatch>) -> Result<Bytes, Failure> {
    let (mut body, mut next) = (BytesMut::new(), first);
    while let Some(batch) = next {
        let (same, piece) = encode(writing, batch).await.map_err(|(_, error)| Failure::of_query(error))?;
        writing = same;
        body.extend_from_slice(&piece);
        next = answer.rows.next().await.transpose().map_err(Failure::of_query)?;
    }
    body.extend_from_slice(&writing.end(&answer)?);
    Ok(body.freeze())
}

type Encoded = Result<(Writing, Bytes), (Writing, Error)>;

/// Encodes a batch: here when it is small, on a thread for such work when it is not.
async fn encode(writing: Writing, batch: RecordBatch) -> Encoded {
    let n_cells = batch.num_rows() * batch.num_columns();
    let work = move || {
        let mut writing = writing;
        match writing.encoder.write(&batch) {
            Ok(()) => {
                writing.n_rows += batch.num_rows();
                let piece = writing.encoder.take();
                Ok((writing, piece))
            }
            Err(error) => Err((writing, error)),
        }
    };
    if n_cells <= INLINE_CELLS_MAX {
        return work();
    }
    tokio::task::spawn_blocking(work).await.expect("encoding does not panic, and nothing cancels it")
}

impl Writing {
    /// The end of a whole answer.
    fn end(&mut self, answer: &Answer) -> Result<Bytes> {
        self.encoder.finish()?;
        let mut end = self.encoder.take().to_vec();
        if self.format == Format::Json {
            let mut about = Map::new();
            about.insert("n_rows".to_owned(), self.n_rows.into());
            about.insert("snapshot".to_owned(), json!(answer.snapshot));
            about.insert("freshness_ms".to_owned(), json!(freshness_ms(answer)));
            if let Some(age) = answer.age {
                about.insert("age_ms".to_owned(), json!(age.as_millis()));
            }
            about.insert("elapsed_ms".to_owned(), json!((self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3));
            close_document(&mut end, &about);
        }
        Ok(end.into())
    }

    /// The end of an answer that failed on the way, in the formats that can say so.
    fn last_words(mut self, error: &Error) -> Bytes {
        let error = Value::Object(error_json(error, &self.request_id.0));
        let mut end = self.encoder.take().to_vec();
        match self.format {
            Format::Json if self.encoder.finish().is_ok() => {
                end.extend_from_slice(&self.encoder.take());
                close_document(
                    &mut end,
                    &Map::from_iter([("n_rows".to_owned(), self.n_rows.into()), ("error".to_owned(), error)]),
                );
            }
            Format::Ndjson => end.extend_from_slice(format!("{}\n", json!({"error": error})).as_bytes()),
            Format::Json | Format::Csv | Format::Parquet | Format::Arrow => {}
        }
        end.into()
    }
}

/// Appends members to the JSON object that is still open after its rows.
fn close_document(out: &mut Vec<u8>, members: &Map<String, Value>) {
    let members = serde_json::to_string(members).expect("a map of JSON is JSON");
    out.push(b',');
    out.extend_from_slice(&members.as_bytes()[1..]);
}
