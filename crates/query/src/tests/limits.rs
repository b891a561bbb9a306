//! What a query may not do: take too long, too much, too many; and that it stops when told.

use super::world::World;
use crate::Config;
use futures::{StreamExt, TryStreamExt};
use helios_contract::error::Kind;
use helios_contract::query::{Limits, Query, QueryEngine};
use std::time::Duration;

fn ask(sql: &str, limits: Limits) -> Query {
    Query { sql: sql.to_owned(), limits, id: "q".into(), ..Query::default() }
}

async fn states(world: &World) -> String {
    world.text("SELECT id, state, n_rows, error_kind FROM system.queries WHERE id = 'q' ORDER BY error_kind").await
}

#[tokio::test(start_paused = true)]
async fn time_runs_out() {
    let world = World::new();
    let limits = Limits { time: Some(Duration::from_secs(2)), ..Limits::default() };
    let error = world.run(ask("SELECT count(*) FROM system.stuck", limits)).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Exhausted);
    assert_eq!(error.message(), "the query took longer than 2 s");
    assert_eq!(states(&world).await, "q|failed|0|exhausted");
}

#[tokio::test]
async fn a_busy_query_stops_in_time() {
    let world = World::new();
    let limits = Limits { time: Some(Duration::from_millis(100)), ..Limits::default() };
    let sql =
        "SELECT count(*) FROM generate_series(1, 1000000000) a, generate_series(1, 1000) b WHERE (a.value * b.value) % 7 = 9";
    assert_eq!(world.run(ask(sql, limits)).await.err().unwrap().kind(), Kind::Exhausted);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_reader_does_not_hold_the_query() {
    let world = World::new();
    let limits = Limits { time: Some(Duration::from_secs(2)), ..Limits::default() };
    let answer = world.engine.run(ask("SELECT value FROM generate_series(1, 900000)", limits)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(states(&world).await.starts_with("q|failed|"));
    let error = answer.rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Exhausted);
}

#[tokio::test]
async fn rows_beyond_the_limit_end_in_an_error() {
    let world = World::new();
    let limits = |n_rows| Limits { n_rows: Some(n_rows), ..Limits::default() };
    let answer = world.engine.run(ask("SELECT value FROM generate_series(1, 20000)", limits(10_000))).await.unwrap();
    let items: Vec<_> = answer.rows.collect().await;
    let n_rows: usize = items.iter().flatten().map(|batch| batch.num_rows()).sum();
    assert_eq!(n_rows, 10_000);
    let error = items.into_iter().last().unwrap().unwrap_err();
    assert_eq!(error.message(), "the answer has more than 10000 rows");
    assert_eq!(states(&world).await, "q|failed|10000|exhausted");
    assert!(world.run(ask("SELECT value FROM generate_series(1, 20000)", limits(20_000))).await.is_ok());
}

#[tokio::test]
async fn memory_runs_out_only_where_nothing_can_be_spilled() {
    let world = World::new();
    let limits = Limits { memory_bytes: Some(4 << 20), ..Limits::default() };
    let sort = "SELECT max(v) FROM (SELECT value AS v, row_number() OVER (ORDER BY value % 1000, value) FROM generate_series(1, 400000))";
    let (_, rows) = world.run(ask(sort, limits)).await.unwrap();
    assert_eq!(super::world::text(&rows), "400000");
    let join = "SELECT count(*) FROM generate_series(1, 900000) a JOIN generate_series(1, 900000) b ON a.value = b.value + 1";
    let error = world.run(ask(join, limits)).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Exhausted, "{error}");
    assert_eq!(error.message(), "the query needs more memory than it may use");
    assert!(world.run(ask(join, Limits::default())).await.is_ok(), "what others used is free again");
}

#[tokio::test]
async fn all_queries_together_have_a_limit() {
    let world = World::with(Config { memory_bytes_total: 4 << 20, ..Config::default() });
    let join = "SELECT count(*) FROM generate_series(1, 900000) a JOIN generate_series(1, 900000) b ON a.value = b.value + 1";
    assert_eq!(world.run(ask(join, Limits::default())).await.err().unwrap().kind(), Kind::Exhausted);
}

#[tokio::test]
async fn cancelling_and_dropping_stop_a_query() {
    let world = World::new();
    let answer = world.engine.run(ask("SELECT count(*) FROM system.stuck", Limits::default())).await.unwrap();
    let twice = world.engine.run(ask("SELECT 1", Limits::default())).await.err().unwrap();
    assert_eq!(twice.message(), "a query with the id q is running");
    assert!(world.engine.cancel("q"));
    let error = answer.rows.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.message(), "query q was cancelled");
    assert!(!world.engine.cancel("q"));
    assert_eq!(states(&world).await, "q|cancelled|0|conflict");

    drop(world.engine.run(ask("SELECT count(*) FROM system.stuck", Limits::default())).await.unwrap());
    while states(&world).await.contains("running") {
        tokio::task::yield_now().await;
    }
    assert_eq!(states(&world).await, "q|cancelled|0|conflict\nq|cancelled|0|NULL");
}

#[tokio::test(start_paused = true)]
async fn queries_wait_for_their_turn_but_not_for_ever() {
    let world = World::with(Config { n_queries: 1, ..Config::default() });
    let running = world.engine.run(ask("SELECT count(*) FROM system.stuck", Limits::default())).await.unwrap();
    let error = world.query("SELECT 1").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Exhausted);
    assert_eq!(error.message(), "1 queries are running and none ended in time");
    assert!(world.query("SHOW STREAMS").await.is_ok(), "statements that are no queries need no turn");
    drop(running);
    assert_eq!(world.text("SELECT 1").await, "1");
}

#[tokio::test]
async fn planning_is_quick() {
    let world = World::orders();
    world.tail_of("orders", 2_000);
    world.files_of("orders", 10_000);
    let time = async |sql: &str| {
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let begin = tokio::time::Instant::now();
            world.query(sql).await.unwrap();
            best = best.min(begin.elapsed());
        }
        eprintln!("{best:?}: {sql}");
        best
    };
    // Bounds far above what is measured on an idle machine (0.4 ms, 7 ms, 18 ms): they catch a change of kind.
    assert!(time("SELECT 1").await < Duration::from_millis(50));
    assert!(
        time("SELECT country, count(*) FROM orders WHERE ts > '2026-11-21' AND ts < '2026-11-22' GROUP BY country").await
            < Duration::from_secs(1)
    );
    assert!(time("SELECT count(*) FROM orders").await < Duration::from_secs(2));
}

/// Two hundred billion pairs of rows, half of which fit.
const HEAVY: &str = "SELECT count(*) FROM generate_series(1, 900000) a, generate_series(1, 250000) b WHERE a.value > b.value";

#[tokio::test]
async fn a_heavy_join_leaves_the_thread_to_others_and_can_be_cancelled() {
    let world = World::new();
    let heavy = tokio::spawn(world.engine.run(ask(HEAVY, Limits::default())).await.unwrap().rows.try_collect::<Vec<_>>());
    for _ in 0..3 {
        assert_eq!(world.text("SELECT 1").await, "1");
        assert_eq!(states(&world).await, "q|running|0|NULL");
    }
    assert!(world.engine.cancel("q"));
    assert!(heavy.await.unwrap().is_err());
    assert_eq!(states(&world).await, "q|cancelled|0|conflict");
}
