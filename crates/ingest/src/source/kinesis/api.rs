//! The seam to the service: the five calls that reading needs, with positions, pages and refusals in words of our own.

use async_trait::async_trait;
use futures::stream::BoxStream;
use helios_contract::{Error, Timestamp};
use std::time::Duration;

/// A Kinesis stream as its readers see it.
#[async_trait]
pub(super) trait Api: Send + Sync {
    /// Every shard that the service still knows, closed ones too.
    async fn shards(&self) -> Result<Vec<Shard>, Refusal>;

    /// A token to read a shard with; it lasts five minutes.
    async fn iterator(&self, shard: &str, from: &From) -> Result<String, Refusal>;

    /// The next records behind a token.
    async fn records(&self, iterator: &str, n_records_max: usize) -> Result<Page, Refusal>;

    /// Registers a consumer of pushed records and waits until it can be used; answers its ARN.
    async fn register(&self, consumer: &str) -> Result<String, Refusal>;

    /// Records pushed as they come, for five minutes at most; [`Page::next`] is then where to go on.
    async fn subscribe(&self, consumer_arn: &str, shard: &str, from: &From) -> Result<Pages, Refusal>;
}

/// Pages that are pushed.
pub(super) type Pages = BoxStream<'static, Result<Page, Refusal>>;

/// A shard as the service lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) id: String,
    /// The shard it was split from, or those it was merged from.
    pub(super) parents: Vec<String>,
    /// The first and the last hash of the keys that belong to it.
    pub(super) hashes: (u128, u128),
    /// Whether nothing more is written to it.
    pub(super) is_closed: bool,
}

/// Where reading a shard begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    /// With the oldest record there is.
    Earliest,
    /// With the first record that arrived at this moment or later.
    Time(Timestamp),
    /// With this record.
    At(String),
    /// Behind this sequence number.
    After(String),
}

/// Records read together.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) records: Vec<Raw>,
    /// The token of the next page, or where a subscription goes on; `None`: the shard is closed, and these were its last.
    pub(super) next: Option<String>,
    /// How far the page is behind the newest record.
    pub(super) behind: Duration,
}

/// A record as the service has it.
#[derive(Debug, Clone)]
pub(super) struct Raw {
    pub(super) sequence: String,
    pub(super) time: Timestamp,
    pub(super) key: String,
    pub(super) data: Vec<u8>,
}

/// A call that was refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) why: Why,
    /// The same for people, with its named cause.
    pub(super) error: Error,
}

/// What a reader can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Too many calls or bytes just now.
    Throttled,
    /// The token is too old.
    IteratorExpired,
    /// An argument is not taken, such as a moment in the future.
    Argument,
    /// The shard is not there (any more).
    ShardMissing,
    /// Something of the name is being made, removed, or used by another subscription.
    Busy,
    /// Anything else.
    Other,
}
