//! Kept answers: exact, or as old as the asker allows, and computed once for many.

use super::world::{World, text};
use crate::Config;
use helios_contract::query::{Answer, Parameters, Query, QueryEngine, Reuse};
use serde_json::json;
use std::time::Duration;

const COUNT: &str = "SELECT count(*) FROM orders";

/// The answer, and whether it was kept from before.
async fn ask(world: &World, sql: &str, reuse: Reuse) -> (String, bool) {
    let (answer, rows) = world.run(Query { sql: sql.to_owned(), reuse, ..Query::default() }).await.unwrap();
    let Answer { age, snapshot, freshness, .. } = answer;
    if age.is_some() && sql.contains("orders") {
        assert!(snapshot.is_some() && freshness.is_some(), "a kept answer says what it read");
    }
    (text(&rows), age.is_some())
}

fn order(id: i64) -> serde_json::Value {
    json!({"id": id, "country": "FR", "ts": "2026-11-21T10:00:00Z", "price": 1.0})
}

#[tokio::test]
async fn an_answer_is_given_again_until_a_table_it_read_changes() {
    let world = World::orders();
    assert_eq!(ask(&world, COUNT, Reuse::Exact).await, ("3".to_owned(), false));
    assert_eq!(ask(&world, COUNT, Reuse::Exact).await, ("3".to_owned(), true));
    world.insert("orders", &[order(4)]);
    assert_eq!(ask(&world, COUNT, Reuse::Exact).await, ("4".to_owned(), false));
    world.compact("orders").await;
    assert_eq!(ask(&world, COUNT, Reuse::Exact).await, ("4".to_owned(), true), "the same rows in other files");
    assert_eq!(ask(&world, COUNT, Reuse::Never).await, ("4".to_owned(), false));
}

#[tokio::test]
async fn rows_that_retention_took_are_not_given_again() {
    let world = World::orders();
    ask(&world, COUNT, Reuse::Exact).await;
    world.expire("orders");
    assert_eq!(ask(&world, COUNT, Reuse::Exact).await, ("2".to_owned(), false));
}

#[tokio::test]
async fn what_depends_on_more_than_tables_is_computed_each_time() {
    let world = World::orders();
    for sql in [
        "SELECT now(), count(*) FROM orders",
        "SELECT random(), count(*) FROM orders",
        "SELECT count(*) FROM orders WHERE ts > (SELECT max(now()) FROM orders)",
        "SELECT count(*) FROM system.metrics",
        "SELECT count(*) FROM orders, information_schema.tables",
        "SELECT count(*) FROM orders VERSION AS OF 2",
        "EXPLAIN SELECT count(*) FROM orders",
        "SHOW STREAMS",
    ] {
        ask(&world, sql, Reuse::Exact).await;
        assert!(!ask(&world, sql, Reuse::Exact).await.1, "{sql} was given again");
    }
}

#[tokio::test]
async fn other_values_and_limits_are_another_question() {
    let world = World::orders();
    let of = |n: i64| world.text_with("SELECT count(*) FROM orders WHERE id <= $1", Parameters::Positional(vec![json!(n)]));
    assert_eq!((of(1).await.unwrap(), of(2).await.unwrap(), of(1).await.unwrap()), ("1".into(), "2".into(), "1".into()));
}

#[tokio::test(start_paused = true)]
async fn who_takes_an_older_answer_gets_one_no_older_than_said() {
    let world = World::orders();
    let second = Reuse::Within(Duration::from_secs(1));
    let sql = "SELECT count(*), now() > '2000-01-01' FROM orders";
    assert_eq!(ask(&world, sql, second).await, ("3|true".to_owned(), false));
    world.insert("orders", &[order(4)]);
    tokio::time::advance(Duration::from_millis(900)).await;
    assert_eq!(ask(&world, sql, second).await, ("3|true".to_owned(), true));
    tokio::time::advance(Duration::from_millis(200)).await;
    assert_eq!(ask(&world, sql, second).await, ("4|true".to_owned(), false));
}

#[tokio::test]
async fn of_many_who_take_an_older_answer_one_computes() {
    let world = World::orders();
    let query = Query { sql: COUNT.to_owned(), reuse: Reuse::Within(Duration::from_secs(60)), ..Query::default() };
    let asked = (0..50).map(|_| world.run(query.clone()));
    let answers = futures::future::try_join_all(asked).await.unwrap();
    assert_eq!(answers.iter().filter(|(answer, _)| answer.age.is_none()).count(), 1);
    assert!(answers.iter().all(|(_, rows)| text(rows) == "3"));
}

#[tokio::test]
async fn a_reader_that_leaves_lets_the_next_compute() {
    let world = World::orders();
    let query = Query { sql: COUNT.to_owned(), reuse: Reuse::Within(Duration::from_secs(60)), ..Query::default() };
    drop(world.engine.run(query.clone()).await.unwrap());
    assert_eq!(text(&world.run(query).await.unwrap().1), "3");
}

#[tokio::test]
async fn answers_that_do_not_fit_are_not_kept() {
    let long = "SELECT value FROM generate_series(1, 200000)";
    let world = World::orders();
    ask(&world, long, Reuse::Exact).await;
    assert!(!ask(&world, long, Reuse::Exact).await.1, "more than a megabyte");

    let narrow = World::with(Config { kept_bytes: 2_000, ..Config::default() });
    ask(&narrow, "SELECT 1", Reuse::Exact).await;
    for n in 2..100 {
        ask(&narrow, &format!("SELECT {n}"), Reuse::Exact).await;
    }
    assert!(!ask(&narrow, "SELECT 1", Reuse::Exact).await.1, "the oldest gave way");
    assert!(ask(&narrow, "SELECT 99", Reuse::Exact).await.1);
}
