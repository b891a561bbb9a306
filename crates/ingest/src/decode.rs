//! Turns records into rows: strict about values, silent about nothing.
//!
//! Each record is read in one pass straight into the columns. Where it turns out bad, the columns are cut back to where they
//! were and the record becomes a reject. Fields that have no column are kept in `_rest`.

mod csv;
mod hidden;
mod json;

mod column;
mod fields;
mod place;

mod number;
pub(crate) mod scan;
mod time;

pub(crate) mod misfit;

#[cfg(test)]
mod tests;

pub(crate) use number::Number;
pub(crate) use time::rfc3339;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use fields::Fields;
use helios_contract::column::row_schema;
use helios_contract::decode::{Decoded, Decoder, Reject};
use helios_contract::record::Record;
use helios_contract::stream::{Format, StreamDefinition};
use hidden::Hidden;

/// The decoder of a stream.
///
/// Give it chunks of at most 1 GiB of payload: Arrow counts the bytes of a text column with 32 bits.
pub fn open(definition: &StreamDefinition) -> Box<dyn Decoder> {
    let payloads = match definition.format {
        Format::Json => Payloads::Json,
        Format::Csv => Payloads::Csv(Box::new(csv::Cells::new(definition.columns.len()))),
    };
    Box::new(Rows {
        schema: row_schema(&definition.columns),
        payloads,
        fields: Fields::new(&definition.columns),
        rest: String::new(),
        hidden: Hidden::default(),
    })
}

enum Payloads {
    Json,
    Csv(Box<csv::Cells>),
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
        for (index, record) in records.iter().enumerate() {
            let n_rows = self.fields.n_rows();
            self.rest.clear();
            let fit = match &mut self.payloads {
                Payloads::Json => json::read(&record.payload, &mut self.fields, &mut self.rest),
                Payloads::Csv(cells) => cells.read(&record.payload, &mut self.fields, &mut self.rest),
            };
            match fit {
                Ok(()) => self.hidden.push(record, &self.rest),
                Err(misfit) => {
                    self.fields.truncate(n_rows);
                    rejects.push(misfit.reject(index));
                }
            }
        }
        Decoded { rows: self.finish(partition), rejects }
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
