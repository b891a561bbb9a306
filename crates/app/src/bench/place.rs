//! A server of its own in a temporary directory, listening on loopback, and what clients ask of it.

use crate::config::Config;
use crate::{run, wire};
use helios_contract::{Error, Result};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// A running server; dropping it stops the process's part of it, the directory goes with it.
pub struct Place {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    agent: ureq::Agent,
    served: JoinHandle<Result<()>>,
    server: wire::Server,
    runtime: Runtime,
    _dir: TempDir,
}

impl Place {
    /// Starts a server in `parent`, or in the system's place for temporary files.
    ///
    /// # Errors
    /// Whatever kept it from starting.
    pub fn start(parent: Option<&std::path::Path>) -> Result<Place> {
        let dir = match parent {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        };
        let dir = dir.map_err(|e| Error::unavailable("cannot make a temporary directory").because(e))?;
        run::prepare(dir.path())?;
        let mut config = Config::default();
        run::place(&mut config, dir.path());
        let runtime = Runtime::new().map_err(|e| Error::unavailable("cannot start the runtime").because(e))?;
        let (server, url, served) = runtime.block_on(async {
            let server = wire::start(&config, run::parts(dir.path())?).await?;
            let bound = TcpListener::bind("127.0.0.1:0").await;
            let listener = bound.map_err(|e| Error::unavailable("cannot listen on loopback").because(e))?;
            let address = listener.local_addr().map_err(|e| Error::internal("cannot read the bound address").because(e))?;
            let served = tokio::spawn(helios_serve::serve(listener, server.router.clone(), std::future::pending()));
            Ok::<_, Error>((server, format!("http://{address}"), served))
        })?;
        Ok(Place { url, agent: agent(), served, server, runtime, _dir: dir })
    }

    /// Runs one statement; answers its first row, first column as a number (0 when there is none).
    ///
    /// # Errors
    /// What the server said.
    pub fn sql(&self, sql: &str) -> Result<f64> {
        let answer = query(&self.agent, &self.url, sql)?;
        let first = answer["data"][0].as_object().and_then(|row| row.values().next());
        Ok(first.and_then(serde_json::Value::as_f64).unwrap_or(0.0))
    }

    /// Stops the server as SIGTERM would.
    ///
    /// # Errors
    /// What the server could not make durable.
    pub fn stop(self) -> Result<()> {
        self.served.abort();
        self.runtime.block_on(self.server.stop())
    }
}

/// An HTTP client that keeps its connections and reads error bodies itself.
pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(300)));
    config.build().into()
}

/// Runs one statement; answers the documented JSON.
///
/// # Errors
/// What the server said.
pub fn query(agent: &ureq::Agent, url: &str, sql: &str) -> Result<serde_json::Value> {
    let body = serde_json::json!({ "sql": sql }).to_string();
    let request = agent.post(format!("{url}/api/v1/query")).content_type("application/json");
    let mut response = request.send(body).map_err(|e| Error::unavailable("cannot reach the server under test").because(e))?;
    let status = response.status();
    let text = response.body_mut().with_config().limit(1 << 30).read_to_string();
    let text = text.map_err(|e| Error::unavailable("the answer broke off").because(e))?;
    if status != 200 {
        return Err(Error::internal(format!("the server under test answered {status}: {text}")));
    }
    serde_json::from_str(&text).map_err(|e| Error::internal("the answer is not JSON").because(e))
}

/// Pushes a body of NDJSON and waits for its commit.
///
/// # Errors
/// What the server said.
pub fn push(agent: &ureq::Agent, url: &str, body: &[u8]) -> Result<()> {
    let request = agent.post(format!("{url}/v1/streams/shop/records")).content_type("application/x-ndjson");
    let mut response = request.send(body).map_err(|e| Error::unavailable("cannot reach the server under test").because(e))?;
    let status = response.status();
    let text = response.body_mut().read_to_string().map_err(|e| Error::unavailable("the answer broke off").because(e))?;
    if status == 200 { Ok(()) } else { Err(Error::internal(format!("a push was answered {status}: {text}"))) }
}

/// The most memory this process has held at once, in MiB.
///
/// # Errors
/// `Unavailable` where the system does not say.
pub fn peak_memory_mib() -> Result<f64> {
    let status =
        std::fs::read_to_string("/proc/self/status").map_err(|e| Error::unavailable("cannot read memory use").because(e))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.split_whitespace().next());
    kib.and_then(|text| text.parse::<f64>().ok())
        .map(|kib| kib / 1024.0)
        .ok_or_else(|| Error::unavailable("cannot read memory use"))
}

/// A runtime for waiting on the clock.
///
/// # Errors
/// `Unavailable` when the system has no room for one.
pub fn timer() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.map_err(|e| Error::unavailable("cannot start a timer").because(e))
}
