//! Commits: all or nothing, once, and durable before they are visible.

use super::world::*;
use helios_contract::commit::CommitId;
use helios_contract::error::Kind;
use helios_contract::store::{Catalog, Changes, Receipts, TableStore, Version};
use helios_contract::stream::SourceKind;
use std::sync::Arc;

#[tokio::test]
async fn committed_rows_are_seen_and_survive_a_restart() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    fill(&lake, &stream, 0, 30, 10).await;
    assert_eq!(latest(&lake).await, (0..30).collect::<Vec<_>>());
    lake.close().await.unwrap();
    drop(lake);
    let lake = world.open().await;
    assert_eq!(latest(&lake).await, (0..30).collect::<Vec<_>>());
    assert_eq!(lake.offsets(stream.id).await.unwrap()["0"], "30");
    assert_eq!(lake.streams()[0], stream);
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn a_commit_from_stale_positions_is_refused() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(commit(&stream, 0, 10)).await.unwrap();
    let error = lake.commit(commit(&stream, 0, 10)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert_eq!(error.message(), "partition 0 stands at 10, not at nothing");
    assert_eq!(latest(&lake).await.len(), 10);
}

#[tokio::test]
async fn a_conflict_does_not_touch_the_others_of_its_group() {
    let world = World::new();
    let lake = world.open().await;
    let orders = stream(&lake).await;
    let mut other = definition(SourceKind::Http);
    other.name = helios_contract::StreamName::new("clicks").unwrap();
    let clicks = lake.create(other).await.unwrap();
    lake.commit(commit(&orders, 0, 10)).await.unwrap();
    let (stale, fresh) = tokio::join!(lake.commit(commit(&orders, 0, 10)), lake.commit(commit(&clicks, 0, 5)));
    assert_eq!(stale.unwrap_err().kind(), Kind::Conflict);
    fresh.unwrap();
    assert_eq!(lake.offsets(clicks.id).await.unwrap()["0"], "5");
    assert_eq!(lake.offsets(orders.id).await.unwrap()["0"], "10");
}

#[tokio::test]
async fn of_many_at_once_only_one_wins() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let tries = (0..16).map(|_| lake.commit(commit(&stream, 0, 10)));
    let won = futures::future::join_all(tries).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
    assert_eq!(latest(&lake).await.len(), 10);
}

#[tokio::test]
async fn a_ledger_that_does_not_balance_is_refused() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let mut lying = commit(&stream, 0, 10);
    lying.ledger[0].counts.received += 1;
    assert_eq!(lake.commit(lying).await.unwrap_err().kind(), Kind::Internal);
    let mut lying = commit(&stream, 0, 10);
    lying.ledger[0].counts.received += 1;
    lying.ledger[0].counts.stored += 1;
    assert_eq!(lake.commit(lying).await.unwrap_err().kind(), Kind::Internal);
}

#[tokio::test]
async fn rows_decoded_with_an_old_definition_are_refused() {
    let world = World::new();
    let lake = world.open().await;
    let old = stream(&lake).await;
    lake.replace((*old).clone()).await.unwrap();
    assert_eq!(lake.commit(commit(&old, 0, 10)).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(lake.replace((*old).clone()).await.unwrap_err().kind(), Kind::Conflict);
}

#[tokio::test]
async fn a_failed_transaction_commits_nothing_and_can_be_repeated() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    for point in ["lake.commit", "lake.disk_full"] {
        world.faults.arm(point, 1);
        let error = lake.commit(commit(&stream, 0, 10)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{point}");
        assert!(latest(&lake).await.is_empty(), "{point}");
    }
    lake.commit(commit(&stream, 0, 10)).await.unwrap();
    assert_eq!(latest(&lake).await.len(), 10);
}

#[tokio::test]
async fn a_lost_answer_is_a_conflict_when_it_is_repeated() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    world.faults.arm("lake.committed", 1);
    assert_eq!(lake.commit(commit(&stream, 0, 10)).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(lake.commit(commit(&stream, 0, 10)).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(latest(&lake).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_large_commit_goes_to_a_file_first() {
    let mut world = World::new();
    world.config.inline_bytes_max = 64;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    for point in ["lake.put", "lake.fsync", "lake.commit"] {
        world.faults.arm(point, 1);
        assert_eq!(lake.commit(commit(&stream, 0, 100)).await.unwrap_err().kind(), Kind::Unavailable, "{point}");
    }
    lake.commit(commit(&stream, 0, 100)).await.unwrap();
    let snapshot = lake.snapshot(&name(), Version::Latest).await.unwrap();
    assert_eq!((snapshot.files.len(), snapshot.tail.len()), (1, 0));
    assert_eq!(snapshot.files[0].n_rows, 100);
    assert!(snapshot.files[0].ranges.iter().any(|range| (range.field, range.min, range.max) == (1, 0, 99)));
    assert_eq!(latest(&lake).await, (0..100).collect::<Vec<_>>());
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn a_crash_between_file_and_commit_leaves_nothing_behind() {
    let mut world = World::new();
    world.config.inline_bytes_max = 64;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(commit(&stream, 0, 100)).await.unwrap();
    world.faults.arm("lake.fsync", 1);
    lake.commit(commit(&stream, 100, 100)).await.unwrap_err();
    assert_eq!(world.paths().await.len(), 2);
    lake.close().await.unwrap();
    drop(lake);
    let lake = world.open().await;
    assert_eq!(world.paths().await.len(), 1);
    fill(&lake, &stream, 100, 300, 100).await;
    assert_eq!(latest(&lake).await, (0..300).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sweeping_never_takes_a_file_that_is_being_committed() {
    let mut world = World::new();
    world.config.inline_bytes_max = 1;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let committing = {
        let lake = Arc::clone(&lake);
        tokio::spawn(async move {
            fill(&lake, &stream, 0, 300, 1).await;
        })
    };
    while !committing.is_finished() {
        let lake = Arc::clone(&lake);
        tokio::task::spawn_blocking(move || crate::files::sweep(&lake)).await.unwrap().unwrap();
    }
    committing.await.unwrap();
    assert_eq!(world.paths().await.len(), 300);
    assert_eq!(latest(&lake).await, (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn followers_see_every_slice_once_before_and_after_compaction() {
    let mut world = World::new();
    world.config.inline_bytes_max = 4096;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let mut ids = fill(&lake, &stream, 0, 50, 10).await;
    ids.extend(fill(&lake, &stream, 50, 10_050, 5_000).await);
    ids.extend(fill(&lake, &stream, 10_050, 10_100, 10).await);
    for _ in 0..2 {
        let (mut seen, mut n_rows, mut after) = (Vec::new(), 0, CommitId(0));
        loop {
            let slices = lake.since(&name(), after).await.unwrap();
            let Some(last) = slices.last() else { break };
            after = last.commit;
            n_rows += slices.iter().map(|slice| slice.rows.num_rows()).sum::<usize>();
            seen.extend(slices.iter().filter(|slice| slice.rows.num_rows() > 0).map(|slice| slice.commit));
        }
        assert_eq!((&seen, n_rows), (&ids, 10_100));
        lake.compact().await.unwrap();
    }
    assert!(lake.since(&name(), *ids.last().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_commit_without_rows_still_moves_followers_on() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let mut empty = commit(&stream, 0, 5);
    empty.rows.clear();
    empty.ledger[0].counts = helios_contract::commit::Counts { received: 5, filtered: 5, ..Default::default() };
    let id = lake.commit(empty).await.unwrap();
    let slices = lake.since(&name(), CommitId(0)).await.unwrap();
    assert_eq!((slices.len(), slices[0].commit, slices[0].rows.num_rows()), (1, id, 0));
}

#[tokio::test]
async fn changes_are_told_and_a_drop_ends_the_wait() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let orders = name();
    let (changed, id) = tokio::join!(lake.changed(&orders, CommitId(0)), lake.commit(commit(&stream, 0, 1)));
    changed.unwrap();
    let (changed, removed) = tokio::join!(lake.changed(&orders, id.unwrap()), lake.remove(&orders));
    removed.unwrap();
    assert_eq!(changed.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(lake.commit(commit(&stream, 1, 1)).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn receipts_are_kept_for_their_time() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let id = lake.commit(commit(&stream, 0, 10)).await.unwrap();
    let (kept, receipt) = lake.receipt(stream.id, "key-0").await.unwrap().unwrap();
    assert_eq!((kept, receipt.counts.stored), (id, 10));
    assert!(lake.receipt(stream.id, "key-1").await.unwrap().is_none());
    world.advance(std::time::Duration::from_secs(8 * 86_400));
    lake.retain().await.unwrap();
    assert!(lake.receipt(stream.id, "key-0").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn commits_wait_for_room_and_give_up_in_the_end() {
    let mut world = World::new();
    world.config.tail_bytes_max = 1;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(commit(&stream, 0, 10)).await.unwrap();
    assert_eq!(lake.commit(commit(&stream, 10, 10)).await.unwrap_err().kind(), Kind::Unavailable);
    let upkeep = tokio::spawn(std::sync::Arc::clone(&lake).maintain());
    fill(&lake, &stream, 10, 50, 10).await;
    upkeep.abort();
    assert_eq!(latest(&lake).await, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn commits_do_not_wait_for_a_compaction_that_cannot_write() {
    let mut world = World::new();
    world.config.tail_bytes_max = 1;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(commit(&stream, 0, 10)).await.unwrap();
    world.faults.arm("lake.put", u32::MAX);
    let upkeep = tokio::spawn(std::sync::Arc::clone(&lake).maintain());
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let asked = tokio::time::Instant::now();
    let error = lake.commit(commit(&stream, 10, 10)).await.unwrap_err();
    assert_eq!((error.kind(), asked.elapsed().as_secs()), (Kind::Unavailable, 0), "{error}");
    assert!(
        error.message().starts_with("there is no room for new rows until compaction works again: compacting orders: "),
        "{error}"
    );
    world.faults.arm("lake.put", 0);
    tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    fill(&lake, &stream, 10, 50, 10).await;
    upkeep.abort();
    assert_eq!(latest(&lake).await, (0..50).collect::<Vec<_>>());
}
