//! A response body written by a task while the client reads it: one piece waits at most, so a slow reader slows the writer.

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use std::io;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// The writing end. Its body ends when it is dropped.
pub(crate) struct Pipe(mpsc::Sender<io::Result<Bytes>>);

/// The client went away.
#[derive(Debug)]
pub(crate) struct Gone;

/// A writing end and the body that reads from it.
pub(crate) fn pipe() -> (Pipe, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let pieces = ReceiverStream::new(receiver).then(|piece: io::Result<Bytes>| async {
        if piece.is_err() {
            // The server throws away what it has not sent when a body fails: let it send the last words first.
            tokio::task::yield_now().await;
        }
        piece
    });
    (Pipe(sender), Body::from_stream(pieces))
}

impl Pipe {
    /// Writes a piece, once there is room.
    pub(crate) async fn send(&self, piece: impl Into<Bytes>) -> Result<(), Gone> {
        let piece = piece.into();
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(Ok(piece)).await.map_err(|_| Gone)
    }

    /// Returns when the client goes away.
    pub(crate) async fn closed(&self) {
        self.0.closed().await;
    }

    /// Ends the body so that the client can tell it is not whole.
    pub(crate) async fn abort(self, last_words: impl Into<Bytes>) {
        if self.send(last_words).await.is_ok() {
            // Nobody is left to hear of a failure to fail.
            let _ = self.0.send(Err(io::Error::other("the answer ends early"))).await;
        }
    }
}
