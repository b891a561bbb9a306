//! Columns of files are found by Iceberg field id, so that a renamed column keeps its rows.

use super::{bare, field_id};
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, Literal};
use datafusion::physical_expr_adapter::{DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory};
use std::collections::HashMap;
use std::sync::Arc;

/// Makes adapters from a table's columns to those of one file.
#[derive(Debug)]
pub(super) struct ByFieldId {
    /// The field id of each column of the table.
    pub(super) ids: Arc<[Option<i32>]>,
}

impl PhysicalExprAdapterFactory for ByFieldId {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let has_ids = file.fields().iter().any(|field| field_id(field).is_some());
        let mut substitutes = HashMap::new();
        let mut renamed = Vec::new();
        for (field, id) in table.fields().iter().zip(self.ids.iter()) {
            let found = file.fields().iter().position(|have| match (field_id(have), id) {
                (Some(have), Some(want)) => have == *want,
                _ => !has_ids && have.name() == field.name(),
            });
            let substitute: Arc<dyn PhysicalExpr> = match found {
                None => Arc::new(Literal::new(ScalarValue::try_from(field.data_type())?)),
                Some(i) => {
                    renamed.push(Field::new(file.field(i).name(), field.data_type().clone(), true));
                    Arc::new(Column::new(file.field(i).name(), i))
                }
            };
            substitutes.insert(field.name().clone(), substitute);
        }
        // Without metadata on both sides a column of the same type needs no cast.
        let casts = DefaultPhysicalExprAdapter::new(Arc::new(Schema::new(renamed)), bare(&file));
        Ok(Arc::new(Adapter { substitutes, casts }))
    }
}

#[derive(Debug)]
struct Adapter {
    /// For each column of the table: the file's column, or null.
    substitutes: HashMap<String, Arc<dyn PhysicalExpr>>,
    casts: DefaultPhysicalExprAdapter,
}

impl PhysicalExprAdapter for Adapter {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let substitute = |expr: Arc<dyn PhysicalExpr>| {
            let found = expr.downcast_ref::<Column>().and_then(|column| self.substitutes.get(column.name()));
            Ok(match found {
                Some(substitute) => Transformed::yes(Arc::clone(substitute)),
                None => Transformed::no(expr),
            })
        };
        self.casts.rewrite(expr.transform_up(substitute).data()?)
    }
}
