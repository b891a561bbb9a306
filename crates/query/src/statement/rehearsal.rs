//! `EXPLAIN ALTER STREAM name change [OVER INTERVAL '...' | OVER n ROWS]`

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
    pub(crate) over: Over,
    /// The query for the numbers of quarantined records to be tried, too.
    pub(crate) quarantined: Box<SqlStatement>,
}

/// How far back records are tried.
#[derive(Debug)]
pub(crate) enum Over {
    /// Those of the last while.
    Time(Duration),
    /// The newest so many. The query answers the commit before them, and how many rows after it are too many.
    Rows(Box<SqlStatement>),
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
    let over = match (cursor.take("OVER"), cursor.peek()) {
        (false, _) => Over::Time(WITHIN),
        (true, Some(Token::Number(..))) => {
            let n = cursor.number::<u32>("a number of rows")?;
            cursor.expect("ROWS")?;
            Over::Rows(newest(&stream, n, end)?)
        }
        (true, _) => Over::Time(cursor.interval()?),
    };
    cursor.expect_end()?;
    let from = format!("SELECT id FROM system.quarantine WHERE stream = '{stream}' AND state = 'open'");
    let quarantined = selection(&from, Vec::new(), "ORDER BY id DESC LIMIT 5000", end)?;
    Ok(Some(RehearsalStatement { stream, change, over, quarantined }))
}

/// A query for where the newest `n` rows of a stream begin; without an answer when there are fewer.
fn newest(stream: &StreamName, n: u32, end: TextPosition) -> Result<Box<SqlStatement>> {
    let counted =
        format!("SELECT commit, sum(n_rows) OVER (ORDER BY commit DESC) AS n FROM system.commits WHERE stream = '{stream}'");
    let from =
        format!("SELECT commit - 1 AS after, n - {n} AS skip FROM ({counted}) WHERE n >= {n} ORDER BY commit DESC LIMIT 1");
    selection(&from, Vec::new(), "", end)
}

/// Where `OVER INTERVAL '...'` or `OVER n ROWS` begins, if the statement ends with it; else its end.
fn over(tokens: &[TokenWithSpan]) -> usize {
    let is = |token: Option<&TokenWithSpan>, expected: &str| matches!(token.map(|t| &t.token), Some(Token::Word(Word { value, quote_style: None, .. })) if value.eq_ignore_ascii_case(expected));
    let is_number = |token: Option<&TokenWithSpan>| matches!(token.map(|t| &t.token), Some(Token::Number(..)));
    let begins = |i: &usize| is(tokens.get(*i), "OVER") && (is(tokens.get(i + 1), "INTERVAL") || is_number(tokens.get(i + 1)));
    (tokens.len().saturating_sub(4)..tokens.len()).find(begins).unwrap_or(tokens.len())
}
