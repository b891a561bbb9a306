//! `$1` and `$name`: values become literals before planning, so that each takes the type its place asks for.

use datafusion::sql::sqlparser::ast::{Statement, Value, ValueWithSpan, VisitMut, VisitorMut};
use helios_contract::error::{Error, Result, nearest};
use helios_contract::query::Parameters;
use serde_json::Value as Json;
use std::ops::ControlFlow;

/// Puts the values in.
///
/// # Errors
/// `Invalid` naming a parameter that has no value, or one that is an array or an object.
pub(crate) fn bind(statement: &mut Statement, parameters: &Parameters) -> Result<()> {
    each_placeholder(statement, &mut |name| literal(name, parameters))
}

/// Puts `NULL` in, for planning without values.
pub(crate) fn blank(statement: &mut Statement) {
    each_placeholder(statement, &mut |_| Ok(Value::Null)).expect("NULL always binds");
}

fn each_placeholder(statement: &mut Statement, value: &mut dyn FnMut(&str) -> Result<Value>) -> Result<()> {
    match statement.visit(&mut Binder(value)) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Binder<'a>(&'a mut dyn FnMut(&str) -> Result<Value>);

impl VisitorMut for Binder<'_> {
    type Break = Error;

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<Error> {
        let Value::Placeholder(name) = &value.value else { return ControlFlow::Continue(()) };
        let start = value.span.start;
        match (self.0)(name) {
            Ok(literal) => {
                value.value = literal;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error.at(start.line, start.column)),
        }
    }
}

fn literal(placeholder: &str, parameters: &Parameters) -> Result<Value> {
    let name = placeholder.trim_start_matches('$');
    match find(name, parameters)? {
        Json::Null => Ok(Value::Null),
        Json::Bool(value) => Ok(Value::Boolean(*value)),
        Json::Number(value) => Ok(Value::Number(value.to_string(), false)),
        Json::String(value) => Ok(Value::SingleQuotedString(value.clone())),
        Json::Array(_) | Json::Object(_) => Err(Error::invalid(format!("parameter {placeholder} is an array or an object"))
            .hint("Send text, a number, true, false or null; for a list, use one parameter for each value.")),
    }
}

fn find<'a>(name: &str, parameters: &'a Parameters) -> Result<&'a Json> {
    let missing = Error::invalid(format!("parameter ${name} has no value"));
    match parameters {
        Parameters::None => Err(missing.hint("Send \"params\" with the statement.")),
        Parameters::Positional(values) => {
            let index = name.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            index
                .and_then(|i| values.get(i))
                .ok_or_else(|| missing.hint(format!("{} values were sent, for $1 and so on.", values.len())))
        }
        Parameters::Named(values) => values.get(name).ok_or_else(|| match nearest(name, values.keys().map(String::as_str)) {
            Some(near) => missing.hint(format!("A value was sent for ${near}.")),
            None => missing.hint(format!("Add \"{name}\" to \"params\".")),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Statement as Parsed, parse};
    use serde_json::json;

    fn bound(sql: &str, parameters: Parameters) -> Result<String> {
        let (Parsed::Query(mut statement), _) = parse(sql)? else { panic!("not a query: {sql}") };
        bind(&mut statement, &parameters)?;
        Ok(statement.to_string())
    }

    #[test]
    fn values_become_literals() {
        let parameters = Parameters::Positional(vec![json!("it's"), json!(-2), json!(1.5), json!(null), json!(true)]);
        assert_eq!(bound("SELECT $1, $2, $3, $4, $5", parameters).unwrap(), "SELECT 'it''s', -2, 1.5, NULL, true");
        let Json::Object(named) = json!({"n": 3}) else { unreachable!() };
        assert_eq!(bound("SELECT 1 LIMIT $n", Parameters::Named(named)).unwrap(), "SELECT 1 LIMIT 3");
    }

    #[test]
    fn a_missing_value_is_named_with_its_place() {
        let Json::Object(named) = json!({"country": "NL"}) else { unreachable!() };
        let error = bound("SELECT\n  $contry", Parameters::Named(named)).unwrap_err();
        assert_eq!(error.to_string(), "parameter $contry has no value (line 2, column 3). A value was sent for $country.");
        let error = bound("SELECT $3", Parameters::Positional(vec![json!(1)])).unwrap_err();
        assert_eq!(error.message(), "parameter $3 has no value");
        assert!(bound("SELECT $1", Parameters::Positional(vec![json!([1])])).unwrap_err().message().contains("array"));
    }
}
