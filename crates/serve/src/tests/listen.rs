//! A real listener: answers that fail are cut off after their last words, and stopping ends everything in its time.

use super::{Site, orders};
use crate::serve;
use helios_contract::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Served {
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<helios_contract::Result<()>>,
}

async fn start(site: &Site) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(serve(listener, site.router.clone(), async { drop(stopped.await) }));
    Served { address, stop, ended }
}

async fn ask(served: &Served, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).await.unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

async fn first_line(stream: &mut TcpStream) -> String {
    let mut line = vec![0; 15];
    stream.read_exact(&mut line).await.unwrap();
    String::from_utf8(line).unwrap()
}

#[tokio::test]
async fn an_answer_that_fails_ends_after_its_last_words() {
    let site = Site::new();
    site.fake.answers.lock().unwrap().push_back(Ok(vec![Ok(orders()), Err(Error::exhausted("more than 2 rows"))]));
    let served = start(&site).await;
    let request = "POST /api/v1/query?format=ndjson HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nSELECT 1";
    let text = rest(ask(&served, request).await).await;
    assert!(text.contains("more than 2 rows"), "{text}");
    assert!(!text.ends_with("0\r\n\r\n"), "the body must not look whole: {text}");
}

#[tokio::test]
async fn stopping_ends_tails_and_idle_connections_at_once() {
    let site = Site::new();
    let served = start(&site).await;
    let mut tail = ask(&served, "GET /api/v1/streams/orders/tail HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(first_line(&mut tail).await, "HTTP/1.1 200 OK");
    let mut idle = ask(&served, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(first_line(&mut idle).await, "HTTP/1.1 200 OK");
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
    assert!(rest(tail).await.ends_with("0\r\n\r\n"), "a tail ends well");
    rest(idle).await;
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn stopping_cuts_off_what_does_not_end() {
    let site = Site::new();
    let served = start(&site).await;
    // A body that never comes whole keeps its request open.
    let stuck = ask(&served, "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nSEL").await;
    let mut other = ask(&served, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(first_line(&mut other).await, "HTTP/1.1 200 OK");
    tokio::time::pause();
    served.stop.send(()).unwrap();
    served.ended.await.unwrap().unwrap();
    rest(stuck).await;
}
