//! The one loop: pull chunks, make rows of them, commit rows and positions together, then acknowledge.
//!
//! At most one commit is in flight; meanwhile the next batch is pulled and decoded, up to its bound, and then pulling
//! stops: that is the back-pressure. A batch that cannot be committed because something is away is tried again until it
//! can, or given back to senders who wait; it is never dropped and never put into quarantine. Nothing else in Helios
//! acknowledges a record.

mod commit;

use crate::backoff::Backoff;
use crate::batch::{Batch, Promise};
use crate::decode::cloudwatch;
use crate::format;
use crate::intake::{self, Group, Intake, Outcome, Taken};
use crate::report::{Report, Stage};
use crate::returns::{self, Answer, Arrivals, Lot, Returns};
use crate::source::http::Inbox;
use crate::source::{self, is_heartbeat};
use crate::supervisor::Definitions;
use crate::{Config, Parts};
use futures::FutureExt;
use helios_contract::column::ColumnType;
use helios_contract::commit::CommitId;
use helios_contract::record::{Chunk, Offsets};
use helios_contract::source::Source;
use helios_contract::stream::{Format, SourceKind, Stream, StreamDefinition};
use helios_contract::{Error, Kind, Result};
use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// One stream, as it is to be read now.
pub(crate) struct Job {
    pub(crate) config: Config,
    pub(crate) parts: Parts,
    pub(crate) stream: Arc<Stream>,
    pub(crate) report: Arc<Report>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) returns: Arc<Returns>,
    pub(crate) stop: CancellationToken,
    pub(crate) definitions: Definitions,
}

impl Job {
    /// The same job for a stream whose definition was changed while it reads.
    pub(crate) fn with(&self, stream: Arc<Stream>) -> Job {
        Job {
            config: self.config.clone(),
            parts: self.parts.clone(),
            stream,
            report: self.report.clone(),
            inbox: self.inbox.clone(),
            returns: self.returns.clone(),
            stop: self.stop.clone(),
            definitions: self.definitions.clone(),
        }
    }

    /// The pauses between tries of something that is away.
    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.config.retry_delay_min_ms, self.config.retry_delay_max_ms)
    }
}

/// Reads the stream from where the lake stands, until it is told to stop.
///
/// # Errors
/// What stopped it. Whatever was pulled and not committed will be read, or pushed, again.
pub(crate) async fn run(job: &Arc<Job>) -> Result<(), Arc<Error>> {
    let opened = select! { biased;
        () = job.stop.cancelled() => return Ok(()),
        opened = open(job) => opened,
    };
    let mut pipeline = opened.map_err(Arc::new)?;
    let outcome = match pipeline.flow().await {
        Ok(()) => pipeline.finish().await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => Ok(()),
        Err(error) => Err(pipeline.give_up(error).await),
    }
}

async fn open(job: &Arc<Job>) -> Result<Pipeline> {
    let intake = Intake::open(job).await?;
    let offsets = job.parts.tables.offsets(job.stream.id).await?;
    let source = source::open(job, &offsets).await?;
    job.report.lag(source.lag(), source.behind());
    job.report.well();
    Ok(Pipeline {
        job: job.clone(),
        source,
        intake: Some(intake),
        batch: Batch::default(),
        in_flight: None,
        offsets,
        stashed: VecDeque::new(),
        source_backoff: job.backoff(),
        resume_at: None,
        arrivals: job.returns.open(),
    })
}

struct Pipeline {
    job: Arc<Job>,
    source: Box<dyn Source>,
    // Away while it decodes on another thread; gone for good only if that panicked.
    intake: Option<Intake>,
    batch: Batch,
    in_flight: Option<InFlight>,
    offsets: Offsets,
    // Answers of the source that came while gathering, to be handled in turn.
    stashed: VecDeque<Result<Option<Chunk>>>,
    source_backoff: Backoff,
    // The source is in trouble and is left alone until then.
    resume_at: Option<Instant>,
    arrivals: Arrivals,
}

struct InFlight {
    task: JoinHandle<Result<CommitId>>,
    promise: Promise,
}

enum Step {
    Stop,
    Answered(Result<CommitId>),
    Returned(Lot),
    Pulled(Result<Option<Chunk>>),
    Due,
}

// Up to this many records, moving them to another thread costs more than decoding them here.
const DECODE_HERE_MAX: usize = 64;

impl Pipeline {
    async fn flow(&mut self) -> Result<()> {
        loop {
            if self.is_due() {
                self.start_commit();
            }
            let may_pull = !self.is_full();
            let due_at = self.due_at();
            let step = select! { biased;
                () = self.job.stop.cancelled() => Step::Stop,
                answer = answered(&mut self.in_flight) => Step::Answered(answer),
                // Before the source, which may never be without records; no more than one lot is on its way.
                lot = self.arrivals.next(), if may_pull => Step::Returned(lot),
                chunk = pull(&mut *self.source, &mut self.stashed, self.resume_at), if may_pull => Step::Pulled(chunk),
                () = until(due_at) => Step::Due,
            };
            match step {
                Step::Stop | Step::Pulled(Ok(None)) => return Ok(()),
                Step::Answered(answer) => self.settle(answer?).await,
                Step::Returned(lot) => self.take_back(lot).await?,
                Step::Pulled(Ok(Some(chunk))) => self.take(chunk).await?,
                Step::Pulled(Err(error)) => self.source_trouble(error)?,
                Step::Due => self.start_commit(),
            }
        }
    }

    fn is_full(&self) -> bool {
        let config = &self.job.config;
        self.batch.n_records() >= config.batch_rows_max || self.batch.n_bytes() >= config.batch_bytes_max
    }

    fn is_due(&self) -> bool {
        let is_old = || self.batch.opened_at().is_some_and(|opened_at| opened_at + self.commit_delay() <= Instant::now());
        self.in_flight.is_none() && !self.batch.is_empty() && (self.is_full() || is_old())
    }

    // The loop gets to wait for this moment only when the source has nothing more to give just now. Somebody waits for the
    // answer to a push, so pushed records wait for nobody else; those that come during a commit share the next one.
    fn due_at(&self) -> Option<Instant> {
        let opened_at = self.batch.opened_at().filter(|_| self.in_flight.is_none())?;
        let is_polled = matches!(self.job.stream.definition.source, SourceKind::Kafka | SourceKind::Kinesis);
        Some(if is_polled { opened_at + self.commit_delay() } else { opened_at })
    }

    fn commit_delay(&self) -> Duration {
        Duration::from_millis(self.job.config.commit_delay_ms)
    }

    /// Takes a chunk and whatever else the source has ready, in one go.
    async fn take(&mut self, first: Chunk) -> Result<()> {
        if self.resume_at.take().is_some() {
            self.source_backoff.reset();
            self.job.report.well();
        }
        let mut n_records = first.records.len();
        let mut chunks = vec![first];
        while n_records < self.job.config.decode_rows_max && self.stashed.is_empty() {
            match self.source.next().now_or_never() {
                Some(Ok(Some(chunk))) => {
                    n_records += chunk.records.len();
                    chunks.push(chunk);
                }
                Some(other) => self.stashed.push_back(other),
                None => break,
            }
        }
        let fetched_at = self.job.parts.clock.now();
        self.job.report.lag(self.source.lag(), self.source.behind());
        chunks.retain(|chunk| !is_heartbeat(chunk));
        if chunks.is_empty() {
            return Ok(());
        }
        if !self.pass_decode_fault().await {
            return Ok(());
        }
        let chunks = taken_apart(&self.job.stream.definition, chunks).await?;
        let n_records = chunks.iter().map(|chunk| chunk.records.len()).sum();
        let taken = self.decode(chunks, n_records).await?;
        let arrivals = || taken.iter().flat_map(|taken| &taken.chunks).filter_map(|chunk| Some(chunk.arrivals?.0));
        self.job.report.passed(Stage::Fetched, fetched_at, arrivals());
        self.job.report.passed(Stage::Decoded, self.job.parts.clock.now(), arrivals());
        taken.into_iter().try_for_each(|taken| self.batch.add(taken))
    }

    /// Takes records that come back from quarantine.
    async fn take_back(&mut self, lot: Lot) -> Result<()> {
        if !self.pass_decode_fault().await {
            return Ok(());
        }
        let taken = self.decode(returns::chunks(&lot.held), lot.held.len()).await?;
        self.batch.add_returned(lot, taken)
    }

    async fn decode(&mut self, chunks: Vec<Chunk>, n_records: usize) -> Result<Vec<Taken>> {
        let mut groups = intake::group(chunks);
        loop {
            self.learn(&groups).await?;
            let mut intake = self.intake.take().ok_or_else(|| Error::internal("the decoder is gone"))?;
            let (intake, outcome) = if n_records <= DECODE_HERE_MAX {
                let outcome = intake.take(groups);
                (intake, outcome)
            } else {
                let decoding = tokio::task::spawn_blocking(move || {
                    let outcome = intake.take(groups);
                    (intake, outcome)
                });
                decoding.await.map_err(|e| Error::internal("decoding records").because(e))?
            };
            self.intake = Some(intake);
            match outcome? {
                Outcome::Taken(taken) => return Ok(taken),
                Outcome::Widen(columns, again) => groups = self.widen(columns, again).await?,
            }
        }
    }

    // A schema that cannot be had now is pressure, never bad data: what is open is committed, and the records wait. Senders of
    // pushed records do not.
    async fn learn(&mut self, groups: &[Group]) -> Result<()> {
        let mut backoff = self.job.backoff();
        let mut is_well = true;
        loop {
            let job = self.job.clone();
            let intake = self.intake.as_mut().ok_or_else(|| Error::internal("the decoder is gone"))?;
            let learned = select! { biased;
                () = job.stop.cancelled() => return Err(Error::unavailable("the stream was stopped while it waited for a schema")),
                learned = intake.learn(groups) => learned,
            };
            match learned {
                Ok(()) if is_well => return Ok(()),
                Ok(()) => {
                    job.report.well();
                    return Ok(());
                }
                Err(error) if error.kind() == Kind::Unavailable && job.stream.definition.source != SourceKind::Http => {
                    if is_well {
                        self.commit_all().await?;
                    }
                    is_well = false;
                    job.report.trouble(&error);
                }
                Err(error) => return Err(error),
            }
            select! { biased;
                () = job.stop.cancelled() => {}
                () = sleep(backoff.pause()) => {}
            }
        }
    }

    /// Gives columns wider types, with nothing open under the old ones, so that the groups can be taken again.
    async fn widen(&mut self, columns: Vec<(usize, ColumnType)>, groups: Vec<Group>) -> Result<Vec<Group>> {
        let job = self.job.clone();
        let stopped = || Error::unavailable("widening columns: the stream was stopped").hint("Send the records again.");
        select! { biased;
            () = job.stop.cancelled() => return Err(stopped()),
            committed = self.commit_all() => committed?,
        }
        // Whoever changes the stream holds the definitions, and waits for this task to stop.
        let stream = select! { biased;
            () = job.stop.cancelled() => return Err(stopped()),
            stream = job.definitions.widen(&job.stream, columns) => stream?,
        };
        self.job = Arc::new(job.with(stream));
        let forgetful = self.intake.take().ok_or_else(|| Error::internal("the decoder is gone"))?;
        let opened = select! { biased;
            () = job.stop.cancelled() => return Err(stopped()),
            opened = Intake::open(&self.job) => opened?,
        };
        self.intake = Some(opened.remembering(forgetful));
        Ok(groups)
    }

    // A fault here is pressure, never bad data: the same chunks are decoded once it is over. False when stopped meanwhile.
    async fn pass_decode_fault(&mut self) -> bool {
        let mut backoff = self.job.backoff();
        while let Err(error) = self.job.parts.faults.pass("ingest.decode") {
            self.job.report.trouble(&error);
            select! { biased;
                () = self.job.stop.cancelled() => return false,
                () = sleep(backoff.pause()) => self.job.report.well(),
            }
        }
        true
    }

    fn source_trouble(&mut self, error: Error) -> Result<()> {
        if error.kind() != Kind::Unavailable {
            return Err(error);
        }
        self.job.report.trouble(&error);
        self.resume_at = Some(Instant::now() + self.source_backoff.pause());
        Ok(())
    }

    fn start_commit(&mut self) {
        let (commit, promise) = std::mem::take(&mut self.batch).seal(&self.job.stream);
        let task = tokio::spawn(commit::until_answered(self.job.clone(), commit));
        self.in_flight = Some(InFlight { task, promise });
    }

    async fn settle(&mut self, commit: CommitId) {
        let Some(InFlight { promise, .. }) = self.in_flight.take() else { return };
        self.offsets.extend(promise.offsets.iter().map(|(partition, to)| (partition.clone(), to.clone())));
        self.job.report.committed(commit, &promise);
        if self.resume_at.is_none() {
            self.job.report.well();
        }
        if let Err(error) = self.source.ack(&self.offsets, &promise.done(commit)).await {
            warn!(stream = %self.job.stream.definition.name, %error, "the source could not be told of a commit");
        }
        promise.answers.into_iter().for_each(Answer::send);
    }

    /// Commits what is open, within the time a stop may take.
    async fn finish(&mut self) -> Result<()> {
        let limit = Duration::from_millis(self.job.config.stop_ms);
        let late = || {
            Error::unavailable("stopping the stream: what was open could not be committed in time")
                .hint("Send it again; with an Idempotency-Key that is harmless even if it was committed after all.")
        };
        timeout(limit, self.commit_all()).await.unwrap_or_else(|_| Err(late()))
    }

    async fn commit_all(&mut self) -> Result<()> {
        while self.in_flight.is_some() || !self.batch.is_empty() {
            if self.in_flight.is_none() {
                self.start_commit();
            }
            let commit = answered(&mut self.in_flight).await?;
            self.settle(commit).await;
        }
        Ok(())
    }

    /// Tells everybody who waits that their records were not committed.
    async fn give_up(&mut self, error: Error) -> Arc<Error> {
        let error = Arc::new(error);
        let mut tags = std::mem::take(&mut self.batch).seal(&self.job.stream).1.tags();
        if let Some(InFlight { task, promise }) = self.in_flight.take() {
            task.abort();
            tags.extend(promise.tags());
        }
        self.source.reject(&tags, &error).await;
        error
    }
}

/// The same chunks with records of their own for what some formats pack into one. What comes back from quarantine was taken
/// apart before.
async fn taken_apart(definition: &StreamDefinition, mut chunks: Vec<Chunk>) -> Result<Vec<Chunk>> {
    if definition.format != Format::CloudwatchLogs {
        return Ok(chunks);
    }
    let compression = format::compression(definition);
    let expanding = tokio::task::spawn_blocking(move || {
        cloudwatch::expand(&mut chunks, compression);
        chunks
    });
    expanding.await.map_err(|e| Error::internal("taking records apart").because(e))
}

// Cancel-safe: the stash is only popped when the chunk is returned at once, and `Source::next` is cancel-safe.
async fn pull(
    source: &mut dyn Source,
    stashed: &mut VecDeque<Result<Option<Chunk>>>,
    resume_at: Option<Instant>,
) -> Result<Option<Chunk>> {
    if let Some(stashed) = stashed.pop_front() {
        return stashed;
    }
    if let Some(resume_at) = resume_at {
        sleep_until(resume_at).await;
    }
    source.next().await
}

async fn answered(in_flight: &mut Option<InFlight>) -> Result<CommitId> {
    match in_flight {
        Some(in_flight) => (&mut in_flight.task).await.unwrap_or_else(|e| Err(Error::internal("committing a batch").because(e))),
        None => pending().await,
    }
}

// A moment that has passed is not left to the timer, whose ticks are a millisecond long.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) if moment <= Instant::now() => {}
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
