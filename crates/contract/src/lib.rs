//! The words every Helios crate shares, and the seams they meet at. No I/O.
//!
//! Read the modules in the order an event travels: a [`record::Record`] comes from a [`source::Source`] in a
//! [`record::Chunk`], a [`decode::Decoder`] turns it into rows, and a [`commit::Commit`] puts the rows and the source's
//! positions into a [`store::TableStore`] in one step. A [`query::QueryEngine`] answers from a [`store::Snapshot`].

pub mod error;

pub mod clock;
pub mod fault;
pub mod name;
pub mod secret;

pub mod record;
pub mod source;

pub mod column;
pub mod condition;
pub mod decode;
pub mod drift;
pub mod stream;

pub mod quarantine;
pub mod rehearsal;

pub mod commit;
pub mod store;
pub mod values;

pub mod cluster;
pub mod sink;

pub mod console;
pub mod query;
pub mod system;

pub mod documents;
pub mod probe;

pub use clock::{Clock, Timestamp};
pub use error::{Error, Kind, Result};
pub use name::StreamName;
