//! Quarantine: counted by class, released with the rows, discarded with a reason, and in balance with the ledger.

use super::world::*;
use crate::Lake;
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use helios_contract::commit::{Commit, Counts, Kept, LedgerEntry, Released, Replayed};
use helios_contract::error::Kind;
use helios_contract::quarantine::{Quarantine, QuarantineId, class};
use helios_contract::record::Position;
use helios_contract::store::{TableStore, Verify};
use helios_contract::stream::Stream;
use helios_contract::system::Wanted;
use std::sync::Arc;
use std::time::Duration;

const FIRST: QuarantineId = QuarantineId(1);

/// One record of partition 0 leaves quarantine and becomes the row `n`.
fn replay(stream: &Stream, id: QuarantineId, n: i64) -> Commit {
    let counts = Counts { stored: 1, replayed: 1, ..Counts::default() };
    let entry =
        LedgerEntry { partition: "0".to_owned(), first: "7".to_owned(), last: "7".to_owned(), counts, gap: None, n_lost: 0 };
    let released = vec![Released { id, how: Arc::from("SET n = 0") }];
    Commit {
        rows: vec![rows(stream, n, 1)],
        replayed: Replayed { released, kept: Vec::new() },
        ledger: vec![entry],
        moves: Vec::new(),
        receipts: Vec::new(),
        newest: None,
        ..commit(stream, n, 1)
    }
}

async fn table(lake: &Arc<Lake>, name: &str, wanted: Wanted) -> RecordBatch {
    let table = lake.system_tables().into_iter().find(|table| table.name() == name).unwrap();
    let batches: Vec<RecordBatch> = table.stream(&wanted).unwrap().try_collect().await.unwrap();
    concat_batches(&table.schema(), &batches).unwrap()
}

fn texts(rows: &RecordBatch, column: &str) -> Vec<Option<String>> {
    rows.column_by_name(column).unwrap().as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// Open, replayed and discarded records of the only class.
async fn counters(lake: &Arc<Lake>) -> [i64; 3] {
    let rows = table(lake, "quarantine_classes", Wanted::default()).await;
    assert_eq!(rows.num_rows(), 1);
    ["n_open", "n_replayed", "n_discarded"].map(|name| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().value(0))
}

#[tokio::test]
async fn a_record_leaves_quarantine_once_with_its_row() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 10))).await.unwrap();
    assert_eq!(counters(&lake).await, [1, 0, 0]);
    let (held, n_looked) = lake.held(stream.id, &[FIRST, QuarantineId(99)], 1 << 20).await.unwrap();
    assert_eq!((held.len(), n_looked), (1, 2));
    let record = &held[0].record;
    assert_eq!((&*held[0].partition, &record.position), ("0", &Position::Number(7)));
    assert_eq!(record.payload.as_ref(), b"{\"n\":\"abc\xff\"}");
    assert_eq!(
        record.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect::<Vec<_>>(),
        [("trace", Some(&b"t1"[..])), ("empty", None)]
    );
    lake.commit(replay(&stream, FIRST, 10)).await.unwrap();
    assert_eq!(latest(&lake).await, (0..11).collect::<Vec<_>>());
    assert_eq!(counters(&lake).await, [0, 1, 0]);
    let again = lake.commit(replay(&stream, FIRST, 10)).await.unwrap_err();
    assert_eq!(again.kind(), Kind::Conflict);
    assert_eq!(latest(&lake).await.len(), 11);
    assert!(lake.held(stream.id, &[FIRST], 1).await.unwrap().0.is_empty());
    assert!(problems(&lake).await.is_empty());
    let verified = lake.verify(None).await.unwrap().remove(0);
    assert_eq!((verified.received, verified.stored, verified.quarantined, verified.quarantine_counted), (11, 11, 0, 0));
}

#[tokio::test]
async fn a_discarded_record_stays_counted_and_cannot_be_released() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 10))).await.unwrap();
    assert_eq!(lake.discard(stream.id, vec![FIRST, FIRST, QuarantineId(5)], "test data").await.unwrap(), 1);
    assert_eq!(counters(&lake).await, [0, 0, 1]);
    assert_eq!(lake.commit(replay(&stream, FIRST, 10)).await.unwrap_err().kind(), Kind::Conflict);
    let rows = table(&lake, "quarantine", Wanted::default()).await;
    assert_eq!((texts(&rows, "state"), texts(&rows, "note")), (vec![Some("discarded".into())], vec![Some("test data".into())]));
    let verified = lake.verify(None).await.unwrap().remove(0);
    assert_eq!((verified.quarantined, verified.quarantine_counted, verified.problem.as_str()), (1, 1, ""));
}

#[tokio::test]
async fn a_record_that_still_does_not_fit_changes_its_class() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 10))).await.unwrap();
    let kept = vec![Kept { id: FIRST, reason: "expected text, found a number".to_owned(), path: "who[3]".to_owned() }];
    let replayed = Replayed { kept, ..Replayed::default() };
    let nothing = Commit { rows: Vec::new(), ledger: Vec::new(), replayed, ..replay(&stream, FIRST, 10) };
    lake.commit(nothing).await.unwrap();
    assert_eq!(counters(&lake).await, [1, 0, 0]);
    let rows = table(&lake, "quarantine_classes", Wanted::default()).await;
    assert_eq!(texts(&rows, "path"), [Some("who[]".to_owned())]);
    assert_eq!(texts(&rows, "class"), [Some(class(&name(), "expected text, found a number", "who[0]"))]);
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn a_table_answers_what_is_wanted_and_no_more() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    for first in [0, 10, 20] {
        lake.commit(with_quarantined(commit(&stream, first, 10))).await.unwrap();
    }
    lake.discard(stream.id, vec![QuarantineId(2)], "test data").await.unwrap();
    let column = |name: &str| lake.system_tables()[2].schema().index_of(name).unwrap();
    let equal = vec![(column("stream"), "orders".to_owned()), (column("state"), "open".to_owned())];
    let wanted = Wanted { columns: Some(vec![column("id")]), equal, limit: Some(5) };
    let rows = table(&lake, "quarantine", wanted.clone()).await;
    assert_eq!(rows.column_by_name("id").unwrap().as_primitive::<Int64Type>().values().to_vec(), [3, 1]);
    assert_eq!(texts(&rows, "payload"), [None, None]);
    assert_eq!(lake.system_tables()[2].descending(), Some(column("id")));
    let second = Wanted { equal: vec![(column("id"), "2".to_owned())], ..Wanted::default() };
    assert_eq!(texts(&table(&lake, "quarantine", second).await, "note"), [Some("test data".to_owned())]);
    let others = Wanted { equal: vec![(column("stream"), "o' OR 1=1".to_owned())], ..wanted };
    assert_eq!(table(&lake, "quarantine", others).await.num_rows(), 0);
}

#[tokio::test]
async fn the_rate_of_a_class_is_that_of_the_last_minutes() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let rate = async || {
        let rows = table(&lake, "quarantine_classes", Wanted::default()).await;
        rows.column_by_name("per_minute").unwrap().as_primitive::<arrow::datatypes::Float64Type>().value(0)
    };
    for first in [0, 10, 20, 30, 40] {
        lake.commit(with_quarantined(commit(&stream, first, 10))).await.unwrap();
        world.advance(Duration::from_secs(60));
    }
    assert_eq!(rate().await, 0.8);
    world.advance(Duration::from_secs(3_600));
    assert_eq!(rate().await, 0.0);
}

#[tokio::test]
async fn a_counter_that_lies_is_found() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 10))).await.unwrap();
    let conn = rusqlite::Connection::open(world.dir.path().join("catalog.sqlite")).unwrap();
    conn.execute_batch("UPDATE quarantine_classes SET n_open = 7").unwrap();
    assert_eq!(problems(&lake).await.len(), 1);
    conn.execute_batch("UPDATE quarantine_classes SET n_open = 1; DELETE FROM quarantine").unwrap();
    assert!(problems(&lake).await[0].contains("0 quarantined records are there, the ledger says 1"));
}

#[tokio::test]
async fn a_replay_survives_folding_compaction_and_a_lost_catalog() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 10))).await.unwrap();
    lake.commit(with_quarantined(commit(&stream, 10, 10))).await.unwrap();
    lake.commit(replay(&stream, FIRST, 20)).await.unwrap();
    lake.compact().await.unwrap();
    world.advance(Duration::from_secs(48 * 3600));
    lake.retain().await.unwrap();
    assert!(problems(&lake).await.is_empty());
    let before = lake.verify(None).await.unwrap().remove(0);
    assert_eq!((before.received, before.stored, before.quarantined), (22, 21, 1));
    lake.close().await.unwrap();
    drop(lake);
    std::fs::remove_file(world.dir.path().join("catalog.sqlite")).unwrap();
    let rebuilt = crate::rebuild(world.config.clone(), world.parts()).await.unwrap();
    assert_eq!(rebuilt.lost, ["partition 0: 1 quarantined records were in the lost catalog only"]);
    let lake = world.open().await;
    assert_eq!(latest(&lake).await, (0..21).collect::<Vec<_>>());
    assert!(problems(&lake).await.is_empty());
    let after = lake.verify(None).await.unwrap().remove(0);
    assert_eq!((after.received, after.stored, after.quarantined), (22, 21, 1));
}

#[tokio::test]
async fn a_catalog_without_classes_gets_them_when_it_is_opened() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.commit(with_quarantined(commit(&stream, 0, 10))).await.unwrap();
    lake.close().await.unwrap();
    drop(lake);
    let conn = rusqlite::Connection::open(world.dir.path().join("catalog.sqlite")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER quarantine_in; DROP TRIGGER quarantine_change; DROP TRIGGER quarantine_out; DROP TABLE quarantine_classes;
         DROP INDEX quarantine_newest; DROP INDEX quarantine_of_class; DROP TABLE quarantine_minutes;
         ALTER TABLE quarantine DROP COLUMN headers; ALTER TABLE quarantine DROP COLUMN at; ALTER TABLE quarantine DROP COLUMN class;
         ALTER TABLE quarantine DROP COLUMN state; ALTER TABLE quarantine DROP COLUMN note; PRAGMA user_version = 1;",
    )
    .unwrap();
    drop(conn);
    let lake = world.open().await;
    assert_eq!(counters(&lake).await, [1, 0, 0]);
    lake.commit(replay(&stream, FIRST, 10)).await.unwrap();
    assert_eq!(counters(&lake).await, [0, 1, 0]);
    assert!(problems(&lake).await.is_empty());
}

#[tokio::test]
async fn retention_forgets_quarantined_records_and_the_ledger_knows() {
    let world = World::new();
    let lake = world.open().await;
    let mut definition = definition(helios_contract::stream::SourceKind::Kafka);
    definition.retain = Some(Duration::from_secs(3 * 86_400));
    let stream = helios_contract::store::Catalog::create(&*lake, definition).await.unwrap();
    for first in [0, 10, 20] {
        lake.commit(with_quarantined(commit(&stream, first, 10))).await.unwrap();
    }
    lake.commit(replay(&stream, FIRST, 30)).await.unwrap();
    lake.discard(stream.id, vec![QuarantineId(2)], "test data").await.unwrap();
    world.advance(Duration::from_secs(30 * 86_400));
    lake.retain().await.unwrap();
    assert_eq!(table(&lake, "quarantine", Wanted::default()).await.num_rows(), 0);
    assert_eq!(table(&lake, "quarantine_classes", Wanted::default()).await.num_rows(), 0);
    assert!(problems(&lake).await.is_empty());
}
