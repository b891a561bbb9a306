//! The one integration binary: scenarios, chaos, the house rules, and snapshots of what users see.

mod chaos;
mod clock;
mod licences;
mod scenarios;
mod surfaces;
mod tidy;
mod world;
