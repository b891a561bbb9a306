//! `/metrics` in Prometheus' text format: what the parts counted, this server's requests, and the process.

use crate::Site;
use crate::failure::Failure;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use helios_contract::{Error, Timestamp};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};
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
    pub(crate) fn register(registry: &Registry, started_at: Timestamp) -> Meters {
        let n_requests = Opts::new("helios_http_requests_total", "HTTP requests answered, by route and status.");
        let n_requests = IntCounterVec::new(n_requests, &["method", "route", "status"]).expect("the metric is well formed");
        let seconds = HistogramOpts::new("helios_http_request_seconds", "Time until the head of the response, by route.");
        let seconds = HistogramVec::new(seconds, &["method", "route"]).expect("the metric is well formed");
        registry.register(Box::new(n_requests.clone())).expect("one router has one registry");
        registry.register(Box::new(seconds.clone())).expect("one router has one registry");
        registry.register(Box::new(Process::new(started_at))).expect("one router has one registry");
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
    let text = gathered.map_err(|error| Error::internal("cannot write the metrics").because(error))?;
    Ok(([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}

/// The process, under the names every Prometheus client uses; on other systems than Linux only its start. It is looked at
/// when the metrics are gathered, so that `system.metrics` has it, too.
struct Process {
    start: Gauge,
    memory: Gauge,
    cpu: Counter,
}

impl Process {
    fn new(started_at: Timestamp) -> Process {
        let gauge = |name, help| Gauge::new(name, help).expect("the metric is well formed");
        let start = gauge("process_start_time_seconds", "When the process started, in seconds since 1970.");
        start.set(started_at.0 as f64 / 1e6);
        let cpu = Counter::new("process_cpu_seconds_total", "Processor time used.").expect("the metric is well formed");
        Process { start, memory: gauge("process_resident_memory_bytes", "Memory in use."), cpu }
    }
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        [self.start.desc(), self.memory.desc(), self.cpu.desc()].concat()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.start.collect();
        if let Some(bytes) = resident_bytes() {
            self.memory.set(bytes);
            families.extend(self.memory.collect());
        }
        if let Some(seconds) = cpu_seconds() {
            // Two who gather at once may both add; those after them add nothing until the time has caught up.
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
            families.extend(self.cpu.collect());
        }
        families
    }
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
