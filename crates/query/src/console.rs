//! What a console asks beside answers: what a text of statements says, which functions there are, how far a query is.

use crate::engine::Engine;
use crate::parse::Statement;
use crate::{errors, explain, functions, plan, rewrite};
use arrow::datatypes::DataType;
use async_trait::async_trait;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};
use helios_contract::console::{Console, Explained, Function, Progress, Reading, StatementRead};
use helios_contract::error::{Error, Result};
use helios_contract::query::{Query, QueryEngine};
use std::collections::HashMap;
use std::ops::Range;

/// Statements that are planned; more are only found.
const PLANNED_MAX: usize = 50;

#[async_trait]
impl Console for Engine {
    async fn read(&self, sql: &str) -> Reading {
        let tokens = match plan::words(sql).await {
            Ok(tokens) => tokens,
            Err(error) => return Reading { error: Some(error), ..Reading::default() },
        };
        let mut reading = Reading::default();
        let mut types = HashMap::new();
        let parts: Vec<Part> = parts(sql, &tokens);
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
        reading.parameters = placeholders(&tokens)
            .into_iter()
            .map(|placeholder| {
                let known = types.get(placeholder).cloned();
                (placeholder.trim_start_matches('$').to_owned(), known)
            })
            .collect();
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
    let places = Places::of(sql);
    let statements = tokens.split(|token| token.token == Token::SemiColon).filter(|tokens| !tokens.is_empty());
    statements
        .map(|tokens| {
            let (first, last) = (&tokens[0], &tokens[tokens.len() - 1]);
            let (kind, read_only) = kind(tokens);
            Part {
                bytes: places.byte(first.span.start)..places.byte(last.span.end),
                start: first.span.start,
                kind,
                read_only,
                has_parameters: !placeholders(tokens).is_empty(),
            }
        })
        .collect()
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
fn placeholders(tokens: &[TokenWithSpan]) -> Vec<&str> {
    let mut found = Vec::new();
    for token in tokens {
        match &token.token {
            Token::Placeholder(name) if name.starts_with('$') && !found.contains(&name.as_str()) => found.push(name.as_str()),
            _ => {}
        }
    }
    found
}

/// The statement alone, at its place: what stands before it is blank, so that errors name places of the whole text.
fn in_place(sql: &str, part: &Part) -> String {
    let n_lines = usize::try_from(part.start.line.saturating_sub(1)).unwrap_or(0);
    let n_columns = usize::try_from(part.start.column.saturating_sub(1)).unwrap_or(0);
    format!("{}{}{}", "\n".repeat(n_lines), " ".repeat(n_columns), &sql[part.bytes.clone()])
}

/// Finds bytes by line and column.
struct Places<'a> {
    sql: &'a str,
    /// The byte each line begins at.
    lines: Vec<usize>,
}

impl Places<'_> {
    fn of(sql: &str) -> Places<'_> {
        let lines = std::iter::once(0).chain(sql.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Places { sql, lines }
    }

    fn byte(&self, location: Location) -> usize {
        let line = usize::try_from(location.line.saturating_sub(1)).unwrap_or(0);
        let column = usize::try_from(location.column.saturating_sub(1)).unwrap_or(0);
        let begin = self.lines.get(line).copied().unwrap_or(self.sql.len());
        self.sql[begin..].char_indices().nth(column).map_or(self.sql.len(), |(i, _)| begin + i)
    }
}

/// An error of planning without a statement to point into.
pub(crate) fn unplanned(error: datafusion::common::DataFusionError) -> Error {
    errors::from_datafusion(error, None)
}

#[cfg(test)]
mod tests;
