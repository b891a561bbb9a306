//! Rows of a Parquet file as NDJSON. Positions are row numbers.

use super::chunk::{CHUNK_BYTES, Chunk};
use super::unreadable;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::json::LineDelimitedWriter;
use helios_contract::{Error, Result};
use indicatif::ProgressBar;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use std::fs::File;
use std::path::Path;

/// Rows read at once; chunks are cut between such batches.
const BATCH_ROWS: usize = 1024;

struct Chunks<'a> {
    path: &'a Path,
    rows: ParquetRecordBatchReader,
    n_read: u64,
    progress: ProgressBar,
}

/// The rows after row number `from`.
pub(super) fn chunks<'a>(
    path: &'a Path,
    from: u64,
    progress: ProgressBar,
) -> Result<Box<dyn Iterator<Item = Result<Chunk>> + 'a>> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unreadable(path, error))?;
    progress.set_length(u64::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or_default());
    let offset = usize::try_from(from).map_err(|error| unreadable(path, error))?;
    let rows = reader.with_batch_size(BATCH_ROWS).with_offset(offset).build().map_err(|error| unreadable(path, error))?;
    Ok(Box::new(Chunks { path, rows, n_read: from, progress }))
}

impl Iterator for Chunks<'_> {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Result<Chunk>> {
        let mut body = Vec::new();
        while body.len() < CHUNK_BYTES {
            match self.rows.next() {
                None => break,
                Some(Err(error)) => return Some(Err(unreadable(self.path, error))),
                Some(Ok(batch)) => {
                    if let Err(error) = append(&mut body, &batch) {
                        return Some(Err(error.context(self.path.display())));
                    }
                    self.n_read += batch.num_rows() as u64;
                    self.progress.set_position(self.n_read);
                }
            }
        }
        (!body.is_empty()).then(|| Ok(Chunk::new(body, "application/x-ndjson", self.n_read)))
    }
}

fn append(body: &mut Vec<u8>, batch: &RecordBatch) -> Result<()> {
    let cannot = |error| Error::invalid("cannot write its rows as JSON").because(error);
    let mut writer = LineDelimitedWriter::new(body);
    writer.write(&decimals_as_text(batch).map_err(cannot)?).and_then(|()| writer.finish()).map_err(cannot)
}

/// Decimals as text, so that no digit is lost where JSON numbers are read as floats.
fn decimals_as_text(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |column: &ArrayRef| match column.data_type().is_decimal() {
        true => cast(column, &DataType::Utf8),
        false => Ok(column.clone()),
    };
    let columns = batch.columns().iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let names = batch.schema_ref().fields().iter().map(|field| field.name().clone());
    RecordBatch::try_from_iter_with_nullable(names.zip(columns).map(|(name, column)| (name, column, true)))
}

#[cfg(test)]
mod tests;
