//! Answers that are kept for whoever asks the same again.
//!
//! A kept answer is given again while it is exact: it depends on nothing but the tables it read, and they hold the same rows.
//! Whoever says so also takes one that is a little old. Of those who do, one computes and the others wait for it: a hundred
//! viewers of a dashboard cost what one costs.

use crate::limits::Allowed;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use helios_contract::commit::CommitId;
use helios_contract::error::{Error, Result};
use helios_contract::query::{Parameters, Query};
use helios_contract::store::{Snapshot, TableStore, Version};
use helios_contract::stream::StreamId;
use helios_contract::{StreamName, Timestamp};
use prometheus::{IntCounter, Registry};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};
use tokio::time::Instant;

/// A longer answer is not kept: computing it anew is the smaller part of sending it.
const BYTES_EACH_MAX: usize = 1 << 20;

/// What makes two statements the same question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    sql: String,
    parameters: String,
    n_rows: u64,
    is_beginning: bool,
}

impl Question {
    pub(crate) fn of(query: &Query, allowed: &Allowed) -> Question {
        let parameters = match &query.parameters {
            Parameters::None => String::new(),
            Parameters::Positional(values) => serde_json::json!(values).to_string(),
            Parameters::Named(values) => serde_json::json!(values).to_string(),
        };
        Question { sql: query.sql.clone(), parameters, n_rows: allowed.n_rows, is_beginning: allowed.is_beginning }
    }
}

/// The rows of a table, as far as they decide an answer.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    stream: StreamId,
    definition: u64,
    commit: CommitId,
    /// Retention takes rows away without a commit.
    n_rows: u64,
}

impl Read {
    fn of(snapshot: &Snapshot) -> Read {
        let in_files: u64 = snapshot.files.iter().map(|file| file.n_rows).sum();
        let in_tail: usize = snapshot.tail.iter().map(|slice| slice.rows.num_rows()).sum();
        Read {
            stream: snapshot.stream.id,
            definition: snapshot.stream.version,
            commit: snapshot.version,
            n_rows: in_files + in_tail as u64,
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    /// The newest commit among the snapshots read.
    pub(crate) snapshot: Option<CommitId>,
    /// The arrival of the newest record in them.
    pub(crate) newest: Option<Timestamp>,
    /// Just before the snapshots were taken.
    pub(crate) at: Instant,
    /// What it depends on; `None` when that is more than tables, such as the clock.
    reads: Option<Vec<(StreamName, Read)>>,
    n_bytes: usize,
}

impl Kept {
    /// Whether it is what computing it now would give.
    pub(crate) async fn is_exact(&self, tables: &dyn TableStore) -> bool {
        let Some(reads) = &self.reads else { return false };
        for (table, read) in reads {
            match tables.snapshot(table, Version::Latest).await {
                Ok(now) if Read::of(&now) == *read => {}
                _ => return false,
            }
        }
        true
    }

    /// Whether it was no older than `age` at `asked`.
    pub(crate) fn is_within(&self, age: Duration, asked: Instant) -> bool {
        self.at + age >= asked
    }
}

/// The answers that are kept.
#[derive(Debug)]
pub(crate) struct Results {
    shelf: Mutex<Shelf>,
    /// Who computes an answer for others, too.
    turns: Mutex<HashMap<Question, Weak<Turn<()>>>>,
    bytes_max: usize,
    reused: IntCounter,
}

/// Answers, and the bytes they take together.
#[derive(Debug, Default)]
struct Shelf {
    answers: HashMap<Question, Arc<Kept>>,
    n_bytes: usize,
}

impl Results {
    /// Keeps at most `bytes_max`.
    ///
    /// # Errors
    /// `Internal` when the metric's name is taken.
    pub(crate) fn open(bytes_max: u64, metrics: &Registry) -> Result<Arc<Results>> {
        let register = || -> Result<IntCounter, prometheus::Error> {
            let reused = IntCounter::new("helios_queries_reused_total", "Statements answered with a kept answer.")?;
            metrics.register(Box::new(reused.clone()))?;
            Ok(reused)
        };
        let reused = register().map_err(|e| Error::internal("cannot register the metrics of kept answers").because(e))?;
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        Ok(Arc::new(Results { shelf: Mutex::default(), turns: Mutex::default(), bytes_max, reused }))
    }

    /// The newest answer to a question.
    pub(crate) fn newest(&self, question: &Question) -> Option<Arc<Kept>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner).answers.get(question).cloned()
    }

    /// Counts an answer that was given again.
    pub(crate) fn reused(&self) {
        self.reused.inc();
    }

    /// Waits until nobody else computes the answer to a question for others, too.
    pub(crate) async fn turn(&self, question: &Question) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let known = turns.get(question).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let turn = Arc::default();
                turns.insert(question.clone(), Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }

    fn keep(&self, question: Question, kept: Kept) {
        if kept.n_bytes > self.bytes_max {
            return;
        }
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.n_bytes += kept.n_bytes;
        if let Some(older) = shelf.answers.insert(question, Arc::new(kept)) {
            shelf.n_bytes -= older.n_bytes;
        }
        while shelf.n_bytes > self.bytes_max {
            let oldest = shelf.answers.iter().min_by_key(|(_, kept)| kept.at).map(|(question, _)| question.clone());
            let Some(gone) = oldest.and_then(|question| shelf.answers.remove(&question)) else { return };
            shelf.n_bytes -= gone.n_bytes;
        }
    }
}

/// An answer on its way to its reader, being kept.
#[derive(Debug)]
pub(crate) struct Keeping {
    results: Arc<Results>,
    question: Question,
    kept: Kept,
    /// Held while others wait for this answer.
    _turn: Option<OwnedMutexGuard<()>>,
}

/// What is known of an answer before its first row.
pub(crate) struct Begun<'a> {
    pub(crate) schema: SchemaRef,
    pub(crate) at: Instant,
    pub(crate) snapshots: &'a [Arc<Snapshot>],
    /// Whether it depends on those snapshots alone.
    pub(crate) is_repeatable: bool,
}

impl Keeping {
    pub(crate) fn new(
        results: &Arc<Results>,
        question: Question,
        turn: Option<OwnedMutexGuard<()>>,
        begun: Begun<'_>,
    ) -> Keeping {
        let Begun { schema, at, snapshots, is_repeatable } = begun;
        let read = |snapshot: &Arc<Snapshot>| (snapshot.stream.definition.name.clone(), Read::of(snapshot));
        let kept = Kept {
            n_bytes: question.sql.len() + question.parameters.len(),
            schema,
            batches: Vec::new(),
            snapshot: snapshots.iter().map(|snapshot| snapshot.version).max(),
            newest: snapshots.iter().filter_map(|snapshot| snapshot.newest).max(),
            at,
            reads: is_repeatable.then(|| snapshots.iter().map(read).collect()),
        };
        Keeping { results: Arc::clone(results), question, kept, _turn: turn }
    }

    /// Adds rows, which follow those before.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.kept.n_bytes += batch.get_array_memory_size();
        if self.kept.n_bytes <= BYTES_EACH_MAX {
            self.kept.batches.push(batch.clone());
        } else {
            self.kept.batches.clear();
        }
    }

    /// The answer is whole.
    pub(crate) fn end(self) {
        if self.kept.n_bytes <= BYTES_EACH_MAX {
            self.results.keep(self.question, self.kept);
        }
    }
}
