//! The one integration binary: scenarios, chaos, the house rules, and snapshots of what users see.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bench;
mod chaos;
mod clickhouse;
mod clock;
mod delivering;
mod drifting;
mod licences;
mod scenarios;
mod surfaces;
mod tidy;
mod world;
