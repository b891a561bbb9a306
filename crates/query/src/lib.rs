//! Answers SQL over snapshots.
//!
//! Read the modules in the order a statement travels: [`engine`] takes it, `parse` reads it, `rewrite` finds the tables
//! it names, `plan` has DataFusion plan it over `table`s, and `run` streams the rows out under `limits`. Nothing here
//! writes, and no statement reaches a file of the host.

pub mod engine;

mod conditions;
mod dialect;
mod parse;
mod statement;

mod parameters;
mod rewrite;

mod newest;
mod plan;
mod remote;
mod session;
mod snapshots;
mod table;
mod value_counts;

mod functions;

mod outlets;
mod quarantine;
mod rehearse;

mod limits;
mod pauses;
mod results;
mod run;

mod console;
mod explain;

mod history;
mod show;
mod system;

mod errors;

pub use conditions::conditions;
pub use engine::{Config, Engine, Parts, open};

#[cfg(test)]
mod tests;
