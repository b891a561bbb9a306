//! Columns of a stream that declares none: from its schema, from its registry, or from a sample of its records.

use super::{csv, infer};
use crate::decode::Payloads;
use crate::format::{self, Dialect, Names};
use crate::registry::Registry;
use bytes::Bytes;
use helios_contract::column::Column;
use helios_contract::secret::Secrets;
use helios_contract::stream::{Format, StreamDefinition};
use helios_contract::{Error, Result};

/// The columns that are known without a record.
///
/// # Errors
/// `Invalid` when the schema gives none; `Unavailable` and the like when the registry is away.
pub(crate) async fn known(definition: &StreamDefinition, secrets: &dyn Secrets) -> Result<Option<Vec<Column>>> {
    if let Some(columns) = format::own_columns(definition)? {
        return Ok(Some(columns));
    }
    let Some(registry) = Registry::of(definition, secrets)? else { return Ok(None) };
    match registry.newest().await? {
        Some(schema) => format::columns(definition, &schema).map(Some),
        None => Ok(None),
    }
}

/// The columns that take the records of a sample.
///
/// # Errors
/// `Invalid` when no record can be read; `Unavailable` and the like when the registry is away.
pub(crate) async fn sampled(definition: &StreamDefinition, sample: &[Bytes], secrets: &dyn Secrets) -> Result<Vec<Column>> {
    let mut payloads = Payloads::of(definition);
    if let Some(registry) = Registry::of(definition, secrets)? {
        // The newest record is the likeliest to have the newest schema.
        let id = sample.iter().rev().find_map(|payload| payloads.schema_id(payload));
        let id = id.ok_or_else(|| nothing("no record begins with 0 and the number of a schema"))?;
        let found = registry.schema(id).await?;
        let schema = found.ok_or_else(|| nothing(&format!("the registry has no schema {id}")))?;
        return format::columns(definition, &schema);
    }
    if matches!(definition.format, Format::Csv | Format::Tsv) {
        return lines(definition, sample);
    }
    let mut problem = None;
    let mut texts = Vec::with_capacity(sample.len());
    for payload in sample {
        match payloads.as_json(payload) {
            Ok(text) => texts.push(text),
            Err(misfit) => problem = problem.or(Some(misfit.reason())),
        }
    }
    match problem {
        Some(problem) if texts.is_empty() => Err(nothing(&problem)),
        _ => infer(&texts.iter().map(String::as_bytes).collect::<Vec<_>>()),
    }
}

fn lines(definition: &StreamDefinition, sample: &[Bytes]) -> Result<Vec<Column>> {
    let dialect = Dialect::of(definition);
    match &dialect.names {
        Names::Columns => {
            let format = definition.format.sql();
            Err(Error::invalid(format!("columns cannot be inferred from {format} records, which do not name their fields"))
                .hint("Declare them: CREATE STREAM name (column type, ...) FROM ..., or name the fields: header = 'a,b'."))
        }
        Names::Given(names) => {
            let mut body = line_of(&dialect, names);
            // One bad line is no reason to know nothing.
            let header = body.clone();
            let good = sample.iter().filter_map(|line| {
                let record = [&header, line.as_ref()].concat();
                let row = dialect.reader(&record).into_records().next()?.ok()?;
                Some(line_of(&dialect, &row))
            });
            body.extend(good.flatten());
            csv(&body, &dialect)
        }
        // The newest record says which fields there are now.
        Names::InRecord => {
            let columns = sample.iter().rev().map(|record| csv(record, &dialect));
            columns.reduce(|found, older| found.or(older)).unwrap_or_else(|| Err(nothing("there are no records yet")))
        }
    }
}

fn line_of(dialect: &Dialect, cells: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<u8> {
    let mut line = Vec::new();
    let mut writer = dialect.writer(256, &mut line);
    writer.write_record(cells).and_then(|()| Ok(writer.flush()?)).expect("memory takes every record");
    drop(writer);
    line
}

fn nothing(why: &str) -> Error {
    Error::invalid(format!("cannot infer columns from a sample: {why}")).hint("Declare the columns, or send a record first.")
}
