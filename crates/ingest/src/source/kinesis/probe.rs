//! Kinesis looked at from outside: named checks, its streams, its newest records.

use super::api::Api;
use super::client::Kinesis;
use super::newest;
use super::settings::Settings;
use crate::Parts;
use crate::probe::{decodes, passed, skipped};
use crate::report::cause_of;
use crate::source::checks::{self, Checks, Failed, STEP_WITHIN, host_and_port};
use futures::StreamExt;
use futures::stream::BoxStream;
use helios_contract::probe::{Check, SampleRecord, Topic};
use helios_contract::stream::StreamDefinition;
use helios_contract::{Error, Result};
use std::time::Duration;
use tokio::time::Instant;

/// Streams whose shards are counted, and how many at a time.
const COUNTED_MAX: usize = 50;
const COUNTS_AT_ONCE: usize = 8;
const STREAMS_MAX: usize = 1_000;

/// Tries every step on the way to a row; see `Probe::test`.
pub(crate) fn test(definition: StreamDefinition, parts: Parts) -> BoxStream<'static, Check> {
    checks::run(|mut checks| async move {
        let ended = run(&mut checks, definition, &parts).await;
        (checks, ended)
    })
}

async fn run(checks: &mut Checks, definition: StreamDefinition, parts: &Parts) -> Result<(), Failed> {
    let settings = match Settings::with_or_without_stream(&definition, &*parts.secrets) {
        Ok(settings) => settings,
        Err(error) => return Err(checks.fail("dns", None, &error).await),
    };
    let began = Instant::now();
    // Credentials are found before anything is sent; what is wrong with them is told in its place.
    let connected = Kinesis::connect(&settings).await;
    let found_in = began.elapsed();
    if let Some((has_tls, host, port)) = address(&settings, connected.as_ref().ok()) {
        let hint =
            "Check the options region and endpoint for typing mistakes, and that this machine's name service knows the host.";
        let addresses = checks.dns(&[(host.as_str(), port)], hint).await?;
        checks.tcp(&addresses, "Check the options region and endpoint, and that no firewall stands between.").await?;
        checks.tell(tls(has_tls)).await;
    } else {
        let error = connected.err().unwrap_or_else(|| Error::invalid("no region is known"));
        return Err(checks.fail("dns", None, &error).await);
    }
    let api = match connected {
        Ok(api) => api,
        Err(error) => return Err(checks.fail("login", Some(found_in), &error).await),
    };
    if settings.stream.is_none() {
        return streams_can_be_listed(checks, &api, found_in).await;
    }
    shards_can_be_listed(checks, &api, found_in).await?;
    let began = Instant::now();
    match newest::last(&api, parts.clock.now(), STEP_WITHIN).await {
        Ok(newest) => {
            let message = match &newest {
                Some(record) => format!("read position {} of {}", record.position, record.partition),
                None => "the stream can be read; it holds no record yet".to_owned(),
            };
            checks.tell(passed("read", Some(began.elapsed()), message)).await;
            if let Some(record) = newest {
                checks.tell(decodes(definition, record, parts).await).await;
            }
            Ok(())
        }
        Err(error) => Err(checks.fail("read", Some(began.elapsed()), &error).await),
    }
}

/// Whether the service speaks TLS, and its host and port.
fn address(settings: &Settings, api: Option<&Kinesis>) -> Option<(bool, String, u16)> {
    let region = api.and_then(|api| api.client.config().region().map(ToString::to_string));
    let region = region.or_else(|| settings.region.clone());
    let endpoint = match (&settings.endpoint, region) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, Some(region)) if region.starts_with("cn-") => format!("https://kinesis.{region}.amazonaws.com.cn"),
        (None, Some(region)) => format!("https://kinesis.{region}.amazonaws.com"),
        (None, None) => return None,
    };
    let (has_tls, port) = if endpoint.starts_with("https://") { (true, 443) } else { (false, 80) };
    let (host, port) = host_and_port(&endpoint, port);
    Some((has_tls, host.to_owned(), port))
}

fn tls(has_tls: bool) -> Check {
    match has_tls {
        true => {
            passed("tls", None, "the SDK speaks TLS; the next check would say so if the certificate were not trusted".to_owned())
        }
        false => skipped("tls", "the option endpoint asks for none"),
    }
}

async fn shards_can_be_listed(checks: &mut Checks, api: &Kinesis, found_in: Duration) -> Result<(), Failed> {
    let began = Instant::now();
    match api.shards().await {
        Ok(shards) => {
            checks.tell(passed("login", Some(found_in), "the service accepts the credentials".to_owned())).await;
            let n_open = shards.iter().filter(|shard| !shard.is_closed).count();
            let message = format!("the stream has {n_open} open shards and {} closed ones", shards.len() - n_open);
            checks.tell(passed("metadata", Some(began.elapsed()), message)).await;
            Ok(())
        }
        Err(refusal) => Err(explain(checks, &refusal.error, found_in, began.elapsed()).await),
    }
}

async fn streams_can_be_listed(checks: &mut Checks, api: &Kinesis, found_in: Duration) -> Result<(), Failed> {
    let began = Instant::now();
    match api.streams(STREAMS_MAX).await {
        Ok(streams) => {
            checks.tell(passed("login", Some(found_in), "the service accepts the credentials".to_owned())).await;
            let message = format!("the account has {} streams here", streams.len());
            checks.tell(passed("metadata", Some(began.elapsed()), message)).await;
            Ok(())
        }
        Err(refusal) => Err(explain(checks, &refusal.error, found_in, began.elapsed()).await),
    }
}

async fn explain(checks: &mut Checks, error: &Error, found_in: Duration, took: Duration) -> Failed {
    if matches!(cause_of(error), "credentials_refused" | "credentials_expired" | "region_wrong") {
        return checks.fail("login", Some(took), error).await;
    }
    // Whoever is told that a stream is missing, or a right, was known.
    if cause_of(error) != "endpoint_unreachable" {
        checks.tell(passed("login", Some(found_in), "the service accepts the credentials".to_owned())).await;
        return checks.fail("metadata", Some(took), error).await;
    }
    checks.fail("login", Some(took), error).await
}

/// The streams of the account in the region; see `Probe::topics`.
pub(crate) async fn topics(definition: StreamDefinition, parts: &Parts) -> Result<Vec<Topic>> {
    let settings = Settings::with_or_without_stream(&definition, &*parts.secrets)?;
    let api = Kinesis::connect(&settings).await?;
    let names = api.streams(STREAMS_MAX).await.map_err(|refusal| refusal.error)?;
    let is_counted = names.len() <= COUNTED_MAX;
    let topic = |name: String| {
        let api = &api;
        async move {
            // A stream that we may not describe is listed all the same.
            let n_partitions = if is_counted { api.n_open_shards(&name).await.unwrap_or(0) } else { 0 };
            Topic { name, n_partitions, n_records: None }
        }
    };
    Ok(futures::stream::iter(names.into_iter().map(topic)).buffered(COUNTS_AT_ONCE).collect().await)
}

/// The newest records of a stream; see `Probe::sample`.
pub(crate) async fn sample(
    definition: StreamDefinition,
    parts: &Parts,
    n_max: usize,
    limit: Duration,
) -> Result<Vec<SampleRecord>> {
    let settings = Settings::with_or_without_stream(&definition, &*parts.secrets)?;
    if settings.stream.is_none() {
        return Err(Error::invalid("a sample needs the option stream").hint("Choose one of the streams first."));
    }
    let api = Kinesis::connect(&settings).await?;
    let mut records = newest::newest(&api, n_max, parts.clock.now(), limit).await?;
    records.truncate(n_max);
    Ok(records)
}
