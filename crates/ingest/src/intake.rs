//! From chunks to rows: decode, leave out repeated rows, count late ones. Pure computing; it runs off the event loop.

use crate::decode;
use crate::dedup::Dedup;
use crate::lateness::Watermarks;
use crate::pipeline::Job;
use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use helios_contract::column::row_schema;
use helios_contract::commit::{Counts, Quarantined};
use helios_contract::decode::{Decoder, Reject};
use helios_contract::record::{Chunk, Gap, Record};
use helios_contract::{Error, Result, Timestamp};
use std::sync::Arc;

/// What remembers between chunks: the decoder, the identities seen, the watermarks.
///
/// It runs ahead of what is committed. When a batch is given up, the intake is given up with it and built anew.
pub(crate) struct Intake {
    decoder: Box<dyn Decoder>,
    dedup: Option<Dedup>,
    watermarks: Option<Watermarks>,
}

/// Rows of one source partition, and the chunks they came in.
pub(crate) struct Taken {
    pub(crate) partition: Arc<str>,
    pub(crate) chunks: Vec<TakenChunk>,
    pub(crate) rows: RecordBatch,
    pub(crate) quarantined: Vec<Quarantined>,
}

/// What is left of a chunk once its records are rows.
pub(crate) struct TakenChunk {
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    /// The first and last record's position, unless it was empty.
    pub(crate) span: Option<(String, String)>,
    /// The oldest and newest record's arrival, unless it was empty.
    pub(crate) arrivals: Option<(Timestamp, Timestamp)>,
    pub(crate) counts: Counts,
    pub(crate) n_bytes: usize,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) tag: u64,
}

impl Intake {
    /// Builds the decoder and recalls the identities of rows already stored.
    pub(crate) async fn open(job: &Job) -> Result<Intake> {
        let definition = &job.stream.definition;
        let mut dedup = None;
        if let Some(rule) = &definition.deduplicate {
            let mut remembered = Dedup::new(rule, &row_schema(&definition.columns))?;
            remembered.recall(&*job.parts.tables, &job.stream, job.parts.clock.now()).await?;
            dedup = Some(remembered);
        }
        Ok(Intake { decoder: decode::open(definition), dedup, watermarks: Watermarks::of(definition) })
    }

    /// Takes chunks in the order they were pulled; those of one source partition are decoded together.
    pub(crate) fn take(&mut self, chunks: Vec<Chunk>) -> Result<Vec<Taken>> {
        let mut groups: Vec<(Arc<str>, Vec<Chunk>)> = Vec::new();
        for chunk in chunks {
            match groups.iter_mut().find(|(partition, _)| *partition == chunk.partition) {
                Some((_, group)) => group.push(chunk),
                None => groups.push((chunk.partition.clone(), vec![chunk])),
            }
        }
        groups.into_iter().map(|(partition, group)| self.take_partition(partition, group)).collect()
    }

    fn take_partition(&mut self, partition: Arc<str>, mut group: Vec<Chunk>) -> Result<Taken> {
        let lens: Vec<usize> = group.iter().map(|chunk| chunk.records.len()).collect();
        let records: Vec<Record> = match group.as_mut_slice() {
            [only] => std::mem::take(&mut only.records),
            many => many.iter_mut().flat_map(|chunk| std::mem::take(&mut chunk.records)).collect(),
        };
        let decoded = self.decoder.decode(&partition, &records);
        let (mut rows, rejects) = (decoded.rows, decoded.rejects);
        if rows.num_rows() + rejects.len() != records.len() {
            let message = format!("{} records became {} rows and {} rejects", records.len(), rows.num_rows(), rejects.len());
            return Err(Error::internal(message));
        }
        let repeated = match &mut self.dedup {
            Some(dedup) => dedup.repeated(&rows)?,
            None => Vec::new(),
        };
        let late = self.watermarks.as_mut().map(|watermarks| watermarks.late(&partition, &rows)).unwrap_or_default();
        let chunks = tally(group, &lens, &records, &rejects, &repeated, &late);
        if repeated.contains(&true) {
            let keep: BooleanArray = repeated.iter().map(|repeats| Some(!repeats)).collect();
            rows = filter_record_batch(&rows, &keep).map_err(|e| Error::internal("leaving out repeated rows").because(e))?;
        }
        let quarantined = rejects.into_iter().map(|reject| quarantine(&partition, &records[reject.index], reject)).collect();
        Ok(Taken { partition, chunks, rows, quarantined })
    }
}

// Rows stand in record order without the rejected ones, so each chunk's rows are found by counting.
fn tally(
    group: Vec<Chunk>,
    lens: &[usize],
    records: &[Record],
    rejects: &[Reject],
    repeated: &[bool],
    late: &[bool],
) -> Vec<TakenChunk> {
    let (mut record, mut row, mut reject) = (0, 0, 0);
    let mut chunks = Vec::with_capacity(group.len());
    for (chunk, len) in group.into_iter().zip(lens) {
        let own = &records[record..record + len];
        record += len;
        let n_rejected = rejects[reject..].partition_point(|reject| reject.index < record);
        reject += n_rejected;
        let own_rows = row..row + len - n_rejected;
        row = own_rows.end;
        let is_repeated = |row: usize| repeated.get(row).copied().unwrap_or(false);
        let n_repeated = own_rows.clone().filter(|row| is_repeated(*row)).count();
        let n_late = own_rows.clone().filter(|row| !is_repeated(*row) && late.get(*row).copied().unwrap_or(false)).count();
        chunks.push(TakenChunk {
            from: chunk.from,
            to: chunk.to,
            span: own.first().zip(own.last()).map(|(first, last)| (first.position.to_string(), last.position.to_string())),
            arrivals: own.iter().map(|r| r.time).min().zip(own.iter().map(|r| r.time).max()),
            counts: Counts {
                received: *len as u64,
                stored: (own_rows.len() - n_repeated) as u64,
                quarantined: n_rejected as u64,
                filtered: 0,
                deduplicated: n_repeated as u64,
                late: n_late as u64,
            },
            n_bytes: own.iter().map(|record| record.payload.len()).sum(),
            gaps: chunk.gaps,
            idempotency_key: chunk.idempotency_key,
            tag: chunk.tag,
        });
    }
    chunks
}

fn quarantine(partition: &str, record: &Record, reject: Reject) -> Quarantined {
    Quarantined {
        partition: partition.to_owned(),
        position: record.position.to_string(),
        time: record.time,
        reason: reject.reason,
        path: reject.path,
        payload: record.payload.clone(),
        key: record.key.clone(),
    }
}
