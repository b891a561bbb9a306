//! Tails: from where, how many, and how they end.

use super::{NOW, Site, orders, schema};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use helios_contract::commit::CommitId;
use helios_contract::store::Slice;
use http_body_util::BodyExt;
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;

fn slice(commit: i64) -> Slice {
    let mut fields: Vec<Arc<Field>> = schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("_partition", DataType::Utf8, true)));
    fields.push(Arc::new(Field::new("_commit", DataType::Int64, true)));
    let mut columns: Vec<ArrayRef> = orders().columns().to_vec();
    columns.push(Arc::new(StringArray::from(vec!["0", "0"])));
    columns.push(Arc::new(Int64Array::from(vec![commit, commit])));
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    Slice { commit: CommitId(commit), committed_at: NOW, rows }
}

async fn open(site: &Site, path: &str) -> Body {
    let request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
    let response = site.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.into_body()
}

async fn piece(body: &mut Body) -> String {
    let frame = body.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn starts_now_and_follows_commits() {
    let site = Site::new();
    site.fake.slices.lock().unwrap().push(slice(1));
    let mut body = open(&site, "/api/v1/streams/orders/tail").await;
    site.fake.slices.lock().unwrap().push(slice(2));
    site.fake.committed.notify_one();
    let text = piece(&mut body).await;
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((text.lines().count(), &first["_commit"], &first["price"]), (2, &2.into(), &"12.30".into()));
    assert!(first.get("_partition").is_none());
}

#[tokio::test]
async fn ends_at_the_limit() {
    let site = Site::new();
    site.fake.slices.lock().unwrap().extend([slice(1), slice(2), slice(3)]);
    let reply = site.get("/api/v1/streams/orders/tail?after=1&limit=3").await;
    let commits: Vec<Value> =
        reply.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["_commit"].clone()).collect();
    assert_eq!((commits, reply.aborted), (vec![2.into(), 2.into(), 3.into()], false));
    assert_eq!(site.get("/api/v1/streams/orders/tail?limit=0").await.text(), "");
}

#[tokio::test]
async fn a_dropped_stream_ends_the_tail_with_the_reason() {
    let site = Site::new();
    site.fake.committed.notify_one();
    let reply = site.get("/api/v1/streams/orders/tail").await;
    assert!(reply.aborted);
    assert_eq!(reply.json()["error"]["code"], "not_found");
}

#[tokio::test]
async fn unknown_streams_and_odd_words_are_refused() {
    let site = Site::new();
    assert_eq!(site.get("/api/v1/streams/nothing/tail").await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get("/api/v1/streams/a%2Fb/tail").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.get("/api/v1/streams/a%ffb/tail").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.get("/api/v1/streams/orders/tail?after=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_work() {
    let site = Site::new();
    let body = open(&site, "/api/v1/streams/orders/tail").await;
    drop(body);
    while Arc::strong_count(&site.fake) > 13 + 1 {
        tokio::task::yield_now().await;
    }
}
