//! What users may set. `default.toml` is the reference: it is compiled in, and a user's file changes only what it names.

use helios_contract::{Error, Result};
use serde::Deserialize;
use std::path::Path;

/// Every setting, commented, with its default.
pub const DEFAULT_TOML: &str = include_str!("../default.toml");

/// All settings; one table for each part.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Reading, decoding, committing.
    pub ingest: helios_ingest::Config,
    /// Keeping.
    pub lake: helios_lake::Config,
    /// Answering.
    pub query: helios_query::Config,
    /// Delivering.
    pub sink: helios_sink::Config,
    /// Speaking HTTP.
    pub serve: helios_serve::Config,
}

impl Default for Config {
    fn default() -> Config {
        toml::from_str(DEFAULT_TOML).expect("default.toml is part of the program, and a test reads it")
    }
}

/// The defaults, changed by what `file` says.
///
/// # Errors
/// `Invalid` with the place in the file, for an unknown setting or a value of the wrong type.
pub fn load(file: Option<&Path>) -> Result<Config> {
    let Some(file) = file else { return Ok(Config::default()) };
    let text = std::fs::read_to_string(file)
        .map_err(|e| Error::invalid(format!("cannot read the configuration {}", file.display())).because(e))?;
    parse(&text).map_err(|e| e.context(format!("in {}", file.display())))
}

/// The defaults, changed by what `text` says.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str) -> Result<Config> {
    let invalid = |e: toml::de::Error| {
        Error::invalid(e.message().trim().to_owned()).hint("`helios config` prints every setting with its default.")
    };
    let mut settings: toml::Table = toml::from_str(DEFAULT_TOML).map_err(invalid)?;
    let changes: toml::Table =
        toml::from_str(text).map_err(|e| Error::invalid(format!("not TOML: {}", e.to_string().trim_end())))?;
    for (section, change) in changes {
        match (settings.get_mut(&section), change) {
            (Some(toml::Value::Table(known)), toml::Value::Table(change)) => known.extend(change),
            (Some(_), _) => return Err(Error::invalid(format!("'{section}' must be a table: [{section}]"))),
            (None, _) => {
                let hint = match helios_contract::error::nearest(&section, settings.keys().map(String::as_str)) {
                    Some(near) => format!("Did you mean [{near}]?"),
                    None => "`helios config` prints every setting.".to_owned(),
                };
                return Err(Error::invalid(format!("unknown section [{section}]")).hint(hint));
            }
        }
    }
    settings.try_into().map_err(invalid)
}
