//! Streams as users define, change and watch them.

mod change;
mod status;

pub use change::{StreamChange, StreamCommand};
pub use status::{StreamState, StreamStatus, Watermark};

use crate::clock::Timestamp;
use crate::column::{Column, quoted};
use crate::drift::OnTypeChange;
use crate::error::Result;
use crate::name::StreamName;
use crate::quarantine::QuarantineId;
use crate::rehearsal::{Reach, Rehearsal};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The number of a stream; a dropped stream's number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct StreamId(pub i64);

/// Where records come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A Kafka topic.
    Kafka,
    /// An Amazon Kinesis data stream.
    Kinesis,
    /// `POST /v1/streams/NAME/records`, and `helios load`.
    Http,
    /// The made-up shop.
    Demo,
}

impl SourceKind {
    /// Every kind with the word SQL uses.
    pub const ALL: [(SourceKind, &'static str); 4] =
        [(SourceKind::Kafka, "KAFKA"), (SourceKind::Kinesis, "KINESIS"), (SourceKind::Http, "HTTP"), (SourceKind::Demo, "DEMO")];

    /// The word SQL uses.
    pub fn sql(self) -> &'static str {
        SourceKind::ALL.iter().find(|(kind, _)| *kind == self).map(|(_, word)| *word).expect("ALL lists every kind")
    }
}

/// The value of an option in `FROM KAFKA (option = value)`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionValue {
    /// `'text'`
    Text(String),
    /// `12`
    Number(i64),
    /// `true`
    Bool(bool),
    /// `SECRET 'name'`: looked up when the source is opened; the value is never stored.
    Secret(String),
    /// `ENV 'NAME'`: read from the environment when the source is opened; the value is never stored.
    Env(String),
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        match self {
            OptionValue::Text(value) => f.write_str(&text(value)),
            OptionValue::Number(value) => value.fmt(f),
            OptionValue::Bool(value) => value.fmt(f),
            OptionValue::Secret(name) => write!(f, "SECRET {}", text(name)),
            OptionValue::Env(name) => write!(f, "ENV {}", text(name)),
        }
    }
}

/// Named options, checked by the part that uses them.
pub type Options = BTreeMap<String, OptionValue>;

/// How payloads are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object a record.
    #[default]
    Json,
    /// One CSV line a record, fields in column order.
    Csv,
    /// The same with tabs between the fields.
    Tsv,
    /// Text that becomes one column, whole.
    Text,
    /// One MessagePack map a record.
    Msgpack,
    /// Log events of a CloudWatch Logs subscription, many a record.
    CloudwatchLogs,
    /// One Avro record, by a schema of the registry or a fixed one.
    Avro,
    /// One Protobuf message, by a schema of the registry or a fixed one.
    Protobuf,
}

impl Format {
    /// Every format with the word SQL uses.
    pub const ALL: [(Format, &'static str); 8] = [
        (Format::Json, "JSON"),
        (Format::Csv, "CSV"),
        (Format::Tsv, "TSV"),
        (Format::Text, "TEXT"),
        (Format::Msgpack, "MSGPACK"),
        (Format::Avro, "AVRO"),
        (Format::Protobuf, "PROTOBUF"),
        (Format::CloudwatchLogs, "CLOUDWATCH_LOGS"),
    ];

    /// The word SQL uses.
    pub fn sql(self) -> &'static str {
        Format::ALL.iter().find(|(format, _)| *format == self).map(|(_, word)| *word).expect("ALL lists every format")
    }
}

/// `DEDUPLICATE BY (a, b) WITHIN INTERVAL '1 day'`
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Deduplicate {
    /// The columns that identify a row.
    pub by: Vec<String>,
    /// How long an identity is remembered, in arrival time.
    pub within: Duration,
}

/// `PARTITION BY day(ts)`
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartitionBy {
    /// The length of a partition.
    pub unit: TimePart,
    /// A timestamp column.
    pub column: String,
}

/// The length of a time partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimePart {
    /// An hour, UTC.
    Hour,
    /// A day, UTC.
    Day,
    /// A calendar month, UTC.
    Month,
}

impl TimePart {
    /// The word SQL uses: `day(ts)`.
    pub fn sql(self) -> &'static str {
        match self {
            TimePart::Hour => "hour",
            TimePart::Day => "day",
            TimePart::Month => "month",
        }
    }
}

/// `ADD RULE name CHECK (condition) ON FAIL ...`
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// An SQL condition over the columns; a row for which it is false breaks the rule, one for which it is null does not.
    pub condition: String,
    /// What becomes of a row that breaks it.
    pub on_fail: OnFail,
}

/// What becomes of a row that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// Its record is quarantined.
    Quarantine,
    /// It is left out and counted as filtered.
    Drop,
    /// It is stored; the rule's name is in its `_tags`.
    Tag,
}

impl OnFail {
    /// All with the word SQL uses.
    pub const ALL: [(OnFail, &'static str); 3] =
        [(OnFail::Quarantine, "QUARANTINE"), (OnFail::Drop, "DROP"), (OnFail::Tag, "TAG")];

    /// The word SQL uses.
    pub fn sql(self) -> &'static str {
        OnFail::ALL.iter().find(|(on_fail, _)| *on_fail == self).map(|(_, word)| *word).expect("ALL lists every one")
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RULE {} CHECK ({}) ON FAIL {}", quoted(&self.name), self.condition, self.on_fail.sql())
    }
}

/// Everything `CREATE STREAM` says. `Display` writes the statement back; secrets stay names.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StreamDefinition {
    /// The stream and its table.
    pub name: StreamName,
    /// Where records come from.
    pub source: SourceKind,
    /// How to reach it.
    pub options: Options,
    /// How payloads are written.
    pub format: Format,
    /// What the format leaves open: its schema, a registry, a delimiter.
    #[serde(default)]
    pub format_options: Options,
    /// The columns; empty means: infer them from a sample.
    pub columns: Vec<Column>,
    /// The column that says when the event happened.
    pub event_time: Option<String>,
    /// How far behind the newest event a row may be before it counts as late.
    pub lateness: Option<Duration>,
    /// Which rows count as repeated.
    pub deduplicate: Option<Deduplicate>,
    /// How files are split by time.
    pub partition_by: Option<PartitionBy>,
    /// How files are sorted.
    pub order_by: Vec<String>,
    /// How long rows are kept, by event time, or by arrival where there is none.
    pub retain: Option<Duration>,
    /// An SQL condition: rows for which it is not true are left out and counted.
    #[serde(default)]
    pub filter: Option<String>,
    /// What rows are held against, in this order.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What happens when a field changes its type.
    #[serde(default)]
    pub on_type_change: OnTypeChange,
}

impl StreamDefinition {
    /// A stream with nothing but a name, a source and JSON payloads.
    pub fn new(name: StreamName, source: SourceKind) -> StreamDefinition {
        StreamDefinition {
            name,
            source,
            options: Options::new(),
            format: Format::Json,
            format_options: Options::new(),
            columns: Vec::new(),
            event_time: None,
            lateness: None,
            deduplicate: None,
            partition_by: None,
            order_by: Vec::new(),
            retain: None,
            filter: None,
            rules: Vec::new(),
            on_type_change: OnTypeChange::default(),
        }
    }
}

impl fmt::Display for StreamDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| names.iter().map(|n| quoted(n)).collect::<Vec<_>>().join(", ");
        write!(f, "CREATE STREAM {}", self.name)?;
        if !self.columns.is_empty() {
            let columns: Vec<String> = self.columns.iter().map(|c| format!("  {c}")).collect();
            write!(f, " (\n{}\n)", columns.join(",\n"))?;
        }
        write!(f, " FROM {}", self.source.sql())?;
        write!(f, "{}\n  FORMAT {}{}", written(&self.options), self.format.sql(), written(&self.format_options))?;
        if let Some(column) = &self.event_time {
            write!(f, "\n  EVENT TIME {}", quoted(column))?;
        }
        if let Some(lateness) = self.lateness {
            write!(f, " ALLOW LATENESS {}", interval(lateness))?;
        }
        if let Some(rule) = &self.deduplicate {
            write!(f, "\n  DEDUPLICATE BY ({}) WITHIN {}", list(&rule.by), interval(rule.within))?;
        }
        if let Some(partition) = &self.partition_by {
            write!(f, "\n  PARTITION BY {}({})", partition.unit.sql(), quoted(&partition.column))?;
        }
        if !self.order_by.is_empty() {
            write!(f, "\n  ORDER BY ({})", list(&self.order_by))?;
        }
        if let Some(retain) = self.retain {
            write!(f, "\n  RETAIN {}", interval(retain))?;
        }
        if let Some(condition) = &self.filter {
            write!(f, "\n  FILTER WHERE ({condition})")?;
        }
        for rule in &self.rules {
            write!(f, "\n  {rule}")?;
        }
        if self.on_type_change != OnTypeChange::default() {
            write!(f, "\n  ON TYPE CHANGE {}", self.on_type_change.sql())?;
        }
        Ok(())
    }
}

/// Options as SQL writes them, after a blank; nothing where there are none.
pub(crate) fn written(options: &Options) -> String {
    if options.is_empty() {
        return String::new();
    }
    let options: Vec<String> = options.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!(" ({})", options.join(", "))
}

/// A duration as SQL writes it, in the largest unit that divides it: `INTERVAL '5 minutes'`.
pub fn interval(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] =
        [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"), (1, "millisecond")];
    let millis = duration.as_millis();
    let (unit, word) =
        UNITS.into_iter().find(|(unit, _)| millis != 0 && millis.is_multiple_of(*unit)).unwrap_or((1, "millisecond"));
    let n = millis / unit;
    format!("INTERVAL '{n} {word}{}'", if n == 1 { "" } else { "s" })
}

/// A stream as the catalog keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Its number.
    pub id: StreamId,
    /// Counts changes of the definition, from 1; a change is refused when it does not name the current one.
    pub version: u64,
    /// What the user said, with columns inferred and field ids assigned.
    pub definition: StreamDefinition,
    /// Whether reading is stopped on purpose.
    pub paused: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Carries out statements about streams.
#[async_trait]
pub trait StreamControl: Send + Sync {
    /// Carries out `command`; answers the stream's definition after it (before it, for `DROP`).
    ///
    /// # Errors
    /// `Invalid`, `NotFound`, `Conflict` for the statement; `Unavailable` when a sample was needed and the source is away.
    async fn apply(&self, command: StreamCommand) -> Result<StreamDefinition>;

    /// What a change would do to records read lately, and to quarantined records. Changes nothing.
    ///
    /// # Errors
    /// As for the change itself.
    async fn rehearse(
        &self,
        name: &StreamName,
        change: StreamChange,
        reach: Reach,
        quarantined: Vec<QuarantineId>,
    ) -> Result<Rehearsal>;

    /// How every stream is doing.
    fn status(&self) -> Vec<StreamStatus>;
}
