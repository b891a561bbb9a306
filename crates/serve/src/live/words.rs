//! What is said over a live connection, as JSON.

use crate::failure::error_json;
use helios_contract::{Error, Result, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Said {
    Subscribe {
        id: u64,
        topic: String,
        /// Rows of a tail it is ready to take.
        #[serde(default)]
        credit: Option<u64>,
        /// The `seq` after which to go on.
        #[serde(default)]
        after: Option<i64>,
        #[serde(default, rename = "where")]
        condition: Option<String>,
    },
    Credit {
        id: u64,
        n: u64,
    },
    Unsubscribe {
        id: u64,
    },
}

/// Reads a message.
pub(super) fn said(text: &str) -> Result<Said> {
    serde_json::from_str(text).map_err(|error| {
        Error::invalid("cannot read the message")
            .because(error)
            .hint("Send {\"type\":\"subscribe\",\"id\":1,\"topic\":\"metrics\"}.")
    })
}

pub(super) fn hello(instance: &str) -> String {
    json!({"type": "hello", "version": env!("CARGO_PKG_VERSION"), "instance": instance}).to_string()
}

/// A message with data, which is JSON already.
pub(super) fn data(kind: Kind, id: u64, seq: i64, time: Timestamp, data: &str) -> String {
    let kind = match kind {
        Kind::Snapshot => "snapshot",
        Kind::Update => "update",
    };
    format!(r#"{{"type":"{kind}","id":{id},"seq":{seq},"time":"{time}","data":{data}}}"#)
}

/// Whether data stands alone or adds to what was sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Snapshot,
    Update,
}

pub(super) fn end(id: u64, reason: &str) -> String {
    json!({"type": "end", "id": id, "reason": reason}).to_string()
}

/// An error of a subscription, or of a message that belongs to none.
pub(super) fn error(id: Option<u64>, error: &Error) -> String {
    json!({"type": "error", "id": id, "error": Value::Object(error_json(error, ""))}).to_string()
}
