//! Six questions a dashboard asks, over shop events that were loaded and compacted before.

use super::place::{self, Place};
use super::shop::{CREATE, START_MS, Shop};
use super::{Figure, median};
use clap::Args;
use helios_contract::Result;
use std::path::PathBuf;
use tokio::time::Instant;

/// Arguments of `helios bench query`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// Events to ask about
    #[arg(long, default_value_t = 5_000_000)]
    events: u64,
    /// Runs of each question; the median is reported
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Directory for the temporary data, to measure a certain disk
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What a dashboard of six panels asks.
pub const QUESTIONS: [(&str, &str); 6] = [
    ("count by action", "SELECT action_type, count(*) FROM shop GROUP BY action_type"),
    (
        "revenue by category",
        "SELECT category, sum(price * quantity) AS revenue FROM shop WHERE action_type = 'purchase' GROUP BY category ORDER BY revenue DESC",
    ),
    (
        "top products",
        "SELECT product_id, count(*) AS n FROM shop WHERE action_type = 'view' GROUP BY product_id ORDER BY n DESC LIMIT 10",
    ),
    ("users by region", "SELECT region, approx_distinct(user_id) FROM shop GROUP BY region"),
    (
        "events by minute",
        "SELECT date_bin(INTERVAL '1 minute', timestamp) AS minute, count(*) FROM shop GROUP BY minute ORDER BY minute DESC LIMIT 60",
    ),
    (
        "funnel by device",
        "SELECT device_type, window_funnel(INTERVAL '1 hour', timestamp, action_type = 'view', action_type = 'add_to_cart', action_type = 'purchase') FROM shop WHERE user_id < 1000 GROUP BY device_type",
    ),
];

/// Measures the six questions.
///
/// # Errors
/// What the server said.
pub fn run(args: &QueryArgs) -> Result<Vec<Figure>> {
    let place = Place::start(args.dir.as_deref())?;
    place.sql(CREATE)?;
    fill(&place, args.events)?;
    let mut figures = Vec::new();
    for (name, sql) in QUESTIONS {
        let mut times = Vec::new();
        for _ in 0..args.runs.max(1) {
            let started = Instant::now();
            place.sql(sql)?;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        figures.push(Figure::new(name, median(times), "ms", format!("median of {}, {} events", args.runs.max(1), args.events)));
    }
    figures.push(Figure::memory(&place)?);
    Ok(figures)
}

/// Pushes events that are a millisecond apart.
///
/// # Errors
/// What the server said.
pub fn fill(place: &Place, n_events: u64) -> Result<()> {
    let (agent, mut shop, mut body) = (place::agent(), Shop::new(7), Vec::new());
    for i in 0..n_events {
        shop.write(&mut body, START_MS + i as i64, i);
        if body.len() > 8 << 20 {
            place::push(&agent, &place.url, "shop", &body)?;
            body.clear();
        }
    }
    if body.is_empty() { Ok(()) } else { place::push(&agent, &place.url, "shop", &body) }
}
