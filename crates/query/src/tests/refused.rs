//! What is refused: whatever writes, reads files of the host, or is too large to look at.

use super::world::World;
use helios_contract::error::Kind;

#[tokio::test]
async fn statements_that_write_or_reach_files() {
    let world = World::orders();
    for sql in [
        "INSERT INTO orders VALUES (1)",
        "INSERT INTO orders SELECT * FROM orders",
        "UPDATE orders SET id = 1",
        "DELETE FROM orders",
        "TRUNCATE orders",
        "MERGE INTO orders USING orders o ON true WHEN MATCHED THEN DELETE",
        "COPY orders TO '/tmp/x.parquet'",
        "COPY orders FROM '/etc/passwd'",
        "COPY (SELECT 1) TO 'x.csv'",
        "CREATE TABLE t (a INT)",
        "CREATE TABLE t AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE VIEW v AS SELECT 1",
        "CREATE SCHEMA s",
        "CREATE DATABASE d",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "DROP TABLE orders",
        "DROP VIEW orders",
        "ALTER TABLE orders ADD COLUMN a INT",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "BEGIN",
        "COMMIT",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "DECLARE c CURSOR FOR SELECT 1",
        "LOAD 'x'",
        "INSTALL httpfs",
        "ATTACH 'x'",
        "USE other",
        "GRANT SELECT ON orders TO x",
        "VACUUM",
        "CALL f()",
        "EXPLAIN INSERT INTO orders VALUES (1)",
        "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
        "WITH x AS (INSERT INTO orders VALUES (1) RETURNING id) SELECT * FROM x",
        "WITH x AS (SELECT 1) INSERT INTO orders SELECT * FROM x",
        "SELECT * INTO t FROM orders",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM '/etc/passwd.csv' x",
        "SELECT * FROM read_parquet('x.parquet')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('x')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM TABLE(read_csv('x'))",
        "SELECT * FROM a.b.c.d",
        "SELECT id FROM orders WHERE id IN (SELECT id FROM read_csv('x'))",
    ] {
        let error = world.complaint(sql).await;
        assert_eq!(error.kind(), Kind::Invalid, "{sql}: {error}");
        assert!(error.hint_text().is_some(), "{sql}: {error}");
    }
    for sql in ["SELECT * FROM \"/etc/passwd\"", "SELECT * FROM \"x.parquet\"", "SELECT * FROM file.orders"] {
        assert_eq!(world.complaint(sql).await.kind(), Kind::NotFound, "{sql}");
    }
}

#[tokio::test]
async fn no_statement_and_several() {
    let world = World::new();
    for sql in ["", "  ;; ", "-- nothing", "/* nothing */"] {
        assert_eq!(world.complaint(sql).await.message(), "there is no statement");
    }
    let error = world.complaint("SELECT 1;\nSELECT 2").await;
    assert_eq!(error.to_string(), "the request holds several statements (line 2, column 1). Send one statement at a time.");
    assert_eq!(world.text(" SELECT 1 ; ; ").await, "1");
    assert_eq!(world.text("SELECT ';' -- ; SELECT 2").await, ";");
}

#[tokio::test]
async fn too_long_and_too_deep() {
    let world = World::orders();
    let long = world.complaint(&format!("SELECT '{}'", "x".repeat(10 << 20))).await;
    assert!(long.message().contains("bytes long"), "{long}");
    let n = 10_000;
    let deep = [
        format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT {}1{}", "[".repeat(n), "]".repeat(n)),
        format!("{}SELECT 1{}", "(".repeat(n), ")".repeat(n)),
        format!("SELECT {} 1", "NOT ".repeat(n)),
        format!("SELECT {} 1", "- ".repeat(n)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(n), " END".repeat(n)),
        format!("SELECT 1{}", " + 1".repeat(200_000)),
        format!("SELECT 1{}", "::INT".repeat(n)),
        format!("SELECT 1 WHERE true{}", " OR false".repeat(n)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(n)),
        format!("SELECT {}1{}", "f(".repeat(n), ")".repeat(n)),
        format!("SELECT a{}", ".a".repeat(n)),
        format!("SELECT 1{}", "[1]".repeat(n)),
        format!("WITH {} SELECT 1", "a AS (WITH ".repeat(n)),
        format!("CREATE STREAM s (a {}INT{}) FROM HTTP", "ARRAY<".repeat(n), ">".repeat(n)),
        format!("SELECT * FROM orders{}", " JOIN orders o ON true".repeat(n)),
        format!("SELECT * FROM orders{}", ", orders".repeat(n)),
        format!(
            "WITH a0 AS (SELECT 1 FROM orders){} SELECT * FROM a40",
            (0..40).map(|i| format!(", a{} AS (SELECT * FROM a{i} UNION ALL SELECT * FROM a{i})", i + 1)).collect::<String>()
        ),
    ];
    for sql in deep {
        let error = world.complaint(&sql).await;
        assert_eq!(error.kind(), Kind::Invalid, "{}: {error}", &sql[..40]);
    }
}

#[tokio::test]
async fn what_is_just_below_the_limits_runs() {
    let world = World::orders();
    let n = 45;
    assert_eq!(world.text(&format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n))).await, "1");
    let n = 390;
    assert_eq!(world.text(&format!("SELECT 0{}", " + 1".repeat(n))).await, "390");
    assert_eq!(world.text(&format!("SELECT count(id{}) FROM orders", " - price".repeat(n))).await, "3");
    assert_eq!(world.text(&format!("SELECT 1{}", "::INT".repeat(n))).await, "1");
    assert_eq!(world.text(&format!("SELECT count(id = 1{}) FROM orders", " IS TRUE".repeat(n))).await, "3");
    assert_eq!(world.text(&format!("SELECT 1 WHERE false{}", " UNION ALL SELECT 1".repeat(200))).await.lines().count(), 200);
    assert_eq!(world.text(&format!("SELECT {}-3{}", "abs(".repeat(90), ")".repeat(90))).await, "3");
    let list: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    assert_eq!(world.text(&format!("SELECT count(*) FROM orders WHERE id IN ({})", list.join(", "))).await, "3");
    let ors = vec!["id = 1"; 390].join(" OR ");
    assert_eq!(world.text(&format!("SELECT count(*) FROM orders WHERE {ors}")).await, "1");
}
