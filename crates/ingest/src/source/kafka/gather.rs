//! Messages on their way into chunks: copied out of librdkafka into one buffer, cut apart without copying again.

use bytes::Bytes;
use helios_contract::record::{Chunk, Gap, Position, Record};
use helios_contract::{Clock, Timestamp};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use std::ops::Range;
use std::sync::Arc;

/// Holes between offsets are told one by one up to this number a chunk; the last one then covers the rest.
const GAPS_A_CHUNK_MAX: usize = 16;
const NO_RECORDS: &str = "no records here: an aborted transaction, a transaction's marker, or compaction";

/// Messages of several partitions, in the order they were polled.
#[derive(Default)]
pub(super) struct Gathering {
    buffer: Vec<u8>,
    runs: Vec<Run>,
    n_records: usize,
}

// The messages of one partition.
struct Run {
    partition: i32,
    name: Arc<str>,
    from: i64,
    next: i64,
    drafts: Vec<Draft>,
    gaps: Vec<Gap>,
}

struct Draft {
    offset: i64,
    time: Timestamp,
    key: Option<Range<usize>>,
    payload: Range<usize>,
    headers: Vec<(String, Option<Bytes>)>,
}

impl Gathering {
    pub(super) fn n_records(&self) -> usize {
        self.n_records
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Adds a message. `expected` is the offset that reading stands at; `name` the partition's number as text.
    pub(super) fn add(&mut self, message: &BorrowedMessage<'_>, name: &Arc<str>, expected: i64, clock: &dyn Clock) {
        let (partition, offset) = (message.partition(), message.offset());
        let draft = Draft {
            offset,
            time: message.timestamp().to_millis().map_or_else(|| clock.now(), |millis| Timestamp(millis.saturating_mul(1_000))),
            key: message.key().map(|key| self.copy(key)),
            payload: self.copy(message.payload().unwrap_or_default()),
            headers: message.headers().map(headers).unwrap_or_default(),
        };
        // Messages of a partition come in runs, so the last run is nearly always the one.
        let run = match self.runs.iter().rposition(|run| run.partition == partition) {
            Some(run) => &mut self.runs[run],
            None => {
                self.runs.push(Run {
                    partition,
                    name: name.clone(),
                    from: expected,
                    next: expected,
                    drafts: Vec::new(),
                    gaps: Vec::new(),
                });
                self.runs.last_mut().expect("it was pushed on the line above")
            }
        };
        if offset > run.next {
            run.skip(offset);
        }
        run.next = offset + 1;
        run.drafts.push(draft);
        self.n_records += 1;
    }

    fn copy(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        start..self.buffer.len()
    }

    /// One chunk a partition.
    pub(super) fn into_chunks(self) -> Vec<Chunk> {
        let buffer = Bytes::from(self.buffer);
        let record = |draft: Draft| Record {
            position: Position::Number(draft.offset),
            time: draft.time,
            key: draft.key.map(|range| buffer.slice(range)),
            headers: draft.headers,
            payload: buffer.slice(draft.payload),
        };
        let chunk = |run: Run| Chunk {
            partition: run.name,
            from: Some(run.from.to_string()),
            to: run.next.to_string(),
            records: run.drafts.into_iter().map(record).collect(),
            gaps: run.gaps,
            idempotency_key: None,
            tag: 0,
        };
        self.runs.into_iter().map(chunk).collect()
    }
}

impl Run {
    fn skip(&mut self, to: i64) {
        let last = (to - 1).to_string();
        if self.gaps.len() < GAPS_A_CHUNK_MAX {
            self.gaps.push(Gap { first: self.next.to_string(), last, n_lost: None, reason: NO_RECORDS.to_owned() });
        } else if let Some(gap) = self.gaps.last_mut() {
            gap.last = last;
            gap.reason = format!("several holes: {NO_RECORDS}");
        }
    }
}

fn headers(headers: &rdkafka::message::BorrowedHeaders) -> Vec<(String, Option<Bytes>)> {
    headers.iter().map(|header| (header.key.to_owned(), header.value.map(Bytes::copy_from_slice))).collect()
}
