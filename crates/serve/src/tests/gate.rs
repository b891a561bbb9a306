//! Who is let in, and how everybody is answered.

use super::Site;
use crate::{Config, TokenHash};
use axum::http::StatusCode;

fn with_token() -> Site {
    Site::with(Config { token_sha256: Some(TokenHash::of("s3cret")), allowed_hosts: None, ..Config::default() })
}

#[tokio::test]
async fn a_token_opens_everything_and_the_probes_and_the_page_need_none() {
    let site = with_token();
    for path in ["/healthz", "/readyz", "/", "/query/some?q=1", "/apis"] {
        assert_eq!(site.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/metrics", "/api/v1/streams", "/api/v1/openapi.json", "/api/nowhere", "/v1"] {
        let reply = site.get(path).await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (StatusCode::UNAUTHORIZED, "Bearer"), "{path}");
        assert_eq!(reply.json()["code"], "unauthorized");
    }
    for (header, status) in
        [("Bearer s3cret", 200), ("bearer s3cret", 200), ("Bearer wrong", 401), ("Basic s3cret", 401), ("s3cret", 401)]
    {
        let reply = site.send("GET", "/api/v1/streams", &[("authorization", header)], "").await;
        assert_eq!(reply.status.as_u16(), status, "{header}");
    }
}

#[test]
fn token_hashes_read_back() {
    let hash = TokenHash::of("s3cret");
    assert_eq!(TokenHash::try_from(hash.to_string()).unwrap(), hash);
    assert!(TokenHash::try_from("zz".repeat(32)).is_err());
    assert!(TokenHash::try_from("ab".repeat(31)).is_err());
    assert!(TokenHash::try_from("ab".repeat(33)).is_err());
}

#[tokio::test]
async fn a_request_addressed_to_another_host_is_refused() {
    let site = Site::new();
    for (host, status) in [
        ("localhost", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:4321", 200),
        ("LOCALHOST:1", 200),
        ("evil.example:4321", 403),
        ("", 403),
        ("localhost.evil.example", 403),
    ] {
        let reply = site.send("GET", "/healthz", &[("host", host)], "").await;
        assert_eq!(reply.status.as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_cannot_ask_a_server_without_token() {
    let site = Site::new();
    let from = |origin| [("origin", origin), ("content-type", "text/plain")];
    assert_eq!(site.send("POST", "/api/v1/query", &from("http://localhost:4321"), "SELECT 1").await.status, StatusCode::OK);
    for origin in ["https://evil.example", "http://localhost:8080", "null"] {
        let reply = site.send("POST", "/api/v1/query", &from(origin), "DROP STREAM orders").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{origin}");
    }
    assert_eq!(site.fake.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_given_request_id_is_kept_and_others_differ() {
    let site = Site::new();
    assert_eq!(site.send("GET", "/healthz", &[("x-request-id", "abc")], "").await.header("x-request-id"), "abc");
    let (first, second) = (site.get("/healthz").await, site.get("/healthz").await);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}
