//! JSON records that must follow a schema.

use super::{column, decode_with, open, options, outcome, record, shown};
use helios_contract::column::ColumnType;
use helios_contract::decode::RegisteredSchema;
use helios_contract::stream::{Format, StreamDefinition};

const ORDER: &str = r##"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","required":["id"],
  "properties":{"id":{"type":"integer","minimum":1},"email":{"type":["string","null"],"maxLength":5},
    "at":{"type":"string","format":"date-time"},"lines":{"type":"array","items":{"$ref":"#/definitions/line"}}},
  "definitions":{"line":{"type":"object","properties":{"sku":{"type":"string"},"n":{"oneOf":[{"type":"null"},{"type":"number"}]}}}}}"##;

fn one(payload: &str) -> String {
    let columns = vec![column("id", ColumnType::BigInt)];
    outcome(&decode_with(columns, Format::Json, options(&[("schema", ORDER)]), &[payload]), "id")
}

#[test]
fn what_breaks_the_schema_is_said_with_its_path() {
    assert_eq!(one(r#"{"id":1,"lines":[{"sku":"a"}],"more":true}"#), "1");
    assert_eq!(one("\u{feff}{\"id\":1}"), "1");
    assert_eq!(one(r#"{"id":0}"#), "against the JSON Schema: value is less than the minimum of 1 @ id");
    assert_eq!(one(r#"{"id":1,"email":"abcdef"}"#), "against the JSON Schema: value is longer than 5 characters @ email");
    assert_eq!(
        one(r#"{"id":1,"lines":[{"sku":"a"},{"sku":7}]}"#),
        "against the JSON Schema: value is not of type \"string\" @ lines[1].sku"
    );
    assert_eq!(one("{}"), "against the JSON Schema: \"id\" is a required property @ ");
    assert_eq!(one("{"), "invalid JSON: EOF while parsing an object at line 1 column 1 @ ");
}

#[test]
fn columns_come_from_the_properties() {
    let definition =
        StreamDefinition { format_options: options(&[("schema", ORDER)]), ..super::definition(vec![], Format::Json) };
    let columns = crate::format::own_columns(&definition).expect("a schema").expect("columns");
    let types: Vec<String> = columns.iter().map(ToString::to_string).collect();
    assert_eq!(types, ["id BIGINT", "email TEXT", "at TIMESTAMP", "lines ARRAY<STRUCT<sku TEXT, n DOUBLE>>"]);
}

#[test]
fn a_registered_schema_may_refer_to_others() {
    let given = options(&[("registry", "http://127.0.0.1:1")]);
    let columns = vec![column("id", ColumnType::BigInt)];
    let mut decoder = open(&StreamDefinition { format_options: given, ..super::definition(columns, Format::Json) });
    let text = r#"{"type":"object","properties":{"user":{"$ref":"user.json"}}}"#.to_owned();
    let user = r#"{"type":"object","required":["name"]}"#.to_owned();
    let references = vec![("user.json".to_owned(), user)];
    decoder.know_schema(1, Some(RegisteredSchema { language: "JSON".into(), text, references }));
    let framed = |body: &str| [&[0, 0, 0, 0, 1], body.as_bytes()].concat();
    let records = [record(0, framed(r#"{"id":1,"user":{"name":"x"}}"#)), record(1, framed(r#"{"id":2,"user":{}}"#))];
    let decoded = decoder.decode("p0", &records);
    assert_eq!(
        (shown(&decoded.rows, "id", 0), shown(&decoded.rows, "_rest", 0)),
        ("1".into(), r#"{"user":{"name":"x"}}"#.into())
    );
    assert_eq!(decoded.rejects[0].reason, "against the JSON Schema: \"name\" is a required property");
    assert_eq!(decoded.rejects[0].path, "user");
}

#[test]
fn a_schema_that_is_none_is_refused_at_once() {
    let check = |schema: &str| {
        let given = options(&[("schema", schema)]);
        let error = crate::format::check(&StreamDefinition { format_options: given, ..super::definition(vec![], Format::Json) });
        error.expect_err("not a schema").to_string()
    };
    assert!(check("{").starts_with("the schema of FORMAT JSON cannot be used: EOF"), "{}", check("{"));
    assert!(check(r#"{"type":"strin"}"#).starts_with("the schema of FORMAT JSON cannot be used: "));
    assert!(check(r#"{"$ref":"http://elsewhere/x.json"}"#).contains("is not among its references"));
}
