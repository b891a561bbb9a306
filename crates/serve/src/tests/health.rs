//! What counts as healthy and ready, and what the lists show.

use super::{NOW, Site, stream};
use axum::http::StatusCode;
use helios_contract::error::Error;
use helios_contract::store::Verified;
use helios_contract::stream::{SourceKind, StreamState, StreamStatus};
use helios_contract::{StreamName, Timestamp};
use std::time::Duration;

fn status(state: StreamState, lag: u64, committed_ago_s: u64) -> StreamStatus {
    StreamStatus {
        name: StreamName::new("orders").unwrap(),
        source: SourceKind::Kafka,
        state,
        since: Timestamp(0),
        cause: String::new(),
        message: String::new(),
        hint: String::new(),
        n_received: 10,
        last_commit: None,
        last_commit_at: Some(NOW.minus(Duration::from_secs(committed_ago_s))),
        lag: vec![("0".to_owned(), 0), ("1".to_owned(), lag)],
        n_late: 0,
        behind: Vec::new(),
        watermarks: Vec::new(),
    }
}

#[tokio::test]
async fn health_follows_progress() {
    use StreamState::{CatchingUp, Degraded, Failed, Paused, Running};
    let cases = [
        (status(Running, 0, 3600), 200, None),
        (status(Running, 5, 30), 200, None),
        (status(Running, 5, 31), 503, Some("stalled")),
        (status(CatchingUp, 5, 31), 503, Some("stalled")),
        (status(Paused, 5, 3600), 200, None),
        (status(Degraded, 0, 3600), 200, Some("degraded")),
        (status(Degraded, 5, 3600), 503, Some("stalled")),
        (status(Failed, 0, 0), 503, Some("failed")),
        (StreamStatus { since: NOW, ..status(Running, 5, 3600) }, 200, None),
    ];
    for (status, code, finding) in cases {
        let site = Site::new();
        site.fake.status.lock().unwrap().push(status.clone());
        let reply = site.get("/healthz").await;
        assert_eq!(reply.status.as_u16(), code, "{status:?}");
        assert_eq!(reply.json()["streams"][0]["finding"].as_str(), finding, "{status:?}");
        assert_eq!(reply.json()["status"], if code == 200 { "ok" } else { "failing" });
    }
}

#[tokio::test]
async fn ready_once_every_stream_has_started_and_the_engine_answers() {
    let site = Site::new();
    site.fake.streams.lock().unwrap().push(stream());
    let reply = site.get("/readyz").await;
    assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(reply.json()["message"], "the stream orders has not started yet");
    site.fake.status.lock().unwrap().push(status(StreamState::Running, 0, 0));
    assert_eq!(site.get("/readyz").await.status, StatusCode::OK);
    site.fake.answers.lock().unwrap().push_back(Err(Error::internal("planner is upset")));
    assert_eq!(site.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn streams_are_listed() {
    let site = Site::new();
    site.fake.status.lock().unwrap().push(status(StreamState::CatchingUp, 5, 1));
    let listed = site.get("/api/v1/streams").await.json();
    assert_eq!(listed["streams"][0]["name"], "orders");
    assert_eq!(listed["streams"][0]["state"], "catching_up");
    assert_eq!(listed["streams"][0]["lag"]["1"], 5);
    assert_eq!(listed["now"], "2023-11-14T22:13:20.000000Z");
}

#[tokio::test]
async fn verify_tells_problems() {
    let site = Site::new();
    assert_eq!(site.get("/api/v1/verify").await.json()["ok"], true);
    let found = Verified {
        stream: StreamName::new("orders").unwrap(),
        partition: "0".to_owned(),
        received: 2,
        stored: 2,
        expired: 0,
        counted: 1,
        quarantined: 0,
        quarantine_counted: 0,
        filtered: 0,
        deduplicated: 0,
        lost: 0,
        problem: "one row is missing".to_owned(),
    };
    site.fake.verified.lock().unwrap().push(found);
    let reply = site.get("/api/v1/verify?stream=orders").await.json();
    assert_eq!((&reply["ok"], &reply["partitions"][0]["problem"]), (&false.into(), &"one row is missing".into()));
    assert_eq!(site.get("/api/v1/verify?stream=Bad-Name").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.get("/api/v1/verify?strem=orders").await.status, StatusCode::BAD_REQUEST);
}
