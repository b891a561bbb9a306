//! What Firehose and Lambda send, and what they are answered.

use super::{NOW, Site};
use crate::{Config, TokenHash};
use axum::http::StatusCode;
use helios_contract::{Error, Timestamp};
use serde_json::json;

const FIREHOSE: &str = "/v1/streams/orders/firehose";
const LAMBDA: &str = "/v1/streams/orders/lambda";
const ID: &str = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f";

fn delivery() -> String {
    // {"id":1} and {"id":2}
    json!({"requestId": ID, "timestamp": 1_578_090_901_599_i64, "records": [{"data": "eyJpZCI6MX0="}, {"data": "eyJpZCI6Mn0="}]})
        .to_string()
}

fn event() -> String {
    let record = |id: &str, data: &str| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": "k", "sequenceNumber": id, "data": data,
                "approximateArrivalTimestamp": 1_545_084_650.987,
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventName": "aws:kinesis:record",
            "eventID": format!("shardId-000000000006:{id}"),
        })
    };
    json!({"Records": [record("49590338271490256608559692538361571095921575989136588898", "eyJpZCI6MX0="), record("4959", "AA==")]})
        .to_string()
}

#[tokio::test]
async fn a_delivery_is_answered_with_its_request_id() {
    let site = Site::new();
    let reply = site.send("POST", FIREHOSE, &[("x-amz-firehose-request-id", ID)], delivery()).await;
    assert_eq!(reply.json(), json!({"requestId": ID, "timestamp": NOW.0 / 1_000}), "{}", reply.text());
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "application/json"));
    let pushes = site.fake.pushes.lock().unwrap();
    let payloads: Vec<_> = pushes[0].records.iter().flatten().map(|record| record.payload.clone()).collect();
    assert_eq!(payloads, [&b"{\"id\":1}"[..], b"{\"id\":2}"]);
    assert_eq!(pushes[0].idempotency_key.as_deref(), Some(format!("firehose {ID}").as_str()));
}

#[tokio::test]
async fn a_refused_delivery_says_so_the_way_firehose_reads_it() {
    let site = Site::new();
    *site.fake.push_error.lock().unwrap() = Some(Error::unavailable("the disk is full").hint("Make room."));
    let reply = site.send("POST", FIREHOSE, &[("x-amz-firehose-request-id", ID)], delivery()).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let said = reply.json();
    assert_eq!((said["requestId"].as_str(), said["timestamp"].as_i64()), (Some(ID), Some(NOW.0 / 1_000)));
    assert_eq!(said["errorMessage"], "the disk is full. Make room.");
    let other = [("x-amz-firehose-request-id", "other")];
    for body in [delivery(), "{}".to_owned(), json!({"requestId": "other", "records": [{"data": "?"}]}).to_string()] {
        assert_eq!(site.send("POST", FIREHOSE, &other, body).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn the_access_key_of_a_delivery_is_the_token() {
    let site = Site::with(Config { token_sha256: Some(TokenHash::of("hunter2")), ..Config::default() });
    let with = |key: &'static str| [("x-amz-firehose-request-id", ID), ("x-amz-firehose-access-key", key)];
    assert_eq!(site.send("POST", FIREHOSE, &with("hunter2"), delivery()).await.status, StatusCode::OK);
    let reply = site.send("POST", FIREHOSE, &with("wrong"), delivery()).await;
    assert_eq!((reply.status, reply.json()["requestId"].as_str()), (StatusCode::UNAUTHORIZED, Some(ID)));
    assert!(reply.json()["errorMessage"].as_str().unwrap().contains("token"), "{}", reply.text());
    // Nowhere else does the header open a door.
    let elsewhere = site.send("POST", "/v1/streams/orders/records", &with("hunter2"), "{}").await;
    assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_lambda_event_brings_keys_and_times() {
    let site = Site::new();
    let reply = site.send("POST", LAMBDA, &[], event()).await;
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, json!({"batchItemFailures": []})));
    let pushes = site.fake.pushes.lock().unwrap();
    let records = pushes[0].records.as_ref().unwrap();
    assert_eq!((records[0].key.as_deref(), records[0].time), (Some(&b"k"[..]), Some(Timestamp(1_545_084_650_987_000))));
    assert_eq!((records[0].payload.as_ref(), records[1].payload.as_ref()), (&b"{\"id\":1}"[..], &[0][..]));
    let key = pushes[0].idempotency_key.as_deref().unwrap();
    assert!(key.starts_with("lambda shardId-000000000006:49590338271490256608559692538361571095921575989136588898 "), "{key}");
}

#[tokio::test]
async fn a_batch_that_was_not_stored_comes_again_from_its_first_record() {
    let site = Site::new();
    *site.fake.push_error.lock().unwrap() = Some(Error::exhausted("too many"));
    let reply = site.send("POST", LAMBDA, &[], event()).await;
    let first = "49590338271490256608559692538361571095921575989136588898";
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, json!({"batchItemFailures": [{"itemIdentifier": first}]})));
    *site.fake.push_error.lock().unwrap() = Some(Error::not_found("no such stream"));
    assert_eq!(site.send("POST", LAMBDA, &[], event()).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.send("POST", LAMBDA, &[], "{\"Records\": 1}").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.send("POST", LAMBDA, &[], "{\"Records\": []}").await.json(), json!({"batchItemFailures": []}));
}
