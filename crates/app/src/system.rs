//! What the operating system tells the process: the time, and secrets from the environment or from files.

use helios_contract::secret::{Secret, Secrets};
use helios_contract::stream::OptionValue;
use helios_contract::{Clock, Error, Result, Timestamp};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine for the time")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Secrets from `HELIOS_SECRET_NAME`, or from the file `DIR/name`.
#[derive(Debug, Clone)]
pub struct SystemSecrets {
    /// The directory with one file a secret.
    pub dir: PathBuf,
}

impl Secrets for SystemSecrets {
    fn resolve(&self, value: &OptionValue) -> Result<Secret> {
        match value {
            OptionValue::Env(name) => variable(name).ok_or_else(|| {
                Error::not_found(format!("the environment variable {name} is not set")).hint("Set it and restart Helios.")
            }),
            OptionValue::Secret(name) => self.named(name),
            _ => Err(Error::invalid("a secret must be written SECRET 'name' or ENV 'NAME'")),
        }
    }
}

impl SystemSecrets {
    fn named(&self, name: &str) -> Result<Secret> {
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !plain {
            return Err(Error::invalid(format!("'{}' cannot name a secret", name.escape_debug()))
                .hint("Use letters, digits, underscores and hyphens."));
        }
        let key = format!("HELIOS_SECRET_{}", name.to_ascii_uppercase().replace('-', "_"));
        if let Some(secret) = variable(&key) {
            return Ok(secret);
        }
        let path = self.dir.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Secret::new(text.trim_end_matches(['\r', '\n']))),
            Err(error) => Err(Error::not_found(format!("there is no secret '{name}'"))
                .because(error)
                .hint(format!("Set {key}, or write the value to {}.", path.display()))),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads secrets from the environment")]
fn variable(name: &str) -> Option<Secret> {
    std::env::var(name).ok().map(Secret::new)
}
