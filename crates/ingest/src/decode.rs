//! Turns records into rows: strict about values, silent about nothing.
//!
//! Each record is read in one pass straight into the columns. Where it turns out bad, the columns are cut back to where they
//! were and the record becomes a reject. Fields that have no column are kept in `_rest`.

mod backfill;
mod payloads;
mod unpack;

mod csv;
mod hidden;
mod json;

mod avro;
pub(crate) mod cloudwatch;
mod msgpack;
mod protobuf;
mod validate;

pub(crate) mod shape;
mod write;

mod column;
mod fields;
mod place;

mod number;
pub(crate) mod scan;
mod time;

pub(crate) mod misfit;

#[cfg(test)]
mod tests;

pub use backfill::backfill;
pub(crate) use backfill::single;
pub(crate) use number::Number;
pub(crate) use payloads::{Payloads, Writer};
pub(crate) use time::rfc3339;
pub(crate) use unpack::Compression;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use fields::Fields;
use helios_contract::column::row_schema;
use helios_contract::decode::{Decoded, Decoder, Reject, SchemaFound};
use helios_contract::record::Record;
use helios_contract::stream::StreamDefinition;
use hidden::Hidden;

/// The decoder of a stream.
///
/// Give it chunks of at most 1 GiB of payload: Arrow counts the bytes of a text column with 32 bits.
pub fn open(definition: &StreamDefinition) -> Box<dyn Decoder> {
    Box::new(Rows {
        schema: row_schema(&definition.columns),
        payloads: Payloads::of(definition),
        fields: Fields::new(&definition.columns),
        rest: String::new(),
        hidden: Hidden::default(),
    })
}

/// The rows under construction.
struct Rows {
    schema: SchemaRef,
    payloads: Payloads,
    fields: Fields,
    /// What has no column in the record being read.
    rest: String,
    hidden: Hidden,
}

impl Decoder for Rows {
    fn decode(&mut self, partition: &str, records: &[Record]) -> Decoded {
        let mut rejects: Vec<Reject> = Vec::new();
        self.payloads.start_batch();
        for (index, record) in records.iter().enumerate() {
            let n_rows = self.fields.n_rows();
            self.rest.clear();
            match self.payloads.read(&record.payload, &mut self.fields, &mut self.rest) {
                Ok(()) => self.hidden.push(record, &self.rest),
                Err(misfit) => {
                    self.fields.truncate(n_rows);
                    rejects.push(misfit.reject(index));
                }
            }
        }
        Decoded { rows: self.finish(partition), rejects }
    }

    fn unknown_schemas(&self, records: &[Record]) -> Vec<u32> {
        self.payloads.unknown_schemas(records)
    }

    fn know_schema(&mut self, id: u32, schema: SchemaFound) {
        self.payloads.know_schema(id, schema);
    }
}

impl Rows {
    fn finish(&mut self, partition: &str) -> RecordBatch {
        let n_rows = self.fields.n_rows();
        let mut arrays = self.fields.finish();
        arrays.extend(self.hidden.finish(partition));
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).expect("the columns were made from the schema")
    }
}
