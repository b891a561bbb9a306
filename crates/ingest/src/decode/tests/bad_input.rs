//! Records nobody should send, each between two good ones that must come through.

use super::{column, json, outcome, shown};
use helios_contract::column::{Column, ColumnType};
use helios_contract::decode::Decoded;

fn columns() -> Vec<Column> {
    let user =
        ColumnType::Struct(vec![column("name", ColumnType::Text), Column { required: true, ..column("id", ColumnType::Int) }]);
    vec![
        column("text", ColumnType::Text),
        column("numbers", ColumnType::List(Box::new(ColumnType::BigInt))),
        column("user", user),
        column("flag", ColumnType::Boolean),
        Column { required: true, ..column("n", ColumnType::BigInt) },
    ]
}

const GOOD: [&str; 2] = [
    r#"{"text":"before","numbers":[1,2],"user":{"name":"a","id":1},"flag":true,"n":1,"new":1}"#,
    r#"{"n":2,"text":"after","numbers":[3],"flag":false,"user":{"id":2}}"#,
];

#[track_caller]
fn check(bad: impl AsRef<[u8]>, expected: &str) {
    let decoded: Decoded = json(columns(), &[GOOD[0].as_bytes(), bad.as_ref(), GOOD[1].as_bytes()]);
    let [reject] = decoded.rejects.as_slice() else { panic!("one reject: {:?}", decoded.rejects) };
    assert_eq!((reject.index, format!("{} @ {}", reject.reason, reject.path).as_str()), (1, expected));
    let alone = json(columns(), &GOOD);
    for name in ["text", "numbers", "user", "flag", "n", "_rest", "_time", "_partition"] {
        for row in 0..2 {
            assert_eq!(shown(&decoded.rows, name, row), shown(&alone.rows, name, row), "{name} of row {row}");
        }
    }
    assert_eq!((shown(&decoded.rows, "_offset", 0), shown(&decoded.rows, "_offset", 1)), ("0".to_owned(), "2".to_owned()));
}

#[test]
fn not_a_record() {
    check("", "empty record @ ");
    check(" \n", "empty record @ ");
    check("\u{feff}", "empty record @ ");
    check("[1]", "expected an object, found an array @ ");
    check("7", "expected an object, found a number @ ");
    check("<xml/>", "invalid JSON at byte 0: expected a value, found '<' @ ");
    check(b"{\"n\":1,\"text\":\"\xff\"}", "invalid UTF-8 at byte 15 @ ");
    check(b"\x1f\x8b\x08\x00", "invalid gzip: the record breaks off @ ");
}

#[test]
fn broken_syntax() {
    check(r#"{"n":1"#, "invalid JSON: the record breaks off @ ");
    check(r#"{"n":1} x"#, "invalid JSON at byte 8: expected the end of the record, found 'x' @ ");
    check(r#"{"n":1}{"n":2}"#, "invalid JSON at byte 7: expected the end of the record, found '{' @ ");
    check(r#"{"n":1,}"#, "invalid JSON at byte 7: expected a field name, found '}' @ ");
    check(r#"{"n" 1}"#, "invalid JSON at byte 5: expected ':', found '1' @ ");
    check(r#"{"text":"a"#, "invalid JSON: the record breaks off @ ");
    check(r#"{"text":"a\q"}"#, "invalid JSON at byte 10: unknown escape in a string @ ");
    check(r#"{"text":"\ud800"}"#, "invalid JSON at byte 9: half of a surrogate pair in a string @ ");
    check(r#"{"text":"\u12"}"#, "invalid JSON at byte 9: '\\u' without four hexadecimal digits in a string @ ");
    check("{\"text\":\"a\nb\"}", "invalid JSON at byte 10: control character in a string @ ");
    check(r#"{"n":01}"#, "invalid JSON at byte 5: a number starts with 0 @ ");
    check(r#"{"n":-}"#, "invalid JSON at byte 6: expected a digit @ ");
    check(r#"{"n":1.}"#, "invalid JSON at byte 7: expected a digit @ ");
    check(r#"{"n":1e}"#, "invalid JSON at byte 7: expected a digit @ ");
    check(r#"{"n":NaN}"#, "invalid JSON at byte 5: expected a value, found 'N' @ ");
    check(r#"{"n":Infinity}"#, "invalid JSON at byte 5: expected a value, found 'I' @ ");
    check(r#"{"flag":trux}"#, "invalid JSON at byte 8: expected a value, found 't' @ ");
    check(r#"{"text":"late","new":[1 2]}"#, "invalid JSON at byte 24: expected ',' or ']', found '2' @ ");
}

#[test]
fn values_that_do_not_fit() {
    check(r#"{"n":1e400}"#, "number out of range: 1e400 @ n");
    check(r#"{"n":1,"new":{"deep":1e400}}"#, "number out of range: 1e400 @ new");
    check(r#"{"numbers":[1,2,"3"],"n":1}"#, r#"expected a number, found text "3" @ numbers[2]"#);
    check(r#"{"text":"x","numbers":[7],"flag":1,"n":1}"#, "expected a boolean, found a number @ flag");
    check(format!(r#"{{"n":"{}"}}"#, "x".repeat(1000)), &format!("expected a number, found text \"{}...\" @ n", "x".repeat(40)));
}

#[test]
fn required_fields() {
    check(r#"{"text":"x"}"#, "required field is missing @ n");
    check(r#"{"n":null}"#, "required field is null @ n");
    check(r#"{"n":1,"user":{"name":"x"}}"#, "required field is missing @ user.id");
    let nobody = json(columns(), &[r#"{"n":1,"user":null}"#]);
    assert_eq!(outcome(&nobody, "user"), "NULL", "a field of an object is required only where there is an object");
}

#[test]
fn nesting() {
    let nested = |n: usize| format!(r#"{{"n":1,"new":{}{}}}"#, "[".repeat(n), "]".repeat(n));
    assert_eq!(json(columns(), &[nested(127)]).rejects, []);
    check(nested(128), "nested deeper than 128 levels @ ");
    check(nested(10_000), "nested deeper than 128 levels @ ");
    check(r#"{"a":"#.repeat(10_000), "nested deeper than 128 levels @ ");
    check("[".repeat(10_000_000), "expected an object, found an array @ ");
    check(format!(r#"{{"n":{}"#, "[".repeat(10_000_000)), "expected a number, found an array @ n");
    check(format!(r#"{{"new":{}"#, "[".repeat(10_000_000)), "nested deeper than 128 levels @ ");
}

#[test]
fn a_line_of_megabytes() {
    let long = "x".repeat(20_000_000);
    let decoded = json(columns(), &[format!(r#"{{"text":"{long}","n":1}}"#)]);
    assert_eq!(outcome(&decoded, "text"), long);
}

#[test]
fn what_is_tolerated() {
    let decoded = json(columns(), &["\u{feff} {\r\n \"n\" :\t1 }\n"]);
    assert_eq!(outcome(&decoded, "n"), "1");
    let decoded = json(columns(), &[r#"{"n":1,"\u0074ext":"escaped name"}"#]);
    assert_eq!(outcome(&decoded, "text"), "escaped name");
}

#[test]
fn the_last_of_repeated_fields_counts() {
    let payload = r#"{"n":1,"text":"first","numbers":[1,2,3],"user":{"id":1},"n":2,"text":null,"numbers":[4],"user":{"id":2,"name":"b"},"n":3}"#;
    let decoded = json(columns(), &[GOOD[0], payload, GOOD[1]]);
    assert_eq!(decoded.rejects, []);
    let row: Vec<String> = ["n", "text", "numbers", "user", "flag"].map(|name| shown(&decoded.rows, name, 1)).into();
    assert_eq!(row, ["3", "NULL", "[4]", "{name: b, id: 2}", "NULL"]);
    assert_eq!(shown(&decoded.rows, "text", 2), "after");
}
