//! What the tests of this crate stand on: a lake in memory that checks positions and can lose answers, and a clock.

use crate::pipeline::Job;
use crate::report::{Metrics, Report};
use crate::source::http::Inbox;
use crate::{Config, Parts};
use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use helios_contract::column::{row_schema, table_schema};
use helios_contract::commit::{Commit, CommitId, LedgerEntry, Quarantined, Receipt};
use helios_contract::fault::Faults;
use helios_contract::name::TableName;
use helios_contract::record::Offsets;
use helios_contract::secret::{Secret, Secrets};
use helios_contract::store::{Catalog, Receipts, Slice, Snapshot, TableStore, Version};
use helios_contract::stream::{OptionValue, Stream, StreamDefinition, StreamId};
use helios_contract::{Clock, Error, Result, StreamName, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Everything a test replaces, and the lake it looks into afterwards.
pub(crate) struct World {
    pub(crate) clock: Arc<TokioClock>,
    pub(crate) lake: Arc<MemoryLake>,
    pub(crate) faults: Faults,
    pub(crate) config: Config,
}

impl World {
    pub(crate) fn new() -> World {
        let clock = Arc::new(TokioClock { began: Instant::now() });
        World { lake: Arc::new(MemoryLake::new(clock.clone())), clock, faults: Faults::default(), config: Config::default() }
    }

    pub(crate) fn parts(&self) -> Parts {
        Parts {
            clock: self.clock.clone(),
            tables: self.lake.clone(),
            catalog: self.lake.clone(),
            receipts: self.lake.clone(),
            secrets: Arc::new(NoSecrets),
            faults: self.faults.clone(),
            metrics: prometheus::Registry::new(),
        }
    }

    /// A job for a stream that is in the catalog, or put there now.
    pub(crate) async fn job(&self, definition: StreamDefinition) -> Arc<Job> {
        let known = self.lake.streams().into_iter().find(|stream| stream.definition.name == definition.name);
        let stream = match known {
            Some(stream) => stream,
            None => self.lake.create(definition).await.unwrap(),
        };
        let parts = self.parts();
        let metrics = Arc::new(Metrics::register(&parts.metrics).unwrap());
        Arc::new(Job {
            config: self.config.clone(),
            report: Arc::new(Report::new(&stream, parts.clock.clone(), metrics)),
            inbox: Inbox::new(self.config.push_bytes_max, self.config.push_requests_max),
            stop: CancellationToken::new(),
            parts,
            stream,
        })
    }
}

/// 2026-01-01 12:00 UTC when the test began; goes on with tokio's clock.
#[derive(Debug)]
pub(crate) struct TokioClock {
    began: Instant,
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_767_268_800_000_000).plus(self.began.elapsed())
    }
}

struct NoSecrets;

impl Secrets for NoSecrets {
    fn resolve(&self, _: &OptionValue) -> Result<Secret> {
        Err(Error::not_found("there are no secrets here"))
    }
}

/// A lake in memory. Its fault points: `lake.refuse` a commit, `lake.forget` the answer to one that is done, `lake.read`
/// positions.
pub(crate) struct MemoryLake {
    clock: Arc<TokioClock>,
    pub(crate) faults: Faults,
    /// Each commit takes a permit: none left, and commits wait.
    pub(crate) gate: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    n_streams: i64,
    n_commits: i64,
    streams: BTreeMap<StreamName, Arc<Stream>>,
    tables: HashMap<StreamId, Table>,
}

#[derive(Default, Clone)]
pub(crate) struct Table {
    pub(crate) offsets: Offsets,
    pub(crate) slices: Vec<Slice>,
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) ledger: Vec<LedgerEntry>,
    pub(crate) receipts: HashMap<String, (CommitId, Receipt)>,
    pub(crate) n_commits: usize,
}

impl Table {
    /// The values of a BIGINT column, in commit order.
    pub(crate) fn values(&self, column: &str) -> Vec<i64> {
        let column = |slice: &Slice| slice.rows.column_by_name(column).unwrap().clone();
        self.slices.iter().flat_map(|s| column(s).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()).collect()
    }
}

impl MemoryLake {
    fn new(clock: Arc<TokioClock>) -> MemoryLake {
        MemoryLake { clock, faults: Faults::default(), gate: Semaphore::new(Semaphore::MAX_PERMITS), state: Mutex::default() }
    }

    /// What is stored for a stream.
    pub(crate) fn table(&self, name: &str) -> Table {
        let state = self.state.lock().unwrap();
        let id = state.streams[&StreamName::new(name).unwrap()].id;
        state.tables.get(&id).cloned().unwrap_or_default()
    }

    /// Moves a position as another process would.
    pub(crate) fn set_position(&self, name: &str, partition: &str, position: &str) {
        let mut state = self.state.lock().unwrap();
        let id = state.streams[&StreamName::new(name).unwrap()].id;
        state.tables.entry(id).or_default().offsets.insert(partition.to_owned(), position.to_owned());
    }
}

#[async_trait]
impl TableStore for MemoryLake {
    async fn offsets(&self, stream: StreamId) -> Result<Offsets> {
        self.faults.pass("lake.read")?;
        Ok(self.state.lock().unwrap().tables.get(&stream).map(|table| table.offsets.clone()).unwrap_or_default())
    }

    async fn commit(&self, commit: Commit) -> Result<CommitId> {
        self.gate.acquire().await.unwrap().forget();
        self.faults.pass("lake.refuse")?;
        let mut state = self.state.lock().unwrap();
        let stream = state.streams.values().find(|stream| stream.id == commit.stream).cloned();
        let stream = stream.ok_or_else(|| Error::not_found("the stream is gone"))?;
        if stream.version != commit.stream_version {
            return Err(Error::conflict("the stream changed"));
        }
        state.n_commits += 1;
        let id = CommitId(state.n_commits);
        let table = state.tables.entry(commit.stream).or_default();
        for step in &commit.moves {
            if table.offsets.get(&step.partition) != step.from.as_ref() {
                return Err(Error::conflict(format!("partition {} does not stand at {:?}", step.partition, step.from)));
            }
        }
        table.offsets.extend(commit.moves.into_iter().map(|step| (step.partition, step.to)));
        for rows in commit.rows {
            assert_eq!(rows.schema(), row_schema(&stream.definition.columns));
            let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
            columns.push(Arc::new(Int64Array::from(vec![id.0; rows.num_rows()])));
            let rows = RecordBatch::try_new(table_schema(&stream.definition.columns), columns).unwrap();
            table.slices.push(Slice { commit: id, committed_at: self.clock.now(), rows });
        }
        table.quarantined.extend(commit.quarantined);
        table.ledger.extend(commit.ledger);
        table.receipts.extend(commit.receipts.into_iter().map(|receipt| (receipt.key.clone(), (id, receipt))));
        table.n_commits += 1;
        drop(state);
        self.faults.pass("lake.forget")?;
        Ok(id)
    }

    async fn snapshot(&self, table: &TableName, version: Version) -> Result<Snapshot> {
        let state = self.state.lock().unwrap();
        let stream = state.streams.get(table).ok_or_else(|| Error::not_found("no such table"))?.clone();
        let slices = state.tables.get(&stream.id).map(|table| table.slices.clone()).unwrap_or_default();
        let is_in = |slice: &&Slice| match version {
            Version::Latest => true,
            Version::Commit(id) => slice.commit <= id,
            Version::Time(time) => slice.committed_at <= time,
        };
        let tail: Vec<Slice> = slices.iter().filter(is_in).cloned().collect();
        Ok(Snapshot {
            schema: table_schema(&stream.definition.columns),
            version: tail.last().map_or(CommitId(0), |slice| slice.commit),
            committed_at: tail.last().map(|slice| slice.committed_at),
            newest: None,
            tail,
            files: Vec::new(),
            stream,
        })
    }

    async fn since(&self, table: &TableName, after: CommitId) -> Result<Vec<Slice>> {
        let snapshot = self.snapshot(table, Version::Latest).await?;
        Ok(snapshot.tail.into_iter().filter(|slice| slice.commit > after).collect())
    }
}

#[async_trait]
impl Receipts for MemoryLake {
    async fn receipt(&self, stream: StreamId, key: &str) -> Result<Option<(CommitId, Receipt)>> {
        Ok(self.state.lock().unwrap().tables.get(&stream).and_then(|table| table.receipts.get(key).cloned()))
    }
}

#[async_trait]
impl Catalog for MemoryLake {
    fn streams(&self) -> Vec<Arc<Stream>> {
        self.state.lock().unwrap().streams.values().cloned().collect()
    }

    async fn create(&self, definition: StreamDefinition) -> Result<Arc<Stream>> {
        let mut state = self.state.lock().unwrap();
        state.n_streams += 1;
        let id = StreamId(state.n_streams);
        let stream =
            Arc::new(Stream { id, version: 1, definition: with_ids(definition), paused: false, created_at: self.clock.now() });
        state.streams.insert(stream.definition.name.clone(), stream.clone());
        Ok(stream)
    }

    async fn replace(&self, stream: Stream) -> Result<Arc<Stream>> {
        let mut state = self.state.lock().unwrap();
        let name = stream.definition.name.clone();
        if state.streams.get(&name).is_none_or(|old| old.version != stream.version) {
            return Err(Error::conflict("the stream changed"));
        }
        let stream = Arc::new(Stream { version: stream.version + 1, definition: with_ids(stream.definition.clone()), ..stream });
        state.streams.insert(name, stream.clone());
        Ok(stream)
    }

    async fn remove(&self, name: &StreamName) -> Result<()> {
        self.state.lock().unwrap().streams.remove(name);
        Ok(())
    }
}

fn with_ids(mut definition: StreamDefinition) -> StreamDefinition {
    for (i, column) in definition.columns.iter_mut().enumerate().filter(|(_, column)| column.id == 0) {
        column.id = i as i32 + 1;
    }
    definition
}
