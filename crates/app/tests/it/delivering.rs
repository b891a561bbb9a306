//! A thousand crashes and lost answers around the insert: every row is in the remote table, once.
//!
//! Inserts are lost on the way, or taken and not answered, or refused for a while; Helios fails between its own steps, is
//! stopped, or dies; the lake compacts, so that a block is read again from elsewhere; and the server forgets the blocks it
//! took, so that its own memory is no excuse. Every other seed delivers to a cluster of two hosts that come and go, and that
//! fetch each other's rows late. `HELIOS_CHAOS_SEED=7` runs one seed.

use crate::clickhouse::{ClickHouse, Fate};
use crate::world::World;
use std::fmt::Write;
use std::time::Duration;

const TABLE: &str = "analytics.events";
const STEPS: usize = 40;
const N_SEEDS: u64 = 120;
const POINTS: [&str; 5] = ["sink.send", "sink.sent", "sink.advance", "lake.disk_full", "lake.compact"];

const CREATE_STREAM: &str = "CREATE STREAM events (id BIGINT NOT NULL, at TIMESTAMP FORMAT EPOCH_MS, pad TEXT) FROM HTTP \
     FORMAT JSON EVENT TIME at PARTITION BY hour(at) ORDER BY (id)";
const CREATE_SINK: &str = "CREATE SINK events_ch FROM events INTO ch.events";
const ONE_HOST: &str = "CREATE CLUSTER ch FROM CLICKHOUSE (url = 'http://clickhouse:8123', database = 'analytics')";
const TWO_HOSTS: &str =
    "CREATE CLUSTER ch FROM CLICKHOUSE (url = 'http://a:8123, http://b:8123', database = 'analytics', cluster = 'both')";
const HOSTS: [&str; 2] = ["http://a:8123", "http://b:8123"];

#[test]
fn nothing_is_lost_and_nothing_is_doubled() {
    let (mut n_faults, mut failed) = (0, Vec::new());
    for seed in seeds() {
        let mut script = String::new();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut script)));
        match outcome {
            Ok(n) => n_faults += n,
            Err(_) => {
                println!("delivering: seed {seed} failed after this script:\n{script}");
                failed.push(seed);
            }
        }
    }
    println!("delivering: {n_faults} crashes and lost answers");
    assert!(failed.is_empty(), "seeds {failed:?} failed; run one with HELIOS_CHAOS_SEED");
    assert!(n_faults >= 1_000 || seeds().end - seeds().start < N_SEEDS, "only {n_faults} crashes and lost answers");
}

#[expect(clippy::disallowed_methods, reason = "a knob of the test, not of the product")]
fn seeds() -> std::ops::Range<u64> {
    match std::env::var("HELIOS_CHAOS_SEED").ok().and_then(|text| text.parse::<u64>().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..N_SEEDS,
    }
}

/// Answers how many crashes there were, and inserts without a good answer.
fn run(seed: u64, script: &mut String) -> u64 {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut world = World::new();
    let server = world.clickhouse.clone();
    let has_hosts = seed % 2 == 1;
    for sql in [CREATE_STREAM, if has_hosts { TWO_HOSTS } else { ONE_HOST }, CREATE_SINK] {
        world.sql(sql).unwrap();
    }
    server.lagging(has_hosts);
    let (mut n_rows, mut n_crashes) = (0, 0);
    for _ in 0..STEPS {
        if has_hosts && rng.u32(0..4) == 0 {
            let (host, is_away) = (HOSTS[rng.usize(0..2)], rng.bool());
            writeln!(script, "\\clickhouse {} {host}", if is_away { "away" } else { "back" }).unwrap();
            server.host_away(host, is_away);
        }
        match rng.u32(0..100) {
            0..40 => push(&mut world, &mut rng, &mut n_rows, script),
            40..60 => {
                let fates: Vec<Fate> = (0..rng.usize(1..4)).map(|_| fate(&mut rng)).collect();
                writeln!(script, "fates {fates:?}").unwrap();
                server.fates(fates);
            }
            60..75 => {
                let point = POINTS[rng.usize(0..POINTS.len())];
                writeln!(script, "\\fail {point} 1").unwrap();
                world.faults.arm(point, 1);
            }
            75..85 => {
                writeln!(script, "\\crash").unwrap();
                die(&mut world, &mut rng);
                n_crashes += 1;
            }
            85..90 => {
                writeln!(script, "\\stop").unwrap();
                world.stop().unwrap();
            }
            90..95 => {
                writeln!(script, "\\compact").unwrap();
                let lake = world.with(|server| std::future::ready(server.lake.clone())).unwrap();
                // A fault that is armed makes it fail; that must change nothing.
                drop(world.with(|_| async move { lake.compact().await }).unwrap());
            }
            _ => {
                writeln!(script, "the server forgets").unwrap();
                server.forget_tokens();
            }
        }
        let pause = rng.u64(0..1_500);
        writeln!(script, "\\advance {pause}ms").unwrap();
        wait(&mut world, Duration::from_millis(pause));
    }
    check(&mut world, &server, n_rows);
    n_crashes + server.n_unanswered()
}

fn wait(world: &mut World, time: Duration) {
    world.with(|_| async move { tokio::time::sleep(time).await }).unwrap();
}

/// Now and then an answer after all.
fn fate(rng: &mut fastrand::Rng) -> Fate {
    [Fate::Lost, Fate::Unanswered, Fate::Unanswered, Fate::Busy, Fate::Answered][rng.usize(0..5)]
}

fn push(world: &mut World, rng: &mut fastrand::Rng, n_rows: &mut i64, script: &mut String) {
    let n = rng.i64(1..40);
    let mut body = String::new();
    for id in *n_rows..*n_rows + n {
        // Over three hours, some without a time.
        let at = 1_767_225_600_000_i64 + rng.i64(0..3 * 3_600_000);
        match rng.u32(0..10) {
            0 => writeln!(body, "{{\"id\":{id}}}").unwrap(),
            _ => writeln!(body, "{{\"id\":{id},\"at\":{at},\"pad\":\"{}\"}}", rng.u64(..)).unwrap(),
        }
    }
    writeln!(script, "push {n} rows").unwrap();
    let key = format!("key-{n_rows}");
    for _ in 0..20 {
        let response = world.ingest("events", &[("idempotency-key", &key)], &body).unwrap();
        if response.status == 200 {
            *n_rows += n;
            return;
        }
        wait(world, Duration::from_secs(1));
    }
    panic!("a push was never taken");
}

/// Dies in the middle of whatever it does.
fn die(world: &mut World, rng: &mut fastrand::Rng) {
    let n_steps = rng.usize(0..80);
    world
        .with(|_| async move {
            tokio::time::sleep(Duration::from_millis(990)).await;
            for _ in 0..n_steps {
                tokio::task::yield_now().await;
            }
        })
        .unwrap();
    world.crash();
}

/// Once nothing fails any more, every row arrives.
fn check(world: &mut World, server: &ClickHouse, n_rows: i64) {
    server.fates([]);
    for host in HOSTS {
        server.host_away(host, false);
    }
    for point in POINTS {
        world.faults.arm(point, 0);
    }
    let expected: Vec<i64> = (0..n_rows).collect();
    for _ in 0..60 {
        if server.numbers(TABLE, "id").len() >= expected.len() {
            break;
        }
        wait(world, Duration::from_secs(1));
    }
    // A while longer, for whatever would come twice.
    wait(world, Duration::from_secs(30));
    assert_eq!(server.numbers(TABLE, "id"), expected, "rows in the cluster");
    let commits = server.numbers(TABLE, "_commit");
    assert_eq!(commits.last().copied().unwrap_or(0), world.number("SELECT coalesce(max(_commit), 0) FROM events"));
}
