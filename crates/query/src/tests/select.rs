//! Questions over streams: hidden columns, parameters, mistakes, and how little is read.

use super::world::World;
use helios_contract::commit::CommitId;
use helios_contract::error::{Kind, TextPosition};
use helios_contract::query::{Parameters, Query, QueryEngine};
use serde_json::{Value as Json, json};
use std::time::Duration;

#[tokio::test]
async fn star_leaves_hidden_columns_out() {
    let world = World::orders();
    let hides = [
        ("SELECT * FROM orders", "id country ts price"),
        ("SELECT * FROM public.orders WHERE _commit > 0", "id country ts price"),
        ("SELECT o.* FROM orders o WHERE o._commit > 0", "id country ts price"),
        ("SELECT *, _commit FROM orders", "id country ts price _commit"),
        ("SELECT _time, * FROM orders AS o ORDER BY _offset", "_time id country ts price"),
        ("SELECT * EXCLUDE (id) FROM orders WHERE _commit > 0", "country ts price"),
        ("SELECT * EXCEPT (id, country) FROM orders WHERE _commit > 0", "ts price"),
        (
            "SELECT * FROM orders a JOIN orders b ON a.id = b.id AND a._commit = b._commit",
            "id country ts price id country ts price",
        ),
        ("SELECT b.*, a.id FROM orders a, orders b WHERE a._commit = b._commit", "id country ts price id"),
        ("SELECT * FROM orders a JOIN orders b USING (id)", "id country ts price country ts price"),
        ("SELECT * FROM orders a NATURAL JOIN orders b", "id country ts price"),
        ("SELECT * FROM orders a LEFT SEMI JOIN orders b ON a._commit = b._commit", "id country ts price"),
        ("SELECT * FROM (SELECT *, _commit FROM orders)", "id country ts price _commit"),
        ("SELECT * FROM (SELECT * FROM orders WHERE _commit > 0) x, orders y", "id country ts price id country ts price"),
        ("WITH o AS (SELECT id, _commit FROM orders) SELECT * FROM o", "id _commit"),
        (
            "WITH o AS (SELECT id, _commit FROM orders) SELECT * FROM o JOIN orders ON o.id = orders.id",
            "id _commit id country ts price",
        ),
        ("WITH orders AS (SELECT *, _commit FROM orders) SELECT * FROM orders", "id country ts price _commit"),
        ("SELECT * FROM orders WHERE _commit > 0 UNION ALL SELECT * FROM orders", "id country ts price"),
        ("SELECT \"_commit\" FROM orders GROUP BY _COMMIT", "_commit"),
    ];
    for (sql, columns) in hides {
        assert_eq!(world.columns(sql).await, columns, "{sql}");
    }
    let error = world.complaint("SELECT * FROM orders a NATURAL JOIN orders b WHERE a._commit > 0").await;
    assert_eq!(error.message(), "a query that names `_commit` cannot use NATURAL JOIN");
}

#[tokio::test]
async fn tail_and_files_answer_together() {
    let world = World::orders();
    world.compact("orders").await;
    world.insert("orders", &[json!({"id": 4, "country": "FR", "ts": "2026-11-21T09:45:00Z", "price": 40.0})]);
    assert_eq!(
        world.text("SELECT id, country, price FROM orders ORDER BY id").await,
        "1|NL|10.0\n2|DE|20.0\n3|NL|30.0\n4|FR|40.0"
    );
    assert_eq!(
        world.text("SELECT country, sum(price) FROM orders GROUP BY country ORDER BY country").await,
        "DE|20.0\nFR|40.0\nNL|40.0"
    );
    assert_eq!(world.text("SELECT id FROM orders WHERE price > 15 AND country <> 'FR' ORDER BY id DESC LIMIT 1").await, "3");
    assert_eq!(world.text("SELECT count(*), max(_commit), min(_partition) FROM orders").await, "4|4|p0");
    assert_eq!(world.text("SELECT id FROM orders WHERE _rest ->> 'vip' = 'true'").await, "2");
    assert_eq!(world.text("SELECT count(*) FROM orders WHERE ts > now() - INTERVAL '45 minutes'").await, "2");
    assert_eq!(world.text("SELECT now()").await, "2026-11-21T10:00:00Z");
}

#[tokio::test]
async fn an_answer_says_its_snapshot_and_freshness() {
    let world = World::orders();
    let ask = |sql: &str| Query { sql: sql.to_owned(), ..Query::default() };
    let (answer, _) = world.run(ask("SELECT * FROM orders")).await.unwrap();
    assert_eq!(answer.snapshot, Some(CommitId(3)));
    assert_eq!(answer.freshness, Some(Duration::from_secs(117 * 60)));
    assert!(!answer.id.is_empty());
    let (answer, _) = world.run(ask("SELECT 1")).await.unwrap();
    assert_eq!((answer.snapshot, answer.freshness), (None, None));
}

#[tokio::test]
async fn files_that_cannot_hold_an_answer_are_not_planned() {
    let world = World::orders();
    world.compact("orders").await;
    for day in 1..=5 {
        world.insert(
            "orders",
            &[json!({"id": day * 100, "country": "BE", "ts": format!("2026-12-0{day}T00:00:00Z"), "price": 1.0})],
        );
        world.compact("orders").await;
    }
    let files = async |condition: &str| {
        let plan = world.text(&format!("EXPLAIN SELECT country FROM orders WHERE {condition}")).await;
        (0..=5).filter(|n| plan.contains(&format!("orders/{n}.parquet"))).map(|n| n.to_string()).collect::<String>()
    };
    assert_eq!(files("true").await, "012345");
    assert_eq!(files("ts >= '2026-12-04'").await, "45");
    assert_eq!(files("ts BETWEEN '2026-12-02' AND TIMESTAMP '2026-12-03 00:00:00'").await, "23");
    assert_eq!(files("id = 300").await, "3");
    assert_eq!(files("id IN (1, 500)").await, "05");
    assert_eq!(files("id < 0").await, "");
    assert_eq!(files("country = 'BE'").await, "012345");
    let plan = world.text("EXPLAIN SELECT count(*) FROM orders").await;
    assert!(!plan.contains(".parquet"), "counts come from what is known of files: {plan}");
    assert_eq!(world.text("SELECT count(*), min(ts) FROM orders").await, "8|2026-11-21T08:00:00Z");
    assert_eq!(world.text("SELECT id FROM orders ORDER BY ts DESC LIMIT 2").await, "500\n400");
    let ran = world.text("EXPLAIN ANALYZE SELECT country FROM orders WHERE country = 'NL'").await;
    assert!(ran.contains("output_rows=2"), "{ran}");
}

#[tokio::test]
async fn columns_are_found_by_field_id() {
    let world = World::orders();
    world.compact("orders").await;
    world.insert("orders", &[json!({"id": 4, "country": "FR", "price": 1.5})]);
    world.query("ALTER STREAM orders ADD COLUMN city TEXT").await.unwrap();
    assert_eq!(world.text("SELECT id, city FROM orders ORDER BY id").await, "1|NULL\n2|NULL\n3|NULL\n4|NULL");
    assert_eq!(world.text("SELECT count(*) FROM orders WHERE city IS NULL AND id > 1").await, "3");
    assert_eq!(world.text("SELECT count(*) FROM orders WHERE city = 'x'").await, "0");
    world.query("ALTER STREAM orders RENAME COLUMN country TO land").await.unwrap();
    assert_eq!(world.text("SELECT id, land FROM orders WHERE land <> 'NL' ORDER BY id").await, "2|DE\n4|FR");
    assert_eq!(world.columns("SELECT * FROM orders").await, "id land ts price city");
    world.compact("orders").await;
    // A name used again is another column: rows of the old one do not show.
    world.query("ALTER STREAM orders DROP COLUMN price").await.unwrap();
    world.query("ALTER STREAM orders ADD COLUMN price TEXT").await.unwrap();
    world.query("ALTER STREAM orders RENAME COLUMN city TO country").await.unwrap();
    assert_eq!(
        world.text("SELECT id, price, country, land FROM orders WHERE land = 'NL' ORDER BY id").await,
        "1|NULL|NULL|NL\n3|NULL|NULL|NL"
    );
    world.insert("orders", &[json!({"id": 5, "land": "IT", "price": "much", "country": "Italia"})]);
    world.compact("orders").await;
    assert_eq!(world.text("SELECT price, country FROM orders WHERE id >= 4 ORDER BY id").await, "NULL|NULL\nmuch|Italia");
}

#[tokio::test]
async fn nested_columns() {
    let world = World::new();
    world.stream("CREATE STREAM carts (id INT, cart STRUCT<total DOUBLE, items ARRAY<STRUCT<sku TEXT, n INT>>>, day DATE, big BIGINT UNSIGNED, d DECIMAL(10, 2)) FROM HTTP");
    let cart = json!({"total": 9.5, "items": [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]});
    world.insert(
        "carts",
        &[json!({"id": 1, "cart": cart, "day": "2026-11-21", "big": 18_446_744_073_709_551_615_u64, "d": "12.50"})],
    );
    for _ in 0..2 {
        assert_eq!(
            world.text("SELECT cart.total, cart['items'][2]['sku'], big, d, day FROM carts WHERE cart.total > 9").await,
            "9.5|b|18446744073709551615|12.50|2026-11-21"
        );
        assert_eq!(
            world.text("SELECT item['n'] FROM (SELECT unnest(cart['items']) AS item FROM carts) ORDER BY 1").await,
            "1\n2"
        );
        if world.tables_in_memory("carts") {
            world.compact("carts").await;
        }
    }
}

#[tokio::test]
async fn parameters_take_the_type_of_their_place() {
    let world = World::orders();
    let one = |value: Json| Parameters::Positional(vec![value]);
    let cases = [
        ("SELECT id FROM orders WHERE ts > $1 ORDER BY id", json!("2026-11-21 09:15:00"), "3"),
        ("SELECT id FROM orders WHERE ts = $1", json!("2026-11-21T09:00:00Z"), "2"),
        ("SELECT id FROM orders WHERE price >= $1 ORDER BY id", json!(20), "2\n3"),
        ("SELECT id FROM orders WHERE price = $1", json!("10"), "1"),
        ("SELECT id FROM orders ORDER BY id LIMIT $1", json!(1), "1"),
        ("SELECT count(*) FROM orders WHERE ts > now() - $1::INTERVAL", json!("45 minutes"), "1"),
        ("SELECT $1 IS NULL", json!(null), "true"),
        ("SELECT count(*) FROM orders WHERE country = $1", json!("x' OR '1' = '1"), "0"),
        ("SELECT id FROM orders VERSION AS OF $1", json!(1), "1"),
    ];
    for (sql, value, expected) in cases {
        assert_eq!(world.text_with(sql, one(value)).await.expect(sql), expected, "{sql}");
    }
    let Json::Object(named) = json!({"country": "DE"}) else { unreachable!() };
    assert_eq!(world.text_with("SELECT id FROM orders WHERE country = $country", Parameters::Named(named)).await.unwrap(), "2");
    assert_eq!(world.text_with("SELECT $1", Parameters::None).await.unwrap_err().message(), "parameter $1 has no value");
}

#[tokio::test]
async fn check_answers_the_fields() {
    let world = World::orders();
    let fields = world
        .engine
        .check("SELECT id, sum(price) AS total, max(ts) FROM orders WHERE ts > $1 GROUP BY id LIMIT $n")
        .await
        .unwrap();
    let fields: Vec<String> = fields.fields().iter().map(|f| format!("{} {}", f.name(), f.data_type())).collect();
    assert_eq!(fields, ["id Int64", "total Float64", "max(orders.ts) Timestamp(µs, \"UTC\")"]);
    assert_eq!(world.engine.check("PAUSE STREAM orders").await.unwrap().field(1).name(), "result");
    let error = world.engine.check("SELECT id FROM orders WHERE price > country || ts.x").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Invalid);
}

#[tokio::test]
async fn mistakes_name_their_place_and_the_likely_correction() {
    let world = World::orders();
    world.stream("CREATE STREAM events (\"userId\" TEXT, n INT) FROM HTTP");
    let at = |line, column| Some(TextPosition { line, column });
    let mistakes = [
        ("SELECT contry FROM orders", "there is no column `contry`", at(1, 8), "Did you mean `country`?"),
        ("SELECT id,\n  o.contry FROM orders o", "there is no column `contry` in `o`", at(2, 3), "Did you mean `country`?"),
        ("SELECT x.id FROM orders o", "there is no column `id` in `x`", at(1, 8), "Did you mean `o.id`?"),
        (
            "SELECT userid FROM events",
            "there is no column `userid`",
            at(1, 8),
            "Did you mean \"userId\"? Names with capital letters stand in double quotes.",
        ),
        ("SELECT zzzz FROM events", "there is no column `zzzz`", at(1, 8), "The columns are \"userId\", n."),
        ("SELECT id FROM ordrs", "there is no table `ordrs`", at(1, 16), "Did you mean `orders`?"),
        ("SELECT id FROM queries", "there is no table `queries`", at(1, 16), "Did you mean `system.queries`?"),
        ("SELECT id FROM \"Orders\"", "there is no table `Orders`", at(1, 16), "Did you mean `orders`?"),
        ("SELECT * FROM system.query", "there is no table `system.query`", at(1, 22), "Did you mean `system.queries`?"),
        ("SELECT * FROM sistem.queries", "there is no schema `sistem`", at(1, 22), "Did you mean `system`?"),
        ("SELECT cuont(id) FROM orders", "there is no function `cuont`", at(1, 8), "Did you mean `count`?"),
        ("SELECT id FORM orders", "expected the end of the statement, found orders", at(1, 16), "Did you mean FROM?"),
        ("SELECT id FROM orders WHRE id > 1", "expected the end of the statement, found id", at(1, 28), "Did you mean WHERE?"),
        ("SELECT id FROM", "expected identifier, found the end of the statement", at(1, 15), ""),
        ("SELECT 'abc", "unterminated string literal", at(1, 8), ""),
        ("SELEC 1", "SELEC does not begin a statement that Helios runs", at(1, 1), "Did you mean SELECT?"),
        ("SELECT id FROM orders a, orders b", "column `id` is in several tables", at(1, 8), "Put the table's name"),
        (
            "SELECT id FROM orders o VERSION AS OF 1",
            "expected the end of the statement, found VERSION",
            at(1, 25),
            "before the table's alias",
        ),
    ];
    let mut wrong = Vec::new();
    for (sql, message, position, hint) in mistakes {
        let error = world.complaint(sql).await;
        let fits = error.message() == message && error.position() == position;
        if !fits || !error.hint_text().unwrap_or_default().contains(hint) {
            wrong.push(format!("{sql}: {error}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[tokio::test]
async fn values_that_do_not_fit_are_the_statements_fault() {
    let world = World::orders();
    world.compact("orders").await;
    for (sql, message) in [
        ("SELECT id / (id - id) FROM orders", "division by zero"),
        ("SELECT country::INT FROM orders", "annot cast string 'NL' to value of Int32 type"),
        ("SELECT id + country FROM orders", "annot coerce"),
        ("SELECT sum(country) FROM orders", "sum"),
        ("SELECT id FROM orders GROUP BY country", "id"),
        ("SELECT id FROM orders WHERE ts > 'yesterdy'", "yesterdy"),
    ] {
        let error = world.complaint(sql).await;
        assert_eq!(error.kind(), Kind::Invalid, "{sql}: {error}");
        assert!(error.message().contains(message), "{sql}: {error}");
        for jargon in ["DataFusion", "Error", "error:", "Arrow", "Some(", "Internal"] {
            assert!(!error.to_string().contains(jargon), "{sql}: {error}");
        }
    }
}

#[tokio::test]
async fn a_missing_file_is_corruption() {
    use object_store::ObjectStoreExt;
    let world = World::orders();
    world.compact("orders").await;
    world.store.delete(&"orders/0.parquet".into()).await.unwrap();
    let error = world.complaint("SELECT id FROM orders").await;
    assert_eq!(error.kind(), Kind::Corrupt, "{error}");
    assert!(error.message().contains("orders/0.parquet"), "{error}");
}

#[tokio::test]
async fn the_first_rows_of_a_long_table_are_the_same_as_of_a_short_one() {
    let world = World::new();
    world.stream("CREATE STREAM long (id BIGINT, at TIMESTAMP, word TEXT) FROM HTTP");
    let row = |id: i64| {
        let at = (id % 7 != 0).then(|| format!("2026-11-21T08:{:02}:{:02}Z", id / 60 % 60, id % 60));
        serde_json::json!({"id": id, "at": at, "word": format!("w{}", id % 3)})
    };
    world.insert("long", &(0..500).map(row).collect::<Vec<_>>());
    world.compact("long").await;
    world.insert("long", &(500..520).map(row).collect::<Vec<_>>());
    let asked = [
        "SELECT id, word FROM long ORDER BY at DESC NULLS LAST, id LIMIT 5",
        "SELECT id, at, word FROM long ORDER BY at DESC, id LIMIT 100",
        "SELECT id, word FROM long WHERE word = 'w1' ORDER BY at, id DESC LIMIT 7",
        "SELECT word, id + 1 AS next FROM long WHERE id > 515 ORDER BY at NULLS FIRST, id LIMIT 50",
        "SELECT * FROM (SELECT id, word, at FROM long ORDER BY at DESC NULLS LAST, id LIMIT 3) ORDER BY id",
    ];
    for sql in asked {
        let short = world.text(sql).await;
        world.pretend_long("long", true);
        assert_eq!(world.text(sql).await, short, "{sql}");
        assert!(!short.is_empty());
        world.pretend_long("long", false);
    }
}

#[tokio::test]
async fn rows_come_in_their_order_whatever_their_columns_are_turned_into() {
    let world = World::new();
    world.stream("CREATE STREAM long (id BIGINT, word TEXT) FROM HTTP");
    let row = |id: i64| json!({"id": id, "word": format!("{{\"n\": {id}}}")});
    world.insert("long", &(0..20_000).rev().map(row).collect::<Vec<_>>());
    for sql in [
        "SELECT id, word FROM long ORDER BY id LIMIT 30000",
        "SELECT id, word FROM long ORDER BY id",
        "SELECT id, word -> 'n' AS n FROM long ORDER BY id LIMIT 30000",
    ] {
        let rows = world.text(sql).await;
        let ids: Vec<i64> = rows.lines().map(|line| line.split('|').next().unwrap().parse().unwrap()).collect();
        assert!(ids.iter().copied().eq(0..20_000), "{sql}: begins with {:?}", &ids[..3]);
    }
}
