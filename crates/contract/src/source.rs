//! The seam to where records come from.

use crate::commit::{CommitId, Counts};
use crate::error::{Error, Result};
use crate::record::{Chunk, Offsets};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// What became of one chunk.
#[derive(Debug, Clone)]
pub struct Done {
    /// The chunk's tag.
    pub tag: u64,
    /// The commit that holds it.
    pub commit: CommitId,
    /// What became of its records.
    pub counts: Counts,
}

/// Something that records can be pulled from. Opened by a function, so that no source exists unconnected.
///
/// Batching, flow control, retry, stop and metrics exist once, in the pipeline.
#[async_trait]
pub trait Source: Send {
    /// The next chunk; `None` when there will never be another. Cancel-safe: dropping the future loses nothing.
    ///
    /// # Errors
    /// `Unavailable` is retried by the pipeline after a pause; every other kind stops the stream with that cause.
    async fn next(&mut self) -> Result<Option<Chunk>>;

    /// Says that chunks are durably committed, and where the source stands now.
    ///
    /// # Errors
    /// A failure here is logged and changes nothing: the positions in the lake are the truth.
    async fn ack(&mut self, offsets: &Offsets, done: &[Done]) -> Result<()>;

    /// Says that chunks could not be committed; whoever waits for them must hear it. The source is dropped next.
    async fn reject(&mut self, tags: &[u64], error: &Arc<Error>) {
        let _ = (tags, error);
    }

    /// Records not yet read, per partition; empty when the source cannot know.
    fn lag(&self) -> Vec<(String, u64)> {
        Vec::new()
    }

    /// How far reading is behind the newest record, per partition, for a source that tells time and not records.
    fn behind(&self) -> Vec<(String, Duration)> {
        Vec::new()
    }
}
