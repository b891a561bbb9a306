//! DataFusion's errors in our words: what was wrong, where, and what to do.

use crate::parse::Text;
use arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError};
use datafusion::execution::SessionState;
use datafusion::parquet::errors::ParquetError;
use helios_contract::column::quoted;
use helios_contract::error::{Error, TextPosition, nearest};

const MEMORY_HINT: &str =
    "Read less: filter by time, group by fewer values, or ask for fewer columns; or raise the query's memory.";

/// The statement an error is about.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) text: &'a Text,
    /// Knows the functions there are.
    pub(crate) state: &'a SessionState,
}

impl About<'_> {
    fn position_of(about: Option<About>, error: Error, name: &str) -> Error {
        match about.and_then(|about| about.text.position_of(name)) {
            Some(TextPosition { line, column }) => error.at(line, column),
            None => error,
        }
    }
}

/// Translates an error; `about` is the statement, where it is known.
pub(crate) fn from_datafusion(error: DataFusionError, about: Option<About>) -> Error {
    match error {
        DataFusionError::Context(_, inner) => from_datafusion(*inner, about),
        DataFusionError::Diagnostic(diagnostic, inner) => {
            let error = from_datafusion(*inner, about);
            match diagnostic.span {
                Some(span) if span.start.line > 0 => error.at(span.start.line, span.start.column),
                _ => error,
            }
        }
        DataFusionError::Collection(errors) => match errors.into_iter().next() {
            Some(first) => from_datafusion(first, about),
            None => Error::internal("the query failed without a cause"),
        },
        DataFusionError::Shared(shared) => from_shared(&shared),
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => match other.downcast::<ArrowError>() {
                Ok(arrow) => from_arrow(*arrow),
                Err(other) => Error::internal(clean(&other.to_string())),
            },
        },
        DataFusionError::SchemaError(schema, _) => from_schema(&schema, about),
        DataFusionError::ArrowError(arrow, _) => from_arrow(*arrow),
        DataFusionError::ParquetError(parquet) => from_parquet(*parquet),
        DataFusionError::ObjectStore(store) => from_store(&store),
        DataFusionError::IoError(io) => Error::unavailable(format!("cannot read or spill: {io}")),
        DataFusionError::ResourcesExhausted(_) => {
            Error::exhausted("the query needs more memory than it may use").hint(MEMORY_HINT)
        }
        DataFusionError::Plan(message) | DataFusionError::Configuration(message) => from_plan(&message, about),
        DataFusionError::SQL(error, _) => Error::invalid(clean(&error.to_string())),
        DataFusionError::NotImplemented(message) => Error::invalid(format!("not supported: {}", clean(&message))),
        DataFusionError::Execution(message) => from_execution(&message),
        other => Error::internal(format!("the query failed: {}", clean(&other.to_string())))
            .hint("This is a bug: please report the statement."),
    }
}

/// An error that others hold, too, and that can only be looked at.
fn from_shared(shared: &DataFusionError) -> Error {
    match shared {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => from_shared(inner),
        DataFusionError::Shared(inner) => from_shared(inner),
        DataFusionError::External(inner) => match inner.downcast_ref::<Error>() {
            Some(ours) => {
                let copy = Error::new(ours.kind(), ours.message());
                ours.hint_text().map_or_else(|| Error::new(ours.kind(), ours.message()), |hint| copy.hint(hint))
            }
            None => Error::internal(clean(&inner.to_string())),
        },
        DataFusionError::ResourcesExhausted(message) => {
            from_datafusion(DataFusionError::ResourcesExhausted(message.clone()), None)
        }
        DataFusionError::Execution(message) => from_execution(message),
        DataFusionError::ObjectStore(store) => from_store(store),
        DataFusionError::ArrowError(arrow, _) => arrow_kind(arrow, clean(&arrow.to_string())),
        DataFusionError::ParquetError(parquet) => Error::corrupt(format!("a file of the table cannot be read: {parquet}")),
        other => Error::internal(format!("the query failed: {}", clean(&other.to_string()))),
    }
}

fn from_schema(error: &SchemaError, about: Option<About>) -> Error {
    let at_name = |error: Error, name: &str| About::position_of(about, error, name);
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let error = at_name(Error::invalid(format!("there is no column {}", shown(field))), &field.name);
            match column_hint(field, valid_fields) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        }
        SchemaError::AmbiguousReference { field } => {
            at_name(Error::invalid(format!("column {} is in several tables", shown(field))), &field.name)
                .hint("Put the table's name or alias and a dot in front of it.")
        }
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            at_name(Error::invalid(format!("column `{name}` of `{qualifier}` stands twice")), name)
                .hint("Give each table its own alias.")
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            at_name(Error::invalid(format!("two columns are called `{name}`")), name)
                .hint("Give one of them another name with AS.")
        }
    }
}

fn shown(column: &Column) -> String {
    match &column.relation {
        Some(relation) => format!("`{}` in `{relation}`", column.name),
        None => format!("`{}`", column.name),
    }
}

fn column_hint(field: &Column, valid: &[Column]) -> Option<String> {
    let of_table = valid.iter().filter(|column| field.relation.is_none() || column.relation == field.relation);
    let names: Vec<&str> = of_table.map(|column| column.name.as_str()).collect();
    if names.is_empty() {
        let tables = valid.iter().filter_map(|column| column.relation.as_ref()).map(|relation| relation.table());
        let given = field.relation.as_ref()?.table();
        return nearest(given, tables).map(|near| format!("Did you mean `{near}.{}`?", field.name));
    }
    if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(&field.name)) {
        return Some(format!("Did you mean {}? Names with capital letters stand in double quotes.", quoted(name)));
    }
    if let Some(near) = nearest(&field.name, names.iter().copied()) {
        return Some(format!("Did you mean `{near}`?"));
    }
    const SHOWN_MAX: usize = 12;
    let more = if names.len() > SHOWN_MAX { ", ..." } else { "" };
    Some(format!(
        "The columns are {}{more}.",
        names.iter().take(SHOWN_MAX).map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    ))
}

fn from_plan(message: &str, about: Option<About>) -> Error {
    if let Some(name) = between(message, "Invalid function '", "'") {
        let error = About::position_of(about, Error::invalid(format!("there is no function `{name}`")), name);
        let near = about.and_then(|About { state, .. }| {
            let functions = state.scalar_functions().keys().chain(state.aggregate_functions().keys());
            nearest(name, functions.chain(state.window_functions().keys()).map(String::as_str))
        });
        return match near {
            Some(near) => error.hint(format!("Did you mean `{near}`?")),
            None => error.hint("SHOW FUNCTIONS lists them."),
        };
    }
    if let Some(name) = between(message, "table '", "' not found") {
        return Error::not_found(format!("there is no table `{}`", name.trim_start_matches("helios.")))
            .hint("SHOW TABLES lists them.");
    }
    if let Some((function, why)) = message.split_once("' user-defined coercion failed with: ") {
        let why = why.split(" No function matches").next().unwrap_or(why).trim_end_matches('.');
        let function = function.rsplit('\'').next().unwrap_or(function);
        return About::position_of(about, Error::invalid(clean(why)), function);
    }
    if let Some(call) = between(message, "argument types '", "'") {
        let function = call.split('(').next().unwrap_or(call);
        let error = About::position_of(about, Error::invalid(format!("no function fits {call}")), function);
        let candidates: Vec<&str> =
            message.split_once("Candidate functions:").map_or("", |(_, c)| c).split_whitespace().collect();
        return error.hint(format!("Cast the arguments to what it takes: {}.", candidates.join(" ")));
    }
    Error::invalid(clean(message))
}

/// What fails while rows are computed is nearly always a value that does not fit.
fn from_execution(message: &str) -> Error {
    Error::invalid(clean(message))
}

fn from_arrow(error: ArrowError) -> Error {
    match error {
        ArrowError::ExternalError(inner) => match inner.downcast::<DataFusionError>() {
            Ok(datafusion) => from_datafusion(*datafusion, None),
            Err(other) => Error::internal(clean(&other.to_string())),
        },
        other => {
            let message = clean(&other.to_string());
            arrow_kind(&other, message)
        }
    }
}

fn arrow_kind(error: &ArrowError, message: String) -> Error {
    match error {
        ArrowError::DivideByZero => Error::invalid("division by zero").hint("Divide by NULLIF(x, 0) to get NULL instead."),
        ArrowError::CastError(_) | ArrowError::ParseError(_) => {
            Error::invalid(message).hint("TRY_CAST gives NULL for values that cannot be converted.")
        }
        ArrowError::IoError(..) => Error::unavailable(message),
        ArrowError::MemoryError(_) => Error::exhausted(message).hint(MEMORY_HINT),
        _ => Error::invalid(message),
    }
}

fn from_parquet(error: ParquetError) -> Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<object_store::Error>() {
            Ok(store) => from_store(&store),
            Err(other) => Error::corrupt(format!("a file of the table cannot be read: {other}")),
        },
        other => Error::corrupt(format!("a file of the table cannot be read: {}", clean(&other.to_string()))),
    }
}

fn from_store(error: &object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { path, .. } => Error::corrupt(format!("the file {path} of the table is missing")),
        other => Error::unavailable(format!("the data cannot be read now: {other}")).hint("Try again."),
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

/// Takes the names of error types off a message, begins it in lower case, and joins its lines.
pub(crate) fn clean(message: &str) -> String {
    const PREFIXES: [&str; 16] = [
        "Error during planning: ",
        "Execution error: ",
        "Arrow error: ",
        "Parquet error: ",
        "External error: ",
        "External: ",
        "SQL error: ",
        "Schema error: ",
        "This feature is not implemented: ",
        "Cast error: ",
        "Parser error: ",
        "Compute error: ",
        "Invalid argument error: ",
        "Arithmetic overflow: ",
        "sql parser error: ",
        "Optimizer rule ",
    ];
    let mut message = message.trim();
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        message = rest;
    }
    let message = message.split("\n\nbacktrace:").next().unwrap_or(message);
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut chars = message.chars();
    match (chars.next(), chars.clone().next()) {
        // A word in capitals stays: INTERVAL, NULL.
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => message,
    }
}

#[cfg(test)]
mod tests;
