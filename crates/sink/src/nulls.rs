//! Where lists and objects are `NULL`: ClickHouse has only empty ones, so their paths are delivered beside them.

use arrow::array::{Array, ArrayRef, AsArray, ListBuilder, RecordBatch, StringBuilder};
use std::sync::Arc;

/// For each row the paths of the lists and objects that are `NULL`: `address`, `items[3].tags`.
pub(crate) fn paths(rows: &RecordBatch) -> ArrayRef {
    let mut found: Vec<Vec<String>> = vec![Vec::new(); rows.num_rows()];
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        if has_nulls(column) {
            for (row, found) in found.iter_mut().enumerate() {
                look(column, row, field.name().clone(), found);
            }
        }
    }
    let mut lists = ListBuilder::new(StringBuilder::new());
    for paths in found {
        lists.append_value(paths.into_iter().map(Some));
    }
    Arc::new(lists.finish())
}

/// Whether a list or an object is `NULL` anywhere.
fn has_nulls(column: &ArrayRef) -> bool {
    if let Some(lists) = column.as_list_opt::<i32>() {
        return lists.null_count() > 0 || has_nulls(lists.values());
    }
    match column.as_struct_opt() {
        Some(objects) => objects.null_count() > 0 || objects.columns().iter().any(has_nulls),
        None => false,
    }
}

fn look(column: &ArrayRef, row: usize, path: String, found: &mut Vec<String>) {
    if let Some(lists) = column.as_list_opt::<i32>() {
        if lists.is_null(row) {
            return found.push(path);
        }
        let first = lists.value_offsets()[row] as usize;
        for i in 0..lists.value_length(row) as usize {
            look(lists.values(), first + i, format!("{path}[{i}]"), found);
        }
    } else if let Some(objects) = column.as_struct_opt() {
        if objects.is_null(row) {
            return found.push(path);
        }
        for (field, column) in objects.fields().iter().zip(objects.columns()) {
            look(column, row, format!("{path}.{}", field.name()), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::json::ReaderBuilder;
    use helios_contract::column::{Column, ColumnType, row_schema};

    #[test]
    fn every_list_and_object_that_is_null_is_found() {
        let item = ColumnType::Struct(vec![Column::new("tags", ColumnType::List(Box::new(ColumnType::Text)))]);
        let columns = [Column::new("o", item.clone()), Column::new("items", ColumnType::List(Box::new(item)))];
        let rows = concat!(
            r#"{"o":{"tags":[]},"items":[{"tags":["a"]},null,{"tags":null}],"_tags":[]}"#,
            r#"{"o":null,"items":null,"_tags":[]}"#,
            r#"{"o":{"tags":null},"items":[],"_tags":[]}"#
        );
        let rows = ReaderBuilder::new(row_schema(&columns)).build(rows.as_bytes()).unwrap().next().unwrap().unwrap();
        let paths = paths(&rows);
        let of = |row: usize| {
            let paths = paths.as_list::<i32>().value(row);
            paths.as_string::<i32>().iter().map(|path| path.unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of(0), ["items[1]", "items[2].tags"]);
        assert_eq!(of(1), ["o", "items"]);
        assert_eq!(of(2), ["o.tags"]);
    }
}
