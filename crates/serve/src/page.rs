//! The small page at `/`, and the description of the routes.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::response::IntoResponse;

const SECURITY_POLICY: &str =
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// `GET /`
pub(crate) async fn index() -> impl IntoResponse {
    asset("text/html; charset=utf-8", include_str!("page/index.html"))
}

/// `GET /app.css`
pub(crate) async fn css() -> impl IntoResponse {
    asset("text/css; charset=utf-8", include_str!("page/app.css"))
}

/// `GET /app.js`
pub(crate) async fn js() -> impl IntoResponse {
    asset("text/javascript; charset=utf-8", include_str!("page/app.js"))
}

/// `GET /api/v1/openapi.json`
pub(crate) async fn openapi() -> impl IntoResponse {
    asset("application/json", include_str!("openapi.json"))
}

fn asset(media_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, SECURITY_POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}
