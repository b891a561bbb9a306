//! Every promise of the lake, each in a test named by it.

mod commits;
mod compaction;
mod opening;
mod recovery;
mod world;
