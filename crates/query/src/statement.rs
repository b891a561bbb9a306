//! The statements we add to SQL: those about streams, their changes and quarantine, about clusters and sinks.

mod cursor;
mod outlet;
mod quarantine;
mod rehearsal;
mod stream;
mod types;

pub(crate) use cursor::Cursor;
pub(crate) use outlet::outlet_command;
pub(crate) use quarantine::{QuarantineStatement, Verb, quarantine_statement};
pub(crate) use rehearsal::{Over, RehearsalStatement, rehearsal_statement};
pub(crate) use stream::stream_command;

#[cfg(test)]
mod tests;
