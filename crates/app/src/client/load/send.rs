//! Pushes chunks, and waits when the server asks to.

use super::chunk::Chunk;
use super::open::Source;
use crate::client::output::counted;
use crate::client::{Client, Refused, json};
use helios_contract::{Error, Kind, Result, StreamName};
use indicatif::ProgressBar;
use serde_json::Value;
use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;
use ureq::SendBody;
use ureq::http::StatusCode;

/// How long a push may go without being taken before the load gives up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);
/// The same while the server cannot be reached at all.
const GONE_AFTER: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Conflicts in a row that lead nowhere.
const CONFLICTS_MAX: u32 = 5;

/// What became of the records sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(super) stored: u64,
    pub(super) quarantined: u64,
    pub(super) deduplicated: u64,
    pub(super) filtered: u64,
    pub(super) n_pushes: u64,
}

/// Pushes chunks of one file into one stream.
pub(super) struct Sender {
    client: Client,
    stream: StreamName,
    partition: String,
    progress: ProgressBar,
    loaded: Mutex<Loaded>,
    n_conflicts: AtomicU32,
}

/// A body that says when all of it is on the wire.
struct Outgoing<'a> {
    rest: &'a [u8],
    handed_over: &'a mpsc::Sender<()>,
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.rest.read(buffer)?;
        if self.rest.is_empty() {
            // Nobody listens any more when the load is being given up.
            let _ = self.handed_over.send(());
        }
        Ok(n)
    }
}

impl Sender {
    pub(super) fn new(client: Client, stream: StreamName, source: &Source, progress: ProgressBar) -> Sender {
        let (loaded, n_conflicts) = (Mutex::default(), AtomicU32::new(0));
        Sender { client, stream, partition: source.partition.clone(), progress, loaded, n_conflicts }
    }

    /// What became of everything sent.
    pub(super) fn loaded(self) -> Loaded {
        self.loaded.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// On one machine compressing costs more than it saves.
    pub(super) fn compresses(&self) -> bool {
        !self.client.is_local()
    }

    /// Where the server stands in the file; `None` when it has nothing of it.
    pub(super) fn stands_at(&self) -> Result<Option<u64>> {
        let path = format!("/v1/streams/{}/positions/{}", self.stream, self.partition);
        let answer = json(self.client.get(&path).map_err(|refused| self.explained(refused))?)?;
        let Some(position) = answer["position"].as_str() else { return Ok(None) };
        let position = position
            .parse()
            .map_err(|_| Error::conflict(format!("the server's position '{position}' in this file is not a number")))?;
        Ok(Some(position))
    }

    /// Pushes a chunk; false when the server stands elsewhere than at `from`. Says over `handed_over` when the chunk is on
    /// the wire: the one after it may follow.
    pub(super) fn send(&self, from: Option<u64>, chunk: &Chunk, handed_over: &mpsc::Sender<()>) -> Result<bool> {
        let mut waited = Duration::ZERO;
        loop {
            let refused = match self.push(from, chunk, handed_over) {
                Ok(answer) => {
                    self.count(&answer);
                    self.n_conflicts.store(0, Ordering::Relaxed);
                    return Ok(true);
                }
                Err(refused) => refused,
            };
            if refused.status == Some(StatusCode::CONFLICT) {
                return self.overtaken(from, refused);
            }
            let Some(pause) = pause(&refused, waited) else { return Err(self.gave_up(refused)) };
            self.progress.suspend(|| eprintln!("waiting {} s: {}", pause.as_secs(), refused.error.message()));
            wait(pause);
            waited += pause;
        }
    }

    fn push(&self, from: Option<u64>, chunk: &Chunk, handed_over: &mpsc::Sender<()>) -> Result<Value, Refused> {
        let (from, to, length) = (from.map(|from| from.to_string()), chunk.to.to_string(), chunk.body.len().to_string());
        let mut headers = vec![("Content-Type", chunk.media_type), ("Content-Length", length.as_str())];
        headers.extend([("Helios-Partition", self.partition.as_str()), ("Helios-To", to.as_str())]);
        if let Some(from) = &from {
            headers.push(("Helios-From", from));
        }
        if chunk.is_compressed {
            headers.push(("Content-Encoding", "zstd"));
        }
        let mut body = Outgoing { rest: &chunk.body, handed_over };
        let path = format!("/v1/streams/{}/records", self.stream);
        let response = self.client.post(&path, &headers, SendBody::from_reader(&mut body))?;
        // Without a readable answer nobody knows whether the chunk is in: the next push tells.
        json(response).map_err(|error| Refused { error, status: None, retry_after: None, stands_at: None })
    }

    /// Another load of the same file was faster, or an answer got lost on the way.
    fn overtaken(&self, from: Option<u64>, refused: Refused) -> Result<bool> {
        let moved = refused.stands_at != from.map(|from| from.to_string());
        let n_conflicts = if moved { 0 } else { self.n_conflicts.load(Ordering::Relaxed) + 1 };
        self.n_conflicts.store(n_conflicts, Ordering::Relaxed);
        if n_conflicts > CONFLICTS_MAX { Err(self.explained(refused)) } else { Ok(false) }
    }

    fn count(&self, answer: &Value) {
        let n = |name: &str| answer[name].as_u64().unwrap_or_default();
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded.stored += n("stored");
        loaded.quarantined += n("quarantined");
        loaded.deduplicated += n("deduplicated");
        loaded.filtered += n("filtered");
        loaded.n_pushes += 1;
    }

    /// What to do, where loading knows better than the server.
    fn explained(&self, refused: Refused) -> Error {
        match refused.error.kind() {
            Kind::NotFound => {
                let create = format!("helios sql \"CREATE STREAM {} (id BIGINT, name TEXT) FROM HTTP\"", self.stream);
                refused.error.hint(format!("Create it first, with the columns you need: {create}"))
            }
            _ => refused.error,
        }
    }

    fn gave_up(&self, refused: Refused) -> Error {
        match refused.error.kind() {
            Kind::Unavailable => {
                let error = refused.error.context(format!(
                    "the load stopped after {}",
                    counted(self.loaded.lock().unwrap_or_else(PoisonError::into_inner).n_pushes, "chunk")
                ));
                error.hint("Run the same command again: it goes on where it stopped.")
            }
            _ => self.explained(refused),
        }
    }
}

/// How long to wait before trying again; `None` when that does not help, or has not helped for long.
fn pause(refused: &Refused, waited: Duration) -> Option<Duration> {
    let patience = match refused.status {
        None => GONE_AFTER,
        Some(StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => GIVE_UP_AFTER,
        Some(_) => return None,
    };
    (waited < patience).then(|| refused.retry_after.unwrap_or(PAUSE).clamp(PAUSE, PAUSE_MAX))
}

#[expect(clippy::disallowed_methods, reason = "the command line has nothing else to do than to wait as long as the server asked")]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

#[cfg(test)]
mod tests {
    use super::{Refused, pause};
    use helios_contract::Error;
    use std::time::Duration;
    use ureq::http::StatusCode;

    fn refused(status: Option<u16>, retry_after: Option<u64>) -> Refused {
        let status = status.map(|code| StatusCode::from_u16(code).unwrap());
        Refused { error: Error::unavailable("busy"), status, retry_after: retry_after.map(Duration::from_secs), stands_at: None }
    }

    #[test]
    fn pressure_is_waited_for_and_faults_are_not() {
        let seconds = |refused, waited| pause(&refused, Duration::from_secs(waited)).map(|pause| pause.as_secs());
        assert_eq!(seconds(refused(Some(429), Some(7)), 0), Some(7));
        assert_eq!(seconds(refused(Some(503), Some(3600)), 0), Some(30));
        assert_eq!(seconds(refused(Some(503), None), 299), Some(1));
        assert_eq!(seconds(refused(Some(503), None), 300), None);
        assert_eq!(seconds(refused(None, None), 29), Some(1));
        assert_eq!(seconds(refused(None, None), 30), None);
        assert_eq!(seconds(refused(Some(400), None), 0), None);
    }
}
