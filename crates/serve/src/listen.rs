//! Accepts connections, and lets them end well: tails end at once, answers get a while, then the rest is cut off.

use axum::{Extension, Router};
use helios_contract::{Error, Result};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// Connections open at once; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 512;
/// A client that takes longer to say what it wants is cut off.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// What is still being answered when the server stops gets this long.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// A pause after a failure to accept: usually too many open files, which only others can end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Tells endless answers that the server is stopping. The server waits until nobody holds one any more.
#[derive(Debug, Clone)]
pub(crate) struct Stopping {
    token: CancellationToken,
    _held: mpsc::Sender<Infallible>,
}

impl Stopping {
    fn new() -> (Stopping, mpsc::Receiver<Infallible>) {
        let (held, released) = mpsc::channel(1);
        (Stopping { token: CancellationToken::new(), _held: held }, released)
    }

    /// Returns when stopping has begun.
    pub(crate) async fn begun(&self) {
        self.token.cancelled().await;
    }
}

/// Of a server that never stops.
impl Default for Stopping {
    fn default() -> Stopping {
        Stopping::new().0
    }
}

/// Serves until `stop`, then up to ten seconds longer for what is being answered.
///
/// # Errors
/// `Unavailable` when the listener is not usable at all.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
    listener.local_addr().map_err(|error| Error::unavailable("cannot listen").because(error))?;
    let (stopping, mut released) = Stopping::new();
    let router = router.layer(Extension(stopping.clone()));
    let mut connections = JoinSet::new();
    tokio::select! {
        biased;
        () = stop => {}
        never = accept(&listener, &router, &stopping, &mut connections) => match never {},
    }
    drop(listener);
    stopping.token.cancel();
    drop((router, stopping));
    let all_ended = async {
        while connections.join_next().await.is_some() {}
        // Live connections are tasks of their own.
        let _ = released.recv().await;
    };
    if tokio::time::timeout(STOP_WITHIN, all_ended).await.is_err() {
        tracing::warn!(n_connections = connections.len(), "cutting off connections that did not end in time");
        connections.shutdown().await;
    }
    Ok(())
}

async fn accept(listener: &TcpListener, router: &Router, stopping: &Stopping, connections: &mut JoinSet<()>) -> Infallible {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = places.clone().acquire_owned().await.expect("nobody closes the semaphore");
        match listener.accept().await {
            Ok((stream, peer)) => {
                let connection = connection(stream, router.clone(), stopping.clone());
                connections.spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%peer, %error, "connection ended early");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        // Forget the connections that have ended.
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(
    stream: TcpStream,
    router: Router,
    stopping: Stopping,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Small answers go out at once.
    stream.set_nodelay(true)?;
    let service = TowerToHyperService::new(
        router.map_request(|request: hyper::Request<hyper::body::Incoming>| request.map(axum::body::Body::new)),
    );
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return Ok(ended?),
        () = stopping.begun() => connection.as_mut().graceful_shutdown(),
    }
    Ok(connection.await?)
}
