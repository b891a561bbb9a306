//! Samples and the columns they give.

use super::{csv, event_time, infer};
use helios_contract::column::Column;

#[track_caller]
fn check(samples: &[&str], expected: &str) {
    let samples: Vec<&[u8]> = samples.iter().map(|sample| sample.as_bytes()).collect();
    assert_eq!(shown(&infer(&samples).expect("columns")), expected);
}

fn shown(columns: &[Column]) -> String {
    columns.iter().map(Column::to_string).collect::<Vec<_>>().join(", ")
}

#[test]
fn scalars() {
    check(&[r#"{"a":1,"b":1.5,"c":"x","d":true,"e":null}"#], "a BIGINT, b DOUBLE, c TEXT, d BOOLEAN, e JSON");
    check(&[r#"{"a":1}"#, r#"{"b":2,"a":2.5}"#, r#"{"a":null}"#], "a DOUBLE, b BIGINT");
    check(&[r#"{"a":1}"#, r#"{"a":"x"}"#], "a JSON");
    check(&[r#"{"a":1}"#, r#"{"a":{}}"#], "a JSON");
    check(&[r#"{"a":18446744073709551615}"#], "a BIGINT UNSIGNED");
    check(&[r#"{"a":123456789012345678901234567890}"#], "a DECIMAL(38, 0)");
    check(&[r#"{"a":-1}"#, r#"{"a":18446744073709551615}"#], "a DECIMAL(38, 0)");
}

#[test]
fn times() {
    check(&[r#"{"a":"2026-11-21T09:18:00Z"}"#, r#"{"a":"2026-11-21 09:18:00.5"}"#], "a TIMESTAMP");
    check(&[r#"{"a":"2026-11-21T09:18:00Z"}"#, r#"{"a":"soon"}"#], "a TEXT");
    check(&[r#"{"ts":1795252680,"n":1795252680}"#], "ts TIMESTAMP FORMAT EPOCH_S, n BIGINT");
    check(&[r#"{"created_at":1795252680123}"#], "created_at TIMESTAMP FORMAT EPOCH_MS");
    check(&[r#"{"time":1795252680123456}"#], "time TIMESTAMP FORMAT EPOCH_US");
    check(&[r#"{"event_ts":1795252680123456789}"#], "event_ts TIMESTAMP FORMAT EPOCH_NS");
    check(&[r#"{"wait_time":12}"#], "wait_time BIGINT");
    check(&[r#"{"ts":1795252680}"#, r#"{"ts":0}"#], "ts BIGINT");
}

#[test]
fn nested() {
    check(&[r#"{"u":{"a":1}}"#, r#"{"u":{"b":"x","a":1.5}}"#], "u STRUCT<a DOUBLE, b TEXT>");
    check(&[r#"{"u":{}}"#], "u JSON");
    check(&[r#"{"l":[1,2]}"#, r#"{"l":[]}"#, r#"{"l":[2.5]}"#], "l ARRAY<DOUBLE>");
    check(&[r#"{"l":[]}"#], "l ARRAY<JSON>");
    check(&[r#"{"l":[1,"x"]}"#], "l ARRAY<JSON>");
    check(&[r#"{"l":[{"a":1},{"b":true}]}"#], "l ARRAY<STRUCT<a BIGINT, b BOOLEAN>>");
    let many: Vec<String> = (0..33).map(|i| format!(r#""k{i}":1"#)).collect();
    check(&[&format!(r#"{{"m":{{{}}}}}"#, many.join(","))], "m JSON");
}

#[test]
fn names() {
    check(&[r#"{"_time":1,"":1,"_mine":1,"Name":1}"#], "_mine BIGINT, \"Name\" BIGINT");
    let wide: Vec<String> = (0..5_000).map(|i| format!(r#""c{i}":1"#)).collect();
    let columns = infer(&[format!("{{{}}}", wide.join(",")).as_bytes()]).expect("columns");
    assert_eq!((columns.len(), columns[1_999].name.as_str()), (2_000, "c1999"));
}

#[test]
fn bad_samples() {
    check(&["nonsense", r#"{"a":1}"#, "[1]"], "a BIGINT");
    let error = infer(&[]).expect_err("nothing to go by");
    assert_eq!(error.message(), "cannot infer columns from a sample: there are no records yet");
    let error = infer(&[b"[1]"]).expect_err("no object");
    assert!(error.message().ends_with("no record can be read as JSON: expected an object, found an array"), "{error}");
}

#[test]
fn event_times() {
    let samples = r#"{"at":1,"updated_at":"2026-11-21T09:18:00Z","TS":"2026-11-21T09:18:00Z","time":5}"#;
    let columns = infer(&[samples.as_bytes()]).expect("columns");
    assert_eq!(event_time(&columns).as_deref(), Some("TS"));
    assert_eq!(event_time(&columns[..2]).as_deref(), Some("updated_at"));
    assert_eq!(event_time(&columns[..1]), None);
}

#[test]
fn from_csv() {
    let body = "\u{feff}id, name ,price,at,ok,mixed,none\n1,a,1.5,2026-11-21T09:18:00Z,true,1,\n2,\"b,c\",2,2026-11-21 10:00:00,FALSE,x,\n";
    let columns = csv(body.as_bytes(), &comma()).expect("columns");
    assert_eq!(shown(&columns), "id BIGINT, name TEXT, price DOUBLE, at TIMESTAMP, ok BOOLEAN, mixed TEXT, none TEXT");
    assert!(csv(b"a,b\n1\n", &comma()).is_err(), "a row with too few cells");
}

fn comma() -> crate::format::Dialect {
    crate::format::Dialect { delimiter: b',', quote: Some(b'"'), names: crate::format::Names::Columns }
}
