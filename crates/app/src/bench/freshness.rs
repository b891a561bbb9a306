//! Freshness: from the moment an event was due to be sent until a query answered with it in.
//!
//! Open loop and free of coordinated omission: ticks are due by the clock whether or not the server keeps up, and every
//! event of a tick counts from the moment it was due, not from when a connection was free to send it.

use super::Figure;
use super::place::{self, Place, Timer};
use super::shop::{CREATE, START_MS, Shop};
use clap::Args;
use hdrhistogram::Histogram;
use helios_contract::{Error, Result};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Arguments of `helios bench freshness`.
#[derive(Debug, Args)]
pub struct FreshnessArgs {
    /// Events a second
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// How long to send, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// HTTP connections
    #[arg(long, default_value_t = 8)]
    connections: u64,
    /// Directory for the temporary data, to measure a certain disk
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const TICK: Duration = Duration::from_millis(10);

/// Measures freshness at one rate.
///
/// # Errors
/// What the server said, or events that never became visible.
pub fn run(args: &FreshnessArgs) -> Result<Vec<Figure>> {
    let place = Place::start(args.dir.as_deref())?;
    place.sql(CREATE)?;
    let n_ticks = args.seconds * 100;
    let per_tick = (args.rate / 100).max(1);
    let next = AtomicU64::new(0);
    let sending = AtomicBool::new(true);
    let start = Instant::now() + Duration::from_millis(50);
    let histogram = std::thread::scope(|scope| {
        let senders: Vec<_> =
            (0..args.connections.max(1)).map(|_| scope.spawn(|| send(&place.url, start, &next, n_ticks, per_tick))).collect();
        let watcher = scope.spawn(|| watch(&place, start, n_ticks * per_tick, &sending));
        let sent: Result<()> =
            senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| Error::internal("a sender panicked"))?);
        sending.store(false, Ordering::Release);
        let watched = watcher.join().map_err(|_| Error::internal("the watcher panicked"))?;
        sent.and(watched)
    })?;
    let note = format!("{} events/s for {} s, {} seen", args.rate, args.seconds, histogram.len());
    let at = |name: &str, micros: u64| Figure::new(format!("freshness {name}"), micros as f64 / 1000.0, "ms", note.clone());
    Ok(vec![
        at("p50", histogram.value_at_quantile(0.5)),
        at("p99", histogram.value_at_quantile(0.99)),
        at("p99.9", histogram.value_at_quantile(0.999)),
        at("max", histogram.max()),
        Figure::memory(&place)?,
    ])
}

/// Takes the next tick, waits until it is due, and pushes its events.
fn send(url: &str, start: Instant, next: &AtomicU64, n_ticks: u64, per_tick: u64) -> Result<()> {
    let (agent, mut body, timer) = (place::agent(), Vec::new(), Timer::new()?);
    loop {
        let tick = next.fetch_add(1, Ordering::Relaxed);
        if tick >= n_ticks {
            return Ok(());
        }
        let due = start + TICK * u32::try_from(tick).map_err(|_| Error::invalid("too many ticks: send for a shorter time"))?;
        timer.wait_until(due);
        let mut shop = Shop::new(tick);
        body.clear();
        (0..per_tick).for_each(|_| shop.write(&mut body, START_MS + 10 * tick as i64, tick));
        place::push(&agent, url, "shop", &body)?;
    }
}

/// Asks again and again which ticks are new, as a live dashboard would, until every event was seen.
fn watch(place: &Place, start: Instant, n_events: u64, sending: &AtomicBool) -> Result<Histogram<u64>> {
    let agent = place::agent();
    let mut histogram = Histogram::new(3).map_err(|e| Error::internal("cannot make a histogram").because(e))?;
    let (mut after, mut seen, mut idle_since) = (0, 0, None);
    while seen < n_events {
        let sql = format!("SELECT tick, count(*) AS n, max(_commit) AS c FROM shop WHERE _commit > {after} GROUP BY tick");
        let answer = place::query(&agent, &place.url, &sql)?;
        let now = Instant::now();
        let rows = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        for row in rows {
            let number = |key: &str| row[key].as_u64().ok_or_else(|| Error::internal(format!("a row without {key}: {row}")));
            let (tick, n) = (number("tick")?, number("n")?);
            after = after.max(number("c")?);
            seen += n;
            let due = start + TICK * u32::try_from(tick).unwrap_or(u32::MAX);
            let waited = u64::try_from(now.saturating_duration_since(due).as_micros()).unwrap_or(u64::MAX).max(1);
            histogram.record_n(waited, n).map_err(|e| Error::internal("cannot record a time").because(e))?;
        }
        if !rows.is_empty() || sending.load(Ordering::Acquire) {
            idle_since = None;
        } else if idle_since.get_or_insert(now).elapsed() > Duration::from_secs(10) {
            return Err(Error::internal(format!("{n_events} events were sent, only {seen} became visible")));
        }
    }
    Ok(histogram)
}
