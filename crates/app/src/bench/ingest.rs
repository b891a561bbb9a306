//! Events per second, durable: what the server has acknowledged, over the time from the first byte to the last answer.

use super::place::{self, Place};
use super::shop::{CREATE, Shop};
use super::{Figure, median};
use crate::client::load::{self, LoadArgs};
use clap::Args;
use helios_contract::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};
use tokio::time::Instant;

/// Arguments of `helios bench ingest`.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Events in each run
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// Runs of each measurement; the median is reported
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Events in each HTTP request
    #[arg(long, default_value_t = 1_000)]
    batch: u64,
    /// HTTP connections
    #[arg(long, default_value_t = 4)]
    connections: u64,
    /// Directory for the temporary data, to measure a certain disk
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Measures bulk load and HTTP.
///
/// # Errors
/// What the server said, or a count that is not what was sent.
pub fn run(args: &IngestArgs) -> Result<Vec<Figure>> {
    let (mut bulk, mut http) = (Vec::new(), Vec::new());
    let mut bytes_each = 0.0;
    for _ in 0..args.runs.max(1) {
        let file = write_file(args)?;
        let size = file.as_file().metadata().map_err(|e| Error::unavailable("cannot read the file's size").because(e))?.len();
        bytes_each = size as f64 / args.events as f64;
        bulk.push(measure(args, |place| load(place, file.path()))?);
        http.push(measure(args, |place| push_all(place, args))?);
    }
    let note = |runs: &[f64]| {
        let (low, high) = (runs.iter().copied().fold(f64::INFINITY, f64::min), runs.iter().copied().fold(0.0, f64::max));
        format!("median of {}, {} to {}; {bytes_each:.0} bytes an event", runs.len(), super::number(low), super::number(high))
    };
    let http_name = format!("http, {} events a request, {} connections", args.batch, args.connections);
    Ok(vec![
        Figure::new("bulk load of a file", median(bulk.clone()), "events/s", note(&bulk)),
        Figure::new(http_name, median(http.clone()), "events/s", note(&http)),
    ])
}

/// Runs `work` against a fresh server, and counts what it holds afterwards.
fn measure(args: &IngestArgs, work: impl FnOnce(&Place) -> Result<()>) -> Result<f64> {
    let place = Place::start(args.dir.as_deref())?;
    place.sql(CREATE)?;
    let started = Instant::now();
    work(&place)?;
    let elapsed = started.elapsed();
    let counted = place.sql("SELECT count(*) FROM shop")?;
    place.stop()?;
    if counted != args.events as f64 {
        return Err(Error::internal(format!("{} events were sent, {counted} are stored", args.events)));
    }
    Ok(args.events as f64 / elapsed.as_secs_f64())
}

fn write_file(args: &IngestArgs) -> Result<tempfile::NamedTempFile> {
    let failed = |e: std::io::Error| Error::unavailable("cannot write the file to load").because(e);
    let file = match &args.dir {
        Some(dir) => tempfile::NamedTempFile::new_in(dir),
        None => tempfile::NamedTempFile::new(),
    };
    let mut file = file.map_err(failed)?;
    let (mut shop, mut buffer) = (Shop::new(1), Vec::new());
    for i in 0..args.events {
        shop.write(&mut buffer, event_time(i), i);
        if buffer.len() > 1 << 20 {
            file.write_all(&buffer).map_err(failed)?;
            buffer.clear();
        }
    }
    file.write_all(&buffer).map_err(failed)?;
    Ok(file)
}

/// Ten events a millisecond, from 2026-01-01 on.
fn event_time(i: u64) -> i64 {
    1_767_225_600_000 + (i / 10) as i64
}

fn load(place: &Place, file: &Path) -> Result<()> {
    load::load(&LoadArgs::new(file, "shop", &place.url)).map(|_| ())
}

fn push_all(place: &Place, args: &IngestArgs) -> Result<()> {
    let per_connection = args.events / args.connections.max(1);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..args.connections.max(1))
            .map(|n| {
                // The last connection takes what the division left over.
                let last = n + 1 == args.connections.max(1);
                let count = if last { args.events - per_connection * n } else { per_connection };
                scope.spawn(move || push_some(&place.url, n, count, args.batch))
            })
            .collect();
        clients.into_iter().try_for_each(|client| client.join().map_err(|_| Error::internal("a client panicked"))?)
    })
}

fn push_some(url: &str, seed: u64, count: u64, batch: u64) -> Result<()> {
    let (agent, mut shop, mut body) = (place::agent(), Shop::new(seed), Vec::new());
    let mut sent = 0;
    while sent < count {
        body.clear();
        let n = batch.min(count - sent);
        (0..n).for_each(|i| shop.write(&mut body, event_time(sent + i), sent + i));
        place::push(&agent, url, &body)?;
        sent += n;
    }
    Ok(())
}
