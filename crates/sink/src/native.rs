//! ClickHouse's own columnar format: a block is a few columns, one after the other, each with its name, type and values.
//!
//! Every version reads and writes it, it needs no conversion of numbers, and one block is taken whole or not at all.

mod read;
mod write;

pub use read::{Blocks, rows_of};
pub use write::{Target, encode};

#[cfg(test)]
mod tests;
