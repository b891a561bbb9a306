//! Every promise of the lake, each in a test named by it.

mod commits;
mod compaction;
mod documents;
mod opening;
mod outlets;
mod quarantine;
mod recovery;
mod world;
