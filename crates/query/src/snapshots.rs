//! Fetches the snapshot of each table a statement names: one for each table and version, for the whole statement.

use crate::engine::Parts;
use crate::errors::from_datafusion;
use crate::parse::at;
use crate::rewrite::{Reference, moment};
use crate::session::Session;
use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::physical_plan::collect;
use datafusion::sql::parser::Statement as Planned;
use datafusion::sql::sqlparser::ast::Expr;
use helios_contract::column::timestamp_type;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Kind, Result, nearest};
use helios_contract::store::{Snapshot, Version};
use helios_contract::{StreamName, Timestamp};
use std::sync::Arc;

/// The snapshots of `references`, in their order.
///
/// # Errors
/// `NotFound` for a table, with the nearest name; `Invalid` for a version or a moment.
pub(crate) async fn fetch(parts: &Parts, session: &Session, references: &[Reference]) -> Result<Vec<Arc<Snapshot>>> {
    let mut snapshots = Vec::with_capacity(references.len());
    for reference in references {
        let version = version(session, reference).await.map_err(|error| at(error, reference.position))?;
        let unknown = || at(unknown_table(parts, &reference.table), reference.position);
        let name = StreamName::new(reference.table.clone()).map_err(|_| unknown())?;
        match parts.tables.snapshot(&name, version).await {
            Ok(snapshot) => snapshots.push(Arc::new(snapshot)),
            Err(error) if error.kind() == Kind::NotFound => return Err(unknown()),
            Err(error) => return Err(at(error, reference.position)),
        }
    }
    Ok(snapshots)
}

/// There is no such table; but perhaps one is called nearly so.
pub(crate) fn unknown_table(parts: &Parts, name: &str) -> Error {
    let error = Error::not_found(format!("there is no table `{name}`"));
    let streams = parts.catalog.streams();
    let system: Vec<String> = parts.system.iter().map(|table| format!("system.{}", table.name())).collect();
    if let Some(same) = system.iter().find(|system| system.strip_prefix("system.") == Some(name)) {
        return error.hint(format!("Did you mean `{same}`?"));
    }
    let names = streams.iter().map(|stream| stream.definition.name.as_str()).chain(system.iter().map(String::as_str));
    match nearest(name, names) {
        Some(near) => error.hint(format!("Did you mean `{near}`?")),
        None => error.hint("SHOW TABLES lists them."),
    }
}

async fn version(session: &Session, reference: &Reference) -> Result<Version> {
    match reference.version.as_ref().map(moment).transpose()? {
        None => Ok(Version::Latest),
        Some(Err(commit)) => Ok(Version::Commit(CommitId(commit))),
        Some(Ok(expr)) => moment_of(session, expr).await.map(Version::Time),
    }
}

/// The moment an expression without columns stands for.
async fn moment_of(session: &Session, expr: &Expr) -> Result<Timestamp> {
    let wrong = |error| from_datafusion(error, None).context(format!("cannot read the moment {expr}"));
    let sql = format!("SELECT arrow_cast({expr}, '{}')", timestamp_type());
    let statement = session.state.sql_to_statement(&sql, &datafusion::common::config::Dialect::PostgreSQL).map_err(wrong)?;
    let Planned::Statement(_) = &statement else { return Err(Error::internal("a moment did not read back")) };
    let plan = session.state.statement_to_plan(statement).await.map_err(wrong)?;
    let plan = session.state.create_physical_plan(&plan).await.map_err(wrong)?;
    let rows = collect(plan, Arc::clone(&session.task)).await.map_err(wrong)?;
    let moments = rows.first().and_then(|batch| batch.column(0).as_primitive_opt::<TimestampMicrosecondType>());
    match moments.and_then(|moments| moments.iter().next().flatten()) {
        Some(moment) => Ok(Timestamp(moment)),
        None => Err(Error::invalid(format!("{expr} is not a moment")).hint("Write TIMESTAMP AS OF '2026-11-21 10:00:00'.")),
    }
}
