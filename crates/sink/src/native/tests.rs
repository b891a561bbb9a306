//! What is written reads back; what a real server wrote is read.

use super::{Target, encode, rows_of};
use crate::types::Type;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::json::ReaderBuilder;
use arrow::util::pretty::pretty_format_batches;
use helios_contract::column::{Column, ColumnType, TimeFormat, row_schema};
use std::sync::Arc;

fn read(rows: &str, columns: &[Column]) -> RecordBatch {
    let mut reader = ReaderBuilder::new(row_schema(columns)).build(rows.as_bytes()).unwrap();
    reader.next().unwrap().unwrap()
}

fn sent(rows: &RecordBatch, types: &[(&str, &str)]) -> RecordBatch {
    let column = |(name, words): &(&str, &str)| {
        let target = Target { name: (*name).to_owned(), remote_type: Type::parse(words).unwrap() };
        (target, rows.column_by_name(name).unwrap().clone())
    };
    let columns: Vec<(Target, ArrayRef)> = types.iter().map(column).collect();
    rows_of(encode(&columns).unwrap().as_slice()).unwrap().unwrap()
}

#[test]
fn values_come_back_as_they_were() {
    let inner = ColumnType::Struct(vec![Column::new("a", ColumnType::Int), Column::new("t", ColumnType::Text)]);
    let columns = [
        Column::new("n", ColumnType::UnsignedBigInt),
        Column::new("price", ColumnType::Decimal(12, 2)),
        Column::new("at", ColumnType::Timestamp(TimeFormat::Rfc3339)),
        Column::new("s", ColumnType::Text),
        Column::new("tags", ColumnType::List(Box::new(ColumnType::Text))),
        Column::new("o", inner),
    ];
    let rows = concat!(
        r#"{"n":18446744073709551615,"price":"-1.05","at":"2026-01-02T03:04:05.000006Z","s":"","tags":["a",null,""],"o":{"a":1}}"#,
        "\n",
        r#"{"n":0,"price":null,"at":"1969-12-31T23:59:59.999999Z","s":"é\n","tags":[],"o":{"a":null,"t":"x"}}"#,
    );
    let rows = read(rows, &columns);
    let types = [
        ("n", "UInt64"),
        ("price", "Nullable(Decimal(12, 2))"),
        ("at", "DateTime64(6, 'UTC')"),
        ("s", "LowCardinality(Nullable(String))"),
        ("tags", "Array(Nullable(String))"),
        ("o", "Tuple(a Nullable(Int32), t Nullable(String))"),
    ];
    let back = sent(&rows, &types);
    let kept: Vec<usize> = (0..types.len()).collect();
    let show = |rows: &RecordBatch| pretty_format_batches(&[rows.project(&kept).unwrap()]).unwrap().to_string();
    assert_eq!(show(&back), show(&rows));
}

#[test]
fn a_null_where_none_is_taken_is_refused() {
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let target = Target { name: "s".to_owned(), remote_type: Type::String };
    let error = encode(&[(target, values)]).unwrap_err();
    assert_eq!(error.message(), "column s: 1 of 2 values are NULL, which String does not take");
}

/// `SELECT toUInt64(7) AS a, toNullable('x') AS s, [1, 2] AS arr, ... FORMAT Native` of ClickHouse 26.9.
#[test]
fn a_block_of_a_real_server_is_read() {
    let block = b"\x05\x01\x01a\x06UInt64\x07\x00\x00\x00\x00\x00\x00\x00\x01s\x10Nullable(String)\x00\x01x\x03arr\x0cArray(UInt8)\
        \x02\x00\x00\x00\x00\x00\x00\x00\x01\x02\x01l\x16LowCardinality(String)\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\
        \x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x02lc\x01\x00\x00\x00\x00\x00\x00\x00\x01\x02dd\x0eDecimal(38, 3)\
        \xdc\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
    let rows = rows_of(block.as_slice()).unwrap().unwrap();
    assert_eq!(rows.column(3).as_string::<i32>().value(0), "lc");
    let shown = pretty_format_batches(&[rows]).unwrap().to_string();
    assert!(shown.contains("| 7 | x | [1, 2] | lc | 1.500 |"), "{shown}");
}

#[test]
fn an_answer_that_breaks_off_is_not_an_end() {
    let values: ArrayRef = Arc::new(StringArray::from(vec!["abc"; 100]));
    let whole = encode(&[(Target { name: "s".to_owned(), remote_type: Type::String }, values)]).unwrap();
    for n_bytes in 1..whole.len() {
        assert!(rows_of(&whole[..n_bytes]).is_err(), "{n_bytes} bytes of {}", whole.len());
    }
    assert_eq!(rows_of(whole.as_slice()).unwrap().unwrap().column(0).len(), 100);
    assert!(rows_of([].as_slice()).unwrap().is_none());
}
