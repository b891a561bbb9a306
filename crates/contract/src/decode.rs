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

/// Turns records into rows. Pure and total: it never fails, it rejects.
pub trait Decoder: Send {
    /// Decodes records of one source partition.
    fn decode(&mut self, partition: &str, records: &[Record]) -> Decoded;
}
