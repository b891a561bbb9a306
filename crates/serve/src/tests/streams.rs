//! Figures of streams.

use super::{NOW, Site, stream};
use axum::http::StatusCode;
use helios_contract::StreamName;
use helios_contract::stream::{SourceKind, StreamState, StreamStatus};
use serde_json::json;

pub(super) fn status(name: &str) -> StreamStatus {
    StreamStatus {
        name: StreamName::new(name).unwrap(),
        source: SourceKind::Http,
        state: StreamState::Running,
        since: NOW,
        cause: String::new(),
        message: String::new(),
        hint: String::new(),
        n_received: 7,
        last_commit: None,
        last_commit_at: None,
        lag: vec![("0".to_owned(), 0), ("10".to_owned(), 5), ("9".to_owned(), 1)],
        n_late: 0,
        behind: Vec::new(),
        watermarks: Vec::new(),
    }
}

#[tokio::test]
async fn the_list_has_figures_of_each_stream() {
    let site = Site::new();
    site.fake.streams.lock().unwrap().push(stream());
    site.fake.status.lock().unwrap().push(status("orders"));
    let listed = site.get("/api/v1/streams").await.json()["streams"][0].clone();
    assert_eq!((&listed["events_per_s"], &listed["n_rows"]), (&0.0.into(), &0.into()));
    assert_eq!(listed["freshness_ms"], json!({"p50": null, "p95": null, "p99": null}));
    assert_eq!((&listed["n_quarantined"], &listed["retain"]), (&0.into(), &json!(null)));
    assert_eq!(listed["created_at"], NOW.to_string());
}

#[tokio::test]
async fn one_stream_is_told_whole() {
    let site = Site::new();
    site.fake.streams.lock().unwrap().push(stream());
    site.fake.status.lock().unwrap().push(status("orders"));
    let told = site.get("/api/v1/streams/orders").await.json();
    assert!(told["statement"].as_str().unwrap().starts_with("CREATE STREAM orders FROM HTTP"));
    assert_eq!(
        told["partitions"],
        json!([
            {"partition": "0", "position": "17", "lag": 0},
            {"partition": "9", "position": null, "lag": 1},
            {"partition": "10", "position": null, "lag": 5},
        ])
    );
    let stages: Vec<&str> = told["stages"].as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(stages, ["source", "fetched", "decoded", "stored", "queryable"]);
    assert_eq!(site.get("/api/v1/streams/other").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/api/v1/streams/a%20b").await.status, StatusCode::BAD_REQUEST);
}
