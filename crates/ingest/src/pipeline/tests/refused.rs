//! A lake that refuses commits for long: senders are told soon, and what was given back is never committed later.

use super::*;
use helios_contract::stream::{OptionValue, StreamStatus};
use tokio::time::Instant;

fn status(ingest: &Ingest) -> StreamStatus {
    ingest.status().remove(0)
}

/// Pushes until it is stored, as a sender does that is told to come back in a second.
async fn push_until_stored(world: &World, ingest: &Ingest, ids: std::ops::Range<i64>) -> Pushed {
    for _ in 0..10 {
        match push(world, ingest, ids.clone()).await {
            Ok(pushed) => return pushed,
            Err(error) => assert_eq!(error.kind(), Kind::Unavailable),
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("the records were never stored");
}

#[tokio::test(start_paused = true)]
async fn pushes_are_given_back_and_taken_again_when_there_is_room() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    push(&world, &ingest, 0..2).await.unwrap();
    world.lake.faults.arm("lake.refuse", u32::MAX);
    let began = Instant::now();
    let behind = async {
        sleep(Duration::from_millis(1_000)).await;
        push(&world, &ingest, 5..6).await
    };
    let (first, second) = tokio::join!(push(&world, &ingest, 2..5), behind);
    assert_eq!(began.elapsed().as_millis() / 10, 200);
    for error in [first.unwrap_err(), second.unwrap_err()] {
        assert_eq!(error.kind(), Kind::Unavailable);
        let message = "the records cannot be committed now, nothing of this push was stored: injected fault at lake.refuse";
        assert_eq!(error.to_string(), format!("{message}. Send it again in a moment."));
    }
    // From now on each push is tried once, or refused while the stream is being opened again.
    for _ in 0..40 {
        let asked = Instant::now();
        assert_eq!(push(&world, &ingest, 2..5).await.unwrap_err().kind(), Kind::Unavailable);
        assert!(asked.elapsed() < Duration::from_millis(10), "a push waited {:?}", asked.elapsed());
        assert_eq!(status(&ingest).state, StreamState::Degraded);
        sleep(Duration::from_millis(500)).await;
    }
    world.lake.faults.arm("lake.refuse", 0);
    sleep(Duration::from_secs(60)).await;
    assert_eq!((ids(&world.lake.table("events")), status(&ingest).state), (vec![0, 1], StreamState::Degraded));
    push_until_stored(&world, &ingest, 2..5).await;
    let table = world.lake.table("events");
    assert_eq!((ids(&table), table.offsets["http"].as_str()), ((0..5).collect(), "5"));
    assert_eq!((status(&ingest).state, status(&ingest).message.as_str()), (StreamState::Running, ""));
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_answer_is_lost_while_others_are_refused_is_not_given_back() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    world.lake.faults.arm("lake.refuse", u32::MAX);
    push(&world, &ingest, 0..3).await.unwrap_err();
    world.lake.faults.arm("lake.refuse", 0);
    sleep(Duration::from_secs(1)).await;
    world.faults.arm("ingest.answer", 1);
    assert_eq!(push(&world, &ingest, 0..3).await.unwrap().counts.stored, 3);
    let table = world.lake.table("events");
    assert_eq!((ids(&table), table.n_commits), (vec![0, 1, 2], 1));
}

#[tokio::test(start_paused = true)]
async fn while_nobody_can_tell_whether_a_commit_happened_it_is_tried_again() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    world.lake.faults.arm("lake.refuse", 7);
    world.lake.faults.arm("lake.read", u32::MAX);
    let began = Instant::now();
    assert_eq!(push(&world, &ingest, 0..3).await.unwrap().counts.stored, 3);
    assert!(began.elapsed() > Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(ids(&world.lake.table("events")), [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_back_is_no_repetition_when_it_comes_again() {
    let world = World::new();
    let rule = Deduplicate { by: vec!["id".into()], within: Duration::from_secs(3_600) };
    let ingest = started(&world, StreamDefinition { deduplicate: Some(rule), ..events() }).await;
    push(&world, &ingest, 0..2).await.unwrap();
    world.lake.faults.arm("lake.refuse", u32::MAX);
    push(&world, &ingest, 1..4).await.unwrap_err();
    world.lake.faults.arm("lake.refuse", 0);
    let pushed = push_until_stored(&world, &ingest, 1..4).await;
    assert_eq!((pushed.counts.stored, pushed.counts.deduplicated), (2, 1));
    assert_eq!(ids(&world.lake.table("events")), [0, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_key_given_back_may_be_used_again_and_its_repeats_hear_the_same() {
    let world = World::new();
    let ingest = started(&world, events()).await;
    let keyed = || ingest.push(Push { idempotency_key: Some("k1".into()), ..push_of(&world, body(0..3)) });
    let ranged = || {
        let range = Some(SenderRange { partition: "f".into(), from: None, to: "3".into() });
        ingest.push(Push { range, ..push_of(&world, body(3..6)) })
    };
    world.lake.faults.arm("lake.refuse", u32::MAX);
    let (first, second, third) = tokio::join!(keyed(), keyed(), ranged());
    for refused in [first, second, third] {
        assert!(refused.unwrap_err().message().contains("nothing of this push was stored"));
    }
    world.lake.faults.arm("lake.refuse", 0);
    sleep(Duration::from_secs(1)).await;
    for repeated in [false, true] {
        assert_eq!(keyed().await.unwrap().repeated, repeated);
        assert_eq!(ranged().await.unwrap().repeated, repeated);
    }
    assert_eq!(ids(&world.lake.table("events")), (0..6).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_pulled_waits_for_as_long_as_it_takes() {
    let world = World::new();
    let mut demo = StreamDefinition::new(name(), SourceKind::Demo);
    demo.options.insert("backfill_minutes".into(), OptionValue::Number(0));
    let ingest = started(&world, demo).await;
    sleep(Duration::from_secs(1)).await;
    world.lake.faults.arm("lake.refuse", 20);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(status(&ingest).state, StreamState::Degraded);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(status(&ingest).state, StreamState::Running);
    ingest.stop().await;
    let table = world.lake.table("events");
    let ranges: Vec<(i64, i64)> = table.ledger.iter().map(|e| (e.first.parse().unwrap(), e.last.parse().unwrap())).collect();
    assert!(ranges.is_sorted_by(|(_, last), (first, _)| last < first), "{ranges:?}");
}
