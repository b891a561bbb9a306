//! A stream's table at one snapshot, as DataFusion sees it: the tail in memory and the files that may hold an answer.

mod counted;
mod field_ids;
mod files;
mod ranges;
mod tail;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
pub(crate) use counted::{CountedTable, N_ROWS, is_counted};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
pub(crate) use files::FileAccess;
use helios_contract::column::{Column, FIELD_ID, hidden};
use helios_contract::commit::CommitId;
use helios_contract::drift::Backfill;
use helios_contract::store::Snapshot;
use helios_contract::stream::StreamDefinition;
use std::sync::Arc;

/// A snapshot, ready to be scanned.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotTable {
    rows: Rows,
    /// The columns a query sees: the declared ones and the hidden ones it names.
    schema: SchemaRef,
    /// Where each of them stands in `rows.schema`.
    columns: Vec<usize>,
}

/// What is scanned: a snapshot with all its columns.
#[derive(Debug, Clone)]
struct Rows {
    snapshot: Arc<Snapshot>,
    /// Rows up to this commit are read elsewhere.
    after: CommitId,
    /// The snapshot's fields without metadata: answers do not carry field ids.
    schema: SchemaRef,
    /// The Iceberg field id of each field.
    ids: Arc<[Option<i32>]>,
    /// For each field the column it is, where older rows have its values in `_rest`.
    origins: Arc<[Option<Column>]>,
    backfill: Backfill,
    access: FileAccess,
}

impl SnapshotTable {
    /// The table with its declared columns and the `hidden` ones named.
    pub(crate) fn new(snapshot: Arc<Snapshot>, hidden: &[&str], access: FileAccess) -> SnapshotTable {
        let shown = |name: &str| !hidden::ALL.contains(&name) || hidden.contains(&name);
        let columns: Vec<usize> =
            (0..snapshot.schema.fields().len()).filter(|i| shown(snapshot.schema.field(*i).name())).collect();
        let schema = bare(&snapshot.schema);
        let ids = snapshot.schema.fields().iter().map(|field| field_id(field)).collect();
        let seen = Arc::new(schema.project(&columns).expect("the columns are the schema's own"));
        let origins = snapshot.schema.fields().iter().map(|field| Column::of_origin(field)).collect();
        let backfill = access.backfill;
        let rows = Rows { snapshot, after: CommitId::default(), schema, ids, origins, backfill, access };
        SnapshotTable { rows, schema: seen, columns }
    }

    /// With text as views, which are compared, grouped and filtered without copying.
    #[must_use]
    pub(crate) fn viewed(mut self) -> SnapshotTable {
        self.rows.schema = viewed(&self.rows.schema);
        self.schema = Arc::new(self.rows.schema.project(&self.columns).expect("the columns are the schema's own"));
        self
    }

    /// Without the rows up to a commit.
    #[must_use]
    pub(crate) fn after(mut self, commit: CommitId) -> SnapshotTable {
        self.rows.after = commit;
        self
    }
}

#[async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.iter().map(|i| self.columns[*i]).collect(),
            None => self.columns.clone(),
        };
        let files = ranges::prune(&self.rows, &self.schema, state, filters)?;
        let mut inputs = files::scan(&self.rows, state, files, files::Reading { wanted: &wanted, filters, limit })?;
        inputs.extend(tail::scan(&self.rows, &wanted, limit)?);
        match inputs.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(self.rows.schema.project(&wanted)?)))),
            1 => Ok(inputs.swap_remove(0)),
            _ => UnionExec::try_new(inputs),
        }
    }
}

fn viewed(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Field::new(field.name(), DataType::Utf8View, true),
        other => Field::new(field.name(), other.clone(), true),
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A table known by its definition only, for `information_schema`.
pub(crate) fn declared(definition: &StreamDefinition) -> Arc<dyn TableProvider> {
    let fields: Vec<Field> = definition.columns.iter().map(Column::field).collect();
    Arc::new(EmptyTable::new(bare(&Schema::new(fields))))
}

/// The fields without their metadata; nested fields keep theirs, they are part of the type.
pub(crate) fn bare(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| Field::new(field.name(), field.data_type().clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn field_id(field: &Field) -> Option<i32> {
    field.metadata().get(FIELD_ID).and_then(|id| id.parse().ok())
}
