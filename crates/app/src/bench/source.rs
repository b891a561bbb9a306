//! Events per second read from a source that is there already, until all of it is durable and visible.

use super::Figure;
use super::place::{self, Place};
use super::shop::CREATE;
use clap::Args;
use helios_contract::Result;
use std::time::Duration;
use tokio::time::Instant;

/// Arguments of `helios bench kafka`.
#[derive(Debug, Args)]
pub struct KafkaArgs {
    /// Brokers, as HOST:PORT,HOST:PORT
    #[arg(long)]
    brokers: String,
    /// A topic that holds JSON records
    #[arg(long)]
    topic: String,
    /// Records the topic holds
    #[arg(long)]
    events: u64,
}

/// Arguments of `helios bench kinesis`.
#[derive(Debug, Args)]
pub struct KinesisArgs {
    /// A stream that holds JSON records
    #[arg(long)]
    stream: String,
    /// Its region
    #[arg(long)]
    region: Option<String>,
    /// Another address of the service, for an emulator
    #[arg(long)]
    endpoint: Option<String>,
    /// `poll` or `fan_out`
    #[arg(long, default_value = "poll")]
    mode: String,
    /// Records the stream holds
    #[arg(long)]
    events: u64,
}

/// Measures how fast an existing topic is read to its end.
///
/// # Errors
/// What the server said.
pub fn run_kafka(args: &KafkaArgs) -> Result<Vec<Figure>> {
    run("kafka", &format!("FROM KAFKA (brokers = '{}', topic = '{}')", args.brokers, args.topic), args.events)
}

/// Measures how fast an existing stream is read to its end.
///
/// # Errors
/// What the server said.
pub fn run_kinesis(args: &KinesisArgs) -> Result<Vec<Figure>> {
    let mut options = format!("stream = '{}', mode = '{}'", args.stream, args.mode);
    for (name, value) in [("region", &args.region), ("endpoint", &args.endpoint)] {
        options.extend(value.iter().map(|value| format!(", {name} = '{value}'")));
    }
    run(&format!("kinesis, {}", args.mode), &format!("FROM KINESIS ({options})"), args.events)
}

fn run(name: &str, source: &str, n_events: u64) -> Result<Vec<Figure>> {
    let place = Place::start(None)?;
    let started = Instant::now();
    place.sql(&CREATE.replace("FROM HTTP", source))?;
    let (runtime, every) = (place::timer()?, Duration::from_millis(20));
    while place.sql("SELECT coalesce(sum(n_received), 0) FROM system.streams")? < n_events as f64 {
        runtime.block_on(async { tokio::time::sleep(every).await });
    }
    let rate = n_events as f64 / started.elapsed().as_secs_f64();
    place.stop()?;
    Ok(vec![Figure::new(name, rate, "events/s", format!("{n_events} records, one run"))])
}
