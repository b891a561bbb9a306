//! Pushed records: how they may be sent, and every way they can be refused.

use super::Site;
use crate::Config;
use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures::stream;
use helios_contract::query::BodyFormat;
use helios_contract::{Error, Kind};
use std::io;
use tokio::io::AsyncWriteExt;

const PATH: &str = "/v1/streams/orders/records";
const TWO: &str = "{\"id\":1}\n{\"id\":2}\n";

async fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(text).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

async fn zstd(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZstdEncoder::new(Vec::new());
    encoder.write_all(text).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

#[tokio::test]
async fn the_answer_counts_what_became_of_the_records() {
    let site = Site::new();
    let headers = [("content-type", "text/csv; charset=utf-8"), ("idempotency-key", "k1")];
    let reply = site.send("POST", PATH, &headers, TWO).await;
    assert_eq!(
        reply.text(),
        r#"{"stored":2,"quarantined":0,"deduplicated":0,"filtered":0,"late":0,"commit":7,"repeated":false}"#
    );
    let pushes = site.fake.pushes.lock().unwrap();
    assert_eq!((pushes[0].format, pushes[0].idempotency_key.as_deref()), (BodyFormat::Csv, Some("k1")));
    assert_eq!((pushes[0].at, pushes[0].range.clone()), (super::NOW, None));
}

#[tokio::test]
async fn bodies_are_decompressed() {
    let site = Site::new();
    let mut two_members = gzip(b"{\"id\":1}\n").await;
    two_members.extend(gzip(b"{\"id\":2}\n").await);
    for (encoding, body) in [
        ("identity", TWO.into()),
        ("gzip", gzip(TWO.as_bytes()).await),
        ("GZIP", two_members),
        ("zstd", zstd(TWO.as_bytes()).await),
    ] {
        let reply = site.send("POST", PATH, &[("content-encoding", encoding), ("content-type", "x/odd")], body).await;
        assert_eq!(reply.json()["stored"], 2, "{encoding}: {}", reply.text());
    }
    let pushes = site.fake.pushes.lock().unwrap();
    assert!(pushes.iter().all(|push| push.body == TWO && push.format == BodyFormat::Json));
}

#[tokio::test]
async fn damaged_bodies_say_what_is_wrong() {
    let site = Site::new();
    let whole = gzip(&TWO.as_bytes().repeat(1000)).await;
    let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let cases = [
        ("gzip", cut(&whole), "the gzip body is truncated"),
        ("zstd", cut(&zstd(TWO.as_bytes()).await), "the zstd body is truncated"),
        ("gzip", TWO.into(), "the body is not valid gzip"),
        ("zstd", TWO.into(), "the body is not valid zstd"),
    ];
    for (encoding, body, message) in cases {
        let reply = site.send("POST", PATH, &[("content-encoding", encoding)], body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.json()["message"].as_str().unwrap().starts_with(message), "{}", reply.text());
    }
    let reply = site.send("POST", PATH, &[("content-encoding", "br")], TWO).await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(io::Error::other("connection reset"))]);
    let reply = site.send("POST", PATH, &[], Body::from_stream(broken)).await;
    assert!(reply.json()["message"].as_str().unwrap().starts_with("the body broke off"));
    assert!(site.fake.pushes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn large_bodies_are_refused_however_they_come() {
    let site = Site::with(Config { body_bytes_max: 1 << 20, ..Config::default() });
    let large = vec![b' '; (1 << 20) + 1];
    let announced = [("content-length", "1048577")];
    let compressed = [("content-encoding", "gzip")];
    for (headers, body) in [(&announced[..], "".into()), (&[][..], large.clone()), (&compressed[..], gzip(&large).await)] {
        let reply = site.send("POST", PATH, headers, body).await;
        assert_eq!((reply.status, reply.json()["code"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("exhausted")));
        assert_eq!(reply.json()["message"], "the body is larger than 1 MiB");
    }
    assert_eq!(site.send("POST", PATH, &[], large[1..].to_vec()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_beyond_the_common_budget_are_told_to_come_back() {
    let site = Site::with(Config { inflight_bytes_max: 10, ..Config::default() });
    let reply = site.send("POST", PATH, &[], TWO).await;
    assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(site.send("POST", PATH, &[], "{}").await.status, StatusCode::OK, "a refused body gives its share back");
    assert_eq!(site.send("POST", PATH, &[], "{}").await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_pauses_too_long_is_cut_off() {
    let endless = Body::from_stream(stream::pending::<io::Result<Bytes>>());
    let reply = Site::new().send("POST", PATH, &[], endless).await;
    assert_eq!(reply.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn pressure_and_faults_have_their_status() {
    let cases = [
        (Kind::Invalid, 400, ""),
        (Kind::NotFound, 404, ""),
        (Kind::Exhausted, 429, "1"),
        (Kind::Unavailable, 503, "1"),
        (Kind::Corrupt, 500, ""),
        (Kind::Internal, 500, ""),
    ];
    for (kind, status, retry_after) in cases {
        let site = Site::new();
        *site.fake.push_error.lock().unwrap() = Some(Error::new(kind, "no").hint("Do."));
        let reply = site.send("POST", PATH, &[("x-request-id", "r1")], TWO).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (status, retry_after));
        assert_eq!(reply.text(), format!(r#"{{"code":"{}","message":"no","hint":"Do.","request_id":"r1"}}"#, kind.as_str()));
    }
}

#[tokio::test]
async fn ranges_that_do_not_fit_say_where_helios_stands() {
    let site = Site::new();
    let range = [("helios-partition", "file:abc"), ("helios-from", "0"), ("helios-to", "4096")];
    assert_eq!(site.send("POST", PATH, &range, TWO).await.status, StatusCode::OK);
    *site.fake.push_error.lock().unwrap() = Some(Error::conflict("the range starts at 0"));
    let reply = site.send("POST", PATH, &range, TWO).await;
    assert_eq!((reply.status, &reply.json()["position"]), (StatusCode::CONFLICT, &"4096".into()));
    for incomplete in [&range[..1], &range[1..2], &range[1..]] {
        assert_eq!(site.send("POST", PATH, incomplete, TWO).await.status, StatusCode::BAD_REQUEST);
    }
    let pushed = site.fake.pushes.lock().unwrap()[0].range.clone().unwrap();
    assert_eq!((pushed.partition.as_str(), pushed.from.as_deref(), pushed.to.as_str()), ("file:abc", Some("0"), "4096"));
}

#[tokio::test]
async fn positions_are_told() {
    let site = Site::new();
    assert_eq!(site.get("/v1/streams/orders/positions/file:abc").await.text(), r#"{"position":"4096"}"#);
    assert_eq!(site.get("/v1/streams/orders/positions/file:new").await.text(), r#"{"position":null}"#);
}

#[tokio::test]
async fn stream_names_are_checked() {
    let site = Site::new();
    for name in ["Orders", "a%22b", "a%2Fb", "1a", "system", "%ff"] {
        let reply = site.send("POST", &format!("/v1/streams/{name}/records"), &[], TWO).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{name}");
    }
}
