//! `EXPLAIN ALTER STREAM`: what a change would do to records, to columns, and to the statements people run.

use crate::engine::Engine;
use crate::errors::from_datafusion;
use crate::limits::Allowed;
use crate::parse::Text;
use crate::quarantine::ids;
use crate::statement::{Over, RehearsalStatement};
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::TryStreamExt;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::quarantine::{Fate, Outcome};
use helios_contract::query::Parameters;
use helios_contract::rehearsal::{Reach, Rehearsal};
use std::sync::Arc;

/// One finding: what it is about, how it is now, how it would be, and the rest of the answer's columns.
struct Finding {
    about: &'static str,
    now: &'static str,
    then: String,
    reason: String,
    n: u64,
    sample: String,
}

impl Engine {
    /// Tries a change; nothing is changed.
    ///
    /// # Errors
    /// As for the change.
    pub(crate) async fn rehearse(&self, statement: RehearsalStatement, text: Text, allowed: &Allowed) -> Result<RecordBatch> {
        let RehearsalStatement { stream, change, over, quarantined } = statement;
        let open = ids(self.looked_up(*quarantined, text.clone(), allowed).await?);
        let reach = match over {
            Over::Time(time) => Reach::Within(time),
            Over::Rows(newest) => after(&self.looked_up(*newest, text, allowed).await?),
        };
        let rehearsal = self.parts.control.rehearse(&stream, change, reach, open).await?;
        let texts = self.history.texts();
        let affected = texts.iter().filter(|sql| {
            let names = |name: &str| mentions(sql, name);
            reads(sql) && names(stream.as_str()) && rehearsal.touched.iter().any(|column| names(column))
        });
        answer(&rehearsal, affected)
    }

    async fn looked_up(&self, query: SqlStatement, text: Text, allowed: &Allowed) -> Result<Vec<RecordBatch>> {
        let found = Box::pin(self.select(query, text, &Parameters::None, allowed, None)).await?;
        found.rows.try_collect().await.map_err(|error| from_datafusion(error, None))
    }
}

/// The commit before the newest rows, and how many after it are too many: all rows where there are fewer.
fn after(found: &[RecordBatch]) -> Reach {
    let first = |column: usize| {
        let values = |batch: &RecordBatch| batch.column(column).as_primitive::<Int64Type>().values().first().copied();
        found.iter().find_map(values).unwrap_or_default()
    };
    Reach::After { commit: CommitId(first(0)), skip: first(1).unsigned_abs() }
}

/// Whether a statement reads tables.
fn reads(sql: &str) -> bool {
    let first = sql.split_whitespace().next().unwrap_or_default();
    ["SELECT", "WITH"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Whether a statement names something, as a word of its own.
fn mentions(sql: &str, name: &str) -> bool {
    sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word.eq_ignore_ascii_case(name))
}

/// An answer without rows, for its fields.
pub(crate) fn blank() -> Result<RecordBatch> {
    table(&[])
}

fn answer<'q>(rehearsal: &Rehearsal, affected: impl Iterator<Item = &'q String>) -> Result<RecordBatch> {
    let outcome = |now| {
        move |outcome: &Outcome| Finding {
            about: "records",
            now,
            then: word(outcome.fate).to_owned(),
            reason: [&outcome.path, &outcome.reason]
                .into_iter()
                .filter(|text| !text.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join(": "),
            n: outcome.n_records,
            sample: outcome.sample.clone(),
        }
    };
    let mut findings: Vec<Finding> = rehearsal.stored.iter().map(outcome("stored")).collect();
    findings.extend(rehearsal.quarantined.iter().map(outcome("quarantined")));
    findings.extend(rehearsal.columns.iter().map(|filled| Finding {
        about: "column",
        now: "",
        then: filled.column.clone(),
        reason: "rows with a value".to_owned(),
        n: filled.n_rows,
        sample: filled.sample.clone(),
    }));
    findings.extend(affected.map(|sql| Finding {
        about: "query",
        now: "runs",
        then: "may be affected".to_owned(),
        reason: format!("names {}", rehearsal.touched.join(" or ")),
        n: 1,
        sample: sql.clone(),
    }));
    if rehearsal.cut_short {
        findings.push(Finding {
            about: "note",
            now: "",
            then: "cut short".to_owned(),
            reason: "only the oldest of the rows were tried; say OVER a shorter INTERVAL, or fewer ROWS, for the newest"
                .to_owned(),
            n: 0,
            sample: String::new(),
        });
    }
    table(&findings)
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Stored => "stored",
        Fate::Filtered => "filtered",
        Fate::Deduplicated => "deduplicated",
        Fate::Unfit => "quarantined",
    }
}

fn table(findings: &[Finding]) -> Result<RecordBatch> {
    let text = |of: &dyn Fn(&Finding) -> &str| -> ArrayRef {
        Arc::new(findings.iter().map(|finding| Some(of(finding)).filter(|text| !text.is_empty())).collect::<StringArray>())
    };
    let n: Int64Array = findings.iter().map(|finding| i64::try_from(finding.n).ok()).collect();
    let columns = [
        ("about", text(&|f| f.about)),
        ("now", text(&|f| f.now)),
        ("then", text(&|f| &f.then)),
        ("reason", text(&|f| &f.reason)),
        ("n", Arc::new(n) as ArrayRef),
        ("sample", text(&|f| &f.sample)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .map_err(|e| Error::internal("cannot build the answer").because(e))
}
