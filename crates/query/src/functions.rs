//! Functions we add to DataFusion's: JSON access, time buckets, and those over event tables.

mod constant;
mod funnel;
mod retention;
mod sessions;
mod time_bucket;

use datafusion::common::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use std::sync::Arc;

/// Makes them known to `state`.
///
/// # Errors
/// None that can happen with functions of different names.
pub(crate) fn register(state: &mut SessionState) -> Result<()> {
    datafusion_functions_json::register_all(state)?;
    state.register_udf(Arc::new(ScalarUDF::from(time_bucket::TimeBucket::default())))?;
    state.register_udaf(Arc::new(AggregateUDF::from(funnel::WindowFunnel::default())))?;
    state.register_udaf(Arc::new(AggregateUDF::from(retention::Retention::default())))?;
    state.register_udaf(Arc::new(AggregateUDF::from(sessions::SessionCount::default())))?;
    state.register_udwf(Arc::new(WindowUDF::from(sessions::SessionNumber::default())))?;
    Ok(())
}

#[cfg(test)]
mod tests;
