//! Checks of a source that is not a stream yet: told one by one as they end, in the order every source has them.

use crate::probe::{CHECKS, failed, passed, skipped};
use futures::StreamExt;
use futures::stream::BoxStream;
use helios_contract::Error;
use helios_contract::probe::Check;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

/// How long each step may take.
pub(super) const STEP_WITHIN: Duration = Duration::from_secs(5);

/// Tells how checks end.
pub(super) struct Checks {
    tell: mpsc::Sender<Check>,
    n_told: usize,
}

/// A check failed; it has been told.
pub(super) struct Failed;

/// Runs checks; those that `run` did not come to are told as skipped.
pub(super) fn run<F, R>(run: F) -> BoxStream<'static, Check>
where
    F: FnOnce(Checks) -> R + Send + 'static,
    R: Future<Output = (Checks, Result<(), Failed>)> + Send + 'static,
{
    let (tell, told) = mpsc::channel(CHECKS.len());
    tokio::spawn(async move {
        let (mut checks, ended) = run(Checks { tell, n_told: 0 }).await;
        let why = if ended.is_err() { "an earlier check failed" } else { "there is nothing to check it with" };
        for name in CHECKS.iter().skip(checks.n_told) {
            checks.tell(skipped(name, why)).await;
        }
    });
    futures::stream::unfold(told, |mut told| async move { told.recv().await.map(|check| (check, told)) }).boxed()
}

impl Checks {
    pub(super) async fn tell(&mut self, check: Check) {
        self.n_told += 1;
        // Somebody who went away hears no more.
        let _ = self.tell.send(check).await;
    }

    pub(super) async fn fail(&mut self, name: &'static str, took: Option<Duration>, error: &Error) -> Failed {
        self.tell(failed(name, took, error)).await;
        Failed
    }

    /// Finds the addresses of hosts; one of them is enough. `hint` says what to look at where there is none.
    pub(super) async fn dns(&mut self, hosts: &[(&str, u16)], hint: &str) -> Result<Vec<SocketAddr>, Failed> {
        let began = Instant::now();
        let mut addresses = Vec::new();
        let mut error = Error::invalid("the options name no host");
        for (host, port) in hosts {
            match timeout(STEP_WITHIN, lookup_host((*host, *port))).await {
                Ok(Ok(found)) => addresses.extend(found),
                Ok(Err(cause)) => error = Error::unavailable(format!("cannot find the host {host}")).because(cause),
                Err(_) => error = Error::unavailable(format!("cannot find the host {host} within {} s", STEP_WITHIN.as_secs())),
            }
        }
        let took = Some(began.elapsed());
        if addresses.is_empty() {
            return Err(self.fail("dns", took, &error.hint(hint)).await);
        }
        let shown: Vec<String> = addresses.iter().take(3).map(SocketAddr::to_string).collect();
        self.tell(passed("dns", took, format!("found {}", shown.join(", ")))).await;
        Ok(addresses)
    }

    /// Connects to one of the addresses.
    pub(super) async fn tcp(&mut self, addresses: &[SocketAddr], hint: &str) -> Result<(), Failed> {
        let began = Instant::now();
        let mut error = Error::unavailable("no address was tried");
        for address in addresses {
            match timeout(STEP_WITHIN, TcpStream::connect(address)).await {
                Ok(Ok(_)) => {
                    self.tell(passed("tcp", Some(began.elapsed()), format!("connected to {address}"))).await;
                    return Ok(());
                }
                Ok(Err(cause)) => error = Error::unavailable(format!("cannot connect to {address}")).because(cause),
                Err(_) => error = Error::unavailable(format!("no connection to {address} within {} s", STEP_WITHIN.as_secs())),
            }
        }
        Err(self.fail("tcp", Some(began.elapsed()), &error.hint(hint)).await)
    }
}

/// Host and port of `scheme://host:port`, where only the host must be there.
pub(super) fn host_and_port(address: &str, otherwise: u16) -> (&str, u16) {
    let address = address.rsplit_once("://").map_or(address, |(_, rest)| rest);
    let address = address.split('/').next().unwrap_or(address);
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port.parse().unwrap_or(otherwise)),
        _ => (address, otherwise),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}
