//! Looking at a source before it is a stream.

use super::Site;
use axum::http::StatusCode;
use serde_json::{Value, json};

fn about() -> Value {
    json!({"statement": "CREATE STREAM orders FROM KAFKA (brokers = 'b')"})
}

#[tokio::test]
async fn checks_are_told_one_a_line() {
    let reply = Site::new().send("POST", "/api/v1/streams/test", &[], about().to_string()).await;
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = reply.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({"check": "dns", "state": "ok", "ms": 12.0, "message": "told", "hint": ""}));
    assert_eq!((lines.len(), &lines[1]["state"]), (2, &"failed".into()));
}

#[tokio::test]
async fn topics_and_samples_are_shown_as_they_are() {
    let site = Site::new();
    let reply = site.send("POST", "/api/v1/streams/topics", &[], about().to_string()).await.json();
    assert_eq!(reply, json!({"topics": [{"name": "orders", "n_partitions": 3, "n_records": null}]}));
    let reply = site.send("POST", "/api/v1/streams/sample", &[], about().to_string()).await.json();
    assert_eq!((&reply["format"], &reply["why"]), (&"json".into(), &"They are.".into()));
    let first = &reply["records"][0];
    assert_eq!((&first["payload"], &first["encoding"], &first["key"]), (&"{\"id\":1}".into(), &"utf8".into(), &"k".into()));
    assert_eq!((&first["position"], &first["headers"]), (&"17".into(), &json!({"h": null})));
    let second = &reply["records"][1];
    assert_eq!((&second["payload"], &second["encoding"]), (&"/w==".into(), &"base64".into()));
    let mut limited = about();
    limited["limit"] = 1.into();
    let reply = site.send("POST", "/api/v1/streams/sample", &[], limited.to_string()).await.json();
    assert_eq!(reply["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_preview_shows_rows_rejects_and_the_statement() {
    let mut wanted = about();
    wanted["payloads"] = json!(["{\"id\":1}", "{"]);
    let site = Site::new();
    let reply = site.send("POST", "/api/v1/streams/preview", &[], wanted.to_string()).await.json();
    assert_eq!(reply["columns"][0]["type"], "BIGINT");
    assert_eq!((&reply["columns"][0]["seen"], &reply["columns"][0]["examples"]), (&0.5.into(), &json!(["1"])));
    assert_eq!((&reply["rows"][0]["id"], &reply["rows"][0]["price"]), (&"9223372036854775807".into(), &"12.30".into()));
    assert_eq!(reply["rejects"], json!([{"index": 1, "reason": "expected a number", "path": "id"}]));
    assert!(reply["statement"].as_str().unwrap().starts_with("CREATE STREAM orders FROM KAFKA"));
    wanted["encoding"] = "base64".into();
    assert_eq!(site.send("POST", "/api/v1/streams/preview", &[], wanted.to_string()).await.status, StatusCode::BAD_REQUEST);
    wanted["payloads"] = json!(vec!["AA=="; 2_001]);
    assert_eq!(site.send("POST", "/api/v1/streams/preview", &[], wanted.to_string()).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_statements_are_refused() {
    let site = Site::new();
    for what in ["test", "topics", "sample", "preview"] {
        let body = json!({"statement": "SELECT nothing", "payloads": []});
        let body = if what == "preview" { body } else { json!({"statement": "SELECT nothing"}) };
        let reply = site.send("POST", &format!("/api/v1/streams/{what}"), &[], body.to_string()).await;
        assert_eq!((reply.status, reply.json()["code"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid")), "{what}");
    }
}
