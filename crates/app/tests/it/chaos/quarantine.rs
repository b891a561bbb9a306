//! The fuzzer's steps in quarantine: records are discarded and replayed, also into a crash.

use super::{Model, step};
use crate::world::World;
use std::fmt::Write;
use std::time::Duration;

const FIX: &str = "WITH SET at = NULL";

/// Half of the open records, or all of them.
fn some(rng: &mut fastrand::Rng) -> String {
    if rng.bool() { format!("WHERE id % 2 = {}", rng.u8(0..2)) } else { "WHERE true".to_owned() }
}

fn n_open(world: &mut World, which: &str) -> i64 {
    world.number(&format!("SELECT count(*) FROM system.quarantine {which} AND state = 'open'"))
}

/// Runs a statement until it is carried out, a second after each refusal.
fn insist(world: &mut World, sql: &str) {
    let mut last = None;
    for _ in 0..50 {
        match world.sql(sql) {
            Ok(_) => return,
            Err(error) => last = Some(error),
        }
        world.with(|_| async { tokio::time::sleep(Duration::from_secs(1)).await }).unwrap();
    }
    panic!("{sql} was never carried out: {last:?}");
}

pub(super) fn discard(world: &mut World, model: &mut Model, rng: &mut fastrand::Rng, script: &mut String) {
    let which = some(rng);
    let sql = format!("DISCARD QUARANTINE events {which} REASON 'chaos'");
    step(script, &sql);
    let n = n_open(world, &which);
    insist(world, &sql);
    model.open -= n;
    model.discarded += n;
}

pub(super) fn replay(world: &mut World, model: &mut Model, rng: &mut fastrand::Rng, script: &mut String) {
    let which = some(rng);
    let sql = format!("REPLAY QUARANTINE events {which} {FIX}");
    step(script, &sql);
    let n = n_open(world, &which);
    insist(world, &sql);
    model.open -= n;
    model.stored += n;
}

/// The server dies while it replays; whoever asked asks again.
pub(super) fn replay_into_crash(world: &mut World, model: &mut Model, rng: &mut fastrand::Rng, script: &mut String) {
    let which = some(rng);
    let sql = format!("REPLAY QUARANTINE events {which} {FIX}");
    let steps = rng.usize(0..200);
    writeln!(script, "# crash {steps} steps into this replay, then again:").expect("a string");
    step(script, &sql);
    let n = n_open(world, &which);
    let body = serde_json::json!({ "sql": sql }).to_string();
    world.crash_during("/api/v1/query", &[("content-type", "application/json")], body.into(), steps).unwrap();
    insist(world, &sql);
    model.open -= n;
    model.stored += n;
}

/// Each record is in the state that the model says.
pub(super) fn check(world: &mut World, model: &Model) {
    for (state, expected) in [("open", model.open), ("discarded", model.discarded)] {
        let found = world.number(&format!("SELECT count(*) FROM system.quarantine WHERE state = '{state}'"));
        assert_eq!(found, expected, "{state} records");
        let counted = world.number(&format!("SELECT coalesce(sum(n_{state}), 0) FROM system.quarantine_classes"));
        assert_eq!(counted, expected, "{state} records by class");
    }
    let held = world.number("SELECT coalesce(sum(quarantined), 0) FROM system.ledger");
    assert_eq!(held, model.open + model.discarded, "records in quarantine by the ledger");
}
