//! Follows a stream: its rows as they become visible, one JSON object a line, without end.

use crate::Site;
use crate::encode::json_writer;
use crate::failure::{Failure, error_json};
use crate::gate::RequestId;
use crate::listen::Stopping;
use crate::pipe::{Gone, Pipe, pipe};
use crate::query::bad_url;
use crate::records::bad_path;
use arrow::array::RecordBatch;
use arrow::json::writer::{LineDelimited, Writer};
use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query as UrlQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::store::{Slice, Version};
use helios_contract::{Error, Result, StreamName};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use tracing::Instrument;

/// Rows written at once.
const STEP_ROWS: usize = 1024;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InUrl {
    /// Rows of later commits only; without it, later than now.
    after: Option<i64>,
    /// End after so many rows.
    limit: Option<u64>,
}

/// `GET /api/v1/streams/{name}/tail`
pub(crate) async fn tail(
    State(site): State<Arc<Site>>,
    Extension(request_id): Extension<RequestId>,
    stopping: Option<Extension<Stopping>>,
    name: Result<Path<String>, PathRejection>,
    in_url: Result<UrlQuery<InUrl>, QueryRejection>,
) -> Result<Response, Failure> {
    let stream = StreamName::new(name.map_err(bad_path)?.0)?;
    let UrlQuery(in_url) = in_url.map_err(bad_url)?;
    // Asked for in any case: it tells whether the stream exists.
    let now = site.parts.tables.snapshot(&stream, Version::Latest).await?.version;
    let after = in_url.after.map_or(now, CommitId);
    let follower = Follower { site, stream, after, n_left: in_url.limit.unwrap_or(u64::MAX) };
    let stopping = stopping.map(|Extension(stopping)| stopping).unwrap_or_default();
    let (pipe, body) = pipe();
    let follow = async move {
        tokio::select! {
            biased;
            () = pipe.closed() => {}
            () = stopping.begun() => {}
            ended = follower.follow(&pipe) => {
                if let Ended::Failed(error) = ended {
                    let last_words = json!({"error": error_json(&error, &request_id.0)});
                    pipe.abort(format!("{last_words}\n")).await;
                }
            }
        }
    };
    tokio::spawn(follow.in_current_span());
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// Why a tail ended.
enum Ended {
    /// The limit is reached, or the client is gone.
    Quietly,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        Ended::Failed(error)
    }
}

impl From<Gone> for Ended {
    fn from(_: Gone) -> Ended {
        Ended::Quietly
    }
}

struct Follower {
    site: Arc<Site>,
    stream: StreamName,
    after: CommitId,
    n_left: u64,
}

impl Follower {
    async fn follow(mut self, pipe: &Pipe) -> Ended {
        loop {
            if let Err(ended) = self.step(pipe).await {
                return ended;
            }
        }
    }

    /// Writes the slices there are, or waits for the next.
    async fn step(&mut self, pipe: &Pipe) -> Result<(), Ended> {
        let slices = self.site.parts.tables.since(&self.stream, self.after).await?;
        if slices.is_empty() && self.n_left > 0 {
            self.site.parts.changes.changed(&self.stream, self.after).await?;
        }
        for slice in &slices {
            self.write(slice, pipe).await?;
            self.after = slice.commit;
        }
        if self.n_left == 0 { Err(Ended::Quietly) } else { Ok(()) }
    }

    async fn write(&mut self, slice: &Slice, pipe: &Pipe) -> Result<(), Ended> {
        let rows = shown(&slice.rows)?;
        let n_rows = rows.num_rows().min(usize::try_from(self.n_left).unwrap_or(usize::MAX));
        for first in (0..n_rows).step_by(STEP_ROWS) {
            let n = STEP_ROWS.min(n_rows - first);
            pipe.send(lines(&rows.slice(first, n))?).await?;
            self.n_left -= n as u64;
        }
        Ok(())
    }
}

/// The declared columns, then when the record came and the commit to continue after.
fn shown(rows: &RecordBatch) -> Result<RecordBatch> {
    let is_shown = |name: &str| !hidden::ALL.contains(&name) || name == hidden::TIME || name == hidden::COMMIT;
    let shown: Vec<usize> = (0..rows.num_columns()).filter(|i| is_shown(rows.schema_ref().field(*i).name())).collect();
    rows.project(&shown).map_err(|error| Error::internal("cannot choose the columns of a tail").because(error))
}

fn lines(rows: &RecordBatch) -> Result<Vec<u8>> {
    let mut writer: Writer<Vec<u8>, LineDelimited> = json_writer(Vec::new());
    writer.write(rows).map_err(|error| Error::internal("cannot write rows as NDJSON").because(error))?;
    Ok(writer.into_inner())
}
