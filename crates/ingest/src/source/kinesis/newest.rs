//! The newest records of a stream, for those who want to see some before they read all.

use super::api::{Api, From, Page, Shard};
use super::place::Place;
use super::shard::Reading;
use futures::stream::{FuturesUnordered, StreamExt};
use helios_contract::probe::SampleRecord;
use helios_contract::{Result, Timestamp};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// Shards that are looked at, open ones first, and how many at a time.
const SHARDS_MAX: usize = 20;
/// How far back is looked before everything is read; a shard cannot be read backwards.
const BACK: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(3_600)];
const READ_PAUSE: Duration = Duration::from_millis(250);
const RECORDS_A_READ: usize = 1_000;

/// The newest records, newest first, at most `n_max` of each shard.
///
/// # Errors
/// What keeps the stream from being read.
pub(super) async fn newest(api: &dyn Api, n_max: usize, now: Timestamp, limit: Duration) -> Result<Vec<SampleRecord>> {
    let mut shards = api.shards().await.map_err(|refusal| refusal.error)?;
    shards.sort_by_key(|shard| shard.is_closed);
    let deadline = Instant::now() + limit;
    let looked = shards.iter().take(SHARDS_MAX).map(|shard| of_shard(api, shard, n_max, now, deadline));
    let mut looking: FuturesUnordered<_> = looked.collect();
    let mut records = Vec::new();
    while let Some(found) = looking.next().await {
        records.extend(found?);
    }
    records.sort_by(|a: &SampleRecord, b| (b.time, &b.position).cmp(&(a.time, &a.position)));
    Ok(records)
}

async fn of_shard(api: &dyn Api, shard: &Shard, n_max: usize, now: Timestamp, deadline: Instant) -> Result<Vec<SampleRecord>> {
    let back = |by: Duration| From::Time(Timestamp(now.0 - i64::try_from(by.as_micros()).unwrap_or(i64::MAX)));
    for from in BACK.map(back).into_iter().chain([From::Earliest]) {
        let mut found = Vec::new();
        // What was found until then is better than nothing.
        let looked = timeout_at(deadline, read(api, shard, &from, n_max, &mut found)).await;
        match looked {
            Ok(Err(error)) => return Err(error),
            Ok(Ok(())) if found.is_empty() => {}
            Ok(Ok(())) | Err(_) => return Ok(found),
        }
    }
    Ok(Vec::new())
}

async fn read(api: &dyn Api, shard: &Shard, from: &From, n_max: usize, found: &mut Vec<SampleRecord>) -> Result<()> {
    // A moment that the service's clock has not reached yet is no trouble here.
    let mut token = match api.iterator(&shard.id, from).await {
        Ok(token) => Some(token),
        Err(_) if *from != From::Earliest => return Ok(()),
        Err(refusal) => return Err(refusal.error),
    };
    let mut reading = Reading::new(shard.clone(), Place::Earliest, true, String::new(), usize::MAX);
    while let Some(next) = token.take() {
        let page: Page = api.records(&next, RECORDS_A_READ).await.map_err(|refusal| refusal.error)?;
        let is_over = page.behind.is_zero();
        token = page.next.clone().filter(|_| !is_over);
        let records = reading.take(page)?.map(|chunk| chunk.records).unwrap_or_default();
        found.extend(records.into_iter().map(|record| SampleRecord {
            partition: shard.id.clone(),
            position: record.position.to_string(),
            time: Some(record.time),
            key: record.key,
            headers: record.headers,
            payload: record.payload,
        }));
        found.drain(..found.len().saturating_sub(n_max));
        if token.is_some() {
            sleep(READ_PAUSE).await;
        }
    }
    Ok(())
}

/// The one record that came last.
///
/// # Errors
/// `Unavailable` and the like: what keeps the stream from being read.
pub(super) async fn last(api: &dyn Api, now: Timestamp, limit: Duration) -> Result<Option<SampleRecord>> {
    Ok(newest(api, 1, now, limit).await?.into_iter().next())
}
