//! The seam between bytes and rows.

use crate::record::Record;
use arrow::record_batch::RecordBatch;

/// Why a record did not become a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The record's index among those given.
    pub index: usize,
    /// The reason, lower case: "expected a number, found text \"abc\"".
    pub reason: String,
    /// The field at fault, as `a.b[2].c`; empty when it is the whole record.
    pub path: String,
}

/// What became of the records given to a decoder: each is either one row or one reject.
#[derive(Debug)]
pub struct Decoded {
    /// The rows, in record order; fields as `column::row_schema` says (without `_commit`).
    pub rows: RecordBatch,
    /// Those that did not fit, in record order.
    pub rejects: Vec<Reject>,
}

/// A schema as a registry keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredSchema {
    /// Its language, as the registry writes it: `AVRO`, `PROTOBUF` or `JSON`.
    pub language: String,
    /// The schema itself.
    pub text: String,
    /// The schemas it refers to, by the names it uses for them; what is referred to comes first.
    pub references: Vec<(String, String)>,
}

/// What a registry answers about the number of a schema.
pub type SchemaFound = Option<RegisteredSchema>;

/// Turns records into rows. Pure and total: it never fails, it rejects.
///
/// What it needs from outside is fetched by others: they ask for [`Decoder::unknown_schemas`] before, and hand over each.
pub trait Decoder: Send {
    /// Decodes records of one source partition.
    fn decode(&mut self, partition: &str, records: &[Record]) -> Decoded;

    /// The numbers of the registered schemas that these records name and that were not handed over yet.
    fn unknown_schemas(&self, records: &[Record]) -> Vec<u32> {
        let _ = records;
        Vec::new()
    }

    /// Hands over the schema with a number. `None` says that there is none: records that name it are rejected.
    fn know_schema(&mut self, id: u32, schema: SchemaFound) {
        let _ = (id, schema);
    }
}
