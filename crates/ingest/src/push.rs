//! One push: from a request's body to the answer that its records are durable.

use crate::format::Dialect;
use crate::source::http::{Admitted, Awaited, Inbox, KeyHeld, KeyState, Parcel, stopped};
use crate::source::kinesis;
use crate::supervisor::Supervisor;
use crate::{infer, newest_commit, split};
use bytes::Bytes;
use helios_contract::commit::Counts;
use helios_contract::query::{BodyFormat, Push, Pushed, PushedRecord, SenderRange};
use helios_contract::stream::{Format, SourceKind, Stream};
use helios_contract::{Error, Result, StreamName};
use std::sync::Arc;
use std::time::Duration;

// A body up to this size is split here; a larger one on another thread.
const SPLIT_HERE_BYTES_MAX: usize = 64 << 10;

// Columns are inferred from so many records of the first push.
const SAMPLE_RECORDS_MAX: usize = 2_000;

/// Carries a push through; answers after the commit.
pub(crate) async fn push(supervisor: &Arc<Supervisor>, push: Push) -> Result<Pushed> {
    let (stream, inbox) = door(supervisor, &push.stream).await?;
    // A sender's range is a key of its own: the answer to it is kept, too.
    let key = push.idempotency_key.clone().or_else(|| push.range.as_ref().map(range_key));
    let held = match key {
        Some(key) => match look_up(supervisor, &stream, &inbox, &key).await? {
            Lookup::New(held) => Some(held),
            Lookup::Answered(pushed) => return Ok(pushed),
            Lookup::Waits(awaited) => return wait(awaited).await,
        },
        None => None,
    };
    let stream = with_columns(supervisor, stream, &push).await?;
    let records = split_push(&push, stream).await?;
    if records.is_empty() && push.range.is_none() {
        return Err(Error::invalid("the body holds no records").hint("Send at least one JSON object."));
    }
    if let Some(range) = &push.range {
        inbox.reached(range).await;
    }
    match inbox.admit(Parcel { records, at: push.at, range: push.range, key: held })? {
        Admitted::Queued(awaited) => wait(awaited).await,
        // The range was stored long ago, and its receipt is gone: its records were counted then.
        Admitted::Repeated => {
            let commit = newest_commit(&*supervisor.parts.tables, &push.stream).await?;
            Ok(Pushed { commit, counts: Counts::default(), repeated: true })
        }
    }
}

/// The stream and its inbox, once the stream reads.
async fn door(supervisor: &Supervisor, name: &StreamName) -> Result<(Arc<Stream>, Arc<Inbox>)> {
    let (stream, inbox) = supervisor.inbox(name)?;
    if stream.definition.source != SourceKind::Http {
        let message = format!("the stream {name} reads from {}, records cannot be pushed to it", stream.definition.source.sql());
        return Err(Error::invalid(message).hint("Create a stream FROM HTTP for them."));
    }
    if stream.paused {
        return Err(Error::unavailable(format!("the stream {name} is paused")).hint(format!("Run RESUME STREAM {name}.")));
    }
    // A stream that is closed because the lake refuses its commits is not starting: nobody waits for it.
    let wait_ms = if supervisor.is_refused(name) { 0 } else { supervisor.config.push_wait_ms };
    if !inbox.opened(Duration::from_millis(wait_ms)).await {
        return Err(supervisor.why_closed(name));
    }
    Ok((stream, inbox))
}

enum Lookup {
    New(KeyHeld),
    Answered(Pushed),
    Waits(Awaited),
}

async fn look_up(supervisor: &Supervisor, stream: &Stream, inbox: &Arc<Inbox>, key: &str) -> Result<Lookup> {
    let held = match inbox.hold(key) {
        KeyState::Held(held) => held,
        KeyState::OnItsWay(awaited) => return Ok(Lookup::Waits(awaited)),
    };
    Ok(match supervisor.parts.receipts.receipt(stream.id, key).await? {
        Some((commit, receipt)) => Lookup::Answered(held.settle(commit, receipt.counts)),
        None => Lookup::New(held),
    })
}

fn range_key(range: &SenderRange) -> String {
    format!("range {} {} {}", range.partition, range.from.as_deref().unwrap_or(""), range.to)
}

/// A stream created without columns gets those of the first push.
async fn with_columns(supervisor: &Arc<Supervisor>, stream: Arc<Stream>, push: &Push) -> Result<Arc<Stream>> {
    if !stream.definition.columns.is_empty() {
        return Ok(stream);
    }
    let columns = match push.format {
        BodyFormat::Csv if matches!(stream.definition.format, Format::Json | Format::Csv | Format::Tsv) => {
            infer::csv(&push.body, &Dialect::of(&stream.definition))?
        }
        BodyFormat::Csv | BodyFormat::Json => {
            let records = split_push(push, stream.clone()).await?;
            let payloads: Vec<Bytes> = records.into_iter().take(SAMPLE_RECORDS_MAX).map(|record| record.payload).collect();
            infer::sampled(&stream.definition, &payloads, &*supervisor.parts.secrets).await?
        }
    };
    supervisor.fix_columns(&push.stream, columns).await?;
    // The stream's task was started anew, with the columns.
    Ok(door(supervisor, &push.stream).await?.0)
}

async fn split_push(push: &Push, stream: Arc<Stream>) -> Result<Vec<PushedRecord>> {
    let (body, format, apart) = (push.body.clone(), push.format, push.records.clone());
    let n_bytes = body.len() + apart.iter().flatten().map(|record| record.payload.len()).sum::<usize>();
    let split = move || match apart {
        Some(records) => Ok(records.into_iter().flat_map(|record| pieces(record, &stream)).collect()),
        None => {
            let bare = |payload| PushedRecord { payload, key: None, time: None };
            Ok(split::records(&body, format, &stream.definition)?.into_iter().map(bare).collect())
        }
    };
    if n_bytes <= SPLIT_HERE_BYTES_MAX {
        return split();
    }
    let splitting = tokio::task::spawn_blocking(split);
    splitting.await.map_err(|e| Error::internal("splitting a body into records").because(e))?
}

/// What a record holds that a sender may have put several into: an aggregate of the Kinesis Producer Library, one a line.
fn pieces(record: PushedRecord, stream: &Stream) -> Vec<PushedRecord> {
    let Some(user_records) = kinesis::unpack(&record.payload) else { return lines(record, stream) };
    let user = |user: kinesis::UserRecord| PushedRecord { payload: user.data, key: Some(user.key), time: record.time };
    user_records.into_iter().flat_map(|record| lines(user(record), stream)).collect()
}

/// What cannot be taken apart is for the decoder to say something about; it costs that record and no other.
fn lines(record: PushedRecord, stream: &Stream) -> Vec<PushedRecord> {
    match split::records(&record.payload, BodyFormat::Json, &stream.definition) {
        Ok(payloads) if payloads.len() > 1 => {
            payloads.into_iter().map(|payload| PushedRecord { payload, ..record.clone() }).collect()
        }
        _ => vec![record],
    }
}

async fn wait(awaited: Awaited) -> Result<Pushed> {
    awaited.await.unwrap_or_else(|_| Err(stopped()))
}
