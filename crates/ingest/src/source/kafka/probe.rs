//! A Kafka cluster looked at from outside: named checks, its topics, its newest messages.

use super::client::{Consumer, Settings};
use super::reader::connect;
use super::trouble;
use crate::Parts;
use crate::probe::{decodes, passed, skipped};
use crate::report::cause_of;
use crate::source::checks::{self, Checks, Failed, STEP_WITHIN, host_and_port};
use bytes::Bytes;
use futures::stream::BoxStream;
use helios_contract::probe::{Check, SampleRecord, Topic};
use helios_contract::stream::{OptionValue, StreamDefinition};
use helios_contract::{Error, Result, Timestamp};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

const PORT: u16 = 9092;
/// Topics are counted one partition at a time: of more partitions than this, no records are told.
const COUNTED_PARTITIONS_MAX: usize = 100;
const COUNT_WITHIN: Duration = Duration::from_secs(5);
/// Stands for the topic where the definition names none; it is never asked for.
const NO_TOPIC: &str = "helios-no-topic";

/// Tries every step on the way to a row; see `Probe::test`.
pub(crate) fn test(definition: StreamDefinition, parts: Parts) -> BoxStream<'static, Check> {
    checks::run(|checks| async move {
        let mut testing = Testing { checks };
        let ended = testing.run(definition, &parts).await;
        (testing.checks, ended)
    })
}

struct Testing {
    checks: Checks,
}

impl Testing {
    async fn run(&mut self, definition: StreamDefinition, parts: &Parts) -> Result<(), Failed> {
        let (settings, has_topic) = match settings(&definition, parts) {
            Ok(settings) => settings,
            Err(error) => return Err(self.checks.fail("dns", None, &error).await),
        };
        let brokers = settings.brokers.split(',').map(str::trim).filter(|broker| !broker.is_empty());
        let hosts: Vec<(&str, u16)> = brokers.map(|broker| host_and_port(broker, PORT)).collect();
        let hint = "Check the option brokers for typing mistakes, and that this machine's name service knows them.";
        let addresses = self.checks.dns(&hosts, hint).await?;
        self.checks.tcp(&addresses, "Check the port, that the broker runs, and that no firewall stands between.").await?;
        let (settings, consumer) = self.log_in(&definition, settings, has_topic).await?;
        if !has_topic {
            return Ok(());
        }
        let record = self.read(settings, consumer).await?;
        if let Some(record) = record {
            self.checks.tell(decodes(definition, record, parts).await).await;
        }
        Ok(())
    }

    /// TLS, login and metadata: the client library does all three at once, and names the one that fails.
    async fn log_in(
        &mut self,
        definition: &StreamDefinition,
        settings: Settings,
        has_topic: bool,
    ) -> Result<(Settings, std::sync::Arc<Consumer>), Failed> {
        let protocol = match definition.options.get("security_protocol") {
            Some(OptionValue::Text(protocol)) => protocol.to_ascii_uppercase(),
            _ => "PLAINTEXT".to_owned(),
        };
        let began = Instant::now();
        let connecting = tokio::task::spawn_blocking(move || {
            let consumer = match settings.consumer() {
                Ok(consumer) => consumer,
                Err(error) => return Err(error),
            };
            let message = if has_topic {
                connect(&consumer, &settings).map(|ids| format!("topic {} has {} partitions", settings.topic, ids.len()))
            } else {
                metadata(&consumer, &settings).map(|topics| format!("the cluster has {} topics", topics.len()))
            };
            message.map(|message| (settings, consumer, message))
        });
        let connected = connecting.await.unwrap_or_else(|e| Err(Error::internal("connecting to kafka").because(e)));
        let took = began.elapsed();
        let (has_tls, has_login) = (protocol.ends_with("SSL"), protocol.starts_with("SASL"));
        let (settings, consumer, message) = match connected {
            Ok(connected) => connected,
            Err(error) => return Err(self.explain(&error, took, has_tls, has_login).await),
        };
        self.tls(has_tls).await;
        self.login(has_login).await;
        self.checks.tell(passed("metadata", Some(took), message)).await;
        Ok((settings, consumer))
    }

    async fn explain(&mut self, error: &Error, took: Duration, has_tls: bool, has_login: bool) -> Failed {
        let name = match cause_of(error) {
            "tls_failed" => "tls",
            "authentication_failed" => "login",
            // A broker that speaks another protocol than we do hangs up without a word.
            "broker_down" if has_tls => "tls",
            _ => "metadata",
        };
        if name != "tls" {
            self.tls(has_tls).await;
        }
        if name == "login" && !has_login {
            self.login(true).await;
        } else if name == "metadata" {
            self.login(has_login).await;
        }
        self.checks.fail(name, Some(took), error).await
    }

    async fn tls(&mut self, has_tls: bool) {
        let check = match has_tls {
            true => passed("tls", None, "the broker's certificate is trusted".to_owned()),
            false => skipped("tls", "the option security_protocol asks for none"),
        };
        self.checks.tell(check).await;
    }

    async fn login(&mut self, has_login: bool) {
        let check = match has_login {
            true => passed("login", None, "the broker accepts the user".to_owned()),
            false => skipped("login", "the option security_protocol asks for none"),
        };
        self.checks.tell(check).await;
    }

    async fn read(&mut self, settings: Settings, consumer: std::sync::Arc<Consumer>) -> Result<Option<SampleRecord>, Failed> {
        let began = Instant::now();
        let reading = tokio::task::spawn_blocking(move || {
            let newest = newest(&consumer, &settings, 1, STEP_WITHIN);
            // A client is closed where blocking does no harm.
            drop(consumer);
            newest
        });
        let read = reading.await.unwrap_or_else(|e| Err(Error::internal("reading from kafka").because(e)));
        let took = Some(began.elapsed());
        match read {
            Ok(records) => {
                let newest = records.into_iter().next();
                let message = match &newest {
                    Some(record) => format!("read position {} of partition {}", record.position, record.partition),
                    None => "the topic can be read; it holds no message yet".to_owned(),
                };
                self.checks.tell(passed("read", took, message)).await;
                Ok(newest)
            }
            Err(error) => Err(self.checks.fail("read", took, &error).await),
        }
    }
}

/// The settings, and whether they name a topic.
fn settings(definition: &StreamDefinition, parts: &Parts) -> Result<(Settings, bool)> {
    let mut definition = definition.clone();
    let has_topic = definition.options.contains_key("topic");
    definition.options.entry("topic".to_owned()).or_insert_with(|| OptionValue::Text(NO_TOPIC.to_owned()));
    crate::options::check(definition.source, &definition.options)?;
    Ok((Settings::of(&definition, &*parts.secrets)?, has_topic))
}

/// The topics of a cluster; see `Probe::topics`.
pub(crate) async fn topics(definition: StreamDefinition, parts: &Parts) -> Result<Vec<Topic>> {
    let (settings, _) = settings(&definition, parts)?;
    let looking = tokio::task::spawn_blocking(move || {
        let consumer = settings.consumer()?;
        let mut topics = metadata(&consumer, &settings)?;
        let n_partitions: usize = topics.iter().map(|topic| topic.n_partitions).sum();
        if n_partitions <= COUNTED_PARTITIONS_MAX {
            count(&consumer, &mut topics);
        }
        Ok(topics)
    });
    looking.await.map_err(|e| Error::internal("looking for topics in kafka").because(e))?
}

fn metadata(consumer: &Consumer, settings: &Settings) -> Result<Vec<Topic>> {
    let found = consumer.fetch_metadata(None, STEP_WITHIN);
    // Errors with their reasons come as events; nothing is assigned, so there are no messages to lose.
    while consumer.poll(Duration::ZERO).is_some() {}
    let metadata = found.map_err(|error| {
        let (code, reason) = match consumer.context().error_heard() {
            Some(heard) => heard,
            None => (error.rdkafka_error_code().unwrap_or(Code::Fail), String::new()),
        };
        trouble::of(&format!("asking {} for its topics", settings.brokers), code, &reason)
    })?;
    let topics = metadata.topics().iter().filter(|topic| !topic.name().starts_with("__"));
    let mut topics: Vec<Topic> = topics
        .map(|topic| Topic { name: topic.name().to_owned(), n_partitions: topic.partitions().len(), n_records: None })
        .collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(topics)
}

fn count(consumer: &Consumer, topics: &mut [Topic]) {
    let deadline = Instant::now() + COUNT_WITHIN;
    for topic in topics {
        let mut n_records = 0;
        for partition in 0..topic.n_partitions {
            let left = deadline.saturating_duration_since(Instant::now());
            let marks = i32::try_from(partition).ok().map(|id| consumer.fetch_watermarks(&topic.name, id, left));
            // A topic we may not read is listed without a count.
            let Some(Ok((low, high))) = marks.filter(|_| !left.is_zero()) else { break };
            n_records += u64::try_from(high - low).unwrap_or(0);
            if partition + 1 == topic.n_partitions {
                topic.n_records = Some(n_records);
            }
        }
    }
}

/// The newest messages of a topic; see `Probe::sample`.
pub(crate) async fn sample(
    definition: StreamDefinition,
    parts: &Parts,
    n_max: usize,
    limit: Duration,
) -> Result<Vec<SampleRecord>> {
    let (settings, has_topic) = settings(&definition, parts)?;
    if !has_topic {
        return Err(Error::invalid("a sample needs the option topic").hint("Choose one of the topics first."));
    }
    let reading = tokio::task::spawn_blocking(move || {
        let consumer = settings.consumer()?;
        connect(&consumer, &settings)?;
        newest(&consumer, &settings, n_max, limit)
    });
    reading.await.map_err(|e| Error::internal("reading a sample from kafka").because(e))?
}

fn newest(consumer: &Consumer, settings: &Settings, n_max: usize, limit: Duration) -> Result<Vec<SampleRecord>> {
    let refused = |e: rdkafka::error::KafkaError| trouble::of(&settings.what(), e.rdkafka_error_code().unwrap_or(Code::Fail), "");
    let ids = connect(consumer, settings)?;
    let deadline = Instant::now() + limit;
    let mut list = TopicPartitionList::with_capacity(ids.len());
    let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
    let mut marks = Vec::new();
    for id in ids {
        let (low, high) = consumer.fetch_watermarks(&settings.topic, id, limit).map_err(refused)?;
        if high > low {
            marks.push((id, low, high));
        }
    }
    // One more each: the newest may be a transaction's marker, which never comes.
    let each = n_max.div_ceil(marks.len().max(1)) + 1;
    for (id, low, high) in marks {
        ends.insert(id, high);
        let from = low.max(high - i64::try_from(each).unwrap_or(i64::MAX));
        list.add_partition_offset(&settings.topic, id, Offset::Offset(from)).map_err(refused)?;
    }
    consumer.assign(&list).map_err(refused)?;
    let mut records = collect(consumer, ends, deadline).map_err(refused)?;
    records.sort_by(|a, b| (b.time, &b.position).cmp(&(a.time, &a.position)));
    records.truncate(n_max);
    Ok(records)
}

fn collect(
    consumer: &Consumer,
    mut ends: BTreeMap<i32, i64>,
    deadline: Instant,
) -> rdkafka::error::KafkaResult<Vec<SampleRecord>> {
    const SILENCE: Duration = Duration::from_secs(2);
    let mut records = Vec::new();
    let mut quiet_at = Instant::now() + SILENCE;
    while !ends.is_empty() && Instant::now() < deadline.min(quiet_at) {
        let message = match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => message,
            Some(Err(error)) if error.rdkafka_error_code().is_some_and(trouble::is_our_fault) => return Err(error),
            Some(Err(_)) | None => continue,
        };
        quiet_at = Instant::now() + SILENCE;
        if ends.get(&message.partition()).is_some_and(|end| message.offset() + 1 >= *end) {
            ends.remove(&message.partition());
        }
        let header =
            |header: rdkafka::message::Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(Bytes::copy_from_slice));
        records.push(SampleRecord {
            partition: message.partition().to_string(),
            position: message.offset().to_string(),
            time: message.timestamp().to_millis().map(|millis| Timestamp(millis.saturating_mul(1_000))),
            key: message.key().map(Bytes::copy_from_slice),
            headers: message.headers().map(|headers| headers.iter().map(header).collect()).unwrap_or_default(),
            payload: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        });
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_have_hosts_and_ports() {
        assert_eq!(host_and_port("kafka.example:19092", PORT), ("kafka.example", 19092));
        assert_eq!(host_and_port("kafka.example", PORT), ("kafka.example", 9092));
        assert_eq!(host_and_port("[::1]:9093", PORT), ("::1", 9093));
        assert_eq!(host_and_port("SSL://a:1", PORT), ("a", 1));
    }
}
