//! Documents: kept over a restart, listed newest first, gone when they expire, never without bound.

use super::world::*;
use helios_contract::clock::Timestamp;
use helios_contract::documents::{Document, DocumentKind, Documents, Page};
use helios_contract::error::Kind;
use serde_json::json;
use std::time::Duration;

fn document(id: &str, at: i64, text: &str) -> Document {
    Document { id: id.to_owned(), at: Timestamp(at), expires_at: None, text: text.to_owned(), body: json!({"sql": text}) }
}

async fn ids(lake: &crate::Lake, page: Page) -> Vec<String> {
    lake.list(DocumentKind::History, page).await.unwrap().into_iter().map(|document| document.id).collect()
}

#[tokio::test]
async fn a_document_outlives_a_restart_and_kinds_do_not_mix() {
    let world = World::new();
    let lake = world.open().await;
    let kept = Document { body: json!({"n": 9_007_199_254_740_993_i64, "s": "a\u{0}\"b\n"}), ..document("a", 1, "x") };
    lake.put(DocumentKind::Draft, kept.clone()).await.unwrap();
    lake.close().await.unwrap();
    drop(lake);
    let lake = world.open().await;
    assert_eq!(lake.get(DocumentKind::Draft, "a").await.unwrap(), Some(kept));
    assert_eq!(lake.get(DocumentKind::Link, "a").await.unwrap(), None);
    assert!(lake.delete(DocumentKind::Draft, "a").await.unwrap());
    assert!(!lake.delete(DocumentKind::Draft, "a").await.unwrap());
    assert_eq!(lake.get(DocumentKind::Draft, "a").await.unwrap(), None);
}

#[tokio::test]
async fn lists_go_on_where_they_ended_and_find_text() {
    let world = World::new();
    let lake = world.open().await;
    for (id, at, text) in [("a", 1, "SELECT 1"), ("b", 2, "select 100%"), ("c", 2, "SHOW STREAMS")] {
        lake.put(DocumentKind::History, document(id, at, text)).await.unwrap();
    }
    let page = |after: Option<&str>, containing: Option<&str>, limit| Page {
        after: after.map(str::to_owned),
        containing: containing.map(str::to_owned),
        limit,
    };
    assert_eq!(ids(&lake, page(None, None, 2)).await, ["c", "b"]);
    assert_eq!(ids(&lake, page(Some("b"), None, 2)).await, ["a"]);
    assert_eq!(ids(&lake, page(None, Some("Select"), 9)).await, ["b", "a"]);
    assert_eq!(ids(&lake, page(None, Some("0%"), 9)).await, ["b"]);
    assert!(ids(&lake, page(Some("gone"), None, 9)).await.is_empty());
}

#[tokio::test]
async fn what_expired_is_not_seen_and_the_next_one_sweeps_it() {
    let world = World::new();
    let lake = world.open().await;
    let expires_at = Some(Timestamp(100 * DAY).plus(Duration::from_secs(60)));
    lake.put(DocumentKind::History, Document { expires_at, ..document("a", 1, "x") }).await.unwrap();
    assert!(lake.get(DocumentKind::History, "a").await.unwrap().is_some());
    world.advance(Duration::from_secs(60));
    assert!(lake.get(DocumentKind::History, "a").await.unwrap().is_none());
    assert!(ids(&lake, Page { limit: 9, ..Page::default() }).await.is_empty());
    lake.put(DocumentKind::History, document("b", 2, "x")).await.unwrap();
    let conn = rusqlite::Connection::open(world.dir.path().join("catalog.sqlite")).unwrap();
    let n: i64 = conn.query_row("SELECT count(*) FROM documents", [], |row| row.get(0)).unwrap();
    assert_eq!(n, 1);
}

#[tokio::test]
async fn the_oldest_make_room_where_they_may_and_else_one_more_is_refused() {
    let world = World::new();
    let lake = world.open().await;
    let conn = rusqlite::Connection::open(world.dir.path().join("catalog.sqlite")).unwrap();
    let fill = |kind: DocumentKind| {
        let (n_max, _) = kind.bound();
        let insert = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
                      INSERT INTO documents SELECT ?1, 'd' || i, i, NULL, '', '{}' FROM n";
        conn.execute(insert, rusqlite::params![kind.as_str(), n_max as i64]).unwrap();
    };
    fill(DocumentKind::Draft);
    lake.put(DocumentKind::Draft, document("new", 5_000, "")).await.unwrap();
    assert!(lake.get(DocumentKind::Draft, "d1").await.unwrap().is_none());
    assert!(lake.get(DocumentKind::Draft, "d2").await.unwrap().is_some());
    fill(DocumentKind::SavedQuery);
    let error = lake.put(DocumentKind::SavedQuery, document("new", 5_000, "")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Exhausted);
    assert!(lake.get(DocumentKind::SavedQuery, "new").await.unwrap().is_none());
    lake.put(DocumentKind::SavedQuery, document("d7", 5_000, "changed")).await.unwrap();
}
