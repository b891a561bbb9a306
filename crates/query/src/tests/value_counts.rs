//! What files say of their values is taken for their rows, where nothing else of the rows matters.

use super::world::World;
use helios_contract::console::Console;
use helios_contract::query::Query;
use serde_json::json;

/// `orders` in one file that says other things than its rows do: 100 from NL, 20 from DE, 3 from nowhere.
async fn world() -> World {
    let world = World::orders();
    let countries = json!([["NL", 100], ["DE", 20], [null, 3]]);
    // The third column is a time, which cannot be a text.
    world.compact_counting("orders", &[(2, countries), (3, json!([["x", 9]]))]).await;
    world
}

#[tokio::test]
async fn counts_by_one_column_come_from_what_files_know() {
    let world = world().await;
    let by_country = "SELECT country, count(*) FROM orders GROUP BY country ORDER BY country";
    assert_eq!(world.text(by_country).await, "DE|20\nNL|100\nNULL|3");
    assert_eq!(world.text("SELECT count(*) FROM orders WHERE country <> 'NL'").await, "20");
    assert_eq!(world.text("SELECT count(*), count(o.country) FROM orders AS o WHERE o.country IS NULL").await, "3|0");
    assert_eq!(world.text("SELECT count(*) AS n FROM orders WHERE country = 'FR'").await, "0");
    assert_eq!(world.text("SELECT count(*) FILTER (WHERE country = 'NL'), max(country) FROM orders").await, "100|NL");
    let lower = "SELECT c, count(*) FROM (SELECT lower(country) AS c FROM orders) AS o WHERE c LIKE '%l' GROUP BY c";
    assert_eq!(world.text(lower).await, "nl|100");
    assert_eq!(world.text("SELECT DISTINCT country FROM orders WHERE country IS NOT NULL ORDER BY 1").await, "DE\nNL");
    // Rows that are not in a file count for themselves.
    world.insert("orders", &[json!({"id": 4, "country": "NL"}), json!({"id": 5, "country": "FR"})]);
    assert_eq!(world.text(by_country).await, "DE|20\nFR|1\nNL|101\nNULL|3");
}

#[tokio::test]
async fn sums_and_means_are_of_values_and_how_often_they_occur() {
    let world = World::new();
    world.stream("CREATE STREAM ratings (stars INT, n BIGINT, price DOUBLE) FROM HTTP");
    world.insert("ratings", &[json!({"stars": 1, "n": 1, "price": 2.5})]);
    let stars = json!([[5, 10], [1, 10], [null, 5]]);
    world.compact_counting("ratings", &[(1, stars), (2, json!([[7, 25]]))]).await;
    assert_eq!(world.text("SELECT sum(stars), avg(stars), count(stars), max(stars) FROM ratings").await, "60|3.0|20|5");
    assert_eq!(world.text("SELECT sum(n), avg(n) FROM ratings WHERE n > 7").await, "NULL|NULL");
    assert_eq!(world.text("SELECT sum(stars * 2) FILTER (WHERE stars > 1), sum(n * 0.5) FROM ratings").await, "100|87.5");
    // Aggregates of several columns are taken apart; what cannot be counted is read.
    let several = "SELECT avg(stars) AS a, sum(n), count(*), sum(price), sum(price * n), min(stars) FROM ratings";
    assert_eq!(world.text(several).await, "3.0|175|1|2.5|2.5|1");
    // New rows count once in each.
    world.insert("ratings", &[json!({"stars": 3, "n": 1, "price": 0.5})]);
    assert_eq!(world.text("SELECT sum(stars), sum(n), sum(price) FROM ratings").await, "63|176|3.0");
}

#[tokio::test]
async fn what_depends_on_more_than_values_reads_rows() {
    let world = world().await;
    for (sql, answer) in [
        ("SELECT count(*) FROM orders", "3"),
        ("SELECT count(*) FROM orders WHERE country = 'NL' AND price > 10", "1"),
        ("SELECT country, sum(price) FROM orders GROUP BY country ORDER BY 1", "DE|20.0\nNL|40.0"),
        ("SELECT country, count(*), avg(price) FROM orders GROUP BY country ORDER BY 1", "DE|1|20.0\nNL|2|20.0"),
        ("SELECT count(*) FROM orders WHERE country = 'NL' OR random() < 0", "2"),
        ("SELECT count(DISTINCT country) FROM orders WHERE id > 0", "2"),
        ("SELECT count(*) FROM (SELECT country FROM orders LIMIT 2) AS o WHERE country IS NOT NULL", "2"),
        ("SELECT count(ts) FROM orders", "3"),
        ("SELECT count(*) FROM orders VERSION AS OF 2 WHERE country = 'NL'", "1"),
    ] {
        assert_eq!(world.text(sql).await, answer, "{sql}");
    }
}

#[tokio::test]
async fn an_explanation_says_that_no_file_is_opened() {
    let world = world().await;
    let query = Query { sql: "SELECT country, count(*) FROM orders GROUP BY 1".to_owned(), ..Query::default() };
    let explained = world.engine.explain(query, false).await.unwrap();
    assert_eq!((explained.n_files, explained.n_rows), (0, Some(3)));
    let found = &explained.findings[0];
    assert_eq!(found, "0 of 1 files are opened (0 bytes); the others know how often they hold each value.");
    let read = explained.operators.iter().find(|operator| operator.name == "read").unwrap();
    assert_eq!(read.detail, "3 values that files have counted: country");
}
