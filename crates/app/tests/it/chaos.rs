//! A seeded fuzzer: random pushes, replays, faults, crashes, clock jumps, compaction and retention, checked against a model.
//!
//! The promise under test: a push that was acknowledged is in the table exactly once, a push retried with its key never
//! doubles, a replay however often repeated stores each record once, and an older version of the table never changes. A
//! failure prints the script that led to it.
//!
//! `HELIOS_CHAOS_SEEDS=100000 cargo test --test it chaos -- --nocapture` runs more than the hundred of `make test`;
//! `HELIOS_CHAOS_SEED=7` begins at another seed, and alone runs just that one.

mod quarantine;

use crate::world::World;
use std::collections::BTreeMap;
use std::fmt::Write;

const STREAM: &str = "events";
const STEPS: usize = 40;
const POINTS: [&str; 7] =
    ["lake.commit", "lake.committed", "lake.put", "lake.fsync", "lake.compact", "lake.disk_full", "ingest.decode"];

/// What must be true: ids by their state, and what older versions counted.
#[derive(Default)]
struct Model {
    /// Acknowledged good records, in total.
    stored: i64,
    /// Acknowledged bad records, in total.
    quarantined: i64,
    /// Those of them that are open, and those that were discarded.
    open: i64,
    discarded: i64,
    /// The count at a version, as it was seen then.
    versions: BTreeMap<i64, i64>,
    next_id: u64,
    next_key: u64,
}

#[test]
fn chaos() {
    let seeds = seeds();
    let n_seeds = seeds.end - seeds.start;
    let mut failures = Vec::new();
    for seed in seeds {
        let mut script = String::new();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut script)));
        if outcome.is_err() {
            failures.push(seed);
            println!("chaos: seed {seed} failed after this script:\n{script}");
        }
    }
    println!("chaos: {} of {n_seeds} seeds hold", n_seeds - failures.len() as u64);
    assert!(failures.is_empty(), "seeds {failures:?} failed; run one with HELIOS_CHAOS_SEED");
}

#[expect(clippy::disallowed_methods, reason = "a knob of the test, not of the product")]
fn seeds() -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match (number("HELIOS_CHAOS_SEED"), number("HELIOS_CHAOS_SEEDS")) {
        (Some(first), n_seeds) => first..first + n_seeds.unwrap_or(1),
        (None, n_seeds) => 0..n_seeds.unwrap_or(100),
    }
}

fn run(seed: u64, script: &mut String) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut world = World::new();
    let mut model = Model::default();
    world.sql(CREATE).unwrap();
    for _ in 0..STEPS {
        match rng.u32(0..100) {
            0..45 => push(&mut world, &mut model, &mut rng, script),
            45..60 => push_into_crash(&mut world, &mut model, &mut rng, script),
            60..72 => {
                let (point, times) = (POINTS[rng.usize(0..POINTS.len())], rng.u32(1..4));
                step(script, &format!("\\fail {point} {times}"));
                world.faults.arm(point, times);
            }
            72..80 => {
                step(script, "\\compact");
                compact(&mut world);
            }
            80..85 => {
                step(script, "\\crash");
                world.crash();
            }
            85..90 => {
                step(script, "\\stop");
                world.stop().unwrap();
            }
            90..92 => quarantine::discard(&mut world, &mut model, &mut rng, script),
            92..94 => quarantine::replay(&mut world, &mut model, &mut rng, script),
            94..96 => quarantine::replay_into_crash(&mut world, &mut model, &mut rng, script),
            96..98 => {
                let (forward, hours) = (rng.bool(), rng.u64(1..48));
                step(script, &format!("\\jump {}{hours}h", if forward { '+' } else { '-' }));
                world.clock.jump(forward, std::time::Duration::from_secs(hours * 3_600));
            }
            _ => look_back(&mut world, &model, script),
        }
        observe(&mut world, &mut model);
    }
    check(&mut world, &model);
}

const CREATE: &str = "CREATE STREAM events (id BIGINT NOT NULL, at TIMESTAMP FORMAT EPOCH_MS, pad TEXT) FROM HTTP \
                      FORMAT JSON EVENT TIME at PARTITION BY hour(at) ORDER BY (id)";

fn step(script: &mut String, line: &str) {
    writeln!(script, "statement ok\n{line}\n").expect("writing to a string cannot fail");
}

/// Some records, each either good or bad; now and then enough of them for a Parquet file of their own.
struct Batch {
    body: String,
    good: i64,
    bad: i64,
    key: String,
}

fn batch(model: &mut Model, rng: &mut fastrand::Rng) -> Batch {
    let n = if rng.u32(0..8) == 0 { rng.u32(2_000..4_000) } else { rng.u32(1..20) };
    let mut batch = Batch { body: String::new(), good: 0, bad: 0, key: format!("key-{}", model.next_key) };
    model.next_key += 1;
    for _ in 0..n {
        if rng.u32(0..20) == 0 {
            writeln!(batch.body, "{{\"id\":{},\"at\":\"not a time\"}}", model.next_id).expect("a string");
            model.next_id += 1;
            batch.bad += 1;
        } else {
            let at = 1_767_225_600_000_i64 + rng.i64(0..7_200_000);
            let pad = rng.u64(..);
            writeln!(batch.body, "{{\"id\":{},\"at\":{at},\"pad\":\"{pad:x}\"}}", model.next_id).expect("a string");
            model.next_id += 1;
            batch.good += 1;
        }
    }
    batch
}

/// Pushes until acknowledged, as a careful client does: the same body with the same key, a second after each refusal.
fn deliver(world: &mut World, model: &mut Model, batch: &Batch) {
    let mut last = None;
    for _ in 0..50 {
        let response = world.ingest(STREAM, &[("idempotency-key", &batch.key)], &batch.body).unwrap();
        if response.status == 200 {
            model.stored += batch.good;
            model.quarantined += batch.bad;
            model.open += batch.bad;
            return;
        }
        assert!(matches!(response.status, 429 | 503), "a good push was refused: {response:?}");
        last = Some(response);
        world.with(|_| async { tokio::time::sleep(std::time::Duration::from_secs(1)).await }).unwrap();
    }
    panic!("a push was never taken: {last:?}");
}

fn push(world: &mut World, model: &mut Model, rng: &mut fastrand::Rng, script: &mut String) {
    let batch = batch(model, rng);
    step(script, &format!("\\ingest {STREAM} idempotency-key:{}\n{}", batch.key, batch.body.trim_end()));
    deliver(world, model, &batch);
}

/// The server dies while it works on the push; the client, unanswered, tries again.
fn push_into_crash(world: &mut World, model: &mut Model, rng: &mut fastrand::Rng, script: &mut String) {
    let batch = batch(model, rng);
    let steps = rng.usize(0..60);
    writeln!(script, "# crash {steps} steps into this push, then again:").expect("a string");
    step(script, &format!("\\ingest {STREAM} idempotency-key:{}\n{}", batch.key, batch.body.trim_end()));
    let path = format!("/v1/streams/{STREAM}/records");
    world.crash_during(&path, &[("idempotency-key", &batch.key)], batch.body.clone().into(), steps).unwrap();
    deliver(world, model, &batch);
}

/// Compaction may fail where a fault is armed; that must change nothing.
fn compact(world: &mut World) {
    let lake = world.with(|server| std::future::ready(server.lake.clone())).unwrap();
    let outcome = world.with(|_| async move { lake.compact().await }).unwrap();
    if let Err(error) = outcome {
        assert_eq!(error.kind(), helios_contract::Kind::Unavailable, "{error}");
    }
}

/// Remembers what the newest version counts, and checks that it counts what the model says.
fn observe(world: &mut World, model: &mut Model) {
    let count = world.number("SELECT count(*) FROM events");
    assert_eq!(count, model.stored, "rows in the table");
    if count > 0 {
        let version = world.number("SELECT max(_commit) FROM events");
        model.versions.insert(version, count);
    }
}

/// An older version still counts what it counted.
fn look_back(world: &mut World, model: &Model, script: &mut String) {
    for (version, count) in model.versions.iter().rev().step_by(3).take(3) {
        step(script, &format!("SELECT count(*) FROM events VERSION AS OF {version}"));
        let seen = world.number(&format!("SELECT count(*) FROM events VERSION AS OF {version}"));
        assert_eq!(seen, *count, "rows at version {version}");
        let counted = world.number(&format!("SELECT count(_partition) FROM events VERSION AS OF {version}"));
        assert_eq!(counted, *count, "rows at version {version}, by the value counts of files");
    }
}

fn check(world: &mut World, model: &Model) {
    assert_eq!(world.number("SELECT count(*) FROM events"), model.stored, "rows");
    assert_eq!(world.number("SELECT count(_partition) FROM events"), model.stored, "rows, by the value counts of files");
    assert_eq!(world.number("SELECT count(DISTINCT id) FROM events"), model.stored, "distinct ids");
    assert_eq!(world.number("SELECT count(*) FROM system.quarantine"), model.quarantined, "records that were ever in quarantine");
    quarantine::check(world, model);
    world.verify().unwrap();
    world.crash();
    assert_eq!(world.number("SELECT count(*) FROM events"), model.stored, "rows after one more crash");
    world.verify().unwrap();
}
