//! Opening: one process at a time, and never a guess about what is on disk.

use super::world::*;
use crate::open;
use helios_contract::error::Kind;
use helios_contract::store::{Catalog, TableStore, Verify, Version};
use helios_contract::stream::SourceKind;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use std::sync::Arc;

#[tokio::test]
async fn a_second_opener_is_refused_and_told_who_holds_it() {
    let world = World::new();
    let lake = world.open().await;
    let error = open(world.config.clone(), world.parts()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().ends_with(&format!("is in use by process {}", std::process::id())), "{error}");
    lake.close().await.unwrap();
    world.open().await;
}

#[tokio::test]
async fn a_newer_catalog_is_refused() {
    let world = World::new();
    world.open().await.close().await.unwrap();
    let conn = rusqlite::Connection::open(world.dir.path().join("catalog.sqlite")).unwrap();
    conn.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(conn);
    let error = open(world.config.clone(), world.parts()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Invalid);
    assert!(error.message().contains("was written by a newer Helios"), "{error}");
}

#[tokio::test]
async fn something_else_under_the_name_of_the_catalog_is_corrupt() {
    let world = World::new();
    std::fs::write(world.dir.path().join("catalog.sqlite"), "this is not a database, whatever its name says").unwrap();
    let error = open(world.config.clone(), world.parts()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Corrupt);
}

#[tokio::test]
async fn data_files_without_a_catalog_are_not_started_over() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    fill(&lake, &stream, 0, 10, 10).await;
    lake.compact().await.unwrap();
    lake.close().await.unwrap();
    drop(lake);
    std::fs::remove_file(world.dir.path().join("catalog.sqlite")).unwrap();
    let error = open(world.config.clone(), world.parts()).await.err().unwrap();
    assert_eq!(error.kind(), Kind::Corrupt);
    assert!(error.hint_text().unwrap().contains("helios catalog rebuild"));
}

#[tokio::test]
async fn a_local_folder_is_synced_and_read_back() {
    let mut world = World::new();
    let data = world.dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    world.config.local_data_dir = Some(data.clone());
    let mut parts = world.parts();
    parts.store = Arc::new(object_store::local::LocalFileSystem::new_with_prefix(&data).unwrap());
    let lake = open(world.config.clone(), parts).await.unwrap();
    let stream = stream(&lake).await;
    fill(&lake, &stream, 0, 40, 10).await;
    lake.compact().await.unwrap();
    assert_eq!(latest(&lake).await, (0..40).collect::<Vec<_>>());
    let snapshot = lake.snapshot(&name(), Version::Latest).await.unwrap();
    for file in &snapshot.files {
        assert_eq!(std::fs::metadata(data.join(&file.path)).unwrap().len(), file.size_bytes);
    }
}

#[tokio::test]
async fn a_dropped_name_can_be_used_again_and_starts_empty() {
    let world = World::new();
    let lake = world.open().await;
    let first = stream(&lake).await;
    fill(&lake, &first, 0, 10, 10).await;
    assert_eq!(lake.create(definition(SourceKind::Demo)).await.unwrap_err().kind(), Kind::Conflict);
    lake.remove(&name()).await.unwrap();
    assert_eq!(lake.snapshot(&name(), Version::Latest).await.unwrap_err().kind(), Kind::NotFound);
    let second = stream(&lake).await;
    assert!(second.id > first.id);
    assert!(latest(&lake).await.is_empty() && lake.offsets(second.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn versions_are_found_by_number_and_by_time() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    use helios_contract::clock::Clock;
    let before = world.clock.now();
    let mut ids = Vec::new();
    for first in [0, 10, 20] {
        world.advance(std::time::Duration::from_secs(60));
        ids.extend(fill(&lake, &stream, first, first + 10, 10).await);
    }
    let after = |seconds| Version::Time(before.plus(std::time::Duration::from_secs(seconds)));
    assert_eq!(values(&lake, after(0)).await.len(), 0);
    assert_eq!(values(&lake, after(60)).await.len(), 10);
    assert_eq!(values(&lake, after(179)).await.len(), 20);
    assert_eq!(values(&lake, after(1_000)).await.len(), 30);
    assert_eq!(values(&lake, Version::Commit(ids[1])).await.len(), 20);
    let future = helios_contract::commit::CommitId(ids[2].0 + 1);
    assert_eq!(lake.snapshot(&name(), Version::Commit(future)).await.unwrap_err().kind(), Kind::Invalid);
}

#[tokio::test]
async fn verification_finds_a_missing_file_and_a_tampered_ledger() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 100))).await.unwrap();
    lake.compact().await.unwrap();
    assert!(problems(&lake).await.is_empty());
    let conn = rusqlite::Connection::open(world.dir.path().join("catalog.sqlite")).unwrap();
    conn.execute("UPDATE ledger SET stored = stored + 1", []).unwrap();
    let found = problems(&lake).await;
    assert!(found[0].contains("do not balance") && found[0].contains("100 rows are there, the ledger says 101"), "{found:?}");
    conn.execute("UPDATE ledger SET stored = stored - 1", []).unwrap();
    conn.execute("DELETE FROM quarantine", []).unwrap();
    assert_eq!(problems(&lake).await, ["0 quarantined records are there, the ledger says 1"]);
    let path = world.paths().await.remove(0);
    world.store.delete(&Path::from(path.as_str())).await.unwrap();
    let found = problems(&lake).await;
    assert!(found[0].contains(&path) && found[0].contains("cannot be read"), "{found:?}");
    assert_eq!(lake.verify(Some(&name())).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_catalog_is_readable_as_system_tables() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 100))).await.unwrap();
    fill(&lake, &stream, 100, 300, 100).await;
    lake.compact().await.unwrap();
    let mut n_rows = Vec::new();
    for table in lake.system_tables() {
        let rows = table.rows(None).await.unwrap();
        assert_eq!(rows.schema(), table.schema());
        n_rows.push((table.name(), rows.num_rows(), table.rows(Some(1)).await.unwrap().num_rows()));
    }
    let expected = [
        ("commits", 3, 1),
        ("ledger", 3, 1),
        ("quarantine", 1, 1),
        ("quarantine_classes", 1, 1),
        ("schema_events", 0, 0),
        ("files", 2, 1),
    ];
    assert_eq!(n_rows, expected);
}

#[tokio::test]
async fn old_history_is_folded_and_still_adds_up() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    fill(&lake, &stream, 0, 100, 10).await;
    lake.compact().await.unwrap();
    fill(&lake, &stream, 100, 150, 10).await;
    let before = (latest(&lake).await, lake.verify(None).await.unwrap());
    let n_commits = async || lake.system_tables()[0].rows(None).await.unwrap().num_rows();
    lake.retain().await.unwrap();
    assert_eq!(n_commits().await, 15);
    world.advance(std::time::Duration::from_secs(25 * 3600));
    lake.retain().await.unwrap();
    assert_eq!(n_commits().await, 6);
    assert_eq!((latest(&lake).await, lake.verify(None).await.unwrap()), before);
    assert_eq!(values(&lake, Version::Commit(helios_contract::commit::CommitId(3))).await.len(), 30);
}
