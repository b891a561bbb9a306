//! `CREATE`, `ALTER`, `DROP`, `PAUSE` and `RESUME STREAM`.

use super::cursor::Cursor;
use super::types::{column, json, path, whole_type};
use crate::parse::{at, condition};
use datafusion::sql::sqlparser::tokenizer::Token;
use helios_contract::StreamName;
use helios_contract::column::Column;
use helios_contract::drift::OnTypeChange;
use helios_contract::error::{Error, Result};
use helios_contract::stream::{
    Deduplicate, Format, OnFail, OptionValue, Options, PartitionBy, Rule, SourceKind, StreamChange, StreamCommand,
    StreamDefinition, TimePart,
};
use std::collections::HashSet;

/// Reads a statement about a stream; `None` when the words begin none.
///
/// # Errors
/// `Invalid`, with the place.
pub(crate) fn stream_command(cursor: &mut Cursor) -> Result<Option<StreamCommand>> {
    let command = if cursor.take("CREATE STREAM") {
        create(cursor)?
    } else if cursor.take("ALTER STREAM") {
        StreamCommand::Alter { name: name(cursor)?, change: change(cursor)? }
    } else if cursor.take("DROP STREAM") {
        let if_exists = cursor.take("IF EXISTS");
        StreamCommand::Drop { name: name(cursor)?, if_exists }
    } else if cursor.take("PAUSE STREAM") {
        StreamCommand::Pause(name(cursor)?)
    } else if cursor.take("RESUME STREAM") {
        StreamCommand::Resume(name(cursor)?)
    } else {
        return Ok(None);
    };
    Ok(Some(command))
}

pub(super) fn name(cursor: &mut Cursor) -> Result<StreamName> {
    let position = cursor.position();
    let name = cursor.identifier("the stream's name")?;
    StreamName::new(name).map_err(|error| at(error, position))
}

fn create(cursor: &mut Cursor) -> Result<StreamCommand> {
    let if_not_exists = cursor.take("IF NOT EXISTS");
    let name = name(cursor)?;
    let columns = if cursor.peek() == Some(&Token::LParen) { columns(cursor)? } else { Vec::new() };
    cursor.expect("FROM")?;
    let source = cursor.one_of("where records come from", &SourceKind::ALL)?;
    let mut definition = StreamDefinition { columns, ..StreamDefinition::new(name, source) };
    if cursor.peek() == Some(&Token::LParen) {
        definition.options = options(cursor)?;
    }
    let mut seen = HashSet::new();
    while !cursor.at_end() {
        let position = cursor.position();
        let clause = clause(cursor, &mut definition)?;
        if clause != "RULE" && !seen.insert(clause) {
            return Err(at(Error::invalid(format!("{clause} stands twice")), position).hint("Keep one of them."));
        }
    }
    Ok(StreamCommand::Create { definition: Box::new(definition), if_not_exists })
}

fn columns(cursor: &mut Cursor) -> Result<Vec<Column>> {
    let mut seen = HashSet::new();
    cursor.list(|cursor| {
        let position = cursor.position();
        let column = column(cursor)?;
        if !seen.insert(column.name.clone()) {
            return Err(at(Error::invalid(format!("column `{}` is declared twice", column.name)), position));
        }
        Ok(column)
    })
}

/// Reads one clause after `FROM ...` into `definition`; answers its name.
fn clause(cursor: &mut Cursor, definition: &mut StreamDefinition) -> Result<&'static str> {
    const CLAUSES: [&str; 9] = [
        "FORMAT",
        "EVENT TIME",
        "DEDUPLICATE BY",
        "PARTITION BY",
        "ORDER BY",
        "FILTER WHERE",
        "RULE",
        "ON TYPE CHANGE",
        "RETAIN",
    ];
    let names = |cursor: &mut Cursor| cursor.list(|c| c.identifier("a column's name"));
    let Some(clause) = CLAUSES.into_iter().find(|words| cursor.take(words)) else {
        return Err(cursor.expected_one_of("a clause of CREATE STREAM", CLAUSES.into_iter()));
    };
    match clause {
        "FORMAT" => (definition.format, definition.format_options) = format(cursor)?,
        "EVENT TIME" => {
            definition.event_time = Some(cursor.identifier("a timestamp column")?);
            definition.lateness = if cursor.take("ALLOW LATENESS") { Some(cursor.interval()?) } else { None };
        }
        "DEDUPLICATE BY" => {
            let by = names(cursor)?;
            cursor.expect("WITHIN")?;
            definition.deduplicate = Some(Deduplicate { by, within: cursor.interval()? });
        }
        "PARTITION BY" => {
            let unit =
                cursor.one_of("a length", &[TimePart::Hour, TimePart::Day, TimePart::Month].map(|unit| (unit, unit.sql())))?;
            cursor.expect_token(&Token::LParen)?;
            definition.partition_by = Some(PartitionBy { unit, column: cursor.identifier("a timestamp column")? });
            cursor.expect_token(&Token::RParen)?;
        }
        "ORDER BY" => definition.order_by = names(cursor)?,
        "FILTER WHERE" => definition.filter = Some(in_brackets(cursor)?),
        "RULE" => definition.rules.push(rule(cursor)?),
        "ON TYPE CHANGE" => definition.on_type_change = cursor.one_of("a policy", &OnTypeChange::ALL)?,
        _ => definition.retain = Some(cursor.interval()?),
    }
    Ok(clause)
}

/// `name CHECK (condition) ON FAIL QUARANTINE | DROP | TAG`
fn rule(cursor: &mut Cursor) -> Result<Rule> {
    let name = cursor.identifier("the rule's name")?;
    cursor.expect("CHECK")?;
    let condition = in_brackets(cursor)?;
    cursor.expect("ON FAIL")?;
    Ok(Rule { name, condition, on_fail: cursor.one_of("what becomes of the row", &OnFail::ALL)? })
}

/// `(condition)`
fn in_brackets(cursor: &mut Cursor) -> Result<String> {
    cursor.expect_token(&Token::LParen)?;
    let condition = condition(cursor.until(Some(&Token::RParen))?, cursor.position())?;
    cursor.expect_token(&Token::RParen)?;
    Ok(condition)
}

pub(super) fn change(cursor: &mut Cursor) -> Result<StreamChange> {
    const CHANGES: [&str; 19] = [
        "SET FORMAT",
        "SET RETAIN",
        "SET ALLOW LATENESS",
        "SET ON TYPE CHANGE",
        "SET",
        "RESET",
        "ADD COLUMN",
        "ADD RULE",
        "ADD",
        "ALTER COLUMN",
        "DROP COLUMN",
        "DROP RETAIN",
        "DROP RULE",
        "DROP FILTER",
        "RENAME COLUMN",
        "PROMOTE",
        "MAP",
        "UNMAP",
        "FILTER WHERE",
    ];
    let Some(change) = CHANGES.into_iter().find(|words| cursor.take(words)) else {
        return Err(cursor.expected_one_of("a change", CHANGES.into_iter()));
    };
    let a_column = "a column's name";
    Ok(match change {
        "SET FORMAT" => {
            let (format, options) = format(cursor)?;
            StreamChange::Format(format, options)
        }
        "SET RETAIN" => StreamChange::Retain(Some(cursor.interval()?)),
        "SET ALLOW LATENESS" => StreamChange::Lateness(cursor.interval()?),
        "SET ON TYPE CHANGE" => StreamChange::OnTypeChange(cursor.one_of("a policy", &OnTypeChange::ALL)?),
        "SET" => StreamChange::SetOptions(options(cursor)?),
        "RESET" => StreamChange::ResetOptions(cursor.list(|c| c.identifier("an option's name"))?),
        "ADD RULE" => StreamChange::AddRule(rule(cursor)?),
        "ALTER COLUMN" => {
            let name = cursor.identifier(a_column)?;
            cursor.expect("TYPE")?;
            StreamChange::ColumnType(name, whole_type(cursor)?)
        }
        "DROP COLUMN" => StreamChange::DropColumn(cursor.identifier(a_column)?),
        "DROP RETAIN" => StreamChange::Retain(None),
        "DROP RULE" => StreamChange::DropRule(cursor.identifier("a rule's name")?),
        "DROP FILTER" => StreamChange::Filter(None),
        "RENAME COLUMN" => {
            let from = cursor.identifier(a_column)?;
            cursor.expect("TO")?;
            StreamChange::RenameColumn(from, cursor.identifier("the column's new name")?)
        }
        "PROMOTE" => promote(cursor)?,
        "MAP" => map(cursor)?,
        "UNMAP" => {
            let path = path(cursor)?;
            cursor.expect("FROM")?;
            StreamChange::Unmap { path, column: cursor.identifier(a_column)? }
        }
        "FILTER WHERE" => {
            let end = cursor.position();
            StreamChange::Filter(Some(condition(cursor.until(None)?, end)?))
        }
        _ => StreamChange::AddColumn(column(cursor)?),
    })
}

/// `path [AS column [type]]`
fn promote(cursor: &mut Cursor) -> Result<StreamChange> {
    let path = path(cursor)?;
    let mut name = path.rsplit('.').next().unwrap_or_default().to_owned();
    let mut data_type = None;
    if cursor.take("AS") {
        name = cursor.identifier("the column's name")?;
        data_type = if cursor.at_end() { None } else { Some(whole_type(cursor)?) };
    }
    Ok(StreamChange::Promote { path, name, data_type })
}

/// `path TO column`, `column DEFAULT value` or `column DROP DEFAULT`
fn map(cursor: &mut Cursor) -> Result<StreamChange> {
    let path = path(cursor)?;
    if cursor.take("TO") {
        return Ok(StreamChange::Map { path, column: cursor.identifier("a column's name")? });
    }
    if cursor.take("DROP DEFAULT") {
        return Ok(StreamChange::Default(path, None));
    }
    if !cursor.take("DEFAULT") {
        return Err(cursor.expected_one_of("how the field is mapped", ["TO", "DEFAULT", "DROP DEFAULT"].into_iter()));
    }
    Ok(StreamChange::Default(path, Some(json(cursor)?)))
}

/// `AVRO (option = value, ...)`
fn format(cursor: &mut Cursor) -> Result<(Format, Options)> {
    let format = cursor.one_of("a format", &Format::ALL)?;
    let options = if cursor.peek() == Some(&Token::LParen) { options(cursor)? } else { Options::new() };
    Ok((format, options))
}

pub(super) fn options(cursor: &mut Cursor) -> Result<Options> {
    let mut options = Options::new();
    cursor.discreet = true;
    cursor.list(|cursor| {
        let position = cursor.position();
        let name = cursor.identifier("an option's name")?;
        // A name alone says yes.
        let value = match cursor.peek() {
            Some(Token::Comma | Token::RParen) => OptionValue::Bool(true),
            _ => {
                cursor.expect_token(&Token::Eq)?;
                option_value(cursor, &name)?
            }
        };
        match options.insert(name.clone(), value) {
            None => Ok(()),
            Some(_) => Err(at(Error::invalid(format!("option `{name}` stands twice")), position)),
        }
    })?;
    cursor.discreet = false;
    Ok(options)
}

fn option_value(cursor: &mut Cursor, option: &str) -> Result<OptionValue> {
    let position = cursor.position();
    let wrong = || {
        at(Error::invalid(format!("option `{option}` has no value that can be read")), position)
            .hint("Write 'text', a number, true, false, SECRET 'name' or ENV 'NAME'.")
    };
    if cursor.take("TRUE") {
        return Ok(OptionValue::Bool(true));
    }
    if cursor.take("FALSE") {
        return Ok(OptionValue::Bool(false));
    }
    if cursor.take("SECRET") {
        return cursor.text("").map(OptionValue::Secret).map_err(|_| wrong());
    }
    if cursor.take("ENV") {
        return cursor.text("").map(OptionValue::Env).map_err(|_| wrong());
    }
    let sign = if cursor.take_token(&Token::Minus) { -1 } else { 1 };
    if let Ok(number) = cursor.number::<i64>("") {
        return Ok(OptionValue::Number(sign * number));
    }
    match cursor.text("") {
        Ok(text) if sign == 1 => Ok(OptionValue::Text(text)),
        _ => Err(wrong()),
    }
}
