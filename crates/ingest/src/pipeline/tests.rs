//! The loop against a lake that refuses, forgets and conflicts: every record is committed once, or its sender hears why not.

mod refused;
mod returned;

use crate::world::{Table, World};
use crate::{Ingest, start};
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType};
use helios_contract::query::{BodyFormat, Push, Pushed, Receiver, SenderRange};
use helios_contract::stream::{Deduplicate, SourceKind, StreamCommand, StreamControl, StreamDefinition, StreamState};
use helios_contract::{Clock, Kind, Result, StreamName};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

fn name() -> StreamName {
    StreamName::new("events").unwrap()
}

fn events() -> StreamDefinition {
    let mut events = StreamDefinition::new(name(), SourceKind::Http);
    events.columns = vec![Column::new("id", ColumnType::BigInt)];
    events
}

async fn started(world: &World, definition: StreamDefinition) -> Arc<Ingest> {
    let ingest = start(world.config.clone(), world.parts()).await.unwrap();
    ingest.apply(StreamCommand::Create { definition: Box::new(definition), if_not_exists: true }).await.unwrap();
    ingest
}

fn body(ids: impl IntoIterator<Item = i64>) -> Bytes {
    ids.into_iter().map(|id| format!("{{\"id\":{id}}}\n")).collect::<String>().into()
}

fn push_of(world: &World, body: Bytes) -> Push {
    Push {
        stream: name(),
        body,
        format: BodyFormat::Json,
        records: None,
        idempotency_key: None,
        range: None,
        at: world.clock.now(),
    }
}

async fn push(world: &World, ingest: &Ingest, ids: impl IntoIterator<Item = i64>) -> Result<Pushed> {
    ingest.push(push_of(world, body(ids))).await
}

fn ids(table: &Table) -> Vec<i64> {
    table.values("id")
}

#[tokio::test(start_paused = true)]
async fn pushes_are_chained_counted_and_answered_after_the_commit() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    let pushed = push(&world, &ingest, 0..3).await.unwrap();
    assert_eq!((pushed.counts.received, pushed.counts.stored, pushed.repeated), (3, 3, false));
    ingest.push(push_of(&world, "{\"id\":3}\n{\"id\":\"x\"}\nnonsense".into())).await.unwrap();
    let table = world.lake.table("events");
    assert_eq!(ids(&table), [0, 1, 2, 3]);
    assert_eq!(table.offsets["http"], "6");
    assert_eq!(table.quarantined.iter().map(|q| q.position.as_str()).collect::<Vec<_>>(), ["4", "5"]);
    let ranges: Vec<(&str, &str, u64, u64)> =
        table.ledger.iter().map(|e| (e.first.as_str(), e.last.as_str(), e.counts.stored, e.counts.quarantined)).collect();
    assert_eq!(ranges, [("0", "2", 3, 0), ("3", "5", 1, 2)]);
    assert!(table.ledger.iter().all(|entry| entry.counts.balances()));
}

#[tokio::test(start_paused = true)]
async fn pushes_that_come_during_a_commit_share_the_next_one() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    let pushes = (0..100).map(|id| push(&world, &ingest, [id]));
    let answers = futures::future::join_all(pushes).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|pushed| pushed.counts.stored == 1)));
    let table = world.lake.table("events");
    assert_eq!(ids(&table), (0..100).collect::<Vec<_>>());
    assert!(table.n_commits <= 5, "{} commits for 100 pushes at once", table.n_commits);
}

#[tokio::test(start_paused = true)]
async fn a_refused_commit_is_tried_again_with_the_same_batch() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    world.lake.faults.arm("lake.refuse", 4);
    let pushing = push(&world, &ingest, 0..10);
    let watching = async {
        sleep(Duration::from_millis(350)).await;
        let status = &ingest.status()[0];
        assert_eq!((status.state, status.cause.as_str()), (StreamState::Degraded, "unavailable"));
    };
    let (pushed, ()) = tokio::join!(pushing, watching);
    assert_eq!(pushed.unwrap().counts.stored, 10);
    assert_eq!(ids(&world.lake.table("events")), (0..10).collect::<Vec<_>>());
    assert_eq!(ingest.status()[0].state, StreamState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_is_lost_is_not_done_twice() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    world.lake.faults.arm("lake.forget", 1);
    assert_eq!(push(&world, &ingest, 0..10).await.unwrap().counts.stored, 10);
    world.faults.arm("ingest.answer", 2);
    assert_eq!(push(&world, &ingest, 10..20).await.unwrap().counts.stored, 10);
    let table = world.lake.table("events");
    assert_eq!(ids(&table), (0..20).collect::<Vec<_>>());
    assert_eq!(table.n_commits, 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_writer_is_a_conflict_and_reading_starts_again_behind_it() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    push(&world, &ingest, 0..2).await.unwrap();
    world.lake.set_position("events", "http", "7");
    let refused = push(&world, &ingest, 2..4).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict);
    let status = &ingest.status()[0];
    assert_eq!((status.state, status.cause.as_str()), (StreamState::Failed, "conflict"));
    // The next push waits for the stream to be opened again.
    push(&world, &ingest, 4..6).await.unwrap();
    let table = world.lake.table("events");
    assert_eq!((ids(&table), table.offsets["http"].as_str()), (vec![0, 1, 4, 5], "9"));
}

#[tokio::test(start_paused = true)]
async fn a_fault_while_decoding_is_waited_for_and_quarantines_nothing() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    world.faults.arm("ingest.decode", 3);
    assert_eq!(push(&world, &ingest, 0..5).await.unwrap().counts.stored, 5);
    assert!(world.lake.table("events").quarantined.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_commit_is_bounded_and_more_is_refused_at_once() {
    let mut world = World::new();
    world.config.push_requests_max = 4;
    let ingest = started(&world, events()).await;
    world.lake.gate.forget_permits(usize::MAX);
    let pushes = futures::future::join_all((0..10).map(|id| push(&world, &ingest, [id])));
    let opening = async {
        sleep(Duration::from_millis(10)).await;
        world.lake.gate.add_permits(1_000);
    };
    let (answers, ()) = tokio::join!(pushes, opening);
    let refused: Vec<Kind> = answers.iter().filter_map(|answer| answer.as_ref().err()).map(|error| error.kind()).collect();
    assert_eq!(refused, [Kind::Exhausted; 6]);
    assert_eq!(ids(&world.lake.table("events")), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_stops_pulling_while_a_commit_is_in_flight() {
    let mut world = World::new();
    world.config.batch_rows_max = 10;
    world.config.decode_rows_max = 5;
    let ingest = started(&world, events()).await;
    world.lake.gate.forget_permits(usize::MAX);
    let pushes = futures::future::join_all((0..20).map(|i| push(&world, &ingest, i * 5..i * 5 + 5)));
    let watching = async {
        sleep(Duration::from_millis(10)).await;
        let lag: u64 = ingest.status()[0].lag.iter().map(|(_, lag)| lag).sum();
        assert!((80..=90).contains(&lag), "{lag} of 100 records should still wait in the inbox");
        world.lake.gate.add_permits(1_000);
    };
    let (answers, ()) = tokio::join!(pushes, watching);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(ids(&world.lake.table("events")), (0..100).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn stopping_commits_what_is_open_and_starting_continues() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    world.lake.faults.arm("lake.refuse", 2);
    let pushing = push(&world, &ingest, 0..5);
    let stopping = async {
        sleep(Duration::from_millis(1)).await;
        ingest.stop().await;
    };
    let (pushed, ()) = tokio::join!(pushing, stopping);
    assert_eq!(pushed.unwrap().counts.stored, 5);
    assert_eq!(push(&world, &ingest, 5..6).await.unwrap_err().kind(), Kind::Unavailable);
    let again = started(&world, events()).await;
    push(&world, &again, 5..6).await.unwrap();
    let table = world.lake.table("events");
    assert_eq!((ids(&table), table.offsets["http"].as_str()), (vec![0, 1, 2, 3, 4, 5], "6"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_cannot_commit_tells_the_sender() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    world.lake.faults.arm("lake.refuse", u32::MAX);
    let stopping = async {
        sleep(Duration::from_millis(1)).await;
        ingest.stop().await;
    };
    let (pushed, ()) = tokio::join!(push(&world, &ingest, 0..5), stopping);
    assert_eq!(pushed.unwrap_err().kind(), Kind::Unavailable);
    assert!(ids(&world.lake.table("events")).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_repeated_push_with_the_same_key_gets_the_first_answer() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    let keyed = || ingest.push(Push { idempotency_key: Some("k1".into()), ..push_of(&world, body(0..3)) });
    let (first, second) = tokio::join!(keyed(), keyed());
    let (first, second, third) = (first.unwrap(), second.unwrap(), keyed().await.unwrap());
    assert_eq!([first.repeated, second.repeated, third.repeated], [false, true, true]);
    assert_eq!([second.counts, third.counts], [first.counts; 2]);
    let again = started(&world, events()).await;
    let fourth = again.push(Push { idempotency_key: Some("k1".into()), ..push_of(&world, body(0..3)) }).await.unwrap();
    assert_eq!((fourth.repeated, fourth.commit), (true, first.commit));
    assert_eq!(ids(&world.lake.table("events")), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_senders_range_is_taken_once_and_only_where_it_continues() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    let send = |from: Option<&str>, to: &str, records: Bytes| {
        let range = SenderRange { partition: "file:1".into(), from: from.map(str::to_owned), to: to.to_owned() };
        ingest.push(Push { range: Some(range), ..push_of(&world, records) })
    };
    assert!(!send(None, "3", body(0..3)).await.unwrap().repeated);
    let repeated = send(None, "3", body(0..3)).await.unwrap();
    assert_eq!((repeated.repeated, repeated.counts.stored), (true, 3));
    assert!(!send(Some("3"), "5", body(3..5)).await.unwrap().repeated);
    let error = send(Some("3"), "6", body(3..6)).await.unwrap_err();
    assert_eq!(error.message(), "the records continue from 3 of partition file:1, but there the position is 5");
    assert_eq!(ingest.position(&name(), "file:1").await.unwrap().as_deref(), Some("5"));
    assert_eq!(ids(&world.lake.table("events")), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_push_waits_for_the_one_it_continues_from_while_that_is_on_its_way() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    let range = |from: Option<&str>, to: &str| SenderRange {
        partition: "file:1".into(),
        from: from.map(str::to_owned),
        to: to.to_owned(),
    };
    let send =
        |range: SenderRange, ids: std::ops::Range<i64>| ingest.push(Push { range: Some(range), ..push_of(&world, body(ids)) });
    let first = ingest.expect(&name(), &range(None, "3"));
    let second = ingest.expect(&name(), &range(Some("3"), "5"));
    let begun = tokio::time::Instant::now();
    let late = async {
        sleep(Duration::from_millis(100)).await;
        send(range(None, "3"), 0..3).await
    };
    let (third, second_pushed, first_pushed) =
        tokio::join!(send(range(Some("5"), "6"), 5..6), send(range(Some("3"), "5"), 3..5), late);
    for pushed in [first_pushed, second_pushed, third] {
        assert!(!pushed.unwrap().repeated);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(ids(&world.lake.table("events")), (0..6).collect::<Vec<_>>());
    // What is not expected any more, and what goes somewhere else, is not waited for.
    let lost = ingest.expect(&name(), &range(Some("6"), "8"));
    let giving_up = async {
        sleep(Duration::from_millis(100)).await;
        drop(lost);
    };
    let (after, ()) = tokio::join!(send(range(Some("8"), "9"), 8..9), giving_up);
    assert_eq!(after.unwrap_err().kind(), Kind::Conflict);
    drop((first, second));
    let begun = tokio::time::Instant::now();
    assert_eq!(send(range(Some("3"), "4"), 3..4).await.unwrap_err().kind(), Kind::Conflict);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn repeated_rows_are_left_out_also_after_a_restart() {
    let world = World::new();
    let rule = Deduplicate { by: vec!["id".into()], within: Duration::from_secs(3_600) };
    let definition = StreamDefinition { deduplicate: Some(rule), ..events() };
    let ingest = started(&world, definition.clone()).await;
    let pushed = push(&world, &ingest, [1, 2, 1, 3]).await.unwrap();
    assert_eq!((pushed.counts.stored, pushed.counts.deduplicated), (3, 1));
    ingest.stop().await;
    let again = started(&world, definition).await;
    sleep(Duration::from_secs(3_000)).await;
    assert_eq!(push(&world, &again, [2, 4]).await.unwrap().counts.deduplicated, 1);
    sleep(Duration::from_secs(3_000)).await;
    assert_eq!(push(&world, &again, [2]).await.unwrap().counts.stored, 1);
    assert_eq!(ids(&world.lake.table("events")), [1, 2, 3, 4, 2]);
}
