//! Leaves out rows whose identity was seen before, exactly, for as long as the stream says.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{Field, Schema, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use helios_contract::column::hidden;
use helios_contract::commit::CommitId;
use helios_contract::store::{TableStore, Version};
use helios_contract::stream::{Deduplicate, Stream};
use helios_contract::{Error, Kind, Result, Timestamp};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use xxhash_rust::xxh3::xxh3_128;

/// The identities seen within the horizon.
///
/// An identity is the 128-bit hash of its columns: among ten billion rows the chance of one false match is below 10^-18.
/// It takes 28 to 56 bytes of memory, depending on how full the hash table is.
pub(crate) struct Dedup {
    rule: Deduplicate,
    columns: Vec<usize>,
    converter: RowConverter,
    seen: HashMap<Identity, Timestamp, BuildHasherDefault<AlreadyHashed>>,
    newest: Timestamp,
    n_after_sweep: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// Takes the hash that an [`Identity`] already is.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("an identity hashes as one u64");
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

// Below this many identities the memory is not worth a sweep.
const SWEEP_FROM: usize = 65_536;

impl Dedup {
    /// Remembers nothing yet. `schema` is that of the rows to come.
    pub(crate) fn new(rule: &Deduplicate, schema: &Schema) -> Result<Dedup> {
        let columns: Vec<usize> = rule.by.iter().map(|name| schema.index_of(name)).collect::<Result<_, _>>().map_err(bug)?;
        let fields = columns.iter().map(|i| SortField::new(schema.field(*i).data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(bug)?;
        Ok(Dedup {
            rule: rule.clone(),
            columns,
            converter,
            seen: HashMap::default(),
            newest: Timestamp(i64::MIN),
            n_after_sweep: 0,
        })
    }

    /// Remembers the identities of the stored rows that arrived within the horizon.
    pub(crate) async fn recall(&mut self, tables: &dyn TableStore, stream: &Stream, now: Timestamp) -> Result<()> {
        let name = &stream.definition.name;
        let horizon = now.minus(self.rule.within);
        // A row arrives before it is committed: all rows of the horizon are in commits after its beginning.
        let mut after = match tables.snapshot(name, Version::Time(horizon)).await {
            Ok(snapshot) => snapshot.version,
            Err(error) if matches!(error.kind(), Kind::Invalid | Kind::NotFound) => CommitId(0),
            Err(error) => return Err(error),
        };
        loop {
            let slices = tables.since(name, after).await?;
            let Some(last) = slices.last() else { return Ok(()) };
            after = last.commit;
            for slice in slices {
                self.repeated(&slice.rows)?;
            }
        }
    }

    /// Which rows repeat an earlier one, and remembers the others. Rows whose key columns are all NULL never repeat.
    pub(crate) fn repeated(&mut self, rows: &RecordBatch) -> Result<Vec<bool>> {
        let keys: Vec<ArrayRef> = self.columns.iter().map(|i| rows.column(*i).clone()).collect();
        let encoded = self.converter.convert_columns(&keys).map_err(bug)?;
        let times = rows.column_by_name(hidden::TIME).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let times = times.ok_or_else(|| Error::internal("rows came without their arrival time"))?;
        let within = i64::try_from(self.rule.within.as_micros()).unwrap_or(i64::MAX);
        let mut repeated = vec![false; rows.num_rows()];
        for (row, repeats) in repeated.iter_mut().enumerate() {
            if keys.iter().all(|key| key.is_null(row)) {
                continue;
            }
            let hash = xxh3_128(encoded.row(row).as_ref());
            let identity = Identity((hash >> 64) as u64, hash as u64);
            let time = Timestamp(times.value(row));
            self.newest = self.newest.max(time);
            match self.seen.get(&identity) {
                Some(first) if time.0.saturating_sub(first.0) < within => *repeats = true,
                _ => {
                    self.seen.insert(identity, time);
                }
            }
        }
        self.sweep();
        Ok(repeated)
    }

    // Forgets what is behind the horizon each time the number of identities has doubled: constant work per row.
    fn sweep(&mut self) {
        if self.seen.len() < SWEEP_FROM.max(self.n_after_sweep * 2) {
            return;
        }
        let oldest = self.newest.minus(self.rule.within);
        self.seen.retain(|_, time| *time > oldest);
        self.n_after_sweep = self.seen.len();
    }
}

fn bug(error: arrow::error::ArrowError) -> Error {
    Error::internal("comparing rows for repetition").because(error)
}

/// Whether rows can be told apart by a column of this type.
pub(crate) fn comparable(field: &Field) -> bool {
    RowConverter::supports_fields(&[SortField::new(field.data_type().clone())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, TimestampMicrosecondArray};
    use helios_contract::column::{Column, ColumnType, row_schema};
    use std::sync::Arc;
    use std::time::Duration;

    fn rows(ids: Vec<Option<i64>>, seconds: Vec<i64>) -> RecordBatch {
        let schema = row_schema(&[Column::new("id", ColumnType::BigInt)]);
        let n = ids.len();
        let columns = schema.fields().iter().map(|field| match field.name().as_str() {
            "id" => Arc::new(Int64Array::from(ids.clone())) as ArrayRef,
            hidden::TIME => {
                let micros: Vec<i64> = seconds.iter().map(|s| s * 1_000_000).collect();
                Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC"))
            }
            _ => arrow::array::new_null_array(field.data_type(), n),
        });
        RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
    }

    fn dedup(within: Duration) -> Dedup {
        let rule = Deduplicate { by: vec!["id".into()], within };
        Dedup::new(&rule, &row_schema(&[Column::new("id", ColumnType::BigInt)])).unwrap()
    }

    #[test]
    fn a_key_repeats_within_the_horizon_and_not_after() {
        let mut dedup = dedup(Duration::from_secs(60));
        assert_eq!(dedup.repeated(&rows(vec![Some(1), Some(2), Some(1)], vec![0, 1, 2])).unwrap(), [false, false, true]);
        assert_eq!(dedup.repeated(&rows(vec![Some(2), Some(1)], vec![59, 60])).unwrap(), [true, false]);
        assert_eq!(dedup.repeated(&rows(vec![Some(1)], vec![70])).unwrap(), [true]);
    }

    #[test]
    fn rows_without_a_key_never_repeat() {
        let mut dedup = dedup(Duration::from_secs(60));
        assert_eq!(dedup.repeated(&rows(vec![None, None], vec![0, 0])).unwrap(), [false, false]);
    }

    #[test]
    fn old_identities_are_forgotten() {
        let mut dedup = dedup(Duration::from_secs(1));
        for round in 0..8 {
            let ids = (0..SWEEP_FROM as i64).map(|i| Some(round * 1_000_000 + i)).collect();
            dedup.repeated(&rows(ids, vec![round * 10; SWEEP_FROM])).unwrap();
        }
        assert!(dedup.seen.len() <= 2 * SWEEP_FROM, "{} identities are remembered", dedup.seen.len());
    }
}
