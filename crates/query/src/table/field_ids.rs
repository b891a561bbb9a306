//! Columns of files are found by Iceberg field id, so that a renamed column keeps its rows.

use super::{bare, field_id};
use arrow::array::AsArray;
use arrow::compute::{CastOptions, cast};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{DefaultPhysicalExprAdapter, PhysicalExprAdapter, PhysicalExprAdapterFactory};
use helios_contract::column::{self, hidden};
use helios_contract::drift::Backfill;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Makes adapters from a table's columns to those of one file.
pub(super) struct ByFieldId {
    /// The field id of each column of the table.
    pub(super) ids: Arc<[Option<i32>]>,
    /// For each column of the table: what it is, where older rows have its values in `_rest`.
    pub(super) origins: Arc<[Option<column::Column>]>,
    pub(super) backfill: Backfill,
}

impl fmt::Debug for ByFieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ByFieldId({:?})", self.ids)
    }
}

impl ByFieldId {
    /// What stands for a column that the file does not have: null, or its value in `_rest`.
    fn absent(&self, i: usize, field: &Field, file: &Schema) -> Result<Arc<dyn PhysicalExpr>> {
        let rest = file.index_of(hidden::REST).ok();
        let Some((origin, rest)) = self.origins[i].clone().zip(rest) else {
            return Ok(Arc::new(Literal::new(ScalarValue::try_from(field.data_type())?)));
        };
        let (backfill, wanted) = (self.backfill, field.data_type().clone());
        let read = move |arguments: &[ColumnarValue]| {
            let rest = ColumnarValue::values_to_arrays(arguments)?.swap_remove(0);
            let rest = cast(&rest, &DataType::Utf8)?;
            Ok(ColumnarValue::Array(cast(&backfill(&origin, rest.as_string::<i32>()), &wanted)?))
        };
        let udf = create_udf("from_rest", vec![DataType::Utf8], field.data_type().clone(), Volatility::Immutable, Arc::new(read));
        let rest: Arc<dyn PhysicalExpr> = Arc::new(Column::new(hidden::REST, rest));
        let returned = Arc::new(Field::new(field.name(), field.data_type().clone(), true));
        Ok(Arc::new(ScalarFunctionExpr::new("from_rest", Arc::new(udf), vec![rest], returned, Arc::default())))
    }
}

impl PhysicalExprAdapterFactory for ByFieldId {
    fn create(&self, table: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let has_ids = file.fields().iter().any(|field| field_id(field).is_some());
        let mut substitutes = HashMap::new();
        let mut renamed = Vec::new();
        for (i, (field, id)) in table.fields().iter().zip(self.ids.iter()).enumerate() {
            let found = file.fields().iter().position(|have| match (field_id(have), id) {
                (Some(have), Some(want)) => have == *want,
                _ => !has_ids && have.name() == field.name(),
            });
            let substitute: Arc<dyn PhysicalExpr> = match found {
                None => self.absent(i, field, &file)?,
                Some(i) => {
                    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(file.field(i).name(), i));
                    let (have, want) = (file.field(i).data_type(), field.data_type());
                    // An old version may see a narrower type than the file has: its own rows fit, newer ones in the same file
                    // need not, and are filtered out next.
                    let is_single = !have.is_nested() && !want.is_nested();
                    if have != want && is_single && !is_text(have, want) {
                        let safe = CastOptions { safe: true, ..DEFAULT_CAST_OPTIONS };
                        renamed.push(Field::new(file.field(i).name(), have.clone(), true));
                        Arc::new(CastExpr::new(column, want.clone(), Some(safe)))
                    } else {
                        renamed.push(Field::new(file.field(i).name(), want.clone(), true));
                        column
                    }
                }
            };
            substitutes.insert(field.name().clone(), substitute);
        }
        // Without metadata on both sides a column of the same type needs no cast.
        let casts = DefaultPhysicalExprAdapter::new(Arc::new(Schema::new(renamed)), bare(&file));
        Ok(Arc::new(Adapter { substitutes, casts }))
    }
}

/// The same text in two layouts.
fn is_text(have: &DataType, want: &DataType) -> bool {
    let is_text = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    is_text(have) && is_text(want)
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
