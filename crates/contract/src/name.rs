//! Names of streams, which are also the names of their tables.

use crate::error::{Error, Result};
use std::fmt;

/// The name of a stream and of the one table it fills: `[a-z_][a-z0-9_]*`, at most 128 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(String);

/// A stream fills the table of the same name.
pub type TableName = StreamName;

const LEN_MAX: usize = 128;
const RESERVED: [&str; 3] = ["system", "information_schema", "public"];

impl StreamName {
    /// Checks `name`.
    ///
    /// # Errors
    /// `Invalid` when it is empty, too long, reserved, or has other characters than lower-case letters, digits and `_`.
    pub fn new(name: impl Into<String>) -> Result<StreamName> {
        let name = name.into();
        let shown: String = name.chars().take(LEN_MAX).collect::<String>().escape_debug().to_string();
        let well_formed = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            && name.bytes().next().is_some_and(|b| !b.is_ascii_digit());
        if !well_formed {
            return Err(Error::invalid(format!("'{shown}' cannot name a stream"))
                .hint("Use lower-case letters, digits and underscores, not starting with a digit."));
        }
        if name.len() > LEN_MAX {
            return Err(Error::invalid(format!("the stream name '{shown}...' is {} bytes long", name.len()))
                .hint(format!("Use at most {LEN_MAX} characters.")));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(Error::invalid(format!("'{shown}' is a reserved name")).hint("Choose another name for the stream."));
        }
        Ok(StreamName(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for StreamName {
    type Error = Error;
    fn try_from(name: String) -> Result<StreamName> {
        StreamName::new(name)
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> String {
        name.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
