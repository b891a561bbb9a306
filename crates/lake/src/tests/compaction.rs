//! Compaction and retention: what can be read stays what it was.

use super::world::*;
use arrow::array::AsArray;
use helios_contract::commit::CommitId;
use helios_contract::error::Kind;
use helios_contract::store::{Catalog, TableStore, Verify, Version};
use helios_contract::stream::SourceKind;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn compaction_keeps_rows_commits_and_old_versions() {
    let mut world = World::new();
    world.config.inline_bytes_max = 3600;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let mut ids = fill(&lake, &stream, 0, 100, 10).await;
    ids.extend(fill(&lake, &stream, 100, 2100, 1000).await);
    ids.extend(fill(&lake, &stream, 2100, 2200, 10).await);
    let before = read(&lake, &lake.snapshot(&name(), Version::Latest).await.unwrap()).await.unwrap();
    let done = lake.compact().await.unwrap();
    assert_eq!((done.n_rows, done.n_replaced), (2200, 2));
    let snapshot = lake.snapshot(&name(), Version::Latest).await.unwrap();
    assert!(snapshot.tail.is_empty() && snapshot.files.iter().all(|file| file.sorted));
    let (mut before, mut after) = (before, read(&lake, &snapshot).await.unwrap());
    before.sort_unstable();
    after.sort_unstable();
    assert_eq!(before, after);
    assert_eq!(values(&lake, Version::Commit(ids[0])).await, (0..10).collect::<Vec<_>>());
    assert_eq!(values(&lake, Version::Commit(ids[10])).await, (0..1100).collect::<Vec<_>>());
    assert!(values(&lake, Version::Commit(CommitId(0))).await.is_empty());
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn files_are_split_by_day_and_sorted() {
    let world = World::new();
    let lake = world.open().await;
    let mut sorted = definition(SourceKind::Demo);
    sorted.order_by = vec!["n".to_owned()];
    let stream = lake.create(sorted).await.unwrap();
    fill(&lake, &stream, 0, 100, 50).await;
    lake.compact().await.unwrap();
    let snapshot = lake.snapshot(&name(), Version::Latest).await.unwrap();
    assert_eq!(snapshot.files.iter().map(|file| file.n_rows).collect::<Vec<_>>(), [90, 10]);
    assert!(snapshot.files[1].path.starts_with("orders.1/1970-04-09/"), "{}", snapshot.files[1].path);
    let read = read(&lake, &snapshot).await.unwrap();
    assert!(read[..90].is_sorted_by_key(|(_, n)| *n) && read[90..].is_sorted_by_key(|(_, n)| *n));
}

#[tokio::test]
async fn many_small_files_become_one() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    for round in 0..8 {
        fill(&lake, &stream, round * 40, round * 40 + 40, 20).await;
        lake.compact().await.unwrap();
    }
    let snapshot = lake.snapshot(&name(), Version::Latest).await.unwrap();
    assert_eq!(snapshot.files.len(), 2);
    assert_eq!(world.paths().await.len(), 2);
    assert_eq!(latest(&lake).await, (0..320).collect::<Vec<_>>());
    let read = read(&lake, &snapshot).await.unwrap();
    assert!(read[..snapshot.files[0].n_rows as usize].is_sorted_by_key(|(_, n)| *n));
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn a_failed_compaction_changes_nothing() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    fill(&lake, &stream, 0, 40, 10).await;
    for point in ["lake.put", "lake.fsync", "lake.compact", "lake.disk_full"] {
        world.faults.arm(point, 1);
        assert_eq!(lake.compact().await.unwrap_err().kind(), Kind::Unavailable, "{point}");
        assert_eq!(latest(&lake).await, (0..40).collect::<Vec<_>>(), "{point}");
    }
    lake.compact().await.unwrap();
    assert_eq!(latest(&lake).await, (0..40).collect::<Vec<_>>());
    assert_eq!(world.paths().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn upkeep_that_fails_is_left_alone_for_longer_and_longer() {
    let mut world = World::new();
    world.config.tail_slices_max = 1;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    fill(&lake, &stream, 0, 10, 10).await;
    // After pauses of 1, 2, 4, 8, 16, 30 and 30 seconds, the eighth try finds the disk well.
    world.faults.arm("lake.put", 7);
    let upkeep = tokio::spawn(Arc::clone(&lake).maintain());
    tokio::time::sleep(Duration::from_secs(90)).await;
    assert!(world.paths().await.is_empty());
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.paths().await.len(), 2);
    upkeep.abort();
}

#[tokio::test]
async fn a_file_stays_while_a_snapshot_holds_it() {
    let mut world = World::new();
    world.config.inline_bytes_max = 64;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(commit(&stream, 0, 100)).await.unwrap();
    let held = lake.snapshot(&name(), Version::Latest).await.unwrap();
    lake.compact().await.unwrap();
    assert_eq!(world.paths().await.len(), 3);
    assert_eq!(read(&lake, &held).await.unwrap().len(), 100);
    lake.remove(&name()).await.unwrap();
    assert_eq!(read(&lake, &held).await.unwrap().len(), 100);
    drop(held);
    lake.compact().await.unwrap();
    assert!(world.paths().await.is_empty());
}

#[tokio::test]
async fn columns_follow_their_ids_through_changes() {
    let mut world = World::new();
    world.config.inline_bytes_max = 3600;
    let lake = world.open().await;
    let first = stream(&lake).await;
    fill(&lake, &first, 0, 10, 10).await;
    fill(&lake, &first, 10, 1010, 1000).await;
    let mut changed = (*first).clone();
    let dropped = changed.definition.columns.remove(0);
    changed.definition.columns.push(helios_contract::column::Column { id: 0, ..dropped });
    let added = lake.replace(changed).await.unwrap();
    assert_eq!(added.definition.columns[1].id, 3);
    for _ in 0..2 {
        let snapshot = lake.snapshot(&name(), Version::Latest).await.unwrap();
        for slice in &snapshot.tail {
            assert_eq!(slice.rows.schema(), snapshot.schema);
            assert_eq!(slice.rows.column_by_name("n").unwrap().null_count(), slice.rows.num_rows());
        }
        let slices = lake.since(&name(), CommitId(0)).await.unwrap();
        let times: usize = slices.iter().map(|slice| slice.rows.column_by_name("ts").unwrap().len()).sum();
        let nulls: usize = slices.iter().map(|slice| slice.rows.column_by_name("n").unwrap().null_count()).sum();
        assert_eq!((times, nulls), (1010, 1010));
        lake.compact().await.unwrap();
    }
    let slices = lake.since(&name(), CommitId(0)).await.unwrap();
    assert!(
        slices.iter().all(|slice| slice
            .rows
            .column_by_name("_partition")
            .unwrap()
            .as_string::<i32>()
            .iter()
            .all(|p| p == Some("0")))
    );
}

#[tokio::test]
async fn retention_removes_whole_files_and_counts_them() {
    let world = World::new();
    let lake = world.open().await;
    let mut kept = definition(SourceKind::Kafka);
    // Event times are one and two days ago.
    kept.retain = Some(Duration::from_secs(36 * 3600));
    let stream = lake.create(kept).await.unwrap();
    lake.commit(with_quarantined(commit(&stream, 0, 100))).await.unwrap();
    assert_eq!(lake.retain().await.unwrap(), 0);
    lake.compact().await.unwrap();
    assert_eq!(lake.retain().await.unwrap(), 10);
    assert_eq!(latest(&lake).await.len(), 90);
    let found = &lake.verify(None).await.unwrap()[0];
    assert_eq!((found.stored, found.expired, found.counted, found.problem.as_str()), (100, 10, 90, ""));
    world.advance(Duration::from_secs(86_400));
    assert_eq!(lake.retain().await.unwrap(), 90);
    let found = &lake.verify(None).await.unwrap()[0];
    assert_eq!((found.expired, found.counted, found.quarantine_counted, found.problem.as_str()), (100, 0, 1, ""));
    assert!(latest(&lake).await.is_empty());
    lake.close().await.unwrap();
    drop(lake);
    crate::rebuild(world.config.clone(), world.parts()).await.unwrap();
    let lake = world.open().await;
    assert_eq!(lake.offsets(stream.id).await.unwrap()["0"], "100");
    assert!(problems(&lake).await.is_empty());
}
