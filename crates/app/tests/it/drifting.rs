//! A seeded fuzzer of schemas that drift: fields appear, vanish, widen, nest and change their kind, while the stream's policy,
//! columns and process change with them.
//!
//! The promise under test: whatever was sent can be read again, from a column, from `_rest`, or from quarantine.

use crate::world::World;
use arrow::json::ArrayWriter;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

const SEEDS: u64 = 60;
const STEPS: usize = 30;
const FIELDS: [&str; 5] = ["a", "b", "c", "d", "n"];
const POLICIES: [&str; 4] = ["WIDEN", "WIDEN TO TEXT", "QUARANTINE", "SIDECAR"];

#[test]
fn whatever_was_sent_can_be_read_again() {
    let first = seed().unwrap_or(0);
    let last = seed().map_or(SEEDS, |seed| seed + 1);
    let mut failures = Vec::new();
    for seed in first..last {
        let mut script = String::new();
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut script))).is_err() {
            failures.push(seed);
            println!("drifting: seed {seed} failed after this script:\n{script}");
        }
    }
    assert!(failures.is_empty(), "seeds {failures:?} failed; run one with HELIOS_CHAOS_SEED");
}

#[expect(clippy::disallowed_methods, reason = "a knob of the test, not of the product")]
fn seed() -> Option<u64> {
    std::env::var("HELIOS_CHAOS_SEED").ok().and_then(|text| text.parse().ok())
}

fn run(seed: u64, script: &mut String) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut world = World::new();
    let mut sent: BTreeMap<i64, Map<String, Value>> = BTreeMap::new();
    let policy = POLICIES[rng.usize(0..4)];
    statement(&mut world, script, &format!("CREATE STREAM t (id BIGINT, a INT, b TEXT) FROM HTTP ON TYPE CHANGE {policy}"));
    for _ in 0..STEPS {
        match rng.u32(0..20) {
            0..11 => push(&mut world, &mut rng, &mut sent, script),
            11..15 => promote(&mut world, &mut rng, script),
            15..17 => {
                let policy = POLICIES[rng.usize(0..4)];
                statement(&mut world, script, &format!("ALTER STREAM t SET ON TYPE CHANGE {policy}"));
            }
            17 => {
                writeln!(script, "statement ok\n\\compact\n").unwrap();
                let lake = world.with(|server| std::future::ready(server.lake.clone())).unwrap();
                world.with(|_| async move { lake.compact().await }).unwrap().unwrap();
            }
            18 => {
                writeln!(script, "statement ok\n\\crash\n").unwrap();
                world.crash();
            }
            _ => {
                writeln!(script, "statement ok\n\\stop\n").unwrap();
                world.stop().unwrap();
            }
        }
    }
    check(&mut world, &sent);
    world.verify().unwrap();
}

fn statement(world: &mut World, script: &mut String, sql: &str) {
    writeln!(script, "statement ok\n{sql}\n").unwrap();
    world.sql(sql).unwrap();
}

/// A field without a column becomes one, by the type that was proposed.
fn promote(world: &mut World, rng: &mut fastrand::Rng, script: &mut String) {
    let seen = rows(world, "SELECT path FROM system.schema_events WHERE kind = 'new_field' ORDER BY path");
    if seen.is_empty() {
        return;
    }
    let path = seen[rng.usize(0..seen.len())]["path"].as_str().unwrap().to_owned();
    statement(world, script, &format!("ALTER STREAM t PROMOTE {path} AS {}", path.replace('.', "_")));
}

fn push(world: &mut World, rng: &mut fastrand::Rng, sent: &mut BTreeMap<i64, Map<String, Value>>, script: &mut String) {
    let mut body = String::new();
    for _ in 0..rng.u32(1..30) {
        let id = sent.len() as i64 + 1;
        let mut record = Map::from_iter([("id".to_owned(), json!(id))]);
        for field in FIELDS {
            if rng.u32(0..3) > 0 {
                record.insert(field.to_owned(), value(rng, field));
            }
        }
        writeln!(body, "{}", Value::from(record.clone())).unwrap();
        sent.insert(id, record);
    }
    writeln!(script, "statement ok\n\\ingest t\n{body}").unwrap();
    let response = world.ingest("t", &[], &body).unwrap();
    assert_eq!(response.status, 200, "{response:?}");
}

fn value(rng: &mut fastrand::Rng, field: &str) -> Value {
    match rng.u32(0..20) {
        0..9 => json!(rng.i32(-100..100)),
        9..11 => json!(i64::from(rng.i32(..)) * 1_000_000_007),
        11..13 => json!(f64::from(rng.i32(-1000..1000)) / 8.0),
        13..16 => json!(format!("text {}", rng.u8(..))),
        16 => json!(rng.bool()),
        17 => json!([rng.u8(..), rng.u8(..)]),
        _ if field == "n" => json!({"x": rng.i32(0..100), "y": {"z": format!("deep {}", rng.u8(..))}}),
        _ => Value::Null,
    }
}

fn rows(world: &mut World, sql: &str) -> Vec<Map<String, Value>> {
    let batches = world.sql(sql).unwrap();
    let mut writer = ArrayWriter::new(Vec::new());
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    let text = writer.into_inner();
    if text.is_empty() { Vec::new() } else { serde_json::from_slice(&text).unwrap() }
}

fn check(world: &mut World, sent: &BTreeMap<i64, Map<String, Value>>) {
    let held = rows(world, "SELECT CAST(payload AS TEXT) AS payload FROM system.quarantine");
    let mut left: BTreeMap<i64, &Map<String, Value>> = sent.iter().map(|(id, record)| (*id, record)).collect();
    for record in &held {
        let payload: Map<String, Value> = serde_json::from_str(record["payload"].as_str().unwrap()).unwrap();
        let id = payload["id"].as_i64().unwrap();
        assert_eq!(left.remove(&id), Some(&payload), "record {id} in quarantine");
    }
    for row in rows(world, "SELECT *, _rest FROM t") {
        let id = row["id"].as_i64().unwrap();
        let record = left.remove(&id).unwrap_or_else(|| panic!("row {id} was not sent, or is there twice"));
        let rest: Value = row.get("_rest").map_or(Value::Null, |rest| serde_json::from_str(rest.as_str().unwrap()).unwrap());
        for (field, value) in record {
            find(&row, &rest, field, value);
        }
    }
    assert!(left.is_empty(), "records {:?} are nowhere", left.keys());
}

/// The value stands in a column, in `_rest`, or, where it is an object, in both together.
fn find(row: &Map<String, Value>, rest: &Value, path: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    let column = row.get(&path.replace('.', "_"));
    // What was set aside stands under its whole path.
    let kept = path.split('.').try_fold(rest, |place, step| place.get(step)).or_else(|| rest.get(path));
    // A column of JSON holds the value's JSON text; one of DOUBLE the nearest double.
    let json = value.to_string();
    let is_same_double = |text: &str| value.is_number() && text.parse::<f64>().ok() == value.as_f64();
    let is_it = |found: &Value| {
        let text = plain(found);
        text == plain(value) || text == json || is_same_double(&text)
    };
    if [column, kept].into_iter().flatten().any(is_it) {
        return;
    }
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| find(row, rest, &format!("{path}.{name}"), value)),
        _ => panic!("{path} = {value} is not in {row:?}"),
    }
}

/// A value as text: a number is the same whether it is kept as an integer, a decimal, or text.
fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.contains('.') && text.parse::<f64>().is_ok() && !text.contains(['e', 'E']) {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
