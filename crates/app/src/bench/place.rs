//! A server of its own: this binary as a process over a temporary directory, and what clients ask of it.

use helios_contract::{Error, Result};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// A running server; dropping it ends the process, the directory goes with it.
pub struct Place {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    agent: ureq::Agent,
    process: Child,
    dir: TempDir,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.end();
    }
}

impl Place {
    /// Starts a server in `parent`, or in the system's place for temporary files.
    ///
    /// # Errors
    /// Whatever kept it from starting.
    pub fn start(parent: Option<&Path>) -> Result<Place> {
        let dir = match parent {
            Some(parent) => tempfile::tempdir_in(parent),
            None => tempfile::tempdir(),
        };
        let dir = dir.map_err(|e| Error::unavailable("cannot make a temporary directory").because(e))?;
        let (process, url) = spawn(dir.path())?;
        Ok(Place { url, agent: agent(), process, dir })
    }

    /// Ends the server as `kill -9` would, and starts it again over the same directory.
    ///
    /// # Errors
    /// Whatever kept it from starting.
    pub fn restart(&mut self) -> Result<()> {
        self.end();
        (self.process, self.url) = spawn(self.dir.path())?;
        Ok(())
    }

    /// Runs one statement; answers its first row, first column as a number (0 when there is none).
    ///
    /// # Errors
    /// What the server said.
    pub fn sql(&self, sql: &str) -> Result<f64> {
        let answer = query(&self.agent, &self.url, sql)?;
        let first = answer["data"][0].as_object().and_then(|row| row.values().next());
        // A sum of counts is a decimal, which JSON carries as text.
        let number = |value: &serde_json::Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
        Ok(first.and_then(number).unwrap_or(0.0))
    }

    /// Runs a statement again and again until it answers `value`.
    ///
    /// # Errors
    /// What the server said, or that it took longer than ten minutes.
    pub fn until(&self, sql: &str, value: f64) -> Result<()> {
        let (timer, deadline) = (Timer::new()?, Instant::now() + Duration::from_secs(600));
        while self.sql(sql)? < value {
            if Instant::now() > deadline {
                return Err(Error::internal(format!("after ten minutes, this is still below {value}: {sql}")));
            }
            timer.wait_until(Instant::now() + Duration::from_millis(20));
        }
        Ok(())
    }

    /// The most memory the server has held at once, in MiB.
    ///
    /// # Errors
    /// `Unavailable` where the system does not say.
    pub fn peak_memory_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.map_err(|e| Error::unavailable("cannot read the server's memory use").because(e))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).and_then(|rest| rest.split_whitespace().next());
        kib.and_then(|text| text.parse::<f64>().ok())
            .map(|kib| kib / 1024.0)
            .ok_or_else(|| Error::unavailable("cannot read the server's memory use"))
    }

    /// The CPU time the server has used, in seconds.
    ///
    /// # Errors
    /// `Unavailable` where the system does not say.
    pub fn cpu_seconds(&self) -> Result<f64> {
        const TICKS_A_SECOND: f64 = 100.0;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
        let stat = stat.map_err(|e| Error::unavailable("cannot read the server's CPU time").because(e))?;
        // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th fields after it.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: Option<f64> = [11, 12].iter().map(|i| fields.get(*i)?.parse::<f64>().ok()).sum();
        ticks.map(|ticks| ticks / TICKS_A_SECOND).ok_or_else(|| Error::unavailable("cannot read the server's CPU time"))
    }

    fn end(&mut self) {
        // It may have ended by itself; what it was asked has failed by then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts this binary as a server, and waits for the line that says where it listens.
fn spawn(dir: &Path) -> Result<(Child, String)> {
    let failed = |e: std::io::Error| Error::unavailable("cannot start the server under test").because(e);
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.args(["run", "--listen", "127.0.0.1:0", "--log", "warn", "--data"]).arg(dir);
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut line = String::new();
    if let Some(out) = process.stdout.take() {
        BufReader::new(out).read_line(&mut line).map_err(failed)?;
    }
    match line.split_whitespace().find(|word| word.starts_with("http://")) {
        Some(url) => Ok((process, url.to_owned())),
        None => {
            let _ = process.kill();
            let _ = process.wait();
            Err(Error::unavailable("the server under test did not start").hint("What it logged stands above."))
        }
    }
}

/// An HTTP client that keeps its connections and reads error bodies itself.
pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(300)));
    config.build().into()
}

/// Runs one statement anew; answers the documented JSON.
///
/// # Errors
/// What the server said.
pub fn query(agent: &ureq::Agent, url: &str, sql: &str) -> Result<serde_json::Value> {
    query_cached(agent, url, sql, "no-cache")
}

/// Runs one statement, or takes a kept answer that `cache_control` allows.
///
/// # Errors
/// What the server said.
pub fn query_cached(agent: &ureq::Agent, url: &str, sql: &str, cache_control: &str) -> Result<serde_json::Value> {
    let body = serde_json::json!({ "sql": sql }).to_string();
    let request = agent.post(format!("{url}/api/v1/query")).content_type("application/json");
    let request = request.header("cache-control", cache_control);
    let mut response = request.send(body).map_err(|e| Error::unavailable("cannot reach the server under test").because(e))?;
    let status = response.status();
    let text = response.body_mut().with_config().limit(1 << 30).read_to_string();
    let text = text.map_err(|e| Error::unavailable("the answer broke off").because(e))?;
    if status != 200 {
        return Err(Error::internal(format!("the server under test answered {status}: {text}")));
    }
    serde_json::from_str(&text).map_err(|e| Error::internal("the answer is not JSON").because(e))
}

/// Pushes a body of NDJSON and waits for its commit; again in a moment when the server asks for that.
///
/// # Errors
/// What the server said.
pub fn push(agent: &ureq::Agent, url: &str, stream: &str, body: &[u8]) -> Result<()> {
    let timer = Timer::new()?;
    while !try_push(agent, url, stream, body)? {
        timer.wait_until(Instant::now() + Duration::from_millis(5));
    }
    Ok(())
}

/// Whether the server took it; `false`: it is busy.
fn try_push(agent: &ureq::Agent, url: &str, stream: &str, body: &[u8]) -> Result<bool> {
    let request = agent.post(format!("{url}/v1/streams/{stream}/records")).content_type("application/x-ndjson");
    let mut response = request.send(body).map_err(|e| Error::unavailable("cannot reach the server under test").because(e))?;
    let status = response.status();
    let text = response.body_mut().read_to_string().map_err(|e| Error::unavailable("the answer broke off").because(e))?;
    match status.as_u16() {
        200 => Ok(true),
        429 | 503 => Ok(false),
        _ => Err(Error::internal(format!("a push was answered {status}: {text}"))),
    }
}

/// Waits on the clock.
pub struct Timer(Runtime);

impl Timer {
    /// A timer.
    ///
    /// # Errors
    /// `Unavailable` when the system has no room for one.
    pub fn new() -> Result<Timer> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.map(Timer).map_err(|e| Error::unavailable("cannot start a timer").because(e))
    }

    /// Returns at `moment`, or at once when that is over.
    pub fn wait_until(&self, moment: Instant) {
        self.0.block_on(async { tokio::time::sleep_until(moment).await });
    }
}
