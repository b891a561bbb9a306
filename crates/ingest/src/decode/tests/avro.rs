//! Avro records as the library writes them, in columns as users declare them.

use super::{column, decode_with, open, options, outcome, record, shown};
use apache_avro::schema::Schema;
use apache_avro::types::Value;
use helios_contract::column::{Column, ColumnType, TimeFormat};
use helios_contract::decode::{Decoded, Decoder, RegisteredSchema};
use helios_contract::stream::{Format, StreamDefinition};

const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
  {"name":"id","type":"long"},
  {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},
  {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
  {"name":"day","type":{"type":"int","logicalType":"date"}},
  {"name":"status","type":{"type":"enum","name":"Status","symbols":["NEW","PAID"]}},
  {"name":"note","type":["null","string"]},
  {"name":"customer","type":{"type":"record","name":"Customer","fields":[
    {"name":"name","type":"string"},{"name":"score","type":"float"},{"name":"next","type":["null","Customer"]}]}},
  {"name":"tags","type":{"type":"array","items":"string"}},
  {"name":"attributes","type":{"type":"map","values":"int"}},
  {"name":"key","type":{"type":"string","logicalType":"uuid"}},
  {"name":"raw","type":"bytes"}]}"#;

fn order() -> Value {
    let customer = |name: &str, next: Value| {
        Value::Record(vec![
            ("name".into(), Value::String(name.into())),
            ("score".into(), Value::Float(0.1)),
            ("next".into(), next),
        ])
    };
    let second = customer("Bo", Value::Union(0, Box::new(Value::Null)));
    Value::Record(vec![
        ("id".into(), Value::Long(7)),
        ("price".into(), Value::Decimal(vec![0xfb, 0x2e].into())),
        ("at".into(), Value::TimestampMillis(1_767_225_600_250)),
        ("day".into(), Value::Date(20_454)),
        ("status".into(), Value::Enum(1, "PAID".into())),
        ("note".into(), Value::Union(1, Box::new(Value::String("a \"b\"\n".into())))),
        ("customer".into(), customer("Ann", Value::Union(1, Box::new(second)))),
        ("tags".into(), Value::Array(vec![Value::String("x".into()), Value::String("é".into())])),
        ("attributes".into(), Value::Map([("n".to_owned(), Value::Int(-3))].into())),
        ("key".into(), Value::Uuid("6f8d0c1e-0000-4000-8000-000000000001".parse().expect("a UUID"))),
        ("raw".into(), Value::Bytes(vec![0, 255])),
    ])
}

pub(super) fn encoded(schema: &str, value: Value) -> Vec<u8> {
    let schema = Schema::parse_str(schema).expect("a schema");
    let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build().expect("a writer");
    writer.write_value_to_vec(value).expect("a value of the schema")
}

fn fixed(columns: Vec<Column>, payloads: &[Vec<u8>]) -> Decoded {
    decode_with(columns, Format::Avro, options(&[("schema", ORDER)]), payloads)
}

fn one(name: &str, data_type: ColumnType) -> String {
    outcome(&fixed(vec![column(name, data_type)], &[encoded(ORDER, order())]), name)
}

#[test]
fn every_type_in_the_column_made_for_it() {
    let definition =
        StreamDefinition { format_options: options(&[("schema", ORDER)]), ..super::definition(vec![], Format::Avro) };
    let columns = crate::format::own_columns(&definition).expect("a schema").expect("columns");
    let types: Vec<String> = columns.iter().map(ToString::to_string).collect();
    assert_eq!(
        types,
        [
            "id BIGINT",
            "price DECIMAL(10, 2)",
            "at TIMESTAMP",
            "day DATE",
            "status TEXT",
            "note TEXT",
            "customer STRUCT<name TEXT, score REAL, next JSON>",
            "tags ARRAY<TEXT>",
            "attributes JSON",
            "key TEXT",
            "raw TEXT",
        ]
    );
    let decoded = fixed(columns, &[encoded(ORDER, order())]);
    assert_eq!(decoded.rejects, []);
    let value = |name: &str| shown(&decoded.rows, name, 0);
    assert_eq!(value("id"), "7");
    assert_eq!(value("price"), "-12.34");
    assert_eq!(value("at"), "2026-01-01T00:00:00.250Z");
    assert_eq!(value("day"), "2026-01-01");
    assert_eq!(value("status"), "PAID");
    assert_eq!(value("note"), "a \"b\"\n");
    assert_eq!(value("customer"), r#"{name: Ann, score: 0.1, next: {"name":"Bo","score":0.1,"next":null}}"#);
    assert_eq!(value("tags"), "[x, é]");
    assert_eq!(value("attributes"), r#"{"n":-3}"#);
    assert_eq!(value("key"), "6f8d0c1e-0000-4000-8000-000000000001");
    assert_eq!(value("raw"), "AP8=");
    assert_eq!(value("_rest"), "NULL");
}

#[test]
fn columns_as_declared_say_what_a_value_becomes() {
    assert_eq!(one("at", ColumnType::BigInt), "1767225600250");
    assert_eq!(one("at", ColumnType::Timestamp(TimeFormat::EpochSeconds)), "2026-01-01T00:00:00.250Z");
    assert_eq!(one("at", ColumnType::Text), "2026-01-01T00:00:00.25Z");
    assert_eq!(one("day", ColumnType::Int), "20454");
    assert_eq!(one("day", ColumnType::Timestamp(TimeFormat::EpochMillis)), "2026-01-01T00:00:00Z");
    assert_eq!(one("price", ColumnType::Text), "-12.34");
    assert_eq!(one("price", ColumnType::Decimal(4, 1)), "-12.3");
    assert_eq!(one("price", ColumnType::Double), "-12.34");
    assert_eq!(one("status", ColumnType::Int), "1");
    assert_eq!(one("id", ColumnType::Timestamp(TimeFormat::EpochSeconds)), "1970-01-01T00:00:07Z");
    assert_eq!(one("id", ColumnType::Text), "expected text, found a number @ id");
    assert_eq!(one("price", ColumnType::BigInt), "expected a whole number, found -12.34 @ price");
    let inner = ColumnType::Struct(vec![column("name", ColumnType::BigInt)]);
    assert_eq!(one("customer", inner), "expected a number, found text \"Ann\" @ customer.name");
}

#[test]
fn fields_without_a_column_go_to_rest() {
    let inner = ColumnType::Struct(vec![column("name", ColumnType::Text)]);
    let decoded = fixed(vec![column("customer", inner), column("id", ColumnType::BigInt)], &[encoded(ORDER, order())]);
    let rest = shown(&decoded.rows, "_rest", 0);
    let expected = r#"{"price":-12.34,"at":"2026-01-01T00:00:00.25Z","day":"2026-01-01","status":"PAID","note":"a \"b\"\u000a","customer":{"score":0.1,"next":{"name":"Bo","score":0.1,"next":null}},"#;
    assert!(rest.starts_with(expected), "{rest}");
}

#[test]
fn a_single_object_says_its_schema_itself() {
    let schema = Schema::parse_str(ORDER).expect("a schema");
    let mut payload = vec![0xc3, 0x01];
    payload.extend(schema.fingerprint::<apache_avro::rabin::Rabin>().bytes);
    payload.extend(encoded(ORDER, order()));
    assert_eq!(outcome(&fixed(vec![column("id", ColumnType::BigInt)], &[payload]), "id"), "7");
}

#[test]
fn faults_name_their_field() {
    let bad = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut payload = encoded(ORDER, order());
        change(&mut payload);
        outcome(&fixed(vec![column("id", ColumnType::BigInt)], &[payload]), "id")
    };
    assert_eq!(bad(&|p| p.truncate(9)), "invalid Avro: the record breaks off @ ");
    assert_eq!(bad(&|p| p.clear()), "empty record @ ");
    assert_eq!(bad(&|p| p.push(1)), "invalid Avro: 1 bytes follow the record @ ");
    // The length of the decimal, after the id.
    assert_eq!(bad(&|p| p[1] = 0x07), "invalid Avro: a length of -4 @ price");
    let union = r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":["null","string"]}}]}"#;
    let bad = |payload: &[u8]| {
        let columns = vec![column("a", ColumnType::Json)];
        outcome(&decode_with(columns, Format::Avro, options(&[("schema", union)]), &[payload]), "a")
    };
    assert_eq!(bad(&[2, 0, 0]), "[null]");
    assert_eq!(bad(&[2, 8, 0]), "invalid Avro: branch 4 of a union of 2 @ a[0]");
    assert_eq!(bad(&[4, 0, 2, 2, 0xff, 0]), "invalid UTF-8 at byte 0 of a text @ a[1]");
    assert_eq!(bad(&[0xff; 12]), "invalid Avro: a number of more than 64 bits @ a");
}

#[test]
fn each_record_is_read_by_the_schema_it_names() {
    let columns = vec![column("id", ColumnType::BigInt), column("name", ColumnType::Text)];
    let given = options(&[("registry", "http://127.0.0.1:1")]);
    let definition = StreamDefinition { format_options: given, ..super::definition(columns, Format::Avro) };
    let mut decoder: Box<dyn Decoder> = open(&definition);
    let first = r#"{"type":"record","name":"R","fields":[{"name":"id","type":"int"}]}"#;
    let second = r#"{"type":"record","name":"R","fields":[{"name":"name","type":"x.Name"},{"name":"id","type":"long"}]}"#;
    let name = r#"{"type":"record","name":"Name","namespace":"x","fields":[{"name":"first","type":"string"}]}"#;
    let records = [
        record(0, [0, 0, 0, 0, 1, 2]),
        record(1, [0, 0, 0, 1, 0, 4, b'A', b'b', 6]),
        record(2, [0, 0, 0, 0, 9, 2]),
        record(3, [1, 0, 0, 0, 1, 2]),
        record(4, [0, 0, 0]),
    ];
    assert_eq!(decoder.unknown_schemas(&records), [1, 9, 256]);
    let schema = |text: &str, references| Some(RegisteredSchema { language: "AVRO".into(), text: text.into(), references });
    decoder.know_schema(1, schema(first, Vec::new()));
    decoder.know_schema(256, schema(second, vec![("x.Name".to_owned(), name.to_owned())]));
    decoder.know_schema(9, None);
    assert!(decoder.unknown_schemas(&records).is_empty());
    let decoded = decoder.decode("p0", &records);
    assert_eq!(shown(&decoded.rows, "id", 0), "1");
    let reasons: Vec<String> =
        decoded.rejects.iter().map(|reject| format!("{}: {} @ {}", reject.index, reject.reason, reject.path)).collect();
    let framing = "does not begin with 0 and the number of a schema, as a registry's serializers write @ ";
    assert_eq!(
        reasons,
        [
            "1: expected text, found an object @ name".to_owned(),
            "2: the registry has no schema 9 @ ".to_owned(),
            format!("3: {framing}"),
            format!("4: {framing}"),
        ]
    );
}

#[test]
fn a_schema_in_another_language_is_said_to_be() {
    let given = options(&[("registry", "http://127.0.0.1:1")]);
    let definition =
        StreamDefinition { format_options: given, ..super::definition(vec![column("a", ColumnType::Int)], Format::Avro) };
    let mut decoder = open(&definition);
    decoder.know_schema(3, Some(RegisteredSchema { language: "JSON".into(), text: "{}".into(), references: Vec::new() }));
    let decoded = decoder.decode("p0", &[record(0, [0, 0, 0, 0, 3, 1])]);
    assert_eq!(decoded.rejects[0].reason, "schema 3 cannot be used: it is written in JSON");
}
