//! A stream that is stored in a cluster: the cluster up to what was delivered, the lake after it, one snapshot.

use super::push::{bare, named};
use super::select::{Output, Select};
use super::{MODERN, RemoteTable};
use crate::table::SnapshotTable;
use arrow::datatypes::{DataType, Field, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, Result, ScalarValue};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::functions::expr_fn::coalesce;
use datafusion::functions_aggregate::count::count_udaf;
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableScan, TableType, cast, lit,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;
use helios_contract::cluster::RemoteColumn;
use helios_contract::column::hidden;
use helios_contract::error;
use helios_contract::sink::Stored;
use std::sync::Arc;
use std::time::Duration;

/// The column of a delivered table that says where lists and objects are `NULL`.
const NULLS: &str = "_nulls";

/// A stream's table in two parts that share no row.
#[derive(Debug, Clone)]
pub(crate) struct StoredTable {
    remote: Arc<RemoteTable>,
    lake: Arc<SnapshotTable>,
}

impl StoredTable {
    /// `lake` has the rows after those that were delivered.
    pub(crate) async fn open(stored: &Stored, lake: SnapshotTable, within: Duration) -> error::Result<StoredTable> {
        let columns = stored.cluster.describe(&stored.table).await?;
        let version = stored.cluster.version().await?;
        let schema = lake.schema();
        let known = |name: &str| columns.iter().find(|column: &&RemoteColumn| column.name == name);
        let output = |field: &Arc<Field>| match known(field.name()) {
            Some(column) => Output::column(column, field),
            None => Output::missing(field),
        };
        let outputs = schema.fields().iter().map(output).collect();
        let delivered = format!("`{}` <= {}", hidden::COMMIT, stored.delivered);
        let select = Select::table(&stored.table, outputs).filtered(vec![delivered]);
        let nulls = known(NULLS).map(|column| {
            let item = Arc::new(Field::new("item", DataType::Utf8, true));
            Output::column(column, &Field::new(NULLS, DataType::List(item), true))
        });
        let cluster = Arc::clone(&stored.cluster);
        let remote = RemoteTable { cluster, select, schema, within, is_modern: version >= MODERN, nulls };
        Ok(StoredTable { remote: Arc::new(remote), lake: Arc::new(lake) })
    }
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        self.lake.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // The lake leaves files out by them, and no more.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let taken: Vec<Expr> = filters.iter().filter(|filter| self.remote.condition(filter).is_some()).cloned().collect();
        let remote = self.remote.scan(state, projection, &taken, limit).await?;
        let lake = self.lake.scan(state, projection, filters, limit).await?;
        UnionExec::try_new(vec![remote, lake])
    }
}

/// A plan over one stored stream, once over its part in the cluster, once over its part in the lake.
pub(super) fn halves(plan: &LogicalPlan) -> Result<Option<(LogicalPlan, LogicalPlan)>> {
    let mut leaf = plan;
    loop {
        leaf = match leaf {
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::TableScan(scan) if scan.fetch.is_none() => break,
            _ => return Ok(None),
        };
    }
    let LogicalPlan::TableScan(scan) = leaf else { return Ok(None) };
    let Some(table) = source_as_provider(&scan.source).ok() else { return Ok(None) };
    let Some(table) = table.downcast_ref::<StoredTable>() else { return Ok(None) };
    let half = |provider: Arc<dyn TableProvider>| {
        let source = provider_as_source(provider);
        let over = |node: LogicalPlan| match node {
            LogicalPlan::TableScan(scan) => {
                // What a half does not take exactly is asked of its rows.
                let filters = scan.filters.clone();
                let scan = LogicalPlan::TableScan(TableScan { source: Arc::clone(&source), filters: Vec::new(), ..scan });
                let filtered = filters.into_iter().try_fold(LogicalPlanBuilder::from(scan), LogicalPlanBuilder::filter)?;
                Ok(Transformed::yes(filtered.build()?))
            }
            other => Ok(Transformed::no(other)),
        };
        plan.clone().transform_up(over).map(|transformed| transformed.data)
    };
    let remote = half(Arc::clone(&table.remote) as Arc<dyn TableProvider>)?;
    Ok(Some((remote, half(Arc::clone(&table.lake) as Arc<dyn TableProvider>)?)))
}

/// An aggregate over a stored stream as an aggregate of two: one that the cluster can do, and one over the lake's rows.
pub(super) fn split(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let mut parts = Vec::new();
    let n_groups = aggregate.group_expr.len();
    for (expr, field) in aggregate.aggr_expr.iter().zip(aggregate.schema.fields().iter().skip(n_groups)) {
        let Some(part) = Part::of(expr, field.data_type()) else { return Ok(None) };
        parts.push(part);
    }
    if aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
        return Ok(None);
    }
    let Some((remote, lake)) = halves(&aggregate.input)? else { return Ok(None) };
    let partial = parts.iter().flat_map(Part::partial).enumerate();
    let partial: Vec<Expr> = partial.map(|(i, expr)| expr.alias(format!("a{i}"))).collect();
    let half = |input: LogicalPlan| {
        let half = LogicalPlanBuilder::from(input).aggregate(aggregate.group_expr.clone(), partial.clone())?;
        let names = half.schema().columns().into_iter().enumerate();
        let names: Vec<Expr> = names.map(|(i, column)| Expr::Column(column).alias(format!("p{i}"))).collect();
        half.project(names)
    };
    let both = half(remote)?.union(half(lake)?.build()?)?;
    let column = |i: usize| Expr::Column(Column::from_name(format!("p{i}")));
    let groups: Vec<Expr> = (0..n_groups).map(column).collect();
    let mut next = n_groups;
    let (mut totals, mut n_totals) = (Vec::new(), Vec::new());
    for part in &parts {
        let found: Vec<Expr> = part.totals(&|i| column(next + i));
        next += found.len();
        n_totals.push(found.len());
        totals.extend(found);
    }
    let whole = both.aggregate(groups, totals)?;
    let columns = whole.schema().columns();
    let mut outputs: Vec<Expr> = columns[..n_groups].iter().cloned().map(Expr::Column).collect();
    let mut rest = columns[n_groups..].iter().cloned().map(Expr::Column);
    for ((part, n), field) in parts.iter().zip(n_totals).zip(&aggregate.schema.fields()[n_groups..]) {
        let totals: Vec<Expr> = rest.by_ref().take(n).collect();
        outputs.push(cast(part.output(totals), field.data_type().clone()));
    }
    let outputs: Vec<Expr> = outputs.into_iter().enumerate().map(|(i, output)| output.alias(format!("o{i}"))).collect();
    named(whole.project(outputs)?, &aggregate.schema).map(Some)
}

/// An aggregate that can be made of those of two parts.
enum Part {
    Count(AggregateFunction),
    Sum(AggregateFunction),
    Least(AggregateFunction),
    Greatest(AggregateFunction),
    Mean(AggregateFunction),
}

impl Part {
    fn of(expr: &Expr, data_type: &DataType) -> Option<Part> {
        let Expr::AggregateFunction(call) = bare(expr) else { return None };
        if call.params.distinct || !call.params.order_by.is_empty() || call.params.null_treatment.is_some() {
            return None;
        }
        match call.func.name() {
            "count" => Some(Part::Count(call.clone())),
            "sum" => Some(Part::Sum(call.clone())),
            "min" => Some(Part::Least(call.clone())),
            "max" => Some(Part::Greatest(call.clone())),
            "avg" if *data_type == DataType::Float64 => Some(Part::Mean(call.clone())),
            _ => None,
        }
    }

    /// What is computed of each half.
    fn partial(&self) -> Vec<Expr> {
        match self {
            Part::Count(call) | Part::Sum(call) | Part::Least(call) | Part::Greatest(call) => {
                vec![Expr::AggregateFunction(call.clone())]
            }
            Part::Mean(call) => {
                let also = |func| {
                    let mut call = AggregateFunction { func, ..call.clone() };
                    call.params.args = call.params.args.into_iter().map(|value| cast(value, DataType::Float64)).collect();
                    Expr::AggregateFunction(call)
                };
                vec![also(sum_udaf()), also(count_udaf())]
            }
        }
    }

    /// What is computed of the halves' columns.
    fn totals(&self, column: &dyn Fn(usize) -> Expr) -> Vec<Expr> {
        match self {
            Part::Count(_) | Part::Sum(_) => vec![sum(column(0))],
            Part::Least(_) => vec![min(column(0))],
            Part::Greatest(_) => vec![max(column(0))],
            Part::Mean(_) => vec![sum(column(0)), sum(column(1))],
        }
    }

    fn output(&self, totals: Vec<Expr>) -> Expr {
        match (self, <[Expr; 2]>::try_from(totals)) {
            (Part::Count(_), Err(totals)) => coalesce(totals.into_iter().chain([lit(0_i64)]).collect()),
            (_, Ok([sum, count])) => cast(sum, DataType::Float64) / cast(count, DataType::Float64),
            (_, Err(totals)) => totals.into_iter().next().unwrap_or(Expr::Literal(ScalarValue::Null, None)),
        }
    }
}
