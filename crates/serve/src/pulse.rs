//! The pulse of the streams: once a second what was counted is looked at, so that rates and freshness of the last minutes
//! are there before anybody asks for them.

use crate::Site;
use helios_contract::{StreamName, Timestamp};
use prometheus::Registry;
use prometheus::proto::{Metric, MetricFamily};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

/// How often it is looked.
const BEAT: Duration = Duration::from_secs(1);
/// Points of history: five minutes.
const POINTS_MAX: usize = 300;
/// Freshness is that of the last so many beats.
const FRESHNESS_BEATS: usize = 15;

const RECEIVED: &str = "helios_records_received_total";
const QUARANTINED: &str = "helios_records_quarantined_total";
const FRESHNESS: &str = "helios_freshness_seconds";
const LAG: &str = "helios_lag_records";
const AGE: &str = "helios_stage_age_seconds";
const BATCH_ROWS: &str = "helios_batch_rows";
/// The stages of a record whose age is measured.
const STAGES: [&str; 3] = ["fetched", "decoded", "stored"];

/// What was counted up to now.
#[derive(Debug, Clone, Default)]
struct Counted {
    n_received: f64,
    n_quarantined: f64,
    freshness: Spread,
    /// How old records were at each stage.
    ages: [Spread; 3],
    n_commits: f64,
    /// Records of those commits.
    n_committed: f64,
    /// Records that wait at the source, where it tells.
    n_waiting: Option<f64>,
}

/// How long things took.
#[derive(Debug, Clone, Default)]
struct Spread {
    /// Upper bounds in seconds and how many took at most that long.
    bounds: Vec<(f64, u64)>,
    n: u64,
}

struct Moment {
    at: Instant,
    streams: BTreeMap<String, Counted>,
}

/// How a stream, or all of them, did at one beat.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    time: Timestamp,
    events_per_s: f64,
    freshness_ms: Option<[f64; 3]>,
}

#[derive(Default)]
struct Kept {
    moments: VecDeque<Moment>,
    all: VecDeque<Point>,
    streams: HashMap<String, VecDeque<Point>>,
}

/// How fast records come, and how long they take.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Rates {
    /// Records received a second.
    pub(crate) events_per_s: f64,
    /// Of those, quarantined.
    pub(crate) quarantined_per_s: f64,
    /// Milliseconds that half, 95 % and 99 % of the commits took at most, from the arrival of their oldest record.
    pub(crate) freshness_ms: Option<[f64; 3]>,
    /// Records put into quarantine since the process started.
    pub(crate) n_quarantined: f64,
    /// Records that came into being at the source a second; `None` where that is not known of every stream.
    pub(crate) produced_per_s: Option<f64>,
    /// Milliseconds since its arrival that a record had at most when it was fetched, decoded and stored, for half of them.
    pub(crate) ages_ms: [Option<f64>; 3],
    /// Records a commit, on average.
    pub(crate) batch_rows: Option<f64>,
}

impl Rates {
    /// `{"p50","p95","p99"}`, null where nothing was committed lately.
    pub(crate) fn freshness_json(&self) -> Value {
        percentiles_json(self.freshness_ms)
    }
}

fn percentiles_json(percentiles: Option<[f64; 3]>) -> Value {
    let [p50, p95, p99] = percentiles.map_or([None; 3], |known| known.map(Some));
    json!({"p50": p50, "p95": p95, "p99": p99})
}

/// What is known of the last minutes.
pub(crate) struct Pulse {
    kept: Mutex<Kept>,
    n_beats: watch::Sender<u64>,
}

impl Default for Pulse {
    fn default() -> Pulse {
        Pulse { kept: Mutex::default(), n_beats: watch::Sender::new(0) }
    }
}

impl Pulse {
    /// Looks at what was counted.
    pub(crate) fn beat(&self, registry: &Registry, time: Timestamp) {
        let moment = Moment { at: Instant::now(), streams: counted(&registry.gather()) };
        let mut kept = self.lock();
        let names: Vec<String> = moment.streams.keys().cloned().collect();
        kept.moments.push_back(moment);
        if kept.moments.len() > FRESHNESS_BEATS + 1 {
            kept.moments.pop_front();
        }
        kept.streams.retain(|name, _| names.contains(name));
        let all = kept.rates(None);
        push(&mut kept.all, time, &all);
        for name in names {
            let rates = kept.rates(Some(&name));
            push(kept.streams.entry(name).or_default(), time, &rates);
        }
        drop(kept);
        self.n_beats.send_modify(|n| *n += 1);
    }

    /// Tells of beats.
    pub(crate) fn beats(&self) -> watch::Receiver<u64> {
        self.n_beats.subscribe()
    }

    /// How a stream does, or all of them together.
    pub(crate) fn rates(&self, stream: Option<&StreamName>) -> Rates {
        self.lock().rates(stream.map(StreamName::as_str))
    }

    /// The last minutes of a stream, or of all together, oldest first.
    pub(crate) fn history(&self, stream: Option<&StreamName>) -> Vec<Value> {
        let kept = self.lock();
        let points = match stream {
            None => Some(&kept.all),
            Some(name) => kept.streams.get(name.as_str()),
        };
        let point = |p: &Point| {
            let freshness_ms = percentiles_json(p.freshness_ms);
            json!({"time": p.time.to_string(), "events_per_s": p.events_per_s, "freshness_ms": freshness_ms})
        };
        points.into_iter().flatten().map(point).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Beats once a second, for ever. Cancel-safe.
pub(crate) async fn run(site: Arc<Site>) {
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        site.pulse.beat(&site.parts.metrics, site.parts.clock.now());
    }
}

fn push(points: &mut VecDeque<Point>, time: Timestamp, rates: &Rates) {
    points.push_back(Point { time, events_per_s: rates.events_per_s, freshness_ms: rates.freshness_ms });
    if points.len() > POINTS_MAX {
        points.pop_front();
    }
}

impl Kept {
    fn rates(&self, stream: Option<&str>) -> Rates {
        let Some(now) = self.moments.back() else { return Rates::default() };
        let nothing = Counted::default();
        let names: Vec<&str> = match stream {
            Some(name) => vec![name],
            None => now.streams.keys().map(String::as_str).collect(),
        };
        let counted = |moment: &'_ Moment, name: &str| moment.streams.get(name).unwrap_or(&nothing).clone();
        let before = self.moments.iter().rev().nth(1);
        let mut rates = Rates { produced_per_s: before.map(|_| 0.0), ..Rates::default() };
        let mut took = Counted::default();
        for name in names {
            let current = counted(now, name);
            rates.n_quarantined += current.n_quarantined;
            if let Some(before) = before {
                let seconds = (now.at - before.at).as_secs_f64().max(f64::MIN_POSITIVE);
                let earlier = counted(before, name);
                // A stream that was made anew counts from zero again.
                rates.events_per_s += (current.n_received - earlier.n_received).max(0.0) / seconds;
                rates.quarantined_per_s += (current.n_quarantined - earlier.n_quarantined).max(0.0) / seconds;
                // What came into being was received, or waits longer in the queue than before.
                let queued = current.n_waiting.zip(earlier.n_waiting).map(|(now, then)| now - then);
                let produced = queued.map(|queued| (current.n_received - earlier.n_received + queued).max(0.0) / seconds);
                rates.produced_per_s = rates.produced_per_s.zip(produced).map(|(sum, more)| sum + more);
            }
            let oldest = self.moments.front().map(|moment| counted(moment, name)).unwrap_or_default();
            took.add(&current, &oldest);
        }
        let tenths = |rate: f64| (rate * 10.0).round() / 10.0;
        rates.events_per_s = tenths(rates.events_per_s);
        rates.quarantined_per_s = tenths(rates.quarantined_per_s);
        rates.produced_per_s = rates.produced_per_s.map(tenths);
        rates.freshness_ms = took.freshness.percentiles();
        rates.ages_ms = took.ages.each_ref().map(|age| Some(age.percentiles()?[0]));
        rates.batch_rows = (took.n_commits > 0.0).then(|| tenths(took.n_committed / took.n_commits));
        rates
    }
}

impl Counted {
    /// Adds what took its time after `earlier`.
    fn add(&mut self, now: &Counted, earlier: &Counted) {
        self.freshness.add(&now.freshness, &earlier.freshness);
        for (age, (now, earlier)) in self.ages.iter_mut().zip(now.ages.iter().zip(&earlier.ages)) {
            age.add(now, earlier);
        }
        self.n_commits += (now.n_commits - earlier.n_commits).max(0.0);
        self.n_committed += (now.n_committed - earlier.n_committed).max(0.0);
    }
}

impl Spread {
    fn of(metric: &Metric) -> Spread {
        let histogram = metric.get_histogram();
        let bounds = histogram.get_bucket().iter().map(|bucket| (bucket.upper_bound(), bucket.cumulative_count())).collect();
        Spread { bounds, n: histogram.get_sample_count() }
    }

    /// Adds what was observed after `earlier`.
    fn add(&mut self, now: &Spread, earlier: &Spread) {
        if self.bounds.is_empty() {
            self.bounds = now.bounds.iter().map(|(bound, _)| (*bound, 0)).collect();
        }
        for (i, (sum, (_, n))) in self.bounds.iter_mut().zip(&now.bounds).enumerate() {
            sum.1 += n.saturating_sub(earlier.bounds.get(i).map_or(0, |(_, n)| *n));
        }
        self.n += now.n.saturating_sub(earlier.n);
    }

    fn percentiles(&self) -> Option<[f64; 3]> {
        (self.n > 0).then(|| [0.5, 0.95, 0.99].map(|share| self.percentile(share)))
    }

    /// Between the bounds of a bucket, observations are taken to lie evenly.
    fn percentile(&self, share: f64) -> f64 {
        let wanted = share * self.n as f64;
        let (mut lower, mut n_lower) = (0.0, 0.0);
        for (bound, n) in &self.bounds {
            let n = *n as f64;
            if n >= wanted {
                let part = if n > n_lower { (wanted - n_lower) / (n - n_lower) } else { 1.0 };
                return ((lower + (bound - lower) * part) * 1e4).round() / 10.0;
            }
            (lower, n_lower) = (*bound, n);
        }
        // Longer than the longest bound: more cannot be said.
        lower * 1e3
    }
}

fn counted(families: &[MetricFamily]) -> BTreeMap<String, Counted> {
    let mut streams: BTreeMap<String, Counted> = BTreeMap::new();
    for family in families {
        let note: fn(&mut Counted, &Metric) = match family.name() {
            RECEIVED => |counted, metric| counted.n_received = metric.get_counter().get_value(),
            QUARANTINED => |counted, metric| counted.n_quarantined = metric.get_counter().get_value(),
            FRESHNESS => |counted, metric| counted.freshness = Spread::of(metric),
            AGE => |counted, metric| {
                let stage = label(metric, "stage");
                let stage = STAGES.iter().position(|name| stage == Some(name));
                stage.into_iter().for_each(|stage| counted.ages[stage] = Spread::of(metric));
            },
            BATCH_ROWS => |counted, metric| {
                counted.n_commits = metric.get_histogram().get_sample_count() as f64;
                counted.n_committed = metric.get_histogram().get_sample_sum();
            },
            LAG => |counted, metric| *counted.n_waiting.get_or_insert(0.0) += metric.get_gauge().get_value(),
            _ => continue,
        };
        for metric in family.get_metric() {
            if let Some(stream) = label(metric, "stream") {
                note(streams.entry(stream.to_owned()).or_default(), metric);
            }
        }
    }
    streams
}

fn label<'m>(metric: &'m Metric, name: &str) -> Option<&'m str> {
    metric.get_label().iter().find(|label| label.name() == name).map(|label| label.value())
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts};

    #[tokio::test(start_paused = true)]
    async fn what_waits_longer_than_before_was_produced_too() {
        let (meters, pulse) = (meters(), Pulse::default());
        let opts = prometheus::Opts::new(LAG, "x");
        let lag = prometheus::IntGaugeVec::new(opts, &["stream", "partition"]).unwrap();
        meters.registry.register(Box::new(lag.clone())).unwrap();
        let name = StreamName::new("a").unwrap();
        lag.with_label_values(&["a", "0"]).set(5);
        lag.with_label_values(&["a", "1"]).set(5);
        meters.received.with_label_values(&["a"]).inc_by(100);
        pulse.beat(&meters.registry, Timestamp(0));
        assert_eq!(pulse.rates(Some(&name)).produced_per_s, None);
        for (received, waiting, produced) in [(20, 15, 30.0), (20, 0, 0.0), (4, 2, 6.0)] {
            meters.received.with_label_values(&["a"]).inc_by(received);
            lag.with_label_values(&["a", "0"]).set(waiting);
            tokio::time::advance(Duration::from_secs(1)).await;
            pulse.beat(&meters.registry, Timestamp(1));
            let rates = pulse.rates(Some(&name));
            assert_eq!(rates.produced_per_s, Some(produced + if waiting == 0 { 5.0 } else { 0.0 }), "{received} {waiting}");
        }
        meters.received.with_label_values(&["http"]).inc_by(1);
        tokio::time::advance(Duration::from_secs(1)).await;
        pulse.beat(&meters.registry, Timestamp(2));
        assert_eq!(pulse.rates(None).produced_per_s, None);
    }

    struct Meters {
        registry: Registry,
        received: IntCounterVec,
        freshness: HistogramVec,
    }

    fn meters() -> Meters {
        let registry = Registry::new();
        let received = IntCounterVec::new(Opts::new(RECEIVED, "x"), &["stream"]).unwrap();
        let buckets = HistogramOpts::new(FRESHNESS, "x").buckets(vec![0.01, 0.1, 1.0]);
        let freshness = HistogramVec::new(buckets, &["stream"]).unwrap();
        registry.register(Box::new(received.clone())).unwrap();
        registry.register(Box::new(freshness.clone())).unwrap();
        Meters { registry, received, freshness }
    }

    #[tokio::test(start_paused = true)]
    async fn rates_are_those_of_the_last_second_and_the_sum_of_the_streams() {
        let (meters, pulse) = (meters(), Pulse::default());
        assert_eq!(pulse.rates(None), Rates::default());
        pulse.beat(&meters.registry, Timestamp(0));
        meters.received.with_label_values(&["a"]).inc_by(30);
        meters.received.with_label_values(&["b"]).inc_by(12);
        tokio::time::advance(Duration::from_secs(2)).await;
        pulse.beat(&meters.registry, Timestamp(1));
        assert_eq!(pulse.rates(Some(&StreamName::new("a").unwrap())).events_per_s, 15.0);
        assert_eq!(pulse.rates(None).events_per_s, 21.0);
        assert_eq!(pulse.history(None).len(), 2);
        assert_eq!(pulse.history(Some(&StreamName::new("b").unwrap())).len(), 1);
        let _ = meters.received.remove_label_values(&["b"]);
        tokio::time::advance(Duration::from_secs(1)).await;
        pulse.beat(&meters.registry, Timestamp(2));
        assert_eq!(pulse.rates(None).events_per_s, 0.0);
        assert!(pulse.history(Some(&StreamName::new("b").unwrap())).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn freshness_forgets_what_is_long_ago_and_history_has_an_end() {
        let (meters, pulse) = (meters(), Pulse::default());
        meters.freshness.with_label_values(&["a"]).observe(100.0);
        pulse.beat(&meters.registry, Timestamp(0));
        for _ in 0..90 {
            meters.freshness.with_label_values(&["a"]).observe(0.005);
        }
        for _ in 0..10 {
            meters.freshness.with_label_values(&["a"]).observe(0.5);
        }
        pulse.beat(&meters.registry, Timestamp(1));
        let [p50, p95, p99] = pulse.rates(None).freshness_ms.unwrap();
        assert!(p50 < 10.0 && (100.0..1000.0).contains(&p95) && p95 < p99, "{p50} {p95} {p99}");
        for beat in 0..400 {
            pulse.beat(&meters.registry, Timestamp(beat));
        }
        assert_eq!(pulse.rates(None).freshness_ms, None);
        assert_eq!(pulse.history(None).len(), POINTS_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn each_stage_has_an_age_and_history_keeps_every_percentile() {
        let (meters, pulse) = (meters(), Pulse::default());
        let opts = HistogramOpts::new(AGE, "x").buckets(vec![0.001, 0.01, 0.1, 1.0]);
        let ages = HistogramVec::new(opts, &["stream", "stage"]).unwrap();
        let opts = HistogramOpts::new(BATCH_ROWS, "x").buckets(vec![1.0, 10.0]);
        let batches = HistogramVec::new(opts, &["stream"]).unwrap();
        meters.registry.register(Box::new(ages.clone())).unwrap();
        meters.registry.register(Box::new(batches.clone())).unwrap();
        pulse.beat(&meters.registry, Timestamp(0));
        for (stage, age) in [("fetched", 0.0005), ("decoded", 0.005), ("stored", 0.05), ("unheard_of", 5.0)] {
            ages.with_label_values(&["a", stage]).observe(age);
        }
        batches.with_label_values(&["a"]).observe(2.0);
        batches.with_label_values(&["a"]).observe(5.0);
        meters.freshness.with_label_values(&["a"]).observe(0.05);
        pulse.beat(&meters.registry, Timestamp(1));
        let rates = pulse.rates(Some(&StreamName::new("a").unwrap()));
        let [fetched, decoded, stored] = rates.ages_ms.map(Option::unwrap);
        assert!(fetched < 1.0 && (1.0..10.0).contains(&decoded) && (10.0..100.0).contains(&stored), "{rates:?}");
        assert_eq!(rates.batch_rows, Some(3.5));
        let history = pulse.history(None);
        assert_eq!(history[0]["freshness_ms"], json!({"p50": null, "p95": null, "p99": null}));
        assert!(history[1]["freshness_ms"]["p99"].as_f64() > history[1]["freshness_ms"]["p50"].as_f64());
    }
}
