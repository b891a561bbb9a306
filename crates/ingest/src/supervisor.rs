//! Carries out statements about streams, and keeps one task a stream running, whatever happens to the others.

use crate::backoff::Backoff;
use crate::definition;
use crate::infer;
use crate::intake;
use crate::pipeline::{self, Job};
use crate::report::{Metrics, Report};
use crate::returns::Returns;
use crate::source::{self, http::Inbox};
use crate::{Config, Parts};
use futures::FutureExt;
use futures::future::join_all;
use helios_contract::column::{Column, ColumnType};
use helios_contract::commit::{Commit, Move, Replayed};
use helios_contract::record::Offsets;
use helios_contract::stream::{SourceKind, Stream, StreamChange, StreamCommand, StreamDefinition, StreamStatus};
use helios_contract::{Error, Kind, Result, StreamName};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::select;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::error;

/// All streams, and the tasks of those that are not paused.
pub(crate) struct Supervisor {
    pub(crate) config: Config,
    pub(crate) parts: Parts,
    metrics: Arc<Metrics>,
    streams: Mutex<BTreeMap<StreamName, Kept>>,
    // Held while a statement is carried out: statements come one after the other.
    changing: tokio::sync::Mutex<()>,
}

/// What is kept of one stream; report and inbox outlive its task.
struct Kept {
    stream: Arc<Stream>,
    report: Arc<Report>,
    inbox: Arc<Inbox>,
    returns: Arc<Returns>,
    running: Option<Running>,
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// The way back from a stream's task to its definition.
#[derive(Clone, Default)]
pub(crate) struct Definitions(Weak<Supervisor>);

impl Definitions {
    /// Gives columns (by index) wider types while the stream reads; nothing may be open under the old ones.
    ///
    /// # Errors
    /// `Conflict` when the stream was changed meanwhile.
    pub(crate) async fn widen(&self, stream: &Stream, columns: Vec<(usize, ColumnType)>) -> Result<Arc<Stream>> {
        let supervisor = self.0.upgrade().ok_or_else(|| Error::unavailable("the server stops"))?;
        let mut wider = stream.clone();
        for (column, data_type) in columns {
            wider.definition.columns[column].data_type = data_type;
        }
        // Carried out to its end even if the stream is stopped meanwhile.
        let changing = tokio::spawn(async move {
            let _changing = supervisor.changing.lock().await;
            definition::check(&wider.definition)?;
            let name = wider.definition.name.clone();
            let stream = supervisor.parts.catalog.replace(wider).await?;
            if let Some(kept) = supervisor.lock().get_mut(&name) {
                kept.stream = stream.clone();
            }
            Ok(stream)
        });
        changing.await.map_err(|e| Error::internal("widening columns").because(e))?
    }

    /// The stream as it is now.
    fn current(&self, name: &StreamName) -> Option<Arc<Stream>> {
        self.0.upgrade()?.stream(name).ok()
    }
}

impl Supervisor {
    pub(crate) fn new(config: Config, parts: Parts) -> Result<Arc<Supervisor>> {
        let metrics = Arc::new(Metrics::register(&parts.metrics)?);
        Ok(Arc::new(Supervisor { config, parts, metrics, streams: Mutex::default(), changing: tokio::sync::Mutex::default() }))
    }

    /// Starts every stream of the catalog that is not paused.
    pub(crate) async fn start_all(self: &Arc<Self>) {
        let _changing = self.changing.lock().await;
        for stream in self.parts.catalog.streams() {
            self.start(stream);
        }
    }

    /// Stops all streams at once; each commits what is open.
    pub(crate) async fn stop_all(&self) {
        let _changing = self.changing.lock().await;
        let running: Vec<Running> = self.lock().values_mut().filter_map(|kept| kept.running.take()).collect();
        join_all(running.into_iter().map(stop)).await;
    }

    pub(crate) fn status(&self) -> Vec<StreamStatus> {
        self.lock().values().map(|kept| kept.report.status()).collect()
    }

    /// A stream as it is now.
    pub(crate) fn stream(&self, name: &StreamName) -> Result<Arc<Stream>> {
        Ok(self.inbox(name)?.0)
    }

    /// A stream as it is now, and where records are pushed to it.
    pub(crate) fn inbox(&self, name: &StreamName) -> Result<(Arc<Stream>, Arc<Inbox>)> {
        let streams = self.lock();
        let kept = streams.get(name).ok_or_else(|| not_found(name, streams.keys()))?;
        Ok((kept.stream.clone(), kept.inbox.clone()))
    }

    /// What a stream's task works with, for work of one's own beside it.
    pub(crate) fn job_of(self: &Arc<Self>, name: &StreamName) -> Result<Job> {
        let streams = self.lock();
        let kept = streams.get(name).ok_or_else(|| not_found(name, streams.keys()))?;
        Ok(self.job(kept, CancellationToken::new()))
    }

    /// Whether the lake has refused the stream's newest commit.
    pub(crate) fn is_refused(&self, name: &StreamName) -> bool {
        self.lock().get(name).is_some_and(|kept| kept.report.is_refused())
    }

    /// Why a stream that should read takes no records.
    pub(crate) fn why_closed(&self, name: &StreamName) -> Error {
        let status = self.lock().get(name).map(|kept| kept.report.status());
        let (message, hint) = match status {
            Some(status) if !status.message.is_empty() => (status.message, status.hint),
            _ => ("it is still starting".to_owned(), String::new()),
        };
        let hint = if hint.is_empty() { "Send them again in a moment.".to_owned() } else { hint };
        Error::unavailable(format!("the stream {name} takes no records now: {message}")).hint(hint)
    }

    /// Carries out a statement, to its end even when the caller goes away.
    pub(crate) async fn apply(self: &Arc<Self>, command: StreamCommand) -> Result<StreamDefinition> {
        let supervisor = self.clone();
        let applying = tokio::spawn(async move {
            let _changing = supervisor.changing.lock().await;
            match command {
                StreamCommand::Create { definition, if_not_exists } => supervisor.create(*definition, if_not_exists).await,
                StreamCommand::Alter { name, change } => supervisor.alter(&name, change).await,
                StreamCommand::Drop { name, if_exists } => supervisor.remove(&name, if_exists).await,
                StreamCommand::Pause(name) => supervisor.pause(&name, true).await,
                StreamCommand::Resume(name) => supervisor.pause(&name, false).await,
            }
        });
        applying.await.map_err(|e| Error::internal("carrying out a statement about a stream").because(e))?
    }

    /// Gives a stream without columns those inferred from its first push; another push may have done so already.
    pub(crate) async fn fix_columns(self: &Arc<Self>, name: &StreamName, columns: Vec<Column>) -> Result<()> {
        let supervisor = self.clone();
        let name = name.clone();
        let fixing = tokio::spawn(async move {
            let _changing = supervisor.changing.lock().await;
            let mut stream = Stream::clone(&*supervisor.stream(&name)?);
            if !stream.definition.columns.is_empty() {
                return Ok(());
            }
            take_columns(&mut stream.definition, columns);
            definition::check(&stream.definition)?;
            intake::check_rules(&stream.definition, &*supervisor.parts.conditions)?;
            supervisor.replace(stream).await.map(drop)
        });
        fixing.await.map_err(|e| Error::internal("fixing the columns of a stream").because(e))?
    }

    async fn create(self: &Arc<Self>, mut definition: StreamDefinition, if_not_exists: bool) -> Result<StreamDefinition> {
        if let Ok(stream) = self.stream(&definition.name) {
            if if_not_exists {
                return Ok(stream.definition.clone());
            }
            return Err(Error::conflict(format!("the stream {} exists already", definition.name))
                .hint("Choose another name, or say CREATE STREAM IF NOT EXISTS."));
        }
        definition::complete(&mut definition);
        definition::check(&definition)?;
        intake::check_rules(&definition, &*self.parts.conditions)?;
        let mut columns = None;
        if definition.columns.is_empty() {
            columns = infer::known(&definition, &*self.parts.secrets).await?;
        }
        if definition.columns.is_empty() && columns.is_none() && definition.source != SourceKind::Http {
            let sample = source::sample(&definition, &self.config, &self.parts).await?;
            columns = Some(infer::sampled(&definition, &sample, &*self.parts.secrets).await?);
        }
        if let Some(columns) = columns {
            take_columns(&mut definition, columns);
            definition::check(&definition)?;
            intake::check_rules(&definition, &*self.parts.conditions)?;
        }
        let beginnings = source::beginnings(&definition, &self.parts).await?;
        let stream = self.parts.catalog.create(definition).await?;
        let begun = self.begin(&stream, beginnings).await;
        // What cannot begin is not created. If it cannot be removed either, it is there, and runs.
        if begun.is_ok() || self.parts.catalog.remove(&stream.definition.name).await.is_err() {
            self.start(stream.clone());
        }
        begun.map(|()| stream.definition.clone())
    }

    /// Commits where reading a new stream begins: what is produced after the statement's answer is read.
    async fn begin(&self, stream: &Stream, beginnings: Offsets) -> Result<()> {
        if beginnings.is_empty() {
            return Ok(());
        }
        let commit = Commit {
            stream: stream.id,
            stream_version: stream.version,
            moves: beginnings.into_iter().map(|(partition, to)| Move { partition, from: None, to }).collect(),
            rows: Vec::new(),
            quarantined: Vec::new(),
            replayed: Replayed::default(),
            drift: Vec::new(),
            ledger: Vec::new(),
            receipts: Vec::new(),
            newest: None,
        };
        self.parts.tables.commit(commit).await.map(drop).map_err(|e| e.context("storing where reading begins"))
    }

    async fn alter(self: &Arc<Self>, name: &StreamName, change: StreamChange) -> Result<StreamDefinition> {
        let mut stream = Stream::clone(&*self.stream(name)?);
        stream.definition = self.changed(&stream, change).await?;
        Ok(self.replace(stream).await?.definition.clone())
    }

    /// The definition after a change, checked as far as can be without running it.
    pub(crate) async fn changed(&self, stream: &Stream, mut change: StreamChange) -> Result<StreamDefinition> {
        if let StreamChange::Promote { path, data_type: data_type @ None, .. } = &mut change {
            *data_type = self.parts.drifts.proposed(stream.id, path).await?;
        }
        let changed = definition::change(&stream.definition, change)?;
        intake::check_rules(&changed, &*self.parts.conditions)?;
        Ok(changed)
    }

    async fn pause(self: &Arc<Self>, name: &StreamName, paused: bool) -> Result<StreamDefinition> {
        let mut stream = Stream::clone(&*self.stream(name)?);
        if stream.paused == paused {
            return Ok(stream.definition);
        }
        stream.paused = paused;
        Ok(self.replace(stream).await?.definition.clone())
    }

    async fn remove(self: &Arc<Self>, name: &StreamName, if_exists: bool) -> Result<StreamDefinition> {
        let stream = match self.stream(name) {
            Ok(stream) => stream,
            Err(_) if if_exists => return Ok(StreamDefinition::new(name.clone(), SourceKind::Http)),
            Err(error) => return Err(error),
        };
        self.stop(name).await;
        if let Err(error) = self.parts.catalog.remove(name).await
            && error.kind() != Kind::NotFound
        {
            self.start(stream);
            return Err(error);
        }
        if let Some(kept) = self.lock().remove(name) {
            kept.report.forget();
        }
        source::forget(&stream.definition, &self.parts).await;
        Ok(stream.definition.clone())
    }

    /// Stops the stream, so that nothing is in flight under the old definition, and starts it with the new one.
    async fn replace(self: &Arc<Self>, stream: Stream) -> Result<Arc<Stream>> {
        let name = stream.definition.name.clone();
        let old = self.stream(&name)?;
        self.stop(&name).await;
        let replaced = self.parts.catalog.replace(stream).await;
        self.start(replaced.as_ref().unwrap_or(&old).clone());
        replaced
    }

    // The stream's task ends by itself within `stop_ms`, or at once when it is in trouble.
    async fn stop(&self, name: &StreamName) {
        let running = self.lock().get_mut(name).and_then(|kept| kept.running.take());
        if let Some(running) = running {
            stop(running).await;
        }
    }

    fn start(self: &Arc<Self>, stream: Arc<Stream>) {
        let name = stream.definition.name.clone();
        let mut streams = self.lock();
        let kept = streams.entry(name).or_insert_with(|| Kept {
            stream: stream.clone(),
            report: Arc::new(Report::new(
                &stream,
                self.parts.clock.clone(),
                self.metrics.clone(),
                Duration::from_millis(self.config.partition_idle_ms),
            )),
            inbox: Inbox::new(self.config.push_bytes_max, self.config.push_requests_max),
            returns: Returns::new(),
            running: None,
        });
        kept.stream = stream.clone();
        if stream.paused {
            kept.report.paused();
            return;
        }
        let stop = CancellationToken::new();
        let job = Arc::new(self.job(kept, stop.clone()));
        kept.running = Some(Running { stop, task: tokio::spawn(keep_running(job)) });
    }

    fn job(self: &Arc<Self>, kept: &Kept, stop: CancellationToken) -> Job {
        Job {
            config: self.config.clone(),
            parts: self.parts.clone(),
            stream: kept.stream.clone(),
            report: kept.report.clone(),
            inbox: kept.inbox.clone(),
            returns: kept.returns.clone(),
            stop,
            definitions: Definitions(Arc::downgrade(self)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamName, Kept>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn stop(running: Running) {
    running.stop.cancel();
    if let Err(error) = running.task.await {
        error!(%error, "the task of a stream broke while it stopped");
    }
}

/// Runs a stream's pipeline, and opens it again after whatever stopped it, until it is told to stop.
async fn keep_running(mut job: Arc<Job>) {
    let mut away = job.backoff();
    let mut failed = Backoff::new(job.config.reopen_delay_min_ms, job.config.reopen_delay_max_ms);
    loop {
        let before = job.report.last_commit();
        let outcome = AssertUnwindSafe(pipeline::run(&job)).catch_unwind().await;
        let error = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(panic) => Arc::new(broken(&*panic)),
        };
        job.report.trouble(&error);
        if job.report.last_commit() != before {
            away.reset();
            failed.reset();
        }
        let pause = if error.kind() == Kind::Unavailable { away.pause() } else { failed.pause() };
        select! { biased;
            () = job.stop.cancelled() => return,
            () = sleep(pause) => {}
        }
        // Columns may have been widened since.
        if let Some(stream) = job.definitions.current(&job.stream.definition.name) {
            job = Arc::new(job.with(stream));
        }
    }
}

fn broken(panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    Error::internal(format!("the task of the stream broke: {}", text.unwrap_or_default()))
        .hint("This is a bug in Helios; please report it.")
}

fn take_columns(definition: &mut StreamDefinition, columns: Vec<Column>) {
    definition.event_time = definition.event_time.take().or_else(|| infer::event_time(&columns));
    definition.columns = columns;
}

fn not_found<'a>(name: &StreamName, names: impl Iterator<Item = &'a StreamName>) -> Error {
    let error = Error::not_found(format!("there is no stream {name}"));
    match helios_contract::error::nearest(name.as_str(), names.map(StreamName::as_str)) {
        Some(near) => error.hint(format!("Did you mean {near}?")),
        None => error.hint("SHOW STREAMS lists them."),
    }
}

#[cfg(test)]
mod tests;
