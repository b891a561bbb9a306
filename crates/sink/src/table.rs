//! The remote table: made from a stream's columns, checked when it is there already, and changed when they change.

use crate::division::Division;
use crate::mapping::{NULLS, hidden_columns, is_composite, misfit, remote_type};
use crate::native::Target;
use crate::server::{Server, since};
use crate::types::{Type, quoted, text};
use arrow::array::{Array, AsArray, RecordBatch};
use helios_contract::cluster::{Finding, RemoteName};
use helios_contract::column::{Column, ColumnType, hidden};
use helios_contract::error::{Error, Result};
use helios_contract::sink::SinkDefinition;
use helios_contract::stream::{Stream, StreamDefinition};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// Blocks whose tokens the server remembers.
const WINDOW: u32 = 10_000;
/// Engines that keep every row that was inserted, so that rows can be counted.
const ENGINES: [&str; 3] = ["MergeTree", "ReplicatedMergeTree", "SharedMergeTree"];
/// How long the hosts of a cluster may take to make or change a table; one that is away does it later.
const EVERYWHERE_WITHIN: Duration = Duration::from_secs(20);
/// A text column gets a dictionary where so many rows have one value each, on average, and there are no more than so many.
const ROWS_A_VALUE: usize = 10;
const VALUES_MAX: usize = 10_000;

/// A remote table, ready for blocks of one version of its stream.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: RemoteName,
    /// The columns delivered, in this order.
    pub(crate) targets: Vec<Target>,
    pub(crate) division: Option<Division>,
    /// Whether other servers hold copies of it.
    pub(crate) is_replicated: bool,
}

/// What the server knows of a table.
#[derive(Debug)]
struct Found {
    engine: String,
    partition_key: String,
    columns: Vec<FoundColumn>,
}

#[derive(Debug)]
struct FoundColumn {
    name: String,
    words: String,
    remote_type: Option<Type>,
    /// Whether it has values of its own, and not computed ones.
    is_stored: bool,
    /// The field it was made for, if Helios made it.
    field: Option<i32>,
}

/// Whether there is such a table.
pub(crate) async fn exists(server: &Arc<Server>, name: &RemoteName) -> Result<bool> {
    Ok(!server.columns(name).await?.is_empty())
}

/// Makes the table for a stream; answers what is worth knowing about its types.
pub(crate) async fn create(
    server: &Arc<Server>,
    name: &RemoteName,
    sink: &SinkDefinition,
    stream: &Stream,
    sample: Option<&RecordBatch>,
) -> Result<Vec<Finding>> {
    let version = server.version().await?;
    let definition = &stream.definition;
    let few = sample.map(few_values).unwrap_or_default();
    // A column that was added later is NULL in older rows.
    let is_new = stream.version == 1;
    let mut columns: Vec<(Column, Type)> = Vec::new();
    for column in definition.columns.iter().cloned().chain(hidden_columns()) {
        let is_hidden = is_hidden(&column.name);
        let nullable = !column.required || !(is_new || is_hidden);
        let few = few.contains(&column.name) || column.name == hidden::PARTITION;
        let remote = remote_type(&column.data_type, nullable, few, version);
        columns.push((column, remote));
    }
    let division = wanted_division(definition, &columns, version);
    let order = order(sink, definition, &columns, version)?;
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {}{} (", remote(name), on_cluster(server));
    for (column, remote) in &columns {
        sql += &format!("\n    {} {remote}{},", quoted(&column.name), comment(column, version));
    }
    if version >= since::MODERN {
        sql += &format!("\n    INDEX _commits {} TYPE minmax GRANULARITY 1,", quoted(hidden::COMMIT));
    }
    sql.pop();
    let engine = engine(server, sink.engine.as_deref(), name, version);
    check_engine(server, engine.split('(').next().unwrap_or_default().trim())?;
    check_everywhere(server)?;
    sql += &format!("\n) ENGINE = {engine}");
    if let Some(division) = &division {
        sql += &format!("\nPARTITION BY {}", division.expression());
    }
    sql += &format!("\nORDER BY {order}{}", settings(&engine, version));
    let later = server.tell_everywhere(sql, EVERYWHERE_WITHIN).await?;
    let mut findings = about_types(&columns, version);
    findings.extend(later.map(|later| Finding::note("cluster", later)));
    Ok(findings)
}

/// The name as ClickHouse reads it.
pub(crate) fn remote(name: &RemoteName) -> String {
    format!("{}.{}", quoted(&name.database), quoted(&name.table))
}

pub(crate) fn is_hidden(name: &str) -> bool {
    name == NULLS || hidden::ALL.contains(&name)
}

/// ` ON CLUSTER name`, where a cluster is named.
pub(crate) fn on_cluster(server: &Server) -> String {
    server.access.cluster.as_ref().map(|cluster| format!(" ON CLUSTER {}", quoted(cluster))).unwrap_or_default()
}

fn comment(column: &Column, version: (u32, u32)) -> String {
    if version < since::MODERN || column.id == 0 { String::new() } else { format!(" COMMENT 'helios:{}'", column.id) }
}

fn wanted_division(definition: &StreamDefinition, columns: &[(Column, Type)], version: (u32, u32)) -> Option<Division> {
    let partition = definition.partition_by.as_ref()?;
    let (_, remote_type) = columns.iter().find(|(column, _)| column.name == partition.column)?;
    let allowed = version >= since::MODERN || !remote_type.is_nullable();
    allowed.then(|| Division { unit: partition.unit, column: partition.column.clone(), remote_type: remote_type.clone() })
}

fn order(
    sink: &SinkDefinition,
    definition: &StreamDefinition,
    columns: &[(Column, Type)],
    version: (u32, u32),
) -> Result<String> {
    let asked = if sink.order_by.is_empty() { &definition.order_by } else { &sink.order_by };
    let mut names = Vec::new();
    for name in asked {
        let found = columns.iter().find(|(column, _)| column.name == *name);
        let Some((column, remote)) = found else {
            return Err(Error::not_found(format!("the stream {} has no column {name} to order by", definition.name)));
        };
        // Older servers take no key that may be NULL, and none takes a list or an object.
        if !is_composite(&column.data_type) && (version >= since::MODERN || !remote.is_nullable()) {
            names.push(quoted(name));
        }
    }
    if names.is_empty() {
        names.push(quoted(hidden::COMMIT));
    }
    Ok(format!("({})", names.join(", ")))
}

/// The engine of a table that Helios makes, with what older servers must be told.
pub(crate) fn engine(server: &Server, asked: Option<&str>, name: &RemoteName, version: (u32, u32)) -> String {
    let default = if server.access.cluster.is_some() { ENGINES[1] } else { ENGINES[0] };
    match asked.unwrap_or(default) {
        bare if bare == ENGINES[1] && version < since::MODERN => {
            let path = format!("/clickhouse/tables/{{shard}}/{}/{}", name.database, name.table);
            format!("{bare}({}, '{{replica}}')", text(&path))
        }
        engine => engine.to_owned(),
    }
}

fn check_engine(server: &Server, engine: &str) -> Result<()> {
    if !ENGINES.contains(&engine) {
        return Err(Error::invalid(format!("a table with the engine {engine} does not keep every row as it was delivered"))
            .hint(format!("Use {}; build other tables from it with a materialized view.", ENGINES.join(" or "))));
    }
    if engine == ENGINES[0] && server.access.hosts.len() > 1 {
        return Err(Error::invalid("the cluster has several hosts, and a MergeTree table is on one of them only").hint(
            "Name the servers' own cluster with ALTER CLUSTER ... SET (cluster = '...'): tables are then made on every host, as \
             ReplicatedMergeTree. Or name one host.",
        ));
    }
    Ok(())
}

/// Whether a table that is made here is on every host.
fn check_everywhere(server: &Server) -> Result<()> {
    let n_hosts = server.access.hosts.len();
    if n_hosts == 1 || server.access.cluster.is_some() {
        return Ok(());
    }
    Err(Error::invalid(format!("the table would be made on one of {n_hosts} hosts only")).hint(
        "Name the servers' own cluster with ALTER CLUSTER ... SET (cluster = '...'), or make the table on each host yourself.",
    ))
}

fn settings(engine: &str, version: (u32, u32)) -> String {
    let mut settings = Vec::new();
    if version >= since::MODERN {
        settings.push("allow_nullable_key = 1".to_owned());
    }
    if version >= since::TOKENS {
        let kind = if engine.starts_with(ENGINES[0]) { "non_replicated" } else { "replicated" };
        settings.push(format!("{kind}_deduplication_window = {WINDOW}"));
    }
    if settings.is_empty() { String::new() } else { format!("\nSETTINGS {}", settings.join(", ")) }
}

/// Text columns with few different values in a sample.
fn few_values(sample: &RecordBatch) -> BTreeSet<String> {
    let mut few = BTreeSet::new();
    for (field, column) in sample.schema().fields().iter().zip(sample.columns()) {
        let Some(texts) = column.as_string_opt::<i32>() else { continue };
        let values: HashSet<&str> = texts.iter().flatten().collect();
        if values.len() <= VALUES_MAX && !values.is_empty() && values.len() * ROWS_A_VALUE <= texts.len() {
            few.insert(field.name().clone());
        }
    }
    few
}

fn about_types(columns: &[(Column, Type)], version: (u32, u32)) -> Vec<Finding> {
    let about = |(column, remote): &(Column, Type)| {
        let why = match &column.data_type {
            ColumnType::Timestamp(_) if version < since::MODERN => " (microseconds: this version has no DateTime64)",
            ColumnType::Date if version < since::MODERN => " (days since 1970: this version has no Date32)",
            ColumnType::Json => " (JSON as text: the server's own type takes objects only, and does not keep them as they were)",
            ColumnType::Struct(_) | ColumnType::List(_) => " (where it is NULL, the column _nulls says so)",
            _ => "",
        };
        Finding::ok(format!("column {}", column.name), format!("{remote}{why}"))
    };
    columns.iter().filter(|(column, _)| !is_hidden(&column.name)).map(about).collect()
}

/// Brings the table in line with its stream, and says how blocks must look.
///
/// New columns are added; columns that Helios made are renamed and widened as the stream's are.
///
/// # Errors
/// `Invalid` with a list of what does not fit; `NotFound` when there is no such table.
pub(crate) async fn align(server: &Arc<Server>, name: &RemoteName, definition: &StreamDefinition) -> Result<Table> {
    let version = server.version().await?;
    let mut found = look(server, name, version).await?;
    check_engine(server, &found.engine)?;
    let changes = wanted_changes(name, definition, &mut found, version)?;
    if !changes.is_empty() {
        let sql = format!("ALTER TABLE {}{} {}", remote(name), on_cluster(server), changes.join(", "));
        if let Some(later) = server.tell_everywhere(sql, EVERYWHERE_WITHIN).await? {
            warn!(cluster = %server.name, table = %name, later, "a table was not altered everywhere");
        }
        found = look(server, name, version).await?;
        if !wanted_changes(name, definition, &mut found, version)?.is_empty() {
            return Err(Error::unavailable(format!("{name} was altered, which has not reached every host yet")));
        }
    }
    targets(name, definition, &found)
}

/// What must change so that a table takes what its stream holds.
///
/// # Errors
/// `Invalid` with a list of what cannot be changed.
fn wanted_changes(
    name: &RemoteName,
    definition: &StreamDefinition,
    found: &mut Found,
    version: (u32, u32),
) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut changes = Vec::new();
    for column in &definition.columns {
        change(column, found, version, &mut changes, &mut problems);
    }
    if !found.columns.iter().any(|known| known.name == hidden::COMMIT) {
        let add = format!("ALTER TABLE {} ADD COLUMN {} Int64", remote(name), hidden::COMMIT);
        problems.push(format!("{} is missing, by which deliveries are counted: {add}", hidden::COMMIT));
    }
    let has_nulls = found.columns.iter().any(|known| known.name == NULLS);
    if !has_nulls && definition.columns.iter().any(|column| is_composite(&column.data_type)) {
        let add = format!("ALTER TABLE {} ADD COLUMN {NULLS} Array(String)", remote(name));
        problems.push(format!("{NULLS} is missing, which says what lists and objects are NULL: {add}"));
    }
    if problems.is_empty() {
        return Ok(changes);
    }
    Err(Error::invalid(format!("the table {name} does not take what {} holds: {}", definition.name, problems.join("; ")))
        .hint("Change its columns, or deliver into a table that is not there yet: Helios makes it."))
}

/// What must change so that a column fits; what cannot be changed is a problem.
fn change(column: &Column, found: &mut Found, version: (u32, u32), changes: &mut Vec<String>, problems: &mut Vec<String>) {
    let wanted = remote_type(&column.data_type, true, false, version);
    let ours = found.columns.iter().position(|known| known.field == Some(column.id) && column.id != 0);
    let place = ours.or_else(|| found.columns.iter().position(|known| known.name == column.name));
    let Some(place) = place else {
        // Another replica may have it already.
        let unless_there = if version >= since::MODERN { " IF NOT EXISTS" } else { "" };
        changes.push(format!("ADD COLUMN{unless_there} {} {wanted}{}", quoted(&column.name), comment(column, version)));
        return;
    };
    let known = &mut found.columns[place];
    if known.name != column.name {
        changes.push(format!("RENAME COLUMN {} TO {}", quoted(&known.name), quoted(&column.name)));
        known.name.clone_from(&column.name);
    }
    let nullable = !column.required;
    let why = match &known.remote_type {
        Some(_) if !known.is_stored => Some("its values are computed by the server".to_owned()),
        Some(remote) => misfit(&column.data_type, nullable, remote, version),
        None => Some(format!("{} is a type that Helios does not write", known.words)),
    };
    match why {
        None => {}
        Some(_) if ours.is_some() => changes.push(format!("MODIFY COLUMN {} {wanted}", quoted(&column.name))),
        Some(why) => problems.push(format!("{}: {why}", column.name)),
    }
}

fn targets(name: &RemoteName, definition: &StreamDefinition, found: &Found) -> Result<Table> {
    let remote_type = |name: &str| {
        let known = found.columns.iter().find(|known| known.name == name)?;
        known.remote_type.clone().filter(|_| known.is_stored)
    };
    let mut targets = Vec::new();
    for column in &definition.columns {
        let remote_type = remote_type(&column.name);
        let remote_type = remote_type.ok_or_else(|| Error::conflict(format!("{name} lost the column {}", column.name)))?;
        targets.push(Target { name: column.name.clone(), remote_type });
    }
    for column in hidden_columns() {
        targets.extend(remote_type(&column.name).map(|remote_type| Target { name: column.name, remote_type }));
    }
    let division = Division::read(&found.partition_key, remote_type)?;
    Ok(Table { name: name.clone(), targets, division, is_replicated: found.engine != ENGINES[0] })
}

async fn look(server: &Arc<Server>, name: &RemoteName, version: (u32, u32)) -> Result<Found> {
    let place = format!("database = {} AND {} = {}", text(&name.database), "{}", text(&name.table));
    let of_table = format!("SELECT engine, partition_key FROM system.tables WHERE {}", place.replace("{}", "name"));
    let comments = if version >= since::MODERN { "comment" } else { "''" };
    let of_columns =
        format!("SELECT name, type, default_kind, {comments} FROM system.columns WHERE {}", place.replace("{}", "table"));
    let tables = server.texts(of_table).await?;
    let Some([engine, partition_key]) = tables.first().map(Vec::as_slice) else {
        return Err(Error::not_found(format!("the cluster {} has no table {name}", server.name))
            .hint("It was there when the sink was made; make it again, or drop the sink."));
    };
    let column = |row: Vec<String>| match <[String; 4]>::try_from(row) {
        Ok([name, words, default_kind, comment]) => Ok(FoundColumn {
            name,
            remote_type: Type::parse(&words),
            words,
            is_stored: !["MATERIALIZED", "ALIAS", "EPHEMERAL"].contains(&default_kind.as_str()),
            field: comment.strip_prefix("helios:").and_then(|id| id.parse().ok()),
        }),
        Err(_) => Err(Error::internal("four columns were asked for")),
    };
    let columns = server.texts(of_columns).await?.into_iter().map(column).collect::<Result<_>>()?;
    Ok(Found { engine: engine.clone(), partition_key: partition_key.clone(), columns })
}
