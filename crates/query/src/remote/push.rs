//! Gives clusters as much of a plan as they can do: whole aggregates, and the first rows in an order.
//!
//! Conditions, columns and limits reach a table by themselves. This rule comes after the others, when constants are
//! computed and conditions stand where they belong.

use super::expression::{Scope, is_exact};
use super::select::{Output, Select};
use super::{RemoteTable, stored};
use arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, Result};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, Projection, Sort, TableScan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::sync::Arc;

/// The rule.
#[derive(Debug)]
pub(crate) struct PushDown;

impl OptimizerRule for PushDown {
    fn name(&self) -> &str {
        "push_down_to_clusters"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let found = match pushed(&plan)? {
            Some(found) => Some(found),
            None => first_rows(&plan)?,
        };
        Ok(match found {
            Some(found) => Transformed::new(found, true, TreeNodeRecursion::Jump),
            None => Transformed::no(plan),
        })
    }
}

/// A part of a plan that a cluster can do.
struct Found {
    table: RemoteTable,
    select: Select,
    /// Whether there is more to it than reading a table.
    aggregates: bool,
}

/// The part as one table, where an aggregate is in it.
fn pushed(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    if let LogicalPlan::Aggregate(aggregate) = plan
        && let Some(split) = stored::split(aggregate)?
    {
        return Ok(Some(split));
    }
    match find(plan)? {
        Some(found) if found.aggregates => as_table(found, plan.schema()).map(Some),
        _ => Ok(None),
    }
}

/// `ORDER BY ... LIMIT n`: the cluster sends so many rows; they are sorted here once more, together with nothing else.
fn first_rows(plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::Sort(Sort { expr, input, fetch: Some(n) }) = plan else { return Ok(None) };
    if let Some((remote, lake)) = stored::halves(input)? {
        let sorted = |input| LogicalPlan::Sort(Sort { expr: expr.clone(), input: Arc::new(input), fetch: Some(*n) });
        let both = LogicalPlanBuilder::from(sorted(remote)).union(sorted(lake))?;
        return Ok(Some(sorted(named(both, input.schema())?)));
    }
    let Some(found) = find(input)?.filter(|found| !found.select.has_limit()) else { return Ok(None) };
    let select = if found.select.is_open() { found.select.clone() } else { found.select.nested() };
    let place = places(input.schema());
    let scope = Scope { select: &select, place: &place, is_modern: found.table.is_modern };
    let mut order = Vec::new();
    for key in expr {
        let Some(value) = scope.expression(&key.expr).filter(|value| is_exact(&value.data_type)) else { return Ok(None) };
        let (way, nulls) = (if key.asc { "ASC" } else { "DESC" }, if key.nulls_first { "FIRST" } else { "LAST" });
        order.push(format!("{} {way} NULLS {nulls}", value.sql));
    }
    let select = select.first(order, *n as u64);
    let table = as_table(Found { select, ..found }, input.schema())?;
    Ok(Some(LogicalPlan::Sort(Sort { expr: expr.clone(), input: Arc::new(table), fetch: Some(*n) })))
}

/// What a cluster is asked for a part of a plan; `None` where it cannot do all of it.
fn find(plan: &LogicalPlan) -> Result<Option<Found>> {
    match plan {
        LogicalPlan::TableScan(scan) => table(scan),
        LogicalPlan::SubqueryAlias(alias) => find(&alias.input),
        LogicalPlan::Projection(projection) => Ok(find(&projection.input)?.and_then(|found| project(found, projection))),
        LogicalPlan::Filter(filter) => {
            let Some(found) = find(&filter.input)? else { return Ok(None) };
            let select = if found.select.is_open() { found.select.clone() } else { found.select.nested() };
            let place = places(filter.input.schema());
            let scope = Scope { select: &select, place: &place, is_modern: found.table.is_modern };
            Ok(scope
                .condition(&filter.predicate)
                .map(|condition| Found { select: select.clone().filtered(vec![condition]), ..found }))
        }
        LogicalPlan::Aggregate(aggregate) => Ok(find(&aggregate.input)?.and_then(|found| group(found, aggregate))),
        _ => Ok(None),
    }
}

fn table(scan: &TableScan) -> Result<Option<Found>> {
    let Ok(provider) = source_as_provider(&scan.source) else { return Ok(None) };
    let Some(table) = provider.downcast_ref::<RemoteTable>() else { return Ok(None) };
    let Some(conditions) = scan.filters.iter().map(|filter| table.condition(filter)).collect::<Option<Vec<_>>>() else {
        return Ok(None);
    };
    let mut select = table.select.clone().filtered(conditions);
    if let Some(projection) = &scan.projection {
        select = select.projected(projection);
    }
    if let Some(fetch) = scan.fetch {
        select = select.limited(fetch as u64);
    }
    Ok(Some(Found { table: table.clone(), select, aggregates: false }))
}

/// Columns as they are, and what is computed of them.
fn project(found: Found, projection: &Projection) -> Option<Found> {
    let place = places(projection.input.schema());
    let as_is = projection.expr.iter().map(|expr| place(bare(expr).try_as_col()?)).collect::<Option<Vec<_>>>();
    if let Some(as_is) = as_is {
        let select = found.select.clone().projected(&as_is);
        return Some(Found { select, ..found });
    }
    let select = if found.select.is_open() { found.select.clone() } else { found.select.nested() };
    let scope = Scope { select: &select, place: &place, is_modern: found.table.is_modern };
    let outputs = projection.expr.iter().map(|expr| output(&scope, expr)).collect::<Option<Vec<_>>>()?;
    let select = select.clone().selecting(outputs);
    Some(Found { select, ..found })
}

/// The expression, whatever it is called.
pub(crate) fn bare(mut expr: &Expr) -> &Expr {
    while let Expr::Alias(alias) = expr {
        expr = &alias.expr;
    }
    expr
}

fn output(scope: &Scope, expr: &Expr) -> Option<Output> {
    match bare(expr) {
        Expr::Column(column) => scope.output(column).cloned(),
        other => scope.expression(other).map(|found| Output::computed(found.sql, found.data_type)),
    }
}

fn group(found: Found, aggregate: &Aggregate) -> Option<Found> {
    let place = places(aggregate.input.schema());
    let select = if found.select.is_open() { found.select.clone() } else { found.select.nested() };
    let scope = Scope { select: &select, place: &place, is_modern: found.table.is_modern };
    let (mut groups, mut outputs) = (Vec::new(), Vec::new());
    for expr in &aggregate.group_expr {
        let key = scope.expression(expr).filter(|key| is_exact(&key.data_type))?;
        groups.push(key.sql);
        outputs.push(output(&scope, expr)?);
    }
    for expr in &aggregate.aggr_expr {
        let Expr::AggregateFunction(call) = bare(expr) else { return None };
        let value = scope.aggregate(call)?;
        outputs.push(Output::computed(value.sql, value.data_type));
    }
    let select = select.clone().grouped(groups, outputs);
    Some(Found { select, aggregates: true, ..found })
}

/// The places of columns in a schema.
pub(super) fn places(schema: &DFSchema) -> impl Fn(&Column) -> Option<usize> {
    |column| schema.maybe_index_of_column(column)
}

/// The part as a table whose columns carry the names that the plan around it knows.
fn as_table(found: Found, schema: &DFSchema) -> Result<LogicalPlan> {
    let field = |(i, field): (usize, &Arc<Field>)| Field::new(format!("c{i}"), field.data_type().clone(), field.is_nullable());
    let fields = schema.fields().iter().enumerate().map(field);
    let table = found.table.with(found.select, Arc::new(Schema::new(fields.collect::<Vec<_>>())));
    let scan = LogicalPlanBuilder::scan("remote", provider_as_source(Arc::new(table)), None)?;
    named(scan, schema)
}

/// A plan with its columns called as in `schema`.
pub(crate) fn named(plan: LogicalPlanBuilder, schema: &DFSchema) -> Result<LogicalPlan> {
    let columns = plan.schema().columns();
    let names = columns
        .into_iter()
        .zip(schema.iter())
        .map(|(column, (qualifier, field))| Expr::Column(column).alias_qualified(qualifier.cloned(), field.name()));
    plan.project(names.collect::<Vec<_>>())?.build()
}
