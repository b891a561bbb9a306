//! Holds rows against the stream's filter and rules.

use super::Fate;
use arrow::array::{Array, ArrayRef, BooleanArray, ListBuilder, StringBuilder};
use arrow::record_batch::RecordBatch;
use helios_contract::column::{hidden, row_schema};
use helios_contract::condition::{Condition, Conditions};
use helios_contract::stream::{OnFail, Rule, StreamDefinition};
use helios_contract::{Error, Result};
use std::sync::Arc;

/// The conditions of a stream, compiled.
pub(super) struct Rules {
    filter: Option<Arc<dyn Condition>>,
    rules: Vec<(Rule, Arc<dyn Condition>)>,
}

/// What rules made of rows.
pub(super) struct Judged {
    /// For each row what becomes of it; `None`: it goes on.
    pub(super) fates: Vec<Option<Fate>>,
    /// For each quarantined row, in row order, the rule it breaks.
    pub(super) reasons: Vec<String>,
}

impl Rules {
    /// Compiles what the definition says; `None` when it says nothing.
    pub(super) fn of(definition: &StreamDefinition, conditions: &dyn Conditions) -> Result<Option<Rules>> {
        // Columns that are still to be inferred have no rows to be judged.
        if definition.columns.is_empty() || definition.filter.is_none() && definition.rules.is_empty() {
            return Ok(None);
        }
        let schema = row_schema(&definition.columns);
        let filter = definition.filter.as_ref().map(|condition| conditions.compile(condition, &schema));
        let filter = filter.transpose().map_err(|e| e.context("FILTER WHERE"))?;
        let compile = |rule: &Rule| {
            let condition = conditions.compile(&rule.condition, &schema);
            Ok((rule.clone(), condition.map_err(|e| e.context(format!("the rule {}", rule.name)))?))
        };
        Ok(Some(Rules { filter, rules: definition.rules.iter().map(compile).collect::<Result<_>>()? }))
    }

    /// Judges rows, and writes the names of broken rules that tag into `_tags`.
    pub(super) fn judge(&self, rows: &mut RecordBatch) -> Result<Judged> {
        let mut fates = vec![None; rows.num_rows()];
        let mut reasons: Vec<(usize, String)> = Vec::new();
        if let Some(filter) = &self.filter {
            let passes = holds(&**filter, rows)?;
            let out = (0..fates.len()).filter(|row| !(passes.is_valid(*row) && passes.value(*row)));
            out.for_each(|row| fates[row] = Some(Fate::Filtered));
        }
        let mut tags: Vec<Vec<&str>> = Vec::new();
        for (rule, condition) in &self.rules {
            let passes = holds(&**condition, rows)?;
            for row in (0..fates.len()).filter(|row| passes.is_valid(*row) && !passes.value(*row)) {
                match rule.on_fail {
                    _ if fates[row].is_some() => {}
                    OnFail::Drop => fates[row] = Some(Fate::Filtered),
                    OnFail::Quarantine => {
                        fates[row] = Some(Fate::Quarantined);
                        reasons.push((row, format!("breaks the rule {}: {}", rule.name, rule.condition)));
                    }
                    OnFail::Tag => {
                        tags.resize(rows.num_rows(), Vec::new());
                        tags[row].push(&rule.name);
                    }
                }
            }
        }
        if !tags.is_empty() {
            set_tags(rows, &tags)?;
        }
        reasons.sort_by_key(|(row, _)| *row);
        Ok(Judged { fates, reasons: reasons.into_iter().map(|(_, reason)| reason).collect() })
    }
}

// A row that cannot be evaluated (a cast that fails) must not take the others of its batch with it.
fn holds(condition: &dyn Condition, rows: &RecordBatch) -> Result<BooleanArray> {
    match condition.holds(rows) {
        Err(error) if error.kind() == helios_contract::Kind::Invalid => {
            let each = (0..rows.num_rows()).map(|row| match condition.holds(&rows.slice(row, 1)) {
                Ok(holds) => Ok(holds.is_valid(0).then(|| holds.value(0))),
                Err(error) if error.kind() == helios_contract::Kind::Invalid => Ok(None),
                Err(error) => Err(error),
            });
            each.collect()
        }
        other => other,
    }
}

fn set_tags(rows: &mut RecordBatch, tags: &[Vec<&str>]) -> Result<()> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for tags in tags {
        tags.iter().for_each(|tag| lists.values().append_value(tag));
        lists.append(!tags.is_empty());
    }
    set_column(rows, hidden::TAGS, Arc::new(lists.finish()))
}

/// Replaces a hidden column.
pub(super) fn set_column(rows: &mut RecordBatch, name: &str, values: ArrayRef) -> Result<()> {
    let bug = |e: arrow::error::ArrowError| Error::internal(format!("setting the column {name}")).because(e);
    let schema = rows.schema();
    let mut columns = rows.columns().to_vec();
    columns[schema.index_of(name).map_err(bug)?] = values;
    *rows = RecordBatch::try_new(schema, columns).map_err(bug)?;
    Ok(())
}
