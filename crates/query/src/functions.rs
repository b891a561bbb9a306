//! Functions we add to DataFusion's: JSON access, time buckets, and those over event tables.

mod constant;
mod date_trunc;
mod funnel;
mod retention;
mod sessions;
mod time_bucket;

use datafusion::common::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{AggregateUDF, Documentation, ScalarUDF, WindowUDF};
use helios_contract::console::{Function, FunctionKind};
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
    state.register_udf(Arc::new(ScalarUDF::from(date_trunc::DateTrunc::default())))?;
    state.register_udf(Arc::new(ScalarUDF::from(time_bucket::TimeBucket::default())))?;
    state.register_udaf(Arc::new(AggregateUDF::from(funnel::WindowFunnel::default())))?;
    state.register_udaf(Arc::new(AggregateUDF::from(retention::Retention::default())))?;
    state.register_udaf(Arc::new(AggregateUDF::from(sessions::SessionCount::default())))?;
    state.register_udwf(Arc::new(WindowUDF::from(sessions::SessionNumber::default())))?;
    Ok(())
}

/// Those that stand in FROM and make their rows up.
const OF_TABLES: [(&str, &str, &str); 3] = [
    ("generate_series", "generate_series(start, stop [, step])", "Numbers or times from start to stop, both included."),
    ("range", "range(start, stop [, step])", "Numbers or times from start up to, but without, stop."),
    ("unnest", "unnest(array)", "One row for each element of an array."),
];

/// Every function `state` knows, by name.
pub(crate) fn catalogue(state: &SessionState) -> Vec<Function> {
    let described = |name: &String, kind, documentation: Option<&Documentation>| {
        let added = ADDED.iter().find(|(added, _)| added == name).and_then(|(_, text)| text.split_once(": "));
        let (signature, doc) = match (added, documentation) {
            (Some((signature, doc)), _) => (signature.to_owned(), doc.to_owned()),
            (None, Some(documentation)) => (documentation.syntax_example.clone(), documentation.description.clone()),
            (None, None) => (format!("{name}(...)"), String::new()),
        };
        Function { name: name.clone(), signature, kind, doc: doc.split_whitespace().collect::<Vec<_>>().join(" ") }
    };
    let scalar = state.scalar_functions().iter().map(|(name, f)| described(name, FunctionKind::Scalar, f.documentation()));
    let aggregate = state.aggregate_functions().iter();
    let aggregate = aggregate.map(|(name, f)| described(name, FunctionKind::Aggregate, f.documentation()));
    let window = state.window_functions().iter().map(|(name, f)| described(name, FunctionKind::Window, f.documentation()));
    let tables = OF_TABLES.map(|(name, signature, doc)| Function {
        name: name.to_owned(),
        signature: signature.to_owned(),
        kind: FunctionKind::Table,
        doc: doc.to_owned(),
    });
    let mut functions: Vec<Function> = scalar.chain(aggregate).chain(window).chain(tables).collect();
    functions.sort_by(|a, b| (&a.name, a.kind.as_str()).cmp(&(&b.name, b.kind.as_str())));
    functions
}

#[cfg(test)]
mod tests;
