//! Records whose values changed their type: what the stream's policy makes of them instead of putting them into quarantine.

use crate::decode::single;
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType};
use helios_contract::drift::OnTypeChange;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What can be done for a record that does not fit.
pub(super) enum Remedy {
    /// The column at this index should have this type.
    Widen(usize, ColumnType),
    /// The record fits when it is read as `payload`; `aside` (a path and JSON text) then belongs into `_rest`.
    Read { payload: Bytes, aside: Option<(String, String)> },
}

/// What the policy does about the value at `path` of a JSON record; `None`: quarantine.
pub(super) fn remedy(policy: OnTypeChange, columns: &[Column], payload: &[u8], path: &str) -> Option<Remedy> {
    let record: &RawValue = serde_json::from_slice(payload).ok()?;
    match policy {
        OnTypeChange::Quarantine => None,
        OnTypeChange::Sidecar => {
            // What must be there cannot be set aside.
            columns.iter().find(|column| column.name == path).filter(|column| column.required).is_none().then_some(())?;
            let mut aside = None;
            let rest = edit(record, path, &mut |value| {
                aside = Some((path.to_owned(), value.get().to_owned()));
                Some("null".to_owned())
            })?;
            Some(Remedy::Read { payload: rest.into(), aside })
        }
        OnTypeChange::Widen | OnTypeChange::WidenToText => {
            let (i, column) = columns.iter().enumerate().find(|(_, column)| column.name == path)?;
            let found = value_at(record, path)?;
            let first = *found.as_bytes().first()?;
            if first == b'n' {
                return None;
            }
            if column.data_type == ColumnType::Text {
                // Text holds every single value; objects and lists are JSON.
                let is_single = !matches!(first, b'{' | b'[' | b'"');
                let as_text = |value: &RawValue| Some(serde_json::Value::from(value.get()).to_string());
                let payload = if is_single { edit(record, path, &mut |value| as_text(value))? } else { return None };
                return Some(Remedy::Read { payload: payload.into(), aside: None });
            }
            let wider = type_of_number(found).and_then(|found| column.data_type.wider(&found));
            let fits = |wider: &ColumnType| single(&Column::new("", wider.clone()), found).is_ok();
            match wider.filter(|wider| *wider != column.data_type && fits(wider)) {
                Some(wider) => Some(Remedy::Widen(i, wider)),
                None if policy == OnTypeChange::WidenToText && ColumnType::Text.takes(&column.data_type) => {
                    (!matches!(first, b'{' | b'[')).then_some(Remedy::Widen(i, ColumnType::Text))
                }
                None => None,
            }
        }
    }
}

/// The JSON text of a field of the record itself.
fn value_at<'r>(record: &'r RawValue, name: &str) -> Option<&'r str> {
    let fields: BTreeMap<String, &'r RawValue> = serde_json::from_str(record.get()).ok()?;
    fields.get(name).map(|value| value.get())
}

/// The narrowest type that holds a number without loss, by its JSON text.
fn type_of_number(json: &str) -> Option<ColumnType> {
    if json.parse::<i64>().is_ok() {
        return Some(ColumnType::BigInt);
    }
    let digits = json.trim_start_matches('-');
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return (digits.len() <= 38).then(|| ColumnType::Decimal(digits.len().max(20) as u8, 0));
    }
    json.parse::<f64>().ok().filter(|number| number.is_finite() && digits.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(ColumnType::Double)
}

/// The JSON text of `object` with the value at `path` replaced; `None` when there is none.
fn edit(object: &RawValue, path: &str, replace: &mut dyn FnMut(&RawValue) -> Option<String>) -> Option<String> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(object.get()).ok()?;
    let mut out = String::with_capacity(object.get().len());
    let mut edited = false;
    for (name, value) in fields {
        let changed = match path.strip_prefix(name.as_str()) {
            _ if edited => None,
            Some("") => replace(value),
            Some(inner) if inner.starts_with('.') => edit(value, &inner[1..], replace),
            _ => None,
        };
        edited |= changed.is_some();
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(&serde_json::Value::from(name).to_string());
        out.push(':');
        out.push_str(changed.as_deref().unwrap_or(value.get()));
    }
    out.push('}');
    edited.then_some(out)
}

/// `_rest` with a value added at its path.
pub(super) fn add_to_rest(rest: Option<&str>, path: &str, json: &str) -> String {
    let entry = format!("{}:{json}", serde_json::Value::from(path));
    match rest.and_then(|rest| rest.strip_suffix('}')) {
        Some("{") | None => format!("{{{entry}}}"),
        Some(fields) => format!("{fields},{entry}}}"),
    }
}
