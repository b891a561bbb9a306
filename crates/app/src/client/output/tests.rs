//! Tables and words as people read them.

use super::{Format, counted, span, table, thousands};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use std::path::Path;
use std::sync::Arc;

fn rows(notes: Vec<Option<&str>>) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..notes.len() as i64));
    RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("note", Arc::new(StringArray::from(notes)) as ArrayRef, true)])
        .unwrap()
}

#[test]
fn rows_become_a_table() {
    let batch = rows(vec![Some("a"), None]);
    assert_eq!(
        table(&batch.schema(), &[batch]).unwrap(),
        "+----+------+\n| id | note |\n+----+------+\n| 0  | a    |\n| 1  | NULL |\n+----+------+\n"
    );
}

#[test]
fn an_empty_answer_shows_its_columns() {
    let schema = rows(vec![]).schema();
    assert!(table(&schema, &[]).unwrap().contains("| id | note |"));
}

#[test]
fn rows_cannot_steer_the_terminal() {
    let batch = rows(vec![Some("\u{1b}[2Jgone\u{7}\r")]);
    let text = table(&batch.schema(), &[batch]).unwrap();
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()) && text.contains("[2Jgone"), "{text}");
}

#[test]
fn numbers_and_spans_are_easy_to_read() {
    assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!((counted(1, "row"), counted(2_000, "row")), ("1 row".to_owned(), "2,000 rows".to_owned()));
    assert_eq!(
        [0, 430, 99_900, 125_000, 7_200_000, 864_000_000].map(span),
        ["0.0 s", "0.4 s", "99.9 s", "2 min", "2 h", "10 days"]
    );
}

#[test]
fn file_names_ask_for_formats() {
    assert_eq!(Format::of_file(Path::new("a.b/out.parquet")), Some(Format::Parquet));
    assert_eq!(Format::of_file(Path::new("out.txt")), None);
}
