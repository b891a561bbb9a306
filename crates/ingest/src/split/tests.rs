//! Bodies and the records in them.

use super::records;
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::query::BodyFormat;
use helios_contract::stream::{Format, SourceKind, StreamDefinition};
use helios_contract::{Result, StreamName};

fn stream(format: Format) -> StreamDefinition {
    let columns = vec![
        Column::new("id", ColumnType::BigInt),
        Column::new("name", ColumnType::Text),
        Column::new("at", ColumnType::Timestamp(TimeFormat::Rfc3339)),
        Column::new("tags", ColumnType::List(Box::new(ColumnType::Text))),
    ];
    StreamDefinition {
        columns,
        format,
        ..StreamDefinition::new(StreamName::new("events").expect("a good name"), SourceKind::Http)
    }
}

fn split(body: &str, format: BodyFormat, stream: &StreamDefinition) -> Result<Vec<String>> {
    let records = records(&Bytes::copy_from_slice(body.as_bytes()), format, stream)?;
    Ok(records.iter().map(|record| String::from_utf8(record.to_vec()).expect("UTF-8 stays UTF-8")).collect())
}

#[track_caller]
fn check(body: &str, expected: &[&str]) {
    assert_eq!(split(body, BodyFormat::Json, &stream(Format::Json)).expect("records"), expected);
}

#[track_caller]
fn check_refused(body: &str, expected: &str) {
    let error = split(body, BodyFormat::Json, &stream(Format::Json)).expect_err("refused");
    assert_eq!(error.message(), format!("cannot split the JSON array into records: {expected}"));
}

#[test]
fn nothing() {
    check("", &[]);
    check(" \r\n\n", &[]);
    check("\u{feff}", &[]);
    check("[]", &[]);
    check(" [ ] \n", &[]);
}

#[test]
fn one_a_line() {
    check("{\"a\":1}", &["{\"a\":1}"]);
    check("\u{feff}{\"a\":1}\r\n\n  \n {\"a\":2} \r\n", &["{\"a\":1}", "{\"a\":2}"]);
    check("{\"a\":\"}{\"}\nnonsense\n{\"a\":2}", &["{\"a\":\"}{\"}", "nonsense", "{\"a\":2}"]);
    check("nonsense\n{\"a\":2}", &["nonsense", "{\"a\":2}"]);
    check("1\n2", &["1", "2"]);
}

#[test]
fn a_bad_first_line_costs_only_itself() {
    check("{\"a\":\n{\"b\":1}\n{\"c\":2}\n", &["{\"a\":", "{\"b\":1}", "{\"c\":2}"]);
    check("{\"a\":\"cut\n{\"b\":1}\n", &["{\"a\":\"cut", "{\"b\":1}"]);
    check("{\"a\":1} x\n{\"b\":1}\n", &["{\"a\":1} x", "{\"b\":1}"]);
    check("{\"a\":1}}\n{\"b\":1}\n", &["{\"a\":1}}", "{\"b\":1}"]);
}

#[test]
fn objects_in_any_layout() {
    check("{\n  \"a\": [\n    {}\n  ]\n}\n", &["{\n  \"a\": [\n    {}\n  ]\n}"]);
    check("{\n\"a\":1\n}\n{\n\"a\":2\n}", &["{\n\"a\":1\n}", "{\n\"a\":2\n}"]);
    check("{\"a\":1}{\"a\":2} {\"a\":3}", &["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
    check("{\n  \"a\": 1,\n", &["{\n  \"a\": 1,"]);
}

#[test]
fn arrays() {
    check("[{\"a\":[1,2]}, {\"b\":\"],\\\"}\"} ,3]\n", &["{\"a\":[1,2]}", "{\"b\":\"],\\\"}\"}", "3"]);
    check("[\n  {\n  \"a\": 1\n  },\n  {}\n]", &["{\n  \"a\": 1\n  }", "{}"]);
    check_refused("[{\"a\":1},{\"a\"", "it is cut off at byte 13");
    check_refused("[{\"a\":1}", "it is cut off at byte 8");
    check_refused("[", "it is cut off at byte 1");
    check_refused("[1,]", "an item is missing at byte 3");
    check_refused("[,1]", "an item is missing at byte 1");
    check_refused("[1}", "a bracket does not match at byte 2");
    check_refused("[1] [2]", "something follows its end at byte 4");
}

#[test]
fn deep_bodies() {
    let deep = "[".repeat(10_000_000);
    check_refused(&deep, "it is cut off at byte 10000000");
    let deep = "{\"a\":".repeat(1_000_000);
    check(&deep, &[&deep]);
}

#[test]
fn csv_becomes_json() {
    let body = "\u{feff}name,id,tags,at,colour\n\"a \"\"b\"\"\",1,\"[\"\"x\"\"]\",2026-11-21T09:18:00Z,red\r\n,x,oops,,\n";
    let split = split(body, BodyFormat::Csv, &stream(Format::Json)).expect("records");
    assert_eq!(
        split,
        [
            r#"{"name":"a \"b\"","id":1,"tags":["x"],"at":"2026-11-21T09:18:00Z","colour":"red"}"#,
            r#"{"name":"","id":"x","tags":"oops"}"#,
        ]
    );
}

#[test]
fn csv_is_put_in_column_order() {
    let split = split("tags,name,id\n[],\"a,b\",1\n,,2\n", BodyFormat::Csv, &stream(Format::Csv)).expect("records");
    assert_eq!(split, ["1,\"a,b\",,[]\n", "2,,,\n"]);
}

#[test]
fn csv_without_structure() {
    let refused = |body: &str, format| split(body, BodyFormat::Csv, &stream(format)).expect_err("refused").to_string();
    assert_eq!(split("", BodyFormat::Csv, &stream(Format::Json)).expect("records"), [""; 0]);
    assert!(refused("id,name\n1\n", Format::Json).starts_with("cannot split the CSV body into records: "));
    assert_eq!(
        refused("idd,nam\n", Format::Json),
        "the CSV header names 'idd', which is no column of events. Did you mean 'id'?"
    );
    assert_eq!(refused("id,id\n", Format::Json), "the CSV header names 'id' twice, the second time as field 2");
    assert!(refused("id,colour\n", Format::Csv).contains("names 'colour'"));
}
