//! Records of a CloudWatch Logs subscription: each holds many log events, which become records of their own.

use super::unpack::{Compression, Unpacker};
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::record::{Chunk, Position, Record};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a subscription sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    message_type: String,
    owner: String,
    log_group: String,
    log_stream: String,
    #[serde(default)]
    subscription_filters: Vec<String>,
    log_events: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    id: String,
    timestamp: i64,
    message: String,
    extracted_fields: Option<Box<RawValue>>,
}

/// One log event, as the decoder is to read it.
#[derive(Serialize)]
struct Row<'e> {
    id: &'e str,
    timestamp: i64,
    message: &'e str,
    log_group: &'e str,
    log_stream: &'e str,
    owner: &'e str,
    message_type: &'e str,
    subscription_filters: &'e [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    extracted_fields: Option<&'e RawValue>,
}

/// The columns that every log event fills; what else it has goes to `_rest`.
pub(crate) fn columns() -> Vec<Column> {
    let text = |name: &str| Column::new(name, ColumnType::Text);
    let time = Column::new("timestamp", ColumnType::Timestamp(TimeFormat::EpochMillis));
    vec![text("id"), time, text("message"), text("log_group"), text("log_stream"), text("owner"), text("message_type")]
}

/// Takes the records of chunks apart. What is no subscription's record stays as it is: the decoder says what is wrong with it.
///
/// The messages by which a subscription tries whether it arrives have events, too, of the type `CONTROL_MESSAGE`.
pub(crate) fn expand(chunks: &mut [Chunk], compression: Compression) {
    let mut unpacker = Unpacker::new(compression);
    for chunk in chunks {
        let mut records = Vec::with_capacity(chunk.records.len());
        for record in std::mem::take(&mut chunk.records) {
            match events(&record, &mut unpacker) {
                Some(events) => records.extend(events),
                None => records.push(record),
            }
        }
        chunk.records = records;
    }
}

/// The log events of a payload, each as JSON; none of them where it has another form.
pub(crate) fn payloads(payload: &[u8], compression: Compression) -> Option<Vec<Bytes>> {
    read(payload, &mut Unpacker::new(compression))
}

/// Whether a payload comes from a subscription.
pub(crate) fn is_subscription(payload: &[u8]) -> bool {
    payloads(payload, Compression::Auto).is_some()
}

fn events(record: &Record, unpacker: &mut Unpacker) -> Option<Vec<Record>> {
    let payloads = read(&record.payload, unpacker)?;
    let event = |(i, payload)| {
        let position = Position::Text(format!("{}/{i}", record.position).into());
        Record { position, payload, ..record.clone() }
    };
    Some(payloads.into_iter().enumerate().map(event).collect())
}

fn read(payload: &[u8], unpacker: &mut Unpacker) -> Option<Vec<Bytes>> {
    unpacker.start_batch();
    let envelope: Envelope = serde_json::from_slice(unpacker.unpack(payload).ok()?).ok()?;
    let row = |event: &Event| {
        let row = Row {
            id: &event.id,
            timestamp: event.timestamp,
            message: &event.message,
            log_group: &envelope.log_group,
            log_stream: &envelope.log_stream,
            owner: &envelope.owner,
            message_type: &envelope.message_type,
            subscription_filters: &envelope.subscription_filters,
            extracted_fields: event.extracted_fields.as_deref(),
        };
        serde_json::to_vec(&row).map(Bytes::from).ok()
    };
    // One without events would vanish.
    if envelope.log_events.is_empty() { None } else { envelope.log_events.iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use helios_contract::Timestamp;
    use std::io::Write;

    const ENVELOPE: &str = r#"{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/shop",
        "logStream":"2026/11/21/[$LATEST]ab","subscriptionFilters":["all"],"logEvents":[
        {"id":"1","timestamp":1795276800000,"message":"START \"x\"\n"},
        {"id":"2","timestamp":1795276800001,"message":"{\"level\":\"info\"}","extractedFields":{"level":"info"}}]}"#;

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    fn chunk(payloads: &[&[u8]]) -> Chunk {
        let record = |(i, payload): (usize, &&[u8])| Record {
            position: Position::Text(format!("4{i}").into()),
            time: Timestamp(7),
            key: Some(Bytes::from_static(b"k")),
            headers: Vec::new(),
            payload: Bytes::copy_from_slice(payload),
        };
        let records = payloads.iter().enumerate().map(record).collect();
        let (partition, to) = ("s".into(), "41".into());
        Chunk { partition, from: None, to, records, gaps: Vec::new(), idempotency_key: None, tag: 0 }
    }

    #[test]
    fn every_log_event_becomes_a_record_with_its_group_and_place() {
        let mut chunks = [chunk(&[&gzip(ENVELOPE), b"other"])];
        expand(&mut chunks, Compression::Auto);
        let positions: Vec<String> = chunks[0].records.iter().map(|record| record.position.to_string()).collect();
        assert_eq!(positions, ["40/0", "40/1", "41"]);
        let second: serde_json::Value = serde_json::from_slice(&chunks[0].records[1].payload).unwrap();
        assert_eq!(second["log_group"], "/aws/lambda/shop");
        assert_eq!((&second["timestamp"], &second["message"]), (&1_795_276_800_001_i64.into(), &r#"{"level":"info"}"#.into()));
        assert_eq!(second["extracted_fields"]["level"], "info");
        assert_eq!(chunks[0].records[1].key.as_deref(), Some(&b"k"[..]));
    }

    #[test]
    fn what_is_no_subscriptions_record_stays_as_it_is() {
        let empty = ENVELOPE.split("\"logEvents\"").next().unwrap().to_owned() + "\"logEvents\":[]}";
        let mut cut = gzip(ENVELOPE);
        cut.truncate(60);
        for payload in [empty.as_bytes(), &cut, b"{}", b""] {
            assert!(!is_subscription(payload));
            let mut chunks = [chunk(&[payload])];
            expand(&mut chunks, Compression::Auto);
            assert_eq!(chunks[0].records[0].payload, payload);
        }
        // Taken apart once, events are not taken apart again.
        let events = payloads(ENVELOPE.as_bytes(), Compression::Auto).unwrap();
        assert!(!is_subscription(&events[0]));
    }
}
