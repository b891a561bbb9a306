//! Counts by one column: files that know how often they hold each value stand in with their counts instead of their rows.
//!
//! `SELECT kind, count(*) FROM t GROUP BY kind` becomes `SELECT kind, sum(n) FROM (...) GROUP BY kind`, where the table in
//! brackets has a row for each value of a file, with its count, and for each row of the files that do not know, with a one.
//! Aggregates of a whole table that are each of one column (`SELECT sum(a), avg(b) FROM t`) are taken apart first.

use crate::remote::{bare, named};
use crate::table::{CountedTable, N_ROWS, SnapshotTable, is_counted};
use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::functions::expr_fn::coalesce;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::{
    Aggregate, Expr, ExprSchemable, Filter, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias, TableScan,
    TableScanBuilder, cast, lit,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Columns that are looked at apart from others, at most: each costs a plan of its own.
const APART_MAX: usize = 4;

/// The rule. It comes after those that put conditions next to their table and leave out the columns nobody needs.
#[derive(Debug)]
pub(crate) struct CountByValue;

impl OptimizerRule for CountByValue {
    fn name(&self) -> &str {
        "count_by_value"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(aggregate) = &plan else { return Ok(Transformed::no(plan)) };
        let found = match counted(aggregate)? {
            Some(counted) => Some(counted),
            None => apart(aggregate)?,
        };
        Ok(match found {
            Some(counted) => Transformed::new(counted, true, TreeNodeRecursion::Jump),
            None => Transformed::no(plan),
        })
    }
}

/// The aggregate over counts; `None` where it depends on more than the values of one column and how often they occur.
fn counted(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)) || expr.is_volatile()) {
        return Ok(None);
    }
    let Some((input, n)) = weighed(&aggregate.input)? else { return Ok(None) };
    let mut parts = Vec::with_capacity(aggregate.aggr_expr.len());
    for expr in &aggregate.aggr_expr {
        let Some(part) = part(expr, &n, &aggregate.input)? else { return Ok(None) };
        parts.push(part);
    }
    let totals = parts.iter().flat_map(|part| part.totals.clone()).enumerate().map(|(i, total)| total.alias(format!("total{i}")));
    let whole = LogicalPlanBuilder::from(input).aggregate(aggregate.group_expr.clone(), totals.collect::<Vec<_>>())?;
    let mut columns = whole.schema().columns().into_iter().map(Expr::Column);
    let mut outputs: Vec<Expr> = columns.by_ref().take(aggregate.group_expr.len()).collect();
    for part in parts {
        let totals: Vec<Expr> = columns.by_ref().take(part.totals.len()).collect();
        outputs.push((part.output)(totals));
    }
    let outputs: Vec<Expr> = outputs.into_iter().enumerate().map(|(i, output)| output.alias(format!("output{i}"))).collect();
    named(whole.project(outputs)?, &aggregate.schema).map(Some)
}

/// An aggregate as one over values and how often they occur.
struct Part {
    totals: Vec<Expr>,
    /// What it is, of the totals.
    output: fn(Vec<Expr>) -> Expr,
}

/// `n` is how often a value occurs.
fn part(expr: &Expr, n: &Column, input: &LogicalPlan) -> Result<Option<Part>> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = bare(expr) else { return Ok(None) };
    if expr.is_volatile() {
        return Ok(None);
    }
    let n = || Expr::Column(n.clone());
    let is_plain = !params.distinct && params.order_by.is_empty() && params.null_treatment.is_none();
    let sum = |value: Expr, some: Option<Expr>| {
        let filter = params.filter.iter().map(|filter| (**filter).clone()).chain(some).reduce(Expr::and);
        let params = AggregateFunctionParams { args: vec![value], filter: filter.map(Box::new), ..params.clone() };
        Expr::AggregateFunction(AggregateFunction { func: sum_udaf(), params })
    };
    Ok(match (func.name(), &params.args[..]) {
        // How often a value occurs does not matter to them.
        ("min" | "max", _) => Some(Part { totals: vec![bare(expr).clone()], output: only }),
        ("count", [value]) if is_plain => {
            let is_each = matches!(value, Expr::Literal(value, _) if !value.is_null());
            let some = (!is_each).then(|| value.clone().is_not_null());
            // A count of nothing is 0, a sum is NULL.
            Some(Part { totals: vec![sum(n(), some)], output: |totals| coalesce(vec![only(totals), lit(0_i64)]) })
        }
        ("sum" | "avg", [value]) if is_plain => {
            let data_type = value.get_type(input.schema())?;
            let times = match data_type {
                DataType::Int64 => value.clone() * n(),
                DataType::Float64 => value.clone() * cast(n(), DataType::Float64),
                _ => return Ok(None),
            };
            let total = sum(times, None);
            match (func.name(), data_type) {
                ("sum", _) => Some(Part { totals: vec![total], output: only }),
                (_, DataType::Float64) => {
                    Some(Part { totals: vec![total, sum(n(), Some(value.clone().is_not_null()))], output: mean })
                }
                _ => None,
            }
        }
        _ => None,
    })
}

fn only(totals: Vec<Expr>) -> Expr {
    totals.into_iter().next().unwrap_or(Expr::Literal(ScalarValue::Null, None))
}

fn mean(totals: Vec<Expr>) -> Expr {
    match <[Expr; 2]>::try_from(totals) {
        Ok([sum, n]) => sum / cast(n, DataType::Float64),
        Err(totals) => only(totals),
    }
}

/// `SELECT sum(a), count(*), avg(b) FROM t`: aggregates of all rows, each of one column that may be counted, taken apart so
/// that each can be answered by itself.
fn apart(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let LogicalPlan::TableScan(scan) = &*aggregate.input else { return Ok(None) };
    if !aggregate.group_expr.is_empty() || !scan.filters.is_empty() || scan.fetch.is_some() {
        return Ok(None);
    }
    let Some(read) = scan.projection.as_deref().filter(|_| snapshot_table(scan).is_some()) else { return Ok(None) };
    let schema = scan.source.schema();
    // By the column they are of; what is left is done together.
    let mut parts: BTreeMap<Option<usize>, Vec<Expr>> = BTreeMap::new();
    for expr in &aggregate.aggr_expr {
        let mut columns = expr.column_refs().into_iter().filter_map(|column| schema.index_of(column.name()).ok());
        let column = columns.next().filter(|column| columns.next().is_none() && is_counted(schema.field(*column)));
        parts.entry(column).or_default().push(expr.clone());
    }
    let n_columns = parts.keys().flatten().count();
    if parts.len() < 2 || !(1..=APART_MAX).contains(&n_columns) {
        return Ok(None);
    }
    let mut whole: Option<LogicalPlanBuilder> = None;
    for (column, exprs) in parts {
        let columns = match column {
            Some(column) => vec![column],
            None => read.iter().copied().filter(|column| is_read(&exprs, schema.field(*column).name())).collect(),
        };
        let scan =
            TableScanBuilder::new(scan.table_name.clone(), Arc::clone(&scan.source)).with_projection(Some(columns)).build()?;
        let part = LogicalPlanBuilder::from(LogicalPlan::TableScan(scan)).aggregate(Vec::<Expr>::new(), exprs)?;
        whole = Some(match whole {
            Some(whole) => whole.cross_join(part.build()?)?,
            None => part,
        });
    }
    let Some(whole) = whole else { return Ok(None) };
    let outputs: Vec<Expr> = aggregate.schema.columns().into_iter().map(Expr::Column).collect();
    named(whole.project(outputs)?, &aggregate.schema).map(Some)
}

/// Whether any of the expressions reads the column.
fn is_read(exprs: &[Expr], name: &str) -> bool {
    exprs.iter().any(|expr| expr.column_refs().iter().any(|column| column.name() == name))
}

/// The plan over the counts of the one column it reads, and the column that says how often a row stands for.
fn weighed(plan: &LogicalPlan) -> Result<Option<(LogicalPlan, Column)>> {
    match plan {
        LogicalPlan::TableScan(scan) => scanned(scan),
        LogicalPlan::Filter(filter) if !filter.predicate.is_volatile() => {
            let Some((input, n)) = weighed(&filter.input)? else { return Ok(None) };
            let filter = Filter::try_new(filter.predicate.clone(), Arc::new(input))?;
            Ok(Some((LogicalPlan::Filter(filter), n)))
        }
        LogicalPlan::Projection(projection) if !projection.expr.iter().any(Expr::is_volatile) => {
            if projection.schema.has_column_with_unqualified_name(N_ROWS) {
                return Ok(None);
            }
            let Some((input, n)) = weighed(&projection.input)? else { return Ok(None) };
            let columns = projection.expr.iter().cloned().chain([Expr::Column(n.clone())]).collect();
            Ok(Some((LogicalPlan::Projection(Projection::try_new(columns, Arc::new(input))?), n)))
        }
        LogicalPlan::SubqueryAlias(alias) => {
            let Some((input, _)) = weighed(&alias.input)? else { return Ok(None) };
            let n = Column::new(Some(alias.alias.clone()), N_ROWS);
            Ok(Some((LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(Arc::new(input), alias.alias.clone())?), n)))
        }
        _ => Ok(None),
    }
}

fn scanned(scan: &TableScan) -> Result<Option<(LogicalPlan, Column)>> {
    let Some([column]) = scan.projection.as_deref().filter(|_| scan.fetch.is_none()) else { return Ok(None) };
    let table = snapshot_table(scan).filter(|_| is_counted(scan.source.schema().field(*column)));
    let Some(table) = table else { return Ok(None) };
    let source = provider_as_source(Arc::new(CountedTable::of(table, *column)));
    let counts = TableScanBuilder::new(scan.table_name.clone(), source).with_filters(scan.filters.clone()).build()?;
    let n = Column::new(Some(scan.table_name.clone()), N_ROWS);
    Ok(Some((LogicalPlan::TableScan(counts), n)))
}

fn snapshot_table(scan: &TableScan) -> Option<SnapshotTable> {
    source_as_provider(&scan.source).ok()?.downcast_ref::<SnapshotTable>().cloned()
}
