//! Time travel, and snapshots that stay.

use super::world::World;
use futures::TryStreamExt;
use helios_contract::error::Kind;
use helios_contract::query::{Query, QueryEngine};
use serde_json::json;

#[tokio::test]
async fn a_version_shows_what_was_there() {
    let world = World::orders();
    for _ in 0..2 {
        let cases = [
            ("SELECT id FROM orders VERSION AS OF 1", "1"),
            ("SELECT count(*) FROM orders VERSION AS OF 2", "2"),
            ("SELECT count(*) FROM orders VERSION AS OF 3 AS o WHERE o.country = 'NL'", "2"),
            ("SELECT id FROM orders VERSION AS OF 2 WHERE orders.id > 1", "2"),
            ("SELECT count(*) FROM orders TIMESTAMP AS OF '2026-11-21 08:02:30'", "2"),
            ("SELECT count(*) FROM orders TIMESTAMP AS OF '2026-11-21T09:02:30+01:00' o", "2"),
            ("SELECT count(*) FROM orders TIMESTAMP AS OF now() - INTERVAL '119 minutes'", "1"),
            ("SELECT count(*) FROM orders FOR SYSTEM_TIME AS OF TIMESTAMP '2026-11-21 09:00:00'", "3"),
            ("SELECT count(*) FROM orders TIMESTAMP AS OF '2020-01-01'", "0"),
            ("SELECT n.id FROM orders n LEFT JOIN orders VERSION AS OF 2 o ON n.id = o.id WHERE o.id IS NULL", "3"),
            ("SELECT max(_commit) FROM orders VERSION AS OF 2", "2"),
            ("SELECT * FROM orders VERSION AS OF 1 WHERE _commit = 1", "1|NL|2026-11-21T08:00:00Z|10.0"),
            (
                "SELECT (SELECT count(*) FROM orders VERSION AS OF 1) AS a, (SELECT count(*) FROM orders VERSION AS OF 2) AS b",
                "1|2",
            ),
            ("WITH o AS (SELECT * FROM orders VERSION AS OF 1) SELECT count(*) FROM o", "1"),
        ];
        for (sql, expected) in cases {
            assert_eq!(world.text(sql).await, expected, "{sql}");
        }
        // The same again over one file that holds rows of all three commits.
        if world.tables_in_memory("orders") {
            world.compact("orders").await;
        }
    }
}

#[tokio::test]
async fn versions_that_make_no_sense() {
    let world = World::orders();
    for (sql, message) in [
        ("SELECT 1 FROM orders VERSION AS OF 99", "version 99 does not exist yet"),
        ("SELECT 1 FROM orders TIMESTAMP AS OF 'soon'", "soon"),
        ("SELECT 1 FROM orders TIMESTAMP AS OF NULL", "NULL is not a moment"),
        ("SELECT 1 FROM system.queries VERSION AS OF 1", "system.queries has no versions"),
        ("WITH o AS (SELECT 1) SELECT 1 FROM o VERSION AS OF 1", "o has no versions"),
    ] {
        let error = world.complaint(sql).await;
        assert!(error.message().contains(message), "{sql}: {error}");
        assert_eq!(error.kind(), Kind::Invalid);
        assert!(error.position().is_some(), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_stream_dropped_while_it_is_read_is_read_to_the_end() {
    let world = World::orders();
    world.compact("orders").await;
    world.insert("orders", &[json!({"id": 4})]);
    let answer = world.engine.run(Query { sql: "SELECT id FROM orders".into(), ..Query::default() }).await.unwrap();
    world.query("DROP STREAM orders").await.unwrap();
    let rows: Vec<_> = answer.rows.try_collect().await.unwrap();
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 4);
    assert_eq!(world.complaint("SELECT id FROM orders").await.kind(), Kind::NotFound);
}
