//! What a format's options may say.

use super::{check, compression};
use crate::decode::Compression;
use helios_contract::StreamName;
use helios_contract::column::{Column, ColumnType};
use helios_contract::stream::{Format, OptionValue, SourceKind, StreamDefinition};

fn definition(format: Format, given: &[(&str, OptionValue)]) -> StreamDefinition {
    let name = StreamName::new("s").expect("a good name");
    let format_options = given.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    StreamDefinition { format, format_options, ..StreamDefinition::new(name, SourceKind::Http) }
}

fn text(text: &str) -> OptionValue {
    OptionValue::Text(text.to_owned())
}

fn refused(format: Format, given: &[(&str, OptionValue)]) -> String {
    check(&definition(format, given)).expect_err("not a good format").to_string()
}

#[test]
fn mistakes_are_named() {
    assert_eq!(
        refused(Format::Csv, &[("delimeter", text(";"))]),
        "FORMAT CSV has no option delimeter. Did you mean delimiter? The options are: delimiter, quote, header, compression."
    );
    assert_eq!(
        refused(Format::Csv, &[("delimiter", text(";;"))]),
        "the option delimiter cannot be ';;'. It takes one ASCII character in single quotes."
    );
    assert!(
        refused(Format::Avro, &[]).starts_with("FORMAT AVRO needs the option registry or the option schema. Write registry =")
    );
    let registry = ("registry", text("http://r:8081"));
    assert!(refused(Format::Avro, &[registry.clone(), ("schema", text("\"int\""))]).starts_with("FORMAT AVRO has both"));
    assert_eq!(
        refused(Format::Json, &[("registry_username", text("u"))]),
        "the option registry_username of FORMAT JSON needs the option registry"
    );
    assert!(refused(Format::Avro, &[("registry", text("r:8081"))]).starts_with("the option registry is no address"));
    let told = refused(Format::Avro, &[("registry", text("http://me:hunter2@r:8081"))]);
    assert!(told.starts_with("the option registry holds a user and a password") && !told.contains("hunter2"), "{told}");
    let told = refused(Format::Avro, &[registry, ("registry_password", text("hunter2"))]);
    assert!(told.starts_with("the option registry_password holds a secret") && !told.contains("hunter2"), "{told}");
    assert!(refused(Format::Avro, &[("schema", text("{}"))]).starts_with("the schema of FORMAT AVRO cannot be used: "));
}

#[test]
fn text_fills_one_text_column() {
    let with = |columns| check(&StreamDefinition { columns, ..definition(Format::Text, &[]) });
    assert!(with(vec![Column::new("message", ColumnType::Text)]).is_ok());
    assert!(with(vec![Column::new("n", ColumnType::Int)]).is_err());
    assert!(with(vec![Column::new("a", ColumnType::Text), Column::new("b", ColumnType::Text)]).is_err());
}

#[test]
fn only_bare_avro_may_begin_like_gzip() {
    let of = |format, given: &[(&str, OptionValue)]| compression(&definition(format, given));
    assert_eq!(of(Format::Json, &[]), Compression::Auto);
    assert_eq!(of(Format::Avro, &[("registry", text("http://r"))]), Compression::Auto);
    assert_eq!(of(Format::Avro, &[("schema", text("\"int\""))]), Compression::None);
    assert_eq!(of(Format::Avro, &[("schema", text("\"int\"")), ("compression", text("GZIP"))]), Compression::Gzip);
}
