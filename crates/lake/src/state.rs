//! What is committed, in memory: changed by the writer alone, and only after the change is durable.

use crate::parquet_file::NewFile;
use helios_contract::clock::Timestamp;
use helios_contract::column::table_schema;
use helios_contract::commit::{CommitId, Move};
use helios_contract::error::{Error, Result};
use helios_contract::name::StreamName;
use helios_contract::record::Offsets;
use helios_contract::store::{DataFile, Slice};
use helios_contract::stream::{Stream, StreamId};
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use tokio::sync::{Notify, watch};

/// The state, shared between the writer and everybody who reads.
#[derive(Debug)]
pub(crate) struct Shared {
    state: RwLock<State>,
    /// Bytes of all tails in memory; commits wait on it when there are too many.
    pub(crate) tail_bytes: watch::Sender<u64>,
    /// Rung when compaction has something to do before its next round.
    pub(crate) compaction_due: Notify,
    /// Why the storage fails upkeep, until it works again: commits do not wait for it then.
    pub(crate) upkeep_error: watch::Sender<Option<Error>>,
}

impl Shared {
    pub(crate) fn new(state: State) -> Shared {
        let tail_bytes = watch::Sender::new(state.tail_bytes());
        let upkeep_error = watch::Sender::new(None);
        Shared { state: RwLock::new(state), tail_bytes, compaction_due: Notify::new(), upkeep_error }
    }

    /// Looks at the state; `look` must be quick and must not wait.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state; only the writer does, except for [`State::held`].
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let done = change(&mut state);
        let bytes = state.tail_bytes();
        drop(state);
        self.tail_bytes.send_if_modified(|known| std::mem::replace(known, bytes) != bytes);
        done
    }
}

/// Every table, and who still needs which doomed object.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) tables: BTreeMap<StreamId, Table>,
    names: BTreeMap<StreamName, StreamId>,
    /// Doomed paths with those who hold them.
    pub(crate) held: HashMap<String, Held>,
}

/// Why a doomed object is not deleted yet.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The operation that is writing it, or the snapshots that read it.
    pub(crate) by: Weak<dyn Any + Send + Sync>,
    /// Whether other files have taken its place.
    pub(crate) superseded: bool,
}

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) stream: Arc<Stream>,
    pub(crate) schema: arrow::datatypes::SchemaRef,
    /// Older definitions, oldest first, with the newest version that was made under each.
    pub(crate) past: Vec<(CommitId, Arc<Stream>)>,
    pub(crate) offsets: Offsets,
    /// The newest commit; 0 when there is none.
    pub(crate) version: CommitId,
    pub(crate) committed_at: Option<Timestamp>,
    /// The arrival of the newest record.
    pub(crate) newest: Option<Timestamp>,
    /// Rows kept inline, oldest first, with the columns of their time.
    pub(crate) tail: Vec<TailSlice>,
    pub(crate) files: Vec<FileEntry>,
    /// Tells the newest commit to those who follow; closed when the table goes.
    pub(crate) changed: watch::Sender<CommitId>,
}

/// A slice with its size in memory.
#[derive(Debug, Clone)]
pub(crate) struct TailSlice {
    pub(crate) slice: Slice,
    pub(crate) n_bytes: u64,
}

/// A file with what only the lake needs to know about it.
#[derive(Debug, Clone)]
pub(crate) struct FileEntry {
    /// Its number in the catalog.
    pub(crate) id: i64,
    /// The time partition, or a word for what it is.
    pub(crate) partition: Arc<str>,
    pub(crate) file: Arc<DataFile>,
}

/// A commit that has become durable, as memory keeps it.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) id: CommitId,
    pub(crate) at: Timestamp,
    pub(crate) newest: Option<Timestamp>,
    pub(crate) moves: Vec<Move>,
    pub(crate) slice: Option<TailSlice>,
    pub(crate) file: Option<FileEntry>,
}

impl State {
    /// The table of a stream.
    pub(crate) fn table(&self, id: StreamId) -> Result<&Table> {
        self.tables.get(&id).ok_or_else(|| Error::not_found("the stream was dropped"))
    }

    /// The table of that name.
    pub(crate) fn named(&self, name: &StreamName) -> Result<&Table> {
        let found = self.names.get(name).and_then(|id| self.tables.get(id));
        found.ok_or_else(|| {
            let error = Error::not_found(format!("there is no stream '{name}'"));
            match helios_contract::error::nearest(name.as_str(), self.names.keys().map(StreamName::as_str)) {
                Some(near) => error.hint(format!("Did you mean '{near}'?")),
                None => error,
            }
        })
    }

    /// Every stream, by name.
    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        self.names.values().filter_map(|id| self.tables.get(id)).map(|table| Arc::clone(&table.stream)).collect()
    }

    /// Bytes of all tails.
    pub(crate) fn tail_bytes(&self) -> u64 {
        self.tables.values().map(Table::tail_bytes).sum()
    }

    /// Adds a table, or gives a table its changed definition.
    pub(crate) fn define(&mut self, stream: Arc<Stream>) {
        self.names.insert(stream.definition.name.clone(), stream.id);
        match self.tables.get_mut(&stream.id) {
            Some(table) => {
                if table.stream.definition.columns != stream.definition.columns {
                    table.past.push((table.version, Arc::clone(&table.stream)));
                }
                table.schema = table_schema(&stream.definition.columns);
                table.stream = stream;
            }
            None => {
                self.tables.insert(stream.id, Table::new(stream));
            }
        }
    }

    /// Removes a table; its files stay until nobody reads them.
    pub(crate) fn remove(&mut self, id: StreamId) {
        if let Some(table) = self.tables.remove(&id) {
            self.names.remove(&table.stream.definition.name);
            self.release(table.files.into_iter());
        }
    }

    /// Remembers who reads files that are no longer part of a table.
    pub(crate) fn release(&mut self, files: impl Iterator<Item = FileEntry>) {
        for entry in files {
            let readers: Weak<DataFile> = Arc::downgrade(&entry.file);
            self.held.insert(entry.file.path.clone(), Held { by: readers, superseded: true });
        }
    }

    /// Puts files in the place of others, and of the inline rows up to a commit.
    pub(crate) fn exchange(&mut self, id: StreamId, gone: &[i64], tail_until: CommitId, new: Vec<FileEntry>) {
        let Some(table) = self.tables.get_mut(&id) else { return };
        table.tail.retain(|tail| tail.slice.commit > tail_until);
        let (gone, mut kept): (Vec<_>, Vec<_>) =
            std::mem::take(&mut table.files).into_iter().partition(|entry| gone.contains(&entry.id));
        kept.extend(new);
        table.files = kept;
        self.release(gone.into_iter());
    }
}

impl Table {
    pub(crate) fn new(stream: Arc<Stream>) -> Table {
        Table {
            schema: table_schema(&stream.definition.columns),
            stream,
            past: Vec::new(),
            offsets: Offsets::new(),
            version: CommitId(0),
            committed_at: None,
            newest: None,
            tail: Vec::new(),
            files: Vec::new(),
            changed: watch::Sender::new(CommitId(0)),
        }
    }

    /// The definition under which a version was made.
    pub(crate) fn definition_at(&self, version: CommitId) -> Arc<Stream> {
        let past = self.past.iter().find(|(until, _)| version <= *until).map(|(_, stream)| stream);
        Arc::clone(past.unwrap_or(&self.stream))
    }

    /// Bytes of the tail in memory.
    pub(crate) fn tail_bytes(&self) -> u64 {
        self.tail.iter().map(|tail| tail.n_bytes).sum()
    }

    /// Makes a durable commit visible.
    pub(crate) fn add(&mut self, commit: Committed) {
        self.offsets.extend(commit.moves.into_iter().map(|step| (step.partition, step.to)));
        self.tail.extend(commit.slice);
        self.files.extend(commit.file);
        self.version = commit.id;
        self.committed_at = Some(commit.at);
        self.newest = self.newest.max(commit.newest);
        self.changed.send_replace(commit.id);
    }
}

impl FileEntry {
    /// The entry of a file that the catalog now knows under `id`.
    pub(crate) fn new(id: i64, file: &NewFile) -> FileEntry {
        let file_of = DataFile {
            path: file.path.clone(),
            size_bytes: file.size_bytes,
            n_rows: file.n_rows,
            commit_min: file.commit_min,
            commit_max: file.commit_max,
            ranges: file.ranges.clone(),
            sorted: file.sorted,
        };
        FileEntry { id, partition: Arc::from(file.partition.as_str()), file: Arc::new(file_of) }
    }
}
