//! One WebSocket for everything that changes while somebody looks: figures, rows as they come, how far a query is.
//!
//! A connection is one task that reads, and writes what its subscriptions send through one short queue. A subscription is a
//! task that waits for room in that queue: a client that reads slowly slows its own subscriptions, and only rows of tails,
//! which do not wait, are skipped and counted.

mod tail;
mod topics;
mod words;

use crate::Site;
use crate::failure::Failure;
use crate::listen::Stopping;
use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::StatusCode;
use axum::response::Response;
use futures::stream::SplitSink;
use futures::{SinkExt, StreamExt};
use helios_contract::Error;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval, timeout};
use topics::Topic;
use tracing::Instrument;
use words::Said;

/// Where it is.
pub(crate) const PATH: &str = "/api/v1/live";
/// The language spoken.
const PROTOCOL: &str = "helios.v1";
/// Connections open at once.
pub(crate) const CONNECTIONS_MAX: usize = 256;
const SUBSCRIPTIONS_MAX: usize = 64;
/// The largest message a client may send.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// A client that sends so many messages that make no sense is not one of ours.
const NONSENSE_MAX: u32 = 20;
/// Messages that wait to be sent.
const WAITING_MAX: usize = 16;
/// A client that takes longer to take one message is cut off.
const SEND_WITHIN: Duration = Duration::from_secs(20);
const PING_EVERY: Duration = Duration::from_secs(20);
/// A client that answers no ping for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// More credit than this is not counted.
const CREDIT_MAX: u64 = 1_000_000;

/// `GET /api/v1/live`
pub(crate) async fn live(
    State(site): State<Arc<Site>>,
    stopping: Option<Extension<Stopping>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|rejection| {
        let error = Error::invalid("this address speaks WebSocket").because(rejection.body_text());
        Failure::with_status(StatusCode::UPGRADE_REQUIRED, error.hint("Connect with a WebSocket client."))
    })?;
    let place = site.live_places.clone().try_acquire_owned().map_err(|_| {
        Error::unavailable(format!("{CONNECTIONS_MAX} live connections are open")).hint("Close some, or try again.")
    })?;
    let stopping = stopping.map(|Extension(stopping)| stopping).unwrap_or_default();
    let upgrade = upgrade.protocols([PROTOCOL]).max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    let span = tracing::Span::current();
    Ok(upgrade.on_upgrade(move |socket| talk(site, socket, stopping, place).instrument(span)))
}

/// What a subscription sends.
struct Sent {
    id: u64,
    /// Which of the subscriptions that had this id.
    number: u64,
    text: String,
    is_last: bool,
}

/// One thing a client follows; dropped, it ends.
struct Subscription {
    number: u64,
    credit: Arc<Credit>,
    task: JoinHandle<()>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Rows a client is ready to take.
#[derive(Debug, Default)]
struct Credit(AtomicU64);

impl Credit {
    fn add(&self, n: u64) {
        let more = |have: u64| Some(have.saturating_add(n).min(CREDIT_MAX));
        // The closure never refuses.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    fn available(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn take(&self, n: u64) {
        let less = |have: u64| Some(have.saturating_sub(n));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

struct Connection {
    site: Arc<Site>,
    sender: mpsc::Sender<Sent>,
    subscriptions: HashMap<u64, Subscription>,
    n_subscribed: u64,
    n_nonsense: u32,
}

/// Why a connection ends.
enum Over {
    /// The client is gone, or does not take what is sent.
    Gone,
    /// We say why.
    Closed(u16, &'static str),
}

/// Talks to one client until either side has had enough.
async fn talk(site: Arc<Site>, socket: WebSocket, stopping: Stopping, place: OwnedSemaphorePermit) {
    let (mut sink, mut incoming) = socket.split();
    let (sender, mut outgoing) = mpsc::channel::<Sent>(WAITING_MAX);
    let hello = words::hello(&site.instance);
    let mut connection = Connection { site, sender, subscriptions: HashMap::new(), n_subscribed: 0, n_nonsense: 0 };
    let mut ping = interval(PING_EVERY);
    let mut heard_at = Instant::now();
    let mut over = send(&mut sink, Message::text(hello)).await;
    while over.is_ok() {
        over = tokio::select! {
            biased;
            () = stopping.begun() => Err(Over::Closed(close_code::AWAY, "the server is stopping")),
            _ = ping.tick() => match heard_at.elapsed() > SILENCE_MAX {
                true => Err(Over::Gone),
                false => send(&mut sink, Message::Ping(bytes::Bytes::new())).await,
            },
            message = incoming.next() => {
                heard_at = Instant::now();
                match message {
                    Some(Ok(message)) => connection.hear(message, &mut sink).await,
                    Some(Err(_)) | None => Err(Over::Gone),
                }
            }
            sent = outgoing.recv() => match sent {
                Some(sent) => connection.pass_on(sent, &mut sink).await,
                None => Err(Over::Gone),
            },
        };
    }
    if let Err(Over::Closed(code, reason)) = over {
        let frame = CloseFrame { code, reason: reason.into() };
        // The connection ends in any case.
        let _ = send(&mut sink, Message::Close(Some(frame))).await;
    }
    drop((connection, place));
}

type Sink = SplitSink<WebSocket, Message>;

async fn send(sink: &mut Sink, message: Message) -> Result<(), Over> {
    match timeout(SEND_WITHIN, sink.send(message)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Over::Gone),
    }
}

impl Connection {
    /// Does what the client says; answers at once what it gets wrong.
    async fn hear(&mut self, message: Message, sink: &mut Sink) -> Result<(), Over> {
        let said = match message {
            Message::Text(text) => words::said(text.as_str()),
            Message::Binary(_) => Err(Error::invalid("a binary message was sent").hint("Send JSON as text.")),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
            Message::Close(_) => return Err(Over::Gone),
        };
        let answer = match said {
            Ok(Said::Subscribe { id, topic, credit, after, condition }) => {
                self.subscribe(id, &topic, credit, after, condition).err().map(|error| words::error(Some(id), &error))
            }
            Ok(Said::Credit { id, n }) => {
                // The subscription may have ended on the way here.
                if let Some(subscription) = self.subscriptions.get(&id) {
                    subscription.credit.add(n);
                }
                None
            }
            Ok(Said::Unsubscribe { id }) => {
                self.subscriptions.remove(&id);
                None
            }
            Err(error) => {
                self.n_nonsense += 1;
                if self.n_nonsense > NONSENSE_MAX {
                    return Err(Over::Closed(close_code::POLICY, "too many messages that make no sense"));
                }
                Some(words::error(None, &error))
            }
        };
        match answer {
            Some(text) => send(sink, Message::text(text)).await,
            None => Ok(()),
        }
    }

    fn subscribe(
        &mut self,
        id: u64,
        topic: &str,
        credit: Option<u64>,
        after: Option<i64>,
        condition: Option<String>,
    ) -> helios_contract::Result<()> {
        if self.subscriptions.contains_key(&id) {
            return Err(Error::conflict(format!("the subscription {id} is there already")).hint("Choose another id."));
        }
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(Error::exhausted(format!("a connection has at most {SUBSCRIPTIONS_MAX} subscriptions"))
                .hint("Unsubscribe from what nobody looks at."));
        }
        let topic = Topic::parse(topic, condition)?;
        self.n_subscribed += 1;
        let number = self.n_subscribed;
        let allowance = Arc::new(Credit::default());
        allowance.add(credit.unwrap_or(0));
        let feed = topics::Feed { id, number, sender: self.sender.clone(), site: self.site.clone() };
        let following = topics::follow(topic, after, allowance.clone(), feed);
        let task = tokio::spawn(following.in_current_span());
        self.subscriptions.insert(id, Subscription { number, credit: allowance, task });
        Ok(())
    }

    /// Sends what a subscription has, unless the client has ended it.
    async fn pass_on(&mut self, sent: Sent, sink: &mut Sink) -> Result<(), Over> {
        let is_current = self.subscriptions.get(&sent.id).is_some_and(|subscription| subscription.number == sent.number);
        if !is_current {
            return Ok(());
        }
        if sent.is_last {
            self.subscriptions.remove(&sent.id);
        }
        send(sink, Message::text(sent.text)).await
    }
}
