//! How a query is run, in words: the operators, what they read, and what is worth knowing about it.

use crate::engine::Engine;
use crate::limits::Allowed;
use crate::parse::Statement;
use crate::plan::{self, Physical};
use crate::run::{self, Running};
use crate::table::N_ROWS;
use crate::{parameters, parse, rewrite};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::StreamExt;
use helios_contract::console::{Explained, Operator};
use helios_contract::error::{Error, Result};
use helios_contract::query::Query;
use helios_contract::store::Snapshot;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Fewer files than this are not worth a word about leaving some out.
const MANY_FILES: usize = 4;

/// Plans a query and says how it would run; with `analyze`, runs it to its end first.
pub(crate) async fn explain(engine: &Engine, query: Query, analyze: bool) -> Result<Explained> {
    let (statement, text) = plan::parse(&query.sql).await?;
    let Statement::Query(statement) = statement else {
        return Err(Error::invalid("only queries can be explained").hint("Ask about a SELECT, WITH or VALUES."));
    };
    let mut statement = match *statement {
        SqlStatement::Explain { statement, .. } => *statement,
        other => other,
    };
    let slot = engine.turn().await?;
    parameters::bind(&mut statement, &query.parameters)?;
    let needs = rewrite::rewrite(&mut statement, &text)?;
    let allowed = Allowed { n_rows: u64::MAX, ..Allowed::of(&engine.config, &query.limits) };
    let (session, snapshots) = engine.session(&needs, allowed.memory_bytes as u64).await?;
    let Physical { session, plan, held: slot, .. } = plan::physical(session, statement, text, false, slot).await?;
    let mut n_answered = 0;
    if analyze {
        let ticket = engine.history.begin(&query.id, parse::unread(&query.sql))?;
        ticket.runs(&plan);
        let rows = engine.execute(&plan, session.task);
        let deadline = Instant::now() + allowed.time;
        let running = Running { rows, snapshots: snapshots.clone(), slot, allowed, deadline, ticket, keeping: None };
        let mut rows = run::rows(running);
        while let Some(batch) = rows.next().await {
            n_answered += batch?.num_rows();
        }
    }
    let mut reads = Reads { n_rows: Some(0), ..Reads::default() };
    let mut explained = Explained::default();
    visit(&plan, 0, analyze, &mut explained, &mut reads);
    explained.n_rows = reads.n_rows;
    explained.n_bytes = Some(reads.n_bytes);
    explained.n_files = reads.files.len() as u64;
    let mut findings = reading(&reads, &snapshots);
    if analyze {
        findings.extend(run_findings(&plan, &explained, n_answered));
    }
    findings.append(&mut explained.findings);
    explained.findings = findings;
    Ok(explained)
}

/// What the leaves of a plan read.
#[derive(Default)]
struct Reads {
    files: HashSet<String>,
    n_bytes: u64,
    /// `None` once a leaf cannot tell.
    n_rows: Option<u64>,
    n_rows_in_memory: u64,
    /// Whether files told how often they hold each value.
    counts: bool,
}

fn visit(plan: &Arc<dyn ExecutionPlan>, depth: usize, analyzed: bool, explained: &mut Explained, reads: &mut Reads) {
    let name = plan.name();
    let is_shown = !["CooperativeExec", "CoalesceBatchesExec"].contains(&kind(name));
    if is_shown {
        explained.operators.push(operator(plan, depth, analyzed, reads));
        explained.findings.extend(finding(plan));
    }
    for child in plan.children() {
        visit(child, depth + usize::from(is_shown), analyzed, explained, reads);
    }
}

fn operator(plan: &Arc<dyn ExecutionPlan>, depth: usize, analyzed: bool, reads: &mut Reads) -> Operator {
    let metrics = plan.metrics().filter(|_| analyzed);
    let expected = || {
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::default()).ok()?;
        statistics.num_rows.get_value().copied()
    };
    let n_rows = match &metrics {
        Some(metrics) => metrics.output_rows().map(|n| n as u64),
        None => expected().map(|n| n as u64),
    };
    let detail = match plan.downcast_ref::<DataSourceExec>() {
        Some(source) => source_detail(plan, source, reads),
        None => {
            if plan.children().is_empty() && expected().is_none() {
                reads.n_rows = None;
            }
            plain(&displayable(plan.as_ref()).one_line().to_string())
        }
    };
    Operator {
        depth,
        name: word(plan.name()).to_owned(),
        detail,
        n_rows: n_rows.or_else(|| in_memory(plan)),
        time: metrics.and_then(|metrics| metrics.elapsed_compute()).map(|nanos| Duration::from_nanos(nanos as u64)),
    }
}

fn source_detail(plan: &Arc<dyn ExecutionPlan>, source: &DataSourceExec, reads: &mut Reads) -> String {
    let columns = || {
        let schema = source.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        if names.is_empty() { "no column".to_owned() } else { names.join(", ") }
    };
    if let Some(files) = source.data_source().downcast_ref::<FileScanConfig>() {
        let before = reads.files.len();
        let mut n_bytes = 0;
        for file in files.file_groups.iter().flat_map(|group| group.iter()) {
            // A large file may be divided among groups.
            if reads.files.insert(file.object_meta.location.to_string()) {
                n_bytes += file.object_meta.size;
                let n_rows = file.statistics.as_ref().and_then(|statistics| statistics.num_rows.get_value().copied());
                reads.n_rows = reads.n_rows.zip(n_rows).map(|(sum, n)| sum + n as u64);
            }
        }
        reads.n_bytes += n_bytes;
        return format!("{} files, {}: {}", reads.files.len() - before, size(n_bytes), columns());
    }
    if let Some(n_rows) = in_memory(plan) {
        if source.schema().column_with_name(N_ROWS).is_some() {
            reads.counts = true;
            reads.n_rows = reads.n_rows.map(|sum| sum + n_rows);
            return format!("{n_rows} values that files have counted: {}", source.schema().field(0).name());
        }
        reads.n_rows_in_memory += n_rows;
        reads.n_rows = reads.n_rows.map(|sum| sum + n_rows);
        return format!("{n_rows} rows in memory: {}", columns());
    }
    reads.n_rows = None;
    columns()
}

/// The operator without how it goes about it: `SortExec(TopK)` is a `SortExec`.
fn kind(name: &str) -> &str {
    name.split('(').next().unwrap_or(name)
}

/// What an operator does, in a word or two.
fn word(name: &str) -> &str {
    match kind(name) {
        "DataSourceExec" => "read",
        "StreamingTableExec" => "read system table",
        "FilterExec" => "keep rows that fit",
        "ProjectionExec" => "compute columns",
        "AggregateExec" => "group",
        "SortExec" => "sort",
        "SortPreservingMergeExec" => "merge sorted parts",
        "CoalescePartitionsExec" => "bring parts together",
        "RepartitionExec" => "divide among cores",
        "HashJoinExec" | "SortMergeJoinExec" | "SymmetricHashJoinExec" | "PiecewiseMergeJoinExec" => "join",
        "NestedLoopJoinExec" | "CrossJoinExec" => "join every row with every row",
        "GlobalLimitExec" | "LocalLimitExec" => "stop after the first rows",
        "UnionExec" | "InterleaveExec" => "put together",
        "WindowAggExec" | "BoundedWindowAggExec" => "look at the rows around each row",
        "UnnestExec" => "one row for each element",
        "RecursiveQueryExec" => "repeat until nothing new comes",
        "EmptyExec" | "PlaceholderRowExec" => "no table",
        "RemoteExec" => "ask the cluster",
        other => other,
    }
}

/// The operator's own words without the numbers of columns: `price@1 > 10` reads as `price > 10`.
fn plain(line: &str) -> String {
    let line = line.trim();
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('@') {
        let n_digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
        let after_name = rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ')');
        text.push_str(&rest[..at]);
        if n_digits == 0 || !after_name {
            text.push('@');
            rest = &rest[at + 1..];
        } else {
            rest = &rest[at + 1 + n_digits..];
        }
    }
    text.push_str(rest);
    match text.split_once(": ") {
        Some((_, detail)) => detail.to_owned(),
        None => String::new(),
    }
}

fn finding(plan: &Arc<dyn ExecutionPlan>) -> Option<String> {
    match kind(plan.name()) {
        "CrossJoinExec" | "NestedLoopJoinExec" => Some(
            "Every row of one side of a join is compared with every row of the other: say which columns are equal, if some are."
                .to_owned(),
        ),
        "SortExec" => {
            let sort = plan.downcast_ref::<SortExec>()?;
            Some(match sort.fetch() {
                Some(n) => format!("While sorting, only the first {n} rows are kept."),
                None => "All rows are sorted before the first is answered; a LIMIT would keep only the first ones.".to_owned(),
            })
        }
        _ => None,
    }
}

fn reading(reads: &Reads, snapshots: &[Arc<Snapshot>]) -> Vec<String> {
    let mut findings = Vec::new();
    let n_files_all: usize = snapshots.iter().map(|snapshot| snapshot.files.len()).sum();
    let n_files = reads.files.len();
    if n_files_all > 0 && n_files < n_files_all {
        let why = match reads.counts {
            true => "the others know how often they hold each value",
            false => "what the conditions exclude is left out",
        };
        findings.push(format!("{n_files} of {n_files_all} files are opened ({}); {why}.", size(reads.n_bytes)));
    } else if n_files_all > 0 {
        findings.push(format!("All {n_files_all} files are opened ({}).", size(reads.n_bytes)));
        let divided = snapshots.iter().filter(|snapshot| snapshot.files.len() >= MANY_FILES).find_map(|snapshot| {
            let definition = &snapshot.stream.definition;
            definition.partition_by.as_ref().map(|partition| (&definition.name, &partition.column))
        });
        if let Some((table, column)) = divided {
            findings.push(format!("{table} is divided by {column}: a condition on it would leave files out."));
        }
    }
    if reads.n_rows_in_memory > 0 {
        findings.push(format!("{} rows are so new that they are read from memory.", reads.n_rows_in_memory));
    }
    findings
}

fn run_findings(plan: &Arc<dyn ExecutionPlan>, explained: &Explained, n_answered: usize) -> Vec<String> {
    let mut findings = Vec::new();
    let (n_read, _) = scanned(plan);
    findings.push(format!("{n_read} rows were read to answer {n_answered}."));
    let total: Duration = explained.operators.iter().filter_map(|operator| operator.time).sum();
    let slowest = explained.operators.iter().max_by_key(|operator| operator.time);
    if let Some((operator, time)) = slowest.and_then(|operator| Some((operator, operator.time?))) {
        let share = time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
        if share >= 0.3 {
            findings.push(format!("{:.0} % of the time goes into this: {} ({}).", share * 100.0, operator.name, operator.detail));
        }
    }
    let n_spilled = spilled(plan);
    if n_spilled > 0 {
        findings.push(format!("{} were written to disk, because they did not fit into the query's memory.", size(n_spilled)));
    }
    findings
}

fn spilled(plan: &Arc<dyn ExecutionPlan>) -> u64 {
    let own = plan.metrics().and_then(|metrics| metrics.spilled_bytes()).unwrap_or(0) as u64;
    own + plan.children().into_iter().map(spilled).sum::<u64>()
}

/// The rows and bytes that the leaves of a running or ended plan have read so far.
pub(crate) fn scanned(plan: &Arc<dyn ExecutionPlan>) -> (u64, u64) {
    let children = plan.children();
    if !children.is_empty() {
        return children.into_iter().map(scanned).fold((0, 0), |(rows, bytes), (more, also)| (rows + more, bytes + also));
    }
    if let Some(n_rows) = in_memory(plan) {
        return (n_rows, 0);
    }
    let Some(metrics) = plan.metrics() else { return (0, 0) };
    let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize());
    // Rows that a condition excluded while the file was decoded were read, too.
    let n_rows = metrics.output_rows().unwrap_or(0) + sum("pushdown_rows_pruned");
    (n_rows as u64, sum("bytes_scanned") as u64)
}

/// The rows a leaf has in memory, where it has them there: it does not count while it reads.
fn in_memory(plan: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    let source = plan.downcast_ref::<DataSourceExec>()?.data_source();
    let memory = source.downcast_ref::<MemorySourceConfig>()?;
    let n_rows: usize = memory.partitions().iter().flatten().map(|batch| batch.num_rows()).sum();
    Some(source.fetch().map_or(n_rows, |fetch| fetch.min(n_rows)) as u64)
}

fn size(n_bytes: u64) -> String {
    match n_bytes {
        n if n >= 10 << 20 => format!("{} MiB", n >> 20),
        n if n >= 10 << 10 => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}
