//! Bytes made to harm, and bytes made by chance: each becomes a row or a reject, and its neighbours are not touched.

use super::avro::encoded;
use super::{column, decode_with, definition, open, options, record, shown};
use apache_avro::types::Value;
use helios_contract::column::{Column, ColumnType};
use helios_contract::decode::{Decoder, RegisteredSchema};
use helios_contract::stream::{Format, Options, StreamDefinition};

const LIST: &str = r#"{"type":"record","name":"Node","fields":[
  {"name":"id","type":"int"},{"name":"next","type":["null","Node"]},{"name":"nulls","type":{"type":"array","items":"null"}}]}"#;
const TREE: &str = r#"syntax = "proto3"; message Tree { int32 id = 1; repeated Tree children = 2; map<string, Tree> named = 3; string text = 4; }"#;
const SCHEMA: &str = r##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##;

fn columns() -> Vec<Column> {
    vec![column("id", ColumnType::BigInt), column("text", ColumnType::Text)]
}

/// One stream of every format.
fn formats() -> Vec<(Format, Options)> {
    vec![
        (Format::Json, Options::new()),
        (Format::Json, options(&[("schema", SCHEMA)])),
        (Format::Csv, Options::new()),
        (Format::Csv, Options::from([("header".to_owned(), helios_contract::stream::OptionValue::Bool(true))])),
        (Format::Tsv, options(&[("header", "id\tother\ttext")])),
        (Format::Msgpack, Options::new()),
        (Format::Avro, options(&[("schema", LIST)])),
        (Format::Avro, options(&[("schema", LIST), ("compression", "auto")])),
        (Format::Protobuf, options(&[("schema", TREE)])),
        (Format::Avro, options(&[("registry", "http://127.0.0.1:1")])),
        (Format::Protobuf, options(&[("registry", "http://127.0.0.1:1")])),
    ]
}

fn decoder(format: Format, given: &Options) -> Box<dyn Decoder> {
    let mut decoder = open(&StreamDefinition { format_options: given.clone(), ..definition(columns(), format) });
    let (language, text) = if format == Format::Avro { ("AVRO", LIST) } else { ("PROTOBUF", TREE) };
    decoder.know_schema(1, Some(RegisteredSchema { language: language.into(), text: text.into(), references: Vec::new() }));
    decoder
}

fn node(id: i32) -> Value {
    Value::Record(vec![
        ("id".into(), Value::Int(id)),
        ("next".into(), Value::Union(0, Box::new(Value::Null))),
        ("nulls".into(), Value::Array(vec![Value::Null])),
    ])
}

/// Good records, from which bad ones are made.
fn seeds() -> Vec<Vec<u8>> {
    let avro = encoded(LIST, node(7));
    let tree = vec![0x08, 7, 0x12, 2, 0x08, 1, 0x1a, 7, 0x0a, 1, b'k', 0x12, 2, 0x08, 2, 0x22, 2, b'o', b'k'];
    let msgpack = vec![0x82, 0xa2, b'i', b'd', 7, 0xa4, b't', b'e', b'x', b't', 0x93, 1, 0xc0, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0];
    vec![
        br#"{"id":7,"text":"x","more":[1,{"a":null}]}"#.to_vec(),
        b"7,\"x\"\"y\"".to_vec(),
        b"id,text\n7,x".to_vec(),
        b"7\tx\ty".to_vec(),
        [&[0, 0, 0, 0, 1], avro.as_slice()].concat(),
        [&[0, 0, 0, 0, 1, 0], tree.as_slice()].concat(),
        [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], avro.as_slice()].concat(),
        avro,
        tree,
        msgpack,
    ]
}

#[test]
fn nothing_panics_and_everything_ends_somewhere() {
    const N_ROUNDS: usize = 2_000;
    let mut random = fastrand::Rng::with_seed(20_261_121);
    let seeds = seeds();
    for (format, given) in formats() {
        let mut decoder = decoder(format, &given);
        for round in 0..N_ROUNDS {
            let mut bytes = seeds[random.usize(..seeds.len())].clone();
            match round % 4 {
                0 => bytes.truncate(random.usize(..bytes.len())),
                1 => (0..=random.usize(..4)).for_each(|_| {
                    let at = random.usize(..bytes.len());
                    bytes[at] = random.u8(..);
                }),
                2 => {
                    bytes.resize(random.usize(..64), 0);
                    bytes.iter_mut().for_each(|byte| *byte = random.u8(..));
                }
                _ => bytes.extend(std::iter::repeat_with(|| random.u8(..)).take(8).collect::<Vec<u8>>()),
            }
            let decoded = decoder.decode("p", &[record(0, &bytes)]);
            assert_eq!(decoded.rows.num_rows() + decoded.rejects.len(), 1, "{format:?} {bytes:?}");
            assert!(decoded.rejects.iter().all(|reject| !reject.reason.is_empty()));
        }
    }
}

#[test]
fn records_inside_each_other_without_end() {
    let reason = |format, schema: &str, payload: &[u8]| {
        let decoded = decode_with(columns(), format, options(&[("schema", schema)]), &[payload]);
        decoded.rejects.first().map(|reject| reject.reason.clone()).unwrap_or_default()
    };
    assert_eq!(reason(Format::Avro, LIST, &[2; 1_000_000]), "nested deeper than 128 levels");
    let mut tree = Vec::new();
    for _ in 0..500 {
        let length = tree.len();
        let mut outer = vec![0x12];
        prost_reflect::prost::encoding::encode_varint(length as u64, &mut outer);
        outer.extend(tree);
        tree = outer;
    }
    assert!(reason(Format::Protobuf, TREE, &tree).contains("recursion limit"), "{}", reason(Format::Protobuf, TREE, &tree));
    let deep = decode_with(columns(), Format::Msgpack, Options::new(), &[vec![0x91; 100_000]]);
    assert_eq!(deep.rejects[0].reason, "nested deeper than 128 levels");
    let deep = [b"{\"next\":".repeat(100_000), b"1".to_vec()].concat();
    assert!(reason(Format::Json, SCHEMA, &deep).contains("recursion limit"));
}

#[test]
fn lengths_that_promise_what_is_not_there() {
    let huge = |number: u64| {
        let mut bytes = Vec::new();
        prost_reflect::prost::encoding::encode_varint(number, &mut bytes);
        bytes
    };
    // An array of as many nulls as there can be, which take no byte each.
    let nulls = [&[2, 0], huge(u64::MAX - 1).as_slice()].concat();
    let decoded = decode_with(columns(), Format::Avro, options(&[("schema", LIST)]), &[nulls]);
    assert_eq!((decoded.rejects[0].reason.as_str(), decoded.rejects[0].path.as_str()), ("expands to more than 64 MiB", ""));
    // A text of more bytes than there is memory.
    let text = [&[0x22], huge(1 << 60).as_slice()].concat();
    let decoded = decode_with(columns(), Format::Protobuf, options(&[("schema", TREE)]), &[text]);
    assert_eq!(decoded.rejects[0].reason, "invalid Protobuf: the record breaks off or is damaged");
    let list = decode_with(columns(), Format::Msgpack, Options::new(), &[[0xdd, 0xff, 0xff, 0xff, 0xff]]);
    assert_eq!(list.rejects[0].reason, "invalid MessagePack: the record breaks off");
    let bytes = decode_with(columns(), Format::Msgpack, Options::new(), &[[0xc6, 0xff, 0xff, 0xff, 0xff]]);
    assert_eq!(bytes.rejects[0].reason, "invalid MessagePack: the record breaks off");
}

#[test]
fn neighbours_of_a_bad_record_are_whole() {
    let good = [encoded(LIST, node(1)), encoded(LIST, node(2))];
    for cut in 0..good[0].len() {
        let bad = good[0][..cut].to_vec();
        let decoded =
            decode_with(columns(), Format::Avro, options(&[("schema", LIST)]), &[good[0].clone(), bad, good[1].clone()]);
        assert_eq!(decoded.rejects.len(), 1, "cut at {cut}");
        assert_eq!((shown(&decoded.rows, "id", 0), shown(&decoded.rows, "id", 1)), ("1".into(), "2".into()));
        assert_eq!(shown(&decoded.rows, "_rest", 1), r#"{"next":null,"nulls":[null]}"#);
    }
}
