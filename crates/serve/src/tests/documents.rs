//! What people keep: saved queries, links, drafts, the checklist.

use super::Site;
use axum::http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_saved_query_is_made_changed_listed_and_deleted() {
    let site = Site::new();
    let body =
        json!({"title": " Orders ", "sql": "SELECT 1", "params": {"n": 1}, "chart": {"kind": "bar"}, "id": "mine"}).to_string();
    let reply = site.send("POST", "/api/v1/saved-queries", &[], body).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let saved = reply.json();
    assert_eq!((&saved["title"], &saved["folder"], &saved["params"]["n"]), (&"Orders".into(), &"".into(), &1.into()));
    let path = format!("/api/v1/saved-queries/{}", saved["id"].as_str().unwrap());
    assert_ne!(saved["id"], "mine");
    assert_eq!(site.get(&path).await.json(), saved);
    let changed = site.send("PUT", &path, &[], r#"{"title":"B","sql":"SELECT 2","folder":"f"}"#).await.json();
    assert_eq!((&changed["id"], &changed["sql"], &changed["chart"]), (&saved["id"], &"SELECT 2".into(), &json!(null)));
    assert_eq!(site.get("/api/v1/saved-queries").await.json(), json!({"queries": [changed]}));
    assert_eq!(site.send("DELETE", &path, &[], "").await.status, StatusCode::NO_CONTENT);
    for method in ["GET", "PUT", "DELETE"] {
        let reply = site.send(method, &path, &[], r#"{"title":"B","sql":"SELECT 2"}"#).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{method}");
    }
}

#[tokio::test]
async fn saved_queries_need_a_title_and_a_statement() {
    let site = Site::new();
    let long = json!({"title": "x".repeat(201), "sql": "SELECT 1"}).to_string();
    for body in
        ["{}", r#"{"title":"","sql":"SELECT 1"}"#, r#"{"title":"a","sql":""}"#, &long, r#"{"title":"a","sql":"b","params":[]}"#]
    {
        assert_eq!(
            site.send("POST", "/api/v1/saved-queries", &[], body.to_owned()).await.status,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
    let huge = json!({"title": "a", "sql": "x".repeat(2 << 20)}).to_string();
    assert_eq!(site.send("POST", "/api/v1/saved-queries", &[], huge).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(site.fake.documents.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_link_leads_into_the_app_and_nowhere_else() {
    let site = Site::new();
    let link = |path: &str| json!({"path": path}).to_string();
    let first = site.send("POST", "/api/v1/links", &[], link("/query?q=1#x")).await.json();
    let again = site.send("POST", "/api/v1/links", &[], link("/query?q=1#x")).await.json();
    assert_eq!(first, again);
    let id = first["id"].as_str().unwrap();
    assert_eq!(first["url"], format!("/s/{id}"));
    assert_eq!(site.get(&format!("/api/v1/links/{id}")).await.json(), json!({"path": "/query?q=1#x"}));
    assert_eq!(site.get(&format!("/s/{id}")).await.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(site.get("/api/v1/links/gone").await.status, StatusCode::NOT_FOUND);
    for path in ["", "query", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb"] {
        assert_eq!(site.send("POST", "/api/v1/links", &[], link(path)).await.status, StatusCode::BAD_REQUEST, "{path:?}");
    }
}

#[tokio::test]
async fn a_draft_is_any_json_up_to_a_mebibyte() {
    let site = Site::new();
    let path = "/api/v1/drafts/wizard-1";
    assert_eq!(site.get(path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.send("PUT", path, &[], "[1,{\"a\":null}]").await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.get(path).await.json(), json!([1, {"a": null}]));
    assert_eq!(site.send("PUT", path, &[], format!("\"{}\"", "x".repeat(1 << 20))).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(site.send("PUT", path, &[], "{").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.send("PUT", "/api/v1/drafts/a%20b", &[], "1").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.send("DELETE", path, &[], "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(site.send("DELETE", path, &[], "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_checklist_begins_empty_and_is_kept() {
    let site = Site::new();
    assert_eq!(site.get("/api/v1/checklist").await.json(), json!({"done": [], "dismissed": false}));
    site.send("PUT", "/api/v1/checklist", &[], r#"{"done":["see"],"dismissed":true}"#).await;
    assert_eq!(site.get("/api/v1/checklist").await.json(), json!({"done": ["see"], "dismissed": true}));
    assert_eq!(site.send("PUT", "/api/v1/checklist", &[], r#"{"done":"see"}"#).await.status, StatusCode::BAD_REQUEST);
    let many = json!({"done": vec!["x"; 51]}).to_string();
    assert_eq!(site.send("PUT", "/api/v1/checklist", &[], many).await.status, StatusCode::BAD_REQUEST);
}
