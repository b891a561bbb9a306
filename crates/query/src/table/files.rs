//! Reads Parquet files: those wholly in the snapshot as they are, the others filtered by `_commit`.

use super::field_ids::ByFieldId;
use super::{Rows, ranges};
use datafusion::catalog::Session;
use datafusion::common::config::TableParquetOptions;
use datafusion::common::{Result, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::drift::Backfill;
use helios_contract::store::DataFile;
use object_store::ObjectStore;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The scheme files are found under, within one process.
const STORE_URL: &str = "lake://data/";

/// How files are reached, shared by all queries.
#[derive(Clone)]
pub(crate) struct FileAccess {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Footers read before.
    pub(crate) footers: Arc<FileMetadataCache>,
    /// Reads the values of promoted columns out of older rows.
    pub(crate) backfill: Backfill,
}

impl FileAccess {
    /// Where DataFusion's object stores must have the store registered.
    pub(crate) fn url() -> ObjectStoreUrl {
        ObjectStoreUrl::parse(STORE_URL).expect("the address is well formed")
    }
}

impl fmt::Debug for FileAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileAccess({})", self.store)
    }
}

/// Which columns of files are read, and how.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Where the columns stand in `rows.schema`.
    pub(super) wanted: &'a [usize],
    /// What the rows will have to fulfil.
    pub(super) filters: &'a [Expr],
    pub(super) limit: Option<usize>,
}

impl Reading<'_> {
    /// Whether conditions are looked at first, and the other columns read for the rows that are left. Where there is no other
    /// column, that would read the same one twice.
    fn is_late(&self, rows: &Rows) -> bool {
        let conditions: HashSet<&str> =
            self.filters.iter().flat_map(Expr::column_refs).map(|column| column.name.as_str()).collect();
        self.wanted.iter().any(|i| !conditions.contains(rows.schema.field(*i).name().as_str()))
    }
}

/// Plans that read `files`; none when there are no files.
pub(super) fn scan(
    rows: &Rows,
    state: &dyn Session,
    files: Vec<Arc<DataFile>>,
    reading: Reading<'_>,
) -> Result<Vec<Arc<dyn ExecutionPlan>>> {
    let (whole, partial): (Vec<_>, Vec<_>) =
        files.into_iter().filter(|file| file.commit_max > rows.after).partition(|file| is_whole(rows, file));
    let mut plans = Vec::with_capacity(2);
    if !whole.is_empty() {
        plans.push(read(rows, state, &whole, reading)?);
    }
    if !partial.is_empty() {
        plans.push(read_between(rows, state, &partial, reading.wanted)?);
    }
    Ok(plans)
}

/// Whether every row of the file is to be read.
pub(super) fn is_whole(rows: &Rows, file: &DataFile) -> bool {
    file.commit_min > rows.after && file.commit_max <= rows.snapshot.version
}

fn read(rows: &Rows, state: &dyn Session, files: &[Arc<DataFile>], reading: Reading<'_>) -> Result<Arc<dyn ExecutionPlan>> {
    let mut options =
        TableParquetOptions { global: state.config_options().execution.parquet.clone(), ..TableParquetOptions::default() };
    options.global.pushdown_filters = reading.is_late(rows);
    let footers = CachedParquetFileReaderFactory::new(Arc::clone(&rows.access.store), Arc::clone(&rows.access.footers));
    let source = ParquetSource::new(Arc::clone(&rows.schema))
        .with_table_parquet_options(options)
        .with_parquet_file_reader_factory(Arc::new(footers));
    let n_groups = state.config_options().execution.target_partitions.clamp(1, files.len());
    let mut groups = vec![Vec::new(); n_groups];
    let statistics: Vec<Statistics> = files.iter().map(|file| ranges::statistics(rows, file)).collect();
    let total = Statistics::try_merge_iter(&statistics, &rows.schema)?;
    for (i, (file, statistics)) in files.iter().zip(statistics).enumerate() {
        let file = PartitionedFile::new(file.path.clone(), file.size_bytes).with_statistics(Arc::new(statistics));
        groups[i % n_groups].push(file);
    }
    let config = FileScanConfigBuilder::new(FileAccess::url(), Arc::new(source))
        .with_file_groups(groups.into_iter().map(FileGroup::new).collect())
        .with_statistics(total)
        .with_expr_adapter(Some(Arc::new(ByFieldId {
            ids: Arc::clone(&rows.ids),
            origins: Arc::clone(&rows.origins),
            backfill: rows.backfill,
        })))
        .with_projection_indices(Some(reading.wanted.to_vec()))?
        .with_limit(reading.limit)
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// Compaction merges commits, so a file may hold rows newer than the snapshot, or some that are read elsewhere.
fn read_between(rows: &Rows, state: &dyn Session, files: &[Arc<DataFile>], wanted: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
    let mut columns = wanted.to_vec();
    columns.push(rows.schema.index_of(hidden::COMMIT)?);
    let read = read(rows, state, files, Reading { wanted: &columns, filters: &[], limit: None })?;
    let bound = |operator: Operator, commit: CommitId| {
        let column = Arc::new(Column::new(hidden::COMMIT, wanted.len()));
        let commit = Arc::new(Literal::new(ScalarValue::Int64(Some(commit.0))));
        Arc::new(BinaryExpr::new(column, operator, commit))
    };
    let (after, until) = (bound(Operator::Gt, rows.after), bound(Operator::LtEq, rows.snapshot.version));
    let filter = Arc::new(FilterExec::try_new(Arc::new(BinaryExpr::new(after, Operator::And, until)), read)?);
    let shown = wanted.iter().enumerate().map(|(i, column)| {
        let name = rows.schema.field(*column).name();
        ProjectionExpr { expr: Arc::new(Column::new(name, i)), alias: name.clone() }
    });
    Ok(Arc::new(ProjectionExec::try_new(shown.collect::<Vec<_>>(), filter)?))
}
