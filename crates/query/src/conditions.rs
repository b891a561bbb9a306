//! Conditions of streams: SQL over the rows of one batch, the same answer every time.

use crate::errors;
use crate::functions;
use arrow::array::{AsArray, BooleanArray};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::{SessionState, SessionStateBuilder, SessionStateDefaults};
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};
use datafusion::physical_expr::PhysicalExpr;
use helios_contract::condition::{Condition, Conditions};
use helios_contract::error::{Error, Result};
use std::sync::Arc;

/// What makes conditions of SQL; it knows every function that is not over groups.
///
/// # Errors
/// `Internal` when functions clash.
pub fn conditions() -> Result<Arc<dyn Conditions>> {
    let mut state = SessionStateBuilder::new()
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(SessionStateDefaults::default_scalar_functions())
        .build();
    functions::register(&mut state).map_err(|e| errors::from_datafusion(e, None))?;
    Ok(Arc::new(Sql { state }))
}

struct Sql {
    state: SessionState,
}

impl Conditions for Sql {
    fn compile(&self, condition: &str, schema: &SchemaRef) -> Result<Arc<dyn Condition>> {
        let schema = DFSchema::try_from(crate::table::bare(schema)).map_err(|e| errors::from_datafusion(e, None))?;
        let unfit = |e| errors::from_datafusion(e, None).context(format!("the condition ({condition})"));
        let expr = self.state.create_logical_expr(condition, &schema).map_err(unfit)?;
        refuse_changing(&expr, condition)?;
        let data_type = expr.get_type(&schema).map_err(unfit)?;
        if data_type != DataType::Boolean {
            return Err(Error::invalid(format!("({condition}) is no condition: its type is {data_type}"))
                .hint("Write something that is true or false, such as price > 0."));
        }
        let physical = self.state.create_physical_expr(expr, &schema).map_err(unfit)?;
        Ok(Arc::new(Compiled { physical, text: condition.to_owned() }))
    }
}

/// A record that is read again must end where it ended before.
fn refuse_changing(expr: &Expr, condition: &str) -> Result<()> {
    let mut found = None;
    let visited = expr.apply(|part| {
        found = match part {
            Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
                Some(format!("{}() does not answer the same twice", call.func.name()))
            }
            Expr::AggregateFunction(_) | Expr::WindowFunction(_) => Some("it looks at more than one row".to_owned()),
            Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) => Some("it holds a query".to_owned()),
            _ => None,
        };
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    visited.map_err(|e| errors::from_datafusion(e, None))?;
    match found {
        Some(why) => Err(Error::invalid(format!("({condition}) cannot be a condition of a stream: {why}"))
            .hint("Conditions see one row at a time, and give the same answer whenever it is read.")),
        None => Ok(()),
    }
}

struct Compiled {
    physical: Arc<dyn PhysicalExpr>,
    text: String,
}

impl Condition for Compiled {
    fn holds(&self, rows: &RecordBatch) -> Result<BooleanArray> {
        let evaluated = self.physical.evaluate(rows).and_then(|value| value.into_array(rows.num_rows()));
        let holds = evaluated.map_err(|e| errors::from_datafusion(e, None).context(format!("evaluating ({})", self.text)))?;
        holds.as_boolean_opt().cloned().ok_or_else(|| Error::internal(format!("({}) did not give true or false", self.text)))
    }
}
