//! `/metrics` in Prometheus' text format: what the parts counted, this server's requests, and the process.

use crate::Site;
use crate::failure::Failure;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use helios_contract::Error;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};
use std::fmt::Write;
use std::fs;
use std::sync::Arc;
use tokio::time::Instant;

/// Linux counts processor time in hundredths of a second, whatever the machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// What is measured of requests.
#[derive(Clone)]
pub(crate) struct Meters {
    n_requests: IntCounterVec,
    seconds: HistogramVec,
}

impl Meters {
    pub(crate) fn register(registry: &Registry) -> Meters {
        let n_requests = Opts::new("helios_http_requests_total", "HTTP requests answered, by route and status.");
        let n_requests = IntCounterVec::new(n_requests, &["method", "route", "status"]).expect("the metric is well formed");
        let seconds = HistogramOpts::new("helios_http_request_seconds", "Time until the head of the response, by route.");
        let seconds = HistogramVec::new(seconds, &["method", "route"]).expect("the metric is well formed");
        registry.register(Box::new(n_requests.clone())).expect("one router has one registry");
        registry.register(Box::new(seconds.clone())).expect("one router has one registry");
        Meters { n_requests, seconds }
    }
}

/// Counts a request of a route and how long it took.
pub(crate) async fn measure(meters: Meters, method: &'static str, route: &'static str, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let response = next.run(request).await;
    meters.n_requests.with_label_values(&[method, route, response.status().as_str()]).inc();
    meters.seconds.with_label_values(&[method, route]).observe(begun.elapsed().as_secs_f64());
    response
}

/// `GET /metrics`
pub(crate) async fn metrics(State(site): State<Arc<Site>>) -> Result<Response, Failure> {
    let gathered = TextEncoder::new().encode_to_string(&site.parts.metrics.gather());
    let mut text = gathered.map_err(|error| Error::internal("cannot write the metrics").because(error))?;
    text.push_str(&process(site.started_at.0 as f64 / 1e6));
    Ok(([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

/// The process, under the names every Prometheus client uses; on other systems than Linux only its start.
fn process(started_s: f64) -> String {
    let figures = [
        ("process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", Some(started_s)),
        ("process_resident_memory_bytes", "gauge", "Memory in use.", resident_bytes()),
        ("process_cpu_seconds_total", "counter", "Processor time used.", cpu_seconds()),
    ];
    let mut text = String::new();
    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}")
                .expect("writing to memory does not fail");
        }
    }
    text
}

pub(crate) fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib: f64 = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in parentheses; user and system time are the 14th and 15th.
    let after_name = stat.rsplit_once(')')?.1;
    let ticks: Vec<f64> = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_PER_SECOND)
}
