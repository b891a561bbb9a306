//! What can be followed: all streams' figures, one stream's, its rows, and how far a query is.

use super::words::Kind;
use super::{Credit, Sent, tail, words};
use crate::Site;
use crate::console::{progress_json, unknown_query};
use crate::metrics::resident_bytes;
use crate::streams::{detail, quarantined};
use helios_contract::{Error, Result, StreamName};
use serde_json::{Value, json};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::interval;

const PROGRESS_EVERY: Duration = Duration::from_millis(200);
/// A query may be followed before it has begun; so many looks are taken until then.
const LOOKS_MAX: u32 = 25;
const CONDITION_CHARS_MAX: usize = 4_000;

/// Something to follow.
#[derive(Debug, PartialEq)]
pub(super) enum Topic {
    Metrics,
    StreamMetrics(StreamName),
    Tail(StreamName, Option<String>),
    Progress(String),
}

impl Topic {
    /// # Errors
    /// `Invalid` for a name or a condition that cannot be; `NotFound` for a topic there is not.
    pub(super) fn parse(topic: &str, condition: Option<String>) -> Result<Topic> {
        let condition = condition.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if condition.as_ref().is_some_and(|text| text.chars().count() > CONDITION_CHARS_MAX) {
            return Err(Error::invalid(format!("the condition is longer than {CONDITION_CHARS_MAX} characters")));
        }
        let parsed = match topic.split('/').collect::<Vec<_>>()[..] {
            ["metrics"] => Topic::Metrics,
            ["stream", name, "metrics"] => Topic::StreamMetrics(StreamName::new(name)?),
            ["stream", name, "tail"] => return Ok(Topic::Tail(StreamName::new(name)?, condition)),
            ["query", id, "progress"] => Topic::Progress(id.to_owned()),
            _ => {
                let shown: String = topic.chars().take(128).collect();
                return Err(Error::not_found(format!("there is no topic '{}'", shown.escape_debug()))
                    .hint("The topics are metrics, stream/NAME/metrics, stream/NAME/tail and query/ID/progress."));
            }
        };
        match condition {
            None => Ok(parsed),
            Some(_) => Err(Error::invalid("only tails take a condition")),
        }
    }
}

/// Where a subscription's messages go.
pub(super) struct Feed {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) sender: mpsc::Sender<Sent>,
    pub(super) site: Arc<Site>,
}

/// Why a subscription ends.
pub(super) enum Ended {
    /// Nobody listens any more.
    Gone,
    /// There is nothing more to follow.
    Reason(&'static str),
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        Ended::Failed(error)
    }
}

impl Feed {
    /// Sends data once there is room; `seq` grows.
    pub(super) async fn send(&self, kind: Kind, seq: i64, data: &str) -> Result<(), Ended> {
        let text = words::data(kind, self.id, seq, self.site.parts.clock.now(), data);
        self.pass(text, false).await
    }

    async fn pass(&self, text: String, is_last: bool) -> Result<(), Ended> {
        let sent = Sent { id: self.id, number: self.number, text, is_last };
        self.sender.send(sent).await.map_err(|_| Ended::Gone)
    }
}

/// Follows a topic until it ends.
pub(super) async fn follow(topic: Topic, after: Option<i64>, credit: Arc<Credit>, feed: Feed) {
    let ended = match topic {
        Topic::Metrics => metrics(&feed).await,
        Topic::StreamMetrics(name) => stream_metrics(&name, &feed).await,
        Topic::Tail(name, condition) => tail::tail(&name, condition.as_deref(), after, &credit, &feed).await,
        Topic::Progress(id) => progress(&id, &feed).await,
    };
    let last_words = match ended {
        Ended::Gone => return,
        Ended::Reason(reason) => words::end(feed.id, reason),
        Ended::Failed(error) => words::error(Some(feed.id), &error),
    };
    // Nobody is left to hear it where this fails.
    let _ = feed.pass(last_words, true).await;
}

async fn metrics(feed: &Feed) -> Ended {
    let site = &feed.site;
    let mut beats = site.pulse.beats();
    let mut kind = Kind::Snapshot;
    loop {
        let beat = *beats.borrow_and_update();
        let overview = overview(site, beat).await;
        let data = match kind {
            Kind::Update => overview.to_string(),
            Kind::Snapshot => {
                let mut whole = Value::clone(&overview);
                whole["history"] = site.pulse.history(None).into();
                whole.to_string()
            }
        };
        if let Err(ended) = feed.send(kind, seq(beat), &data).await {
            return ended;
        }
        kind = Kind::Update;
        if beats.changed().await.is_err() {
            return Ended::Reason("the server is stopping");
        }
    }
}

fn seq(beat: u64) -> i64 {
    i64::try_from(beat).unwrap_or(i64::MAX)
}

/// The figures of all streams; made once a beat, however many look.
async fn overview(site: &Site, beat: u64) -> Arc<Value> {
    let known = site.overview.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some((_, overview)) = known.filter(|(known, _)| *known == beat && beat > 0) {
        return overview;
    }
    let quarantined = quarantined(site).await;
    let rates = site.pulse.rates(None);
    let stream = |status: &helios_contract::stream::StreamStatus| {
        let rates = site.pulse.rates(Some(&status.name));
        json!({
            "name": status.name,
            "source": status.source,
            "state": status.state.as_str(),
            "since": status.since.to_string(),
            "cause": status.cause,
            "message": status.message,
            "hint": status.hint,
            "events_per_s": rates.events_per_s,
            "lag": lag(&status.lag),
            "freshness_ms": rates.freshness_json(),
            "n_quarantined": quarantined.get(status.name.as_str()).copied().unwrap_or(0),
        })
    };
    let status = site.parts.control.status();
    let known_lags: Vec<u64> = status.iter().filter_map(|status| lag(&status.lag)).collect();
    let overview = Arc::new(json!({
        "events_per_s": rates.events_per_s,
        "freshness_ms": rates.freshness_json(),
        "lag": known_lags.iter().sum::<u64>(),
        "n_quarantined": quarantined.values().sum::<u64>(),
        "memory_bytes": resident_bytes().map(|bytes| bytes as u64),
        "streams": status.iter().map(stream).collect::<Vec<_>>(),
    }));
    *site.overview.lock().unwrap_or_else(PoisonError::into_inner) = Some((beat, overview.clone()));
    overview
}

/// Records that wait, over all partitions; `None` where the source cannot know.
fn lag(partitions: &[(String, u64)]) -> Option<u64> {
    (!partitions.is_empty()).then(|| partitions.iter().map(|(_, n)| n).sum())
}

async fn stream_metrics(name: &StreamName, feed: &Feed) -> Ended {
    let site = &feed.site;
    let mut beats = site.pulse.beats();
    let mut kind = Kind::Snapshot;
    loop {
        let beat = *beats.borrow_and_update();
        let mut data = match detail(site, name).await {
            Ok(data) => data,
            Err(error) if kind == Kind::Snapshot => return error.into(),
            Err(error) => return gone_or(error),
        };
        if kind == Kind::Snapshot {
            data["history"] = site.pulse.history(Some(name)).into();
        }
        if let Err(ended) = feed.send(kind, seq(beat), &data.to_string()).await {
            return ended;
        }
        kind = Kind::Update;
        if beats.changed().await.is_err() {
            return Ended::Reason("the server is stopping");
        }
    }
}

/// How a subscription ends whose stream was there a moment ago.
pub(super) fn gone_or(error: Error) -> Ended {
    match error.kind() {
        helios_contract::Kind::NotFound => Ended::Reason("stream dropped"),
        _ => Ended::Failed(error),
    }
}

async fn progress(id: &str, feed: &Feed) -> Ended {
    let mut tick = interval(PROGRESS_EVERY);
    let mut n_looks = 0;
    let mut seq = 0;
    loop {
        tick.tick().await;
        let Some(progress) = feed.site.parts.console.progress(id) else {
            n_looks += 1;
            if seq > 0 || n_looks > LOOKS_MAX {
                return unknown_query(id).into();
            }
            continue;
        };
        seq += 1;
        let kind = if seq == 1 { Kind::Snapshot } else { Kind::Update };
        if let Err(ended) = feed.send(kind, seq, &progress_json(&progress).to_string()).await {
            return ended;
        }
        if progress.state != "running" {
            return Ended::Reason(progress.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_have_names_and_only_tails_have_conditions() {
        let orders = || StreamName::new("orders").unwrap();
        let condition = || Some(" price > 1 ".to_owned());
        assert_eq!(Topic::parse("metrics", None).unwrap(), Topic::Metrics);
        assert_eq!(Topic::parse("metrics", Some("  ".to_owned())).unwrap(), Topic::Metrics);
        let tail = Topic::parse("stream/orders/tail", condition()).unwrap();
        assert_eq!(tail, Topic::Tail(orders(), Some("price > 1".to_owned())));
        assert_eq!(Topic::parse("stream/orders/metrics", None).unwrap(), Topic::StreamMetrics(orders()));
        for wrong in ["", "metric", "stream/orders", "stream/a b/tail", "stream/orders/tail/x", "query/progress", "\u{0}"] {
            assert!(Topic::parse(wrong, None).is_err(), "{wrong:?}");
        }
        assert!(Topic::parse("metrics", condition()).is_err());
        assert!(Topic::parse("stream/orders/tail", Some("x".repeat(4_001))).is_err());
    }
}
