//! The options of a cluster: checked, filled in, secrets looked up.

use helios_contract::cluster::ClusterDefinition;
use helios_contract::error::{Error, Result, nearest};
use helios_contract::secret::Secrets;
use helios_contract::stream::OptionValue;

const OPTIONS: [&str; 7] = ["url", "user", "password", "database", "cluster", "compression", "ssl_ca_location"];
const COMPRESSIONS: [&str; 3] = ["zstd", "gzip", "none"];

/// How a cluster is reached, and as whom.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) hosts: Vec<String>,
    pub(crate) user: String,
    /// Looked up for each request: it may change.
    pub(crate) password: Option<OptionValue>,
    pub(crate) database: String,
    /// For `ON CLUSTER`.
    pub(crate) cluster: Option<String>,
    /// `zstd` or `gzip`.
    pub(crate) compression: Option<&'static str>,
    pub(crate) ca_location: Option<String>,
}

impl Access {
    /// What a definition says.
    ///
    /// # Errors
    /// `Invalid` naming an option; `NotFound` for a secret.
    pub(crate) fn of(definition: &ClusterDefinition, secrets: &dyn Secrets) -> Result<Access> {
        for (name, value) in &definition.options {
            check(name, value)?;
        }
        let text = |name: &str| match definition.options.get(name) {
            None => Ok(None),
            Some(OptionValue::Text(text)) => Ok(Some(text.clone())),
            Some(value) => secrets.resolve(value).map(|secret| Some(secret.reveal().to_owned())),
        };
        let url = text("url")?.ok_or_else(|| {
            Error::invalid("the option url is missing")
                .hint("Write url = 'https://host:8443'; several hosts are separated by commas.")
        })?;
        let compression = text("compression")?.unwrap_or_else(|| COMPRESSIONS[0].to_owned());
        let compression = COMPRESSIONS.into_iter().find(|known| known.eq_ignore_ascii_case(&compression));
        Ok(Access {
            hosts: hosts(&url)?,
            user: text("user")?.unwrap_or_else(|| "default".to_owned()),
            password: definition.options.get("password").cloned(),
            database: text("database")?.unwrap_or_else(|| "default".to_owned()),
            cluster: text("cluster")?,
            compression: compression.filter(|word| *word != "none"),
            ca_location: text("ssl_ca_location")?,
        })
    }
}

fn check(name: &str, value: &OptionValue) -> Result<()> {
    let wrong = |what: &str| Err(Error::invalid(format!("the option {name} takes {what}")));
    match (name, value) {
        ("password", OptionValue::Secret(_) | OptionValue::Env(_)) => Ok(()),
        ("password", _) => wrong("SECRET 'name' or ENV 'NAME', never the password itself"),
        ("compression", OptionValue::Text(word)) if COMPRESSIONS.iter().any(|known| known.eq_ignore_ascii_case(word)) => Ok(()),
        ("compression", _) => wrong("one of 'zstd', 'gzip', 'none'"),
        (name, OptionValue::Text(text)) if OPTIONS.contains(&name) && !text.trim().is_empty() => Ok(()),
        (name, OptionValue::Secret(_) | OptionValue::Env(_)) if OPTIONS.contains(&name) => Ok(()),
        (name, _) if OPTIONS.contains(&name) => wrong("text in single quotes"),
        _ => Err(Error::invalid(format!("a cluster has no option {name}")).hint(match nearest(name, OPTIONS) {
            Some(near) => format!("Did you mean {near}?"),
            None => format!("The options are {}.", OPTIONS.join(", ")),
        })),
    }
}

fn hosts(url: &str) -> Result<Vec<String>> {
    let hosts: Vec<String> = url.split(',').map(|host| host.trim().trim_end_matches('/').to_owned()).collect();
    let known =
        |host: &String| host.strip_prefix("https://").or_else(|| host.strip_prefix("http://")).is_some_and(|h| !h.is_empty());
    match hosts.iter().find(|host| !known(host)) {
        None => Ok(hosts),
        Some(host) => Err(Error::invalid(format!("the option url names '{host}', which is no address"))
            .hint("Write url = 'https://host:8443'; several hosts are separated by commas.")),
    }
}
