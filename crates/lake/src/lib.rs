//! Keeps tables: commits, files, snapshots, retention, catalog.
//!
//! The one idea: rows, quarantine, counts and the source's positions move together in one SQLite transaction, and only
//! if the positions are where the commit says they are. Small commits keep their rows in that transaction; large ones
//! write a Parquet file first and commit its name. What is in memory changes after the transaction is durable, never before.
//!
//! Read [`commit`] first, then [`writer`], then [`compact`].

mod failure;
mod lock;

mod catalog;
mod load;
mod state;
mod writer;

mod batches;
mod lineage;
mod objects;
mod parquet_file;
mod values;

mod commit;
mod drift;
mod files;
mod quarantine;
mod since;
mod snapshot;
mod streams;

mod compact;
mod history;
mod retain;
mod sort;

mod documents;
mod metrics;
mod outlets;
mod rebuild;
mod report;
mod verify;

pub use compact::Compacted;
pub use rebuild::{Rebuilt, rebuild};

use async_trait::async_trait;
use helios_contract::clock::Clock;
use helios_contract::column::ColumnType;
use helios_contract::commit::{Commit, CommitId, Receipt};
use helios_contract::drift::Backfill;
use helios_contract::error::{Error, Kind, Result};
use helios_contract::fault::Faults;
use helios_contract::name::{StreamName, TableName};
use helios_contract::record::Offsets;
use helios_contract::store::{Catalog, Changes, Drifts, Receipts, Slice, Snapshot, TableStore, Verified, Verify, Version};
use helios_contract::stream::{Stream, StreamDefinition, StreamId};
use helios_contract::system::SystemTable;
use object_store::ObjectStore;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::{info, warn};

/// Commits encoded at once.
const PLACING_MAX: u32 = 8;

/// Upkeep whose storage fails is left alone for twice as long each time, up to this.
const UPKEEP_PAUSE_MAX: Duration = Duration::from_secs(30);

/// What users may set.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The data directory: the catalog database and the lock are in it.
    pub dir: PathBuf,
    /// The folder behind the object store, where it is a local one: files in it are synced before they count.
    pub local_data_dir: Option<PathBuf>,
    /// Commits up to this size, encoded, stay in the catalog until they are compacted.
    pub inline_bytes_max: u64,
    /// Rows kept in memory over all tables; above it, commits wait for compaction.
    pub tail_bytes_max: u64,
    /// Commits wait for compaction this long before they are refused.
    pub commit_wait_ms_max: u64,
    /// The tail of a table is compacted when it has this many commits,
    pub tail_slices_max: usize,
    /// or this many bytes in memory,
    pub compact_bytes: u64,
    /// or when its oldest commit is this old.
    pub compact_age_ms: u64,
    /// Files are merged up to this size.
    pub file_bytes_target: u64,
    /// How often the lake looks for something to compact.
    pub maintain_ms: u64,
    /// How often the lake looks for something to remove.
    pub retain_ms: u64,
    /// How long each commit keeps an entry of its own in `system.commits` and `.ledger`; later, those of a file share one.
    pub history_hours: u64,
    /// How long the answer to a push with an idempotency key is kept.
    pub receipts_keep_hours: u64,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            dir: PathBuf::from("helios-data"),
            local_data_dir: None,
            inline_bytes_max: 1 << 20,
            tail_bytes_max: 128 << 20,
            commit_wait_ms_max: 30_000,
            tail_slices_max: 256,
            compact_bytes: 16 << 20,
            compact_age_ms: 30_000,
            file_bytes_target: 256 << 20,
            maintain_ms: 1_000,
            retain_ms: 60_000,
            history_hours: 24,
            receipts_keep_hours: 168,
        }
    }
}

/// What tests replace.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Tells wall time.
    pub clock: Arc<dyn Clock>,
    /// Holds the data files.
    pub store: Arc<dyn ObjectStore>,
    /// Fails where a test wants it to.
    pub faults: Faults,
    /// Reads the values of promoted columns out of older rows.
    pub backfill: Backfill,
    /// Where figures are published.
    pub metrics: prometheus::Registry,
}

/// The tables of one data directory.
pub struct Lake {
    config: Config,
    clock: Arc<dyn Clock>,
    backfill: Backfill,
    objects: objects::Objects,
    shared: Arc<state::Shared>,
    writer: writer::Writer,
    metrics: metrics::Metrics,
    /// The newest number given to a commit or a set of files; a lake never gives one twice.
    numbers: AtomicI64,
    /// One compaction or retention at a time.
    upkeep: Arc<Semaphore>,
    /// Commits whose rows are being encoded: each holds them in memory twice.
    placing: Arc<Semaphore>,
    /// While others hold it, no file is deleted.
    recounting: Arc<()>,
    this: Weak<Lake>,
}

/// Opens the data directory, making it when there is none, and takes it for this process.
///
/// # Errors
/// `Conflict` when another process holds it; `Invalid` when it cannot be written or a newer Helios wrote it;
/// `Corrupt` when there are data files without a catalog.
pub async fn open(config: Config, parts: Parts) -> Result<Arc<Lake>> {
    let (path, dir, store) = (config.dir.join(catalog::FILE), config.dir.clone(), Arc::clone(&parts.store));
    let objects = objects::Objects { store: parts.store, local: config.local_data_dir.clone(), faults: parts.faults.clone() };
    let cleaning = objects.clone();
    let opened = catalog::blocking(move || {
        let lock = lock::lock(&dir)?;
        load::refuse_lost_catalog(&path, store.as_ref())?;
        let conn = catalog::open(&path)?;
        let numbers = load::newest_number(&conn)?;
        load::delete_doomed(&conn, &cleaning)?;
        Ok((load::load(&conn)?, conn, numbers, lock))
    });
    let (state, conn, numbers, lock) = opened.await?;
    let metrics = metrics::Metrics::register(&parts.metrics)?;
    info!(dir = %config.dir.display(), n_streams = state.tables.len(), "opened the lake");
    let shared = Arc::new(state::Shared::new(state));
    let writer = writer::Writer::start(conn, Arc::clone(&shared), parts.faults, lock);
    Ok(Arc::new_cyclic(|this| Lake {
        config,
        clock: parts.clock,
        backfill: parts.backfill,
        objects,
        shared,
        writer,
        metrics,
        numbers: AtomicI64::new(numbers),
        upkeep: Arc::new(Semaphore::new(1)),
        placing: Arc::new(Semaphore::new(PLACING_MAX as usize)),
        recounting: Arc::new(()),
        this: Weak::clone(this),
    }))
}

impl Lake {
    /// Compacts everything there is now.
    ///
    /// # Errors
    /// `Unavailable` when the storage fails: nothing was changed.
    pub async fn compact(&self) -> Result<Compacted> {
        self.upkeep(|lake| {
            let compacted = compact::compact(lake, true)?;
            files::sweep(lake)?;
            Ok(compacted)
        })
        .await
    }

    /// Removes what is older than its stream keeps it, and folds old history; answers how many rows were removed.
    ///
    /// # Errors
    /// `Unavailable` when the storage fails.
    pub async fn retain(&self) -> Result<u64> {
        self.upkeep(|lake| {
            let removed = retain::retain(lake)?;
            history::fold(lake)?;
            files::sweep(lake)?;
            Ok(removed)
        })
        .await
    }

    /// Compacts and removes whenever it is due, for ever. Cancel-safe.
    pub async fn maintain(self: Arc<Self>) {
        let mut retain = tokio::time::interval(Duration::from_millis(self.config.retain_ms.max(1)));
        retain.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut look = tokio::time::interval(Duration::from_millis(self.config.maintain_ms.max(1)));
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pause = look.period();
        loop {
            let done = tokio::select! {
                biased;
                _ = retain.tick() => self.retain().await.map(drop).and(self.compact_due().await),
                () = self.shared.compaction_due.notified() => self.compact_due().await,
                _ = look.tick() => self.compact_due().await,
            };
            let Err(error) = done else {
                self.shared.upkeep_error.send_replace(None);
                pause = look.period();
                continue;
            };
            warn!(%error, "upkeep of the lake failed; it is tried again");
            // Storage that is full or away fails all tables alike. Anything else is one table's trouble, and the others go on.
            if error.kind() == Kind::Unavailable {
                self.shared.upkeep_error.send_replace(Some(error));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(UPKEEP_PAUSE_MAX);
            }
        }
    }

    async fn compact_due(&self) -> Result<()> {
        self.upkeep(|lake| {
            compact::compact(lake, false)?;
            files::sweep(lake)?;
            lake.metrics.measure(&lake.shared);
            Ok(())
        })
        .await
    }

    /// Ends the writer after what waits and gives the directory back. Nothing depends on it: what was answered is durable.
    ///
    /// # Errors
    /// None today; it answers a `Result` so that a later store may fail to close.
    pub async fn close(&self) -> Result<()> {
        self.writer.close().await;
        // Work whose caller went away ends here, so that the next opener finds the files quiet.
        let _quiet = (self.upkeep.acquire().await, self.placing.acquire_many(PLACING_MAX).await);
        Ok(())
    }

    /// `system.commits`, `.ledger`, `.quarantine` and `.files`.
    pub fn system_tables(self: &Arc<Self>) -> Vec<Arc<dyn SystemTable>> {
        report::tables(self)
    }

    /// Runs upkeep on a thread for blocking work, one at a time. Once begun it runs to its end, also when nobody waits for it.
    async fn upkeep<T: Send + 'static>(&self, work: impl FnOnce(&Arc<Lake>) -> Result<T> + Send + 'static) -> Result<T> {
        let permit = Arc::clone(&self.upkeep).acquire_owned().await;
        let permit = permit.map_err(|cause| Error::unavailable("the lake is closed").because(cause))?;
        let lake = self.owned();
        catalog::blocking(move || {
            let _permit = permit;
            work(&lake)
        })
        .await
    }

    fn owned(&self) -> Arc<Lake> {
        self.this.upgrade().expect("whoever calls a method holds the lake")
    }

    fn next_number(&self) -> i64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn catalog_path(&self) -> PathBuf {
        self.config.dir.join(catalog::FILE)
    }
}

#[async_trait]
impl TableStore for Lake {
    async fn offsets(&self, stream: StreamId) -> Result<Offsets> {
        self.shared.read(|state| state.table(stream).map(|table| table.offsets.clone()))
    }

    async fn commit(&self, commit: Commit) -> Result<CommitId> {
        commit::commit(self, commit).await
    }

    async fn snapshot(&self, table: &TableName, version: Version) -> Result<Snapshot> {
        snapshot::snapshot(self, table, version).await
    }

    async fn since(&self, table: &TableName, after: CommitId) -> Result<Vec<Slice>> {
        since::since(self, table, after).await
    }
}

#[async_trait]
impl Changes for Lake {
    async fn changed(&self, table: &TableName, after: CommitId) -> Result<()> {
        let mut commits = self.shared.read(|state| state.named(table).map(|table| table.changed.subscribe()))?;
        match commits.wait_for(|commit| *commit > after).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::not_found(format!("the stream '{table}' was dropped"))),
        }
    }
}

#[async_trait]
impl Drifts for Lake {
    async fn proposed(&self, stream: StreamId, path: &str) -> Result<Option<ColumnType>> {
        let path = path.to_owned();
        catalog::read(self.catalog_path(), move |conn| drift::proposed(conn, stream, &path)).await
    }
}

#[async_trait]
impl Receipts for Lake {
    async fn receipt(&self, stream: StreamId, key: &str) -> Result<Option<(CommitId, Receipt)>> {
        let key = key.to_owned();
        catalog::read(self.catalog_path(), move |conn| snapshot::receipt(conn, stream, &key)).await
    }
}

#[async_trait]
impl Catalog for Lake {
    fn streams(&self) -> Vec<Arc<Stream>> {
        self.shared.read(state::State::streams)
    }

    async fn create(&self, definition: StreamDefinition) -> Result<Arc<Stream>> {
        streams::create(self, definition).await
    }

    async fn replace(&self, stream: Stream) -> Result<Arc<Stream>> {
        streams::replace(self, stream).await
    }

    async fn remove(&self, name: &StreamName) -> Result<()> {
        streams::remove(self, name).await
    }
}

#[async_trait]
impl Verify for Lake {
    async fn verify(&self, stream: Option<&StreamName>) -> Result<Vec<Verified>> {
        verify::verify(self, stream).await
    }
}

#[cfg(test)]
mod tests;
