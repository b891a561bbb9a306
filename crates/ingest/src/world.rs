//! What the tests of this crate stand on: a lake in memory that checks positions and can lose answers, and a clock.

use crate::pipeline::Job;
use crate::report::{Metrics, Report};
use crate::returns::Returns;
use crate::source::http::Inbox;
use crate::supervisor::Definitions;
use crate::{Config, Parts};
use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use helios_contract::column::{ColumnType, row_schema, table_schema};
use helios_contract::commit::{Commit, CommitId, LedgerEntry, Quarantined, Receipt};
use helios_contract::condition::{Condition, Conditions};
use helios_contract::fault::Faults;
use helios_contract::name::TableName;
use helios_contract::quarantine::{Held, Quarantine, QuarantineId};
use helios_contract::record::{Offsets, Position, Record};
use helios_contract::secret::{Secret, Secrets};
use helios_contract::store::{Catalog, Drifts, Receipts, Slice, Snapshot, TableStore, Version};
use helios_contract::stream::{OptionValue, Stream, StreamDefinition, StreamId};
use helios_contract::{Clock, Error, Result, StreamName, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
            conditions: Arc::new(NoConditions),
            drifts: self.lake.clone(),
            quarantine: self.lake.clone(),
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
            report: Arc::new(Report::new(&stream, parts.clock.clone(), metrics, std::time::Duration::from_secs(60))),
            inbox: Inbox::new(self.config.push_bytes_max, self.config.push_requests_max),
            returns: Returns::new(),
            stop: CancellationToken::new(),
            definitions: Definitions::default(),
            parts,
            stream,
        })
    }
}

/// SQL is the query engine's; scenarios hold rows against rules.
struct NoConditions;

impl Conditions for NoConditions {
    fn compile(&self, condition: &str, _: &SchemaRef) -> Result<Arc<dyn Condition>> {
        Err(Error::internal(format!("nobody evaluates ({condition}) here")))
    }
}

#[async_trait]
impl Drifts for MemoryLake {
    async fn proposed(&self, _: StreamId, _: &str) -> Result<Option<ColumnType>> {
        Ok(None)
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
    /// In the order of their numbers, from 0.
    pub(crate) quarantined: Vec<Quarantined>,
    /// The numbers of those that left again.
    pub(crate) released: BTreeSet<i64>,
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
        for released in &commit.replayed.released {
            if !table.released.insert(released.id.0) {
                return Err(Error::conflict(format!("record {} is not open", released.id.0)));
            }
        }
        for kept in commit.replayed.kept {
            let bad = &mut table.quarantined[kept.id.0 as usize];
            (bad.reason, bad.path) = (kept.reason, kept.path);
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
impl Quarantine for MemoryLake {
    async fn held(&self, stream: StreamId, ids: &[QuarantineId], _: usize) -> Result<(Vec<Held>, usize)> {
        let state = self.state.lock().unwrap();
        let table = state.tables.get(&stream).ok_or_else(|| Error::not_found("the stream is gone"))?;
        let open = ids.iter().filter(|id| !table.released.contains(&id.0));
        let held = open.map(|id| {
            let bad = &table.quarantined[id.0 as usize];
            let record = Record {
                position: bad.position.parse().map_or_else(|_| Position::Text(bad.position.as_str().into()), Position::Number),
                time: bad.time,
                key: bad.key.clone(),
                headers: bad.headers.clone(),
                payload: bad.payload.clone(),
            };
            Held { id: *id, partition: bad.partition.as_str().into(), record }
        });
        Ok((held.collect(), ids.len()))
    }

    async fn discard(&self, stream: StreamId, ids: Vec<QuarantineId>, _: &str) -> Result<u64> {
        let mut state = self.state.lock().unwrap();
        let released = &mut state.tables.entry(stream).or_default().released;
        Ok(ids.into_iter().filter(|id| released.insert(id.0)).count() as u64)
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
