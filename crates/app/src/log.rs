//! Logs: structured, on standard error.

use helios_contract::{Error, Result};
use tracing_subscriber::EnvFilter;

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Starts logging for the whole process.
///
/// # Errors
/// `Invalid` for a filter that cannot be read.
pub fn start(format: LogFormat, filter: &str) -> Result<()> {
    let filter = EnvFilter::try_new(filter).map_err(|e| {
        Error::invalid(format!("cannot read the log filter '{filter}'")).because(e).hint("Use a level such as info.")
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Text => builder.with_target(false).compact().try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    started.map_err(|e| Error::internal("cannot start logging").because(e))
}
