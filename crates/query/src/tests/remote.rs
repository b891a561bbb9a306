//! Tables of clusters: what is asked of them, and what becomes of the answers.

use super::world::World;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::DataType;
use helios_contract::cluster::{RemoteColumn, RemoteName};
use helios_contract::column::timestamp_type;
use helios_contract::commit::CommitId;
use helios_contract::sink::{OutletCommand, SinkCommand, Stored};
use std::sync::Arc;

fn world() -> World {
    let world = World::orders();
    let column = |name: &str, remote_type: &str, data_type: Option<DataType>| RemoteColumn {
        name: name.to_owned(),
        remote_type: remote_type.to_owned(),
        data_type,
    };
    let columns = vec![
        column("id", "Int64", Some(DataType::Int64)),
        column("country", "LowCardinality(Nullable(String))", Some(DataType::Utf8)),
        column("ts", "Nullable(DateTime64(6, 'UTC'))", Some(timestamp_type())),
        column("price", "Nullable(Float64)", Some(DataType::Float64)),
        column("kind", "Enum8('a' = 1)", Some(DataType::Utf8)),
        column("_commit", "Int64", Some(DataType::Int64)),
        column("odd", "AggregateFunction(sum, Int64)", None),
    ];
    world.elsewhere.table("analytics.orders", columns);
    world
}

fn rows(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// What the cluster is asked for a statement, whatever it answers.
async fn asked(world: &World, sql: &str) -> Vec<String> {
    let plan = world.text(&format!("EXPLAIN {}", sql.replace("FROM t", "FROM ch.analytics.orders"))).await;
    plan.split("RemoteExec: ").skip(1).map(|rest| rest.split(": ").nth(1).unwrap().lines().next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_cluster_is_asked_for_as_much_as_it_can_do() {
    let world = world();
    let questions = [
        (
            "SELECT id FROM t WHERE country = 'N''L' LIMIT 3",
            "SELECT `id` FROM `analytics`.`orders` WHERE (`country` = 'N\\'L') LIMIT 3",
        ),
        (
            "SELECT id FROM t WHERE ts >= '2026-11-21T08:00:00Z' AND id IN (1, 2)",
            "SELECT `id` FROM `analytics`.`orders` WHERE (`ts` >= fromUnixTimestamp64Micro(toInt64(1795248000000000), 'UTC')) AND \
             ((`id` = toInt64(1)) OR (`id` = toInt64(2)))",
        ),
        ("SELECT count(*) FROM t", "SELECT count() AS `#1` FROM `analytics`.`orders`"),
        (
            "SELECT country, sum(id) AS s FROM t GROUP BY country HAVING sum(id) > 3",
            "SELECT `country`, `#2` FROM (SELECT `country`, sum(`id`) AS `#2` FROM `analytics`.`orders` GROUP BY `country`) WHERE \
             (`#2` > toInt64(3))",
        ),
        (
            "SELECT country, count(*) AS n FROM t GROUP BY country ORDER BY n DESC LIMIT 2",
            "SELECT `country`, `#2` FROM (SELECT `country`, count() AS `#2` FROM `analytics`.`orders` GROUP BY `country`) ORDER BY \
             `#2` DESC NULLS FIRST LIMIT 2",
        ),
        (
            "SELECT id FROM t ORDER BY ts, id DESC LIMIT 1",
            "SELECT `id`, `ts` FROM `analytics`.`orders` ORDER BY `ts` ASC NULLS LAST, `id` DESC NULLS FIRST LIMIT 1",
        ),
        (
            "SELECT max(ts) FILTER (WHERE id > 1) FROM t",
            "SELECT maxIf(`ts`, (`id` > toInt64(1))) AS `#1` FROM `analytics`.`orders`",
        ),
    ];
    for (sql, statement) in questions {
        assert_eq!(asked(&world, sql).await, [statement], "{sql}");
    }
}

#[tokio::test]
async fn what_would_mean_something_else_there_is_done_here() {
    let world = world();
    let all = "FROM `analytics`.`orders`";
    let questions = [
        // An enumeration is a number there.
        ("SELECT id FROM t WHERE kind > 'a'", format!("SELECT `id`, `kind` {all}")),
        // Here NaN is greater than every number, and zeros differ by their signs.
        ("SELECT id FROM t WHERE price = 0", format!("SELECT `id`, `price` {all}")),
        ("SELECT id FROM t WHERE price > 1.5", format!("SELECT `id` {all} WHERE (`price` > toFloat64(1.5e0) OR isNaN(`price`))")),
        ("SELECT price, count(*) FROM t GROUP BY price", format!("SELECT `price` {all}")),
        ("SELECT min(price) FROM t", format!("SELECT `price` {all}")),
        ("SELECT median(id) FROM t", format!("SELECT `id` {all}")),
        ("SELECT upper(country) FROM t WHERE lower(country) = 'nl'", format!("SELECT `country` {all}")),
        ("SELECT id FROM t ORDER BY price LIMIT 1", format!("SELECT `id`, `price` {all}")),
    ];
    for (sql, statement) in questions {
        assert_eq!(asked(&world, sql).await, [statement], "{sql}");
    }
}

#[tokio::test]
async fn answers_take_the_types_that_were_planned() {
    let world = world();
    world.elsewhere.answers(rows(vec![
        ("country", Arc::new(StringArray::from(vec![Some("NL"), None]))),
        ("#2", Arc::new(UInt64Array::from(vec![2, 1]))),
    ]));
    let sql = "SELECT country, count(*) AS n FROM ch.analytics.orders GROUP BY country ORDER BY n LIMIT 5";
    assert_eq!(world.text(sql).await, "NULL|1\nNL|2");
    world.elsewhere.answers(rows(vec![("id", Arc::new(Int64Array::from(vec![1, 3, 9])))]));
    let joined = "SELECT o.id, o.country FROM orders o JOIN ch.analytics.orders c ON o.id = c.id ORDER BY 1";
    assert_eq!(world.text(joined).await, "1|NL\n3|NL");
}

#[tokio::test]
async fn a_stored_stream_is_read_in_two_parts() {
    let world = world();
    let table = RemoteName { database: "analytics".to_owned(), table: "orders".to_owned() };
    world.elsewhere.stores(Stored { cluster: Arc::new(world.elsewhere.clone()), table, delivered: CommitId(2) });
    // Commit 3 is still in the lake: one row, NL, 30.
    world.elsewhere.answers(rows(vec![
        ("country", Arc::new(StringArray::from(vec!["NL", "DE"]))),
        ("#2", Arc::new(UInt64Array::from(vec![1, 1]))),
        ("#3", Arc::new(Int64Array::from(vec![1, 2]))),
    ]));
    let sql = "SELECT country, count(*) AS n, max(id) AS m FROM orders GROUP BY country ORDER BY country";
    assert_eq!(world.text(sql).await, "DE|1|2\nNL|2|3");
    let statement =
        "SELECT `country`, count() AS `#2`, max(`id`) AS `#3` FROM `analytics`.`orders` WHERE `_commit` <= 2 GROUP BY `country`";
    assert_eq!(world.elsewhere.asked(), [statement]);
    world.elsewhere.answers(rows(vec![("id", Arc::new(Int64Array::from(vec![1, 2])))]));
    assert_eq!(world.text("SELECT id FROM orders WHERE id < 10 ORDER BY id").await, "1\n2\n3");
    assert_eq!(world.text("SELECT id FROM orders ORDER BY id DESC LIMIT 1").await, "3");
}

#[tokio::test]
async fn a_statement_for_the_cluster_is_sent_as_it_is() {
    let world = world();
    world.elsewhere.answers(rows(vec![("x", Arc::new(Int64Array::from(vec![7])))]));
    let sql = "-- engine: ch\nSELECT x FROM y ARRAY JOIN z LIMIT 1 BY x";
    assert_eq!(world.text(sql).await, "7");
    assert_eq!(world.elsewhere.asked(), [sql]);
    let error = world.complaint("-- engine: cx\nSELECT 1").await;
    assert_eq!(error.message(), "there is no cluster cx");
}

#[tokio::test]
async fn statements_read_as_they_are_written() {
    let world = world();
    let statements = [
        "CREATE SINK s FROM orders INTO ch.\"My\".t ENGINE 'ReplicatedMergeTree(''/a'', ''{r}'')' ORDER BY (id, ts)",
        "CREATE SINK s FROM orders INTO ch.t",
    ];
    for sql in statements {
        world.text(sql).await;
        let [OutletCommand::Sink(SinkCommand::Create { definition, if_not_exists: false })] = &world.elsewhere.commands()[..]
        else {
            panic!("{sql} is no CREATE SINK");
        };
        assert_eq!(definition.to_string(), sql);
    }
    world.text("CREATE SINK s FROM orders INTO ch.t ENGINE = ReplicatedMergeTree('/a', '{r}')").await;
    let engine = match &world.elsewhere.commands()[0] {
        OutletCommand::Sink(SinkCommand::Create { definition, .. }) => definition.engine.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(engine.as_deref(), Some("ReplicatedMergeTree('/a','{r}')"));
    world.text("ALTER STREAM orders STORE IN LAKE").await;
    let [OutletCommand::Sink(SinkCommand::Store(stream, None))] = &world.elsewhere.commands()[..] else { panic!("no STORE IN") };
    assert_eq!(stream.as_str(), "orders");
    let error = world.complaint("CREATE SINK s FROM orders INTO ch.t ENGIN Memory").await;
    assert!(error.to_string().contains("Did you mean ENGINE?"), "{error}");
}
