//! `ALTER STREAM`: the definition after a change.

use super::check;
use crate::options;
use helios_contract::column::{Column, ColumnType};
use helios_contract::error::nearest;
use helios_contract::stream::{StreamChange, StreamDefinition};
use helios_contract::{Error, Result};

/// The definition after a change; checked.
///
/// # Errors
/// `Invalid` or `NotFound`, naming what the change does not fit.
pub(crate) fn change(definition: &StreamDefinition, change: StreamChange) -> Result<StreamDefinition> {
    let mut changed = definition.clone();
    match change {
        StreamChange::SetOptions(options) => changed.options.extend(options),
        StreamChange::ResetOptions(names) => {
            for name in names {
                if !options::options(changed.source).iter().any(|spec| spec.name == name) {
                    return Err(options::unknown(changed.source, &name));
                }
                changed.options.remove(&name);
            }
        }
        StreamChange::Format(format, options) => {
            changed.format = format;
            changed.format_options = options;
        }
        StreamChange::AddColumn(column) => changed.columns.push(Column { id: 0, ..column }),
        StreamChange::DropColumn(name) => {
            let column = existing(&changed, &name)?;
            if let Some(clause) = used_by(&changed, &name) {
                return Err(Error::invalid(format!("the column {name} cannot be dropped: {clause} uses it")));
            }
            changed.columns.remove(column);
        }
        StreamChange::RenameColumn(old, new) => {
            let column = existing(&changed, &old)?;
            changed.columns[column].name.clone_from(&new);
            rename_uses(&mut changed, &old, &new);
        }
        StreamChange::Retain(retain) => changed.retain = retain,
        StreamChange::Lateness(lateness) => changed.lateness = Some(lateness),
        StreamChange::Promote { path, name, data_type } => promote(&mut changed, path, name, data_type)?,
        StreamChange::ColumnType(name, data_type) => retype(&mut changed, &name, data_type)?,
        StreamChange::Map { path, column } => map(&mut changed, path, &column)?,
        StreamChange::Unmap { path, column } => unmap(&mut changed, &path, &column)?,
        StreamChange::Default(name, json) => {
            let column = existing(&changed, &name)?;
            changed.columns[column].default = json;
        }
        StreamChange::AddRule(rule) => changed.rules.push(rule),
        StreamChange::DropRule(name) => {
            let n_before = changed.rules.len();
            changed.rules.retain(|rule| rule.name != name);
            if changed.rules.len() == n_before {
                let error = Error::not_found(format!("{} has no rule {name}", changed.name));
                return Err(match nearest(&name, changed.rules.iter().map(|rule| rule.name.as_str())) {
                    Some(near) => error.hint(format!("Did you mean {near}?")),
                    None => error.hint("SHOW CREATE STREAM shows its rules."),
                });
            }
        }
        StreamChange::Filter(filter) => changed.filter = filter,
        StreamChange::OnTypeChange(policy) => changed.on_type_change = policy,
    }
    if changed.columns.is_empty() && !definition.columns.is_empty() {
        return Err(Error::invalid(format!("the last column of {} cannot be dropped", definition.name)));
    }
    check(&changed)?;
    Ok(changed)
}

fn existing(definition: &StreamDefinition, name: &str) -> Result<usize> {
    definition.columns.iter().position(|column| column.name == name).ok_or_else(|| {
        let error = Error::not_found(format!("{} has no column {name}", definition.name));
        match nearest(name, definition.columns.iter().map(|column| column.name.as_str())) {
            Some(near) => error.hint(format!("Did you mean {near}?")),
            None => error,
        }
    })
}

fn used_by(definition: &StreamDefinition, name: &str) -> Option<&'static str> {
    let StreamDefinition { event_time, partition_by, order_by, deduplicate, .. } = definition;
    let has = |names: &[String]| names.iter().any(|n| n == name);
    match () {
        () if event_time.as_deref() == Some(name) => Some("EVENT TIME"),
        () if partition_by.as_ref().is_some_and(|p| p.column == name) => Some("PARTITION BY"),
        () if has(order_by) => Some("ORDER BY"),
        () if deduplicate.as_ref().is_some_and(|rule| has(&rule.by)) => Some("DEDUPLICATE BY"),
        () => None,
    }
}

fn rename_uses(definition: &mut StreamDefinition, old: &str, new: &str) {
    let StreamDefinition { event_time, partition_by, order_by, deduplicate, .. } = definition;
    let by = deduplicate.iter_mut().flat_map(|rule| &mut rule.by);
    let uses = event_time.iter_mut().chain(partition_by.iter_mut().map(|p| &mut p.column)).chain(order_by).chain(by);
    for name in uses.filter(|name| *name == old) {
        new.clone_into(name);
    }
}

/// The type must be known by now: the caller looks up what was proposed when the statement does not say it.
fn promote(definition: &mut StreamDefinition, path: String, name: String, data_type: Option<ColumnType>) -> Result<()> {
    refuse_mapped(definition, &path)?;
    let data_type = data_type.ok_or_else(|| {
        Error::invalid(format!("no record of {} has had a field {path} without a column", definition.name))
            .hint(format!("Say its type: PROMOTE {path} AS {name} TEXT. system.schema_events lists what was seen."))
    })?;
    definition.columns.push(Column { from: vec![path.clone()], promoted: Some(path), ..Column::new(name, data_type) });
    Ok(())
}

fn map(definition: &mut StreamDefinition, path: String, name: &str) -> Result<()> {
    let column = existing(definition, name)?;
    if definition.columns.iter().any(|column| column.name == path) {
        return Err(Error::invalid(format!("the field {path} fills the column of its own name"))
            .hint("Drop that column first; its values stay in old snapshots."));
    }
    refuse_mapped(definition, &path)?;
    definition.columns[column].from.push(path);
    Ok(())
}

fn refuse_mapped(definition: &StreamDefinition, path: &str) -> Result<()> {
    match definition.columns.iter().find(|column| column.from.iter().any(|from| from == path)) {
        Some(column) => Err(Error::conflict(format!("the field {path} fills the column {} already", column.name))
            .hint(format!("ALTER STREAM {} UNMAP {path} FROM {} first.", definition.name, column.name))),
        None => Ok(()),
    }
}

fn unmap(definition: &mut StreamDefinition, path: &str, name: &str) -> Result<()> {
    let column = existing(definition, name)?;
    let from = &mut definition.columns[column].from;
    let place = from.iter().position(|have| have == path).ok_or_else(|| {
        Error::not_found(format!("the field {path} does not fill the column {name}")).hint("SHOW CREATE STREAM shows what does.")
    })?;
    from.remove(place);
    Ok(())
}

fn retype(definition: &mut StreamDefinition, name: &str, data_type: ColumnType) -> Result<()> {
    let column = existing(definition, name)?;
    let column = &mut definition.columns[column];
    if !data_type.takes(&column.data_type) {
        return Err(Error::invalid(format!("{name} cannot become {data_type}: not every {} fits", column.data_type)).hint(
            "Types only get wider: INT, BIGINT, DECIMAL or DOUBLE, TEXT. For another type, ADD COLUMN and MAP the field to it.",
        ));
    }
    column.data_type = data_type;
    Ok(())
}
