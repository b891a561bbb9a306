//! Statements that are not queries, and the tables about the engine itself.

use super::world::{World, text};
use helios_contract::query::{Query, QueryEngine};

#[tokio::test]
async fn streams_are_created_shown_and_dropped() {
    let world = World::new();
    let sql = "CREATE STREAM clicks (id INT, at TIMESTAMP FORMAT EPOCH_MS) FROM KAFKA (topic = 'c', sasl_password = SECRET 'k')";
    assert_eq!(world.text(sql).await, "id|INT\nat|TIMESTAMP FORMAT EPOCH_MS");
    assert_eq!(
        world.columns("SHOW STREAMS").await,
        "stream source state since cause message hint n_received last_commit last_commit_at lag"
    );
    assert_eq!(world.text("SHOW STREAMS").await, "clicks|KAFKA|running|2026-11-21T10:00:00Z|NULL|NULL|NULL|7|NULL|NULL|3");
    assert!(world.text("SHOW CREATE STREAM clicks").await.contains("sasl_password = SECRET 'k'"));
    let described = world.text("DESCRIBE clicks").await;
    assert!(
        described.starts_with(
            "id|INT|false|1\nat|TIMESTAMP FORMAT EPOCH_MS|false|2\n_time|TIMESTAMP|true|1000001\n_partition|TEXT|true"
        ),
        "{described}"
    );
    assert_eq!(world.text("PAUSE STREAM clicks").await, "clicks|paused");
    assert_eq!(world.text("RESUME STREAM clicks").await, "clicks|resumed");
    assert_eq!(world.text("ALTER STREAM clicks RENAME COLUMN id TO nr").await, "clicks|altered");
    assert_eq!(world.text("SELECT nr FROM clicks").await, "");
    let error = world.complaint("SHOW CREATE STREAM clikcs").await;
    assert_eq!(error.to_string(), "there is no stream `clikcs`. Did you mean `clicks`?");
    assert_eq!(world.text("DROP STREAM clicks").await, "clicks|dropped");
    assert_eq!(world.text("SHOW STREAMS").await, "");
}

#[tokio::test]
async fn tables_are_listed_and_described() {
    let world = World::orders();
    assert_eq!(world.text("SHOW TABLES").await, "public|orders\nsystem|metrics\nsystem|queries\nsystem|stuck");
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'";
    assert_eq!(world.text(columns).await, "id\ncountry\nts\nprice");
    assert_eq!(world.text("SHOW COLUMNS FROM orders").await.lines().count(), 4);
    assert!(world.text("DESCRIBE system.queries").await.starts_with("id|TEXT|false|NULL"));
    let functions = world.text("SHOW FUNCTIONS").await;
    for function in
        ["window_funnel|aggregate|window_funnel(", "session_number|window|", "json_get|scalar|", "sum|aggregate|Returns"]
    {
        assert!(functions.contains(function), "{function}");
    }
    assert!(world.text("EXPLAIN SELECT * FROM orders").await.contains("DataSourceExec"));
}

#[tokio::test]
async fn system_queries_keeps_no_secret() {
    let world = World::new();
    for sql in [
        "CREATE STREAM a (x INT) FROM KAFKA (sasl_password = 'hunter2', topic = 't')",
        "ALTER STREAM a SET (ssl_key_password = 'hunter2')",
        "CREATE /* x */ STREAM a FROM KAFKA (sasl_password = hunter2)",
        "CREATE STREAM a FROM KAFKA (sasl_password = 'hunter2",
    ] {
        // Whether these succeed does not matter here.
        let _ = world.engine.run(Query { sql: sql.into(), ..Query::default() }).await;
    }
    let kept = text(&world.query("SELECT * FROM system.queries").await.unwrap());
    assert!(!kept.contains("hunter2"), "{kept}");
    assert!(kept.contains("sasl_password = '***', topic = 't'"), "{kept}");
}

#[tokio::test]
async fn system_queries_and_metrics_tell_what_ran() {
    let world = World::orders();
    world.text("SELECT id FROM orders").await;
    world.complaint("SELECT nope FROM orders").await;
    let ran = world
        .text("SELECT sql, state, n_rows, error_kind, snapshot FROM system.queries WHERE state <> 'running' ORDER BY n_rows DESC")
        .await;
    assert_eq!(ran, "SELECT id FROM orders|finished|3|NULL|3\nSELECT nope FROM orders|failed|0|invalid|NULL");
    let error = world.text("SELECT error FROM system.queries WHERE error IS NOT NULL").await;
    assert!(error.contains("there is no column `nope`"), "{error}");
    let counted = "SELECT value FROM system.metrics WHERE name = 'helios_queries_total' AND labels ->> 'state' = 'failed'";
    assert_eq!(world.text(counted).await, "1.0");
    assert_eq!(world.text("SELECT count(*) FROM system.metrics WHERE name = 'helios_query_seconds_bucket'").await, "10");
}
