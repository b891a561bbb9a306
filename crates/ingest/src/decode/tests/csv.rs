//! The same rules for cells.

use super::{column, decode, shown};
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::stream::Format;

fn columns() -> Vec<Column> {
    vec![
        Column { required: true, ..column("id", ColumnType::BigInt) },
        column("name", ColumnType::Text),
        column("price", ColumnType::Decimal(10, 2)),
        column("at", ColumnType::Timestamp(TimeFormat::EpochSeconds)),
        column("ok", ColumnType::Boolean),
        column("tags", ColumnType::List(Box::new(ColumnType::Text))),
        column("user", ColumnType::Struct(vec![column("id", ColumnType::Int)])),
    ]
}

#[test]
fn lines() {
    let decoded = decode(
        columns(),
        Format::Csv,
        &[
            r#"1,"a ""b"", c",9.99,1795252680.5,TRUE,"[""x"",""y""]","{""id"":3,""new"":1}""#,
            "2,,,,,,\r\n",
            "\u{feff}3,é,1e1, 0 ,false,[],{}",
        ],
    );
    assert_eq!(decoded.rejects, []);
    let row =
        |row: usize| ["id", "name", "price", "at", "ok", "tags", "user", "_rest"].map(|name| shown(&decoded.rows, name, row));
    assert_eq!(
        row(0),
        ["1", "a \"b\", c", "9.99", "2026-11-21T09:18:00.500Z", "true", "[x, y]", "{id: 3}", r#"{"user":{"new":1}}"#]
    );
    assert_eq!(row(1), ["2", "", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"]);
    assert_eq!(row(2), ["3", "é", "10.00", "1970-01-01T00:00:00Z", "false", "[]", "{id: }", "NULL"]);
}

#[test]
fn bad_lines() {
    let cases: [(&[u8], &str); 10] = [
        (b"", "empty record @ "),
        (b"1,a", "expected 7 fields, found 2 @ "),
        (b"1,2,3,4,true,[],{},8,9", "expected 7 fields, found 8 or more @ "),
        (b"1,a,,,,,\n2,b,,,,,", "more than one line @ "),
        (b"1,\xff,,,,,", "invalid UTF-8 at byte 2 @ "),
        (b"x,a,,,,,", "expected a number, found text \"x\" @ id"),
        (b",a,,,,,", "required field is empty @ id"),
        (b"1,a,NaN,,,,", "expected a number, found text \"NaN\" @ price"),
        (b"1,a,,,,[1],", "expected text, found a number @ tags[0]"),
        (b"1,a,,,,[],{", "invalid JSON: the record breaks off @ user"),
    ];
    let payloads: Vec<&[u8]> = cases.iter().map(|(payload, _)| *payload).chain([b"9,good,1,1,true,[],{}".as_slice()]).collect();
    let decoded = decode(columns(), Format::Csv, &payloads);
    for ((payload, expected), reject) in cases.iter().zip(&decoded.rejects) {
        assert_eq!(format!("{} @ {}", reject.reason, reject.path), *expected, "{}", String::from_utf8_lossy(payload));
    }
    assert_eq!((decoded.rejects.len(), decoded.rows.num_rows(), shown(&decoded.rows, "id", 0)), (10, 1, "9".to_owned()));
}
