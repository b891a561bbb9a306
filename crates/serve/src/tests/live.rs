//! The live connection: what can be followed, how much of it, and how it ends. Over a real socket.

use super::streams::status;
use super::{NOW, Site, orders, schema, stream};
use crate::{Config, TokenHash, serve};
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use futures::{SinkExt, StreamExt};
use helios_contract::commit::CommitId;
use helios_contract::console::Progress;
use helios_contract::store::Slice;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// A server that listens.
struct Live {
    site: Site,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

struct Client(WebSocketStream<TcpStream>);

impl Live {
    async fn start(config: Config) -> Live {
        let site = Site::with(config);
        site.fake.streams.lock().unwrap().push(stream());
        site.fake.status.lock().unwrap().push(status("orders"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = site.router.clone();
        let served = tokio::spawn(async move { serve(listener, router, async { drop(stopped.await) }).await.unwrap() });
        Live { site, address, stop, served }
    }

    async fn try_connect(&self, headers: &[(&'static str, &str)]) -> Result<Client, Error> {
        let mut request = format!("ws://{}/api/v1/live", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let stream = TcpStream::connect(self.address).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| Client(socket))
    }

    /// Connects, and takes the greeting.
    async fn connect(&self) -> Client {
        let mut client = self.try_connect(&[]).await.unwrap();
        assert_eq!(client.next().await["type"], "hello");
        client
    }

    fn commit(&self, slice: Slice) {
        self.site.fake.slices.lock().unwrap().push(slice);
        self.site.fake.committed.notify_one();
    }
}

impl Client {
    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message; `Null` when the connection has ended.
    async fn next(&mut self) -> Value {
        loop {
            match tokio::time::timeout(Duration::from_secs(60), self.0.next()).await.expect("nothing came for a minute") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(text.as_str()).unwrap(),
                Some(Ok(Message::Close(frame))) => {
                    return json!({"closed": frame.map(|frame| u16::from(frame.code))});
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Value::Null,
            }
        }
    }
}

/// So many rows of two orders each.
fn slice(commit: i64, n: usize) -> Slice {
    let mut fields: Vec<Arc<Field>> = schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new("_commit", DataType::Int64, true)));
    let two = orders();
    let two = arrow::compute::concat_batches(&schema(), &vec![two; n]).unwrap();
    let mut columns: Vec<ArrayRef> = two.columns().to_vec();
    columns.push(Arc::new(Int64Array::from(vec![commit; two.num_rows()])));
    let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
    Slice { commit: CommitId(commit), committed_at: NOW, rows }
}

fn subscribe(id: u64, topic: &str, credit: u64) -> Value {
    json!({"type": "subscribe", "id": id, "topic": topic, "credit": credit})
}

const TAIL: &str = "stream/orders/tail";

#[tokio::test]
async fn greets_and_tells_figures_with_their_history_first() {
    let live = Live::start(Config::default()).await;
    let mut client = live.try_connect(&[("sec-websocket-protocol", "helios.v1")]).await.unwrap();
    let hello = client.next().await;
    assert_eq!((&hello["type"], &hello["version"]), (&"hello".into(), &env!("CARGO_PKG_VERSION").into()));
    assert!(hello["instance"].as_str().unwrap().len() > 10);
    live.site.sampler.beat();
    client.say(subscribe(1, "metrics", 0)).await;
    let first = client.next().await;
    assert_eq!((&first["type"], &first["id"], &first["seq"]), (&"snapshot".into(), &1.into(), &1.into()));
    assert_eq!((first["data"]["history"].as_array().unwrap().len(), &first["data"]["lag"]), (1, &6.into()));
    assert_eq!(first["data"]["streams"][0]["name"], "orders");
    live.site.sampler.beat();
    let second = client.next().await;
    assert_eq!((&second["type"], &second["seq"], second["data"].get("history")), (&"update".into(), &2.into(), None));
}

#[tokio::test]
async fn one_streams_figures_end_when_it_is_dropped() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(subscribe(4, "stream/orders/metrics", 0)).await;
    let first = client.next().await;
    assert_eq!((&first["type"], &first["data"]["name"]), (&"snapshot".into(), &"orders".into()));
    live.site.fake.streams.lock().unwrap().clear();
    live.site.sampler.beat();
    assert_eq!(client.next().await, json!({"type": "end", "id": 4, "reason": "stream dropped"}));
    client.say(subscribe(4, "stream/orders/metrics", 0)).await;
    assert_eq!(client.next().await["error"]["code"], "not_found");
}

#[tokio::test]
async fn a_tail_gives_exact_rows_as_they_come() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(subscribe(1, TAIL, 100)).await;
    assert_eq!(client.next().await["data"], json!({"rows": [], "skipped": 0}));
    live.commit(slice(5, 1));
    let update = client.next().await;
    assert_eq!((&update["type"], &update["seq"], &update["data"]["skipped"]), (&"update".into(), &5.into(), &0.into()));
    let row = &update["data"]["rows"][0];
    assert_eq!((&row["id"], &row["price"], &row["_commit"]), (&"9223372036854775807".into(), &"12.30".into(), &"5".into()));
    assert_eq!((&row["weight"], &update["data"]["rows"][1]["weight"]), (&Value::Null, &1.5.into()));
}

#[tokio::test]
async fn a_tail_takes_a_condition() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(json!({"type": "subscribe", "id": 1, "topic": TAIL, "credit": 9, "where": "id > 2"})).await;
    client.next().await;
    live.commit(slice(5, 1));
    let update = client.next().await;
    assert_eq!((update["data"]["rows"].as_array().unwrap().len(), &update["data"]["skipped"]), (1, &0.into()));
    client.say(json!({"type": "subscribe", "id": 2, "topic": TAIL, "where": "DROP STREAM orders"})).await;
    let error = client.next().await;
    assert_eq!((&error["id"], &error["error"]["position"]), (&2.into(), &json!({"line": 1, "column": 3})));
}

#[tokio::test]
async fn without_credit_rows_are_only_counted_and_credit_brings_the_newest() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(subscribe(1, TAIL, 0)).await;
    assert_eq!(client.next().await["data"]["rows"], json!([]));
    live.commit(slice(1, 3));
    assert_eq!(client.next().await["data"], json!({"rows": [], "skipped": 6}));
    client.say(json!({"type": "credit", "id": 1, "n": 3})).await;
    live.commit(slice(2, 4));
    let update = client.next().await["data"].clone();
    assert_eq!((update["rows"].as_array().unwrap().len(), &update["skipped"]), (3, &5.into()));
    live.commit(slice(3, 1));
    assert_eq!(client.next().await["data"], json!({"rows": [], "skipped": 2}));
}

#[tokio::test]
async fn a_flood_is_thinned_to_what_an_eye_can_follow() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(subscribe(1, TAIL, 1_000_000)).await;
    client.next().await;
    live.commit(slice(1, 50_000));
    let update = client.next().await["data"].clone();
    let n_rows = update["rows"].as_array().unwrap().len() as u64;
    assert!((1..=2_000).contains(&n_rows), "{n_rows}");
    assert_eq!(n_rows + update["skipped"].as_u64().unwrap(), 100_000);
}

#[tokio::test]
async fn a_tail_ends_with_its_stream() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(subscribe(1, TAIL, 9)).await;
    client.next().await;
    live.site.fake.committed.notify_one();
    assert_eq!(client.next().await, json!({"type": "end", "id": 1, "reason": "stream dropped"}));
    client.say(subscribe(2, "stream/nothing/tail", 9)).await;
    assert_eq!(client.next().await["error"]["code"], "not_found");
}

#[tokio::test]
async fn the_progress_of_a_query_is_followed_to_its_end() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(subscribe(1, "query/mine/progress", 0)).await;
    let progress = |state| Progress {
        id: "mine".to_owned(),
        state,
        sql: "SELECT 1".to_owned(),
        started_at: NOW,
        elapsed: Duration::from_secs(1),
        n_rows: 0,
        n_rows_read: 9,
        n_bytes_read: 0,
        error: None,
    };
    let known = || live.site.fake.progress.lock().unwrap();
    // It is followed before it has begun.
    known().insert("mine".to_owned(), progress("running"));
    let first = client.next().await;
    assert_eq!((&first["type"], &first["data"]["rows_read"]), (&"snapshot".into(), &9.into()));
    known().insert("mine".to_owned(), progress("finished"));
    loop {
        let update = client.next().await;
        if update["data"]["state"] == "finished" {
            break;
        }
        assert_eq!(update["data"]["state"], "running");
    }
    assert_eq!(client.next().await, json!({"type": "end", "id": 1, "reason": "finished"}));
}

#[tokio::test]
async fn nonsense_is_answered_and_too_much_of_it_ends_the_connection() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    for nonsense in ["", "{", "[]", r#"{"type":"fly"}"#, r#"{"type":"subscribe","id":-1,"topic":"metrics"}"#] {
        client.0.send(Message::text(nonsense)).await.unwrap();
        let error = client.next().await;
        assert_eq!((&error["type"], &error["id"], &error["error"]["code"]), (&"error".into(), &Value::Null, &"invalid".into()));
    }
    client.0.send(Message::binary(vec![0, 255])).await.unwrap();
    assert_eq!(client.next().await["error"]["code"], "invalid");
    client.say(subscribe(1, "nothing/of/this", 0)).await;
    assert_eq!(client.next().await["error"]["code"], "not_found");
    // What belongs to no subscription is passed over: it may have ended on the way.
    client.say(json!({"type": "credit", "id": 77, "n": 5})).await;
    client.say(json!({"type": "unsubscribe", "id": 77})).await;
    for _ in 0..15 {
        client.0.send(Message::text("x")).await.unwrap();
    }
    let mut last = client.next().await;
    while last["type"] == "error" {
        last = client.next().await;
    }
    assert_eq!(last, json!({"closed": 1008}));
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_connection() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.0.send(Message::text("x".repeat(70_000))).await.unwrap();
    assert_eq!(client.next().await, Value::Null);
}

#[tokio::test]
async fn ten_thousand_subscriptions_are_too_many() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    let (mut sink, mut incoming) = client.0.split();
    let sending = tokio::spawn(async move {
        for id in 0..10_000 {
            sink.send(Message::text(subscribe(id, TAIL, 0).to_string())).await.unwrap();
        }
        sink
    });
    let (mut n_begun, mut n_refused) = (0, 0);
    while n_begun + n_refused < 10_000 {
        let Some(Ok(message)) = incoming.next().await else { panic!("the connection ended") };
        let Message::Text(text) = message else { continue };
        let message: Value = serde_json::from_str(text.as_str()).unwrap();
        match message["error"]["code"].as_str() {
            Some("exhausted") => n_refused += 1,
            None => n_begun += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((n_begun, n_refused), (64, 9_936));
    client = Client(sending.await.unwrap().reunite(incoming).unwrap());
    client.say(json!({"type": "unsubscribe", "id": 0})).await;
    client.say(subscribe(10_000, TAIL, 0)).await;
    assert_eq!(client.next().await["id"], 10_000);
    client.say(subscribe(10_000, TAIL, 0)).await;
    assert_eq!(client.next().await["error"]["code"], "conflict");
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_up_nobody_and_loses_nothing_but_rows() {
    let live = Live::start(Config::default()).await;
    let mut slow = live.connect().await;
    slow.say(subscribe(1, TAIL, 1_000_000)).await;
    let mut quick = live.connect().await;
    quick.say(subscribe(1, TAIL, 1_000_000)).await;
    quick.next().await;
    let mut n_seen = 0;
    for commit in 1..=20 {
        live.site.fake.slices.lock().unwrap().push(slice(commit, 500));
        live.site.fake.committed.notify_waiters();
        while n_seen < 1_000 * commit as u64 {
            let data = quick.next().await["data"].clone();
            n_seen += data["rows"].as_array().unwrap().len() as u64 + data["skipped"].as_u64().unwrap();
            live.site.fake.committed.notify_waiters();
        }
    }
    assert_eq!(n_seen, 20_000);
    slow.next().await;
    let mut n_slow = 0;
    while n_slow < 20_000 {
        let data = slow.next().await["data"].clone();
        n_slow += data["rows"].as_array().unwrap().len() as u64 + data["skipped"].as_u64().unwrap();
        live.site.fake.committed.notify_waiters();
    }
    assert_eq!(n_slow, 20_000);
}

#[tokio::test]
async fn connections_have_a_bound_and_one_that_ends_makes_room() {
    let live = Live::start(Config::default()).await;
    let mut clients = Vec::new();
    for _ in 0..256 {
        clients.push(live.connect().await);
    }
    let Err(Error::Http(response)) = live.try_connect(&[]).await else { panic!("one more got in") };
    assert_eq!(response.status(), 503);
    clients.pop().unwrap().0.close(None).await.unwrap();
    while live.try_connect(&[]).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stopping_server_closes_live_connections() {
    let live = Live::start(Config::default()).await;
    let mut client = live.connect().await;
    client.say(subscribe(1, "metrics", 0)).await;
    client.next().await;
    live.stop.send(()).unwrap();
    let mut last = client.next().await;
    while last["type"] == "update" {
        last = client.next().await;
    }
    assert_eq!(last, json!({"closed": 1001}));
    live.served.await.unwrap();
}

#[tokio::test]
async fn pages_of_other_sites_and_strangers_are_kept_out() {
    let live = Live::start(Config::default()).await;
    let own = format!("http://{}", live.address);
    assert!(live.try_connect(&[("origin", &own)]).await.is_ok());
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        let Err(Error::Http(response)) = live.try_connect(&[("origin", origin)]).await else { panic!("{origin} got in") };
        assert_eq!(response.status(), 403, "{origin}");
    }
    let config = Config { token_sha256: Some(TokenHash::of("s3cret")), ..Config::default() };
    let live = Live::start(config).await;
    for protocols in ["helios.v1", "helios.v1, helios.bearer.wrong", "helios.v1, s3cret"] {
        let Err(Error::Http(response)) = live.try_connect(&[("sec-websocket-protocol", protocols)]).await else {
            panic!("{protocols}")
        };
        assert_eq!(response.status(), 401, "{protocols}");
    }
    assert!(live.try_connect(&[("sec-websocket-protocol", "helios.v1, helios.bearer.s3cret")]).await.is_ok());
    assert!(live.try_connect(&[("authorization", "Bearer s3cret")]).await.is_ok());
    // Elsewhere, a protocol is no token.
    let reply = live.site.send("GET", "/api/v1/streams", &[("sec-websocket-protocol", "helios.bearer.s3cret")], "").await;
    assert_eq!(reply.status.as_u16(), 401);
}

#[tokio::test]
async fn a_plain_request_is_told_to_upgrade() {
    let reply = Site::new().get("/api/v1/live").await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (426, Some("invalid")));
}
