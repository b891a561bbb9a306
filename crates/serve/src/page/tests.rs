//! Which form of a file a client gets, and what it may keep.

use super::*;

const FILE: AppFile = AppFile {
    path: "/assets/app-1.js",
    media_type: "text/javascript; charset=utf-8",
    etag: "\"0123\"",
    raw: b"raw",
    br: Some(b"br"),
    gz: Some(b"gz"),
};

fn asked(name: &'static str, value: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(axum::http::HeaderName::from_static(name), HeaderValue::from_static(value))])
}

#[test]
fn the_smallest_form_the_client_reads() {
    let given = |accepted| form(&FILE, &asked("accept-encoding", accepted)).0;
    assert_eq!(given("gzip, deflate, br, zstd"), Some("br"));
    assert_eq!(given("gzip;q=1.0, br;q=0"), Some("gzip"));
    assert_eq!(given("identity"), None);
    assert_eq!(given(""), None);
    assert_eq!(form(&AppFile { br: None, gz: None, ..FILE }, &asked("accept-encoding", "br, gzip")), (None, &b"raw"[..]));
}

#[test]
fn hashed_files_are_kept_for_ever_and_others_asked_for_again() {
    let response = asset(&FILE, &HeaderMap::new());
    assert_eq!((response.status(), &response.headers()[CACHE_CONTROL]), (StatusCode::OK, &HeaderValue::from_static(FOR_EVER)));
    let response = asset(&AppFile { path: "/favicon.svg", ..FILE }, &asked("if-none-match", "\"9\", W/\"0123\""));
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
    assert_eq!(asset(&FILE, &asked("if-none-match", "\"0124\"")).status(), StatusCode::OK);
}

#[test]
fn every_built_file_has_a_path_and_only_forms_that_differ() {
    for file in APP {
        assert!(file.path.starts_with('/') && !file.path.ends_with(".br") && !file.path.ends_with(".gz"), "{}", file.path);
        assert!(file.br.is_none_or(|br| br != file.raw), "{}", file.path);
    }
}
