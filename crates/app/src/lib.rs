//! The binary `helios`: arguments, configuration, wiring. Everything is reachable from [`wire`], which builds the product in
//! the order an event travels.

pub mod args;
pub mod bench;
pub mod catalog;
pub mod client;
pub mod config;
pub mod log;
pub mod run;
pub mod system;
pub mod token;
pub mod wire;
