//! The engine: takes a statement, answers it.

use crate::history::{History, Queries, Ticket};
use crate::limits::Allowed;
use crate::parse::{self, Statement, Text};
use crate::plan::Physical;
use crate::remote::{self, RemoteTable, StoredTable};
use crate::results::{Begun, Keeping, Kept, Question, Results};
use crate::rewrite::{self, CATALOG, INFORMATION, Needs, PUBLIC, SYSTEM};
use crate::run::{self, Running, too_slow};
use crate::session::{Session, Sessions};
use crate::table::{SnapshotTable, declared};
use crate::{newest, outlets, parameters, plan, quarantine, rehearse, show, snapshots, system};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::StreamExt;
use helios_contract::Clock;
use helios_contract::cluster::{ClusterCommand, ClusterDefinition};
use helios_contract::drift::Backfill;
use helios_contract::error::{Error, Result, nearest};
use helios_contract::quarantine::QuarantineControl;
use helios_contract::query::{Answer, Parameters, Query, QueryEngine, Reuse};
use helios_contract::sink::{OutletCommand, Outlets};
use helios_contract::store::{Catalog, Snapshot, TableStore};
use helios_contract::stream::{OptionValue, Options, Stream, StreamChange, StreamCommand, StreamControl, StreamDefinition};
use helios_contract::system::SystemTable;
use object_store::ObjectStore;
use prometheus::Registry;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// What queries may use. Each limit is both the default and the most a query can ask for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Memory of one query, before it spills.
    pub memory_bytes: u64,
    /// Memory of all queries together.
    pub memory_bytes_total: u64,
    /// Wall time of one query, from its start until its last row is taken.
    pub seconds: u64,
    /// Rows one query may answer.
    pub n_rows: u64,
    /// Queries that run at the same time; more wait a little, then are refused.
    pub n_queries: usize,
    /// Parts a query is divided into, to run on as many cores.
    pub n_partitions: usize,
    /// Where queries spill to; the system's folder for temporary files when none is given.
    pub spill_dir: Option<PathBuf>,
    /// The most that may be spilled by all queries together.
    pub spill_bytes: u64,
    /// Wall time of an export, which has no limit of rows.
    pub export_seconds: u64,
    /// Memory of the answers that are kept for whoever asks the same again; 0 keeps none.
    pub kept_bytes: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            memory_bytes: 256 << 20,
            memory_bytes_total: 512 << 20,
            seconds: 30,
            n_rows: 1_000_000,
            n_queries: 16,
            n_partitions: 2,
            spill_dir: None,
            spill_bytes: 10 << 30,
            export_seconds: 600,
            kept_bytes: 64 << 20,
        }
    }
}

/// What the engine is put together from.
pub struct Parts {
    /// Tells `now()`.
    pub clock: Arc<dyn Clock>,
    /// Where snapshots come from.
    pub tables: Arc<dyn TableStore>,
    /// Which streams there are.
    pub catalog: Arc<dyn Catalog>,
    /// Carries out statements about streams.
    pub control: Arc<dyn StreamControl>,
    /// Carries out statements about clusters and sinks, and answers what is asked of clusters.
    pub outlets: Arc<dyn Outlets>,
    /// Carries out statements about quarantine.
    pub quarantine: Arc<dyn QuarantineControl>,
    /// Where the files of snapshots are.
    pub store: Arc<dyn ObjectStore>,
    /// Reads the values of promoted columns out of older rows.
    pub backfill: Backfill,
    /// Where queries compute, so that a heavy one holds up nobody else; `None`: where the caller runs.
    pub runtime: Option<Handle>,
    /// `system.*`, to which the engine adds `queries` and `metrics`.
    pub system: Vec<Arc<dyn SystemTable>>,
    /// Where the engine counts, and what `system.metrics` shows.
    pub metrics: Registry,
}

/// Answers SQL over snapshots.
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) parts: Parts,
    pub(crate) sessions: Sessions,
    system: Arc<dyn SchemaProvider>,
    pub(crate) history: Arc<History>,
    results: Arc<Results>,
    slots: Arc<Semaphore>,
}

/// How long a query waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// Batches computed ahead of whoever takes them.
const N_BATCHES_COMPUTED: usize = 2;

/// Puts an engine together.
///
/// # Errors
/// `Unavailable` when the folder for spilling cannot be used; `Internal` when metrics of the same names are registered.
pub fn open(config: Config, mut parts: Parts) -> Result<Arc<Engine>> {
    let sessions = Sessions::open(&config, Arc::clone(&parts.store), parts.backfill)?;
    let history = History::open(Arc::clone(&parts.clock), &parts.metrics)?;
    let results = Results::open(config.kept_bytes, &parts.metrics)?;
    parts.system.push(Arc::new(Queries(Arc::clone(&history))));
    parts.system.push(Arc::new(system::Metrics(parts.metrics.clone())));
    let system = system::schema(&parts.system);
    let slots = Arc::new(Semaphore::new(config.n_queries.max(1)));
    Ok(Arc::new(Engine { config, parts, sessions, system, history, results, slots }))
}

#[async_trait]
impl QueryEngine for Engine {
    async fn check(&self, sql: &str) -> Result<SchemaRef> {
        let (statement, text) = plan::parse(sql).await?;
        match statement {
            Statement::Query(mut statement) => {
                parameters::blank(&mut statement);
                let needs = rewrite::rewrite(&mut statement, &text)?;
                let (session, _) = self.session(&needs, self.config.memory_bytes).await?;
                plan::fields(session, *statement, text).await
            }
            Statement::Stream(command) => Ok(Arc::new(show::fields(&command))),
            Statement::Quarantine(statement) => quarantine::blank(&statement.verb).map(|batch| batch.schema()),
            Statement::Rehearsal(_) => rehearse::blank().map(|batch| batch.schema()),
            Statement::Outlet(_) => outlets::findings(&[]).map(|batch| batch.schema()),
            shown => self.shown(&shown).map(|batch| batch.schema()),
        }
    }

    async fn run(&self, query: Query) -> Result<Answer> {
        let allowed = Allowed::of(&self.config, &query.limits);
        let time = if parse::commits_as_it_goes(&query.sql) { quarantine::REPLAY_WITHIN } else { allowed.time };
        let deadline = Instant::now() + time;
        let ticket = self.history.begin(&query.id, parse::unread(&query.sql))?;
        let started = tokio::select! {
            biased;
            error = ticket.cancelled() => Err(error),
            () = tokio::time::sleep_until(deadline) => Err(too_slow(time)),
            started = self.start(&query, &allowed, &ticket) => started,
        };
        match started {
            Ok(started) => Ok(started.answer(allowed, deadline, ticket)),
            Err(error) => {
                ticket.end(Err(&error));
                Err(error)
            }
        }
    }

    fn cancel(&self, id: &str) -> bool {
        self.history.cancel(id)
    }

    async fn definition(&self, statement: &str) -> Result<StreamDefinition> {
        match plan::parse(statement).await?.0 {
            Statement::Stream(StreamCommand::Create { definition, .. }) => Ok(*definition),
            _ => Err(Error::invalid("the statement creates no stream").hint("Write CREATE STREAM name FROM ...")),
        }
    }
}

/// A statement that was read and begun.
pub(crate) enum Started {
    /// Carried out: this is the answer.
    Done(RecordBatch),
    /// Rows will come.
    Rows(Box<Rows>),
    /// Answered before.
    Again { kept: Arc<Kept>, freshness: Option<Duration> },
}

/// Rows being computed.
pub(crate) struct Rows {
    pub(crate) rows: SendableRecordBatchStream,
    pub(crate) snapshots: Vec<Arc<Snapshot>>,
    pub(crate) slot: OwnedSemaphorePermit,
    pub(crate) freshness: Option<Duration>,
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    /// Where the answer is kept for others.
    pub(crate) keeping: Option<Keeping>,
}

impl Started {
    fn answer(self, allowed: Allowed, deadline: Instant, ticket: Ticket) -> Answer {
        let id = ticket.id.clone();
        match self {
            Started::Done(batch) => {
                let schema = batch.schema();
                Answer { id, schema, snapshot: None, freshness: None, age: None, rows: run::one(batch, ticket) }
            }
            Started::Again { kept, freshness } => {
                ticket.reads(kept.snapshot);
                let (schema, age) = (Arc::clone(&kept.schema), Some(kept.at.elapsed()));
                Answer { id, schema, snapshot: kept.snapshot, freshness, age, rows: run::again(kept, ticket) }
            }
            Started::Rows(started) => {
                let Rows { rows, snapshots, slot, freshness, plan, keeping } = *started;
                let snapshot = snapshots.iter().map(|snapshot| snapshot.version).max();
                ticket.reads(snapshot);
                ticket.runs(&plan);
                let schema = rows.schema();
                let rows = run::rows(Running { rows, snapshots, slot, allowed, deadline, ticket, keeping });
                Answer { id, schema, snapshot, freshness, age: None, rows }
            }
        }
    }
}

impl Engine {
    /// Every table of the schema `system`.
    pub fn system_tables(&self) -> &[Arc<dyn SystemTable>] {
        &self.parts.system
    }

    async fn start(&self, query: &Query, allowed: &Allowed, ticket: &Ticket) -> Result<Started> {
        if let Some(cluster) = outlets::engine_of(&query.sql) {
            ticket.show(&query.sql);
            return self.foreign(cluster, &query.sql, allowed).await;
        }
        let asked = Instant::now();
        let question = Question::of(query, allowed);
        let mut turn = None;
        let mut again = self.again(query.reuse, &question, asked).await;
        if again.is_none() && matches!(query.reuse, Reuse::Within(_)) {
            turn = Some(self.results.turn(&question).await);
            again = self.again(query.reuse, &question, asked).await;
        }
        if let Some(again) = again {
            ticket.show(&query.sql);
            return Ok(again);
        }
        let (statement, text) = plan::parse(&query.sql).await?;
        ticket.show(redacted(&statement).as_deref().unwrap_or(&query.sql));
        match statement {
            Statement::Query(statement) => {
                let rows = self.select(*statement, text, &query.parameters, allowed, Some((question, turn)));
                Ok(Started::Rows(Box::new(Box::pin(rows).await?)))
            }
            Statement::Stream(command) => {
                let definition = self.parts.control.apply(command.clone()).await?;
                show::carried_out(&command, &definition).map(Started::Done)
            }
            Statement::Outlet(command) => self.outlet(command).await.map(Started::Done),
            Statement::Describe(name) if name.len() == 3 && name[0] != CATALOG => self.describe(&name).await.map(Started::Done),
            Statement::Rehearsal(statement) => self.rehearse(statement, text, allowed).await.map(Started::Done),
            Statement::Quarantine(statement) => {
                self.quarantine(statement, text, &query.parameters, allowed).await.map(Started::Done)
            }
            shown => self.shown(&shown).map(Started::Done),
        }
    }

    pub(crate) async fn select(
        &self,
        mut statement: SqlStatement,
        text: Text,
        parameters: &Parameters,
        allowed: &Allowed,
        kept_for: Option<(Question, Option<OwnedMutexGuard<()>>)>,
    ) -> Result<Rows> {
        let slot = self.turn().await?;
        let at = Instant::now();
        parameters::bind(&mut statement, parameters)?;
        let is_query = matches!(statement, SqlStatement::Query(_));
        let needs = rewrite::rewrite(&mut statement, &text)?;
        let (session, snapshots) = self.session(&needs, allowed.memory_bytes as u64).await?;
        let newest = snapshots.iter().filter_map(|snapshot| snapshot.newest).max();
        let freshness = newest.map(|newest| self.parts.clock.now().since(newest));
        let is_long = newest::is_long(&snapshots);
        let planned = plan::physical(session, statement, text, is_long, slot).await?;
        let Physical { session, plan, is_repeatable, newest, held: slot } = planned;
        let (session, plan) = match newest {
            Some(newest) => self.narrow(session, newest).await?,
            None => (session, plan),
        };
        let is_here = |snapshot: &Arc<Snapshot>| self.parts.outlets.stored(snapshot.stream.id).is_none();
        let is_repeatable = is_repeatable
            && needs.remote.is_empty()
            && snapshots.iter().all(is_here)
            && needs.tables.iter().all(|table| table.version.is_none());
        let keeping = kept_for.filter(|_| is_query).map(|(question, turn)| {
            let begun = Begun { schema: plan.schema(), at, snapshots: &snapshots, is_repeatable };
            Keeping::new(&self.results, question, turn, begun)
        });
        let rows = self.execute(&plan, session.task);
        Ok(Rows { rows, snapshots, slot, freshness, plan, keeping })
    }

    /// The kept answer to a question, if it will do.
    async fn again(&self, reuse: Reuse, question: &Question, asked: Instant) -> Option<Started> {
        let kept = match reuse {
            Reuse::Never => return None,
            Reuse::Exact | Reuse::Within(_) => self.results.newest(question)?,
        };
        let is_young = matches!(reuse, Reuse::Within(age) if kept.is_within(age, asked));
        if !is_young && !kept.is_exact(&*self.parts.tables).await {
            return None;
        }
        self.results.reused();
        let freshness = kept.newest.map(|newest| self.parts.clock.now().since(newest));
        Some(Started::Again { kept, freshness })
    }

    /// Begins a plan, in tasks of its own where queries compute: whoever takes the rows only waits.
    pub(crate) fn execute(&self, plan: &Arc<dyn ExecutionPlan>, task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut rows = RecordBatchReceiverStream::builder(plan.schema(), N_BATCHES_COMPUTED);
        let (plan, computed) = (Arc::clone(plan), rows.tx());
        let compute = async move {
            let mut batches = execute_stream(plan, task)?;
            while let Some(batch) = batches.next().await {
                if computed.send(batch).await.is_err() {
                    break; // Nobody takes them any more.
                }
            }
            Ok(())
        };
        match &self.parts.runtime {
            Some(runtime) => rows.spawn_on(compute, runtime),
            None => rows.spawn(compute),
        }
        rows.build()
    }

    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        match tokio::time::timeout(TURN_TIMEOUT, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(slot) => Ok(slot.expect("the semaphore is never closed")),
            Err(_) => Err(Error::exhausted(format!("{} queries are running and none ended in time", self.config.n_queries))
                .hint("Try again, or cancel one of those in system.queries.")),
        }
    }

    /// A session with the tables a statement needs, and their snapshots.
    pub(crate) async fn session(&self, needs: &Needs, memory_bytes: u64) -> Result<(Session, Vec<Arc<Snapshot>>)> {
        let memory_bytes = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
        let public: Arc<MemorySchemaProvider> = Arc::default();
        let schemas: Vec<(&str, Arc<dyn SchemaProvider>)> =
            vec![(PUBLIC, Arc::clone(&public) as _), (SYSTEM, Arc::clone(&self.system))];
        let session = self.sessions.begin(schemas, self.parts.clock.now(), memory_bytes);
        if let Some((name, position)) = needs.system.iter().find(|(name, _)| !self.system.table_exist(name)) {
            return Err(parse::at(snapshots::unknown_table(&self.parts, &format!("{SYSTEM}.{name}")), *position));
        }
        let snapshots = snapshots::fetch(&self.parts, &session, &needs.tables).await?;
        let register = |name: String, table: Arc<dyn TableProvider>| drop(public.register_table(name, table));
        let within = Duration::from_secs(self.config.seconds);
        for (reference, snapshot) in needs.tables.iter().zip(&snapshots) {
            let table = SnapshotTable::new(Arc::clone(snapshot), &needs.hidden, self.sessions.access());
            let stored = self.parts.outlets.stored(snapshot.stream.id).map(|stored| stored.until(snapshot.version));
            match stored {
                None => register(reference.planned_as.clone(), Arc::new(table.viewed())),
                Some(stored) => {
                    let table = StoredTable::open(&stored, table.after(stored.delivered), within).await;
                    register(reference.planned_as.clone(), Arc::new(table.map_err(|e| parse::at(e, reference.position))?));
                }
            }
        }
        for (name, table) in remote::fetch(&*self.parts.outlets, &needs.remote, within).await? {
            register(name, Arc::<RemoteTable>::new(table));
        }
        if needs.every_table {
            for stream in self.parts.catalog.streams() {
                let name = stream.definition.name.to_string();
                if !public.table_exist(&name) {
                    register(name, declared(&stream.definition));
                }
            }
        }
        Ok((session, snapshots))
    }

    fn shown(&self, statement: &Statement) -> Result<RecordBatch> {
        match statement {
            Statement::ShowFunctions => show::functions(self.sessions.functions()),
            Statement::ShowStreams => show::streams(&self.parts.control.status()),
            Statement::ShowClusters => self.show_clusters(),
            Statement::ShowSinks => self.show_sinks(),
            Statement::ShowCreateStream(name) => show::create_stream(&self.stream(name)?.definition),
            Statement::Describe(name) => match name.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                [name] | [PUBLIC, name] => show::stream_columns(&self.table(name)?.definition),
                [SYSTEM, name] => match self.parts.system.iter().find(|table| table.name() == name) {
                    Some(table) => show::columns(&table.schema()),
                    None => Err(snapshots::unknown_table(&self.parts, &format!("system.{name}"))),
                },
                _ => Err(Error::invalid(format!("{} cannot be described", name.join(".")))
                    .hint(format!("Name a stream or a table of the schema system; {INFORMATION}.columns lists the rest."))),
            },
            Statement::Query(_)
            | Statement::Stream(_)
            | Statement::Outlet(_)
            | Statement::Quarantine(_)
            | Statement::Rehearsal(_) => Err(Error::internal("a statement went the wrong way")),
        }
    }

    fn table(&self, name: &str) -> Result<Arc<Stream>> {
        let found = self.parts.catalog.streams().into_iter().find(|stream| stream.definition.name.as_str() == name);
        found.ok_or_else(|| snapshots::unknown_table(&self.parts, name))
    }

    pub(crate) fn stream(&self, name: &str) -> Result<Arc<Stream>> {
        let streams = self.parts.catalog.streams();
        let near = nearest(name, streams.iter().map(|stream| stream.definition.name.as_str())).map(str::to_owned);
        streams.into_iter().find(|stream| stream.definition.name.as_str() == name).ok_or_else(|| {
            Error::not_found(format!("there is no stream `{name}`")).hint(match near {
                Some(near) => format!("Did you mean `{near}`?"),
                None => "SHOW STREAMS lists them.".to_owned(),
            })
        })
    }
}

/// A statement with options as `system.queries` shows it: without texts that may be secret. `None`: as it was sent.
fn redacted(statement: &Statement) -> Option<String> {
    match statement {
        Statement::Stream(StreamCommand::Create { definition, .. }) => {
            let mut definition = definition.clone();
            definition.options = hushed(&definition.options);
            definition.format_options = hushed(&definition.format_options);
            Some(definition.to_string())
        }
        Statement::Outlet(OutletCommand::Cluster(ClusterCommand::Create { definition, .. })) => {
            let options = hushed(&definition.options);
            Some(ClusterDefinition { options, ..definition.clone() }.to_string())
        }
        Statement::Outlet(OutletCommand::Cluster(ClusterCommand::Set(name, _))) => {
            Some(format!("ALTER CLUSTER {name} SET (...)"))
        }
        Statement::Stream(StreamCommand::Alter { name, change: StreamChange::SetOptions(options) }) => {
            let options: Vec<String> = hushed(options).iter().map(|(option, value)| format!("{option} = {value}")).collect();
            Some(format!("ALTER STREAM {name} SET ({})", options.join(", ")))
        }
        _ => None,
    }
}

fn hushed(options: &Options) -> Options {
    const TELLING: [&str; 5] = ["password", "secret", "token", "key", "credential"];
    let hush = |(name, value): (&String, &OptionValue)| {
        let secret =
            TELLING.iter().any(|word| name.contains(word)) && matches!(value, OptionValue::Text(_) | OptionValue::Number(_));
        (name.clone(), if secret { OptionValue::Text("***".to_owned()) } else { value.clone() })
    };
    options.iter().map(hush).collect()
}
