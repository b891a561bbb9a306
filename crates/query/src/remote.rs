//! Tables of clusters: what the cluster can do the same way, it does; the rest is done here.

mod exec;
mod expression;
mod nulls;
mod push;
mod select;
mod stored;

use crate::rewrite::RemoteReference;
use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, Result, internal_err};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
pub(crate) use exec::RemoteExec;
use expression::Scope;
use helios_contract::cluster::{Cluster, RemoteColumn, RemoteName};
use helios_contract::error;
use helios_contract::sink::Outlets;
pub(crate) use push::{PushDown, bare, named};
use select::{Output, Select};
use std::sync::Arc;
use std::time::Duration;
pub(crate) use stored::StoredTable;

/// A table of a cluster, or what a statement makes of one there.
#[derive(Debug, Clone)]
pub(crate) struct RemoteTable {
    cluster: Arc<dyn Cluster>,
    /// What the cluster is asked.
    select: Select,
    schema: SchemaRef,
    within: Duration,
    /// Whether the cluster's aggregates and moments are as ours.
    is_modern: bool,
    /// The column that says where lists and objects are `NULL`, if there is one.
    nulls: Option<Output>,
}

/// From this version on a cluster knows moments of microseconds, and that nothing has no sum.
const MODERN: (u32, u32) = (21, 9);

impl RemoteTable {
    /// The table as the cluster describes it; columns that cannot be read are left out.
    pub(crate) async fn open(cluster: Arc<dyn Cluster>, name: &RemoteName, within: Duration) -> error::Result<RemoteTable> {
        let columns = cluster.describe(name).await?;
        let version = cluster.version().await?;
        let shown: Vec<(RemoteColumn, Field)> = columns
            .into_iter()
            .filter_map(|column| {
                let field = Field::new(&column.name, column.data_type.clone()?, true);
                Some((column, field))
            })
            .collect();
        let outputs = shown.iter().map(|(column, field)| Output::column(column, field)).collect();
        let schema = Arc::new(Schema::new(shown.into_iter().map(|(_, field)| field).collect::<Vec<_>>()));
        let select = Select::table(name, outputs);
        Ok(RemoteTable { cluster, select, schema, within, is_modern: version >= MODERN, nulls: None })
    }

    /// What the cluster makes of the table when it is asked for something else.
    fn with(&self, select: Select, schema: SchemaRef) -> RemoteTable {
        RemoteTable { select, schema, ..self.clone() }
    }

    fn condition(&self, filter: &Expr) -> Option<String> {
        let place = |column: &Column| self.schema.index_of(&column.name).ok();
        Scope { select: &self.select, place: &place, is_modern: self.is_modern }.condition(filter)
    }
}

/// The tables of clusters that a statement names, by the names they are planned under.
///
/// # Errors
/// `NotFound` for a cluster, a database or a table, with the place.
pub(crate) async fn fetch(
    outlets: &dyn Outlets,
    references: &[RemoteReference],
    within: Duration,
) -> error::Result<Vec<(String, RemoteTable)>> {
    let mut tables = Vec::with_capacity(references.len());
    for reference in references {
        let at = |error| crate::parse::at(error, reference.position);
        let cluster = outlets.cluster(&reference.cluster).map_err(at)?;
        let table = RemoteTable::open(cluster, &reference.name, within).await.map_err(at)?;
        tables.push((reference.planned_as.clone(), table));
    }
    Ok(tables)
}

#[async_trait]
impl TableProvider for RemoteTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.condition(filter).filter(|_| self.select.is_open()) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(conditions) = filters.iter().map(|filter| self.condition(filter)).collect::<Option<Vec<_>>>() else {
            return internal_err!("a condition was given to a cluster that it does not take");
        };
        let mut select = self.select.clone().filtered(conditions);
        let mut schema = Arc::clone(&self.schema);
        if let Some(projection) = projection {
            select = select.projected(projection);
            schema = Arc::new(schema.project(projection)?);
        }
        if let Some(limit) = limit {
            select = select.limited(limit as u64);
        }
        let nulls = self.nulls.clone().filter(|_| schema.fields().iter().any(|field| field.data_type().is_nested()));
        let has_nulls = nulls.is_some();
        let select = nulls.into_iter().fold(select, Select::and);
        Ok(Arc::new(RemoteExec::new(Arc::clone(&self.cluster), &select, schema, self.within, has_nulls)))
    }
}
