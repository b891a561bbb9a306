//! The made-up shop as a source. Its position is a tick of 100 ms: what happens in a tick depends on the seed and the tick
//! alone, so starting again continues with the next tick and never doubles an event.

mod shop;

use crate::options::Checked;
use crate::pipeline::Job;
use async_trait::async_trait;
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::record::{Chunk, Gap, Offsets, Position, Record};
use helios_contract::source::{Done, Source};
use helios_contract::stream::{PartitionBy, SourceKind, StreamDefinition, TimePart};
use helios_contract::{Clock, Error, Result, StreamName, Timestamp};
use shop::Shop;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The length of a tick.
const TICK_MICROS: i64 = 100_000;
const TICKS_A_MINUTE: i64 = 600;
const PARTITION: &str = "demo";
const CHUNK_RECORDS_MAX: f64 = 8_192.0;
/// So few ticks are made on the spot; more are made on another thread.
const TICKS_HERE_MAX: i64 = 4;

/// The demo stream as `CREATE STREAM name FROM DEMO` makes it.
pub fn definition(name: StreamName) -> StreamDefinition {
    let mut definition = StreamDefinition::new(name, SourceKind::Demo);
    definition.columns = columns();
    definition.event_time = Some("timestamp".to_owned());
    definition.lateness = Some(Duration::from_secs(60));
    definition.partition_by = Some(PartitionBy { unit: TimePart::Day, column: "timestamp".to_owned() });
    definition.order_by = vec!["user_id".to_owned(), "timestamp".to_owned()];
    definition
}

fn columns() -> Vec<Column> {
    let text = |name: &str| Column::new(name, ColumnType::Text);
    let item = vec![text("product_id"), Column::new("quantity", ColumnType::Int), Column::new("price", ColumnType::Double)];
    vec![
        Column::new("timestamp", ColumnType::Timestamp(TimeFormat::Rfc3339)),
        text("product_id"),
        Column::new("price", ColumnType::Double),
        Column::new("quantity", ColumnType::Int),
        text("user_id"),
        text("action_type"),
        text("session_id"),
        text("region"),
        text("user_type"),
        text("category"),
        text("brand"),
        text("device_type"),
        Column::new("cart", ColumnType::List(Box::new(ColumnType::Struct(item)))),
        text("discount_code"),
    ]
}

/// Opens the shop at the stored tick, or at the beginning of the back-fill where that is later.
pub(crate) fn open(job: &Job, offsets: &Offsets) -> Result<Box<dyn Source>> {
    let options = Checked::new(SourceKind::Demo, &job.stream.definition.options, &*job.parts.secrets)?;
    let rate: f64 = options.number("rate")?;
    let shop = Arc::new(Shop::new(options.number("seed")?, rate, options.number("malformed")?));
    let clock = job.parts.clock.clone();
    let begin = tick_at(clock.now()) - options.number::<i64>("backfill_minutes")? * TICKS_A_MINUTE;
    let stored = offsets.get(PARTITION).cloned();
    let at = stored.as_deref().map(str::parse::<i64>).transpose();
    let at = at.map_err(|_| Error::corrupt(format!("the stored position of partition {PARTITION} is no tick")))?;
    let closed = at.filter(|at| *at < begin).map(|at| Gap {
        first: at.to_string(),
        last: (begin - 1).to_string(),
        n_lost: None,
        reason: "the shop was closed: Helios was not running".to_owned(),
    });
    let ticks_a_chunk = ((CHUNK_RECORDS_MAX / rate) * 1e6 / TICK_MICROS as f64).clamp(1.0, 100_000.0) as i64;
    Ok(Box::new(Demo { shop, clock, stored, next: at.unwrap_or(begin).max(begin), closed, ticks_a_chunk, rate, making: None }))
}

fn tick_at(now: Timestamp) -> i64 {
    now.0.div_euclid(TICK_MICROS)
}

struct Demo {
    shop: Arc<Shop>,
    clock: Arc<dyn Clock>,
    // What the last chunk moved to.
    stored: Option<String>,
    // The first tick that is not in a chunk yet.
    next: i64,
    closed: Option<Gap>,
    ticks_a_chunk: i64,
    rate: f64,
    // Events on their way from another thread, kept here so that a dropped `next` loses nothing.
    making: Option<JoinHandle<(i64, Vec<Record>)>>,
}

impl Demo {
    fn chunk(&mut self, end: i64, records: Vec<Record>) -> Chunk {
        self.next = end;
        let to = end.to_string();
        Chunk {
            partition: PARTITION.into(),
            from: self.stored.replace(to.clone()),
            to,
            records,
            gaps: self.closed.take().into_iter().collect(),
            idempotency_key: None,
            tag: 0,
        }
    }
}

#[async_trait]
impl Source for Demo {
    async fn next(&mut self) -> Result<Option<Chunk>> {
        loop {
            if let Some(making) = &mut self.making {
                let made = making.await;
                self.making = None;
                let (end, records) = made.map_err(|e| Error::internal("making up events").because(e))?;
                return Ok(Some(self.chunk(end, records)));
            }
            let now = self.clock.now();
            // A tick is told when it is over.
            let end = tick_at(now).min(self.next + self.ticks_a_chunk);
            match end - self.next {
                n if n > TICKS_HERE_MAX => {
                    let (shop, begin) = (self.shop.clone(), self.next);
                    self.making = Some(tokio::task::spawn_blocking(move || (end, records(&shop, begin, end, now))));
                }
                n if n > 0 => {
                    let records = records(&self.shop, self.next, end, now);
                    return Ok(Some(self.chunk(end, records)));
                }
                _ => sleep(Timestamp((self.next + 1) * TICK_MICROS).since(now)).await,
            }
        }
    }

    async fn ack(&mut self, _: &Offsets, _: &[Done]) -> Result<()> {
        Ok(())
    }

    fn lag(&self) -> Vec<(String, u64)> {
        let ticks = tick_at(self.clock.now()) - self.next;
        vec![(PARTITION.to_owned(), (ticks.max(0) as f64 * TICK_MICROS as f64 / 1e6 * self.rate) as u64)]
    }
}

fn records(shop: &Shop, begin: i64, end: i64, now: Timestamp) -> Vec<Record> {
    let mut records = Vec::new();
    for tick in begin..end {
        records.extend(shop.events(tick).into_iter().map(|payload| Record {
            position: Position::Number(tick),
            time: now,
            key: None,
            headers: Vec::new(),
            payload: Bytes::from(payload),
        }));
    }
    records
}

#[cfg(test)]
mod tests;
