//! MessagePack records.

use super::{column, decode, outcome, shown};
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::stream::Format;
use rmpv::Value;

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).expect("memory takes every value");
    bytes
}

fn map(entries: &[(&str, Value)]) -> Vec<u8> {
    encoded(&Value::Map(entries.iter().map(|(name, value)| (Value::from(*name), value.clone())).collect()))
}

fn one(data_type: ColumnType, payload: &[u8]) -> String {
    outcome(&decode(vec![column("a", data_type)], Format::Msgpack, &[payload]), "a")
}

#[test]
fn values_and_what_is_left() {
    let payload = map(&[
        ("a", Value::from(-7)),
        ("f", Value::F32(0.1)),
        ("s", Value::from("x\u{1}")),
        ("b", Value::Binary(vec![0, 255])),
        ("l", Value::Array(vec![Value::Nil, Value::Boolean(true), Value::from(u64::MAX)])),
        ("m", Value::Map(vec![(Value::from(3), Value::F64(f64::NAN))])),
        ("e", Value::Ext(5, vec![1])),
    ]);
    let decoded = decode(vec![column("a", ColumnType::Int)], Format::Msgpack, &[payload]);
    assert_eq!(shown(&decoded.rows, "a", 0), "-7");
    assert_eq!(
        shown(&decoded.rows, "_rest", 0),
        r#"{"f":0.1,"s":"x\u0001","b":"AP8=","l":[null,true,18446744073709551615],"m":{"3":"NaN"},"e":{"type":5,"data":"AQ=="}}"#
    );
}

#[test]
fn moments() {
    let forms: [Vec<u8>; 3] = [
        1_767_225_600_u32.to_be_bytes().into(),
        ((500_000_000_u64 << 34) | 1_767_225_600).to_be_bytes().into(),
        [&500_000_000_u32.to_be_bytes()[..], &1_767_225_600_i64.to_be_bytes()[..]].concat(),
    ];
    let [short, middle, long] = forms.map(|bytes| map(&[("a", Value::Ext(-1, bytes))]));
    let timestamp = ColumnType::Timestamp(TimeFormat::Rfc3339);
    assert_eq!(one(timestamp.clone(), &short), "2026-01-01T00:00:00Z");
    assert_eq!(one(timestamp.clone(), &middle), "2026-01-01T00:00:00.500Z");
    assert_eq!(one(timestamp, &long), "2026-01-01T00:00:00.500Z");
    assert_eq!(one(ColumnType::Timestamp(TimeFormat::EpochMillis), &long), "2026-01-01T00:00:00.500Z");
    assert_eq!(one(ColumnType::Double, &long), "1767225600.5");
}

#[test]
fn faults_name_their_field() {
    let required = vec![Column { required: true, ..column("a", ColumnType::Int) }];
    let decoded = decode(required, Format::Msgpack, &[map(&[("b", Value::Nil)])]);
    assert_eq!(outcome(&decoded, "a"), "required field is missing @ a");
    assert_eq!(one(ColumnType::Int, &map(&[("a", Value::from("x"))])), "expected a number, found text \"x\" @ a");
    assert_eq!(one(ColumnType::Int, &[]), "empty record @ ");
    assert_eq!(one(ColumnType::Int, &[1]), "expected an object, found a number @ ");
    assert_eq!(one(ColumnType::Int, &[0x81, 0xa1, b'a']), "invalid MessagePack: the record breaks off @ ");
    assert_eq!(one(ColumnType::Int, &[0x80, 0xc0]), "invalid MessagePack: 1 bytes follow the record @ ");
    assert_eq!(one(ColumnType::Int, &[0x81, 0xa1, b'a', 0xa1, 0xff]), "invalid UTF-8 in a text @ a");
    let odd = encoded(&Value::Map(vec![(Value::Nil, Value::Nil)]));
    assert_eq!(one(ColumnType::Int, &odd), "invalid MessagePack: a field's name is neither text nor a whole number @ ");
    let absurd = map(&[("a", Value::Ext(-1, [&[0; 4][..], &i64::MAX.to_be_bytes()[..]].concat()))]);
    let timestamp = ColumnType::Timestamp(TimeFormat::Rfc3339);
    assert_eq!(one(timestamp, &absurd), "timestamp out of range: year +292277026596 @ a");
}
