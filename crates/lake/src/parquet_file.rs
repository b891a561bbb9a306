//! Parquet files: what is written into them and their footers, and how they are read in bounded memory.
//!
//! Everything here blocks; it runs on threads made for that.

use crate::batches::{BATCH_ROWS, commits, count_partitions};
use crate::failure::Doing;
use crate::lineage::Lineage;
use crate::objects::{ObjectReader, Objects, wait};
use crate::values::Counting;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use helios_contract::clock::Timestamp;
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::store::ColumnRange;
use helios_contract::stream::{Stream, StreamDefinition, StreamId};
use object_store::buffered::BufWriter;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReader, RowFilter};
use parquet::arrow::async_reader::ParquetRecordBatchStream;
use parquet::arrow::{ArrowSchemaConverter, AsyncArrowWriter, ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::basic::{Compression, Encoding, LogicalType, Type as PhysicalType, ZstdLevel};
use parquet::file::metadata::{KeyValue, ParquetMetaData, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of a row group: what a query reads or skips as a whole, and what a writer holds in memory.
const GROUP_ROWS: usize = 131_072;

/// The most a dictionary of numbers may hold.
const NUMBERS_DICTIONARY_BYTES: usize = 32 << 10;

/// Numbers are stored as differences in files with at most so many columns of them: the encoder of each takes a megabyte.
const DIFFERENCES_MAX: usize = 64;

const STREAM: &str = "helios.stream";
const DEFINITION: &str = "helios.definition";
const CONTENTS: &str = "helios.contents";
const LINEAGE: &str = "helios.lineage";
const REPLACES: &str = "helios.replaces";

/// A complete, durable file that the catalog does not know yet.
#[derive(Debug, Clone)]
pub(crate) struct NewFile {
    pub(crate) path: String,
    /// The number of the set it was written with.
    pub(crate) set: i64,
    /// The time partition, or a word for what it is.
    pub(crate) partition: String,
    pub(crate) size_bytes: u64,
    pub(crate) n_rows: u64,
    pub(crate) commit_min: CommitId,
    pub(crate) commit_max: CommitId,
    pub(crate) sorted: bool,
    pub(crate) ranges: Vec<ColumnRange>,
    /// Rows by source partition.
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) lineage: Lineage,
    /// Keeps the object from being deleted as unknown until the catalog knows it.
    pub(crate) _hold: Arc<dyn Any + Send + Sync>,
}

/// The stream a file belongs to, as its footer says.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct StreamFooter {
    pub(crate) id: StreamId,
    pub(crate) version: u64,
    pub(crate) paused: bool,
    pub(crate) created_at: Timestamp,
}

/// What is in a file, as its footer says.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Contents {
    set: i64,
    partition: String,
    sorted: bool,
    commit_min: CommitId,
    commit_max: CommitId,
    counts: BTreeMap<String, u64>,
}

/// A file as read back from its footer.
#[derive(Debug)]
pub(crate) struct FoundFile {
    pub(crate) stream: Stream,
    pub(crate) file: NewFile,
    /// Paths that the set of this file makes superfluous.
    pub(crate) replaces: Vec<String>,
}

/// Where a new file goes and what it is.
#[derive(Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) stream: &'a Stream,
    pub(crate) schema: &'a SchemaRef,
    pub(crate) path: String,
    pub(crate) set: i64,
    pub(crate) partition: String,
    /// The columns its rows are sorted by; `None`: rows as they arrived, compressed quickly rather than well.
    pub(crate) sorted_by: Option<&'a [String]>,
    pub(crate) hold: Arc<dyn Any + Send + Sync>,
}

/// A file being written.
pub(crate) struct FileWriter {
    inner: AsyncArrowWriter<BufWriter>,
    path: String,
    contents: Contents,
    /// Of files that stay a while: those that are sorted.
    values: Option<Counting>,
    hold: Arc<dyn Any + Send + Sync>,
}

impl FileWriter {
    /// Starts a file; nothing is visible under its path before [`FileWriter::finish`].
    pub(crate) fn create(objects: &Objects, layout: Layout<'_>) -> Result<FileWriter> {
        let Layout { stream, schema, path, set, partition, sorted_by, hold } = layout;
        let footer =
            StreamFooter { id: stream.id, version: stream.version, paused: stream.paused, created_at: stream.created_at };
        let footer = vec![key_value(STREAM, &footer)?, key_value(DEFINITION, &stream.definition)?];
        let properties = properties(schema, sorted_by, footer)?;
        let inner = AsyncArrowWriter::try_new(objects.writer(&path)?, Arc::clone(schema), Some(properties))
            .doing(&format!("begin {path}"))?;
        let contents = Contents {
            set,
            partition,
            sorted: sorted_by.is_some(),
            commit_min: CommitId(i64::MAX),
            commit_max: CommitId(0),
            counts: BTreeMap::new(),
        };
        let values = sorted_by.map(|_| Counting::new(schema));
        Ok(FileWriter { inner, path, contents, values, hold })
    }

    /// Adds rows; fields as `column::table_schema` says.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        for commit in commits(rows)? {
            self.contents.commit_min = self.contents.commit_min.min(CommitId(*commit));
            self.contents.commit_max = self.contents.commit_max.max(CommitId(*commit));
        }
        count_partitions(rows, &mut self.contents.counts)?;
        if let Some(values) = &mut self.values {
            values.add(rows);
        }
        wait(self.inner.write(rows)).doing(&format!("write {}", self.path))
    }

    /// Completes the file and makes it durable.
    pub(crate) fn finish(mut self, objects: &Objects, lineage: Lineage, replaces: &[String]) -> Result<NewFile> {
        if self.contents.commit_max == CommitId(0) {
            // A file without rows still stands for the commits it covers.
            self.contents.commit_min = lineage.covers.iter().map(|cover| cover.commit_min).min().unwrap_or_default();
            self.contents.commit_max = lineage.covers.iter().map(|cover| cover.commit_max).max().unwrap_or_default();
        }
        self.inner.append_key_value_metadata(key_value(CONTENTS, &self.contents)?);
        self.inner.append_key_value_metadata(key_value(LINEAGE, &lineage)?);
        self.inner.append_key_value_metadata(key_value(REPLACES, &replaces)?);
        if let Some(values) = self.values {
            values.finish()?.into_iter().for_each(|pair| self.inner.append_key_value_metadata(pair));
        }
        let metadata = wait(self.inner.finish()).doing(&format!("write {}", self.path))?;
        objects.sync(&self.path)?;
        Ok(NewFile {
            size_bytes: self.inner.bytes_written() as u64,
            path: self.path,
            set: self.contents.set,
            partition: self.contents.partition,
            n_rows: self.contents.counts.values().sum(),
            commit_min: self.contents.commit_min,
            commit_max: self.contents.commit_max,
            sorted: self.contents.sorted,
            ranges: ranges(&metadata),
            counts: self.contents.counts,
            lineage,
            _hold: self.hold,
        })
    }
}

fn key_value(key: &str, value: &impl serde::Serialize) -> Result<KeyValue> {
    Ok(KeyValue::new(key.to_owned(), serde_json::to_string(value).doing("write a footer")?))
}

fn properties(schema: &Schema, sorted_by: Option<&[String]>, footer: Vec<KeyValue>) -> Result<WriterProperties> {
    let compression = match sorted_by {
        Some(_) => Compression::ZSTD(ZstdLevel::try_new(1).doing("choose a compression")?),
        None => Compression::LZ4_RAW,
    };
    let mut properties = WriterProperties::builder();
    let leaves = ArrowSchemaConverter::new().convert(schema).doing("lay out a file")?;
    let is_number = |leaf: &ColumnDescPtr| matches!(leaf.physical_type(), PhysicalType::INT32 | PhysicalType::INT64);
    let n_numbers = leaves.columns().iter().filter(|leaf| is_number(leaf)).count();
    let has_differences = n_numbers <= DIFFERENCES_MAX;
    for leaf in leaves.columns() {
        let path = leaf.path().clone();
        // Times and positions mostly grow: their differences are small, and a dictionary of them is useless.
        let grows = matches!(leaf.logical_type_ref(), Some(LogicalType::Timestamp { .. })) || path.parts() == [hidden::OFFSET];
        if grows {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if has_differences && is_number(leaf) {
            // Beyond so many values a dictionary with its indexes is longer than the differences.
            properties = properties
                .set_column_dictionary_page_size_limit(path.clone(), NUMBERS_DICTIONARY_BYTES)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
        }
    }
    Ok(properties
        .set_compression(compression)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_created_by(format!("helios {}", env!("CARGO_PKG_VERSION")))
        .set_sorting_columns(sorted_by.map(|names| sorting_columns(schema, names)).transpose()?)
        .set_key_value_metadata(Some(footer))
        .build())
}

fn sorting_columns(schema: &Schema, names: &[String]) -> Result<Vec<SortingColumn>> {
    let leaves = ArrowSchemaConverter::new().convert(schema).doing("lay out a file")?;
    let leaf = |name: &String| leaves.columns().iter().position(|leaf| leaf.path().parts() == std::slice::from_ref(name));
    // The order ends, for a reader, at the first column that is not a single leaf.
    let sorting = names.iter().map_while(leaf);
    Ok(sorting
        .map(|i| SortingColumn { column_idx: i32::try_from(i).unwrap_or(i32::MAX), descending: false, nulls_first: true })
        .collect())
}

/// What the integer, date and timestamp columns span, from the statistics of the row groups.
fn ranges(metadata: &ParquetMetaData) -> Vec<ColumnRange> {
    let schema = metadata.file_metadata().schema_descr();
    let mut ranges = Vec::new();
    for (i, leaf) in schema.columns().iter().enumerate() {
        let info = leaf.self_type().get_basic_info();
        if leaf.path().parts().len() == 1 && info.has_id() && is_integral(leaf) {
            let groups = metadata.row_groups().iter().map(|group| group.column(i).statistics());
            ranges.extend(span(info.id(), groups));
        }
    }
    ranges
}

fn is_integral(leaf: &parquet::schema::types::ColumnDescriptor) -> bool {
    use parquet::basic::{LogicalType, Type};
    // Signed integers, dates and timestamps; decimals and unsigned integers do not compare as `i64`.
    let known = match leaf.logical_type_ref() {
        None => leaf.converted_type() == parquet::basic::ConvertedType::NONE,
        Some(LogicalType::Date | LogicalType::Timestamp(_)) => true,
        Some(LogicalType::Integer(integer)) => integer.is_signed,
        Some(_) => false,
    };
    known && matches!(leaf.physical_type(), Type::INT32 | Type::INT64)
}

fn span<'a>(field: i32, groups: impl Iterator<Item = Option<&'a Statistics>>) -> Option<ColumnRange> {
    let mut range = ColumnRange { field, min: i64::MAX, max: i64::MIN, n_nulls: 0 };
    for statistics in groups {
        let statistics = statistics?;
        range.n_nulls += statistics.null_count_opt()?;
        let (min, max) = match statistics {
            Statistics::Int32(values) => (values.min_opt().map(|v| i64::from(*v)), values.max_opt().map(|v| i64::from(*v))),
            Statistics::Int64(values) => (values.min_opt().copied(), values.max_opt().copied()),
            _ => return None,
        };
        // A row group of nulls alone has neither.
        range.min = range.min.min(min.unwrap_or(i64::MAX));
        range.max = range.max.max(max.unwrap_or(i64::MIN));
    }
    (range.min <= range.max).then_some(range)
}

/// Reads what a footer says.
pub(crate) async fn read_footer(objects: &Objects, path: &str, size_bytes: u64) -> Result<FoundFile> {
    let builder = ParquetRecordBatchStreamBuilder::new(objects.reader(path, size_bytes))
        .await
        .doing(&format!("read the footer of {path}"))?;
    let metadata = builder.metadata();
    let pairs = metadata.file_metadata().key_value_metadata().map(Vec::as_slice).unwrap_or_default();
    let text = |key: &str| {
        let value = pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.as_deref());
        value.ok_or_else(|| Error::corrupt(format!("{path} was not written by Helios: its footer lacks {key}")))
    };
    let what = format!("read the footer of {path}");
    let stream: StreamFooter = serde_json::from_str(text(STREAM)?).doing(&what)?;
    let definition: StreamDefinition = serde_json::from_str(text(DEFINITION)?).doing(&what)?;
    let contents: Contents = serde_json::from_str(text(CONTENTS)?).doing(&what)?;
    let file = NewFile {
        path: path.to_owned(),
        set: contents.set,
        partition: contents.partition,
        size_bytes,
        n_rows: contents.counts.values().sum(),
        commit_min: contents.commit_min,
        commit_max: contents.commit_max,
        sorted: contents.sorted,
        ranges: ranges(metadata),
        counts: contents.counts,
        lineage: serde_json::from_str(text(LINEAGE)?).doing(&what)?,
        _hold: Arc::new(()),
    };
    let StreamFooter { id, version, paused, created_at } = stream;
    let replaces = serde_json::from_str(text(REPLACES)?).doing(&what)?;
    Ok(FoundFile { stream: Stream { id, version, definition, paused, created_at }, file, replaces })
}

/// The batches of a file, one row group in memory at a time.
pub(crate) struct Batches {
    path: String,
    stream: ParquetRecordBatchStream<ObjectReader>,
    group: Option<ParquetRecordBatchReader>,
}

impl Batches {
    /// Opens a file; `columns` names those to read, none: all.
    pub(crate) fn open(objects: &Objects, path: &str, size_bytes: u64, columns: &[&str]) -> Result<Batches> {
        Batches::open_between(objects, path, size_bytes, columns, None)
    }

    /// Opens a file for the rows of commits after the first and up to the second of `commits`.
    pub(crate) fn open_between(
        objects: &Objects,
        path: &str,
        size_bytes: u64,
        columns: &[&str],
        commits: Option<(CommitId, CommitId)>,
    ) -> Result<Batches> {
        let what = format!("read {path}");
        let mut builder = wait(ParquetRecordBatchStreamBuilder::new(objects.reader(path, size_bytes))).doing(&what)?;
        if !columns.is_empty() {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some((after, until)) = commits {
            let mask = ProjectionMask::columns(builder.parquet_schema(), [hidden::COMMIT]);
            let within = ArrowPredicateFn::new(mask, move |rows: RecordBatch| {
                let numbers =
                    crate::batches::commits(&rows).map_err(|cause| arrow::error::ArrowError::ExternalError(Box::new(cause)))?;
                Ok(numbers.iter().map(|n| Some(*n > after.0 && *n <= until.0)).collect())
            });
            builder = builder.with_row_filter(RowFilter::new(vec![Box::new(within)]));
        }
        let stream = builder.with_batch_size(BATCH_ROWS).build().doing(&what)?;
        Ok(Batches { path: path.to_owned(), stream, group: None })
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Result<RecordBatch>> {
        loop {
            if let Some(rows) = self.group.as_mut().and_then(Iterator::next) {
                return Some(rows.map_err(|cause| Error::corrupt(format!("could not read {}", self.path)).because(cause)));
            }
            match wait(self.stream.next_row_group()).doing(&format!("read {}", self.path)) {
                Ok(Some(group)) => self.group = Some(group),
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
