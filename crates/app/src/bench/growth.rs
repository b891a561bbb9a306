//! How cost grows: with streams, columns, files and rows.

use super::place::{self, Place, Timer};
use super::query::fill;
use super::shop::{CREATE, START_MS, Shop};
use super::{Figure, median};
use clap::Args;
use helios_contract::{Error, Result};
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// Arguments of `helios bench growth`.
#[derive(Debug, Args)]
pub struct GrowthArgs {
    /// Streams, several with commas; each gets 10 events a second
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000")]
    streams: Vec<u64>,
    /// Columns of one stream, several with commas
    #[arg(long, value_delimiter = ',', default_value = "10,100,1000")]
    columns: Vec<u64>,
    /// Days of one stream, some events each, several with commas: each day is a file
    #[arg(long, value_delimiter = ',', default_value = "100,1000,10000")]
    days: Vec<u64>,
    /// Rows of one stream, several with commas
    #[arg(long, value_delimiter = ',', default_value = "100000,1000000,10000000")]
    rows: Vec<u64>,
    /// How long streams are watched, at rest and with events
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Directory for the temporary data, to measure a certain disk
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

const DAY_MS: i64 = 86_400_000;

/// Days whose events are compacted together, each into a file of its own: of more, some would share one.
const DAYS_AT_ONCE: usize = 64;
/// So many small commits are compacted at once, whatever their age.
const COMMITS_COMPACTED: u64 = 256;

/// Runs of each question; the median is reported.
const N_RUNS: usize = 5;

/// Measures each kind of growth.
///
/// # Errors
/// What the server said, or a count that is not what was sent.
pub fn run(args: &GrowthArgs) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for n in &args.streams {
        figures.extend(streams(args, *n)?);
    }
    for n in &args.columns {
        figures.extend(columns(args, *n)?);
    }
    for n in &args.days {
        figures.extend(days(args, *n)?);
    }
    for n in &args.rows {
        figures.extend(rows(args, *n)?);
    }
    Ok(figures)
}

/// Milliseconds for a statement.
fn timed(place: &Place, sql: &str) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..N_RUNS {
        let started = Instant::now();
        place.sql(sql)?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(times))
}

fn streams(args: &GrowthArgs, n: u64) -> Result<Vec<Figure>> {
    let place = Place::start(args.dir.as_deref())?;
    let started = Instant::now();
    for i in 0..n {
        place.sql(&CREATE.replacen("shop", &format!("s{i}"), 1))?;
    }
    let create_ms = started.elapsed().as_secs_f64() * 1000.0 / n as f64;
    let (timer, rest) = (Timer::new()?, Duration::from_secs(u64::from(args.seconds)));
    let before = place.cpu_seconds()?;
    timer.wait_until(Instant::now() + rest);
    let at_rest = (place.cpu_seconds()? - before) / rest.as_secs_f64();

    let before = place.cpu_seconds()?;
    let started = Instant::now();
    push_to_each(&place, n, args.seconds, started)?;
    let busy = (place.cpu_seconds()? - before) / started.elapsed().as_secs_f64();
    let late = started.elapsed().saturating_sub(rest).as_secs_f64();
    let stored = place.sql("SELECT sum(n_received) FROM system.streams")?;
    if stored != (n * 10 * u64::from(args.seconds)) as f64 {
        return Err(Error::internal(format!("{stored} events are stored of those sent to {n} streams")));
    }
    let figure = |what: &str, value, unit, note: String| Figure::new(format!("{n} streams, {what}"), value, unit, note);
    Ok(vec![
        figure("creating one", create_ms, "ms", "each durable".to_owned()),
        figure("at rest", 100.0 * at_rest, "% core", "the server's CPU time".to_owned()),
        figure("10 events/s each", 100.0 * busy, "% core", format!("all stored; the last {late:.2} s after it was due")),
        figure("memory", place.peak_memory_mib()?, "MiB", "peak".to_owned()),
    ])
}

/// Ten events to each stream once a second, over eight connections.
fn push_to_each(place: &Place, n: u64, seconds: u32, start: Instant) -> Result<()> {
    const N_SENDERS: u64 = 8;
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..N_SENDERS)
            .map(|sender| {
                scope.spawn(move || -> Result<()> {
                    let (agent, timer, mut shop, mut body) = (place::agent(), Timer::new()?, Shop::new(sender), Vec::new());
                    for second in 0..seconds {
                        for stream in (sender..n).step_by(N_SENDERS as usize) {
                            let due =
                                Duration::from_secs(u64::from(second)) + Duration::from_secs(1).mul_f64(stream as f64 / n as f64);
                            timer.wait_until(start + due);
                            body.clear();
                            (0..10).for_each(|i| shop.write(&mut body, START_MS, i));
                            place::push(&agent, &place.url, &format!("s{stream}"), &body)?;
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().map_err(|_| Error::internal("a sender panicked"))?)
    })
}

fn columns(args: &GrowthArgs, n: u64) -> Result<Vec<Figure>> {
    const N_CELLS: u64 = 2_000_000;
    let place = Place::start(args.dir.as_deref())?;
    let list: Vec<String> = (0..n).map(|i| format!("c{i} BIGINT")).collect();
    place.sql(&format!("CREATE STREAM wide ({}) FROM HTTP", list.join(", ")))?;
    let (agent, mut body, mut line) = (place::agent(), Vec::new(), String::new());
    let mut rng = fastrand::Rng::with_seed(5);
    let n_rows = N_CELLS / n;
    let mut pushing = Duration::ZERO;
    for row in 0..n_rows {
        line.clear();
        (0..n).for_each(|i| {
            let opening = if i == 0 { '{' } else { ',' };
            write!(line, "{opening}\"c{i}\":{}", rng.u32(0..1_000_000)).expect("writing to a string cannot fail");
        });
        line.push_str("}\n");
        body.extend_from_slice(line.as_bytes());
        if body.len() > 4 << 20 || row + 1 == n_rows {
            let started = Instant::now();
            place::push(&agent, &place.url, "wide", &body)?;
            pushing += started.elapsed();
            body.clear();
        }
    }
    let figure = |what: &str, value, unit, note: String| Figure::new(format!("{n} columns, {what}"), value, unit, note);
    Ok(vec![
        figure("taken in", N_CELLS as f64 / pushing.as_secs_f64(), "values/s", format!("{n_rows} rows, one connection")),
        figure("sum of one", timed(&place, "SELECT sum(c0) FROM wide")?, "ms", format!("median of {N_RUNS}")),
        figure(
            "newest row",
            timed(&place, "SELECT * FROM wide ORDER BY _commit DESC LIMIT 1")?,
            "ms",
            format!("median of {N_RUNS}"),
        ),
        figure("memory", place.peak_memory_mib()?, "MiB", "peak".to_owned()),
    ])
}

fn days(args: &GrowthArgs, n: u64) -> Result<Vec<Figure>> {
    let mut place = Place::start(args.dir.as_deref())?;
    place.sql(CREATE)?;
    let (agent, mut shop, mut body) = (place::agent(), Shop::new(3), Vec::new());
    let mut n_events = 0;
    for first in (0..n).step_by(DAYS_AT_ONCE) {
        let n_days = (n - first).min(DAYS_AT_ONCE as u64);
        for i in 0..COMMITS_COMPACTED {
            body.clear();
            shop.write(&mut body, START_MS - (first + i % n_days) as i64 * DAY_MS, i);
            place::push(&agent, &place.url, "shop", &body)?;
        }
        n_events += COMMITS_COMPACTED;
        place.until("SELECT coalesce(sum(n_rows), 0) FROM system.files WHERE stream = 'shop'", n_events as f64)?;
    }
    let n_files = place.sql("SELECT count(*) FROM system.files WHERE stream = 'shop'")?;
    let day = "SELECT count(*) FROM shop WHERE timestamp >= '2026-01-01' AND timestamp < '2026-01-02'";
    let all = timed(&place, "SELECT sum(price) FROM shop")?;
    let one = timed(&place, day)?;
    let memory = place.peak_memory_mib()?;
    let started = Instant::now();
    place.restart()?;
    let start_ms = started.elapsed().as_secs_f64() * 1000.0;
    let figure =
        |what: &str, value, unit, note: String| Figure::new(format!("{n} days in {n_files} files, {what}"), value, unit, note);
    Ok(vec![
        figure("sum over all", all, "ms", format!("median of {N_RUNS}")),
        figure("count in one", one, "ms", format!("median of {N_RUNS}")),
        figure("start", start_ms, "ms", "after kill -9, until it listens".to_owned()),
        figure("memory", memory, "MiB", "peak".to_owned()),
    ])
}

fn rows(args: &GrowthArgs, n: u64) -> Result<Vec<Figure>> {
    let place = Place::start(args.dir.as_deref())?;
    place.sql(CREATE)?;
    let started = Instant::now();
    fill(&place, n)?;
    let rate = n as f64 / started.elapsed().as_secs_f64();
    place.until("SELECT coalesce(sum(n_rows), 0) FROM system.files WHERE stream = 'shop' AND sorted", n as f64)?;
    let group = timed(&place, "SELECT action_type, sum(price) FROM shop GROUP BY action_type")?;
    let minute = "SELECT count(*) FROM shop WHERE timestamp < '2026-01-01 00:01:00'";
    let figure = |what: &str, value, unit, note: String| Figure::new(format!("{n} rows, {what}"), value, unit, note);
    Ok(vec![
        figure("taken in", rate, "events/s", "one connection, one generator".to_owned()),
        figure("grouped", group, "ms", format!("median of {N_RUNS}")),
        figure("one minute", timed(&place, minute)?, "ms", format!("median of {N_RUNS}")),
        figure("memory", place.peak_memory_mib()?, "MiB", "peak".to_owned()),
    ])
}
