//! What a console asks beside answers.

use super::{NOW, Site, stream};
use axum::http::StatusCode;
use helios_contract::Kind;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::console::Progress;
use helios_contract::stream::Stream;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn progress(id: &str, state: &'static str) -> Progress {
    Progress {
        id: id.to_owned(),
        state,
        sql: "SELECT 1".to_owned(),
        started_at: NOW,
        elapsed: Duration::from_micros(12_345),
        n_rows: 2,
        n_rows_read: 100,
        n_bytes_read: 4_096,
        error: (state == "failed").then(|| (Kind::Exhausted, "too slow".to_owned())),
    }
}

#[tokio::test]
async fn a_text_is_read_with_offsets_as_browsers_count() {
    let site = Site::new();
    let body = json!({"sql": "SELECT '🦀é'"}).to_string();
    let reply = site.send("POST", "/api/v1/query/check", &[], body).await.json();
    assert_eq!(reply["statements"], json!([{"start": 0, "end": 12, "kind": "select", "read_only": true}]));
    assert_eq!(reply["params"], json!([{"name": "country", "type": "TEXT"}, {"name": "x", "type": null}]));
    assert_eq!((&reply["columns"][0], &reply["error"]), (&json!({"name": "id", "type": "BIGINT"}), &Value::Null));
}

#[tokio::test]
async fn a_wrong_text_is_an_answer_and_a_wrong_request_is_not() {
    let site = Site::new();
    let reply = site.send("POST", "/api/v1/query/check", &[], r#"{"sql":"SELECT * FROM nothing"}"#).await;
    assert_eq!(reply.status, StatusCode::OK);
    let error = &reply.json()["error"];
    assert_eq!((&error["position"], &error["hint"]), (&json!({"line": 1, "column": 15}), &"Did you mean `orders`?".into()));
    assert_eq!(reply.json()["columns"], Value::Null);
    for body in ["", "SELECT 1", r#"{"sql":1}"#, r#"{"sql":"","more":1}"#] {
        let reply = site.send("POST", "/api/v1/query/check", &[], body).await;
        assert_eq!((reply.status, reply.json()["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid")), "{body}");
    }
}

#[tokio::test]
async fn a_query_is_explained_with_its_parameters() {
    let site = Site::new();
    let ask = |analyze| json!({"sql": "SELECT $1", "params": [1], "analyze": analyze}).to_string();
    let reply = site.send("POST", "/api/v1/query/explain", &[], ask(false)).await.json();
    assert_eq!(
        reply,
        json!({
            "plan": [{"depth": 0, "operator": "read", "detail": "orders", "rows": 2, "time_ms": null}],
            "findings": ["All is well."],
            "estimate": {"rows": null, "bytes": null, "files": 3},
        })
    );
    let reply = site.send("POST", "/api/v1/query/explain", &[], ask(true)).await.json();
    assert_eq!(reply["plan"][0]["time_ms"], 1.5);
    assert_eq!(site.fake.asked.lock().unwrap().len(), 2);
    let reply = site.send("POST", "/api/v1/query/explain", &[], r#"{"sql":"SELECT 1","params":7}"#).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn progress_is_told_until_nothing_is_known() {
    let site = Site::new();
    site.fake.progress.lock().unwrap().insert("a".to_owned(), progress("a", "failed"));
    let reply = site.get("/api/v1/queries/a").await.json();
    assert_eq!((&reply["state"], &reply["elapsed_ms"]), (&"failed".into(), &12.345.into()));
    assert_eq!((&reply["rows_read"], &reply["bytes_read"]), (&100.into(), &4_096.into()));
    assert_eq!(reply["error"], json!({"code": "exhausted", "message": "too slow"}));
    assert_eq!(site.get("/api/v1/queries/b").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn functions_say_how_they_are_called() {
    let reply = Site::new().get("/api/v1/functions").await.json();
    let function = json!({"name": "abs", "signature": "abs(number)", "kind": "scalar", "doc": "Without its sign."});
    assert_eq!(reply, json!({"functions": [function]}));
}

#[tokio::test]
async fn the_catalog_is_sent_once_until_a_name_or_a_type_changes() {
    let site = Site::new();
    let mut orders = Stream::clone(&stream());
    orders.definition.columns =
        vec![Column::new("at", ColumnType::Timestamp(TimeFormat::EpochMillis)), Column::new("doc", ColumnType::Json)];
    site.fake.streams.lock().unwrap().push(Arc::new(orders.clone()));
    let reply = site.get("/api/v1/catalog").await;
    let table = reply.json()["tables"][0].clone();
    assert_eq!((&table["name"], &table["kind"], &table["n_rows"]), (&"orders".into(), &"stream".into(), &0.into()));
    assert_eq!(table["columns"][0], json!({"name": "at", "type": "TIMESTAMP", "hidden": false}));
    assert_eq!(table["columns"][1], json!({"name": "doc", "type": "JSON", "hidden": false}));
    let hidden = table["columns"].as_array().unwrap().iter().find(|column| column["name"] == "_commit").unwrap();
    assert_eq!(hidden["hidden"], true);
    let etag = reply.header("etag").to_owned();
    let again = site.send("GET", "/api/v1/catalog", &[("if-none-match", &etag)], "").await;
    assert_eq!((again.status, again.text()), (StatusCode::NOT_MODIFIED, ""));
    orders.definition.columns.push(Column::new("new", ColumnType::Text));
    *site.fake.streams.lock().unwrap() = vec![Arc::new(orders)];
    assert_eq!(site.send("GET", "/api/v1/catalog", &[("if-none-match", &etag)], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_client_names_a_query_in_a_header_and_may_want_only_its_beginning() {
    let site = Site::new();
    let headers = [("content-type", "application/json"), ("x-query-id", "mine")];
    let body = json!({"sql": "SELECT 1", "limit": 10, "limits": {"rows": 50}}).to_string();
    let reply = site.send("POST", "/api/v1/query", &headers, body).await;
    assert_eq!(reply.header("x-query-id"), "mine");
    let asked = site.fake.asked.lock().unwrap().pop().unwrap();
    assert_eq!((asked.limits.n_rows, asked.limits.extent), (Some(10), helios_contract::query::Extent::Beginning));
    let reply = site.send("POST", "/api/v1/query", &[("x-query-id", "a b")], "SELECT 1").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_statements_of_the_console_are_kept_in_the_history() {
    let site = Site::new();
    let console = [("x-helios-client", "console"), ("x-query-id", "q7")];
    site.fake.progress.lock().unwrap().insert("q7".to_owned(), progress("q7", "finished"));
    site.send("POST", "/api/v1/query", &[("x-query-id", "q7")], "SELECT 1").await;
    assert!(site.fake.documents.lock().unwrap().is_empty());
    site.send("POST", "/api/v1/query", &console, "SELECT 1").await;
    while site.fake.documents.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let entry = site.get("/api/v1/history?q=select&limit=9000&before=q8").await.json()["entries"][0].clone();
    assert_eq!((&entry["id"], &entry["state"], &entry["freshness_ms"]), (&"q7".into(), &"finished".into(), &400.into()));
    assert_eq!((&entry["starred"], &entry["error"]), (&false.into(), &Value::Null));
    let page = site.fake.pages.lock().unwrap().pop().unwrap();
    assert_eq!((page.containing.as_deref(), page.after.as_deref(), page.limit), (Some("select"), Some("q8"), 500));
    let expires_at = |site: &Site| site.fake.documents.lock().unwrap()[0].1.expires_at;
    assert_eq!(expires_at(&site).unwrap().since(NOW), Duration::from_secs(90 * 86_400));
    let reply = site.send("PUT", "/api/v1/history/q7", &[], r#"{"starred":true}"#).await;
    assert_eq!((reply.json()["starred"].as_bool(), expires_at(&site)), (Some(true), None));
    assert_eq!(site.send("PUT", "/api/v1/history/none", &[], r#"{"starred":true}"#).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_statement_that_fails_at_the_start_is_kept_too() {
    let site = Site::new();
    site.fake.answers.lock().unwrap().push_back(Err(helios_contract::Error::invalid("no")));
    site.fake.progress.lock().unwrap().insert("q7".to_owned(), progress("q7", "failed"));
    let reply = site.send("POST", "/api/v1/query", &[("x-helios-client", "console"), ("x-query-id", "q7")], "SELEC").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let kept = site.fake.documents.lock().unwrap()[0].1.body.clone();
    assert_eq!((&kept["state"], &kept["error"]["code"]), (&"failed".into(), &"exhausted".into()));
}

#[tokio::test]
async fn an_export_is_fetched_once_whole_and_as_a_file() {
    let site = Site::new();
    let body = json!({"sql": "SELECT 1", "format": "csv", "filename": "or/ders"}).to_string();
    let reply = site.send("POST", "/api/v1/exports", &[], body).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let url = reply.json()["url"].as_str().unwrap().to_owned();
    assert_eq!(site.send("HEAD", &url, &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let reply = site.get(&url).await;
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"or_ders.csv\"; filename*=UTF-8''or_ders.csv");
    assert_eq!((reply.text().lines().count(), reply.header("cache-control")), (3, "no-store"));
    assert_eq!(site.fake.asked.lock().unwrap()[0].limits.extent, helios_contract::query::Extent::Whole);
    assert_eq!(site.get(&url).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_when_it_is_asked_for() {
    let site = Site::new();
    for (sql, format) in [("SELECT * FROM nothing", "csv"), ("DROP STREAM orders", "csv"), ("SELECT 1", "xls")] {
        let body = json!({"sql": sql, "format": format}).to_string();
        assert_eq!(site.send("POST", "/api/v1/exports", &[], body).await.status, StatusCode::BAD_REQUEST, "{sql} {format}");
    }
    assert!(site.fake.asked.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_export_waits_ten_minutes() {
    let site = Site::new();
    let body = || json!({"sql": "SELECT 1", "format": "csv"}).to_string();
    let url = |reply: super::Reply| reply.json()["url"].as_str().unwrap().to_owned();
    let first = url(site.send("POST", "/api/v1/exports", &[], body()).await);
    tokio::time::advance(Duration::from_secs(599)).await;
    let second = url(site.send("POST", "/api/v1/exports", &[], body()).await);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(site.get(&first).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn cancelling_what_is_over_is_no_error() {
    let site = Site::new();
    site.fake.progress.lock().unwrap().insert("q9".to_owned(), progress("q9", "cancelled"));
    assert_eq!(site.send("DELETE", "/api/v1/queries/q9", &[], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.send("DELETE", "/api/v1/queries/q10", &[], "").await.status, StatusCode::NOT_FOUND);
}
