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

/// Those over event tables, with what they do, for `SHOW FUNCTIONS`.
pub(crate) const ADDED: [(&str, &str); 5] = [
    ("retention", "retention(condition1, ...): which conditions some row met, if one met the first. An ARRAY<BOOLEAN>."),
    ("session_count", "session_count(gap, time): how many runs of rows with no pause longer than gap."),
    (
        "session_number",
        "session_number(gap, time) OVER (PARTITION BY who ORDER BY time): the number of each row's session, from 1.",
    ),
    ("time_bucket", "time_bucket(interval, time [, origin]): the start of the interval that time is in."),
    (
        "window_funnel",
        "window_funnel(window, time, step1, ...): how many steps were taken in order within the window after the first.",
    ),
];

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
