//! `helios bench`: measures this build on this machine: a server process in a temporary directory, with fsync on.
//!
//! Server and clients share the machine's cores, so the figures say what one small machine does all by itself.

mod freshness;
mod growth;
mod ingest;
mod place;
mod query;
mod shop;
mod source;
mod viewers;

use crate::client::output::thousands;
use clap::{Args, Subcommand};
use helios_contract::{Error, Result};
use place::Place;
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `helios bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    command: Command,
    /// Write the figures as JSON, too
    #[arg(long, value_name = "FILE", global = true)]
    json: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Events per second, durable: bulk load of a file, and HTTP
    Ingest(ingest::IngestArgs),
    /// Time from an event's scheduled sending until a query sees it, open loop
    Freshness(freshness::FreshnessArgs),
    /// Six dashboard questions over shop events
    Query(query::QueryArgs),
    /// What a hundred viewers of one dashboard cost, beside what one costs
    Viewers(viewers::ViewersArgs),
    /// How cost grows with streams, columns, files and rows
    Growth(growth::GrowthArgs),
    /// Events per second read from an existing Kafka topic
    Kafka(source::KafkaArgs),
    /// Events per second read from an existing Kinesis stream
    Kinesis(source::KinesisArgs),
}

/// One line of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// The value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What it was measured on, or how it spread.
    pub note: String,
}

impl Figure {
    fn new(name: impl Into<String>, value: f64, unit: &'static str, note: impl Into<String>) -> Figure {
        Figure { name: name.into(), value, unit, note: note.into() }
    }

    /// The most memory the server has held.
    fn memory(place: &Place) -> Result<Figure> {
        Ok(Figure::new("peak resident memory", place.peak_memory_mib()?, "MiB", "the server alone"))
    }
}

/// Runs `helios bench`.
///
/// # Errors
/// Whatever kept a measurement from being taken; half a measurement is not reported.
pub fn run(args: BenchArgs) -> Result<()> {
    let figures = match args.command {
        Command::Ingest(args) => ingest::run(&args)?,
        Command::Freshness(args) => freshness::run(&args)?,
        Command::Query(args) => query::run(&args)?,
        Command::Viewers(args) => viewers::run(&args)?,
        Command::Growth(args) => growth::run(&args)?,
        Command::Kafka(args) => source::run_kafka(&args)?,
        Command::Kinesis(args) => source::run_kinesis(&args)?,
    };
    print(&figures);
    if let Some(path) = args.json {
        let text =
            serde_json::to_string_pretty(&figures).map_err(|e| Error::internal("cannot write figures as JSON").because(e))?;
        std::fs::write(&path, text).map_err(|e| Error::unavailable(format!("cannot write {}", path.display())).because(e))?;
    }
    Ok(())
}

fn print(figures: &[Figure]) {
    let width = figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
    for Figure { name, value, unit, note } in figures {
        println!("{name:width$}  {:>12} {unit:9}  {note}", number(*value));
    }
}

/// Three figures that count, with thousands separated.
fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.2}");
    }
    thousands(value.round() as u64)
}

/// The middle of several measurements.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
