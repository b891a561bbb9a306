//! `helios load`: puts a file into a stream, exactly once however often it is repeated.
//!
//! The file's content names a partition of its own, and every push says from where to where in the file it leads. The server
//! commits that move together with the rows and refuses any push that does not continue from where it stands. So a load that
//! was interrupted goes on, one that is repeated changes nothing, and two at a time take turns.

mod chunk;
mod columnar;
mod cut;
mod open;
mod send;

use crate::client::load::chunk::Chunk;
use crate::client::load::open::Source;
use crate::client::load::send::{Loaded, Sender};
use crate::client::output::thousands;
use crate::client::{Address, Client};
use clap::{Args, ValueEnum};
use helios_contract::{Error, Result, StreamName};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::VecDeque;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread::{self, ScopedJoinHandle};
use tokio::time::Instant;

/// Chunks prepared ahead of the one being sent.
const CHUNKS_AHEAD: usize = 2;
/// Chunks on their way at once: while some are being committed, the next are decoded or on the wire. With two the server's cores
/// wait for each other.
const ON_THEIR_WAY_MAX: usize = 8;

/// Arguments of `helios load`.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// File to load; may be compressed with gzip or zstd
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Stream to load it into
    #[arg(long, value_name = "STREAM")]
    into: String,
    /// What the file holds
    #[arg(long, value_name = "FORMAT", default_value = "auto")]
    format: FileFormat,
    #[command(flatten)]
    address: Address,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// Told by name and content
    Auto,
    /// One JSON object a line
    Ndjson,
    /// An array of objects, or objects one after the other
    Json,
    /// A header line, then one line a record
    Csv,
    /// A Parquet file
    Parquet,
}

impl LoadArgs {
    /// Loads `file` into `stream` of the server at `url`.
    pub fn new(file: &Path, stream: &str, url: &str) -> LoadArgs {
        LoadArgs {
            file: file.to_owned(),
            into: stream.to_owned(),
            format: FileFormat::Auto,
            address: Address { url: url.to_owned(), token: None },
        }
    }
}

/// Loads what of the file is not loaded yet, and says so.
///
/// # Errors
/// As [`load`].
pub fn run(args: LoadArgs) -> Result<()> {
    let begun = Instant::now();
    let loaded = load(&args)?;
    report(&loaded, begun.elapsed().as_secs_f64());
    Ok(())
}

/// Loads what of the file is not loaded yet.
///
/// # Errors
/// `NotFound` for file or stream, `Invalid` for a file that cannot be read, `Unavailable` when the server stays away.
pub(crate) fn load(args: &LoadArgs) -> Result<Loaded> {
    let stream = StreamName::new(args.into.as_str())?;
    let client = Client::new(&args.address);
    let progress = progress();
    progress.set_message("reading");
    let source = Source::open(&args.file, args.format, &progress)?;
    let sender = Sender::new(client, stream, &source, progress.clone());
    progress.set_message("loading");
    loop {
        let from = sender.stands_at()?;
        progress.set_position(0);
        if pass(&source, from, &sender, &progress)? == Pass::Ended {
            break;
        }
    }
    progress.finish_and_clear();
    Ok(sender.loaded())
}

/// How a pass over the file ended.
#[derive(Debug, PartialEq, Eq)]
enum Pass {
    /// At the end of the file.
    Ended,
    /// The server stands elsewhere than was thought: look again where.
    Overtaken,
}

/// Sends everything after `from`, while another thread reads on.
fn pass(source: &Source, from: Option<u64>, sender: &Sender, progress: &ProgressBar) -> Result<Pass> {
    let (prepared, chunks) = sync_channel::<Result<Chunk>>(CHUNKS_AHEAD);
    let compress = sender.compresses();
    thread::scope(|scope| {
        scope.spawn(move || {
            let chunks: Box<dyn Iterator<Item = Result<Chunk>>> = match source.chunks(from.unwrap_or(0), progress) {
                Ok(chunks) => chunks,
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            for chunk in chunks {
                let chunk = if compress { chunk.and_then(Chunk::compressed) } else { chunk };
                // The sender hangs up when it is overtaken or gives up.
                if prepared.send(chunk).is_err() {
                    return;
                }
            }
        });
        send_all(chunks, from, sender)
    })
}

/// A chunk follows as soon as the one before it is on the wire; should it be through first, the server lets it wait. One whose
/// predecessor was not taken is refused, and the load looks again where the server stands.
fn send_all(chunks: Receiver<Result<Chunk>>, mut from: Option<u64>, sender: &Sender) -> Result<Pass> {
    thread::scope(|scope| {
        let mut on_their_way = VecDeque::new();
        for chunk in chunks {
            let chunk = chunk?;
            if on_their_way.len() == ON_THEIR_WAY_MAX && !arrived(on_their_way.pop_front())? {
                return Ok(Pass::Overtaken);
            }
            let (start, next) = (from, Some(chunk.to));
            let (handed_over, on_the_wire) = channel();
            on_their_way.push_back(scope.spawn(move || sender.send(start, &chunk, &handed_over)));
            // An error here means that the push has already ended, one way or the other.
            let _ = on_the_wire.recv();
            from = next;
        }
        while !on_their_way.is_empty() {
            if !arrived(on_their_way.pop_front())? {
                return Ok(Pass::Overtaken);
            }
        }
        Ok(Pass::Ended)
    })
}

/// Waits for a push; whether the server took it.
fn arrived(push: Option<ScopedJoinHandle<'_, Result<bool>>>) -> Result<bool> {
    push.map_or(Ok(true), |push| push.join().unwrap_or_else(|_| Err(Error::internal("a push panicked"))))
}

/// A bar for people; nothing where nobody looks.
fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}").expect("the template is well formed");
    ProgressBar::no_length().with_style(style)
}

fn report(loaded: &Loaded, seconds: f64) {
    if loaded.n_pushes == 0 {
        println!("already loaded: there was nothing left to do");
        return;
    }
    let n_records = loaded.stored + loaded.quarantined + loaded.deduplicated + loaded.filtered;
    let others = [("quarantined", loaded.quarantined), ("deduplicated", loaded.deduplicated), ("filtered", loaded.filtered)];
    let others: String = others.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!(", {what} {}", thousands(*n))).collect();
    let rate = thousands((n_records as f64 / seconds.max(1e-3)) as u64);
    println!(
        "loaded {} records: stored {}{others}, in {seconds:.1} s ({rate} records/s)",
        thousands(n_records),
        thousands(loaded.stored)
    );
    if loaded.quarantined > 0 {
        println!("why some are in quarantine: helios sql \"SELECT reason, count(*) FROM system.quarantine GROUP BY reason\"");
    }
}

/// The error of a file that cannot be read as what it should be.
fn unreadable(file: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::invalid(format!("cannot read {}", file.display())).because(error)
}
