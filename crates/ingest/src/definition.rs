//! Checks what users define, and changes it the way `ALTER STREAM` says.

mod change;

pub(crate) use change::change;

use crate::decode::single;
use crate::dedup;
use crate::format;
use crate::options;
use crate::source::{demo, kinesis};
use helios_contract::column::{Column, ColumnType, hidden};
use helios_contract::error::nearest;
use helios_contract::stream::{SourceKind, StreamDefinition};
use helios_contract::{Error, Result};
use std::collections::HashSet;

/// Fills in what the kind of source knows by itself.
pub(crate) fn complete(definition: &mut StreamDefinition) {
    if definition.source != SourceKind::Demo || !definition.columns.is_empty() {
        return;
    }
    let shop = demo::definition(definition.name.clone());
    definition.columns = shop.columns;
    definition.partition_by = definition.partition_by.take().or(shop.partition_by);
    definition.lateness = definition.lateness.or(shop.lateness);
    definition.event_time = definition.event_time.take().or(shop.event_time);
    if definition.order_by.is_empty() {
        definition.order_by = shop.order_by;
    }
}

/// Checks a definition. Columns that are still to be inferred are checked once they are known.
///
/// # Errors
/// `Invalid`, naming what does not fit and what would.
pub(crate) fn check(definition: &StreamDefinition) -> Result<()> {
    options::check(definition.source, &definition.options)?;
    if definition.source == SourceKind::Kinesis {
        kinesis::check(&definition.options)?;
    }
    format::check(definition)?;
    check_names(&definition.columns, "")?;
    if let Some(column) = definition.columns.iter().find(|column| hidden::ALL.contains(&column.name.as_str())) {
        return Err(Error::invalid(format!("the column name {} is taken by Helios", column.name))
            .hint(format!("These names are taken: {}.", hidden::ALL.join(", "))));
    }
    if definition.lateness.is_some() && definition.event_time.is_none() && !definition.columns.is_empty() {
        return Err(
            Error::invalid("ALLOW LATENESS needs an event time").hint("Name the column: EVENT TIME column ALLOW LATENESS ...")
        );
    }
    check_rules(definition)?;
    if definition.columns.is_empty() {
        return Ok(());
    }
    for column in &definition.columns {
        check_default(column)?;
    }
    if let Some(name) = &definition.event_time {
        expect_time(find(definition, name, "EVENT TIME")?, "EVENT TIME")?;
    }
    if let Some(partition) = &definition.partition_by {
        expect_time(find(definition, &partition.column, "PARTITION BY")?, "PARTITION BY")?;
    }
    for name in &definition.order_by {
        expect_comparable(find(definition, name, "ORDER BY")?, "ORDER BY")?;
    }
    if let Some(rule) = &definition.deduplicate {
        if rule.within.is_zero() {
            return Err(Error::invalid("DEDUPLICATE within no time at all has no effect")
                .hint("Say how long, as WITHIN INTERVAL '1 day'."));
        }
        for name in &rule.by {
            expect_comparable(find(definition, name, "DEDUPLICATE BY")?, "DEDUPLICATE BY")?;
        }
    }
    Ok(())
}

fn check_rules(definition: &StreamDefinition) -> Result<()> {
    let mut seen = HashSet::new();
    match definition.rules.iter().find(|rule| !seen.insert(&rule.name)) {
        Some(rule) => Err(Error::conflict(format!("{} has a rule {} already", definition.name, rule.name))
            .hint(format!("Choose another name, or ALTER STREAM {} DROP RULE {} first.", definition.name, rule.name))),
        None => Ok(()),
    }
}

fn check_default(column: &Column) -> Result<()> {
    let Some(json) = &column.default else { return Ok(()) };
    single(column, json).map(drop).map_err(|reason| {
        Error::invalid(format!("the default of {} does not fit {}: {reason}", column.name, column.data_type))
            .hint("Write a value as records have it.")
    })
}

fn check_names(columns: &[Column], within: &str) -> Result<()> {
    let mut seen = HashSet::new();
    for column in columns {
        if column.name.is_empty() {
            return Err(Error::invalid("a column has an empty name"));
        }
        if !seen.insert(&column.name) {
            return Err(
                Error::invalid(format!("there are two columns named {within}{}", column.name)).hint("Give each its own name.")
            );
        }
        check_type(&column.data_type, &format!("{within}{}", column.name))?;
    }
    Ok(())
}

fn check_type(data_type: &ColumnType, path: &str) -> Result<()> {
    match data_type {
        ColumnType::Struct(fields) if fields.is_empty() => {
            Err(Error::invalid(format!("the STRUCT {path} has no fields")).hint("Declare it as JSON to keep it as it is."))
        }
        ColumnType::Struct(fields) => check_names(fields, &format!("{path}.")),
        ColumnType::List(item) => check_type(item, path),
        ColumnType::Decimal(precision, scale) if !(1..=38).contains(precision) || *scale < 0 || *scale > *precision as i8 => {
            Err(Error::invalid(format!("{path} cannot be a DECIMAL({precision}, {scale})"))
                .hint("The precision is from 1 to 38, and the scale from 0 to the precision."))
        }
        _ => Ok(()),
    }
}

fn find<'a>(definition: &'a StreamDefinition, name: &str, clause: &str) -> Result<&'a Column> {
    let names = || definition.columns.iter().map(|column| column.name.as_str());
    definition.columns.iter().find(|column| column.name == name).ok_or_else(|| {
        let error = Error::invalid(format!("{clause} names {name}, which is not a column of {}", definition.name));
        match nearest(name, names()) {
            Some(near) => error.hint(format!("Did you mean {near}?")),
            None => error.hint(format!("The columns are: {}.", names().collect::<Vec<_>>().join(", "))),
        }
    })
}

fn expect_time(column: &Column, clause: &str) -> Result<()> {
    match column.data_type {
        ColumnType::Timestamp(_) => Ok(()),
        _ => Err(Error::invalid(format!("{clause} needs a TIMESTAMP, but {} is {}", column.name, column.data_type))
            .hint(format!("Declare it as TIMESTAMP, or as TIMESTAMP FORMAT EPOCH_MS for numbers: {} TIMESTAMP.", column.name))),
    }
}

fn expect_comparable(column: &Column, clause: &str) -> Result<()> {
    if dedup::comparable(&column.field()) && !matches!(column.data_type, ColumnType::Struct(_) | ColumnType::List(_)) {
        return Ok(());
    }
    Err(Error::invalid(format!("{clause} cannot use {}, which is {}", column.name, column.data_type))
        .hint("Use a column with a single value."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use helios_contract::StreamName;
    use helios_contract::column::TimeFormat;
    use helios_contract::stream::{Deduplicate, StreamChange};
    use std::time::Duration;

    fn orders() -> StreamDefinition {
        let mut orders = StreamDefinition::new(StreamName::new("orders").unwrap(), SourceKind::Http);
        orders.columns = vec![
            Column::new("id", ColumnType::BigInt),
            Column::new("ts", ColumnType::Timestamp(TimeFormat::Rfc3339)),
            Column::new("country", ColumnType::Text),
        ];
        orders.event_time = Some("ts".into());
        orders.order_by = vec!["country".into(), "ts".into()];
        orders
    }

    #[test]
    fn clauses_must_name_columns_that_fit() {
        assert!(check(&orders()).is_ok());
        let misspelt = StreamDefinition { event_time: Some("tz".into()), ..orders() };
        assert_eq!(
            check(&misspelt).unwrap_err().to_string(),
            "EVENT TIME names tz, which is not a column of orders. Did you mean ts?"
        );
        let untimely = StreamDefinition { event_time: Some("id".into()), ..orders() };
        assert!(check(&untimely).unwrap_err().to_string().starts_with("EVENT TIME needs a TIMESTAMP, but id is BIGINT"));
        let instant =
            StreamDefinition { deduplicate: Some(Deduplicate { by: vec!["id".into()], within: Duration::ZERO }), ..orders() };
        assert!(check(&instant).is_err());
    }

    #[test]
    fn names_are_unique_and_not_ours() {
        let mut twice = orders();
        twice.columns.push(Column::new("id", ColumnType::Text));
        assert_eq!(check(&twice).unwrap_err().message(), "there are two columns named id");
        let mut ours = orders();
        ours.columns.push(Column::new("_offset", ColumnType::Text));
        assert_eq!(check(&ours).unwrap_err().message(), "the column name _offset is taken by Helios");
    }

    #[test]
    fn a_column_in_use_cannot_be_dropped_but_is_renamed_everywhere() {
        let error = change(&orders(), StreamChange::DropColumn("country".into())).unwrap_err();
        assert_eq!(error.message(), "the column country cannot be dropped: ORDER BY uses it");
        let renamed = change(&orders(), StreamChange::RenameColumn("ts".into(), "at".into())).unwrap();
        assert_eq!(renamed.event_time.as_deref(), Some("at"));
        assert_eq!(renamed.order_by, ["country", "at"]);
        let error = change(&orders(), StreamChange::DropColumn("idd".into())).unwrap_err();
        assert_eq!(error.to_string(), "orders has no column idd. Did you mean id?");
    }
}
