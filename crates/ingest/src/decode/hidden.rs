//! The columns Helios adds: where a row came from, and what its record had besides.

use arrow::array::{ArrayRef, BooleanArray, Int64Builder, ListArray, StringArray, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field};
use bytes::Bytes;
use helios_contract::column::{hidden, timestamp_type};
use helios_contract::record::{Position, Record};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The hidden columns under construction.
pub(super) struct Hidden {
    time: TimestampMicrosecondBuilder,
    offset: Int64Builder,
    key: StringBuilder,
    headers: StringBuilder,
    rest: StringBuilder,
}

impl Default for Hidden {
    fn default() -> Hidden {
        Hidden {
            time: TimestampMicrosecondBuilder::new().with_data_type(timestamp_type()),
            offset: Int64Builder::new(),
            key: StringBuilder::new(),
            headers: StringBuilder::new(),
            rest: StringBuilder::new(),
        }
    }
}

impl Hidden {
    /// Adds what belongs to one row; `rest` is empty or a JSON object.
    pub fn push(&mut self, record: &Record, rest: &str) {
        self.time.append_value(record.time.0);
        self.offset.append_option(match &record.position {
            Position::Number(offset) => Some(*offset),
            Position::Text(_) => None,
        });
        self.key.append_option(record.key.as_deref().map(String::from_utf8_lossy));
        self.headers.append_option((!record.headers.is_empty()).then(|| headers_json(&record.headers)));
        self.rest.append_option((!rest.is_empty()).then_some(rest));
    }

    /// Hands the columns over, in the order the schema has them. Nothing is late or tagged yet.
    pub fn finish(&mut self, partition: &str) -> impl Iterator<Item = ArrayRef> {
        let time = self.time.finish();
        let n_rows = time.len();
        let partition = StringArray::new_repeated(partition, n_rows);
        let columns: [(&str, ArrayRef); 8] = [
            (hidden::TIME, Arc::new(time)),
            (hidden::PARTITION, Arc::new(partition)),
            (hidden::OFFSET, Arc::new(self.offset.finish())),
            (hidden::KEY, Arc::new(self.key.finish())),
            (hidden::HEADERS, Arc::new(self.headers.finish())),
            (hidden::REST, Arc::new(self.rest.finish())),
            (hidden::LATE, Arc::new(BooleanArray::from(vec![false; n_rows]))),
            (hidden::TAGS, Arc::new(ListArray::new_null(Arc::new(Field::new("item", DataType::Utf8, true)), n_rows))),
        ];
        debug_assert!(columns.iter().map(|(name, _)| name).eq(&hidden::ALL[..columns.len()]), "the order of hidden::ALL");
        columns.into_iter().map(|(_, column)| column)
    }
}

/// The headers as a JSON object; a name that is repeated has an array of its values.
fn headers_json(headers: &[(String, Option<Bytes>)]) -> String {
    let mut object: Map<String, Value> = Map::new();
    for (name, value) in headers {
        let value = value.as_deref().map_or(Value::Null, |value| Value::from(String::from_utf8_lossy(value)));
        match object.get_mut(name) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                object.insert(name.clone(), value);
            }
        }
    }
    Value::Object(object).to_string()
}
