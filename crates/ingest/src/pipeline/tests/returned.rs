//! Records that come back from quarantine: each leaves once, whoever asks, however often, and whatever is lost on the way.

use super::*;
use helios_contract::quarantine::fix::{Fix, Path, Step, Value};
use helios_contract::quarantine::{Fate, Outcome, QuarantineControl, QuarantineId};

fn zero() -> Vec<Fix> {
    vec![Fix::Set { path: Path(vec![Step::Field("id".to_owned())]), value: Value::Number("0".to_owned()) }]
}

fn numbers(n: i64) -> Vec<QuarantineId> {
    (0..n).map(QuarantineId).collect()
}

/// A stream with `n` bad records in quarantine, and one more that no fix reaches.
async fn quarantined(world: &World, n: usize) -> Arc<Ingest> {
    let ingest = started(world, events()).await;
    let bad = "{\"id\":\"x\"}\n".repeat(n) + "nonsense";
    assert_eq!(ingest.push(push_of(world, bad.into())).await.unwrap().counts.quarantined, n as u64 + 1);
    ingest
}

fn counted(outcomes: &[Outcome]) -> Vec<(Fate, u64)> {
    outcomes.iter().map(|outcome| (outcome.fate, outcome.n_records)).collect()
}

/// What is stored, and the sum of every entry of the ledger.
fn balance(world: &World) -> (usize, u64, u64, u64) {
    let table = world.lake.table("events");
    let sum = |of: fn(&helios_contract::commit::Counts) -> u64| table.ledger.iter().map(|entry| of(&entry.counts)).sum::<u64>();
    assert!(table.ledger.iter().all(|entry| entry.counts.balances()));
    (ids(&table).len(), sum(|c| c.received), sum(|c| c.stored), sum(|c| c.quarantined) - sum(|c| c.replayed))
}

#[tokio::test(start_paused = true)]
async fn what_fits_leaves_with_its_row_and_the_rest_stays() {
    let world = World::new();
    let ingest = quarantined(&world, 3).await;
    let rehearsed = QuarantineControl::rehearse(&*ingest, &name(), numbers(4), zero()).await.unwrap();
    assert_eq!(counted(&rehearsed), [(Fate::Stored, 3), (Fate::Unfit, 1)]);
    assert_eq!(balance(&world), (0, 4, 0, 4));
    let replayed = ingest.replay(&name(), numbers(4), zero()).await.unwrap();
    assert_eq!(replayed, rehearsed);
    assert_eq!(balance(&world), (3, 4, 3, 1));
    assert_eq!(world.lake.table("events").offsets["http"], "4");
    assert_eq!(counted(&ingest.replay(&name(), numbers(4), zero()).await.unwrap()), [(Fate::Unfit, 1)]);
    assert_eq!(balance(&world), (3, 4, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_replay_whose_answer_is_lost_is_not_done_twice() {
    let world = World::new();
    let ingest = quarantined(&world, 3).await;
    world.lake.faults.arm("lake.forget", 1);
    world.faults.arm("ingest.answer", 2);
    world.faults.arm("ingest.decode", 2);
    assert_eq!(counted(&ingest.replay(&name(), numbers(3), zero()).await.unwrap()), [(Fate::Stored, 3)]);
    assert_eq!(balance(&world), (3, 4, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn two_replays_and_a_discard_at_once_take_turns() {
    let world = World::new();
    let ingest = quarantined(&world, 5_000).await;
    let events = name();
    let replay = || ingest.replay(&events, numbers(5_000), zero());
    let (first, second, n_discarded) =
        tokio::join!(replay(), replay(), ingest.discard(&events, (0..5_000).rev().map(QuarantineId).collect(), "too many"));
    let stored = |outcomes: Vec<Outcome>| counted(&outcomes).iter().map(|(_, n)| n).sum::<u64>();
    assert_eq!(stored(first.unwrap()) + stored(second.unwrap()) + n_discarded.unwrap(), 5_000);
    assert_eq!(ingest.status()[0].state, StreamState::Running);
    let table = world.lake.table("events");
    assert_eq!(table.released.len(), 5_000);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let world = World::new();
    let ingest = quarantined(&world, 3).await;
    world.lake.gate.forget_permits(usize::MAX);
    let gone = tokio::time::timeout(Duration::from_millis(10), ingest.replay(&name(), numbers(3), zero())).await;
    assert!(gone.is_err());
    let events = name();
    let again = ingest.replay(&events, numbers(3), zero());
    let opening = async {
        sleep(Duration::from_millis(10)).await;
        world.lake.gate.add_permits(1_000);
    };
    let (again, ()) = tokio::join!(again, opening);
    assert_eq!(again.unwrap(), []);
    assert_eq!(balance(&world), (3, 4, 3, 1));
    assert_eq!(ingest.status()[0].state, StreamState::Running);
}

#[tokio::test(start_paused = true)]
async fn a_lake_that_refuses_gives_the_records_back() {
    let world = World::new();
    let ingest = quarantined(&world, 3).await;
    world.lake.faults.arm("lake.refuse", u32::MAX);
    let error = ingest.replay(&name(), numbers(3), zero()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!(balance(&world), (0, 4, 0, 4));
    world.lake.faults.arm("lake.refuse", 0);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(counted(&ingest.replay(&name(), numbers(3), zero()).await.unwrap()), [(Fate::Stored, 3)]);
    assert_eq!(balance(&world), (3, 4, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_paused_stream_replays_nothing_and_says_so() {
    let world = World::new();
    let ingest = quarantined(&world, 3).await;
    ingest.apply(StreamCommand::Pause(name())).await.unwrap();
    let error = ingest.replay(&name(), numbers(3), zero()).await.unwrap_err();
    assert_eq!(error.hint_text(), Some("Run RESUME STREAM events, then the same statement again."));
    assert_eq!(counted(&QuarantineControl::rehearse(&*ingest, &name(), numbers(3), zero()).await.unwrap()), [(Fate::Stored, 3)]);
    assert_eq!(ingest.discard(&name(), numbers(1), "x").await.unwrap(), 1);
}
