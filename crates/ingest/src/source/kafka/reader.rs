//! The thread that polls one topic: all its partitions, from the lake's positions on, noticing what changes under way.

use super::client::{Consumer, Fetched, Settings};
use super::gather::Gathering;
use super::trouble;
use crate::options::Start;
use crate::source::heartbeat;
use helios_contract::record::{Chunk, Gap, Offsets};
use helios_contract::{Clock, Error, Kind, Result};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::Message;
use rdkafka::metadata::MetadataPartition;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long the brokers may take for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How often the brokers are asked while something is wrong.
const PROBE: Duration = Duration::from_secs(1);
/// How many times the first connection is tried, each for as long as a probe.
const TRIES: usize = 5;
/// How long the thread waits for a message before it looks whether it is to stop.
const IDLE: Duration = Duration::from_millis(100);
/// How long errors are listened for after each try to connect.
const EVENTS: Duration = Duration::from_millis(50);
/// What one send holds at most.
const SEND_RECORDS_MAX: usize = 16_384;
const SEND_BYTES_MAX: usize = 4 << 20;

/// A consumer with every partition of the topic assigned.
pub(super) struct Reader {
    consumer: Arc<Consumer>,
    settings: Settings,
    clock: Arc<dyn Clock>,
    refresh: Duration,
    partitions: BTreeMap<i32, Place>,
    // Moves to be sent before anything else: first positions, and gaps.
    moves: Vec<Chunk>,
    // When the brokers were asked last, and when they are to be asked next.
    looked_at: Instant,
    next_look: Instant,
    in_trouble: bool,
    // A position we fetch from is gone, or the topic is another one.
    is_out_of_range: bool,
    must_assign: bool,
}

// The next offset to read of a partition.
struct Place {
    name: Arc<str>,
    next: i64,
}

impl Reader {
    /// Blocks until the topic's partitions are known and assigned.
    pub(super) fn connect(settings: Settings, stored: &Offsets, refresh: Duration, clock: Arc<dyn Clock>) -> Result<Reader> {
        let consumer = settings.consumer()?;
        let ids = connect(&consumer, &settings)?;
        let looked_at = Instant::now();
        let mut reader = Reader {
            consumer,
            settings,
            clock,
            refresh,
            partitions: BTreeMap::new(),
            moves: Vec::new(),
            looked_at,
            next_look: looked_at + refresh,
            in_trouble: false,
            is_out_of_range: false,
            must_assign: false,
        };
        // A partition found later has been there from its first message on; only the first opening skips what is old.
        let start = if stored.is_empty() { reader.settings.start } else { Start::Earliest };
        for id in ids {
            reader.place(id, stored.get(&id.to_string()), start)?;
        }
        reader.assign()?;
        Ok(reader)
    }

    pub(super) fn consumer(&self) -> &Arc<Consumer> {
        &self.consumer
    }

    /// Reads until nobody listens any more, or something is wrong that reading on cannot help.
    pub(super) fn run(mut self, chunks: &mpsc::Sender<Result<Vec<Chunk>>>) {
        while !chunks.is_closed() {
            let step = self.step();
            let is_over = step.as_ref().is_err_and(|error| error.kind() != Kind::Unavailable);
            let is_news = step.as_ref().map_or(true, |chunks| !chunks.is_empty());
            if is_news && chunks.blocking_send(step).is_err() || is_over {
                return;
            }
        }
    }

    fn step(&mut self) -> Result<Vec<Chunk>> {
        if self.next_look <= Instant::now() {
            let looked = self.look_around();
            self.looked_at = Instant::now();
            self.in_trouble = looked.is_err();
            self.next_look = self.looked_at + if self.in_trouble { PROBE } else { self.refresh };
            looked?;
        }
        if !self.moves.is_empty() {
            return Ok(std::mem::take(&mut self.moves));
        }
        // Taken before gathering: all that was fetched until then is gathered, unless it is too much at once.
        let fetched = self.consumer.context().fetched();
        let mut gathering = Gathering::default();
        // What was gathered before an error is read again once the stream is opened anew.
        let is_all = self.gather(&mut gathering)?;
        let is_news = fetched.is_some_and(|fetched| self.is_lag_news(&fetched, is_all));
        if is_news && gathering.n_records() == 0 && !self.in_trouble {
            return Ok(vec![heartbeat()]);
        }
        Ok(gathering.into_chunks())
    }

    fn is_lag_news(&self, fetched: &BTreeMap<i32, Fetched>, is_all: bool) -> bool {
        let lag = self.partitions.iter().filter_map(|(id, place)| {
            let fetched = fetched.get(id)?;
            Some((place.name.to_string(), fetched.unread(place.next, is_all)))
        });
        self.consumer.context().note_lag(lag.collect())
    }

    // Whether that was everything there is for now.
    fn gather(&mut self, gathering: &mut Gathering) -> Result<bool> {
        let consumer = self.consumer.clone();
        let mut wait = IDLE;
        while gathering.n_records() < SEND_RECORDS_MAX && gathering.n_bytes() < SEND_BYTES_MAX {
            let Some(polled) = consumer.poll(wait) else { return Ok(true) };
            wait = Duration::ZERO;
            let message = match polled {
                Ok(message) => message,
                Err(error) => {
                    self.heard(&error)?;
                    continue;
                }
            };
            let Some(place) = self.partitions.get_mut(&message.partition()) else { continue };
            // What was prefetched before a new assignment may still come; it was read already.
            if message.offset() < place.next {
                continue;
            }
            let n_bytes = message.payload_len();
            if n_bytes > self.settings.message_bytes_max {
                let detail = format!(
                    "the message at offset {} of partition {} has {n_bytes} bytes",
                    message.offset(),
                    message.partition()
                );
                return Err(trouble::of(&self.settings.what(), Code::MessageSizeTooLarge, &detail));
            }
            gathering.add(&message, &place.name, place.next, &*self.clock);
            place.next = message.offset() + 1;
        }
        Ok(false)
    }

    /// What an error between messages means. One broker of many may come and go: only when the topic cannot be looked up
    /// either is the stream in trouble, so that is what happens soon, once for all the errors of an outage.
    fn heard(&mut self, error: &KafkaError) -> Result<()> {
        let Some(code) = error.rdkafka_error_code() else { return Ok(()) };
        if trouble::is_final(code) {
            let heard = self.consumer.context().error_heard().filter(|(heard, _)| *heard == code);
            return Err(trouble::of(&self.settings.what(), code, &heard.map(|(_, reason)| reason).unwrap_or_default()));
        }
        self.is_out_of_range |= code == Code::AutoOffsetReset;
        self.next_look = self.next_look.min(self.looked_at + PROBE);
        Ok(())
    }

    /// Asks for partitions we do not have yet, and whether all is well.
    fn look_around(&mut self) -> Result<()> {
        let ids = partitions(&self.consumer, &self.settings, ANSWER).map_err(|error| self.lost(error))?;
        for id in ids {
            if !self.partitions.contains_key(&id) {
                self.place(id, None, Start::Earliest)?;
                self.must_assign = true;
            }
        }
        if self.is_out_of_range {
            self.pass_what_is_gone()?;
            self.is_out_of_range = false;
            self.must_assign = true;
        }
        if self.must_assign {
            self.assign()?;
            self.must_assign = false;
        }
        self.consumer.context().forget_error();
        if self.in_trouble {
            self.moves.push(heartbeat());
        }
        Ok(())
    }

    fn lost(&self, error: Error) -> Error {
        if error.kind() != Kind::NotFound {
            return error;
        }
        trouble::named(Kind::NotFound, "topic_deleted", &self.settings.what(), "the topic was there and is gone".to_owned())
            .hint("What was read stays in the table. Drop the stream, or create a new one for a new topic.")
    }

    // Finds where reading a partition begins. A new one's beginning is stored at once: from then on it is exact.
    fn place(&mut self, id: i32, stored: Option<&String>, start: Start) -> Result<()> {
        let name: Arc<str> = id.to_string().into();
        let next = match stored {
            Some(stored) => {
                let not_ours = || Error::corrupt(format!("the stored position '{stored}' of partition {id} is no kafka offset"));
                let next = stored.parse().map_err(|_| not_ours())?;
                self.partitions.insert(id, Place { name, next });
                return self.pass_gone(id);
            }
            None => beginning(&self.consumer, &self.settings, id, start)?,
        };
        self.moves.push(move_chunk(name.clone(), None, next, Vec::new()));
        self.partitions.insert(id, Place { name, next });
        Ok(())
    }

    fn pass_what_is_gone(&mut self) -> Result<()> {
        let ids: Vec<i32> = self.partitions.keys().copied().collect();
        ids.into_iter().try_for_each(|id| self.pass_gone(id))
    }

    // Where retention was faster than we were, the loss is recorded and reading continues behind it.
    fn pass_gone(&mut self, id: i32) -> Result<()> {
        let (low, high) = watermarks(&self.consumer, &self.settings, id)?;
        let Some(place) = self.partitions.get_mut(&id) else { return Ok(()) };
        if place.next > high {
            let detail = format!("the next offset of partition {id} is {}, but the partition ends at {high}", place.next);
            return Err(trouble::named(Kind::Invalid, "topic_recreated", &self.settings.what(), detail)
                .hint("The topic was deleted and created again, or lost messages. Create a new stream for it; what was read stays in this one."));
        }
        if place.next < low {
            let reason = "retention passed: the messages were deleted before they were read".to_owned();
            let n_lost = u64::try_from(low - place.next).ok();
            let gap = Gap { first: place.next.to_string(), last: (low - 1).to_string(), n_lost, reason };
            self.moves.push(move_chunk(place.name.clone(), Some(place.next), low, vec![gap]));
            place.next = low;
        }
        Ok(())
    }

    fn assign(&self) -> Result<()> {
        let mut list = TopicPartitionList::with_capacity(self.partitions.len());
        for (id, place) in &self.partitions {
            list.add_partition_offset(&self.settings.topic, *id, Offset::Offset(place.next)).map_err(|e| self.answer(&e))?;
        }
        self.consumer.assign(&list).map_err(|e| self.answer(&e))
    }

    fn answer(&self, error: &KafkaError) -> Error {
        answer(&self.consumer, &self.settings, error)
    }
}

fn move_chunk(partition: Arc<str>, from: Option<i64>, to: i64, gaps: Vec<Gap>) -> Chunk {
    let from = from.map(|from| from.to_string());
    Chunk { partition, from, to: to.to_string(), records: Vec::new(), gaps, idempotency_key: None, tag: 0 }
}

/// Where reading a new stream begins, by partition.
pub(super) fn beginnings(settings: &Settings) -> Result<Offsets> {
    let consumer = settings.consumer()?;
    let ids = connect(&consumer, settings)?;
    let begin = |id: i32| Ok((id.to_string(), beginning(&consumer, settings, id, settings.start)?.to_string()));
    ids.into_iter().map(begin).collect()
}

fn beginning(consumer: &Consumer, settings: &Settings, id: i32, start: Start) -> Result<i64> {
    let (low, high) = watermarks(consumer, settings, id)?;
    let at = match start {
        Start::Earliest => return Ok(low),
        Start::Latest => return Ok(high),
        Start::At(at) => at.0 / 1_000,
    };
    let refused = |e: KafkaError| answer(consumer, settings, &e);
    let mut times = TopicPartitionList::new();
    times.add_partition_offset(&settings.topic, id, Offset::Offset(at)).map_err(refused)?;
    let found = consumer.offsets_for_times(times, ANSWER).map_err(refused)?;
    // No message is that young: begin at the end.
    Ok(match found.find_partition(&settings.topic, id).map(|element| element.offset()) {
        Some(Offset::Offset(offset)) => offset,
        _ => high,
    })
}

fn watermarks(consumer: &Consumer, settings: &Settings, id: i32) -> Result<(i64, i64)> {
    consumer.fetch_watermarks(&settings.topic, id, ANSWER).map_err(|e| answer(consumer, settings, &e))
}

/// The partitions, once the brokers answer; wrong passwords and the like are told as soon as they are known.
pub(super) fn connect(consumer: &Consumer, settings: &Settings) -> Result<Vec<i32>> {
    let mut n_tries = 0;
    loop {
        let found = partitions(consumer, settings, PROBE);
        // Nothing is assigned yet, so there are only events, and no messages to lose.
        while consumer.poll(EVENTS).is_some() {}
        let Err(error) = found else {
            consumer.context().forget_error();
            return found;
        };
        if error.kind() != Kind::Unavailable {
            return Err(error);
        }
        n_tries += 1;
        let heard = consumer.context().error_heard();
        if n_tries == TRIES || heard.as_ref().is_some_and(|(code, _)| trouble::is_our_fault(*code)) {
            return Err(heard.map_or(error, |(code, reason)| trouble::of(&settings.what(), code, &reason)));
        }
    }
}

fn partitions(consumer: &Consumer, settings: &Settings, limit: Duration) -> Result<Vec<i32>> {
    let metadata = consumer.fetch_metadata(Some(&settings.topic), limit).map_err(|e| answer(consumer, settings, &e))?;
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == settings.topic) else {
        return Err(trouble::of(&settings.what(), Code::UnknownTopic, ""));
    };
    if let Some(error) = topic.error() {
        return Err(trouble::of(&settings.what(), error.into(), ""));
    }
    Ok(topic.partitions().iter().map(MetadataPartition::id).collect())
}

// A request that was not answered: the errors heard on the side often say why.
fn answer(consumer: &Consumer, settings: &Settings, error: &KafkaError) -> Error {
    let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
    let answered = trouble::of(&settings.what(), code, "");
    match consumer.context().error_heard().filter(|_| answered.kind() == Kind::Unavailable) {
        Some((heard, reason)) => trouble::of(&settings.what(), heard, &reason),
        None => answered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::World;
    use helios_contract::StreamName;
    use helios_contract::stream::{OptionValue, SourceKind, StreamDefinition};
    use rdkafka::mocking::MockCluster;

    #[test]
    fn all_the_errors_of_an_outage_cost_one_look() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("orders", 1, 1).unwrap();
        let mut definition = StreamDefinition::new(StreamName::new("orders").unwrap(), SourceKind::Kafka);
        let given = [("brokers", cluster.bootstrap_servers()), ("topic", "orders".to_owned())];
        definition.options = given.map(|(name, value)| (name.to_owned(), OptionValue::Text(value))).into();
        let parts = World::new().parts();
        let settings = Settings::of(&definition, &*parts.secrets).unwrap();
        let mut reader = Reader::connect(settings, &Offsets::new(), 10 * PROBE, parts.clock.clone()).unwrap();
        assert_eq!(reader.next_look, reader.looked_at + 10 * PROBE);
        for _ in 0..50 {
            reader.heard(&KafkaError::MessageConsumption(Code::BrokerTransportFailure)).unwrap();
        }
        assert_eq!(reader.next_look, reader.looked_at + PROBE);
    }
}
