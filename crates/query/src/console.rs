//! What a console asks beside answers: what a text of statements says, which functions there are, how far a query is.

use crate::engine::Engine;
use crate::parse::{self, Statement};
use crate::{explain, functions, plan, rewrite};
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};
use helios_contract::console::{Console, Explained, Function, Progress, Reading, StatementRead};
use helios_contract::error::{Error, Result};
use helios_contract::query::{Query, QueryEngine};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Statements that are told apart.
const STATEMENTS_MAX: usize = 10_000;
/// Statements that are planned; more are only found.
const PLANNED_MAX: usize = 50;

#[async_trait]
impl Console for Engine {
    async fn read(&self, sql: &str) -> Reading {
        let whole = sql.to_owned();
        let divided =
            plan::off_thread(move || parse::words(&whole).map(|tokens| (parts(&whole, &tokens), placeholders(&tokens))));
        let (parts, placeholders) = match divided.await {
            Ok(divided) => divided,
            Err(error) => return Reading { error: Some(error), ..Reading::default() },
        };
        if parts.len() > STATEMENTS_MAX {
            let error = Error::invalid(format!("the text holds more than {STATEMENTS_MAX} statements")).hint("Divide it.");
            return Reading { error: Some(error), ..Reading::default() };
        }
        let mut reading = Reading::default();
        let mut types = HashMap::new();
        for part in parts.iter().take(PLANNED_MAX) {
            let in_place = in_place(sql, part);
            match self.check(&in_place).await {
                Ok(fields) => reading.fields = (parts.len() == 1).then_some(fields),
                Err(error) => reading.error = reading.error.or(Some(error)),
            }
            if part.has_parameters {
                // Where types cannot be told, the parameters are listed without. The first place that says one counts.
                let known = self.parameter_types(&in_place).await.unwrap_or_default();
                known.into_iter().filter_map(|(name, known)| Some((name, known?))).for_each(|(name, known)| {
                    types.entry(name).or_insert(known);
                });
            }
        }
        let parameter = |name: String| (name.trim_start_matches('$').to_owned(), types.get(&name).cloned());
        reading.parameters = placeholders.into_iter().map(parameter).collect();
        reading.statements = parts.into_iter().map(Part::read).collect();
        reading
    }

    async fn explain(&self, query: Query, analyze: bool) -> Result<Explained> {
        explain::explain(self, query, analyze).await
    }

    fn functions(&self) -> Vec<Function> {
        functions::catalogue(self.sessions.state())
    }

    fn progress(&self, id: &str) -> Option<Progress> {
        self.history.progress(id)
    }
}

impl Engine {
    /// The type of each `$name` of a query, where its place says it.
    async fn parameter_types(&self, sql: &str) -> Result<HashMap<String, Option<DataType>>> {
        let (Statement::Query(mut statement), text) = plan::parse(sql).await? else { return Ok(HashMap::new()) };
        let needs = rewrite::rewrite(&mut statement, &text)?;
        let (session, _) = self.session(&needs, self.config.memory_bytes).await?;
        plan::parameter_types(session, *statement).await
    }
}

/// One statement of a text.
struct Part {
    bytes: Range<usize>,
    start: Location,
    kind: String,
    read_only: bool,
    has_parameters: bool,
}

impl Part {
    fn read(self) -> StatementRead {
        StatementRead { bytes: self.bytes, kind: self.kind, read_only: self.read_only }
    }
}

fn parts(sql: &str, tokens: &[TokenWithSpan]) -> Vec<Part> {
    let statements: Vec<&[TokenWithSpan]> =
        tokens.split(|token| token.token == Token::SemiColon).filter(|tokens| !tokens.is_empty()).collect();
    let places = statements.iter().flat_map(|tokens| [tokens[0].span.start, tokens[tokens.len() - 1].span.end]);
    let bytes = bytes(sql, places);
    let part = |(tokens, bytes): (&&[TokenWithSpan], &[usize])| {
        let (kind, read_only) = kind(tokens);
        let has_parameters = tokens.iter().any(|token| placeholder(token).is_some());
        Part { bytes: bytes[0]..bytes[1], start: tokens[0].span.start, kind, read_only, has_parameters }
    };
    statements.iter().zip(bytes.chunks(2)).map(part).collect()
}

/// The first words of a statement that say what it is, and whether it changes nothing.
fn kind(tokens: &[TokenWithSpan]) -> (String, bool) {
    const READS: [&str; 7] = ["select", "with", "values", "explain", "show", "describe", "desc"];
    const OF_SOMETHING: [&str; 5] = ["create", "alter", "drop", "pause", "resume"];
    let word = |i: usize| tokens.get(i).map(|token| token.token.to_string().to_lowercase()).unwrap_or_default();
    match word(0) {
        first if first == "(" => ("select".to_owned(), true),
        first if OF_SOMETHING.contains(&first.as_str()) => (format!("{first} {}", word(1)).trim_end().to_owned(), false),
        first => {
            let reads = READS.contains(&first.as_str());
            (first, reads)
        }
    }
}

/// Every `$name`, once, in order of appearance.
fn placeholders(tokens: &[TokenWithSpan]) -> Vec<String> {
    let mut known = HashSet::new();
    tokens.iter().filter_map(placeholder).filter(|name| known.insert(*name)).map(str::to_owned).collect()
}

fn placeholder(token: &TokenWithSpan) -> Option<&str> {
    match &token.token {
        Token::Placeholder(name) if name.starts_with('$') => Some(name),
        _ => None,
    }
}

/// The statement alone, at its place: what stands before it is blank, so that errors name places of the whole text.
fn in_place(sql: &str, part: &Part) -> String {
    let n_lines = usize::try_from(part.start.line.saturating_sub(1)).unwrap_or(0);
    let n_columns = usize::try_from(part.start.column.saturating_sub(1)).unwrap_or(0);
    format!("{}{}{}", "\n".repeat(n_lines), " ".repeat(n_columns), &sql[part.bytes.clone()])
}

/// The byte at each of `places`, which stand in the order of the text: one walk finds all.
fn bytes(sql: &str, places: impl Iterator<Item = Location>) -> Vec<usize> {
    let mut chars = sql.char_indices().peekable();
    let mut at = Location { line: 1, column: 1 };
    let mut found = Vec::new();
    for place in places {
        while at < place
            && let Some((_, passed)) = chars.next()
        {
            at = match passed {
                '\n' => Location { line: at.line + 1, column: 1 },
                _ => Location { line: at.line, column: at.column + 1 },
            };
        }
        found.push(chars.peek().map_or(sql.len(), |(byte, _)| *byte));
    }
    found
}

#[cfg(test)]
mod tests;
