//! Rows as Arrow batches: with `_commit`, in today's columns, as bytes for the catalog.

use crate::failure::Doing;
use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatchOptions, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow::ipc::{CompressionType, MetadataVersion};
use arrow::record_batch::RecordBatch;
use helios_contract::column::{Column, FIELD_ID, hidden};
use helios_contract::commit::CommitId;
use helios_contract::drift::Backfill;
use helios_contract::error::{Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Rows read and written at a time.
pub(crate) const BATCH_ROWS: usize = 8192;

/// The rows with the columns of `schema`, matched by Iceberg field id: added ones are null, or taken from `_rest` where the
/// column says so; dropped ones go.
pub(crate) fn adapt(rows: &RecordBatch, schema: &SchemaRef, backfill: Backfill) -> Result<RecordBatch> {
    if Arc::ptr_eq(rows.schema_ref(), schema) {
        return Ok(rows.clone());
    }
    let from = rows.schema();
    let by_id: HashMap<&str, usize> =
        from.fields().iter().enumerate().filter_map(|(i, field)| Some((field_id(field)?, i))).collect();
    let rest = rows.column_by_name(hidden::REST).and_then(|rest| rest.as_string_opt::<i32>());
    let column = |field: &Arc<Field>| match field_id(field).and_then(|id| by_id.get(id)) {
        None => Ok(match Column::of_origin(field).zip(rest) {
            Some((column, rest)) => backfill(&column, rest),
            None => new_null_array(field.data_type(), rows.num_rows()),
        }),
        Some(&i) if rows.column(i).data_type() == field.data_type() => Ok(Arc::clone(rows.column(i))),
        Some(&i) => cast(rows.column(i), field.data_type()).doing(&format!("read column {}", field.name())),
    };
    let columns: Vec<ArrayRef> = schema.fields().iter().map(column).collect::<Result<_>>()?;
    let n_rows = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &n_rows).doing("put columns together")
}

fn field_id(field: &Field) -> Option<&str> {
    field.metadata().get(FIELD_ID).map(String::as_str)
}

/// Decoded rows with their commit in the last column; `schema` is the table's.
pub(crate) fn with_commit(rows: &RecordBatch, commit: CommitId, schema: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(Int64Array::from_value(commit.0, rows.num_rows())));
    RecordBatch::try_new(Arc::clone(schema), columns).doing("number the rows of a commit")
}

/// One batch of many with the same fields.
pub(crate) fn concat(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    match batches {
        [one] => Ok(one.clone()),
        _ => concat_batches(schema, batches).doing("join batches"),
    }
}

/// Rows as a compressed Arrow IPC stream.
pub(crate) fn encode_ipc(rows: &RecordBatch) -> Result<Vec<u8>> {
    let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5)
        .and_then(|options| options.try_with_compression(Some(CompressionType::LZ4_FRAME)))
        .doing("set up the encoding of rows")?;
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new_with_options(&mut bytes, rows.schema_ref(), options).doing("encode rows")?;
    writer.write(rows).and_then(|()| writer.finish()).doing("encode rows")?;
    drop(writer);
    Ok(bytes)
}

/// The rows of one commit, as [`encode_ipc`] wrote them, with their commit.
pub(crate) fn decode_ipc(bytes: &[u8], commit: CommitId) -> Result<RecordBatch> {
    let corrupt = |cause| Error::corrupt(format!("could not read the rows of commit {commit}")).because(cause);
    let mut reader = StreamReader::try_new(bytes, None).map_err(corrupt)?;
    let rows = match reader.next() {
        Some(rows) => rows.map_err(corrupt)?,
        None => RecordBatch::new_empty(reader.schema()),
    };
    let mut fields: Vec<Arc<Field>> = rows.schema().fields().iter().cloned().collect();
    let table = helios_contract::column::table_schema(&[]);
    fields.extend(table.fields().last().cloned());
    with_commit(&rows, commit, &Arc::new(Schema::new(fields)))
}

/// Bytes the rows take in memory.
pub(crate) fn n_bytes(rows: &RecordBatch) -> u64 {
    rows.get_array_memory_size() as u64
}

/// The numbers in `_commit`.
pub(crate) fn commits(rows: &RecordBatch) -> Result<&[i64]> {
    let column = rows.column_by_name(hidden::COMMIT).filter(|column| *column.data_type() == DataType::Int64);
    let column = column.ok_or_else(|| Error::corrupt("rows lack the column _commit"))?;
    Ok(column.as_primitive::<Int64Type>().values())
}

/// Adds the rows of each source partition to `counts`.
pub(crate) fn count_partitions(rows: &RecordBatch, counts: &mut BTreeMap<String, u64>) -> Result<()> {
    let column = rows.column_by_name(hidden::PARTITION).filter(|column| *column.data_type() == DataType::Utf8);
    let column = column.ok_or_else(|| Error::corrupt("rows lack the column _partition"))?.as_string::<i32>();
    // Rows of a partition stand together, mostly: count runs, not rows.
    let mut run: (Option<&str>, u64) = (None, 0);
    let mut add = |(partition, n): (Option<&str>, u64)| {
        if n > 0 {
            *counts.entry(partition.unwrap_or_default().to_owned()).or_default() += n;
        }
    };
    for partition in column {
        if partition == run.0 {
            run.1 += 1;
        } else {
            add(std::mem::replace(&mut run, (partition, 1)));
        }
    }
    add(run);
    Ok(())
}
