//! What has no column, and where a row came from.

use super::{column, definition, json, outcome, record, shown};
use crate::decode::open;
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType};
use helios_contract::record::{Position, Record};
use helios_contract::stream::Format;

fn columns() -> Vec<Column> {
    let item = ColumnType::Struct(vec![column("sku", ColumnType::Text)]);
    let address = ColumnType::Struct(vec![column("city", ColumnType::Text)]);
    let user = ColumnType::Struct(vec![column("id", ColumnType::Int), column("address", address)]);
    vec![column("n", ColumnType::Int), column("user", user), column("cart", ColumnType::List(Box::new(item)))]
}

#[track_caller]
fn check(payload: &str, expected: &str) {
    assert_eq!(outcome(&json(columns(), &[payload]), "_rest"), expected);
}

#[test]
fn fields_without_a_column_keep_their_path() {
    check(r#"{"n":1}"#, "NULL");
    check(r#"{"new":1,"n":1}"#, r#"{"new":1}"#);
    check(r#"{"a": 1.0 ,"n":1,"b": {"c" : [ true, null ]} }"#, r#"{"a":1.0,"b":{"c":[true,null]}}"#);
    check(r#"{"user":{"new":1,"id":1}}"#, r#"{"user":{"new":1}}"#);
    check(r#"{"a":1,"user":{"address":{"zip":"1"},"b":2},"c":3}"#, r#"{"a":1,"user":{"address":{"zip":"1"},"b":2},"c":3}"#);
    check(r#"{"user":{"address":{"city":"x"}},"c":3}"#, r#"{"c":3}"#);
    check(r#"{"_time":1,"_rest":{"x":1}}"#, r#"{"_time":1,"_rest":{"x":1}}"#);
    check(r#"{"a\"\u00e9":1}"#, r#"{"a\"\u00e9":1}"#);
}

#[test]
fn items_of_lists_keep_their_position() {
    check(
        r#"{"cart":[{"sku":"a"},{"sku":"b","new":1},{},{"new":2,"x":[]}]}"#,
        r#"{"cart":[null,{"new":1},null,{"new":2,"x":[]}]}"#,
    );
    check(r#"{"cart":[{"new":1},{"new":2}]}"#, r#"{"cart":[{"new":1},{"new":2}]}"#);
}

#[test]
fn five_thousand_new_fields_at_once() {
    let new: Vec<String> = (0..5_000).map(|i| format!(r#""new_{i}":{i}"#)).collect();
    let payload = format!(r#"{{"n":1,{}}}"#, new.join(","));
    let decoded = json(columns(), &[payload.as_str(), r#"{"n":2}"#]);
    assert_eq!(shown(&decoded.rows, "_rest", 0), format!("{{{}}}", new.join(",")));
    assert_eq!((shown(&decoded.rows, "n", 1), shown(&decoded.rows, "_rest", 1)), ("2".to_owned(), "NULL".to_owned()));
}

#[test]
fn a_rejected_record_leaves_no_rest() {
    let decoded = json(columns(), &[r#"{"user":{"new":1},"n":"x"}"#, r#"{"n":2}"#]);
    assert_eq!((decoded.rejects.len(), outcome_of_row(&decoded.rows)), (1, "NULL".to_owned()));
}

fn outcome_of_row(rows: &arrow::record_batch::RecordBatch) -> String {
    shown(rows, "_rest", 0)
}

#[test]
fn no_columns_at_all() {
    let decoded = json(Vec::new(), &[r#"{"a":1}"#, "{}"]);
    assert_eq!(
        (shown(&decoded.rows, "_rest", 0), shown(&decoded.rows, "_rest", 1)),
        (r#"{"a":1}"#.to_owned(), "NULL".to_owned())
    );
}

#[test]
fn field_order_may_change_from_record_to_record() {
    let columns = || (0..5).map(|i| column(&format!("c{i}"), ColumnType::Int)).collect::<Vec<_>>();
    let mut random = fastrand::Rng::with_seed(7);
    let payloads: Vec<String> = (0..500)
        .map(|row| {
            let mut fields: Vec<usize> = (0..5).filter(|_| random.u8(..4) > 0).collect();
            random.shuffle(&mut fields);
            let fields: Vec<String> = fields.iter().map(|i| format!(r#""c{i}":{}"#, row * 5 + i)).collect();
            format!("{{{}}}", fields.join(","))
        })
        .collect();
    let decoded = json(columns(), &payloads);
    for (row, payload) in payloads.iter().enumerate() {
        for i in 0..5 {
            let value = (row * 5 + i).to_string();
            let expected = if payload.contains(&format!(r#""c{i}":"#)) { value } else { "NULL".to_owned() };
            assert_eq!(shown(&decoded.rows, &format!("c{i}"), row), expected, "c{i} of {payload}");
        }
    }
}

#[test]
fn hidden_columns() {
    let header = |name: &str, value: Option<&str>| (name.to_owned(), value.map(|v| Bytes::copy_from_slice(v.as_bytes())));
    let full = Record {
        key: Some(Bytes::from_static(b"k\xff")),
        headers: vec![header("a", Some("1")), header("b", None), header("a", Some("2")), header("a", None)],
        position: Position::Text("shard-7".into()),
        ..record(0, r#"{"n":1}"#)
    };
    let mut decoder = open(&definition(columns(), Format::Json));
    let decoded = decoder.decode("p7", &[full, record(5, r#"{"n":2}"#)]);
    let row =
        |row: usize| ["_time", "_partition", "_offset", "_key", "_headers", "_rest"].map(|name| shown(&decoded.rows, name, row));
    assert_eq!(row(0), ["1970-01-01T00:00:01Z", "p7", "NULL", "k\u{fffd}", r#"{"a":["1","2",null],"b":null}"#, "NULL"]);
    assert_eq!(row(1), ["1970-01-01T00:00:01Z", "p7", "5", "NULL", "NULL", "NULL"]);
    assert_eq!(decoder.decode("p8", &[]).rows.num_rows(), 0);
    assert_eq!(shown(&decoder.decode("p9", &[record(1, "{}")]).rows, "_partition", 0), "p9", "a decoder starts again each time");
}
