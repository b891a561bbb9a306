//! Mends quarantined records before they are decoded again.
//!
//! `SET` changes a value only where that value is what does not fit: the stream's own intake says so, as often as it takes. All other
//! fixes change every record that has the field. What a fix does not find, it leaves alone.

mod document;

use crate::intake::{self, Intake, Outcome};
use crate::pipeline::Job;
use crate::returns;
use bytes::Bytes;
use document::Node;
use helios_contract::drift::OnTypeChange;
use helios_contract::quarantine::Held;
use helios_contract::quarantine::fix::{Fix, Path, Step, Value};
use helios_contract::record::Record;
use helios_contract::stream::{Format, StreamDefinition};
use helios_contract::{Error, Result};

#[cfg(test)]
mod tests;

/// Most values set in one record: a list may hold many that do not fit.
const ROUNDS_MAX: usize = 256;

/// Refuses fixes that the stream's records cannot take.
///
/// # Errors
/// `Invalid`.
pub(crate) fn check(definition: &StreamDefinition, fixes: &[Fix], n_records: usize) -> Result<()> {
    for fix in fixes {
        match fix {
            Fix::Payload(_) if n_records > 1 => {
                return Err(Error::invalid(format!("SET PAYLOAD would give {n_records} records the same payload"))
                    .hint("Name one record: WHERE id = ..."));
            }
            Fix::Payload(_) => {}
            Fix::Set { path, .. } if definition.format == Format::Csv => check_cell(definition, path)?,
            _ if definition.format == Format::Json => {}
            _ => {
                let text = format!("{fix} does not work on records that are not JSON");
                return Err(Error::invalid(text)
                    .hint("Change the stream's columns with ALTER STREAM, or use SET PAYLOAD for one record."));
            }
        }
    }
    Ok(())
}

fn check_cell(definition: &StreamDefinition, path: &Path) -> Result<()> {
    match cell(definition, path) {
        Some(_) => Ok(()),
        None => {
            Err(Error::invalid(format!("{path} is no column of {}", definition.name))
                .hint("CSV records have nothing but columns."))
        }
    }
}

/// The records, mended. CPU work.
///
/// # Errors
/// `Invalid` when the stream's rules cannot be evaluated.
pub(crate) fn mend(job: &Job, fixes: &[Fix], mut held: Vec<Held>) -> Result<Vec<Held>> {
    let definition = &job.stream.definition;
    for one in &mut held {
        change_all(definition, fixes, &mut one.record);
    }
    let sets: Vec<(&Path, &Value)> = fixes
        .iter()
        .filter_map(|fix| match fix {
            Fix::Set { path, value } => Some((path, value)),
            _ => None,
        })
        .collect();
    if sets.is_empty() {
        return Ok(held);
    }
    // Whoever sets a value does not want the column to change its type for the old one.
    let strict = StreamDefinition { on_type_change: OnTypeChange::Quarantine, ..definition.clone() };
    let mut intake = Intake::fresh(&strict, job)?;
    let mut candidates: Vec<usize> = (0..held.len()).collect();
    for _ in 0..ROUNDS_MAX {
        candidates = set_unfit(definition, &sets, &mut intake, &mut held, &candidates)?;
        if candidates.is_empty() {
            break;
        }
    }
    Ok(held)
}

/// Sets the value that does not fit in each of these records, where a fix names it; answers those that were changed.
fn set_unfit(
    definition: &StreamDefinition,
    sets: &[(&Path, &Value)],
    intake: &mut Intake,
    held: &mut [Held],
    candidates: &[usize],
) -> Result<Vec<usize>> {
    let some: Vec<Held> = candidates.iter().map(|i| held[*i].clone()).collect();
    let Outcome::Taken(taken) = intake.take(intake::group(returns::chunks(&some)))? else {
        return Err(Error::internal("columns were widened although the definition forbids it"));
    };
    let mut changed = Vec::new();
    for (i, (_, at_fault)) in returns::unfit(&some, &taken) {
        let place = sets.iter().find_map(|(path, value)| Some((path.at(&at_fault)?, *value)));
        let i = candidates[i];
        if place.is_some_and(|(place, value)| set(definition, &mut held[i].record, &place, value)) {
            changed.push(i);
        }
    }
    Ok(changed)
}

fn set(definition: &StreamDefinition, record: &mut Record, place: &Path, value: &Value) -> bool {
    if definition.format == Format::Csv {
        return set_cell(definition, record, place, value);
    }
    change(record, |node| node.set(&place.0, &Node::Leaf(json(value))))
}

fn json(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(value) => value.to_string(),
        Value::Number(digits) => digits.clone(),
        Value::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
    }
}

/// Applies every fix but `SET`.
fn change_all(definition: &StreamDefinition, fixes: &[Fix], record: &mut Record) {
    for fix in fixes {
        match fix {
            Fix::Payload(payload) => record.payload = Bytes::from(payload.clone()),
            Fix::Drop(path) if definition.format == Format::Json => drop(change(record, |node| node.remove(&path.0))),
            Fix::Rename { from, to } if definition.format == Format::Json => drop(change(record, |node| node.rename(from, to))),
            Fix::Drop(_) | Fix::Rename { .. } | Fix::Set { .. } => {}
        }
    }
}

/// Changes a JSON record; one that is not JSON, or that the change does not touch, stays byte by byte as it is.
fn change(record: &mut Record, change: impl FnOnce(&mut Node) -> bool) -> bool {
    let Ok(mut node) = Node::read(&record.payload) else { return false };
    if !change(&mut node) {
        return false;
    }
    let mut text = String::with_capacity(record.payload.len());
    node.write(&mut text);
    let changed = text.as_bytes() != record.payload.as_ref();
    record.payload = Bytes::from(text);
    changed
}

fn cell(definition: &StreamDefinition, path: &Path) -> Option<usize> {
    match path.0.as_slice() {
        [Step::Field(name)] => definition.columns.iter().position(|column| column.name == *name),
        _ => None,
    }
}

fn set_cell(definition: &StreamDefinition, record: &mut Record, place: &Path, value: &Value) -> bool {
    let Some(index) = cell(definition, place) else { return false };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(record.payload.as_ref());
    let Some(Ok(row)) = reader.records().next() else { return false };
    let text = match value {
        Value::Null => String::new(),
        Value::Boolean(value) => value.to_string(),
        Value::Number(digits) => digits.clone(),
        Value::Text(text) => text.clone(),
    };
    let cells = row.iter().enumerate().map(|(i, cell)| if i == index { text.as_str() } else { cell });
    let mut line = Vec::new();
    let written = csv::Writer::from_writer(&mut line).write_record(cells).is_ok();
    let changed = written && line != record.payload.as_ref();
    if changed {
        record.payload = Bytes::from(line);
    }
    changed
}

/// A payload as answers show it: its beginning, without control characters.
pub(crate) fn sample(payload: &[u8]) -> String {
    const BYTES_MAX: usize = 400;
    let cut = &payload[..payload.len().min(BYTES_MAX)];
    let text: String = String::from_utf8_lossy(cut).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if payload.len() > BYTES_MAX { text + "..." } else { text.trim_end().to_owned() }
}
