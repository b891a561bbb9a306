//! A data directory that can be opened, crashed and opened again, with a clock that stands still.

use crate::{Config, Lake, Parts, open};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::datatypes::Int64Type;
use helios_contract::clock::{Clock, Timestamp};
use helios_contract::column::{Column, ColumnType, TimeFormat, hidden, row_schema, timestamp_type};
use helios_contract::commit::{Commit, CommitId, Counts, LedgerEntry, Move, Quarantined, Receipt, Replayed};
use helios_contract::error::Result;
use helios_contract::fault::Faults;
use helios_contract::name::StreamName;
use helios_contract::store::{Catalog, Snapshot, TableStore, Verify, Version};
use helios_contract::stream::{PartitionBy, SourceKind, Stream, StreamDefinition, TimePart};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub(super) const DAY: i64 = 86_400_000_000;

#[derive(Debug)]
pub(super) struct StoppedClock(AtomicI64);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

pub(super) struct World {
    pub(super) dir: tempfile::TempDir,
    pub(super) store: Arc<InMemory>,
    pub(super) clock: Arc<StoppedClock>,
    pub(super) faults: Faults,
    pub(super) config: Config,
}

impl World {
    pub(super) fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { dir: dir.path().to_owned(), ..Config::default() };
        let clock = Arc::new(StoppedClock(AtomicI64::new(100 * DAY)));
        World { dir, store: Arc::new(InMemory::new()), clock, faults: Faults::default(), config }
    }

    pub(super) fn parts(&self) -> Parts {
        Parts {
            backfill: |column, rest| arrow::array::new_null_array(&column.data_type.arrow(), rest.len()),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            store: Arc::clone(&self.store) as Arc<dyn ObjectStore>,
            faults: self.faults.clone(),
            metrics: prometheus::Registry::new(),
        }
    }

    pub(super) async fn open(&self) -> Arc<Lake> {
        open(self.config.clone(), self.parts()).await.unwrap()
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock.0.fetch_add(by.as_micros() as i64, Ordering::Relaxed);
    }

    pub(super) async fn paths(&self) -> Vec<String> {
        use futures::TryStreamExt;
        let objects: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        objects.into_iter().map(|object| object.location.to_string()).collect()
    }
}

pub(super) fn name() -> StreamName {
    StreamName::new("orders").unwrap()
}

/// `n BIGINT, ts TIMESTAMP`, by day, with event time.
pub(super) fn definition(source: SourceKind) -> StreamDefinition {
    let columns = vec![Column::new("n", ColumnType::BigInt), Column::new("ts", ColumnType::Timestamp(TimeFormat::EpochMicros))];
    StreamDefinition {
        columns,
        event_time: Some("ts".to_owned()),
        partition_by: Some(PartitionBy { unit: TimePart::Day, column: "ts".to_owned() }),
        ..StreamDefinition::new(name(), source)
    }
}

pub(super) async fn stream(lake: &Lake) -> Arc<Stream> {
    lake.create(definition(SourceKind::Kafka)).await.unwrap()
}

/// Rows of partition 0 with `n` from `first` on; each tenth is a day earlier.
pub(super) fn rows(stream: &Stream, first: i64, n_rows: i64) -> RecordBatch {
    let schema = row_schema(&stream.definition.columns);
    let numbers: Vec<i64> = (first..first + n_rows).collect();
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "n" | hidden::OFFSET => Arc::new(Int64Array::from(numbers.clone())),
            "ts" => {
                let times = numbers.iter().map(|n| 99 * DAY + n - if n % 10 == 0 { DAY } else { 0 });
                Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_data_type(timestamp_type()))
            }
            hidden::TIME => {
                Arc::new(TimestampMicrosecondArray::from_value(99 * DAY, numbers.len()).with_data_type(timestamp_type()))
            }
            hidden::PARTITION => Arc::new(StringArray::from(vec!["0"; numbers.len()])),
            _ => new_null_array(field.data_type(), numbers.len()),
        }
    });
    let columns = columns.collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// A commit of the rows `first..first + n_rows` of partition 0, whose positions are those numbers.
pub(super) fn commit(stream: &Stream, first: i64, n_rows: i64) -> Commit {
    let counts = Counts { received: n_rows as u64, stored: n_rows as u64, ..Counts::default() };
    Commit {
        stream: stream.id,
        stream_version: stream.version,
        moves: vec![Move {
            partition: "0".to_owned(),
            from: (first > 0).then(|| first.to_string()),
            to: (first + n_rows).to_string(),
        }],
        rows: vec![rows(stream, first, n_rows)],
        quarantined: Vec::new(),
        replayed: Replayed::default(),
        drift: Vec::new(),
        ledger: vec![LedgerEntry {
            partition: "0".to_owned(),
            first: first.to_string(),
            last: (first + n_rows - 1).to_string(),
            counts,
            gap: None,
            n_lost: 0,
        }],
        receipts: vec![Receipt { key: format!("key-{first}"), counts }],
        newest: Some(Timestamp(99 * DAY + first)),
    }
}

/// The same with one more record, which went to quarantine.
pub(super) fn with_quarantined(mut commit: Commit) -> Commit {
    commit.ledger[0].counts.received += 1;
    commit.ledger[0].counts.quarantined += 1;
    commit.quarantined.push(Quarantined {
        partition: "0".to_owned(),
        position: "7".to_owned(),
        time: Timestamp(99 * DAY),
        reason: "expected a number, found text \"abc\"".to_owned(),
        path: "n".to_owned(),
        payload: bytes::Bytes::from_static(b"{\"n\":\"abc\xff\"}"),
        key: None,
        headers: vec![("trace".to_owned(), Some(bytes::Bytes::from_static(b"t1"))), ("empty".to_owned(), None)],
    });
    commit
}

/// Commits `n_rows` at a time until `until` is reached.
pub(super) async fn fill(lake: &Lake, stream: &Stream, from: i64, until: i64, n_rows: i64) -> Vec<CommitId> {
    let mut ids = Vec::new();
    for first in (from..until).step_by(n_rows as usize) {
        ids.push(lake.commit(commit(stream, first, n_rows)).await.unwrap());
    }
    ids
}

/// What a query over a snapshot would read: `(_commit, n)`, in the order of the files, then of the tail.
pub(super) async fn read(lake: &Lake, snapshot: &Snapshot) -> Result<Vec<(i64, i64)>> {
    let (objects, files) = (lake.objects.clone(), snapshot.files.clone());
    let batches = crate::catalog::blocking(move || {
        let mut batches = Vec::new();
        for file in files {
            for rows in crate::parquet_file::Batches::open(&objects, &file.path, file.size_bytes, &[])? {
                batches.push(rows?);
            }
        }
        Ok(batches)
    });
    let mut batches = batches.await?;
    batches.extend(snapshot.tail.iter().map(|slice| slice.rows.clone()));
    let column = |rows: &RecordBatch, name| rows.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
    let pairs = batches.iter().flat_map(|rows| column(rows, hidden::COMMIT).into_iter().zip(column(rows, "n")));
    Ok(pairs.filter(|(commit, _)| *commit <= snapshot.version.0).collect())
}

/// The sorted values of `n` at a version.
pub(super) async fn values(lake: &Lake, version: Version) -> Vec<i64> {
    let snapshot = lake.snapshot(&name(), version).await.unwrap();
    let mut values: Vec<i64> = read(lake, &snapshot).await.unwrap().into_iter().map(|(_, n)| n).collect();
    values.sort_unstable();
    values
}

pub(super) async fn latest(lake: &Lake) -> Vec<i64> {
    values(lake, Version::Latest).await
}

/// What verification complains about.
pub(super) async fn problems(lake: &Lake) -> Vec<String> {
    let found = lake.verify(None).await.unwrap();
    found.into_iter().map(|found| found.problem).filter(|problem| !problem.is_empty()).collect()
}
