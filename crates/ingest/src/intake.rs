//! From chunks to rows: decode, fill, judge, leave out repeated rows, mark late ones. Pure computing; it runs off the event loop.

mod mend;
mod rules;
pub(crate) mod shape;

use crate::decode;
use crate::dedup::Dedup;
use crate::definition;
use crate::drift;
use crate::lateness::Watermarks;
use crate::pipeline::Job;
use crate::registry::Registry;
use arrow::array::{Array, AsArray, BooleanArray, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use helios_contract::column::{ColumnType, hidden, row_schema};
use helios_contract::commit::{Counts, Quarantined};
use helios_contract::condition::Conditions;
use helios_contract::decode::{Decoder, Reject};
use helios_contract::drift::{Drift, OnTypeChange};
use helios_contract::record::{Chunk, Gap, Record};
use helios_contract::stream::{Format, StreamDefinition};
use helios_contract::{Error, Result, Timestamp};
use mend::Remedy;
use rules::Rules;
use shape::Shape;
use std::sync::Arc;

/// What remembers between chunks: the decoder, the identities seen, the watermarks.
///
/// It runs ahead of what is committed. When a batch is given up, the intake is given up with it and built anew.
pub(crate) struct Intake {
    definition: StreamDefinition,
    decoder: Box<dyn Decoder>,
    registry: Option<Registry>,
    shape: Shape,
    rules: Option<Rules>,
    dedup: Option<Dedup>,
    watermarks: Option<Watermarks>,
    conditions: Arc<dyn Conditions>,
}

/// Chunks of one source partition, to be decoded together.
pub(crate) struct Group {
    partition: Arc<str>,
    chunks: Vec<Chunk>,
    /// How many records each chunk had.
    lens: Vec<usize>,
    records: Vec<Record>,
}

/// What came of groups.
pub(crate) enum Outcome {
    /// Rows.
    Taken(Vec<Taken>),
    /// Nothing yet: these columns (by index) need wider types first, then the groups are to be taken again.
    Widen(Vec<(usize, ColumnType)>, Vec<Group>),
}

/// Rows of one source partition, and the chunks they came in.
pub(crate) struct Taken {
    pub(crate) partition: Arc<str>,
    pub(crate) chunks: Vec<TakenChunk>,
    pub(crate) rows: RecordBatch,
    pub(crate) quarantined: Vec<Quarantined>,
    pub(crate) drift: Vec<Drift>,
    /// The partition's newest event time, these rows included.
    pub(crate) watermark: Option<Timestamp>,
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

/// Where a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stored,
    Late,
    Quarantined,
    Filtered,
    Repeated,
}

/// Event times outside of these are a fault of the clock or the format, not of age: 1900-01-01 and 2200-01-01.
const SANE_MICROS: std::ops::Range<i64> = -2_208_988_800_000_000..7_258_118_400_000_000;

/// Whether the filter and the rules of a definition can be held against its rows.
///
/// # Errors
/// `Invalid`, naming what cannot.
pub(crate) fn check_rules(definition: &StreamDefinition, conditions: &dyn Conditions) -> Result<()> {
    Rules::of(definition, conditions).map(drop)
}

/// Chunks by source partition, in the order they were pulled.
pub(crate) fn group(chunks: Vec<Chunk>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for mut chunk in chunks {
        let records = std::mem::take(&mut chunk.records);
        let n = records.len();
        match groups.iter_mut().find(|group| group.partition == chunk.partition) {
            Some(group) => {
                group.records.extend(records);
                group.lens.push(n);
                group.chunks.push(chunk);
            }
            None => groups.push(Group { partition: chunk.partition.clone(), chunks: vec![chunk], lens: vec![n], records }),
        }
    }
    groups
}

impl Intake {
    /// Builds the decoder and recalls the identities of rows already stored.
    pub(crate) async fn open(job: &Job) -> Result<Intake> {
        let mut intake = Intake::fresh(&job.stream.definition, job)?;
        if let Some(dedup) = &mut intake.dedup {
            dedup.recall(&*job.parts.tables, &job.stream, job.parts.clock.now()).await?;
        }
        if let Some(watermarks) = &mut intake.watermarks {
            watermarks.recall(&*job.parts.tables, &job.stream).await?;
        }
        Ok(intake)
    }

    /// One that remembers nothing.
    pub(crate) fn fresh(definition: &StreamDefinition, job: &Job) -> Result<Intake> {
        // Before its first push a stream may not have columns yet; then there are no rows to compare.
        let rule = definition.deduplicate.as_ref().filter(|_| !definition.columns.is_empty());
        let for_decoder = StreamDefinition { columns: shape::for_decoder(&definition.columns), ..definition.clone() };
        Ok(Intake {
            decoder: decode::open(&for_decoder),
            registry: Registry::of(definition, &*job.parts.secrets)?,
            shape: Shape::of(&definition.columns)?,
            rules: Rules::of(definition, &*job.parts.conditions)?,
            dedup: rule.map(|rule| Dedup::new(rule, &row_schema(&definition.columns))).transpose()?,
            watermarks: Watermarks::of(definition),
            conditions: job.parts.conditions.clone(),
            definition: definition.clone(),
        })
    }

    /// The same with the watermarks of another, which the lake does not know.
    pub(crate) fn remembering(self, other: Intake) -> Intake {
        Intake { watermarks: other.watermarks, ..self }
    }

    /// Fetches the schemas that the records of groups name and the decoder does not know; to be done before they are taken.
    ///
    /// # Errors
    /// `Unavailable` while the registry is away or lacks a schema: the records are not to blame.
    pub(crate) async fn learn(&mut self, groups: &[Group]) -> Result<()> {
        let Some(registry) = &self.registry else { return Ok(()) };
        for group in groups {
            registry.teach(&mut *self.decoder, &group.records).await?;
        }
        Ok(())
    }

    /// Takes groups in their order, all or none of them.
    pub(crate) fn take(&mut self, groups: Vec<Group>) -> Result<Outcome> {
        let mut widened: Vec<(usize, ColumnType)> = Vec::new();
        let mut decoded = Vec::with_capacity(groups.len());
        for group in &groups {
            decoded.push(self.decode(group, &mut widened)?);
        }
        // What asked for a column that cannot be is among the rejects already.
        widened.retain(|wider| self.may_be(wider));
        if !widened.is_empty() {
            return Ok(Outcome::Widen(widened, groups));
        }
        let taken = groups.into_iter().zip(decoded).map(|(group, (rows, rejects))| self.judge(group, rows, rejects));
        taken.collect::<Result<_>>().map(Outcome::Taken)
    }

    /// Whether the definition still holds together with a column of another type.
    fn may_be(&self, (column, data_type): &(usize, ColumnType)) -> bool {
        let mut wider = self.definition.clone();
        wider.columns[*column].data_type = data_type.clone();
        definition::check(&wider).and_then(|()| check_rules(&wider, &*self.conditions)).is_ok()
    }

    /// Decodes a group; values that changed their type are mended, or noted in `widened`.
    fn decode(&mut self, group: &Group, widened: &mut Vec<(usize, ColumnType)>) -> Result<(RecordBatch, Vec<Reject>)> {
        let decoded = self.decoder.decode(&group.partition, &group.records);
        let (rows, rejects) = (decoded.rows, decoded.rejects);
        if rows.num_rows() + rejects.len() != group.records.len() {
            let message =
                format!("{} records became {} rows and {} rejects", group.records.len(), rows.num_rows(), rejects.len());
            return Err(Error::internal(message));
        }
        let policy = self.definition.on_type_change;
        if rejects.is_empty() || policy == OnTypeChange::Quarantine || self.definition.format != Format::Json {
            return Ok((rows, rejects));
        }
        self.mend(group, rows, rejects, widened)
    }

    /// Reads rejected records again as the policy says, and puts their rows where they belong.
    fn mend(
        &mut self,
        group: &Group,
        rows: RecordBatch,
        rejects: Vec<Reject>,
        widened: &mut Vec<(usize, ColumnType)>,
    ) -> Result<(RecordBatch, Vec<Reject>)> {
        let mut still = Vec::new();
        let (mut indexes, mut batches) = (Vec::new(), vec![rows]);
        for reject in rejects {
            match self.read_again(group, &reject, widened) {
                Some(row) => {
                    indexes.push(reject.index);
                    batches.push(row);
                }
                None => still.push(reject),
            }
        }
        if indexes.is_empty() {
            return Ok((batches.swap_remove(0), still));
        }
        let bug = |e: arrow::error::ArrowError| Error::internal("putting mended rows in their places").because(e);
        let n_first = batches[0].num_rows();
        let all = concat_batches(&batches[0].schema(), &batches).map_err(bug)?;
        let (mut first, mut again, mut rejected) =
            (0..n_first, n_first..all.num_rows(), still.iter().map(|r| r.index).peekable());
        let mut mended = indexes.into_iter().peekable();
        let order: UInt32Array = (0..group.records.len())
            .filter_map(|index| match () {
                () if rejected.next_if_eq(&index).is_some() => None,
                () if mended.next_if_eq(&index).is_some() => again.next(),
                () => first.next(),
            })
            .map(|row| row as u32)
            .collect();
        Ok((take_record_batch(&all, &order).map_err(bug)?, still))
    }

    /// The row of a record that does not fit as it is, if it fits as the policy reads it.
    fn read_again(&mut self, group: &Group, reject: &Reject, widened: &mut Vec<(usize, ColumnType)>) -> Option<RecordBatch> {
        let original = &group.records[reject.index];
        let (mut record, mut path) = (original.clone(), reject.path.clone());
        let mut asides = Vec::new();
        // Each round mends one value, so a record takes as many as it has columns.
        for _ in 0..self.definition.columns.len() {
            match mend::remedy(self.definition.on_type_change, &self.definition.columns, &record.payload, &path)? {
                Remedy::Widen(column, wider) => {
                    widen(widened, column, wider, self.definition.on_type_change);
                    return None;
                }
                Remedy::Read { payload, aside } => {
                    record.payload = payload;
                    asides.extend(aside);
                }
            }
            let mut decoded = self.decoder.decode(&group.partition, std::slice::from_ref(&record));
            match decoded.rejects.pop() {
                Some(reject) => path = reject.path,
                None => return set_aside(decoded.rows, &asides).ok(),
            }
        }
        None
    }

    fn judge(&mut self, group: Group, mut rows: RecordBatch, mut rejects: Vec<Reject>) -> Result<Taken> {
        let mut fates = vec![Fate::Stored; group.records.len()];
        rejects.iter().for_each(|reject| fates[reject.index] = Fate::Quarantined);
        let missing = self.shape.fill(&mut rows)?;
        let reasons = missing.iter().flatten().map(|name| ("required field is missing".to_owned(), (*name).to_owned())).collect();
        let out: Vec<_> = missing.iter().map(|name| name.map(|_| Fate::Quarantined)).collect();
        settle(&mut fates, &mut rows, &out, &mut rejects, reasons)?;
        let (out, reasons) = self.absurd(&rows);
        settle(&mut fates, &mut rows, &out, &mut rejects, reasons)?;
        if let Some(rules) = &self.rules {
            let judged = rules.judge(&mut rows)?;
            let reasons = judged.reasons.into_iter().map(|reason| (reason, String::new())).collect();
            settle(&mut fates, &mut rows, &judged.fates, &mut rejects, reasons)?;
        }
        if let Some(dedup) = &mut self.dedup {
            let out: Vec<_> = dedup.repeated(&rows)?.into_iter().map(|repeats| repeats.then_some(Fate::Repeated)).collect();
            settle(&mut fates, &mut rows, &out, &mut rejects, Vec::new())?;
        }
        if let Some(watermarks) = &mut self.watermarks {
            let late = watermarks.late(&group.partition, &rows);
            let stored = fates.iter_mut().filter(|fate| **fate == Fate::Stored);
            stored.zip(&late).filter(|(_, late)| **late).for_each(|(fate, _)| *fate = Fate::Late);
            rules::set_column(&mut rows, hidden::LATE, Arc::new(BooleanArray::from(late)))?;
        }
        rejects.sort_by_key(|reject| reject.index);
        let quarantined =
            rejects.into_iter().map(|reject| quarantine(&group.partition, &group.records[reject.index], reject)).collect();
        let drift = drift::seen(&self.definition.columns, &rows)?;
        let partition = group.partition.clone();
        let watermark = self.watermarks.as_ref().and_then(|watermarks| watermarks.newest(&partition));
        Ok(Taken { partition, chunks: tally(group, &fates), rows, quarantined, drift, watermark })
    }

    /// Rows whose event time cannot be meant.
    fn absurd(&self, rows: &RecordBatch) -> (Vec<Option<Fate>>, Vec<(String, String)>) {
        let mut out = vec![None; rows.num_rows()];
        let mut reasons = Vec::new();
        let name = self.definition.event_time.as_deref().unwrap_or_default();
        let times = rows.column_by_name(name).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        for (row, out) in out.iter_mut().enumerate() {
            let time = times.filter(|times| times.is_valid(row)).map(|times| times.value(row));
            if let Some(time) = time.filter(|time| !SANE_MICROS.contains(time)) {
                *out = Some(Fate::Quarantined);
                reasons.push((format!("event time outside of the years 1900 to 2199: {}", Timestamp(time)), name.to_owned()));
            }
        }
        (out, reasons)
    }
}

fn widen(widened: &mut Vec<(usize, ColumnType)>, column: usize, wider: ColumnType, policy: OnTypeChange) {
    match widened.iter_mut().find(|(have, _)| *have == column) {
        Some((_, data_type)) => match data_type.wider(&wider) {
            Some(both) => *data_type = both,
            None if policy == OnTypeChange::WidenToText => *data_type = ColumnType::Text,
            // The records are taken again: then the other is judged by the type that the first one got.
            None => {}
        },
        None => widened.push((column, wider)),
    }
}

/// Puts values that did not fit into the row's `_rest`.
fn set_aside(mut row: RecordBatch, asides: &[(String, String)]) -> Result<RecordBatch> {
    if asides.is_empty() {
        return Ok(row);
    }
    let rest = row.column_by_name(hidden::REST).and_then(|rest| rest.as_string_opt::<i32>()).filter(|rest| rest.is_valid(0));
    let mut text = rest.map(|rest| rest.value(0).to_owned());
    for (path, json) in asides {
        text = Some(mend::add_to_rest(text.as_deref(), path, json));
    }
    rules::set_column(&mut row, hidden::REST, Arc::new(arrow::array::StringArray::from(vec![text])))?;
    Ok(row)
}

/// Takes the rows that are `out` away, and notes what became of their records; `reasons` (with paths) are those of the
/// quarantined ones, in row order.
fn settle(
    fates: &mut [Fate],
    rows: &mut RecordBatch,
    out: &[Option<Fate>],
    rejects: &mut Vec<Reject>,
    reasons: Vec<(String, String)>,
) -> Result<()> {
    if out.iter().all(Option::is_none) {
        return Ok(());
    }
    let mut reasons = reasons.into_iter();
    let standing = fates.iter_mut().enumerate().filter(|(_, fate)| **fate == Fate::Stored);
    for ((index, fate), out) in standing.zip(out) {
        let Some(out) = out else { continue };
        *fate = *out;
        if *out == Fate::Quarantined {
            let (reason, path) = reasons.next().ok_or_else(|| Error::internal("a row is quarantined without a reason"))?;
            rejects.push(Reject { index, reason, path });
        }
    }
    let keep: BooleanArray = out.iter().map(|out| Some(out.is_none())).collect();
    *rows = filter_record_batch(rows, &keep).map_err(|e| Error::internal("leaving out rows").because(e))?;
    Ok(())
}

fn tally(group: Group, fates: &[Fate]) -> Vec<TakenChunk> {
    let mut start = 0;
    let mut chunks = Vec::with_capacity(group.chunks.len());
    for (chunk, len) in group.chunks.into_iter().zip(&group.lens) {
        let own = &group.records[start..start + len];
        let n = |fate: Fate| fates[start..start + len].iter().filter(|f| **f == fate).count() as u64;
        let late = n(Fate::Late);
        chunks.push(TakenChunk {
            from: chunk.from,
            to: chunk.to,
            span: own.first().zip(own.last()).map(|(first, last)| (first.position.to_string(), last.position.to_string())),
            arrivals: own.iter().map(|r| r.time).min().zip(own.iter().map(|r| r.time).max()),
            counts: Counts {
                received: *len as u64,
                stored: n(Fate::Stored) + late,
                quarantined: n(Fate::Quarantined),
                filtered: n(Fate::Filtered),
                deduplicated: n(Fate::Repeated),
                late,
                replayed: 0,
            },
            n_bytes: own.iter().map(|record| record.payload.len()).sum(),
            gaps: chunk.gaps,
            idempotency_key: chunk.idempotency_key,
            tag: chunk.tag,
        });
        start += len;
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
        headers: record.headers.clone(),
    }
}
