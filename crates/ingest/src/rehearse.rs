//! `EXPLAIN ALTER STREAM`: what the stream read lately goes through the changed definition once more, and nothing is kept.

mod payload;

use crate::intake::{self, Intake, Taken};
use crate::pipeline::Job;
use crate::repair::sample;
use crate::replay;
use crate::returns::{self, Outcomes};
use crate::supervisor::Supervisor;
use arrow::array::{Array, AsArray, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType, TimeFormat, hidden};
use helios_contract::commit::CommitId;
use helios_contract::quarantine::{Held, QuarantineId};
use helios_contract::record::{Position, Record};
use helios_contract::rehearsal::{Filled, Reach, Rehearsal};
use helios_contract::store::{Slice, Version};
use helios_contract::stream::{Format, Stream, StreamChange, StreamDefinition};
use helios_contract::{Error, Kind, Result, StreamName, Timestamp};
use std::sync::Arc;

/// Most rows that are tried: some seconds of work.
const ROWS_MAX: usize = 200_000;

/// Bytes of quarantined payload tried at a time.
const HELD_BYTES_MAX: usize = 4 << 20;

/// See `StreamControl::rehearse`.
pub(crate) async fn rehearse(
    supervisor: &Arc<Supervisor>,
    name: &StreamName,
    change: StreamChange,
    reach: Reach,
    open: Vec<QuarantineId>,
) -> Result<Rehearsal> {
    let job = supervisor.job_of(name)?;
    let definition = supervisor.changed(&job.stream, change).await?;
    let before = job.stream.definition.columns.clone();
    let changed = |definition| Arc::new(job.with(Arc::new(Stream { definition, ..Stream::clone(&job.stream) })));
    let mut trial = Trial::of(changed(readable(definition.clone())))?;
    let (mut stored, mut filled) = (Outcomes::default(), Columns::of(&before, &definition.columns));
    let (mut n_rows, mut cut_short) = (0, false);
    let (mut after, mut skip) = begin(&job, reach).await?;
    loop {
        let slices = job.parts.tables.since(name, after).await?;
        let Some(last) = slices.last() else { break };
        after = last.commit;
        for slice in slices {
            let n_skipped = skip.min(slice.rows.num_rows());
            skip -= n_skipped;
            let rows = slice.rows.slice(n_skipped, slice.rows.num_rows() - n_skipped);
            n_rows += rows.num_rows();
            let held = held(&Slice { rows, ..slice }, &before)?;
            let (after, taken, outcomes) = trial.take(held).await?;
            trial = after;
            filled.count(&definition.columns, &taken)?;
            stored.extend(outcomes);
        }
        if n_rows >= ROWS_MAX {
            cut_short = true;
            break;
        }
    }
    let mut trial = Trial::of(changed(definition.clone()))?;
    let mut quarantined = Outcomes::default();
    let mut rest = open.as_slice();
    while !rest.is_empty() {
        let (held, n_looked) = job.parts.quarantine.held(job.stream.id, rest, HELD_BYTES_MAX).await?;
        rest = &rest[n_looked.max(1)..];
        let (after, _, outcomes) = trial.take(held).await?;
        trial = after;
        quarantined.extend(outcomes);
    }
    let touched = touched(&before, &definition.columns);
    Ok(Rehearsal { cut_short, stored: stored.listed(), quarantined: quarantined.listed(), columns: filled.0, touched })
}

/// The commit after which rows are tried, and how many of the first to leave out.
async fn begin(job: &Job, reach: Reach) -> Result<(CommitId, usize)> {
    match reach {
        Reach::After { commit, skip } => Ok((commit, usize::try_from(skip).unwrap_or(usize::MAX))),
        Reach::Within(time) => {
            let since = job.parts.clock.now().minus(time);
            match job.parts.tables.snapshot(&job.stream.definition.name, Version::Time(since)).await {
                Ok(snapshot) => Ok((snapshot.version, 0)),
                // There was no table yet.
                Err(error) if error.kind() == Kind::Invalid => Ok((CommitId(0), 0)),
                Err(error) => Err(error),
            }
        }
    }
}

/// A pipeline's intake under the changed definition, which remembers no rows but its own.
struct Trial {
    job: Arc<Job>,
    intake: Intake,
}

impl Trial {
    fn of(job: Arc<Job>) -> Result<Trial> {
        Ok(Trial { intake: Intake::fresh(&job.stream.definition, &job)?, job })
    }

    async fn take(mut self, held: Vec<Held>) -> Result<(Trial, Vec<Taken>, Outcomes)> {
        self.intake.learn(&intake::group(returns::chunks(&held))).await?;
        let taking = tokio::task::spawn_blocking(move || {
            let (job, intake, taken) = replay::take(self.job, self.intake, &held)?;
            let outcomes = returns::outcomes(&held, &taken, &returns::unfit(&held, &taken));
            Ok((Trial { job, intake }, taken, outcomes))
        });
        taking.await.map_err(|e| Error::internal("rehearsing a change").because(e))?
    }
}

/// The definition for reading rows written back as JSON: there, times are text.
fn readable(mut definition: StreamDefinition) -> StreamDefinition {
    definition.format = Format::Json;
    definition.format_options.clear();
    definition.columns.iter_mut().for_each(|column| plain_times(&mut column.data_type));
    definition
}

fn plain_times(data_type: &mut ColumnType) {
    match data_type {
        ColumnType::Timestamp(format) => *format = TimeFormat::Rfc3339,
        ColumnType::Struct(fields) => fields.iter_mut().for_each(|field| plain_times(&mut field.data_type)),
        ColumnType::List(item) => plain_times(item),
        _ => {}
    }
}

/// Rows as the records they may have been.
fn held(slice: &Slice, columns: &[Column]) -> Result<Vec<Held>> {
    let rows = &slice.rows;
    let text = |name: &str| rows.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let (partitions, keys, headers) = (text(hidden::PARTITION), text(hidden::KEY), text(hidden::HEADERS));
    let times = rows.column_by_name(hidden::TIME).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let offsets = rows.column_by_name(hidden::OFFSET).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let at = |column: Option<&StringArray>, row: usize| column.filter(|c| c.is_valid(row)).map(|c| c.value(row).to_owned());
    let one = |(row, payload)| Held {
        id: QuarantineId(0),
        partition: at(partitions, row).unwrap_or_default().into(),
        record: Record {
            position: Position::Number(offsets.filter(|c| c.is_valid(row)).map_or(row as i64, |c| c.value(row))),
            time: times.filter(|c| c.is_valid(row)).map_or(slice.committed_at, |c| Timestamp(c.value(row))),
            key: at(keys, row).map(Bytes::from),
            headers: at(headers, row).map(|json| headers_of(&json)).unwrap_or_default(),
            payload,
        },
    };
    Ok(payload::of(rows, columns)?.into_iter().enumerate().map(one).collect())
}

/// Headers out of the JSON object that `_headers` holds.
fn headers_of(json: &str) -> Vec<(String, Option<Bytes>)> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let value = |value: serde_json::Value| value.as_str().map(|text| Bytes::copy_from_slice(text.as_bytes()));
    fields.into_iter().map(|(name, header)| (name, value(header))).collect()
}

/// New and changed columns, and how many rows fill them.
struct Columns(Vec<Filled>);

impl Columns {
    fn of(before: &[Column], after: &[Column]) -> Columns {
        let is_news = |column: &&Column| !before.iter().any(|old| old == *column);
        let filled = |column: &Column| Filled { column: column.name.clone(), n_rows: 0, sample: String::new() };
        Columns(after.iter().filter(is_news).map(filled).collect())
    }

    fn count(&mut self, columns: &[Column], taken: &[Taken]) -> Result<()> {
        for filled in &mut self.0 {
            let Some(place) = columns.iter().position(|column| column.name == filled.column) else { continue };
            for rows in taken.iter().map(|taken| &taken.rows) {
                let values = rows.column(place);
                filled.n_rows += (values.len() - values.null_count()) as u64;
                if let Some(first) = (0..values.len()).find(|row| filled.sample.is_empty() && values.is_valid(*row)) {
                    let shown = array_value_to_string(values, first);
                    filled.sample = sample(shown.map_err(|e| Error::internal("showing a value").because(e))?.as_bytes());
                }
            }
        }
        Ok(())
    }
}

/// Columns that statements may miss or misread after the change.
fn touched(before: &[Column], after: &[Column]) -> Vec<String> {
    let stays =
        |old: &&Column| after.iter().any(|new| new.id == old.id && new.name == old.name && new.data_type == old.data_type);
    before.iter().filter(|old| !stays(old)).map(|old| old.name.clone()).collect()
}
