//! A small world: a clock that stands, tables in memory, files in an object store in memory.

use super::elsewhere::Elsewhere;
use crate::parse::{Statement, parse};
use crate::{Config, Engine, Parts, open};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches, max, min};
use arrow::datatypes::{DataType, Int64Type, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::metadata::KeyValue;
use futures::TryStreamExt;
use helios_contract::column::{FIELD_ID, hidden, table_schema, timestamp_type};
use helios_contract::commit::{Commit, CommitId};
use helios_contract::error::{Error, Result};
use helios_contract::quarantine::fix::Fix;
use helios_contract::quarantine::{Outcome, QuarantineControl, QuarantineId};
use helios_contract::query::{Answer, Parameters, Query, QueryEngine};
use helios_contract::record::Offsets;
use helios_contract::store::{Catalog, ColumnRange, DataFile, Slice, Snapshot, TableStore, Version};
use helios_contract::stream::{
    Stream, StreamChange, StreamCommand, StreamControl, StreamDefinition, StreamId, StreamState, StreamStatus,
};
use helios_contract::system::SystemTable;
use helios_contract::values;
use helios_contract::{Clock, StreamName, Timestamp};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// 2026-11-21 10:00:00 UTC
pub(crate) const NOW: Timestamp = Timestamp(1_795_255_200_000_000);
const MINUTE: i64 = 60_000_000;

#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        NOW
    }
}

#[derive(Clone)]
struct Table {
    stream: Arc<Stream>,
    slices: Vec<Slice>,
    files: Vec<Arc<DataFile>>,
}

/// Tables in memory, behind every seam the engine knows.
pub(crate) struct Tables {
    tables: Mutex<BTreeMap<String, Table>>,
    n_commits: Mutex<i64>,
}

/// When commit `n` is made: so many minutes after 08:00.
fn committed_at(commit: i64) -> Timestamp {
    Timestamp(NOW.0 + (commit - 120) * MINUTE)
}

impl Tables {
    fn table(&self, name: &str) -> Result<Table> {
        self.tables.lock().unwrap().get(name).cloned().ok_or_else(|| Error::not_found("no such table"))
    }
}

#[async_trait]
impl TableStore for Tables {
    async fn offsets(&self, _stream: StreamId) -> Result<Offsets> {
        unreachable!("queries only read")
    }

    async fn commit(&self, _commit: Commit) -> Result<CommitId> {
        unreachable!("queries only read")
    }

    async fn snapshot(&self, name: &StreamName, version: Version) -> Result<Snapshot> {
        let table = self.table(name.as_str())?;
        let last = *self.n_commits.lock().unwrap();
        let version = match version {
            Version::Latest => last,
            Version::Commit(commit) if commit.0 > last => {
                return Err(Error::invalid(format!("version {commit} does not exist yet")));
            }
            Version::Commit(commit) => commit.0,
            Version::Time(at) => (0..=last).rev().find(|n| committed_at(*n) <= at).unwrap_or(0),
        };
        let empty = table.slices.is_empty() && table.files.is_empty();
        Ok(Snapshot {
            schema: table_schema(&table.stream.definition.columns),
            stream: table.stream,
            version: CommitId(version),
            committed_at: (!empty).then(|| committed_at(version)),
            newest: (!empty).then(|| committed_at(version)),
            tail: table.slices,
            files: table.files,
        })
    }

    async fn since(&self, _table: &StreamName, _after: CommitId) -> Result<Vec<Slice>> {
        unreachable!("queries read snapshots")
    }
}

#[async_trait]
impl Catalog for Tables {
    fn streams(&self) -> Vec<Arc<Stream>> {
        self.tables.lock().unwrap().values().map(|table| Arc::clone(&table.stream)).collect()
    }

    async fn create(&self, _definition: StreamDefinition) -> Result<Arc<Stream>> {
        unreachable!("queries only read")
    }

    async fn replace(&self, _stream: Stream) -> Result<Arc<Stream>> {
        unreachable!("queries only read")
    }

    async fn remove(&self, _name: &StreamName) -> Result<()> {
        unreachable!("queries only read")
    }
}

/// Nothing is in quarantine here: answers how many records it was asked about.
#[async_trait]
impl QuarantineControl for Tables {
    async fn discard(&self, _: &StreamName, ids: Vec<QuarantineId>, _: &str) -> Result<u64> {
        Ok(ids.len() as u64)
    }

    async fn replay(&self, _: &StreamName, _: Vec<QuarantineId>, _: Vec<Fix>) -> Result<Vec<Outcome>> {
        Ok(Vec::new())
    }

    async fn rehearse(&self, _: &StreamName, _: Vec<QuarantineId>, _: Vec<Fix>) -> Result<Vec<Outcome>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl StreamControl for Tables {
    async fn apply(&self, command: StreamCommand) -> Result<StreamDefinition> {
        match command {
            StreamCommand::Create { definition, .. } => {
                let definition = self.add(*definition);
                Ok(definition)
            }
            StreamCommand::Drop { name, .. } => {
                let dropped = self.tables.lock().unwrap().remove(name.as_str());
                dropped.map(|table| table.stream.definition.clone()).ok_or_else(|| Error::not_found("no such stream"))
            }
            StreamCommand::Alter { name, change } => self.alter(name.as_str(), change),
            StreamCommand::Pause(name) | StreamCommand::Resume(name) => {
                self.table(name.as_str()).map(|t| t.stream.definition.clone())
            }
        }
    }

    async fn rehearse(
        &self,
        name: &StreamName,
        _: helios_contract::stream::StreamChange,
        _: helios_contract::rehearsal::Reach,
        _: Vec<helios_contract::quarantine::QuarantineId>,
    ) -> Result<helios_contract::rehearsal::Rehearsal> {
        Err(Error::not_found(format!("there is no stream {name}")))
    }

    fn status(&self) -> Vec<StreamStatus> {
        let status = |stream: Arc<Stream>| StreamStatus {
            name: stream.definition.name.clone(),
            source: stream.definition.source,
            state: StreamState::Running,
            since: NOW,
            cause: String::new(),
            message: String::new(),
            hint: String::new(),
            n_received: 7,
            last_commit: None,
            last_commit_at: None,
            lag: vec![("0".into(), 1), ("1".into(), 2)],
            n_late: 0,
            behind: Vec::new(),
            watermarks: Vec::new(),
        };
        self.streams().into_iter().map(status).collect()
    }
}

impl Tables {
    fn add(&self, mut definition: StreamDefinition) -> StreamDefinition {
        for (column, id) in definition.columns.iter_mut().zip(1..) {
            column.id = id;
        }
        let stream = Stream { id: StreamId(1), version: 1, definition: definition.clone(), paused: false, created_at: NOW };
        let table = Table { stream: Arc::new(stream), slices: Vec::new(), files: Vec::new() };
        self.tables.lock().unwrap().insert(definition.name.to_string(), table);
        definition
    }

    fn alter(&self, name: &str, change: StreamChange) -> Result<StreamDefinition> {
        let mut tables = self.tables.lock().unwrap();
        let table = tables.get_mut(name).ok_or_else(|| Error::not_found("no such stream"))?;
        let mut stream = Stream::clone(&table.stream);
        let columns = &mut stream.definition.columns;
        match change {
            StreamChange::AddColumn(mut column) => {
                column.id = columns.iter().map(|column| column.id).max().unwrap() + 10;
                columns.push(column);
            }
            StreamChange::DropColumn(name) => columns.retain(|column| column.name != name),
            StreamChange::RenameColumn(from, to) => columns.iter_mut().find(|column| column.name == from).unwrap().name = to,
            _ => {}
        }
        let definition = stream.definition.clone();
        table.stream = Arc::new(stream);
        Ok(definition)
    }
}

/// `system.stuck`: never answers.
#[derive(Debug)]
struct Stuck;

#[async_trait]
impl SystemTable for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn schema(&self) -> Arc<Schema> {
        Arc::new(Schema::empty())
    }

    async fn rows(&self, _limit: Option<usize>) -> Result<RecordBatch> {
        std::future::pending().await
    }
}

/// An engine and what it sees.
pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) tables: Arc<Tables>,
    pub(crate) store: Arc<InMemory>,
    pub(crate) elsewhere: Elsewhere,
}

impl World {
    /// Without streams.
    pub(crate) fn new() -> World {
        World::with(Config::default())
    }

    /// Without streams, with limits.
    pub(crate) fn with(config: Config) -> World {
        let tables = Arc::new(Tables { tables: Mutex::default(), n_commits: Mutex::default() });
        let store = Arc::new(InMemory::new());
        let elsewhere = Elsewhere::default();
        let parts = Parts {
            runtime: None,
            backfill: |column, rest| arrow::array::new_null_array(&column.data_type.arrow(), rest.len()),
            clock: Arc::new(Standing),
            tables: Arc::clone(&tables) as _,
            catalog: Arc::clone(&tables) as _,
            control: Arc::clone(&tables) as _,
            quarantine: Arc::clone(&tables) as _,
            outlets: Arc::new(elsewhere.clone()),
            store: Arc::clone(&store) as _,
            system: vec![Arc::new(Stuck)],
            metrics: prometheus::Registry::new(),
        };
        World { engine: open(config, parts).unwrap(), tables, store, elsewhere }
    }

    /// With a stream `orders (id, country, ts, price)` of three commits: 1 and 2 in memory, 3 too.
    pub(crate) fn orders() -> World {
        let world = World::new();
        world.stream("CREATE STREAM orders (id BIGINT, country TEXT, ts TIMESTAMP, price DOUBLE) FROM HTTP");
        world.insert("orders", &[json!({"id": 1, "country": "NL", "ts": "2026-11-21T08:00:00Z", "price": 10.0})]);
        world.insert(
            "orders",
            &[json!({"id": 2, "country": "DE", "ts": "2026-11-21T09:00:00Z", "price": 20.0, "_rest": "{\"vip\": true}"})],
        );
        world.insert("orders", &[json!({"id": 3, "country": "NL", "ts": "2026-11-21T09:30:00Z", "price": 30.0})]);
        world
    }

    /// Adds a stream without going through the engine.
    pub(crate) fn stream(&self, sql: &str) {
        let Ok((Statement::Stream(StreamCommand::Create { definition, .. }), _)) = parse(sql) else { panic!("{sql}") };
        self.tables.add(*definition);
    }

    /// Commits rows; hidden columns may be given, `_commit` is added.
    pub(crate) fn insert(&self, table: &str, rows: &[Json]) -> i64 {
        let mut n_commits = self.tables.n_commits.lock().unwrap();
        *n_commits += 1;
        let schema = table_schema(&self.tables.table(table).unwrap().stream.definition.columns);
        let mut reader = arrow::json::ReaderBuilder::new(Arc::clone(&schema)).build_decoder().unwrap();
        let rows: Vec<Json> = rows
            .iter()
            .zip(0..)
            .map(|(row, offset)| {
                let mut row = row.clone();
                row[hidden::COMMIT] = json!(*n_commits);
                row[hidden::OFFSET] = json!(offset);
                row[hidden::PARTITION] = json!("p0");
                row
            })
            .collect();
        reader.serialize(&rows).unwrap();
        let rows = reader.flush().unwrap().unwrap();
        let slice = Slice { commit: CommitId(*n_commits), committed_at: committed_at(*n_commits), rows };
        self.tables.tables.lock().unwrap().get_mut(table).unwrap().slices.push(slice);
        *n_commits
    }

    /// Moves the rows in memory into one file, as compaction does.
    pub(crate) async fn compact(&self, name: &str) {
        self.compact_counting(name, &[]).await;
    }

    /// The same into a file that says how often it holds each value, be it true or not.
    pub(crate) async fn compact_counting(&self, name: &str, counts: &[(i32, Json)]) {
        let table = self.tables.table(name).unwrap();
        let rows: Vec<&RecordBatch> = table.slices.iter().map(|slice| &slice.rows).collect();
        let rows = concat_batches(&rows[0].schema(), rows).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
        writer.write(&rows).unwrap();
        for (field, counts) in counts {
            writer.append_key_value_metadata(KeyValue::new(values::key(*field), counts.to_string()));
        }
        writer.close().unwrap();
        let path = format!("{name}/{}.parquet", table.files.len());
        let file = DataFile {
            path: path.clone(),
            size_bytes: bytes.len() as u64,
            n_rows: rows.num_rows() as u64,
            commit_min: table.slices.first().unwrap().commit,
            commit_max: table.slices.last().unwrap().commit,
            ranges: rows
                .schema()
                .fields()
                .iter()
                .zip(rows.columns())
                .filter_map(|(field, column)| range(field, column))
                .collect(),
            sorted: true,
        };
        self.store.put(&path.into(), bytes.into()).await.unwrap();
        let mut tables = self.tables.tables.lock().unwrap();
        let table = tables.get_mut(name).unwrap();
        table.slices.clear();
        table.files.push(Arc::new(file));
    }

    /// Takes the oldest commit's rows away, as retention does.
    pub(crate) fn expire(&self, name: &str) {
        self.tables.tables.lock().unwrap().get_mut(name).unwrap().slices.remove(0);
    }

    /// Makes the table's only file claim a million rows, or no longer: how a statement is planned depends on it.
    pub(crate) fn pretend_long(&self, name: &str, is_long: bool) {
        let mut tables = self.tables.tables.lock().unwrap();
        let file = Arc::make_mut(&mut tables.get_mut(name).unwrap().files[0]);
        file.n_rows = if is_long { file.n_rows + 1_000_000 } else { file.n_rows - 1_000_000 };
    }

    /// Whether rows are not in a file yet.
    pub(crate) fn tables_in_memory(&self, name: &str) -> bool {
        !self.tables.table(name).unwrap().slices.is_empty()
    }

    /// Adds `n` small slices like the last one.
    pub(crate) fn tail_of(&self, name: &str, n: usize) {
        let mut tables = self.tables.tables.lock().unwrap();
        let slices = &mut tables.get_mut(name).unwrap().slices;
        let last = slices.last().unwrap().clone();
        slices.extend(std::iter::repeat_n(last, n));
    }

    /// Adds `n` files of years to come, which no test may read: there are none in the store.
    pub(crate) fn files_of(&self, name: &str, n: i64) {
        let mut tables = self.tables.tables.lock().unwrap();
        let table = tables.get_mut(name).unwrap();
        let file = |n: i64| DataFile {
            path: format!("{name}/{n}.parquet"),
            size_bytes: 1 << 20,
            n_rows: 1,
            commit_min: CommitId(1),
            commit_max: CommitId(1),
            ranges: vec![
                ColumnRange { field: 1, min: n, max: n, n_nulls: 0 },
                ColumnRange {
                    field: 3,
                    min: NOW.0 + (n + 2_000) * 60 * MINUTE,
                    max: NOW.0 + (n + 2_000) * 60 * MINUTE,
                    n_nulls: 0,
                },
            ],
            sorted: true,
        };
        table.files.extend((0..n).map(|n| Arc::new(file(n))));
    }

    /// Runs a statement to its end.
    pub(crate) async fn run(&self, query: Query) -> Result<(Answer, Vec<RecordBatch>)> {
        let mut answer = self.engine.run(query).await?;
        let rows = std::mem::replace(&mut answer.rows, Box::pin(futures::stream::empty()));
        let rows = rows.try_collect().await?;
        Ok((answer, rows))
    }

    /// Runs `sql`.
    pub(crate) async fn query(&self, sql: &str) -> Result<Vec<RecordBatch>> {
        Ok(self.run(Query { sql: sql.to_owned(), ..Query::default() }).await?.1)
    }

    /// The rows as text: columns separated by `|`.
    pub(crate) async fn text(&self, sql: &str) -> String {
        match self.query(sql).await {
            Ok(rows) => text(&rows),
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    /// The rows as text, with parameters.
    pub(crate) async fn text_with(&self, sql: &str, parameters: Parameters) -> Result<String> {
        Ok(text(&self.run(Query { sql: sql.to_owned(), parameters, ..Query::default() }).await?.1))
    }

    /// The names of the columns of the answer.
    pub(crate) async fn columns(&self, sql: &str) -> String {
        let (answer, _) =
            self.run(Query { sql: sql.to_owned(), ..Query::default() }).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        answer.schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The complaint about `sql`.
    pub(crate) async fn complaint(&self, sql: &str) -> Error {
        match self.query(sql).await {
            Ok(rows) => panic!("{sql} answered {}", text(&rows)),
            Err(error) => error,
        }
    }
}

fn range(field: &arrow::datatypes::Field, column: &ArrayRef) -> Option<ColumnRange> {
    let numbers = match field.data_type() {
        DataType::Int64 | DataType::Int32 | DataType::Date32 => cast(column, &DataType::Int64).unwrap(),
        time if *time == timestamp_type() => cast(column, &DataType::Int64).unwrap(),
        _ => return None,
    };
    let numbers = numbers.as_primitive::<Int64Type>();
    let field = field.metadata().get(FIELD_ID)?.parse().ok()?;
    Some(ColumnRange { field, min: min(numbers)?, max: max(numbers)?, n_nulls: numbers.null_count() as u64 })
}

/// Rows as text: columns separated by `|`.
pub(crate) fn text(batches: &[RecordBatch]) -> String {
    let mut lines = Vec::new();
    for batch in batches {
        let options = FormatOptions::default().with_null("NULL");
        let columns: Vec<_> = batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    lines.join("\n")
}
