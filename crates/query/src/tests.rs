//! The engine as a whole, over tables in memory.

pub(crate) mod elsewhere;
pub(crate) mod world;

mod limits;
mod refused;
mod remote;
mod results;
mod select;
mod statements;
mod travel;
mod value_counts;
