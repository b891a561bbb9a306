//! One commit, tried until the lake has answered for certain.

use super::Job;
use crate::newest_commit;
use helios_contract::commit::{Commit, CommitId};
use helios_contract::stream::SourceKind;
use helios_contract::{Error, Kind, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Tries until the commit is durable, or refused for a reason that waiting does not change.
///
/// `Unavailable` leaves open whether the commit happened: the answer may have been lost on its way. The stored positions
/// tell, and they are asked when the next try is refused as a conflict. Senders of pushed records wait for the answer, so
/// their commit is given back, as `Unavailable`, once the lake has refused for long enough and it surely did not happen.
pub(super) async fn until_answered(job: Arc<Job>, commit: Commit) -> Result<CommitId> {
    let began = Instant::now();
    let mut backoff = job.backoff();
    let mut may_have_happened = false;
    loop {
        let answer = match once(&job, commit.clone()).await {
            Err(error) if error.kind() == Kind::Conflict && may_have_happened => match find(&job, &commit).await {
                Ok(Found::Done(id)) => Ok(id),
                Ok(Found::Undone | Found::Neither) => Err(error),
                Err(unknown) => Err(unknown),
            },
            answer => answer,
        };
        match answer {
            Err(error) if error.kind() == Kind::Unavailable => {
                may_have_happened = true;
                let refused_for = job.report.refused(began, &error);
                let left = patience(&job).saturating_sub(refused_for);
                if left.is_zero() {
                    match find(&job, &commit).await {
                        Ok(Found::Done(id)) => return Ok(id),
                        Ok(Found::Undone) => return Err(given_back(error)),
                        // The next try tells more.
                        Ok(Found::Neither) | Err(_) => sleep(backoff.pause()).await,
                    }
                } else {
                    sleep(backoff.pause().min(left)).await;
                }
            }
            Err(error) if error.kind() == Kind::Conflict => {
                return Err(error.hint("Another process writes to this stream; reading starts again from the stored positions."));
            }
            answer => return answer,
        }
    }
}

async fn once(job: &Job, commit: Commit) -> Result<CommitId> {
    job.parts.faults.pass("ingest.commit")?;
    let id = job.parts.tables.commit(commit).await?;
    job.parts.faults.pass("ingest.answer")?;
    Ok(id)
}

// How long the lake may refuse before records are given back. A source that is pulled can wait; it is never given up.
fn patience(job: &Job) -> Duration {
    match job.stream.definition.source {
        SourceKind::Http => Duration::from_millis(job.config.push_retry_ms),
        SourceKind::Kafka | SourceKind::Kinesis | SourceKind::Demo => Duration::MAX,
    }
}

fn given_back(refused: Error) -> Error {
    let error = refused.context("the records cannot be committed now, nothing of this push was stored");
    if error.hint_text().is_some() { error } else { error.hint("Send it again in a moment.") }
}

/// What became of a commit whose answer is not known, by the stored positions.
enum Found {
    /// They are where it moves to. Its own number is lost with the answer; the newest one stands for it.
    Done(CommitId),
    /// They are where it moves from.
    Undone,
    /// Somebody else moved them.
    Neither,
}

async fn find(job: &Job, commit: &Commit) -> Result<Found> {
    if commit.moves.is_empty() {
        return find_replay(job, commit).await;
    }
    let stored = job.parts.tables.offsets(job.stream.id).await?;
    if commit.moves.iter().all(|step| stored.get(&step.partition) == Some(&step.to)) {
        return newest_commit(&*job.parts.tables, &job.stream.definition.name).await.map(Found::Done);
    }
    let stays = commit.moves.iter().all(|step| stored.get(&step.partition) == step.from.as_ref());
    Ok(if stays { Found::Undone } else { Found::Neither })
}

/// A commit that moves nothing releases records from quarantine: all of them, or none.
async fn find_replay(job: &Job, commit: &Commit) -> Result<Found> {
    // One that releases nothing only says anew why records do not fit. That may be said twice.
    let Some(first) = commit.replayed.released.first() else { return Ok(Found::Undone) };
    let (open, _) = job.parts.quarantine.held(job.stream.id, &[first.id], 1).await?;
    if !open.is_empty() {
        return Ok(Found::Undone);
    }
    newest_commit(&*job.parts.tables, &job.stream.definition.name).await.map(Found::Done)
}
