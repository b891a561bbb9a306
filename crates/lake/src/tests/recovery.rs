//! Rebuilding the catalog from the files alone.

use super::world::*;
use crate::rebuild;
use helios_contract::store::{Catalog, TableStore, Verify};
use helios_contract::stream::SourceKind;

async fn lose_catalog(world: &World, lake: std::sync::Arc<crate::Lake>) {
    lake.close().await.unwrap();
    drop(lake);
    std::fs::remove_file(world.dir.path().join("catalog.sqlite")).unwrap();
}

#[tokio::test]
async fn a_rebuilt_catalog_says_what_the_lost_one_said() {
    let mut world = World::new();
    world.config.inline_bytes_max = 3600;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    for round in 0..9 {
        let first = round * 1_020;
        fill(&lake, &stream, first, first + 20, 10).await;
        fill(&lake, &stream, first + 20, first + 1_020, 1_000).await;
        lake.compact().await.unwrap();
    }
    let (rows, verified) = (latest(&lake).await, lake.verify(None).await.unwrap());
    let (offsets, files) = (lake.offsets(stream.id).await.unwrap(), world.paths().await.len());
    lose_catalog(&world, lake).await;
    let rebuilt = rebuild(world.config.clone(), world.parts()).await.unwrap();
    assert_eq!((rebuilt.n_streams, rebuilt.n_files, rebuilt.n_rows), (1, files as u64, 9_180));
    assert!(rebuilt.set_aside.is_empty() && rebuilt.lost.is_empty(), "{rebuilt:?}");
    let lake = world.open().await;
    assert_eq!(latest(&lake).await, rows);
    assert_eq!(lake.verify(None).await.unwrap(), verified);
    assert_eq!(lake.offsets(stream.id).await.unwrap(), offsets);
    assert_eq!(lake.streams()[0], stream);
    fill(&lake, &stream, 9_180, 9_200, 10).await;
    assert_eq!(latest(&lake).await.len(), 9_200);
    assert!(problems(&lake).await.is_empty());
}

/// Rows 0 to 100 in files, 100 to 110 only in the catalog, 110 to 1110 in a file again.
async fn with_hole(world: &World, source: SourceKind) {
    let lake = world.open().await;
    let stream = lake.create(definition(source)).await.unwrap();
    fill(&lake, &stream, 0, 100, 10).await;
    lake.compact().await.unwrap();
    fill(&lake, &stream, 100, 110, 10).await;
    fill(&lake, &stream, 110, 1_110, 1_000).await;
    lose_catalog(world, lake).await;
}

#[tokio::test]
async fn rows_after_a_hole_are_read_again_from_the_source() {
    let mut world = World::new();
    world.config.inline_bytes_max = 3600;
    with_hole(&world, SourceKind::Kafka).await;
    let rebuilt = rebuild(world.config.clone(), world.parts()).await.unwrap();
    assert_eq!((rebuilt.n_rows, rebuilt.set_aside.len()), (100, 1));
    let lake = world.open().await;
    let stream = lake.streams().remove(0);
    assert_eq!(lake.offsets(stream.id).await.unwrap()["0"], "100");
    fill(&lake, &stream, 100, 1_110, 10).await;
    assert_eq!(latest(&lake).await, (0..1_110).collect::<Vec<_>>());
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn rows_after_a_hole_that_cannot_be_read_again_are_kept() {
    let mut world = World::new();
    world.config.inline_bytes_max = 3600;
    with_hole(&world, SourceKind::Http).await;
    let rebuilt = rebuild(world.config.clone(), world.parts()).await.unwrap();
    assert_eq!((rebuilt.n_rows, rebuilt.set_aside.len(), rebuilt.lost.len()), (1_100, 0, 1));
    let lake = world.open().await;
    let stream = lake.streams().remove(0);
    assert_eq!(lake.offsets(stream.id).await.unwrap()["0"], "1110");
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn files_that_were_replaced_but_not_deleted_do_not_double_rows() {
    let mut world = World::new();
    world.config.inline_bytes_max = 64;
    let lake = world.open().await;
    let stream = stream(&lake).await;
    fill(&lake, &stream, 0, 200, 100).await;
    let held = lake.snapshot(&name(), helios_contract::store::Version::Latest).await.unwrap();
    lake.compact().await.unwrap();
    assert_eq!(world.paths().await.len(), 4);
    drop(held);
    lose_catalog(&world, lake).await;
    let rebuilt = rebuild(world.config.clone(), world.parts()).await.unwrap();
    assert_eq!((rebuilt.n_rows, rebuilt.n_files, rebuilt.set_aside.len()), (200, 2, 2));
}
