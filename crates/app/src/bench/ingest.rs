//! Events per second, durable: what the server has acknowledged, over the time from the first byte to the last answer.

use super::place::{self, Place};
use super::shop::{CREATE, START_MS, Shop};
use super::{Figure, median};
use crate::client::load::{self, LoadArgs};
use clap::Args;
use helios_contract::{Error, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Arguments of `helios bench ingest`.
#[derive(Debug, Args)]
pub struct IngestArgs {
    /// Events in each bulk load of made-up events
    #[arg(long, default_value_t = 2_000_000)]
    events: u64,
    /// Runs of each measurement; the median is reported
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Events in each HTTP request, several with commas
    #[arg(long, value_delimiter = ',', default_value = "1,100,1000,10000")]
    batch: Vec<u64>,
    /// HTTP connections, several with commas
    #[arg(long, value_delimiter = ',', default_value = "1,16")]
    connections: Vec<u64>,
    /// How long each measurement over HTTP sends
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Your own events instead of made-up ones, one JSON object a line
    #[arg(long, value_name = "FILE", requires = "create")]
    file: Option<PathBuf>,
    /// The statement that creates the stream for them; it must be called `shop`
    #[arg(long, value_name = "SQL", requires = "file")]
    create: Option<String>,
    /// Leave the bulk load out
    #[arg(long)]
    http_only: bool,
    /// Directory for the temporary data, to measure a certain disk
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Where the events are, and how many.
struct Events {
    path: PathBuf,
    n: u64,
    bytes_each: f64,
    create: String,
    _made_up: Option<tempfile::NamedTempFile>,
}

/// Measures bulk load and HTTP.
///
/// # Errors
/// What the server said, or a count that is not what was sent.
pub fn run(args: &IngestArgs) -> Result<Vec<Figure>> {
    let events = events(args)?;
    let (mut figures, mut memory) = (Vec::new(), 0.0_f64);
    let mut measured = |name: String, work: &dyn Fn(&Place) -> Result<u64>| -> Result<()> {
        let mut rates = Vec::new();
        for _ in 0..args.runs.max(1) {
            let (rate, mib) = measure(args, &events.create, work)?;
            rates.push(rate);
            memory = memory.max(mib);
        }
        let (low, high) = (rates.iter().copied().fold(f64::INFINITY, f64::min), rates.iter().copied().fold(0.0, f64::max));
        let (low, high) = (super::number(low), super::number(high));
        let note = format!("median of {}, {low} to {high}; {:.0} bytes an event", rates.len(), events.bytes_each);
        figures.push(Figure::new(name, median(rates), "events/s", note));
        Ok(())
    };
    if !args.http_only {
        measured("bulk load of a file".to_owned(), &|place| load(place, &events))?;
    }
    for connections in &args.connections {
        for batch in &args.batch {
            let name = format!("http, {batch} events a request, {connections} connections");
            measured(name, &|place| push_all(place, &events, *batch, *connections, args.seconds))?;
        }
    }
    figures.push(Figure::new("peak resident memory", memory, "MiB", "the server alone, in any of these"));
    Ok(figures)
}

/// Runs `work` against a fresh server and counts what it holds afterwards: events per second, and the most memory it held.
fn measure(args: &IngestArgs, create: &str, work: impl Fn(&Place) -> Result<u64>) -> Result<(f64, f64)> {
    let place = Place::start(args.dir.as_deref())?;
    place.sql(create)?;
    let started = Instant::now();
    let n = work(&place)?;
    let elapsed = started.elapsed();
    let counted = place.sql("SELECT count(*) FROM shop")?;
    if counted != n as f64 {
        return Err(Error::internal(format!("{n} events were sent, {counted} are stored")));
    }
    Ok((n as f64 / elapsed.as_secs_f64(), place.peak_memory_mib()?))
}

fn events(args: &IngestArgs) -> Result<Events> {
    let failed = |e: std::io::Error| Error::unavailable("cannot read the events").because(e);
    let (path, create, made_up) = match args.file.as_ref().zip(args.create.as_ref()) {
        Some((file, create)) => (file.clone(), create.clone(), None),
        None => {
            let file = write_file(args)?;
            (file.path().to_owned(), CREATE.to_owned(), Some(file))
        }
    };
    let n = BufReader::new(File::open(&path).map_err(failed)?).split(b'\n').count() as u64;
    let size = std::fs::metadata(&path).map_err(failed)?.len();
    Ok(Events { path, n, bytes_each: size as f64 / n as f64, create, _made_up: made_up })
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
        // Ten events a millisecond.
        shop.write(&mut buffer, START_MS + (i / 10) as i64, i);
        if buffer.len() > 1 << 20 {
            file.write_all(&buffer).map_err(failed)?;
            buffer.clear();
        }
    }
    file.write_all(&buffer).map_err(failed)?;
    Ok(file)
}

fn load(place: &Place, events: &Events) -> Result<u64> {
    load::load(&LoadArgs::new(Path::new(&events.path), "shop", &place.url))?;
    Ok(events.n)
}

/// Sends for some seconds, or until there are no more events; answers how many were sent.
fn push_all(place: &Place, events: &Events, batch: u64, connections: u64, seconds: u64) -> Result<u64> {
    let file = File::open(&events.path).map_err(|e| Error::unavailable("cannot read the events").because(e))?;
    let lines = Mutex::new(BufReader::with_capacity(1 << 20, file));
    let end = Instant::now() + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..connections.max(1)).map(|_| scope.spawn(|| push_some(&place.url, &lines, batch, end))).collect();
        let sent = clients.into_iter().map(|client| client.join().map_err(|_| Error::internal("a client panicked"))?);
        sent.sum()
    })
}

fn push_some(url: &str, lines: &Mutex<BufReader<File>>, batch: u64, end: Instant) -> Result<u64> {
    let (agent, mut body, mut sent) = (place::agent(), Vec::new(), 0);
    while Instant::now() < end {
        body.clear();
        let mut n = 0;
        {
            let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
            while n < batch {
                let read = lines.read_until(b'\n', &mut body);
                match read.map_err(|e| Error::unavailable("cannot read the events").because(e))? {
                    0 => break,
                    _ => n += 1,
                }
            }
        }
        if n == 0 {
            break;
        }
        place::push(&agent, url, "shop", &body)?;
        sent += n;
    }
    Ok(sent)
}
