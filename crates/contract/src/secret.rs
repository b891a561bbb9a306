//! The seam to secrets: values that options name and nothing ever prints.

use crate::error::Result;
use crate::stream::OptionValue;
use std::fmt;

/// A value that never shows itself in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The value, for the client that needs it. Never log or store it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Looks up what `SECRET 'name'` and `ENV 'NAME'` stand for.
pub trait Secrets: Send + Sync {
    /// The value of an `OptionValue::Secret` or `OptionValue::Env`.
    ///
    /// # Errors
    /// `NotFound` naming where it was looked for; `Invalid` for every other option value.
    fn resolve(&self, value: &OptionValue) -> Result<Secret>;
}
