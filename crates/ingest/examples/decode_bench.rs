//! Measures how fast JSON becomes Arrow: this crate's decoder, arrow-json, and a walk over `serde_json::Value`; then the same
//! records in other formats. Prints records per second on one core, the median of five runs.

use arrow::json::ReaderBuilder;
use bytes::Bytes;
use helios_contract::StreamName;
use helios_contract::clock::Timestamp;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::record::{Position, Record};
use helios_contract::stream::{Format, OptionValue, Options, SourceKind, StreamDefinition};
use std::hint::black_box;
use std::sync::Arc;
use tokio::time::Instant;

const N_RECORDS: usize = 200_000;
const N_TOGETHER: usize = 8_192;
const N_RUNS: usize = 5;

fn main() {
    let columns = columns();
    let records = records();
    let n_bytes: usize = records.iter().map(|record| record.payload.len()).sum();
    println!("{N_RECORDS} records of {} bytes on average, {N_TOGETHER} together", n_bytes / N_RECORDS);
    measure("helios decoder", || helios(&columns, &records));
    measure("arrow-json", || arrow_json(&columns, &records));
    measure("serde_json::Value, no columns", || serde_json_values(&records));
    for format in [Format::Avro, Format::Protobuf, Format::Msgpack, Format::Csv] {
        let (given, records) = in_format(format, &columns, &records);
        measure(&format!("helios decoder, {}", format.sql()), || with_format(&columns, format, &given, &records));
    }
    let given = Options::from([("schema".to_owned(), OptionValue::Text(JSON_SCHEMA.to_owned()))]);
    measure("helios decoder, JSON with schema", || with_format(&columns, Format::Json, &given, &records));
}

const JSON_SCHEMA: &str = r#"{"type":"object","required":["timestamp","price"],"properties":{"timestamp":{"type":"string"},"price":{"type":"number"},"quantity":{"type":"integer","minimum":0},"region":{"type":"string","maxLength":20}}}"#;

fn with_format(columns: &[Column], format: Format, given: &Options, records: &[Record]) -> usize {
    let name = StreamName::new("shop").expect("a good name");
    let definition = StreamDefinition {
        columns: columns.to_vec(),
        format,
        format_options: given.clone(),
        ..StreamDefinition::new(name, SourceKind::Http)
    };
    let mut decoder = helios_ingest::decode::open(&definition);
    records.chunks(N_TOGETHER).map(|chunk| black_box(decoder.decode("0", chunk)).rows.num_rows()).sum()
}

/// The same records in another format, and its options.
fn in_format(format: Format, columns: &[Column], records: &[Record]) -> (Options, Vec<Record>) {
    let schema = match format {
        Format::Avro => {
            let field = |c: &Column| format!(r#"{{"name":"{}","type":"{}"}}"#, c.name, kind(c, ["string", "double", "long"]));
            let fields: Vec<String> = columns.iter().map(field).collect();
            format!(r#"{{"type":"record","name":"Event","fields":[{}]}}"#, fields.join(","))
        }
        _ => {
            let field = |(i, c): (usize, &Column)| format!("{} {} = {};", kind(c, ["string", "double", "int64"]), c.name, i + 1);
            let fields: Vec<String> = columns.iter().enumerate().map(field).collect();
            format!(r#"syntax = "proto3"; message Event {{ {} }}"#, fields.join(" "))
        }
    };
    let has_schema = matches!(format, Format::Avro | Format::Protobuf);
    let given = has_schema.then(|| ("schema".to_owned(), OptionValue::Text(schema))).into_iter().collect();
    let records = records.iter().map(|record| {
        let event: serde_json::Value = serde_json::from_slice(&record.payload).expect("JSON");
        let mut out = Vec::new();
        let mut cells = Vec::new();
        for (i, column) in columns.iter().enumerate() {
            let value = &event[&column.name];
            match format {
                Format::Avro => avro(&mut out, value),
                Format::Protobuf => protobuf(&mut out, i as u64 + 1, value),
                Format::Msgpack => cells.push((rmpv::Value::from(column.name.as_str()), msgpack(value))),
                _ => out.extend(format!("{}{value}", if i > 0 { "," } else { "" }).bytes()),
            }
        }
        if format == Format::Msgpack {
            rmpv::encode::write_value(&mut out, &rmpv::Value::Map(cells)).expect("memory takes every value");
        }
        Record { payload: Bytes::from(out), ..record.clone() }
    });
    (given, records.collect())
}

fn kind(column: &Column, [text, double, whole]: [&'static str; 3]) -> &'static str {
    match column.data_type {
        ColumnType::Double => double,
        ColumnType::BigInt => whole,
        _ => text,
    }
}

fn varint(out: &mut Vec<u8>, number: u64) {
    prost_reflect::prost::encoding::encode_varint(number, out);
}

fn avro(out: &mut Vec<u8>, value: &serde_json::Value) {
    match (value.as_str(), value.as_u64(), value.as_f64()) {
        (Some(text), ..) => {
            varint(out, 2 * text.len() as u64);
            out.extend(text.bytes());
        }
        (None, Some(whole), _) => varint(out, 2 * whole),
        (.., double) => out.extend(double.unwrap_or_default().to_le_bytes()),
    }
}

fn protobuf(out: &mut Vec<u8>, number: u64, value: &serde_json::Value) {
    match (value.as_str(), value.as_u64(), value.as_f64()) {
        (Some(text), ..) => {
            varint(out, number << 3 | 2);
            varint(out, text.len() as u64);
            out.extend(text.bytes());
        }
        (None, Some(whole), _) => {
            varint(out, number << 3);
            varint(out, whole);
        }
        (.., double) => {
            varint(out, number << 3 | 1);
            out.extend(double.unwrap_or_default().to_le_bytes());
        }
    }
}

fn msgpack(value: &serde_json::Value) -> rmpv::Value {
    match (value.as_str(), value.as_u64()) {
        (Some(text), _) => rmpv::Value::from(text),
        (None, Some(whole)) => rmpv::Value::from(whole),
        (None, None) => rmpv::Value::from(value.as_f64().unwrap_or_default()),
    }
}

fn measure(name: &str, mut run: impl FnMut() -> usize) {
    let mut rates: Vec<f64> = (0..N_RUNS)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(run(), N_RECORDS, "{name} lost records");
            N_RECORDS as f64 / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    println!("{name:32} {:>10.0} records/s", rates[N_RUNS / 2]);
}

fn helios(columns: &[Column], records: &[Record]) -> usize {
    let name = StreamName::new("shop").expect("a good name");
    let definition = StreamDefinition { columns: columns.to_vec(), ..StreamDefinition::new(name, SourceKind::Demo) };
    let mut decoder = helios_ingest::decode::open(&definition);
    records.chunks(N_TOGETHER).map(|chunk| black_box(decoder.decode("0", chunk)).rows.num_rows()).sum()
}

fn arrow_json(columns: &[Column], records: &[Record]) -> usize {
    let schema = arrow::datatypes::Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>());
    let mut decoder =
        ReaderBuilder::new(Arc::new(schema)).with_batch_size(N_TOGETHER).build_decoder().expect("a schema it knows");
    let mut n_rows = 0;
    for chunk in records.chunks(N_TOGETHER) {
        for record in chunk {
            decoder.decode(&record.payload).expect("valid JSON");
        }
        n_rows += black_box(decoder.flush().expect("fitting values")).map_or(0, |batch| batch.num_rows());
    }
    n_rows
}

fn serde_json_values(records: &[Record]) -> usize {
    let parse = |record: &Record| serde_json::from_slice::<serde_json::Value>(&record.payload).expect("valid JSON");
    records.iter().filter(|record| black_box(parse(record)).is_object()).count()
}

fn columns() -> Vec<Column> {
    let text = ["product_id", "user_id", "action_type", "session_id", "region", "user_type", "category", "brand", "device_type"];
    let mut columns = vec![
        Column::new("timestamp", ColumnType::Timestamp(TimeFormat::Rfc3339)),
        Column::new("price", ColumnType::Double),
        Column::new("quantity", ColumnType::BigInt),
    ];
    columns.extend(text.map(|name| Column::new(name, ColumnType::Text)));
    columns
}

fn records() -> Vec<Record> {
    let mut random = fastrand::Rng::with_seed(1);
    (0..N_RECORDS)
        .map(|i| Record {
            position: Position::Number(i as i64),
            time: Timestamp(1_795_252_680_000_000 + i as i64),
            key: None,
            headers: Vec::new(),
            payload: Bytes::from(payload(&mut random)),
        })
        .collect()
}

fn payload(random: &mut fastrand::Rng) -> String {
    let action = random.choice(["view", "add_to_cart", "purchase"]).expect("not empty");
    let region = random.choice(["eu-west", "eu-north", "us-east", "ap-south"]).expect("not empty");
    let category = random.choice(["shoes", "books", "kitchen", "garden"]).expect("not empty");
    let brand = random.choice(["Acme", "Umbra", "Nordic", "Hélios"]).expect("not empty");
    let device = random.choice(["mobile", "desktop", "tablet"]).expect("not empty");
    format!(
        r#"{{"timestamp":"2026-11-21T09:{:02}:{:02}.{:03}Z","product_id":"p-{:05}","price":{}.{:02},"quantity":{},"user_id":"u-{:06}","action_type":"{action}","session_id":"{:016x}","region":"{region}","user_type":"returning","category":"{category}","brand":"{brand}","device_type":"{device}"}}"#,
        random.u8(..60),
        random.u8(..60),
        random.u16(..1000),
        random.u32(..100_000),
        random.u16(1..400),
        random.u8(..100),
        random.u8(1..9),
        random.u32(..1_000_000),
        random.u64(..),
    )
}
