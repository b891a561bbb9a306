//! Compressed payloads, lines of text, and lines of fields that are not plain CSV.

use super::{column, decode, decode_with, options, outcome, shown};
use flate2::Compression;
use flate2::write::GzEncoder;
use helios_contract::column::{Column, ColumnType};
use helios_contract::stream::{Format, OptionValue, Options};
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes everything")
}

fn line() -> Vec<Column> {
    vec![column("line", ColumnType::Text)]
}

#[test]
fn gzip_says_so_itself() {
    let columns = vec![column("id", ColumnType::Int)];
    let packed = gzip(br#"{"id":1}"#);
    let mut damaged = packed.clone();
    damaged[12] ^= 0xff;
    let decoded = decode(columns.clone(), Format::Json, &[packed.clone(), br#"{"id":2}"#.to_vec()]);
    assert_eq!((shown(&decoded.rows, "id", 0), shown(&decoded.rows, "id", 1)), ("1".into(), "2".into()));
    let one = |option: &str, payload: &[u8]| {
        outcome(&decode_with(columns.clone(), Format::Json, options(&[("compression", option)]), &[payload]), "id")
    };
    assert_eq!(one("auto", &packed[..packed.len() - 9]), "invalid gzip: the record breaks off @ ");
    assert!(one("auto", &damaged).starts_with("invalid gzip: "), "{}", one("auto", &damaged));
    assert_eq!(one("none", &packed), "invalid UTF-8 at byte 1 @ ");
    assert_eq!(one("gzip", br#"{"id":2,"note":"long"}"#), "invalid gzip: invalid gzip header @ ");
    assert_eq!(one("gzip", &packed), "1");
}

#[test]
fn a_bomb_is_defused() {
    let bomb = gzip(&vec![b' '; 65 << 20]);
    assert!(bomb.len() < 100_000);
    assert_eq!(outcome(&decode(line(), Format::Text, &[bomb]), "line"), "unpacks to more than 64 MiB @ ");
}

#[test]
fn text_is_kept_whole() {
    let one = |payload: &[u8]| outcome(&decode(line(), Format::Text, &[payload]), "line");
    assert_eq!(one(b"GET / \"x\" \\ 200\r\n"), "GET / \"x\" \\ 200");
    assert_eq!(one("  two\nlines é\u{1}".as_bytes()), "  two\nlines é\u{1}");
    assert_eq!(one(b"\xff"), "invalid UTF-8 at byte 0 @ ");
    assert_eq!(one(b""), "");
}

fn csv(format: Format, header: OptionValue, more: &[(&str, &str)], payload: &str) -> String {
    let mut given: Options = options(more);
    given.insert("header".into(), header);
    let columns = vec![column("a", ColumnType::Int), column("b", ColumnType::Text)];
    let decoded = decode_with(columns, format, given, &[payload]);
    match decoded.rejects.first() {
        Some(reject) => format!("{} @ {}", reject.reason, reject.path),
        None => ["a", "b", "_rest"].map(|name| shown(&decoded.rows, name, 0)).join("|"),
    }
}

#[test]
fn delimiters_and_quotes_are_chosen() {
    let none = || OptionValue::Bool(false);
    assert_eq!(csv(Format::Csv, none(), &[("delimiter", ";")], "1;\"x;y\""), "1|x;y|NULL");
    assert_eq!(csv(Format::Csv, none(), &[("delimiter", "|"), ("quote", "'")], "1|'x|\"y'"), "1|x|\"y|NULL");
    assert_eq!(csv(Format::Csv, none(), &[("quote", "")], "1,\"x"), "1|\"x|NULL");
    assert_eq!(csv(Format::Tsv, none(), &[], "1\tx, y\r\n"), "1|x, y|NULL");
    assert_eq!(csv(Format::Tsv, none(), &[], "1,x"), "expected 2 fields, found 1 @ ");
}

#[test]
fn a_header_names_the_fields() {
    let given = || OptionValue::Text("b,more,a".into());
    assert_eq!(csv(Format::Csv, given(), &[], "x,\"m\"\"1\",7"), r#"7|x|{"more":"m\"1"}"#);
    assert_eq!(csv(Format::Csv, given(), &[], "x,7"), "expected 3 fields, found 2 @ ");
    assert_eq!(csv(Format::Csv, given(), &[], "x,m,y"), "expected a number, found text \"y\" @ a");
    let inside = || OptionValue::Bool(true);
    assert_eq!(csv(Format::Csv, inside(), &[], "b,c\r\nx,1"), r#"NULL|x|{"c":"1"}"#);
    assert_eq!(csv(Format::Csv, inside(), &[], "a,b\n1,x\n2,y"), "more than one line @ ");
    assert_eq!(csv(Format::Csv, inside(), &[], "a,b"), "a line of names, and no line of values @ ");
    assert_eq!(csv(Format::Csv, inside(), &[], "a,a\n1,2"), "the header names \"a\" twice @ ");
    let records = ["a,b\n1,x", "a,b\n2,y", "b\nz"];
    let given = Options::from([("header".to_owned(), OptionValue::Bool(true))]);
    let decoded = decode_with(vec![column("a", ColumnType::Int), column("b", ColumnType::Text)], Format::Csv, given, &records);
    let rows: Vec<String> = (0..3).map(|row| ["a", "b"].map(|name| shown(&decoded.rows, name, row)).join(" ")).collect();
    assert_eq!(rows, ["1 x", "2 y", "NULL z"]);
}
