//! Follows a stream's commits and delivers them, whatever happens to the cluster. Nobody waits for it: a sink that is slow or
//! away only falls behind.

use crate::deliver::{Blocks, Delivery};
use crate::report::Report;
use crate::said::{Remedy, remedy};
use crate::server::Server;
use crate::table::{Table, align};
use crate::{Config, Parts};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use helios_contract::clock::Timestamp;
use helios_contract::cluster::RemoteName;
use helios_contract::column::table_schema;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::sink::{Progress, Sink, SinkState};
use helios_contract::store::Slice;
use helios_contract::stream::Stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// A block is not larger than this in memory, give or take a slice.
const BLOCK_BYTES: usize = 64 << 20;

/// What a sink's task works with.
pub(crate) struct Job {
    pub(crate) config: Config,
    pub(crate) parts: Arc<Parts>,
    pub(crate) sink: Sink,
    pub(crate) table: RemoteName,
    pub(crate) report: Arc<Report>,
    pub(crate) stop: CancellationToken,
    /// Answers the cluster as it is defined now.
    pub(crate) connect: Box<dyn Fn() -> Result<Arc<Server>> + Send + Sync>,
}

/// The rows of some commits.
struct Gathered {
    rows: RecordBatch,
    until: CommitId,
    committed_at: Timestamp,
    /// Whether there were more than fit.
    is_full: bool,
}

/// Delivers until it is told to stop, the stream is dropped, or what would be delivered does not fit.
pub(crate) async fn keep_following(job: Job) {
    let mut progress = job.sink.progress.clone();
    let (min, max) = (Duration::from_millis(job.config.retry_delay_min_ms), Duration::from_millis(job.config.retry_delay_max_ms));
    let mut pause = min;
    loop {
        let before = progress.delivered;
        let outcome = tokio::select! { biased;
            () = job.stop.cancelled() => return,
            outcome = follow(&job, &mut progress) => outcome,
        };
        let Err(error) = outcome else { return };
        if job.stream().is_none() {
            return;
        }
        if progress.delivered != before {
            pause = min;
        }
        let wait = match remedy(&error) {
            Remedy::Retry => {
                job.report.trouble(SinkState::Degraded, &error);
                let wait = pause;
                pause = (pause * 2).min(max);
                wait
            }
            Remedy::Refused => {
                job.report.trouble(SinkState::Refused, &error);
                Duration::from_millis(job.config.refused_delay_ms)
            }
            Remedy::Park => {
                let error = match error.hint_text() {
                    Some(_) => error,
                    None => error.hint("Change the table there, or the stream; RESUME SINK then tries again."),
                };
                return job.report.trouble(SinkState::Parked, &error);
            }
        };
        tokio::select! { biased;
            () = job.stop.cancelled() => return,
            () = sleep(wait) => {}
        }
    }
}

async fn follow(job: &Job, progress: &mut Progress) -> Result<()> {
    let server = (job.connect)()?;
    let mut turn = server.turn();
    let (mut table, mut schema) = job.align(&server).await?;
    if let Some(intended) = progress.intended.clone() {
        let rows = job.up_to(progress.delivered, intended.until, &schema).await?;
        let blocks = Blocks::of(&rows, intended.until, &table)?;
        job.delivery(&server, &table, progress.delivered).settle(&intended, &blocks).await?;
        let n_rows = intended.blocks.iter().map(|block| block.n_rows).sum();
        let n_blocks = intended.blocks.len() as u64;
        job.advance(progress, Progress { delivered: intended.until, intended: None }).await?;
        job.report.delivered(progress.delivered, None, n_rows, n_blocks);
    }
    let mut next: Option<Gathered> = None;
    loop {
        let gathered = match next.take() {
            Some(gathered) => gathered,
            None => job.wait(progress.delivered).await?,
        };
        if gathered.rows.schema() != schema || server.turn() != turn {
            // The stream was altered: so is the table, before rows of the new kind come. Or another host is asked now.
            turn = server.turn();
            (table, schema) = job.align(&server).await?;
            continue;
        }
        let blocks = Blocks::of(&gathered.rows, gathered.until, &table)?;
        if !blocks.intended.blocks.is_empty() {
            let intended = Some(blocks.intended.clone());
            job.advance(progress, Progress { delivered: progress.delivered, intended }).await?;
        }
        let delivery = job.delivery(&server, &table, progress.delivered);
        // The next rows are read while these are on their way.
        let (sent, ahead) = tokio::join!(delivery.send(&blocks), job.gather(gathered.until));
        sent?;
        job.advance(progress, Progress { delivered: gathered.until, intended: None }).await?;
        let n_rows = gathered.rows.num_rows() as u64;
        job.report.delivered(gathered.until, Some(gathered.committed_at), n_rows, blocks.intended.blocks.len() as u64);
        if gathered.is_full {
            job.report.becomes(SinkState::CatchingUp);
        }
        next = ahead?.filter(|ahead| ahead.is_full);
    }
}

impl Job {
    /// The stream, unless it was dropped.
    fn stream(&self) -> Option<Arc<Stream>> {
        self.parts.catalog.streams().into_iter().find(|stream| stream.id == self.sink.stream)
    }

    /// The table as it must be for the stream as it is now, and the rows' fields by that.
    async fn align(&self, server: &Arc<Server>) -> Result<(Table, SchemaRef)> {
        let stream =
            self.stream().ok_or_else(|| Error::not_found(format!("the stream {} was dropped", self.sink.definition.stream)))?;
        let table = align(server, &self.table, &stream.definition).await?;
        Ok((table, table_schema(&stream.definition.columns)))
    }

    fn delivery<'a>(&'a self, server: &'a Arc<Server>, table: &'a Table, after: CommitId) -> Delivery<'a> {
        Delivery { sink: &self.sink.definition.name, server, table, faults: &self.parts.faults, after }
    }

    /// Keeps how far the sink is, then believes it.
    async fn advance(&self, progress: &mut Progress, to: Progress) -> Result<()> {
        self.parts.faults.pass("sink.advance")?;
        self.parts.outlets.advance(&self.sink.definition.name, to.clone()).await?;
        *progress = to;
        Ok(())
    }

    /// Waits for commits, and a little longer where they are few.
    async fn wait(&self, after: CommitId) -> Result<Gathered> {
        let name = &self.sink.definition.stream;
        loop {
            match self.gather(after).await? {
                Some(gathered) if gathered.rows.num_rows() >= self.config.block_rows_min => return Ok(gathered),
                Some(few) => {
                    sleep(Duration::from_millis(self.config.block_delay_ms)).await;
                    return Ok(self.gather(after).await?.unwrap_or(few));
                }
                None => {
                    self.report.becomes(SinkState::Running);
                    self.parts.changes.changed(name, after).await?;
                }
            }
        }
    }

    /// The rows of the commits after one, as many as make a block; `None` when there are none.
    async fn gather(&self, after: CommitId) -> Result<Option<Gathered>> {
        let mut slices: Vec<Slice> = Vec::new();
        let (mut n_rows, mut n_bytes, mut until) = (0, 0, after);
        let is_full = loop {
            if n_rows >= self.config.block_rows_max || n_bytes >= BLOCK_BYTES {
                break true;
            }
            let more = self.parts.tables.since(&self.sink.definition.stream, until).await?;
            let Some(last) = more.last() else { break false };
            if slices.first().is_some_and(|first| first.rows.schema() != last.rows.schema()) {
                break true;
            }
            until = last.commit;
            n_rows += more.iter().map(|slice| slice.rows.num_rows()).sum::<usize>();
            n_bytes += more.iter().map(|slice| slice.rows.get_array_memory_size()).sum::<usize>();
            slices.extend(more);
        };
        let Some(last) = slices.last() else { return Ok(None) };
        let committed_at = last.committed_at;
        let schema = last.rows.schema();
        let rows = tokio::task::spawn_blocking(move || concat_batches(&schema, slices.iter().map(|slice| &slice.rows))).await;
        let rows = rows.map_err(|cause| Error::internal("joining slices broke off").because(cause))?;
        let rows = rows.map_err(|cause| Error::internal("cannot join slices").because(cause))?;
        Ok(Some(Gathered { rows, until, committed_at, is_full }))
    }

    /// The rows of the commits after one, up to another.
    async fn up_to(&self, after: CommitId, until: CommitId, schema: &SchemaRef) -> Result<RecordBatch> {
        let (mut rows, mut reached) = (Vec::new(), after);
        while reached < until {
            let slices = self.parts.tables.since(&self.sink.definition.stream, reached).await?;
            let Some(last) = slices.last() else { break };
            reached = last.commit;
            rows.extend(slices.into_iter().filter(|slice| slice.commit <= until).map(|slice| slice.rows));
        }
        concat_batches(schema, &rows)
            .map_err(|cause| Error::unavailable("the stream was altered while its rows were read").because(cause))
    }
}
