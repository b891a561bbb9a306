//! The description and the router name the same routes, and unknown ones are told so.

use super::Site;
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
        assert!(reply.status.is_success(), "{method} {path}: {} {}", reply.status, reply.text());
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
async fn the_page_loads_nothing_from_elsewhere() {
    let reply = Site::new().get("/").await;
    assert!(reply.header("content-security-policy").starts_with("default-src 'self'"));
    assert!(!reply.text().contains("http://") && !reply.text().contains("https://") && !reply.text().contains("style="));
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
}
