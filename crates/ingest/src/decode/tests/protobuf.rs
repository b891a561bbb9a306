//! Protobuf messages as the library writes them, in columns as users declare them.

use super::{column, decode_with, open, options, outcome, record, shown};
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::decode::{Decoded, RegisteredSchema};
use helios_contract::stream::{Format, StreamDefinition};

const ORDER: &str = r#"syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
import "confluent/type/decimal.proto";
message Order {
  int64 id = 1;
  optional string note = 2;
  Status status = 3;
  google.protobuf.Timestamp at = 4;
  google.protobuf.Duration took = 5;
  google.protobuf.Int64Value views = 6;
  google.protobuf.Struct extra = 7;
  repeated Line lines = 8;
  map<string, double> prices = 9;
  oneof paid { string card = 10; bool cash = 11; }
  bytes raw = 12;
  confluent.type.Decimal total = 13;
  uint64 big = 14;
  Order parent = 15;
  enum Status { NEW = 0; PAID = 1; }
  message Line { string sku = 1; int32 n = 2; message Inner { int32 x = 1; } }
}
message Other { string name = 1; }"#;

const FULL: &[u8] = &[
    0x08, 7, // id
    0x18, 1, // status
    0x22, 8, 0x08, 0x80, 0xf2, 0xd6, 0xca, 0x06, 0x10, 5, // at: seconds, nanos
    0x2a, 2, 0x08, 3, // took
    0x32, 2, 0x08, 9, // views
    0x3a, 12, 0x0a, 10, 0x0a, 1, b'k', 0x12, 5, 0x1a, 3, b'v', b'a', b'l', // extra: k = "val"
    0x42, 5, 0x0a, 1, b'a', 0x10, 2, // lines[0]
    0x42, 3, 0x0a, 1, b'b', // lines[1]
    0x4a, 12, 0x0a, 1, b'p', 0x11, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, // prices: p = 1.5
    0x58, 1, // cash
    0x62, 2, 0, 255, // raw
    0x6a, 6, 0x0a, 2, 0xfb, 0x2e, 0x18, 2, // total
    0x70, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, // big
    0xa0, 6, 5, // field 100, unknown
    0xaa, 6, 1, b'z', // field 101, unknown
];

fn fixed(columns: Vec<Column>, payload: &[u8]) -> Decoded {
    decode_with(columns, Format::Protobuf, options(&[("schema", ORDER)]), &[payload])
}

fn one(name: &str, data_type: ColumnType) -> String {
    outcome(&fixed(vec![column(name, data_type)], FULL), name)
}

#[test]
fn every_type_in_the_column_made_for_it() {
    let given = options(&[("schema", ORDER), ("message", "shop.Order")]);
    let definition = StreamDefinition { format_options: given, ..super::definition(vec![], Format::Protobuf) };
    let columns = crate::format::own_columns(&definition).expect("a schema").expect("columns");
    let types: Vec<String> = columns.iter().map(ToString::to_string).collect();
    assert_eq!(
        types,
        [
            "id BIGINT",
            "note TEXT",
            "status TEXT",
            "at TIMESTAMP",
            "took TEXT",
            "views BIGINT",
            "extra JSON",
            "lines ARRAY<STRUCT<sku TEXT, n INT>>",
            "prices JSON",
            "card TEXT",
            "cash BOOLEAN",
            "raw TEXT",
            "total JSON",
            "big BIGINT UNSIGNED",
            "parent JSON",
        ]
    );
    let decoded = fixed(columns, FULL);
    assert_eq!(decoded.rejects, []);
    let value = |name: &str| shown(&decoded.rows, name, 0);
    assert_eq!(value("id"), "7");
    assert_eq!(value("note"), "NULL");
    assert_eq!(value("status"), "PAID");
    assert_eq!(value("at"), "2026-01-01T00:00:00Z");
    assert_eq!(value("took"), "3s");
    assert_eq!(value("views"), "9");
    assert_eq!(value("extra"), r#"{"k":"val"}"#);
    assert_eq!(value("lines"), "[{sku: a, n: 2}, {sku: b, n: 0}]");
    assert_eq!(value("prices"), r#"{"p":1.5}"#);
    assert_eq!((value("card"), value("cash")), ("NULL".to_owned(), "true".to_owned()));
    assert_eq!(value("raw"), "AP8=");
    assert_eq!(value("total"), "-12.34");
    assert_eq!(value("big"), "18446744073709551615");
    assert_eq!(value("parent"), "NULL");
    assert_eq!(value("_rest"), r#"{"100":5,"101":"eg=="}"#, "fields that the schema does not know");
}

#[test]
fn columns_as_declared_say_what_a_value_becomes() {
    assert_eq!(one("status", ColumnType::Int), "1");
    assert_eq!(one("at", ColumnType::Double), "1767225600.0");
    assert_eq!(one("at", ColumnType::Timestamp(TimeFormat::EpochMillis)), "2026-01-01T00:00:00Z");
    assert_eq!(one("at", ColumnType::Text), "2026-01-01T00:00:00.000000005Z");
    assert_eq!(one("took", ColumnType::Int), "3");
    assert_eq!(one("total", ColumnType::Decimal(10, 2)), "-12.34");
    assert_eq!(one("id", ColumnType::Boolean), "expected a boolean, found a number @ id");
    let lines = ColumnType::List(Box::new(ColumnType::Struct(vec![column("sku", ColumnType::Int)])));
    assert_eq!(one("lines", lines), "expected a number, found text \"a\" @ lines[0].sku");
}

#[test]
fn fields_that_were_not_set_have_their_default_unless_they_can_say_so() {
    let columns = ["id", "status", "note", "views", "lines", "prices"].map(|name| column(name, ColumnType::Json));
    let decoded = fixed(columns.to_vec(), &[0x70, 1]);
    let values: Vec<String> =
        ["id", "status", "note", "views", "lines", "prices"].map(|name| shown(&decoded.rows, name, 0)).into();
    assert_eq!(values, ["0", "\"NEW\"", "NULL", "NULL", "[]", "{}"]);
}

#[test]
fn a_record_of_a_registry_names_its_message() {
    let given = options(&[("registry", "http://127.0.0.1:1")]);
    let columns = vec![column("id", ColumnType::BigInt), column("name", ColumnType::Text), column("x", ColumnType::Int)];
    let definition = StreamDefinition { format_options: given, ..super::definition(columns, Format::Protobuf) };
    let mut decoder = open(&definition);
    let main = r#"syntax = "proto3"; import "other/line.proto"; message A { line.Line l = 1; int64 id = 2; }
        message B { string name = 1; message Deep { int32 x = 1; } }"#;
    let line = r#"syntax = "proto3"; package line; message Line { string sku = 1; }"#;
    let references = vec![("other/line.proto".to_owned(), line.to_owned())];
    decoder.know_schema(5, Some(RegisteredSchema { language: "PROTOBUF".into(), text: main.into(), references }));
    let records = [
        record(0, [0, 0, 0, 0, 5, 0, 0x10, 3]),
        record(1, [0, 0, 0, 0, 5, 2, 2, 0x0a, 1, b'n']),
        record(2, [0, 0, 0, 0, 5, 4, 2, 0, 0x08, 4]),
        record(3, [0, 0, 0, 0, 5, 2, 8, 0x08, 4]),
        record(4, [0, 0, 0, 0, 5, 0xff]),
    ];
    // The same schema compiled, as some registries keep it.
    let compiled = "CgtvdGhlci5wcm90byIRCgFCEgwKBG5hbWUYASABKAliBnByb3RvMw==".to_owned();
    decoder.know_schema(6, Some(RegisteredSchema { language: "PROTOBUF".into(), text: compiled, references: Vec::new() }));
    let decoded = decoder.decode("p0", &[record(0, [0, 0, 0, 0, 6, 0, 0x0a, 1, b'c'])]);
    assert_eq!((decoded.rejects, shown(&decoded.rows, "name", 0)), (Vec::new(), "c".to_owned()));
    let decoded = decoder.decode("p0", &records);
    let row = |i: usize| ["id", "name", "x"].map(|name| shown(&decoded.rows, name, i)).join(" ");
    assert_eq!((row(0), row(1), row(2)), ("3 NULL NULL".into(), "NULL n NULL".into(), "NULL NULL 4".into()));
    let reasons: Vec<&str> = decoded.rejects.iter().map(|reject| reject.reason.as_str()).collect();
    assert_eq!(
        reasons,
        ["the record names a message that its schema does not have", "invalid Protobuf: the record breaks off or is damaged"]
    );
}

#[test]
fn faults_are_named() {
    let bad = |payload: &[u8]| outcome(&fixed(vec![column("id", ColumnType::BigInt)], payload), "id");
    assert_eq!(bad(&[]), "empty record @ ");
    assert_eq!(bad(&[0x42, 200, 1]), "invalid Protobuf: the record breaks off or is damaged @ ");
    let reason = "invalid Protobuf: invalid wire type: SixtyFourBit (expected Varint) @ ";
    assert_eq!(bad(&[0x09, 1, 2, 3, 4, 5, 6, 7, 8]), reason);
}

#[test]
fn a_message_that_is_not_there_is_said_at_once() {
    let given = options(&[("schema", ORDER), ("message", "shop.Ordre")]);
    let definition = StreamDefinition { format_options: given, ..super::definition(vec![], Format::Protobuf) };
    let error = crate::format::check(&definition).expect_err("there is no such message");
    assert_eq!(
        error.to_string(),
        "the schema of FORMAT PROTOBUF cannot be used: it has no message shop.Ordre, only shop.Order, shop.Other"
    );
}
