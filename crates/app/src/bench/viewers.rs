//! Many viewers of one dashboard: what the server works for a hundred, beside what it works for one.

use super::Figure;
use super::place::{self, Place, Timer};
use super::query::{QUESTIONS, fill};
use super::shop::{CREATE, START_MS, Shop};
use clap::Args;
use hdrhistogram::Histogram;
use helios_contract::{Error, Result};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// Arguments of `helios bench viewers`.
#[derive(Debug, Args)]
pub struct ViewersArgs {
    /// Viewers, each refreshing six panels once a second
    #[arg(long, default_value_t = 100)]
    viewers: u32,
    /// Events a second that arrive meanwhile
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// Events that are there before
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Directory for the temporary data, to measure a certain disk
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Pushes a second.
const PUSHES_A_SECOND: u32 = 20;

/// What the panels of many say: they refresh once a second.
const SECOND_OLD: &str = "max-age=1";
/// What the panels of one say. With `max-age=1` it would see its own answer of the second before every other time, and cost half.
const ANEW: &str = "no-cache";

/// How many answers were given again so far.
const REUSED: &str = "SELECT value FROM system.metrics WHERE name = 'helios_queries_reused_total'";

/// What one measurement saw.
struct Seen {
    /// CPU seconds of the server a second.
    work: f64,
    /// Microseconds for each answer.
    times: Histogram<u64>,
    /// Answers that were computed, and not given again.
    n_computed: u64,
}

/// Measures no viewer, one, and many.
///
/// # Errors
/// What the server said: a viewer that gets an error ends the measurement.
pub fn run(args: &ViewersArgs) -> Result<Vec<Figure>> {
    let place = Place::start(args.dir.as_deref())?;
    place.sql(CREATE)?;
    fill(&place, args.events)?;
    let none = watched_by(&place, args, 0, ANEW)?;
    let one = watched_by(&place, args, 1, ANEW)?;
    let many = watched_by(&place, args, args.viewers, SECOND_OLD)?;
    let note = format!("{} events/s arrive over {} events; {} s", args.rate, args.events, args.seconds);
    let work = |name: String, seen: &Seen| Figure::new(name, 100.0 * seen.work, "% core", note.clone());
    let time = |name: String, seen: &Seen| {
        let micros = seen.times.value_at_quantile(0.95);
        Figure::new(
            name,
            micros as f64 / 1000.0,
            "ms",
            format!("{} answers, {} of them computed, no error", seen.times.len(), seen.n_computed),
        )
    };
    Ok(vec![
        work("work without viewers".to_owned(), &none),
        work("work with 1 viewer".to_owned(), &one),
        work(format!("work with {} viewers", args.viewers), &many),
        Figure::new(format!("{} viewers to 1", args.viewers), many.work / one.work, "times", "the whole server's CPU time"),
        time("p95 of a panel, 1 viewer".to_owned(), &one),
        time(format!("p95 of a panel, {} viewers", args.viewers), &many),
        Figure::memory(&place)?,
    ])
}

fn watched_by(place: &Place, args: &ViewersArgs, n_viewers: u32, cache_control: &str) -> Result<Seen> {
    let start = Instant::now() + Duration::from_millis(100);
    let (before, reused) = (place.cpu_seconds()?, place.sql(REUSED)?);
    let mut times = Histogram::new(3).map_err(|e| Error::internal("cannot make a histogram").because(e))?;
    std::thread::scope(|scope| {
        let pusher = scope.spawn(|| push(place, args, start));
        let viewers: Vec<_> = (0..n_viewers)
            .map(|n| {
                // They did not open the page at the same moment.
                let first = start + Duration::from_secs(1) * n / n_viewers;
                scope.spawn(move || view(place, args.seconds, first, cache_control))
            })
            .collect();
        for viewer in viewers {
            let seen: Result<Histogram<u64>> = viewer.join().map_err(|_| Error::internal("a viewer panicked"))?;
            times.add(seen?).map_err(|e| Error::internal("cannot add up times").because(e))?;
        }
        pusher.join().map_err(|_| Error::internal("the sender panicked"))?
    })?;
    let work = (place.cpu_seconds()? - before) / start.elapsed().as_secs_f64();
    let n_computed = times.len().saturating_sub((place.sql(REUSED)? - reused) as u64);
    Ok(Seen { work, times, n_computed })
}

/// Refreshes every panel once a second.
fn view(place: &Place, seconds: u32, first: Instant, cache_control: &str) -> Result<Histogram<u64>> {
    let (agent, timer) = (place::agent(), Timer::new()?);
    let mut times = Histogram::new(3).map_err(|e| Error::internal("cannot make a histogram").because(e))?;
    for second in 0..seconds {
        timer.wait_until(first + Duration::from_secs(1) * second);
        for (_, sql) in QUESTIONS {
            let asked = Instant::now();
            place::query_cached(&agent, &place.url, sql, cache_control)?;
            let micros = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
            times.record(micros).map_err(|e| Error::internal("cannot record a time").because(e))?;
        }
    }
    Ok(times)
}

fn push(place: &Place, args: &ViewersArgs, start: Instant) -> Result<()> {
    let (agent, timer, mut shop, mut body) = (place::agent(), Timer::new()?, Shop::new(11), Vec::new());
    for n in 0..args.seconds * PUSHES_A_SECOND {
        timer.wait_until(start + Duration::from_secs(1) * n / PUSHES_A_SECOND);
        body.clear();
        for i in 0..args.rate / u64::from(PUSHES_A_SECOND) {
            shop.write(&mut body, START_MS + i64::from(n) * 50, i);
        }
        place::push(&agent, &place.url, "shop", &body)?;
    }
    Ok(())
}
