//! The description and the router name the same routes, and unknown ones are told so.

use super::{NOW, Site};
use crate::routes::routes;
use axum::http::StatusCode;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_description_names_every_route_and_no_other() {
    let description: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let described: BTreeSet<(String, String)> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone())))
        .collect();
    let routed: BTreeSet<(String, String)> =
        routes().into_iter().map(|(method, path, _)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(described, routed);
}

#[tokio::test]
async fn every_route_answers() {
    let site = Site::new();
    for (method, path, _) in routes().into_iter().filter(|(_, path, _)| !path.ends_with("/tail")) {
        let path = path.replace("{name}", "orders").replace("{id}", "q1").replace("{partition}", "p");
        let reply = site.send(method, &path, &[], "SELECT 1").await;
        // Some need a body, or something that is not there: they say so themselves.
        assert!(
            reply.status.is_success() || !reply.json()["message"].as_str().unwrap().contains("nothing at"),
            "{method} {path}"
        );
        assert!(!reply.header("x-request-id").is_empty());
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_told_so() {
    let site = Site::new();
    let reply = site.get("/api/v2/query").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
    let reply = site.get("/api/v1/query").await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.json()["message"], "/api/v1/query does not take GET");
    assert_eq!(reply.json()["request_id"], reply.header("x-request-id"));
}

#[tokio::test]
async fn the_app_answers_at_every_address_that_is_no_route() {
    let site = Site::new();
    for path in ["/", "/query/some-id?tab=1", "/s/abc", "/apis", "/v1x"] {
        let reply = site.get(path).await;
        assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"), "{path}");
        assert_eq!(reply.header("cache-control"), "no-cache");
    }
    for path in ["/assets/gone-1a2b.js", "/api/v1/nothing", "/v1/nothing", "/metrics/x"] {
        assert_eq!(site.get(path).await.json()["code"], "not_found", "{path}");
    }
    let reply = site.send("POST", "/query", &[], "").await;
    assert_eq!((reply.status, reply.json()["code"].as_str()), (StatusCode::METHOD_NOT_ALLOWED, Some("invalid")));
}

#[tokio::test]
async fn the_page_carries_a_nonce_of_its_own_and_loads_nothing_from_elsewhere() {
    let site = Site::new();
    let (first, second) = (site.get("/").await, site.get("/").await);
    let policy = first.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert!(policy.starts_with(&format!("default-src 'self'; style-src 'self' 'nonce-{nonce}'; ")), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"));
    assert!(first.text().contains(&format!("nonce=\"{nonce}\"")) && !first.text().contains("__CSP_NONCE__"));
    assert_ne!(policy, second.header("content-security-policy"));
    assert!(!first.text().contains("src=\"http") && !first.text().contains("https://"));
}

#[tokio::test]
async fn metrics_show_requests_and_the_process() {
    let site = Site::new();
    site.sql("SELECT 1", "json").await;
    let reply = site.get("/metrics").await;
    assert!(
        reply.text().contains(r#"helios_http_requests_total{method="POST",route="/api/v1/query",status="200"} 1"#),
        "{}",
        reply.text()
    );
    assert!(reply.text().contains("\nprocess_resident_memory_bytes ") && reply.text().contains("\nprocess_cpu_seconds_total "));
    let started: Vec<_> = reply.text().lines().filter(|line| line.starts_with("process_start_time_seconds ")).collect();
    assert_eq!(started, [format!("process_start_time_seconds {}", NOW.0 as f64 / 1e6)]);
}
