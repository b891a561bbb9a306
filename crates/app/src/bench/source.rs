//! Events per second read from a source that is there already, until all of it is durable and visible.

use super::Figure;
use super::place::Place;
use super::shop::COLUMNS;
use clap::Args;
use helios_contract::Result;
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
    /// Columns of the stream, as in CREATE STREAM
    #[arg(long, value_name = "SQL", default_value = COLUMNS)]
    columns: String,
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
    /// Columns of the stream, as in CREATE STREAM
    #[arg(long, value_name = "SQL", default_value = COLUMNS)]
    columns: String,
}

/// Measures how fast an existing topic is read to its end.
///
/// # Errors
/// What the server said.
pub fn run_kafka(args: &KafkaArgs) -> Result<Vec<Figure>> {
    let source = format!("FROM KAFKA (brokers = '{}', topic = '{}')", args.brokers, args.topic);
    run("kafka", &format!("CREATE STREAM shop {} {source}", args.columns), args.events)
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
    let create = format!("CREATE STREAM shop {} FROM KINESIS ({options})", args.columns);
    run(&format!("kinesis, {}", args.mode), &create, args.events)
}

fn run(name: &str, create: &str, n_events: u64) -> Result<Vec<Figure>> {
    let place = Place::start(None)?;
    let started = Instant::now();
    place.sql(create)?;
    place.until("SELECT CAST(coalesce(sum(n_received), 0) AS BIGINT) FROM system.streams", n_events as f64)?;
    let rate = n_events as f64 / started.elapsed().as_secs_f64();
    Ok(vec![Figure::new(name, rate, "events/s", format!("{n_events} records, one run")), Figure::memory(&place)?])
}
