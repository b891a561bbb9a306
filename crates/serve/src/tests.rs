//! The whole router, asked in memory; behind it stand doubles of the seams that say what each test told them.

mod console;
mod deliveries;
mod documents;
mod gate;
mod health;
mod listen;
mod live;
mod query;
mod records;
mod routes;
mod streams;
mod tail;
mod wizard;

use crate::{Config, Parts, Sampler, open};
use arrow::array::{AsArray, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use helios_contract::column::{Column, ColumnType};
use helios_contract::commit::{Commit, CommitId, Counts};
use helios_contract::condition::{Condition, Conditions};
use helios_contract::console::{Console, Explained, Function, FunctionKind, Operator, Progress, Reading, StatementRead};
use helios_contract::decode::Reject;
use helios_contract::documents::{Document, DocumentKind, Documents, Page};
use helios_contract::name::TableName;
use helios_contract::probe::{Check, CheckState, Guess, Preview, PreviewColumn, Probe, Sample, SampleRecord, Topic};
use helios_contract::query::{Answer, Push, Pushed, Query, QueryEngine, Receiver, SenderRange};
use helios_contract::record::Offsets;
use helios_contract::store::{Catalog, Changes, Slice, Snapshot, TableStore, Verified, Verify, Version};
use helios_contract::stream::{SourceKind, Stream, StreamCommand, StreamControl, StreamDefinition, StreamId, StreamStatus};
use helios_contract::{Clock, Error, Result, StreamName, Timestamp};
use http_body_util::BodyExt;
use serde_json::Value;
use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tower::ServiceExt;

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// A double of every seam; what it answers is put in first, what it was asked is read afterwards.
#[derive(Default)]
pub(crate) struct Fake {
    pub answers: Mutex<VecDeque<Result<Vec<Result<RecordBatch>>>>>,
    pub asked: Mutex<Vec<Query>>,
    pub pushes: Mutex<Vec<Push>>,
    pub push_error: Mutex<Option<Error>>,
    pub status: Mutex<Vec<StreamStatus>>,
    pub streams: Mutex<Vec<Arc<Stream>>>,
    pub slices: Mutex<Vec<Slice>>,
    pub committed: Notify,
    pub verified: Mutex<Vec<Verified>>,
    pub progress: Mutex<HashMap<String, Progress>>,
    pub documents: Mutex<Vec<(DocumentKind, Document)>>,
    pub pages: Mutex<Vec<Page>>,
    /// How long ago the answers were computed.
    pub age: Mutex<Option<Duration>>,
    /// Lives in every answer's rows, so that tests see when an answer is dropped.
    pub alive: Arc<()>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Clock for Fake {
    fn now(&self) -> Timestamp {
        NOW
    }
}

#[async_trait]
impl QueryEngine for Fake {
    async fn check(&self, sql: &str) -> Result<SchemaRef> {
        if sql.contains("nothing") {
            Err(Error::invalid("no table nothing").at(1, 15).hint("Did you mean `orders`?"))
        } else {
            Ok(schema())
        }
    }

    async fn run(&self, query: Query) -> Result<Answer> {
        let id = if query.id.is_empty() { "q1".to_owned() } else { query.id.clone() };
        self.asked.lock().unwrap().push(query);
        let batches = self.answers.lock().unwrap().pop_front().unwrap_or_else(|| Ok(vec![Ok(orders())]))?;
        let schema = batches.iter().flatten().next().map_or_else(schema, RecordBatch::schema);
        let alive = self.alive.clone();
        let rows = futures::stream::iter(batches).inspect(move |_| drop(alive.clone())).boxed();
        Ok(Answer {
            id,
            schema,
            snapshot: Some(CommitId(512)),
            freshness: Some(Duration::from_millis(400)),
            age: *self.age.lock().unwrap(),
            rows,
        })
    }

    fn cancel(&self, id: &str) -> bool {
        id == "q1"
    }

    async fn definition(&self, statement: &str) -> Result<StreamDefinition> {
        if statement.contains("nothing") {
            return Err(Error::invalid("the statement creates no stream"));
        }
        Ok(StreamDefinition::new(StreamName::new("orders")?, SourceKind::Kafka))
    }
}

#[async_trait]
impl Console for Fake {
    async fn read(&self, sql: &str) -> Reading {
        let error = sql.contains("nothing").then(|| Error::invalid("no table nothing").at(1, 15).hint("Did you mean `orders`?"));
        let kind = if sql.starts_with("DROP") { "drop stream" } else { "select" };
        let statement = StatementRead { bytes: 0..sql.len(), kind: kind.to_owned(), read_only: kind == "select" };
        Reading {
            statements: vec![statement],
            parameters: vec![("country".to_owned(), Some(DataType::Utf8)), ("x".to_owned(), None)],
            fields: error.is_none().then(schema),
            error,
        }
    }

    async fn explain(&self, query: Query, analyze: bool) -> Result<Explained> {
        self.asked.lock().unwrap().push(query);
        let time = analyze.then(|| Duration::from_micros(1_500));
        let operator = Operator { depth: 0, name: "read".to_owned(), detail: "orders".to_owned(), n_rows: Some(2), time };
        Ok(Explained { operators: vec![operator], findings: vec!["All is well.".to_owned()], n_files: 3, ..Explained::default() })
    }

    fn functions(&self) -> Vec<Function> {
        let (name, signature) = ("abs".to_owned(), "abs(number)".to_owned());
        vec![Function { name, signature, kind: FunctionKind::Scalar, doc: "Without its sign.".to_owned() }]
    }

    fn progress(&self, id: &str) -> Option<Progress> {
        self.progress.lock().unwrap().get(id).cloned()
    }
}

/// `id > N` and nothing else.
struct Above(i64);

impl Condition for Above {
    fn holds(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        let ids: &Int64Array = rows.column_by_name("id").unwrap().as_primitive();
        Ok(ids.iter().map(|id| id.map(|id| id > self.0)).collect())
    }
}

impl Conditions for Fake {
    fn compile(&self, condition: &str, _: &SchemaRef) -> Result<Arc<dyn Condition>> {
        let above = condition.strip_prefix("id > ").and_then(|n| n.parse().ok());
        above.map(|n| Arc::new(Above(n)) as _).ok_or_else(|| Error::invalid("not a condition").at(1, 3))
    }
}

#[async_trait]
impl Documents for Fake {
    async fn get(&self, kind: DocumentKind, id: &str) -> Result<Option<Document>> {
        Ok(self.documents.lock().unwrap().iter().find(|(k, d)| *k == kind && d.id == id).map(|(_, d)| d.clone()))
    }

    async fn put(&self, kind: DocumentKind, document: Document) -> Result<()> {
        self.delete(kind, &document.id).await?;
        self.documents.lock().unwrap().push((kind, document));
        Ok(())
    }

    async fn list(&self, kind: DocumentKind, page: Page) -> Result<Vec<Document>> {
        self.pages.lock().unwrap().push(page);
        Ok(self.documents.lock().unwrap().iter().rev().filter(|(k, _)| *k == kind).map(|(_, d)| d.clone()).collect())
    }

    async fn delete(&self, kind: DocumentKind, id: &str) -> Result<bool> {
        let mut documents = self.documents.lock().unwrap();
        let n_before = documents.len();
        documents.retain(|(k, d)| *k != kind || d.id != id);
        Ok(documents.len() < n_before)
    }
}

#[async_trait]
impl Probe for Fake {
    fn test(&self, _: StreamDefinition) -> BoxStream<'static, Check> {
        let check = |name, state, ms| {
            let took = Some(Duration::from_millis(ms));
            Check { name, state, took, message: "told".to_owned(), hint: String::new() }
        };
        futures::stream::iter([check("dns", CheckState::Ok, 12), check("tcp", CheckState::Failed, 5)]).boxed()
    }

    async fn topics(&self, _: StreamDefinition) -> Result<Vec<Topic>> {
        Ok(vec![Topic { name: "orders".to_owned(), n_partitions: 3, n_records: None }])
    }

    async fn sample(&self, _: StreamDefinition, n_records_max: usize) -> Result<Sample> {
        let record = |payload: &'static [u8]| SampleRecord {
            partition: "0".to_owned(),
            position: "17".to_owned(),
            time: Some(NOW),
            key: Some(Bytes::from_static(b"k")),
            headers: vec![("h".to_owned(), None)],
            payload: Bytes::from_static(payload),
        };
        let records = [record(b"{\"id\":1}"), record(b"\xff")].into_iter().take(n_records_max).collect();
        Ok(Sample { format: Guess::Json, why: "They are.".to_owned(), records })
    }

    async fn preview(&self, definition: StreamDefinition, payloads: Vec<Bytes>) -> Result<Preview> {
        let reject = Reject { index: payloads.len() - 1, reason: "expected a number".to_owned(), path: "id".to_owned() };
        let column = Column::new("id", ColumnType::BigInt);
        let seen = PreviewColumn { column, seen: 0.5, why: "Whole numbers.".to_owned(), examples: vec!["1".to_owned()] };
        Ok(Preview { definition, columns: vec![seen], rows: orders(), rejects: vec![reject] })
    }
}

#[async_trait]
impl Receiver for Fake {
    async fn push(&self, push: Push) -> Result<Pushed> {
        let n = push.body.iter().filter(|b| **b == b'{').count() as u64;
        self.pushes.lock().unwrap().push(push);
        match self.push_error.lock().unwrap().take() {
            Some(error) => Err(error),
            None => Ok(Pushed {
                commit: CommitId(7),
                counts: Counts { received: n, stored: n, ..Counts::default() },
                repeated: false,
            }),
        }
    }

    fn expect(&self, _: &StreamName, _: &SenderRange) -> Box<dyn Any + Send> {
        Box::new(())
    }

    async fn position(&self, _: &StreamName, partition: &str) -> Result<Option<String>> {
        Ok((partition == "file:abc").then(|| "4096".to_owned()))
    }
}

#[async_trait]
impl StreamControl for Fake {
    async fn apply(&self, _: StreamCommand) -> Result<StreamDefinition> {
        unreachable!("statements go through the engine")
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
        self.status.lock().unwrap().clone()
    }
}

#[async_trait]
impl Catalog for Fake {
    fn streams(&self) -> Vec<Arc<Stream>> {
        self.streams.lock().unwrap().clone()
    }

    async fn create(&self, _: StreamDefinition) -> Result<Arc<Stream>> {
        unreachable!("serve only reads")
    }

    async fn replace(&self, _: Stream) -> Result<Arc<Stream>> {
        unreachable!("serve only reads")
    }

    async fn remove(&self, _: &StreamName) -> Result<()> {
        unreachable!("serve only reads")
    }
}

#[async_trait]
impl TableStore for Fake {
    async fn offsets(&self, _: StreamId) -> Result<Offsets> {
        Ok(Offsets::from([("0".to_owned(), "17".to_owned())]))
    }

    async fn commit(&self, _: Commit) -> Result<CommitId> {
        unreachable!("serve only reads rows")
    }

    async fn snapshot(&self, table: &TableName, _: Version) -> Result<Snapshot> {
        if table.as_str() != "orders" {
            return Err(Error::not_found(format!("no stream {table}")));
        }
        let version = self.slices.lock().unwrap().last().map_or(CommitId(0), |slice| slice.commit);
        Ok(Snapshot {
            stream: stream(),
            schema: schema(),
            version,
            committed_at: None,
            newest: None,
            tail: Vec::new(),
            files: Vec::new(),
        })
    }

    async fn since(&self, _: &TableName, after: CommitId) -> Result<Vec<Slice>> {
        Ok(self.slices.lock().unwrap().iter().filter(|slice| slice.commit > after).cloned().collect())
    }
}

#[async_trait]
impl Changes for Fake {
    async fn changed(&self, _: &TableName, _: CommitId) -> Result<()> {
        self.committed.notified().await;
        if self.slices.lock().unwrap().is_empty() { Err(Error::not_found("the stream is gone")) } else { Ok(()) }
    }
}

#[async_trait]
impl Verify for Fake {
    async fn verify(&self, _: Option<&StreamName>) -> Result<Vec<Verified>> {
        Ok(self.verified.lock().unwrap().clone())
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("price", DataType::Decimal128(10, 2), true),
        Field::new("country", DataType::Utf8, true),
        Field::new("weight", DataType::Float64, true),
    ]))
}

/// Two orders: an integer beyond 2^53, a decimal, a quote and a comma, no weight.
pub(crate) fn orders() -> RecordBatch {
    let price = Decimal128Array::from(vec![Some(1_230), Some(-5)]).with_precision_and_scale(10, 2).unwrap();
    RecordBatch::try_new(
        schema(),
        vec![
            Arc::new(Int64Array::from(vec![i64::MAX, 2])),
            Arc::new(price),
            Arc::new(StringArray::from(vec!["a\"b,c", "DE"])),
            Arc::new(Float64Array::from(vec![None, Some(1.5)])),
        ],
    )
    .unwrap()
}

pub(crate) fn stream() -> Arc<Stream> {
    let definition = StreamDefinition::new(StreamName::new("orders").unwrap(), SourceKind::Http);
    Arc::new(Stream { id: StreamId(1), version: 1, definition, paused: false, created_at: NOW })
}

/// A router over a double.
pub(crate) struct Site {
    pub router: axum::Router,
    pub sampler: Sampler,
    pub fake: Arc<Fake>,
}

impl Site {
    pub(crate) fn new() -> Site {
        Site::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Site {
        let fake = Arc::new(Fake::default());
        let parts = Parts {
            clock: fake.clone(),
            engine: fake.clone(),
            receiver: fake.clone(),
            control: fake.clone(),
            catalog: fake.clone(),
            tables: fake.clone(),
            changes: fake.clone(),
            verify: fake.clone(),
            console: fake.clone(),
            conditions: fake.clone(),
            documents: fake.clone(),
            probe: fake.clone(),
            system: Vec::new(),
            metrics: prometheus::Registry::new(),
            seed: [7; 32],
        };
        let (router, sampler) = open(config, parts);
        Site { router, sampler, fake }
    }

    /// Sends a request and reads the whole answer; `headers` as `[("name", "value")]`.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:4321");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let (head, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        let mut aborted = false;
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(_) => aborted = true,
            }
        }
        Reply { status: head.status, headers: head.headers, bytes, aborted }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn sql(&self, sql: &str, format: &str) -> Reply {
        self.send("POST", &format!("/api/v1/query?format={format}"), &[], sql.to_owned()).await
    }
}

pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    /// Whether the body ended abnormally.
    pub aborted: bool,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
