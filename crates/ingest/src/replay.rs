//! `REPLAY`, `EXPLAIN REPLAY` and `DISCARD QUARANTINE`: records by their numbers, a lot at a time.

use crate::intake::{self, Intake, Outcome as Decoded, Taken};
use crate::pipeline::Job;
use crate::repair;
use crate::returns::{self, Lot, Outcomes};
use crate::supervisor::Supervisor;
use helios_contract::column::ColumnType;
use helios_contract::quarantine::fix::Fix;
use helios_contract::quarantine::{Held, Outcome, QuarantineId};
use helios_contract::stream::Stream;
use helios_contract::{Error, Result, StreamName};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A lot ends at so many records: while it is committed, the stream's other commits wait.
const LOT_RECORDS_MAX: usize = 2_000;
/// A lot ends at so many bytes of payload.
const LOT_BYTES_MAX: usize = 4 << 20;

/// See `QuarantineControl::discard`.
pub(crate) async fn discard(
    supervisor: &Arc<Supervisor>,
    name: &StreamName,
    ids: Vec<QuarantineId>,
    reason: &str,
) -> Result<u64> {
    let job = supervisor.job_of(name)?;
    let mut n_discarded = 0;
    for some in ids.chunks(LOT_RECORDS_MAX) {
        let _turn = job.returns.turn().await;
        n_discarded += supervisor.parts.quarantine.discard(job.stream.id, some.to_vec(), reason).await?;
    }
    Ok(n_discarded)
}

/// See `QuarantineControl::replay`.
pub(crate) async fn replay(
    supervisor: &Arc<Supervisor>,
    name: &StreamName,
    ids: Vec<QuarantineId>,
    fixes: Vec<Fix>,
) -> Result<Vec<Outcome>> {
    let stream = supervisor.stream(name)?;
    repair::check(&stream.definition, &fixes, ids.len())?;
    let fixes: Arc<[Fix]> = fixes.into();
    let mut outcomes = Outcomes::default();
    let mut rest = ids.as_slice();
    while !rest.is_empty() {
        let sent = send(supervisor, &stream, rest, &fixes).await;
        let (n_looked, of_lot) = sent.map_err(|error| stopped(error, outcomes.n_records(), ids.len()))?;
        outcomes.extend(of_lot);
        rest = &rest[n_looked..];
    }
    Ok(outcomes.listed())
}

fn stopped(error: Error, n_done: u64, n_ids: usize) -> Error {
    if n_done == 0 {
        error
    } else {
        error.context(format!("the replay stopped after {n_done} of {n_ids} records, and goes on when it is run again"))
    }
}

/// Sends one lot and waits for its commit; answers how many of the numbers it stands for.
async fn send(
    supervisor: &Arc<Supervisor>,
    stream: &Stream,
    ids: &[QuarantineId],
    fixes: &Arc<[Fix]>,
) -> Result<(usize, Outcomes)> {
    let name = &stream.definition.name;
    let job = supervisor.job_of(name)?;
    if job.stream.id != stream.id {
        return Err(Error::not_found(format!("the stream {name} was dropped")));
    }
    if job.stream.paused {
        return Err(Error::unavailable(format!("the stream {name} is paused, and what is replayed goes through its pipeline"))
            .hint(format!("Run RESUME STREAM {name}, then the same statement again.")));
    }
    let turn = job.returns.turn().await;
    let (held, n_looked) = look(&job, ids).await?;
    if held.is_empty() {
        return Ok((n_looked, Outcomes::default()));
    }
    let job = Arc::new(job);
    let held = mended(&job, fixes, held).await?;
    let how: Vec<String> = fixes.iter().map(Fix::to_string).collect();
    let (reply, answer) = oneshot::channel();
    let lot = Lot { held, how: how.join(", ").into(), reply, turn };
    if !job.returns.send(lot, Duration::from_millis(supervisor.config.push_wait_ms)).await {
        return Err(supervisor.why_closed(name).hint("Run the same statement again once the stream reads."));
    }
    match answer.await {
        Ok(outcomes) => Ok((n_looked, outcomes)),
        Err(_) => Err(Error::unavailable(format!("the stream {name} stopped before the records were committed"))
            .hint("Run the same statement again: it goes on where it stopped. SHOW STREAMS says what is wrong.")),
    }
}

async fn look(job: &Job, ids: &[QuarantineId]) -> Result<(Vec<Held>, usize)> {
    job.parts.quarantine.held(job.stream.id, &ids[..ids.len().min(LOT_RECORDS_MAX)], LOT_BYTES_MAX).await
}

async fn mended(job: &Arc<Job>, fixes: &Arc<[Fix]>, held: Vec<Held>) -> Result<Vec<Held>> {
    if fixes.is_empty() {
        return Ok(held);
    }
    let (job, fixes) = (Arc::clone(job), Arc::clone(fixes));
    let mending = tokio::task::spawn_blocking(move || repair::mend(&job, &fixes, held));
    mending.await.map_err(|e| Error::internal("mending quarantined records").because(e))?
}

/// See `QuarantineControl::rehearse`.
pub(crate) async fn rehearse(
    supervisor: &Arc<Supervisor>,
    name: &StreamName,
    ids: Vec<QuarantineId>,
    fixes: Vec<Fix>,
) -> Result<Vec<Outcome>> {
    let mut job = Arc::new(supervisor.job_of(name)?);
    repair::check(&job.stream.definition, &fixes, ids.len())?;
    let fixes: Arc<[Fix]> = fixes.into();
    let mut intake = Intake::open(&job).await?;
    let mut outcomes = Outcomes::default();
    let mut rest = ids.as_slice();
    while !rest.is_empty() {
        let (held, n_looked) = look(&job, rest).await?;
        let held = mended(&job, &fixes, held).await?;
        intake.learn(&intake::group(returns::chunks(&held))).await?;
        let taking = tokio::task::spawn_blocking(move || {
            let (job, intake, taken) = take(job, intake, &held)?;
            let of_lot = returns::outcomes(&held, &taken, &returns::unfit(&held, &taken));
            Ok::<_, Error>((job, intake, of_lot))
        });
        let (of_job, of_intake, of_lot) = taking.await.map_err(|e| Error::internal("rehearsing a replay").because(e))??;
        (job, intake) = (of_job, of_intake);
        outcomes.extend(of_lot);
        rest = &rest[n_looked..];
    }
    Ok(outcomes.listed())
}

/// What the stream's own pipeline would make of the records. Where it would give columns wider types, it is done to a copy of
/// the definition, and from then on repeated rows are not recognised: the stored ones have the narrow types.
pub(crate) fn take(mut job: Arc<Job>, mut intake: Intake, held: &[Held]) -> Result<(Arc<Job>, Intake, Vec<Taken>)> {
    let mut groups = intake::group(returns::chunks(held));
    loop {
        match intake.take(groups)? {
            Decoded::Taken(taken) => return Ok((job, intake, taken)),
            Decoded::Widen(columns, again) => {
                groups = again;
                job = Arc::new(job.with(Arc::new(widened(&job.stream, columns))));
                intake = Intake::fresh(&job.stream.definition, &job)?;
            }
        }
    }
}

fn widened(stream: &Stream, columns: Vec<(usize, ColumnType)>) -> Stream {
    let mut wider = stream.clone();
    for (column, data_type) in columns {
        wider.definition.columns[column].data_type = data_type;
    }
    wider
}
