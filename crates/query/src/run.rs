//! Streams an answer's rows out, within its limits, until it ends or nobody wants it any more.

use crate::errors::from_datafusion;
use crate::history::Ticket;
use crate::limits::Allowed;
use crate::results::{Keeping, Kept};
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use helios_contract::error::{Error, Result};
use helios_contract::store::Snapshot;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::Instant;

/// Batches waiting for a slow reader.
const N_BATCHES_WAITING: usize = 2;

/// What a running query holds until it ends.
pub(crate) struct Running {
    pub(crate) rows: SendableRecordBatchStream,
    /// Held so that the files stay.
    pub(crate) snapshots: Vec<Arc<Snapshot>>,
    pub(crate) slot: OwnedSemaphorePermit,
    pub(crate) allowed: Allowed,
    pub(crate) deadline: Instant,
    pub(crate) ticket: Ticket,
    /// Where the answer is kept for others.
    pub(crate) keeping: Option<Keeping>,
}

/// What goes to the reader: batches, perhaps an error, and in the end always `End`.
enum Item {
    Batch(RecordBatch),
    Failed(Error),
    End,
}

/// The rows. A task of its own pulls them, so that limits and cancelling reach a query whose reader has stalled. It does
/// not compute them: neither do limits wait for a query that computes without a pause.
pub(crate) fn rows(running: Running) -> BoxStream<'static, Result<RecordBatch>> {
    let (send, receive) = mpsc::channel(N_BATCHES_WAITING);
    tokio::spawn(pump(running, send));
    received(receive).boxed()
}

/// An answer that is there already.
pub(crate) fn one(batch: RecordBatch, ticket: Ticket) -> BoxStream<'static, Result<RecordBatch>> {
    ticket.answered(batch.num_rows());
    ticket.end(Ok(()));
    futures::stream::once(async { Ok(batch) }).boxed()
}

/// An answer that was kept.
pub(crate) fn again(kept: Arc<Kept>, ticket: Ticket) -> BoxStream<'static, Result<RecordBatch>> {
    ticket.answered(kept.batches.iter().map(RecordBatch::num_rows).sum());
    ticket.end(Ok(()));
    let n_batches = kept.batches.len();
    futures::stream::iter((0..n_batches).map(move |i| Ok(kept.batches[i].clone()))).boxed()
}

fn received(receive: mpsc::Receiver<Item>) -> impl Stream<Item = Result<RecordBatch>> {
    futures::stream::unfold(Some(receive), |receive| async {
        let mut receive = receive?;
        match receive.recv().await {
            Some(Item::Batch(batch)) => Some((Ok(batch), Some(receive))),
            Some(Item::Failed(error)) => Some((Err(error), None)),
            Some(Item::End) => None,
            // Without an `End` the task died: the rows so far must not pass for the whole answer.
            None => Some((Err(Error::internal("the query stopped without an end")), None)),
        }
    })
}

async fn pump(running: Running, send: mpsc::Sender<Item>) {
    let Running { mut rows, snapshots, slot, allowed, deadline, ticket, mut keeping } = running;
    let outcome = forward(&mut rows, &allowed, deadline, &ticket, &mut keeping, &send).await;
    // Memory, files and the slot are free before the reader takes the last item.
    drop((rows, snapshots, slot));
    match outcome {
        Some(Ok(())) => {
            if let Some(keeping) = keeping {
                keeping.end();
            }
            ticket.end(Ok(()));
            let _ = send.send(Item::End).await;
        }
        Some(Err(error)) => {
            ticket.end(Err(&error));
            let _ = send.send(Item::Failed(error)).await;
        }
        // The reader is gone: dropping the ticket says so.
        None => drop(ticket),
    }
}

/// `None` when the reader is gone.
async fn forward(
    rows: &mut SendableRecordBatchStream,
    allowed: &Allowed,
    deadline: Instant,
    ticket: &Ticket,
    keeping: &mut Option<Keeping>,
    send: &mpsc::Sender<Item>,
) -> Option<Result<()>> {
    let mut n_left = allowed.n_rows;
    loop {
        let next = tokio::select! {
            biased;
            error = ticket.cancelled() => return Some(Err(error)),
            () = send.closed() => return None,
            () = tokio::time::sleep_until(deadline) => return Some(Err(too_slow(allowed.time))),
            next = rows.next() => next,
        };
        let batch = match next {
            None => return Some(Ok(())),
            Some(Err(error)) => return Some(Err(from_datafusion(error, None))),
            Some(Ok(batch)) if batch.num_rows() == 0 => continue,
            Some(Ok(batch)) => batch,
        };
        let n_rows = batch.num_rows().min(usize::try_from(n_left).unwrap_or(usize::MAX));
        let too_many = n_rows < batch.num_rows();
        if n_rows > 0 {
            let place = tokio::select! {
                biased;
                error = ticket.cancelled() => return Some(Err(error)),
                () = tokio::time::sleep_until(deadline) => return Some(Err(too_slow(allowed.time))),
                place = send.reserve() => place.ok()?,
            };
            let batch = batch.slice(0, n_rows);
            if let Some(keeping) = keeping {
                keeping.add(&batch);
            }
            place.send(Item::Batch(batch));
            ticket.answered(n_rows);
            n_left -= n_rows as u64;
        }
        if allowed.is_beginning && n_left == 0 {
            return Some(Ok(()));
        }
        if too_many {
            let error = Error::exhausted(format!("the answer has more than {} rows", allowed.n_rows));
            return Some(Err(error.hint("Add a LIMIT, aggregate, or raise the limit of rows.")));
        }
    }
}

/// The error of a query that took too long.
pub(crate) fn too_slow(limit: Duration) -> Error {
    let seconds = limit.as_secs_f64();
    Error::exhausted(format!("the query took longer than {seconds} s"))
        .hint("Read less, for example by filtering on time, or raise the limit of seconds.")
}
