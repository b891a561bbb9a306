//! Parameters from the command line, and errors that point at their place.

use super::{Unbroken, check, marked, parameters};
use crate::client::output::Format;
use crate::client::statements::split;
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use helios_contract::Error;
use serde_json::{Value, json};
use std::io::{self, Cursor, Read};
use std::sync::Arc;

fn given(pairs: &[&str]) -> Value {
    parameters(&pairs.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn parameters_are_numbered_or_named() {
    assert_eq!(given(&[]), Value::Null);
    assert_eq!(given(&["2=x", "1=5"]), json!([5, "x"]));
    assert_eq!(
        given(&["country=DE", "min=1.5", "all=true", "zip=\"01234\"", "a=b=c"]),
        json!({"country": "DE", "min": 1.5, "all": true, "zip": "01234", "a": "b=c"})
    );
    assert_eq!(given(&["1=a", "name=b"]), json!({"1": "a", "name": "b"}));
    assert!(parameters(&["country".to_owned()]).is_err());
}

#[test]
fn errors_point_at_their_place() {
    let error = marked(
        Error::invalid("no column contry").at(2, 10).hint("Did you mean `country`?"),
        "SELECT 1,\n   price, contry\nFROM orders",
    );
    assert_eq!(error.message(), "no column contry\n     price, contry\n           ^");
    assert_eq!(error.hint_text(), Some("Did you mean `country`?"));
    assert_eq!(marked(Error::invalid("odd").at(9, 1), "SELECT 1").message(), "odd");
}

#[test]
fn binary_answers_need_a_place() {
    let (terminal, pipe) = (true, false);
    assert!(check(&split("SELECT 1"), Format::Parquet, terminal).is_err());
    assert!(check(&split("SELECT 1"), Format::Parquet, pipe).is_ok());
    assert!(check(&split("SELECT 1; SELECT 2"), Format::Arrow, pipe).is_err());
    assert!(check(&split("SELECT 1; SELECT 2"), Format::Csv, terminal).is_ok());
    assert!(check(&split(" -- nothing"), Format::Csv, terminal).is_err());
}

#[test]
fn an_answer_cut_off_is_never_taken_for_whole() {
    let batch = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    let cut_off = Cursor::new(writer.get_ref().clone()).chain(EarlyEnd);
    let mut read = StreamReader::try_new(Unbroken(cut_off), None).unwrap();
    assert!(read.next().unwrap().is_ok());
    assert!(read.next().unwrap().is_err());
}

/// What a connection gives whose body ends before its announced end.
struct EarlyEnd;

impl Read for EarlyEnd {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
