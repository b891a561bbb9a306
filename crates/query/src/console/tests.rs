//! What a text of statements says, how a query is run, which functions there are, how far a query is.

use crate::tests::world::World;
use futures::{StreamExt, TryStreamExt};
use helios_contract::console::{Console, FunctionKind, Reading};
use helios_contract::error::Kind;
use helios_contract::query::{Extent, Limits, Parameters, Query, QueryEngine};
use serde_json::json;

async fn read(sql: &str) -> Reading {
    World::orders().engine.read(sql).await
}

/// `kind` and text of each statement.
fn statements<'a>(sql: &'a str, reading: &Reading) -> Vec<(String, &'a str)> {
    reading.statements.iter().map(|read| (read.kind.clone(), &sql[read.bytes.clone()])).collect()
}

#[tokio::test]
async fn statements_are_told_apart_whatever_stands_in_texts_and_comments() {
    let sql = "SELECT 'a;b' -- c;d\n;;\n  drop\tstream orders;/* é; */ SELECT 'é🦀' , 2  ";
    let reading = read(sql).await;
    assert_eq!(
        statements(sql, &reading),
        [
            ("select".to_owned(), "SELECT 'a;b'"),
            ("drop stream".to_owned(), "drop\tstream orders"),
            ("select".to_owned(), "SELECT 'é🦀' , 2"),
        ]
    );
    assert_eq!(reading.statements.iter().map(|read| read.read_only).collect::<Vec<_>>(), [true, false, true]);
    assert!(reading.error.is_none() && reading.fields.is_none());
}

#[tokio::test]
async fn a_single_statement_has_fields_and_an_error_has_its_place_in_the_whole_text() {
    let reading = read("SELECT id, price FROM orders").await;
    let names: Vec<String> = reading.fields.unwrap().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["id", "price"]);
    let error = read("SELECT 1;\n  SELECT contry FROM orders; SELECT nope FROM orders").await.error.unwrap();
    assert_eq!((error.position().unwrap().line, error.position().unwrap().column), (2, 10));
    assert_eq!(error.hint_text(), Some("Did you mean `country`?"));
    let error = read("SELECT 'open").await.error.unwrap();
    assert_eq!(error.position().unwrap().line, 1);
    let nothing = read("  -- nothing\n").await;
    assert!(nothing.statements.is_empty() && nothing.error.is_none());
}

#[tokio::test]
async fn a_text_of_very_many_statements_is_read_in_no_time() {
    let reading = read(&"1;".repeat(10_000)).await;
    assert_eq!((reading.statements.len(), reading.statements[9_999].bytes.clone()), (10_000, 19_998..19_999));
    let reading = read(&"1;".repeat(400_000)).await;
    assert!(reading.statements.is_empty());
    assert_eq!(reading.error.unwrap().message(), "the text holds more than 10000 statements");
    let many = "$é1 ".repeat(10) + &(0..100_000).map(|i| format!("$p{i} ")).collect::<String>();
    assert_eq!(read(&many).await.parameters.len(), 100_001);
    assert!(read(&" ".repeat(2 << 20)).await.error.is_some());
}

#[tokio::test]
async fn parameters_have_the_types_their_places_say() {
    let sql = "SELECT $name || 'x' FROM orders WHERE country = $country AND price > $least AND id = $1 LIMIT $n; SELECT $country";
    let reading = read(sql).await;
    let shown: Vec<(String, String)> = reading
        .parameters
        .iter()
        .map(|(name, data_type)| (name.clone(), data_type.as_ref().map_or("?".to_owned(), ToString::to_string)))
        .collect();
    let names: Vec<&str> = shown.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["name", "country", "least", "1", "n"]);
    let of = |wanted: &str| shown.iter().find(|(name, _)| name == wanted).unwrap().1.as_str();
    assert_eq!((of("country"), of("least"), of("1")), ("Utf8", "Float64", "Int64"));
}

#[tokio::test]
async fn a_plan_says_what_is_read_and_what_is_worth_knowing() {
    let world = World::orders();
    world.compact("orders").await;
    let ask = |sql: &str| Query { sql: sql.to_owned(), ..Query::default() };
    let explained = world.engine.explain(ask("SELECT country, sum(price) FROM orders GROUP BY country ORDER BY 2"), false).await;
    let explained = explained.unwrap();
    assert_eq!((explained.n_files, explained.n_rows), (1, Some(3)));
    assert!(explained.n_bytes.unwrap() > 0);
    let names: Vec<&str> = explained.operators.iter().map(|operator| operator.name.as_str()).collect();
    assert!(names.contains(&"group") && names.contains(&"sort") && names.contains(&"read"), "{names:?}");
    assert!(explained.operators.iter().all(|operator| operator.time.is_none() && !operator.detail.contains("@0")));
    assert!(explained.findings.iter().any(|finding| finding.starts_with("All 1 files are opened")), "{:?}", explained.findings);
    assert!(explained.findings.iter().any(|finding| finding.contains("LIMIT")), "{:?}", explained.findings);
    let analyzed = world.engine.explain(ask("EXPLAIN SELECT * FROM orders WHERE price > $1 LIMIT 9"), true).await;
    assert_eq!(analyzed.unwrap_err().kind(), Kind::Invalid);
    let query = Query { parameters: Parameters::Positional(vec![json!(15)]), ..ask("SELECT * FROM orders WHERE price > $1") };
    let analyzed = world.engine.explain(query, true).await.unwrap();
    assert!(analyzed.findings.contains(&"3 rows were read to answer 2.".to_owned()), "{:?}", analyzed.findings);
    assert_eq!(analyzed.operators[0].n_rows, Some(2));
    world.insert("orders", &[json!({"id": 4, "price": 40.0})]);
    let analyzed = world.engine.explain(ask("SELECT id FROM orders ORDER BY id LIMIT 1"), true).await.unwrap();
    assert!(analyzed.findings.contains(&"4 rows were read to answer 1.".to_owned()), "{:?}", analyzed.findings);
    assert!(analyzed.findings.contains(&"While sorting, only the first 1 rows are kept.".to_owned()), "{:?}", analyzed.findings);
    assert!(analyzed.operators.iter().all(|operator| operator.n_rows.is_some()), "{:?}", analyzed.operators);
    let error = world.engine.explain(ask("DROP STREAM orders"), true).await.unwrap_err();
    assert_eq!(error.message(), "only queries can be explained");
}

#[tokio::test]
async fn joins_of_everything_with_everything_are_pointed_out() {
    let world = World::orders();
    let query = Query { sql: "SELECT 1 FROM orders a, orders b WHERE a.price < b.price".to_owned(), ..Query::default() };
    let explained = world.engine.explain(query, false).await.unwrap();
    assert!(explained.findings.iter().any(|finding| finding.starts_with("Every row of one side")), "{:?}", explained.findings);
    assert!(explained.findings.iter().any(|finding| finding.starts_with("6 rows are so new")), "{:?}", explained.findings);
}

#[tokio::test]
async fn functions_of_every_kind_have_a_signature() {
    let functions = World::new().engine.functions();
    let of = |name: &str| functions.iter().find(|function| function.name == name).unwrap();
    assert_eq!((of("abs").kind, of("abs").signature.as_str()), (FunctionKind::Scalar, "abs(numeric_expression)"));
    assert_eq!(of("time_bucket").signature, "time_bucket(interval, time [, origin])");
    assert_eq!((of("count").kind, of("row_number").kind), (FunctionKind::Aggregate, FunctionKind::Window));
    assert_eq!(of("unnest").kind, FunctionKind::Table);
    assert!(functions.iter().all(|function| !function.signature.is_empty() && !function.doc.contains('\n')));
}

#[tokio::test]
async fn progress_counts_what_is_read_and_outlives_the_query() {
    let world = World::orders();
    world.compact("orders").await;
    let query = Query { sql: "SELECT id FROM orders WHERE price > 15".to_owned(), id: "q".to_owned(), ..Query::default() };
    assert!(world.engine.progress("q").is_none());
    let answer = world.engine.run(query).await.unwrap();
    assert!(world.engine.progress("q").is_some());
    answer.rows.try_collect::<Vec<_>>().await.unwrap();
    let progress = world.engine.progress("q").unwrap();
    assert_eq!((progress.state, progress.n_rows, progress.n_rows_read), ("finished", 2, 3));
    assert!(progress.n_bytes_read > 0 && progress.error.is_none());
    let failed = Query { sql: "SELECT nope FROM orders".to_owned(), id: "f".to_owned(), ..Query::default() };
    assert!(world.engine.run(failed).await.is_err());
    let (kind, _) = world.engine.progress("f").unwrap().error.unwrap();
    assert_eq!(kind, Kind::Invalid);
}

#[tokio::test]
async fn an_answer_may_end_at_its_beginning_or_have_no_end() {
    let world = World::with(crate::Config { n_rows: 1_000, ..crate::Config::default() });
    let ask = |extent, n_rows| Query {
        sql: "SELECT value FROM generate_series(1, 20000)".to_owned(),
        limits: Limits { extent, n_rows, ..Limits::default() },
        id: "q".to_owned(),
        ..Query::default()
    };
    let answered = async |query| {
        let items: Vec<_> = world.engine.run(query).await.unwrap().rows.collect().await;
        let n_rows: usize = items.iter().flatten().map(|batch| batch.num_rows()).sum();
        (n_rows, items.last().is_some_and(Result::is_err))
    };
    assert_eq!(answered(ask(Extent::Limited, None)).await, (1_000, true));
    assert_eq!(answered(ask(Extent::Beginning, Some(10))).await, (10, false));
    assert_eq!(world.engine.progress("q").unwrap().state, "finished");
    assert_eq!(answered(ask(Extent::Whole, None)).await, (20_000, false));
}

#[tokio::test]
async fn a_definition_is_read_and_nothing_is_created() {
    let world = World::new();
    let definition = world.engine.definition("CREATE STREAM s FROM KAFKA (brokers = 'b')").await.unwrap();
    assert_eq!((definition.name.as_str(), definition.options.len()), ("s", 1));
    assert_eq!(world.text("SHOW STREAMS").await, "");
    for other in ["DROP STREAM s", "SELECT 1", "CREATE STREAM"] {
        assert_eq!(world.engine.definition(other).await.unwrap_err().kind(), Kind::Invalid, "{other}");
    }
}
