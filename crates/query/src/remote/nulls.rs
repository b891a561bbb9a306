//! Lists and objects that were `NULL` are `NULL` again: a cluster has only empty ones, and the paths of those that are not.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray, StructArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use datafusion::common::Result;
use std::collections::HashSet;
use std::sync::Arc;

/// The column `name` with `NULL` where its row's paths say so.
pub(super) fn restore(column: &ArrayRef, name: &str, paths: &ArrayRef) -> Result<ArrayRef> {
    let Some(paths) = paths.as_list_opt::<i32>() else { return Ok(Arc::clone(column)) };
    let Some(texts) = paths.values().as_string_opt::<i32>() else { return Ok(Arc::clone(column)) };
    let rows: Vec<HashSet<&str>> = (0..paths.len()).map(|row| row_paths(paths, texts, row)).collect();
    if rows.iter().all(HashSet::is_empty) {
        return Ok(Arc::clone(column));
    }
    let places: Vec<Place> = (0..column.len()).map(|row| Place { row, path: name.to_owned(), is_there: true }).collect();
    within(column, &places, &rows)
}

fn row_paths<'a>(paths: &ListArray, texts: &'a StringArray, row: usize) -> HashSet<&'a str> {
    let first = paths.value_offsets()[row] as usize;
    (first..first + paths.value_length(row) as usize).map(|i| texts.value(i)).collect()
}

/// Where a value stands.
struct Place {
    row: usize,
    path: String,
    /// Whether what it is in is not `NULL` itself.
    is_there: bool,
}

/// `places` has the place of each value.
fn within(column: &ArrayRef, places: &[Place], rows: &[HashSet<&str>]) -> Result<ArrayRef> {
    let nulls: NullBuffer = places.iter().map(|place| place.is_there && !rows[place.row].contains(place.path.as_str())).collect();
    let restored: ArrayRef = match column.data_type() {
        DataType::List(item) => {
            let lists = column.as_list::<i32>();
            let mut items = Vec::with_capacity(lists.values().len());
            for (i, Place { row, path, .. }) in places.iter().enumerate() {
                let item = |n| Place { row: *row, path: format!("{path}[{n}]"), is_there: nulls.is_valid(i) };
                items.extend((0..lists.value_length(i)).map(item));
            }
            let first = lists.value_offsets()[0] as usize;
            let values = lists.values().slice(first, items.len());
            let values = if values.data_type().is_nested() { within(&values, &items, rows)? } else { values };
            let lengths = (0..lists.len()).map(|i| lists.value_length(i) as usize);
            let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::try_new(Arc::clone(item), offsets, values, None)?)
        }
        DataType::Struct(fields) => {
            let objects = column.as_struct();
            let field = |(field, column): (&Arc<arrow::datatypes::Field>, &ArrayRef)| {
                if !column.data_type().is_nested() {
                    return Ok(Arc::clone(column));
                }
                let inside = |(i, Place { row, path, .. }): (usize, &Place)| Place {
                    row: *row,
                    path: format!("{path}.{}", field.name()),
                    is_there: nulls.is_valid(i),
                };
                within(column, &places.iter().enumerate().map(inside).collect::<Vec<_>>(), rows)
            };
            let columns = fields.iter().zip(objects.columns()).map(field).collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, None, objects.len())?)
        }
        _ => return Ok(Arc::clone(column)),
    };
    if nulls.null_count() == 0 {
        return Ok(restored);
    }
    Ok(make_array(restored.to_data().into_builder().nulls(Some(nulls)).build()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ListBuilder, StringBuilder};
    use arrow::json::ReaderBuilder;
    use arrow::util::pretty::pretty_format_columns;
    use helios_contract::column::{Column, ColumnType, row_schema};

    #[test]
    fn what_was_null_is_null_again() {
        let item = ColumnType::Struct(vec![Column::new("tags", ColumnType::List(Box::new(ColumnType::Text)))]);
        let columns = [Column::new("items", ColumnType::List(Box::new(item)))];
        let read = |rows: &str| {
            let rows = ReaderBuilder::new(row_schema(&columns)).build(rows.as_bytes()).unwrap().next().unwrap().unwrap();
            Arc::clone(rows.column(0))
        };
        let before = read(r#"{"items":[{"tags":["a"]},null,{"tags":null},{"tags":[]}]} {"items":null} {"items":[]}"#);
        let delivered = read(r#"{"items":[{"tags":["a"]},{"tags":[]},{"tags":[]},{"tags":[]}]} {"items":[]} {"items":[]}"#);
        let mut paths = ListBuilder::new(StringBuilder::new());
        paths.append_value([Some("items[1]"), Some("items[1].tags"), Some("items[2].tags")]);
        paths.append_value([Some("items")]);
        paths.append_value(Vec::<Option<&str>>::new());
        let paths: ArrayRef = Arc::new(paths.finish());
        let show = |column: &ArrayRef| pretty_format_columns("c", &[Arc::clone(column)]).unwrap().to_string();
        assert_eq!(show(&restore(&delivered, "items", &paths).unwrap()), show(&before));
        assert_eq!(show(&restore(&delivered.slice(1, 1), "items", &paths.slice(1, 1)).unwrap()), show(&before.slice(1, 1)));
    }
}
