//! One commit, tried until the lake has answered for certain.

use super::Job;
use crate::newest_commit;
use helios_contract::commit::{Commit, CommitId};
use helios_contract::{Kind, Result};
use std::sync::Arc;
use tokio::time::sleep;

/// Tries until the commit is durable, or refused for a reason that waiting does not change.
///
/// `Unavailable` leaves open whether the commit happened: the answer may have been lost on its way. If it did happen, the
/// next try is refused as a conflict, and the stored positions are exactly those the commit moves to.
pub(super) async fn until_answered(job: Arc<Job>, commit: Commit) -> Result<CommitId> {
    let mut backoff = job.backoff();
    let mut may_have_happened = false;
    loop {
        let answer = match once(&job, commit.clone()).await {
            Err(error) if error.kind() == Kind::Conflict && may_have_happened => match happened(&job, &commit).await {
                Ok(Some(id)) => Ok(id),
                Ok(None) => Err(error),
                Err(unknown) => Err(unknown),
            },
            answer => answer,
        };
        match answer {
            Err(error) if error.kind() == Kind::Unavailable => {
                may_have_happened = true;
                job.report.trouble(&error);
                sleep(backoff.pause()).await;
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

// The commit's own number is lost with the answer; the newest one stands for it.
async fn happened(job: &Job, commit: &Commit) -> Result<Option<CommitId>> {
    let stored = job.parts.tables.offsets(job.stream.id).await?;
    if commit.moves.iter().all(|step| stored.get(&step.partition) == Some(&step.to)) {
        return newest_commit(&*job.parts.tables, &job.stream.definition.name).await.map(Some);
    }
    Ok(None)
}
