//! A table of types, values and outcomes.

use super::{column, json, outcome};
use ColumnType::{BigInt, Boolean, Date, Decimal, Double, Int, Json, List, Real, Struct, Text, UnsignedBigInt};
use TimeFormat::{EpochMicros, EpochMillis, EpochNanos, EpochSeconds, Rfc3339};
use helios_contract::column::{ColumnType, TimeFormat};

#[track_caller]
fn check(data_type: &ColumnType, cases: &[(&str, &str)]) {
    for (value, expected) in cases {
        let decoded = json(vec![column("v", data_type.clone())], &[format!(r#"{{"v": {value} }}"#)]);
        assert_eq!(outcome(&decoded, "v"), *expected, "{data_type} from {value}");
    }
}

#[test]
fn booleans() {
    check(
        &Boolean,
        &[
            ("true", "true"),
            ("false", "false"),
            ("null", "NULL"),
            ("1", "expected a boolean, found a number @ v"),
            (r#""true""#, r#"expected a boolean, found text "true" @ v"#),
        ],
    );
}

#[test]
fn integers() {
    check(
        &Int,
        &[
            ("-7", "-7"),
            ("3.0", "3"),
            ("1e3", "1000"),
            ("2147483647", "2147483647"),
            ("2147483648", "out of range for INT: 2147483648 @ v"),
            ("3.5", "expected a whole number, found 3.5 @ v"),
            ("1e-400", "expected a whole number, found 1e-400 @ v"),
            ("null", "NULL"),
            (r#""3""#, r#"expected a number, found text "3" @ v"#),
            ("true", "expected a number, found a boolean @ v"),
        ],
    );
    check(
        &BigInt,
        &[
            ("-9223372036854775808", "-9223372036854775808"),
            ("9223372036854775808", "out of range for BIGINT: 9223372036854775808 @ v"),
            ("123456789012345678.00000000000000000000", "123456789012345678"),
            (
                "99999999999999999999999999999999999999999999",
                "out of range for BIGINT: 99999999999999999999999999999999999999999999 @ v",
            ),
        ],
    );
    check(
        &UnsignedBigInt,
        &[("18446744073709551615", "18446744073709551615"), ("-1", "out of range for BIGINT UNSIGNED: -1 @ v"), ("-0", "0")],
    );
}

#[test]
fn floats() {
    check(
        &Double,
        &[
            ("3", "3.0"),
            ("-0.1", "-0.1"),
            ("0.1234567890123456789", "0.12345678901234568"),
            ("1e22", "1e22"),
            ("5e-324", "5e-324"),
            ("1e400", "number out of range: 1e400 @ v"),
            ("{}", "expected a number, found an object @ v"),
        ],
    );
    check(&Real, &[("0.1", "0.1"), ("1e39", "out of range for REAL: 1e39 @ v")]);
}

#[test]
fn decimals() {
    check(
        &Decimal(10, 2),
        &[
            ("12.34", "12.34"),
            ("12.345", "12.35"),
            ("-12.345", "-12.35"),
            ("12", "12.00"),
            (r#""12.344999999999999999999999999999999999999999""#, "12.34"),
            (r#""0.1e2""#, "10.00"),
            ("99999999.994", "99999999.99"),
            ("99999999.995", "out of range for DECIMAL(10, 2): 99999999.995 @ v"),
            (r#""twelve""#, r#"expected a number, found text "twelve" @ v"#),
            ("false", "expected a number, found a boolean @ v"),
        ],
    );
    check(&Decimal(38, 10), &[("1234567890123456789012345678.0123456789", "1234567890123456789012345678.0123456789")]);
}

#[test]
fn texts() {
    check(
        &Text,
        &[
            (r#""""#, ""),
            (r#""plain""#, "plain"),
            (r#""a\"b\\c\/d\n""#, "a\"b\\c/d\n"),
            (r#""\u00e9\ud83d\ude00 é😀""#, "é😀 é😀"),
            (r#""\u0000""#, "\0"),
            ("12", "expected text, found a number @ v"),
            ("[]", "expected text, found an array @ v"),
        ],
    );
}

#[test]
fn timestamps_as_text() {
    check(
        &ColumnType::Timestamp(Rfc3339),
        &[
            (r#""2026-11-21T09:18:00Z""#, "2026-11-21T09:18:00Z"),
            (r#""2026-11-21 09:18:00.5""#, "2026-11-21T09:18:00.500Z"),
            (r#""2026-11-21T09:18:00.123456789+01:00""#, "2026-11-21T08:18:00.123456Z"),
            (r#""2024-02-29T23:59:60-0030""#, "2024-03-01T00:30:00Z"),
            (r#""0001-01-01T00:00:00Z""#, "0001-01-01T00:00:00Z"),
            (r#""0000-01-01T00:00:00Z""#, "timestamp out of range: year 0 @ v"),
            (r#""300000-01-01T00:00:00Z""#, "timestamp out of range: year 300000 @ v"),
            (r#""+300000-01-01T00:00:00Z""#, "timestamp out of range: year +300000 @ v"),
            (r#""2025-02-29T00:00:00Z""#, r#"expected an RFC 3339 timestamp, found text "2025-02-29T00:00:00Z" @ v"#),
            (r#""2026-11-21""#, r#"expected an RFC 3339 timestamp, found text "2026-11-21" @ v"#),
            (r#""2026-11-21T09:18:00.Z""#, r#"expected an RFC 3339 timestamp, found text "2026-11-21T09:18:00.Z" @ v"#),
            ("1795252680", "expected an RFC 3339 timestamp, found a number @ v"),
        ],
    );
}

#[test]
fn timestamps_as_numbers() {
    check(
        &ColumnType::Timestamp(EpochSeconds),
        &[
            ("1795252680", "2026-11-21T09:18:00Z"),
            ("1795252680.0000019", "2026-11-21T09:18:00.000001Z"),
            (r#""1795252680.5""#, "2026-11-21T09:18:00.500Z"),
            ("9404918380800", "timestamp out of range: year 300000 @ v"),
            ("1e99", "timestamp out of range: 1e99 @ v"),
            ("170141183460469231731687303715884.105727", "timestamp out of range: year 5391559471918239497011222 @ v"),
            (r#""soon""#, r#"expected a number, found text "soon" @ v"#),
        ],
    );
    check(
        &ColumnType::Timestamp(EpochMillis),
        &[("1795252680123.5", "2026-11-21T09:18:00.123500Z"), ("-1", "1969-12-31T23:59:59.999Z")],
    );
    check(&ColumnType::Timestamp(EpochMicros), &[("1795252680123456", "2026-11-21T09:18:00.123456Z")]);
    check(&ColumnType::Timestamp(EpochNanos), &[("1795252680123456789", "2026-11-21T09:18:00.123456Z")]);
}

#[test]
fn dates() {
    check(
        &Date,
        &[
            (r#""2026-11-21""#, "2026-11-21"),
            (r#""1969-12-31""#, "1969-12-31"),
            (r#""2026-13-01""#, r#"expected a date like 2026-11-21, found "2026-13-01" @ v"#),
            (r#""2026-11-211""#, r#"expected a date like 2026-11-21, found "2026-11-211" @ v"#),
            ("20000", "expected a date like 2026-11-21, found a number @ v"),
        ],
    );
}

#[test]
fn json_keeps_every_digit() {
    check(
        &Json,
        &[
            ("null", "NULL"),
            ("\"a\\n\"", r#""a\n""#),
            (
                r#"{ "a" : [ 1.10 , 123456789012345678901234567890 , { } , [ ] ] }"#,
                r#"{"a":[1.10,123456789012345678901234567890,{},[]]}"#,
            ),
            ("[1,,2]", "invalid JSON at byte 9: expected a value, found ',' @ "),
            ("[1e400]", "number out of range: 1e400 @ v"),
        ],
    );
}

#[test]
fn nested_values() {
    let item = Struct(vec![column("sku", Text), column("n", Int)]);
    let cart = List(Box::new(item.clone()));
    check(
        &item,
        &[
            (r#"{"n":2,"sku":"a"}"#, "{sku: a, n: 2}"),
            ("{}", "{sku: , n: }"),
            ("null", "NULL"),
            ("[]", "expected an object, found an array @ v"),
            (r#"{"n":"x"}"#, r#"expected a number, found text "x" @ v.n"#),
        ],
    );
    check(
        &cart,
        &[
            ("[]", "[]"),
            (r#"[{"sku":"a"}, null, {"n":1}]"#, "[{sku: a, n: }, , {sku: , n: 1}]"),
            (r#"[{"n":1},{"n":2},{"n":true}]"#, "expected a number, found a boolean @ v[2].n"),
            ("{}", "expected an array, found an object @ v"),
        ],
    );
    check(
        &List(Box::new(List(Box::new(Int)))),
        &[("[[1],[],null,[2,3]]", "[[1], [], , [2, 3]]"), ("[[1],[2,[]]]", "expected a number, found an array @ v[1][1]")],
    );
}
