//! `EXPLAIN ALTER STREAM name change [OVER INTERVAL '...']`

use super::Cursor;
use super::stream::{change, name};
use crate::parse::selection;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};
use helios_contract::StreamName;
use helios_contract::error::{Result, TextPosition};
use helios_contract::stream::StreamChange;
use std::time::Duration;

/// How far back records are tried when the statement does not say it.
const WITHIN: Duration = Duration::from_secs(3600);

/// A change that is to be tried and not made.
#[derive(Debug)]
pub(crate) struct RehearsalStatement {
    /// The stream.
    pub(crate) stream: StreamName,
    /// The change.
    pub(crate) change: StreamChange,
    /// How far back records are tried.
    pub(crate) within: Duration,
    /// The query for the numbers of quarantined records to be tried, too.
    pub(crate) quarantined: Box<SqlStatement>,
}

/// Reads the statement; `None` when the words begin none.
///
/// # Errors
/// `Invalid`, with the place.
pub(crate) fn rehearsal_statement(tokens: &[TokenWithSpan], end: TextPosition) -> Result<Option<RehearsalStatement>> {
    // A condition may be the last thing in a change: so the end is read first.
    let (tokens, over) = tokens.split_at(over(tokens));
    let mut cursor = Cursor::new(tokens, end);
    if !cursor.take("EXPLAIN ALTER STREAM") {
        return Ok(None);
    }
    let (stream, change) = (name(&mut cursor)?, change(&mut cursor)?);
    cursor.expect_end()?;
    let mut cursor = Cursor::new(over, end);
    let within = if cursor.take("OVER") { cursor.interval()? } else { WITHIN };
    cursor.expect_end()?;
    let from = format!("SELECT id FROM system.quarantine WHERE stream = '{stream}' AND state = 'open'");
    let quarantined = selection(&from, Vec::new(), "ORDER BY id DESC LIMIT 5000", end)?;
    Ok(Some(RehearsalStatement { stream, change, within, quarantined }))
}

/// Where `OVER INTERVAL` begins, if the statement ends with it; else its end.
fn over(tokens: &[TokenWithSpan]) -> usize {
    let is = |token: Option<&TokenWithSpan>, expected: &str| matches!(token.map(|t| &t.token), Some(Token::Word(Word { value, quote_style: None, .. })) if value.eq_ignore_ascii_case(expected));
    let begins = |i: &usize| is(tokens.get(*i), "OVER") && is(tokens.get(i + 1), "INTERVAL");
    (tokens.len().saturating_sub(4)..tokens.len()).find(begins).unwrap_or(tokens.len())
}
