//! The librdkafka client: its settings, and what it says outside of messages.

use super::trouble;
use crate::options::{Checked, Start};
use helios_contract::secret::Secrets;
use helios_contract::stream::{SourceKind, StreamDefinition};
use helios_contract::{Error, Result};
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::{debug, info, warn};

pub(super) type Consumer = BaseConsumer<Ear>;

/// What the options of a stream come to.
pub(super) struct Settings {
    pub(super) brokers: String,
    pub(super) topic: String,
    pub(super) start: Start,
    pub(super) message_bytes_max: usize,
    read_committed: bool,
    // Holds secrets: never log it.
    config: ClientConfig,
}

// Options that librdkafka knows by the same name with dots.
const PASSED_ON: [&str; 10] = [
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password",
    "ssl_ca_location",
    "ssl_certificate_location",
    "ssl_key_location",
    "ssl_key_password",
    "group_id",
    "isolation_level",
];

// What a consumer prefetches, over all partitions.
const PREFETCH_KB_MAX: &str = "32768";
const FETCH_BYTES_MAX: usize = 50 << 20;

impl Settings {
    /// Checks the options and looks up secrets.
    pub(super) fn of(definition: &StreamDefinition, secrets: &dyn Secrets) -> Result<Settings> {
        let options = Checked::new(SourceKind::Kafka, &definition.options, secrets)?;
        let brokers = options.need("brokers")?;
        let message_bytes_max: usize = options.number("message_max_bytes")?;
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Warning);
        let protocol = options.need("security_protocol")?.to_ascii_uppercase();
        for name in PASSED_ON.into_iter().filter(|name| is_used(name, &protocol)) {
            let value = match (name, options.text(name)?) {
                ("group_id", Some(text)) if text == "helios-NAME" => format!("helios-{}", definition.name),
                (_, Some(text)) => text,
                (_, None) => continue,
            };
            config.set(name.replace('_', "."), value);
        }
        let fetch_bytes_max = FETCH_BYTES_MAX.max(message_bytes_max);
        config
            .set("bootstrap.servers", &brokers)
            .set("client.id", "helios")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // An offset that is gone must be seen and recorded, not silently replaced.
            .set("auto.offset.reset", "error")
            .set("allow.auto.create.topics", "false")
            .set("queued.max.messages.kbytes", PREFETCH_KB_MAX)
            // The default of a second would halve the throughput whenever the prefetch queue is full.
            .set("fetch.queue.backoff.ms", "10")
            .set("fetch.message.max.bytes", message_bytes_max.min(4 << 20).to_string())
            .set("fetch.max.bytes", fetch_bytes_max.to_string())
            .set("receive.message.max.bytes", (fetch_bytes_max * 2).to_string())
            .set("reconnect.backoff.max.ms", "2000")
            .set("socket.keepalive.enable", "true")
            .set("statistics.interval.ms", "1000");
        let read_committed = options.need("isolation_level")?.eq_ignore_ascii_case("read_committed");
        let start = options.need("start")?;
        let start = Start::parse(&start).ok_or_else(|| Error::invalid("the option start is neither a word nor a timestamp"))?;
        Ok(Settings { brokers, topic: options.need("topic")?, start, message_bytes_max, read_committed, config })
    }

    /// A consumer that is not connected yet.
    pub(super) fn consumer(&self) -> Result<Arc<Consumer>> {
        let ear = Ear { topic: self.topic.clone(), read_committed: self.read_committed, heard: Mutex::default() };
        let consumer = self.config.create_with_context(ear);
        Ok(Arc::new(consumer.map_err(|e| trouble::configuration(&e))?))
    }

    /// What is read, for messages.
    pub(super) fn what(&self) -> String {
        format!("reading topic {} from {}", self.topic, self.brokers)
    }
}

// Settings of a login or of TLS without a protocol that has it are a mistake to librdkafka.
fn is_used(name: &str, protocol: &str) -> bool {
    (!name.starts_with("sasl_") || protocol.starts_with("SASL_")) && (!name.starts_with("ssl_") || protocol.ends_with("SSL"))
}

/// Hears what librdkafka says outside of messages: logs, errors with their reasons, statistics.
pub(super) struct Ear {
    topic: String,
    read_committed: bool,
    heard: Mutex<Heard>,
}

/// How far librdkafka is with a partition.
pub(super) struct Fetched {
    /// The offset it fetches next.
    pub(super) next: i64,
    /// The offset behind the last message there is to read.
    pub(super) end: i64,
}

impl Fetched {
    /// Messages there are behind `next`, where reading stands; `is_all` when everything fetched was read.
    ///
    /// Markers of transactions are fetched and never read: then reading stands where fetching does.
    pub(super) fn unread(&self, next: i64, is_all: bool) -> u64 {
        let next = if is_all { next.max(self.next) } else { next };
        u64::try_from(self.end - next).unwrap_or(0)
    }
}

#[derive(Default)]
struct Heard {
    // Until the reader takes them.
    fetched: Option<BTreeMap<i32, Fetched>>,
    lag: Vec<(String, u64)>,
    error: Option<(RDKafkaErrorCode, String)>,
}

impl Ear {
    /// How far librdkafka is, once a second.
    pub(super) fn fetched(&self) -> Option<BTreeMap<i32, Fetched>> {
        self.lock().fetched.take()
    }

    /// Records not yet read, per partition, a second ago at most.
    pub(super) fn lag(&self) -> Vec<(String, u64)> {
        self.lock().lag.clone()
    }

    /// Notes the lag; answers whether it is another one than before.
    pub(super) fn note_lag(&self, lag: Vec<(String, u64)>) -> bool {
        let before = std::mem::replace(&mut self.lock().lag, lag.clone());
        before != lag
    }

    /// The error that says most about what is wrong now.
    pub(super) fn error_heard(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.lock().error.clone()
    }

    /// All is well again.
    pub(super) fn forget_error(&self) {
        self.lock().error = None;
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // What matters comes as an error, too; the log is for those who look for more.
        match level {
            RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info => debug!(topic = self.topic, facility, message, "librdkafka"),
            _ => info!(topic = self.topic, facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let Some(code) = error.rdkafka_error_code() else { return };
        // A broker that hangs up on a TLS greeting, or on our certificate after it, is heard as a lost connection.
        let is_tls = ["SSL_HANDSHAKE", "SSL alert"].iter().any(|said| reason.contains(said));
        let code = if is_tls { RDKafkaErrorCode::SSL } else { code };
        let mut heard = self.lock();
        // A refused password is followed by lost connections, and those by the news that all brokers are down: what came
        // first says most.
        let is_said = heard
            .error
            .as_ref()
            .is_some_and(|(heard, _)| trouble::is_our_fault(*heard) || code == RDKafkaErrorCode::AllBrokersDown);
        if !is_said {
            heard.error = Some((code, reason.to_owned()));
        }
    }

    fn stats(&self, statistics: Statistics) {
        let Some(topic) = statistics.topics.get(&self.topic) else { return };
        let fetched = topic.partitions.iter().filter_map(|(id, partition)| {
            let end = if self.read_committed { partition.ls_offset } else { partition.hi_offset };
            (partition.next_offset >= 0 && end >= 0).then_some((*id, Fetched { next: partition.next_offset, end }))
        });
        self.lock().fetched = Some(fetched.collect());
    }
}

impl ConsumerContext for Ear {
    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            warn!(topic = self.topic, %error, "kafka did not take the offsets for its group; only lag tools miss them");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_logins_and_tls_are_passed_on_where_the_protocol_has_them() {
        let used = |name| PROTOCOLS.map(|protocol| is_used(name, protocol));
        assert_eq!(used("sasl_mechanism"), [false, false, true, true]);
        assert_eq!(used("ssl_ca_location"), [false, true, false, true]);
        assert_eq!(used("group_id"), [true; 4]);
    }

    #[test]
    fn lag_is_what_was_not_read_without_the_markers_behind_it() {
        assert_eq!(Fetched { next: 600, end: 1_000 }.unread(490, false), 510);
        assert_eq!(Fetched { next: 12, end: 12 }.unread(10, false), 2);
        assert_eq!(Fetched { next: 12, end: 12 }.unread(10, true), 0);
        assert_eq!(Fetched { next: 10, end: 10 }.unread(11, false), 0);
    }

    #[test]
    fn a_refused_certificate_is_not_a_lost_connection() {
        let heard = |reason: &str| {
            let ear = Ear { topic: "orders".into(), read_committed: true, heard: Mutex::default() };
            ear.error(KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), reason);
            ear.error_heard().unwrap().0
        };
        let alert =
            "ssl://k:1/bootstrap: Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42";
        assert_eq!(heard(alert), RDKafkaErrorCode::SSL);
        assert_eq!(heard("k:1/bootstrap: Connect failed: Connection refused"), RDKafkaErrorCode::BrokerTransportFailure);
    }

    const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
}
