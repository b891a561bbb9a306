//! Random valid records, decoded here and by arrow-json: the same columns come out.

use super::{column, json};
use arrow::datatypes::Schema;
use arrow::json::ReaderBuilder;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use serde_json::{Map, Value};
use std::sync::Arc;

fn random_type(random: &mut fastrand::Rng, depth: usize) -> ColumnType {
    match random.u8(..if depth < 3 { 9 } else { 7 }) {
        0 => ColumnType::Boolean,
        1 => ColumnType::Int,
        2 => ColumnType::BigInt,
        3 => ColumnType::UnsignedBigInt,
        4 => ColumnType::Double,
        5 => ColumnType::Text,
        6 => ColumnType::Timestamp(TimeFormat::Rfc3339),
        7 => ColumnType::List(Box::new(random_type(random, depth + 1))),
        _ => ColumnType::Struct(random_columns(random, depth + 1)),
    }
}

fn random_columns(random: &mut fastrand::Rng, depth: usize) -> Vec<Column> {
    (0..random.usize(1..6)).map(|i| column(&format!("c{i}"), random_type(random, depth))).collect()
}

fn random_object(random: &mut fastrand::Rng, columns: &[Column]) -> Value {
    let mut present: Vec<&Column> = columns.iter().filter(|_| random.u8(..5) > 0).collect();
    if random.u8(..4) == 0 {
        random.shuffle(&mut present);
    }
    present.into_iter().map(|column| (column.name.clone(), random_value(random, &column.data_type))).collect::<Map<_, _>>().into()
}

fn random_value(random: &mut fastrand::Rng, data_type: &ColumnType) -> Value {
    if random.u8(..8) == 0 {
        return Value::Null;
    }
    match data_type {
        ColumnType::Boolean => random.bool().into(),
        ColumnType::Int => random.i32(..).into(),
        ColumnType::BigInt => (random.i64(..) >> random.u32(..64)).into(),
        ColumnType::UnsignedBigInt => (random.u64(..) >> random.u32(..64)).into(),
        ColumnType::Double => match random.u8(..3) {
            0 => (f64::from(random.i32(-100_000..100_000)) / 100.0).into(),
            1 => random.f64().into(),
            _ => Some(f64::from_bits(random.u64(..))).filter(|f| f.is_finite()).unwrap_or(0.0).into(),
        },
        ColumnType::Text => random_text(random).into(),
        ColumnType::Timestamp(_) => random_time(random).into(),
        ColumnType::List(item) => (0..random.usize(..4)).map(|_| random_value(random, item)).collect::<Vec<_>>().into(),
        ColumnType::Struct(fields) => random_object(random, fields),
        other => unreachable!("{other} is not drawn"),
    }
}

fn random_text(random: &mut fastrand::Rng) -> String {
    let characters = ['a', 'Z', ' ', '"', '\\', '/', '\n', '\u{1}', '\0', 'é', '€', '😀', '{', ',', '\u{7f}'];
    (0..random.usize(..30)).map(|_| *random.choice(&characters).expect("not empty")).collect()
}

fn random_time(random: &mut fastrand::Rng) -> String {
    let zone = *random.choice(&["Z", "+05:30", "-11:00"]).expect("not empty");
    let (year, month, day) = (random.u16(1700..2200), random.u8(1..13), random.u8(1..29));
    let (hour, minute, second) = (random.u8(..24), random.u8(..60), random.u8(..60));
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}{zone}", random.u32(..1_000_000))
}

#[test]
fn both_agree() {
    for seed in 0..200 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let columns = random_columns(random, 0);
        let payloads: Vec<String> = (0..random.usize(1..80)).map(|_| random_object(random, &columns).to_string()).collect();
        let decoded = json(columns.clone(), &payloads);
        assert_eq!(decoded.rejects, [], "seed {seed}");

        let schema = Arc::new(Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>()));
        let mut theirs = ReaderBuilder::new(schema).with_batch_size(1024).build_decoder().expect("a schema it knows");
        theirs.decode(payloads.join("\n").as_bytes()).expect("valid JSON");
        let theirs = theirs.flush().expect("fitting values").expect("rows");
        for (i, column) in columns.iter().enumerate() {
            assert_eq!(decoded.rows.column(i), theirs.column(i), "seed {seed}, {column}");
        }
    }
}

/// Bytes of valid records changed at random: every outcome is a row or a reject, and what stays valid JSON is judged alike.
#[test]
fn damaged_records_are_rejected_when_they_are_not_json() {
    for seed in 0..300 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let columns = vec![column("kept", ColumnType::Json)];
        let inner = random_columns(random, 0);
        let mut payload = format!(r#"{{"kept":{}}}"#, random_object(random, &inner)).into_bytes();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..payload.len());
            payload[at] = *random.choice(b"{}[]\",:\\0e-. tn\xff\x01").expect("not empty");
        }
        let decoded = json(columns, &[&payload]);
        assert_eq!(decoded.rows.num_rows() + decoded.rejects.len(), 1);
        let theirs = serde_json::from_slice::<Map<String, Value>>(&payload);
        assert_eq!(decoded.rejects.is_empty(), theirs.is_ok(), "seed {seed}: {} {theirs:?}", String::from_utf8_lossy(&payload));
    }
}
