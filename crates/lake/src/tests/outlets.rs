//! Clusters and sinks: kept over a restart, progress never undone by a change of the definition, gone with their stream.

use super::world::*;
use helios_contract::StreamName;
use helios_contract::cluster::ClusterDefinition;
use helios_contract::commit::CommitId;
use helios_contract::error::Kind;
use helios_contract::sink::{Intended, IntendedBlock, OutletCatalog, OutletChange, Progress, Sink, SinkDefinition};
use helios_contract::store::Catalog;
use helios_contract::stream::{OptionValue, Options, StreamId};

fn named(text: &str) -> StreamName {
    StreamName::new(text).unwrap()
}

fn sink(stream: StreamId) -> Sink {
    let definition = SinkDefinition {
        name: named("orders_ch"),
        stream: name(),
        cluster: named("ch"),
        database: Some("Analytics".to_owned()),
        table: "orders".to_owned(),
        engine: Some("MergeTree".to_owned()),
        order_by: vec!["id".to_owned()],
    };
    Sink { definition, stream, paused: false, stored: false, progress: Progress::default() }
}

#[tokio::test]
async fn a_change_of_a_sink_leaves_its_progress_alone() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    let options = Options::from([("password".to_owned(), OptionValue::Secret("ch".to_owned()))]);
    let cluster = ClusterDefinition { name: named("ch"), options };
    lake.change(OutletChange::KeepCluster(cluster.clone())).await.unwrap();
    lake.change(OutletChange::KeepSink(sink(stream.id))).await.unwrap();
    let intended = Intended { until: CommitId(9), blocks: vec![IntendedBlock { starts: Some(-1), n_rows: 3 }] };
    let progress = Progress { delivered: CommitId(7), intended: Some(intended) };
    lake.advance(&named("orders_ch"), progress.clone()).await.unwrap();
    lake.change(OutletChange::KeepSink(Sink { paused: true, stored: true, ..sink(stream.id) })).await.unwrap();
    lake.close().await.unwrap();
    drop(lake);
    let lake = world.open().await;
    let kept = Sink { paused: true, stored: true, progress, ..sink(stream.id) };
    assert_eq!(lake.outlets().await.unwrap(), (vec![cluster], vec![kept]));
    lake.change(OutletChange::ForgetCluster(named("ch"))).await.unwrap();
    assert_eq!(lake.outlets().await.unwrap().0, vec![]);
}

#[tokio::test]
async fn a_sink_goes_with_its_stream() {
    let world = World::new();
    let lake = world.open().await;
    let stream = stream(&lake).await;
    lake.change(OutletChange::KeepSink(sink(stream.id))).await.unwrap();
    lake.remove(&name()).await.unwrap();
    assert_eq!(lake.outlets().await.unwrap().1, vec![]);
    let error = lake.advance(&named("orders_ch"), Progress::default()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
}
