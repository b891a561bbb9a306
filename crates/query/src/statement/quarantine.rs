//! `DISCARD QUARANTINE`, `REPLAY QUARANTINE` and `EXPLAIN REPLAY QUARANTINE`.

use super::cursor::Cursor;
use crate::parse::{at, selection, start};
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use helios_contract::StreamName;
use helios_contract::error::{Error, Result, TextPosition};
use helios_contract::quarantine::fix::{Fix, Path, Step, Value};

/// A statement about records in quarantine.
#[derive(Debug)]
pub(crate) struct QuarantineStatement {
    /// Whose.
    pub(crate) stream: StreamName,
    /// The query for the numbers of the records it is about.
    pub(crate) which: Box<SqlStatement>,
    /// What is done with them.
    pub(crate) verb: Verb,
}

/// What is done with records in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    /// `DISCARD ... REASON '...'`
    Discard(String),
    /// `REPLAY ... WITH ...`
    Replay(Vec<Fix>),
    /// `EXPLAIN REPLAY ... WITH ...`
    Rehearse(Vec<Fix>),
}

/// Reads a statement about quarantine; `None` when the words begin none.
///
/// # Errors
/// `Invalid`, with the place.
pub(crate) fn quarantine_statement(cursor: &mut Cursor, end: TextPosition) -> Result<Option<QuarantineStatement>> {
    let statement = if cursor.take("DISCARD QUARANTINE") {
        let stream = name(cursor)?;
        let which = which(
            cursor,
            &stream,
            end,
            |left| matches!(left, [reason, text] if is_word(reason, "REASON") && matches!(text.token, Token::SingleQuotedString(_))),
        )?;
        if !cursor.take("REASON") {
            return Err(cursor.expected("REASON '...'").hint("Say why: the reason is kept with the records."));
        }
        QuarantineStatement { stream, which, verb: Verb::Discard(cursor.text("the reason, such as 'test data'")?) }
    } else {
        let rehearses = cursor.take("EXPLAIN REPLAY QUARANTINE");
        if !rehearses && !cursor.take("REPLAY QUARANTINE") {
            return Ok(None);
        }
        let stream = name(cursor)?;
        let which = which(cursor, &stream, end, |left| left.first().is_some_and(|first| is_word(first, "WITH")))?;
        let fixes = if cursor.take("WITH") { fixes(cursor)? } else { Vec::new() };
        QuarantineStatement { stream, which, verb: if rehearses { Verb::Rehearse(fixes) } else { Verb::Replay(fixes) } }
    };
    Ok(Some(statement))
}

fn name(cursor: &mut Cursor) -> Result<StreamName> {
    let position = cursor.position();
    StreamName::new(cursor.identifier("the stream's name")?).map_err(|error| at(error, position))
}

fn is_word(token: &TokenWithSpan, word: &str) -> bool {
    matches!(&token.token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// Reads `[WHERE condition]`, which ends where `is_end` says, outside of brackets, or with the statement.
fn which(
    cursor: &mut Cursor,
    stream: &StreamName,
    end: TextPosition,
    is_end: impl Fn(&[TokenWithSpan]) -> bool,
) -> Result<Box<SqlStatement>> {
    let mut condition = Vec::new();
    if cursor.take("WHERE") {
        let mut depth = 0_usize;
        while let Some(next) = cursor.left().first() {
            match next.token {
                _ if depth == 0 && is_end(cursor.left()) => break,
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket if depth == 0 => return Err(cursor.expected("a condition")),
                Token::RParen | Token::RBracket => depth -= 1,
                _ => {}
            }
            condition.push(next.clone());
            cursor.skip();
        }
        if condition.is_empty() {
            return Err(cursor.expected("a condition on the columns of system.quarantine"));
        }
    }
    let stop = cursor.left().first().map_or(end, start);
    let from = format!("SELECT id FROM system.quarantine WHERE stream = '{stream}' AND state = 'open'");
    selection(&from, condition, "ORDER BY id", stop)
}

fn fixes(cursor: &mut Cursor) -> Result<Vec<Fix>> {
    let mut fixes = vec![fix(cursor)?];
    while cursor.take_token(&Token::Comma) {
        fixes.push(fix(cursor)?);
    }
    Ok(fixes)
}

fn fix(cursor: &mut Cursor) -> Result<Fix> {
    const FIXES: [&str; 4] = ["SET PAYLOAD", "SET", "RENAME", "DROP"];
    let Some(fix) = FIXES.into_iter().find(|words| cursor.take(words)) else {
        return Err(cursor.expected_one_of("a fix", FIXES.into_iter()));
    };
    Ok(match fix {
        "SET PAYLOAD" => {
            cursor.expect_token(&Token::Eq)?;
            let hint = "PAYLOAD is the whole record; a field of that name stands in double quotes.";
            Fix::Payload(cursor.text("the new payload as text").map_err(|error| error.hint(hint))?)
        }
        "SET" => {
            let path = path(cursor)?;
            cursor.expect_token(&Token::Eq)?;
            Fix::Set { path, value: value(cursor)? }
        }
        "RENAME" => {
            let from = path(cursor)?;
            cursor.expect("TO")?;
            Fix::Rename { from, to: path(cursor)? }
        }
        _ => Fix::Drop(path(cursor)?),
    })
}

/// `a.b[2].c`, `a.b[].c`
fn path(cursor: &mut Cursor) -> Result<Path> {
    let mut steps = vec![Step::Field(cursor.identifier("a field's name")?)];
    loop {
        if cursor.take_token(&Token::Period) {
            steps.push(Step::Field(cursor.identifier("a field's name")?));
        } else if cursor.take_token(&Token::LBracket) {
            if cursor.take_token(&Token::RBracket) {
                steps.push(Step::Items);
            } else {
                steps.push(Step::Item(cursor.number("an item's number, from 0")?));
                cursor.expect_token(&Token::RBracket)?;
            }
        } else {
            return Ok(Path(steps));
        }
    }
}

fn value(cursor: &mut Cursor) -> Result<Value> {
    let words = [("NULL", Value::Null), ("TRUE", Value::Boolean(true)), ("FALSE", Value::Boolean(false))];
    if let Some((_, value)) = words.into_iter().find(|(word, _)| cursor.take(word)) {
        return Ok(value);
    }
    let position = cursor.position();
    let sign = if cursor.take_token(&Token::Minus) { "-" } else { "" };
    if let Some(Token::Number(digits, _)) = cursor.peek() {
        let digits = format!("{sign}{digits}");
        if serde_json::from_str::<serde_json::Number>(&digits).is_err() {
            return Err(at(Error::invalid(format!("{digits} is no number that a record can have")), position));
        }
        cursor.skip();
        return Ok(Value::Number(digits));
    }
    match cursor.text("") {
        Ok(text) if sign.is_empty() => Ok(Value::Text(text)),
        _ => {
            Err(at(Error::invalid("this is no value that can be set"), position)
                .hint("Write NULL, 'text', a number, true or false."))
        }
    }
}
