//! The client against a registry of a few answers.

use super::{Registry, encoded};
use crate::decode;
use crate::report::cause_of;
use bytes::Bytes;
use helios_contract::column::{Column, ColumnType};
use helios_contract::decode::Decoder;
use helios_contract::record::{Position, Record};
use helios_contract::secret::{Secret, Secrets};
use helios_contract::stream::{Format, OptionValue, SourceKind, StreamDefinition};
use helios_contract::{Kind, Result, StreamName, Timestamp};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

struct OneSecret;

impl Secrets for OneSecret {
    fn resolve(&self, _: &OptionValue) -> Result<Secret> {
        Ok(Secret::new("pa:ss"))
    }
}

/// Answers so many requests with what `answer` says to the first line and the `authorization` header; gives its address.
fn server(n_requests: usize, answer: impl Fn(&str, &str) -> (u16, String) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it listens"));
    std::thread::spawn(move || {
        for stream in listener.incoming().take(n_requests) {
            let mut stream = stream.expect("somebody connected");
            let mut lines = BufReader::new(&stream).lines().map_while(|line| line.ok()).take_while(|line| !line.is_empty());
            let first = lines.next().unwrap_or_default();
            let login = lines.find(|line| line.to_ascii_lowercase().starts_with("authorization: ")).unwrap_or_default();
            lines.for_each(drop);
            let (status, body) = answer(&first, login.split_once(": ").map_or("", |(_, login)| login));
            let head = format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).expect("it is read");
        }
    });
    address
}

fn definition(address: &str, more: &[(&str, OptionValue)]) -> StreamDefinition {
    let name = StreamName::new("s").expect("a good name");
    let mut definition = StreamDefinition::new(name, SourceKind::Kafka);
    definition.format = Format::Avro;
    definition.columns = vec![Column::new("id", ColumnType::Int)];
    definition.options.insert("topic".into(), OptionValue::Text("orders".into()));
    definition.format_options.insert("registry".into(), OptionValue::Text(address.to_owned()));
    definition.format_options.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    definition
}

fn registry(definition: &StreamDefinition) -> Registry {
    Registry::of(definition, &OneSecret).expect("good options").expect("it has one")
}

fn record(id: u8) -> Record {
    let payload = Bytes::copy_from_slice(&[0, 0, 0, 0, id, 8]);
    Record { position: Position::Number(0), time: Timestamp(0), key: None, headers: Vec::new(), payload }
}

async fn taught(definition: &StreamDefinition, decoder: &mut dyn Decoder) -> Result<()> {
    registry(definition).teach(decoder, &[record(7)]).await
}

const ORDER: &str = r#"{"schema":"{\"type\":\"record\",\"name\":\"O\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"}]}"}"#;

#[tokio::test]
async fn a_schema_is_asked_for_once_with_the_login() {
    let address = server(1, |first, login| match (first, login) {
        ("GET /api/schemas/ids/7 HTTP/1.1", "Basic bWU6cGE6c3M=") => (200, ORDER.to_owned()),
        _ => (500, format!("{first} {login}")),
    });
    let login = [("registry_username", OptionValue::Text("me".into())), ("registry_password", OptionValue::Secret("p".into()))];
    let definition = definition(&format!("{address}/api/"), &login);
    let mut decoder = decode::open(&definition);
    taught(&definition, &mut *decoder).await.expect("it has the schema");
    taught(&definition, &mut *decoder).await.expect("it is known now");
    assert_eq!(decoder.decode("p", &[record(7)]).rows.num_rows(), 1);
}

#[tokio::test]
async fn references_are_fetched_before_what_refers_to_them() {
    let answer = |references: &str| (200, format!(r#"{{"schema":"\"int\"","references":[{references}]}}"#));
    let address = server(3, move |first, login| match first {
        _ if login != "Bearer pa:ss" => (401, String::new()),
        "GET /subjects/orders-value/versions/latest HTTP/1.1" => answer(r#"{"name":"b","subject":"b/1","version":2}"#),
        "GET /subjects/b%2F1/versions/2 HTTP/1.1" => {
            answer(r#"{"name":"c","subject":"c","version":1},{"name":"b","subject":"b/1","version":2}"#)
        }
        "GET /subjects/c/versions/1 HTTP/1.1" => answer(""),
        _ => (500, first.to_owned()),
    });
    let registry = registry(&definition(&address, &[("registry_token", OptionValue::Env("T".into()))]));
    let schema = registry.newest().await.expect("an answer").expect("a schema");
    let names: Vec<&str> = schema.references.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((schema.language.as_str(), names), ("AVRO", vec!["c", "b"]));
}

#[tokio::test]
async fn what_waiting_may_help_is_told_from_what_it_does_not() {
    let refusal = |code: u32| format!(r#"{{"error_code":{code},"message":"no"}}"#);
    let cases: [(u16, String, Kind, &str); 5] = [
        (404, refusal(40_403), Kind::Unavailable, "schema_unknown"),
        (404, "<html>".to_owned(), Kind::Unavailable, "registry_unavailable"),
        (503, String::new(), Kind::Unavailable, "registry_unavailable"),
        (200, "hello".to_owned(), Kind::Unavailable, "registry_unavailable"),
        (401, String::new(), Kind::Invalid, "authentication_failed"),
    ];
    for (status, body, kind, cause) in cases {
        let said = body.clone();
        let definition = definition(&server(1, move |_, _| (status, body.clone())), &[]);
        let mut decoder = decode::open(&definition);
        let error = taught(&definition, &mut *decoder).await.expect_err("it has no schema");
        assert_eq!((error.kind(), cause_of(&error)), (kind, cause), "{status} {said}: {error}");
        assert!(error.hint_text().is_some());
    }
    let nobody = definition("http://127.0.0.1:1", &[]);
    let error = taught(&nobody, &mut *decode::open(&nobody)).await.expect_err("nobody listens");
    assert_eq!(cause_of(&error), "registry_unavailable");
}

#[tokio::test]
async fn an_unknown_schema_is_bad_data_only_where_the_user_says_so() {
    let address = server(1, |_, _| (404, r#"{"error_code":40403,"message":"no"}"#.to_owned()));
    let definition = definition(&address, &[("unknown_schema", OptionValue::Text("quarantine".into()))]);
    let mut decoder = decode::open(&definition);
    taught(&definition, &mut *decoder).await.expect("it goes on");
    assert_eq!(decoder.decode("p", &[record(7)]).rejects[0].reason, "the registry has no schema 7");
}

#[test]
fn subjects_are_part_of_a_path() {
    assert_eq!(encoded("a/b c-é.x"), "a%2Fb%20c-%C3%A9.x");
}
