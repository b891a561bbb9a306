//! What a reader of its own sends to the pipeline: chunks, and what is wrong meanwhile.

use helios_contract::record::Chunk;
use helios_contract::{Error, Kind, Result};
use std::collections::VecDeque;
use tokio::sync::mpsc;

/// The end of the channel that a source pulls from.
pub(super) struct HandOver {
    sends: mpsc::Receiver<Result<Vec<Chunk>>>,
    ready: VecDeque<Chunk>,
    /// Who sends, for the error when nobody does any more.
    sender: &'static str,
}

impl HandOver {
    /// `sender` in words: "thread that reads the kafka topic".
    pub(super) fn new(sends: mpsc::Receiver<Result<Vec<Chunk>>>, sender: &'static str) -> HandOver {
        HandOver { sends, ready: VecDeque::new(), sender }
    }

    /// The next chunk; cancel-safe.
    ///
    /// # Errors
    /// What the reader sent, unless something came behind it that shows that it is over; `Internal` when the reader is gone.
    pub(super) async fn next(&mut self) -> Result<Chunk> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Ok(chunk);
            }
            let mut sent = self.sends.recv().await;
            // Trouble that something was sent behind is over.
            while matches!(&sent, Some(Err(error)) if error.kind() == Kind::Unavailable)
                && let Ok(newer) = self.sends.try_recv()
            {
                sent = Some(newer);
            }
            self.ready.extend(sent.unwrap_or_else(|| Err(Error::internal(format!("the {} is gone", self.sender))))?);
        }
    }
}
