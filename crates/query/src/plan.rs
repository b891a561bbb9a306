//! From a rewritten statement to something that runs.

use crate::errors::{About, from_datafusion};
use crate::newest::{self, Newest};
use crate::parse::{self, Text};
use crate::rewrite::{INFORMATION, SYSTEM};
use crate::session::Session;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DataFusionError};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Volatility, cast};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::sql::parser::Statement as Planned;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_functions_json::functions::json_union_to_text;
use futures::executor::block_on;
use helios_contract::error::{Error, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// A statement that can run.
pub(crate) struct Physical<T> {
    pub(crate) session: Session,
    pub(crate) plan: Arc<dyn ExecutionPlan>,
    /// Whether its answer depends on the tables it names and nothing else, such as the clock, chance or the system's state.
    pub(crate) is_repeatable: bool,
    /// A look at one column that makes the plan a better one.
    pub(crate) newest: Option<Newest>,
    pub(crate) held: T,
}

/// Plans a statement for running, over tables that are long or not. Takes a few milliseconds of CPU.
///
/// # Errors
/// `Invalid` for whatever the statement gets wrong, with the place where that is known.
///
/// `held` stays until planning ends, also when nobody waits for it any more: planning cannot be stopped.
pub(crate) async fn physical<T: Send + 'static>(
    session: Session,
    statement: Statement,
    text: Text,
    is_long: bool,
    held: T,
) -> Result<Physical<T>> {
    off_thread(move || {
        // Tables are in memory by now, so nothing below waits.
        let plan = block_on(async {
            let plan = logical(&session, statement).await?;
            let newest = if is_long { newest::of(&session, &plan).await? } else { None };
            Ok((newest, is_repeatable(&plan)?, runnable(&session, &plan).await?))
        });
        match plan {
            Ok((newest, is_repeatable, plan)) => Ok(Physical { session, plan, is_repeatable, newest, held }),
            Err(error) => Err(from_datafusion(error, Some(About { text: &text, state: &session.state }))),
        }
    })
    .await
}

/// Plans a statement as far as its fields are known.
///
/// # Errors
/// As [`physical`], less what only optimising finds.
pub(crate) async fn fields(session: Session, statement: Statement, text: Text) -> Result<SchemaRef> {
    off_thread(move || {
        let plan = block_on(logical(&session, statement)).and_then(|plan| {
            let plan = match answered(plan.schema()) {
                Some(columns) => LogicalPlanBuilder::from(plan).project(columns)?.build()?,
                None => plan,
            };
            // Types are only checked by the analyzer.
            session.state.analyzer().execute_and_check(plan, session.state.config_options(), |_, _| {})
        });
        let about = About { text: &text, state: &session.state };
        plan.map(|plan| Arc::clone(plan.schema().inner())).map_err(|error| from_datafusion(error, Some(about)))
    })
    .await
}

/// Reads a statement.
///
/// # Errors
/// `Invalid`, with the place.
pub(crate) async fn parse(sql: &str) -> Result<(parse::Statement, Text)> {
    let sql = sql.to_owned();
    off_thread(move || parse::parse(&sql)).await
}

/// The type of each `$name` in a statement whose parameters have no values yet, where its place says it.
///
/// # Errors
/// As [`fields`].
pub(crate) async fn parameter_types(session: Session, statement: Statement) -> Result<HashMap<String, Option<DataType>>> {
    off_thread(move || {
        let plan = block_on(logical(&session, statement));
        let types = plan.and_then(|plan| plan.get_parameter_types()).map_err(|error| from_datafusion(error, None))?;
        let shown = |found: Option<DataType>| found.map(|found| if found == DataType::Utf8View { DataType::Utf8 } else { found });
        Ok(types.into_iter().map(|(name, found)| (name, shown(found))).collect())
    })
    .await
}

/// Does work that takes a while of CPU where it holds up nobody.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Error::internal("planning the statement failed").hint("This is a bug: please report the statement.")),
    }
}

fn is_repeatable(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    let mut is_repeatable = true;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            is_repeatable &= !matches!(scan.table_name.schema(), Some(SYSTEM | INFORMATION));
        }
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr {
                    is_repeatable &= call.func.signature().volatility == Volatility::Immutable;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(is_repeatable)
}

async fn logical(session: &Session, statement: Statement) -> Result<LogicalPlan, DataFusionError> {
    session.state.statement_to_plan(Planned::Statement(Box::new(statement))).await
}

/// What stands for each column in an answer. `doc -> 'a'` is a union of all JSON types; answers carry it as JSON text, which
/// every format can write, and views as plain text. `None`: every column as it is.
fn answered(schema: &DFSchema) -> Option<Vec<Expr>> {
    let is_union = |data_type: &DataType| matches!(data_type, DataType::Union(..));
    let is_view = |data_type: &DataType| *data_type == DataType::Utf8View;
    if !schema.fields().iter().any(|field| is_union(field.data_type()) || is_view(field.data_type())) {
        return None;
    }
    let columns = schema.iter().map(|(qualifier, field)| {
        let column = Expr::Column(Column::from((qualifier, field)));
        if is_union(field.data_type()) {
            cast(json_union_to_text(column), DataType::Utf8).alias(field.name())
        } else if is_view(field.data_type()) {
            cast(column, DataType::Utf8).alias_qualified(qualifier.cloned(), field.name())
        } else {
            column
        }
    });
    Some(columns.collect())
}

/// Makes a plan that can run, whose columns are as answers have them. They are put in place at the very top of what was optimised: a
/// projection before that would leave the optimiser free to lose the order of the rows.
pub(crate) async fn runnable(session: &Session, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let physical = session.state.create_physical_plan(plan).await?;
    let Some(columns) = answered(plan.schema()) else { return Ok(physical) };
    let columns = columns.into_iter().zip(plan.schema().fields()).map(|(column, field)| {
        let expr = session.state.create_physical_expr(column.unalias(), plan.schema())?;
        Ok(ProjectionExpr { expr, alias: field.name().clone() })
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Result<Vec<_>, DataFusionError>>()?, physical)?))
}
