//! The options of each kind of source: one table that checks, documents and fills in.

use arrow::compute::kernels::cast_utils::string_to_timestamp_nanos;
use helios_contract::error::nearest;
use helios_contract::secret::Secrets;
use helios_contract::stream::{OptionValue, Options, SourceKind};
use helios_contract::{Error, Result, Timestamp};

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Any text.
    Text,
    /// A whole number from the first to the second.
    Number(i64, i64),
    /// A share between 0 and 1, written as text: `'0.004'`.
    Share,
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// `earliest`, `latest` or an RFC 3339 timestamp.
    Start,
    /// `SECRET 'name'` or `ENV 'NAME'`, never the value itself.
    Secret,
    /// One ASCII character; `\t` is a tab.
    Byte,
    /// The same, or nothing.
    ByteOrNone,
    /// `true`, `false`, or names with the delimiter between them.
    Header,
}

impl Takes {
    fn describe(self) -> String {
        match self {
            Takes::Text => "text in single quotes".to_owned(),
            Takes::Number(min, max) => format!("a whole number from {min} to {max}"),
            Takes::Share => "a share between 0 and 1 in single quotes, as '0.004'".to_owned(),
            Takes::Word(words) => format!("one of {}", words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(", ")),
            Takes::Start => "'earliest', 'latest' or an RFC 3339 timestamp such as '2026-01-31T08:00:00Z'".to_owned(),
            Takes::Secret => "SECRET 'name' or ENV 'NAME'".to_owned(),
            Takes::Byte => "one ASCII character in single quotes".to_owned(),
            Takes::ByteOrNone => "one ASCII character in single quotes, or '' for none".to_owned(),
            Takes::Header => "true, false, or the names of the fields in single quotes, as 'id,price'".to_owned(),
        }
    }

    // Words may be written in any case.
    fn spelled(self, text: &str) -> &str {
        let Takes::Word(words) = self else { return text };
        words.iter().find(|word| word.eq_ignore_ascii_case(text)).copied().unwrap_or(text)
    }

    // A value that is looked up when the source is opened can only be checked then.
    fn accepts(self, value: &OptionValue) -> bool {
        match (self, value) {
            (Takes::Secret, OptionValue::Secret(_) | OptionValue::Env(_)) => true,
            (Takes::Secret, _) => false,
            (Takes::Number(min, max), OptionValue::Number(n)) => (min..=max).contains(n),
            (Takes::Share, OptionValue::Number(n)) => (0..=1).contains(n),
            (Takes::Number(..), _) => false,
            (Takes::Header, OptionValue::Bool(_)) => true,
            (Takes::Header, OptionValue::Text(names)) => !names.trim().is_empty(),
            (Takes::Byte, OptionValue::Text(text)) => byte(text).is_some(),
            (Takes::ByteOrNone, OptionValue::Text(text)) => text.is_empty() || byte(text).is_some(),
            (Takes::Byte | Takes::ByteOrNone | Takes::Header, _) => false,
            (_, OptionValue::Secret(_) | OptionValue::Env(_)) => true,
            (Takes::Text, OptionValue::Text(text)) => !text.is_empty(),
            (Takes::Share, OptionValue::Text(text)) => share(text).is_some(),
            (Takes::Word(words), OptionValue::Text(text)) => words.iter().any(|word| word.eq_ignore_ascii_case(text)),
            (Takes::Start, OptionValue::Text(text)) => Start::parse(text).is_some(),
            _ => false,
        }
    }
}

/// One option of a kind of source.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// The name, as in `FROM KAFKA (name = value)`.
    pub name: &'static str,
    /// What it takes.
    pub takes: Takes,
    /// Whether the source cannot do without.
    pub required: bool,
    /// What holds when it is not given.
    pub default: Option<&'static str>,
    /// What it does, as a sentence.
    pub doc: &'static str,
}

pub(crate) const fn option(name: &'static str, takes: Takes, default: Option<&'static str>, doc: &'static str) -> OptionSpec {
    OptionSpec { name, takes, required: false, default, doc }
}

const fn required(name: &'static str, takes: Takes, doc: &'static str) -> OptionSpec {
    OptionSpec { name, takes, required: true, default: None, doc }
}

const PROTOCOLS: &[&str] = &["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
const MECHANISMS: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
const ISOLATION: &[&str] = &["read_committed", "read_uncommitted"];

const KAFKA: &[OptionSpec] = &[
    required("brokers", Takes::Text, "The brokers to start from, as host:port, separated by commas."),
    required("topic", Takes::Text, "The topic."),
    option("start", Takes::Start, Some("earliest"), "Where reading begins when the stream is created."),
    option("security_protocol", Takes::Word(PROTOCOLS), Some("PLAINTEXT"), "How to talk to the brokers."),
    option("sasl_mechanism", Takes::Word(MECHANISMS), Some("PLAIN"), "How to log in when the protocol is a SASL one."),
    option("sasl_username", Takes::Text, None, "The user to log in as."),
    option("sasl_password", Takes::Secret, None, "The user's password."),
    option("ssl_ca_location", Takes::Text, None, "A PEM file with the authorities that may vouch for the brokers."),
    option("ssl_certificate_location", Takes::Text, None, "A PEM file with our certificate, for mutual TLS."),
    option("ssl_key_location", Takes::Text, None, "A PEM file with our private key, for mutual TLS."),
    option("ssl_key_password", Takes::Secret, None, "The private key's password."),
    option("group_id", Takes::Text, Some("helios-NAME"), "The group that offsets are also committed to, for lag tools only."),
    option(
        "isolation_level",
        Takes::Word(ISOLATION),
        Some("read_committed"),
        "Whether records of aborted transactions are left out.",
    ),
    option(
        "message_max_bytes",
        Takes::Number(1, 1 << 30),
        Some("16777216"),
        "A larger message stops the stream instead of being skipped.",
    ),
];

const KINESIS: &[OptionSpec] = &[
    option("stream", Takes::Text, None, "The stream's name."),
    option("arn", Takes::Text, None, "The stream's ARN instead of its name, for streams of other accounts."),
    option("region", Takes::Text, None, "The region; where it is not given, that of the ARN or of the environment."),
    option("start", Takes::Start, Some("earliest"), "Where reading begins when the stream is created."),
    option("mode", Takes::Word(&["poll", "fan_out"]), Some("poll"), "Whether records are polled, or pushed (enhanced fan-out)."),
    option(
        "consumer",
        Takes::Text,
        Some("helios-NAME"),
        "The consumer to register for pushed records, deregistered with the stream; or the ARN of one of yours, which stays.",
    ),
    option("role_arn", Takes::Text, None, "A role to assume before reading."),
    option("external_id", Takes::Text, None, "The external id that the role's trust policy asks for."),
    option("access_key_id", Takes::Secret, None, "An access key, where the default credentials are not to be used."),
    option("secret_access_key", Takes::Secret, None, "The access key's secret."),
    option("session_token", Takes::Secret, None, "The session token of a temporary access key."),
    option("endpoint", Takes::Text, None, "Another address of the service: a VPC endpoint, or an emulator."),
    option(
        "record_max_bytes",
        Takes::Number(1, 1 << 30),
        Some("10485760"),
        "A larger record stops the stream instead of being skipped.",
    ),
];

const HTTP: &[OptionSpec] = &[];

const DEMO: &[OptionSpec] = &[
    option("rate", Takes::Number(1, 1_000_000), Some("400"), "Events a second, on average over a day."),
    option("seed", Takes::Number(0, i64::MAX), Some("1"), "The same seed makes the same events."),
    option("backfill_minutes", Takes::Number(0, 10_080), Some("15"), "How far back the shop begins."),
    option("malformed", Takes::Share, Some("0.004"), "The share of records that do not fit."),
];

/// The options of a kind of source.
pub fn options(kind: SourceKind) -> &'static [OptionSpec] {
    match kind {
        SourceKind::Kafka => KAFKA,
        SourceKind::Kinesis => KINESIS,
        SourceKind::Http => HTTP,
        SourceKind::Demo => DEMO,
    }
}

/// Checks what a user wrote; `Invalid` names the option and what it takes, and never repeats a secret.
pub(crate) fn check(kind: SourceKind, given: &Options) -> Result<()> {
    check_against(&format!("FROM {}", kind.sql()), options(kind), given)
}

/// The same for any table of options; `owner` is what has them, as SQL writes it.
pub(crate) fn check_against(owner: &str, specs: &[OptionSpec], given: &Options) -> Result<()> {
    for (name, value) in given {
        let spec = specs.iter().find(|spec| spec.name == name).ok_or_else(|| unknown_of(owner, specs, name))?;
        if spec.takes.accepts(value) {
            continue;
        }
        let error = match spec.takes {
            Takes::Secret => Error::invalid(format!("the option {name} holds a secret and cannot be written out")),
            _ => Error::invalid(format!("the option {name} cannot be {value}")),
        };
        return Err(error.hint(format!("It takes {}.", spec.takes.describe())));
    }
    match specs.iter().find(|spec| spec.required && !given.contains_key(spec.name)) {
        Some(missing) => Err(Error::invalid(format!("{owner} needs the option {}", missing.name)).hint(format!(
            "{} It takes {}.",
            missing.doc,
            missing.takes.describe()
        ))),
        None => Ok(()),
    }
}

/// The error for an option that a kind of source does not have.
pub(crate) fn unknown(kind: SourceKind, name: &str) -> Error {
    unknown_of(&format!("FROM {}", kind.sql()), options(kind), name)
}

fn unknown_of(owner: &str, specs: &[OptionSpec], name: &str) -> Error {
    let names: Vec<&str> = specs.iter().map(|spec| spec.name).collect();
    let error = Error::invalid(format!("{owner} has no option {name}"));
    match nearest(name, names.iter().copied()) {
        Some(near) => error.hint(format!("Did you mean {near}? The options are: {}.", names.join(", "))),
        None if names.is_empty() => error.hint("It takes no options."),
        None => error.hint(format!("The options are: {}.", names.join(", "))),
    }
}

/// Where reading begins in a Kafka topic or a Kinesis stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Earliest,
    Latest,
    At(Timestamp),
}

impl Start {
    pub(crate) fn parse(text: &str) -> Option<Start> {
        match text.to_ascii_lowercase().as_str() {
            "earliest" => Some(Start::Earliest),
            "latest" => Some(Start::Latest),
            _ => string_to_timestamp_nanos(text).ok().map(|nanos| Start::At(Timestamp(nanos / 1_000))),
        }
    }
}

/// The one ASCII character that `text` is.
pub(crate) fn byte(text: &str) -> Option<u8> {
    match text.as_bytes() {
        b"\\t" => Some(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r') => Some(*byte),
        _ => None,
    }
}

fn share(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share))
}

/// Options that have passed [`check`], with their defaults and with secrets looked up.
pub(crate) struct Checked<'a> {
    specs: &'static [OptionSpec],
    given: &'a Options,
    secrets: &'a dyn Secrets,
}

impl<'a> Checked<'a> {
    pub(crate) fn new(kind: SourceKind, given: &'a Options, secrets: &'a dyn Secrets) -> Result<Checked<'a>> {
        check(kind, given)?;
        Ok(Checked { specs: options(kind), given, secrets })
    }

    /// The same for a table of options that `given` was checked against.
    pub(crate) fn of(specs: &'static [OptionSpec], given: &'a Options, secrets: &'a dyn Secrets) -> Checked<'a> {
        Checked { specs, given, secrets }
    }

    /// The value as text, or its default. It may be a secret: never log it.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let spec = self.specs.iter().find(|spec| spec.name == name);
        Ok(match self.given.get(name) {
            Some(value @ (OptionValue::Secret(_) | OptionValue::Env(_))) => {
                let found = self.secrets.resolve(value).map_err(|e| e.context(format!("reading the option {name}")))?;
                Some(found.reveal().to_owned())
            }
            Some(OptionValue::Text(text)) => Some(spec.map_or(text.as_str(), |spec| spec.takes.spelled(text)).to_owned()),
            Some(OptionValue::Number(n)) => Some(n.to_string()),
            Some(OptionValue::Bool(b)) => Some(b.to_string()),
            None => spec.and_then(|spec| spec.default).map(str::to_owned),
        })
    }

    /// The value of an option that is required or has a default.
    pub(crate) fn need(&self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| Error::invalid(format!("the option {name} is missing")))
    }

    /// The value of a numeric option with a default.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T> {
        self.need(name)?.parse().map_err(|_| Error::invalid(format!("the option {name} is not a number")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn kafka(more: &[(&str, OptionValue)]) -> Options {
        let mut options = BTreeMap::from([
            ("brokers".to_owned(), OptionValue::Text("localhost:9092".into())),
            ("topic".to_owned(), OptionValue::Text("orders".into())),
        ]);
        options.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        options
    }

    #[test]
    fn an_unknown_option_names_itself_and_the_nearest() {
        let error = check(SourceKind::Kafka, &kafka(&[("topics", OptionValue::Text("x".into()))])).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("FROM KAFKA has no option topics. Did you mean topic? The options are: brokers, topic,"),
            "{error}"
        );
        let error = check(SourceKind::Http, &kafka(&[])).unwrap_err();
        assert_eq!(error.to_string(), "FROM HTTP has no option brokers. It takes no options.");
    }

    #[test]
    fn an_ill_typed_option_says_what_it_takes() {
        let error = check(SourceKind::Kafka, &kafka(&[("start", OptionValue::Text("yesterday".into()))])).unwrap_err();
        assert!(
            error.to_string().starts_with("the option start cannot be 'yesterday'. It takes 'earliest', 'latest' or"),
            "{error}"
        );
        let error = check(SourceKind::Demo, &BTreeMap::from([("rate".to_owned(), OptionValue::Number(0))])).unwrap_err();
        assert_eq!(error.to_string(), "the option rate cannot be 0. It takes a whole number from 1 to 1000000.");
    }

    #[test]
    fn a_literal_secret_is_refused_without_repeating_it() {
        let error = check(SourceKind::Kafka, &kafka(&[("sasl_password", OptionValue::Text("hunter2".into()))])).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(check(SourceKind::Kafka, &kafka(&[("sasl_password", OptionValue::Secret("kafka".into()))])).is_ok());
    }

    #[test]
    fn a_missing_option_says_what_it_is_for() {
        let error = check(SourceKind::Kafka, &BTreeMap::new()).unwrap_err();
        assert!(error.to_string().starts_with("FROM KAFKA needs the option brokers. The brokers to start from"), "{error}");
    }

    #[test]
    fn a_start_is_a_word_or_a_moment() {
        assert_eq!(Start::parse("LATEST"), Some(Start::Latest));
        assert_eq!(Start::parse("1970-01-01T00:00:01Z"), Some(Start::At(Timestamp(1_000_000))));
        assert_eq!(Start::parse("soon"), None);
    }
}
