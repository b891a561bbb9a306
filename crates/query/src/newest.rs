//! `ORDER BY time DESC LIMIT 100` over many columns: first the hundredth time alone, then the rows from it on.
//!
//! A file is read a row group at a time, and until the first of them is through nothing is known of what can be skipped. Reading
//! one narrow column first tells it, so that of the others only the pages are read that hold the answer.

use crate::engine::Engine;
use crate::errors::from_datafusion;
use crate::plan::runnable;
use crate::session::Session;
use arrow::array::{Array, RecordBatch};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Sort, lit};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use helios_contract::error::Result;
use helios_contract::store::Snapshot;
use std::sync::Arc;

/// Fewer rows in files are read in one go.
const N_ROWS_MIN: u64 = 200_000;
/// An answer with more rows than this is no beginning.
const LIMIT_MAX: usize = 10_000;

/// Whether the tables are long enough for looking twice to pay.
pub(crate) fn is_long(snapshots: &[Arc<Snapshot>]) -> bool {
    snapshots.iter().flat_map(|snapshot| &snapshot.files).map(|file| file.n_rows).sum::<u64>() >= N_ROWS_MIN
}

/// A statement that wants the first rows by some column, optimised.
pub(crate) struct Newest {
    plan: LogicalPlan,
    limit: usize,
    /// Answers the column alone, of the rows the statement wants.
    pub(crate) first: Arc<dyn ExecutionPlan>,
}

/// What the statement `plan` is, if it is such a one and has other columns to read.
pub(crate) async fn of(session: &Session, plan: &LogicalPlan) -> Result<Option<Newest>, DataFusionError> {
    let plan = session.state.optimize(plan)?;
    let mut found = None;
    plan.apply(|node| {
        Ok(match node {
            LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Limit(_) => TreeNodeRecursion::Continue,
            LogicalPlan::Sort(sort) => {
                found = wanted(sort);
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Stop,
        })
    })?;
    let Some((sort, limit)) = found else { return Ok(None) };
    let key = sort.expr[0].clone();
    let first = LogicalPlanBuilder::from(sort.input.as_ref().clone()).project([key.expr.clone()])?;
    let first = first.sort_with_limit([key], Some(limit))?.build()?;
    let first = session.state.create_physical_plan(&first).await?;
    Ok(Some(Newest { plan, limit, first }))
}

/// The sort and its limit, if it is by a column of one table and carries others along.
fn wanted(sort: &Sort) -> Option<(Sort, usize)> {
    let limit = sort.fetch.filter(|limit| (1..=LIMIT_MAX).contains(limit))?;
    let is_column = matches!(sort.expr.first()?.expr, Expr::Column(_));
    let carries_others = sort.input.schema().fields().len() > 1;
    (is_column && carries_others && is_one_table(&sort.input)).then(|| (sort.clone(), limit))
}

fn is_one_table(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(_) => true,
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) | LogicalPlan::SubqueryAlias(_) => {
            plan.inputs().first().is_some_and(|input| is_one_table(input))
        }
        _ => false,
    }
}

impl Newest {
    /// The plan that reads from the last of the first rows on; `found` is what [`Newest::first`] answered.
    async fn narrowed(self, session: &Session, found: &[RecordBatch]) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let n_found: usize = found.iter().map(RecordBatch::num_rows).sum();
        let last = found.iter().rfind(|batch| batch.num_rows() > 0).map(|batch| batch.column(0));
        let bound = match last {
            Some(last) if n_found == self.limit => ScalarValue::try_from_array(last, last.len() - 1)?,
            _ => ScalarValue::Null,
        };
        let plan = if bound.is_null() { self.plan } else { from(self.plan, &bound)? };
        runnable(session, &plan).await
    }
}

/// Puts the bound below the sort.
fn from(plan: LogicalPlan, bound: &ScalarValue) -> Result<LogicalPlan, DataFusionError> {
    let bounded = plan.transform_down(|node| {
        let LogicalPlan::Sort(sort) = node else { return Ok(Transformed::no(node)) };
        let key = &sort.expr[0];
        let bound = lit(bound.clone());
        let reached = if key.asc { key.expr.clone().lt_eq(bound) } else { key.expr.clone().gt_eq(bound) };
        let reached = if key.nulls_first { reached.or(key.expr.clone().is_null()) } else { reached };
        let input = LogicalPlanBuilder::from(Arc::unwrap_or_clone(sort.input)).filter(reached)?.build()?;
        let sort = Sort { input: Arc::new(input), ..sort };
        Ok(Transformed::new(LogicalPlan::Sort(sort), true, TreeNodeRecursion::Stop))
    })?;
    Ok(bounded.data)
}

impl Engine {
    /// Reads the one column, and plans the rest by what it says.
    pub(crate) async fn narrow(&self, session: Session, newest: Newest) -> Result<(Session, Arc<dyn ExecutionPlan>)> {
        let found = self.execute(&newest.first, Arc::clone(&session.task)).try_collect::<Vec<_>>().await;
        let found = found.map_err(|error| from_datafusion(error, None))?;
        crate::plan::off_thread(move || {
            let plan = futures::executor::block_on(newest.narrowed(&session, &found));
            plan.map(|plan| (session, plan)).map_err(|error| from_datafusion(error, None))
        })
        .await
    }
}
