//! Statements about streams, carried out while the streams run.

use crate::world::World;
use crate::{Ingest, start};
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::query::{BodyFormat, Push, Pushed, Receiver};
use helios_contract::stream::{SourceKind, StreamChange, StreamCommand, StreamControl, StreamDefinition, StreamState};
use helios_contract::{Clock, Kind, Result, StreamName};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

fn name() -> StreamName {
    StreamName::new("events").unwrap()
}

async fn ingest(world: &World) -> Arc<Ingest> {
    start(world.config.clone(), world.parts()).await.unwrap()
}

async fn create(ingest: &Ingest, columns: Vec<Column>) -> Result<StreamDefinition> {
    let definition = StreamDefinition { columns, ..StreamDefinition::new(name(), SourceKind::Http) };
    ingest.apply(StreamCommand::Create { definition: Box::new(definition), if_not_exists: false }).await
}

async fn push(world: &World, ingest: &Ingest, body: &'static str) -> Result<Pushed> {
    let push = Push {
        stream: name(),
        body: Bytes::from_static(body.as_bytes()),
        format: BodyFormat::Json,
        records: None,
        idempotency_key: None,
        range: None,
        at: world.clock.now(),
    };
    ingest.push(push).await
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_columns_gets_those_of_its_first_push() {
    let world = World::new();
    let ingest = ingest(&world).await;
    assert!(create(&ingest, Vec::new()).await.unwrap().columns.is_empty());
    let pushed =
        push(&world, &ingest, r#"[{"id":1,"at":"2026-01-01T00:00:00Z"},{"id":2,"at":"2026-01-01T00:00:01Z"}]"#).await.unwrap();
    assert_eq!(pushed.counts.stored, 2);
    let stream = ingest.supervisor.stream(&name()).unwrap();
    assert_eq!(stream.definition.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["id", "at"]);
    assert_eq!(stream.definition.columns[1].data_type, ColumnType::Timestamp(TimeFormat::Rfc3339));
    assert_eq!(world.lake.table("events").values("id"), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_column_added_while_pushes_run_loses_no_record() {
    let world = World::new();
    let ingest = ingest(&world).await;
    create(&ingest, vec![Column::new("id", ColumnType::BigInt)]).await.unwrap();
    let pushing = async {
        for _ in 0..200 {
            while let Err(error) = push(&world, &ingest, r#"{"id":1,"country":"de"}"#).await {
                assert_eq!(error.kind(), Kind::Unavailable);
            }
        }
    };
    let altering = async {
        tokio::task::yield_now().await;
        let change = StreamChange::AddColumn(Column::new("country", ColumnType::Text));
        let definition = ingest.apply(StreamCommand::Alter { name: name(), change }).await.unwrap();
        assert_eq!(definition.columns[1].id, 2);
    };
    tokio::join!(pushing, altering);
    let table = world.lake.table("events");
    let n_rows: usize = table.slices.iter().map(|slice| slice.rows.num_rows()).sum();
    assert_eq!((n_rows, table.offsets["http"].as_str()), (200, "200"));
}

#[tokio::test(start_paused = true)]
async fn a_paused_stream_refuses_pushes_until_it_is_resumed() {
    let world = World::new();
    let ingest = ingest(&world).await;
    create(&ingest, vec![Column::new("id", ColumnType::BigInt)]).await.unwrap();
    ingest.apply(StreamCommand::Pause(name())).await.unwrap();
    assert_eq!(ingest.status()[0].state, StreamState::Paused);
    let error = push(&world, &ingest, r#"{"id":1}"#).await.unwrap_err();
    assert_eq!(error.to_string(), "the stream events is paused. Run RESUME STREAM events.");
    ingest.apply(StreamCommand::Resume(name())).await.unwrap();
    assert_eq!(push(&world, &ingest, r#"{"id":1}"#).await.unwrap().counts.stored, 1);
}

#[tokio::test(start_paused = true)]
async fn names_are_taken_once_and_missing_ones_are_guessed() {
    let world = World::new();
    let ingest = ingest(&world).await;
    create(&ingest, Vec::new()).await.unwrap();
    assert_eq!(create(&ingest, Vec::new()).await.unwrap_err().kind(), Kind::Conflict);
    let error = ingest.apply(StreamCommand::Pause(StreamName::new("event").unwrap())).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no stream event. Did you mean events?");
    ingest.apply(StreamCommand::Drop { name: name(), if_exists: false }).await.unwrap();
    assert!(ingest.status().is_empty());
    assert!(ingest.apply(StreamCommand::Drop { name: name(), if_exists: true }).await.is_ok());
    create(&ingest, Vec::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_demo_fills_its_table_and_goes_on() {
    let world = World::new();
    let ingest = ingest(&world).await;
    let demo = StreamDefinition::new(StreamName::new("shop").unwrap(), SourceKind::Demo);
    ingest.apply(StreamCommand::Create { definition: Box::new(demo), if_not_exists: false }).await.unwrap();
    while ingest.status()[0].lag.iter().any(|(_, lag)| *lag > 0) || ingest.status()[0].last_commit.is_none() {
        sleep(Duration::from_millis(100)).await;
    }
    let filled = ingest.status()[0].n_received;
    assert!((200_000..500_000).contains(&filled), "{filled} events were back-filled");
    sleep(Duration::from_secs(10)).await;
    let more = ingest.status()[0].n_received - filled;
    assert!((2_000..6_000).contains(&more), "{more} events came in ten seconds");
    ingest.stop().await;
    let table = world.lake.table("shop");
    let counts = table.ledger.iter().fold((0, 0, 0), |(received, quarantined, late), entry| {
        let counts = entry.counts;
        (received + counts.received, quarantined + counts.quarantined, late + counts.late)
    });
    assert_eq!(counts.0, table.slices.iter().map(|s| s.rows.num_rows() as u64).sum::<u64>() + counts.1);
    assert!(counts.1 > 0 && counts.2 > 0, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn system_tables_tell_state_and_positions() {
    let world = World::new();
    let ingest = ingest(&world).await;
    create(&ingest, vec![Column::new("id", ColumnType::BigInt)]).await.unwrap();
    push(&world, &ingest, r#"{"id":1}"#).await.unwrap();
    for table in ingest.system_tables() {
        let rows = table.rows(None).await.unwrap();
        assert_eq!((rows.num_rows(), rows.schema()), (1, table.schema()), "system.{}", table.name());
    }
}
