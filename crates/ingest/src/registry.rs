//! The client of a schema registry that speaks as Confluent's does: what is asked for is fetched, and nothing else is decided.

use crate::format::{self, format_options};
use crate::options::Checked;
use crate::report::Cause;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use helios_contract::decode::{Decoder, RegisteredSchema, SchemaFound};
use helios_contract::record::Record;
use helios_contract::secret::Secrets;
use helios_contract::stream::StreamDefinition;
use helios_contract::{Error, Result};
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;
use ureq::http::StatusCode;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// A connection that takes longer than this is not worth waiting for.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// An answer, likewise.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// A schema longer than this is refused.
const SCHEMA_BYTES_MAX: u64 = 16 << 20;

/// A schema may refer to so many others, directly or not.
const N_REFERENCES_MAX: usize = 1_000;

/// What registries answer when they do not know a subject, a version or a schema.
const MISSING: [u32; 3] = [40_401, 40_402, 40_403];

/// Where schemas come from.
#[derive(Clone)]
pub(crate) struct Registry {
    agent: Agent,
    address: Arc<str>,
    authorization: Option<Arc<str>>,
    subject: Option<Arc<str>>,
    quarantines_unknown: bool,
}

#[derive(Deserialize)]
struct Answer {
    schema: String,
    /// Missing for Avro.
    #[serde(rename = "schemaType")]
    language: Option<String>,
    #[serde(default)]
    references: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    name: String,
    subject: String,
    version: i64,
}

#[derive(Deserialize)]
struct Refusal {
    error_code: u32,
}

impl Registry {
    /// The registry of a stream, if it has one.
    ///
    /// # Errors
    /// `NotFound` for secrets that are not there, `Invalid` for a file that holds no certificates.
    pub(crate) fn of(definition: &StreamDefinition, secrets: &dyn Secrets) -> Result<Option<Registry>> {
        if !format::is_registered(definition) {
            return Ok(None);
        }
        let options = Checked::of(format_options(definition.format), &definition.format_options, secrets);
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_global(Some(ANSWER_WITHIN))
            .user_agent(concat!("helios/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = options.text("registry_ca_location")? {
            config = config.tls_config(TlsConfig::builder().root_certs(authorities(&path)?).build());
        }
        let user = options.text("registry_username")?;
        let password = options.text("registry_password")?;
        let authorization = match (options.text("registry_token")?, user) {
            (Some(token), _) => Some(format!("Bearer {token}")),
            (None, Some(user)) => Some(format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.unwrap_or_default())))),
            (None, None) => None,
        };
        // Kafka's serializers name the subject of a topic's values like this.
        let topic = Checked::of(crate::options(definition.source), &definition.options, secrets).text("topic")?;
        let subject = options.text("subject")?.filter(|_| definition.format_options.contains_key("subject"));
        let subject = subject.or_else(|| topic.map(|topic| format!("{topic}-value")));
        Ok(Some(Registry {
            agent: config.build().new_agent(),
            address: options.need("registry")?.trim_end_matches('/').into(),
            authorization: authorization.map(Arc::from),
            subject: subject.map(Arc::from),
            quarantines_unknown: format::quarantines_unknown(definition),
        }))
    }

    /// Fetches every schema that records name and the decoder does not know yet, and hands it over.
    ///
    /// # Errors
    /// `Unavailable` with the cause `registry_unavailable` or `schema_unknown`: waiting may help, and the records are not to
    /// blame. `Invalid` with the cause `authentication_failed`.
    pub(crate) async fn teach(&self, decoder: &mut dyn Decoder, records: &[Record]) -> Result<()> {
        for id in decoder.unknown_schemas(records) {
            let found = self.schema(id).await?;
            if found.is_none() && !self.quarantines_unknown {
                return Err(self.unknown(&format!("schema {id}")).hint(
                    "Register it, or correct the option registry; records wait for it. If it was never one, ALTER STREAM ... \
                     SET FORMAT ... (unknown_schema = 'quarantine', ...) puts records that name it aside.",
                ));
            }
            decoder.know_schema(id, found);
        }
        Ok(())
    }

    /// The newest schema of the stream's subject; `None` when there is no subject, or nothing is registered under it.
    pub(crate) async fn newest(&self) -> Result<SchemaFound> {
        let Some(subject) = self.subject.clone() else { return Ok(None) };
        let what = format!("the newest schema of the subject {subject}");
        self.fetch(format!("subjects/{}/versions/latest", encoded(&subject)), what).await
    }

    /// The schema with a number.
    pub(crate) async fn schema(&self, id: u32) -> Result<SchemaFound> {
        self.fetch(format!("schemas/ids/{id}"), format!("schema {id}")).await
    }

    async fn fetch(&self, path: String, what: String) -> Result<SchemaFound> {
        let registry = self.clone();
        let fetching = tokio::task::spawn_blocking(move || {
            let Some(answer) = registry.get(&path, &what)? else { return Ok(None) };
            let mut references = Vec::new();
            registry.collect(answer.references, &mut references, &mut HashSet::new())?;
            let language = answer.language.unwrap_or_else(|| "AVRO".to_owned());
            Ok(Some(RegisteredSchema { language, text: answer.schema, references }))
        });
        fetching.await.map_err(|e| Error::internal("asking the schema registry").because(e))?
    }

    /// Fetches what a schema refers to; what those refer to comes before them.
    fn collect(&self, references: Vec<Reference>, found: &mut Vec<(String, String)>, asked: &mut HashSet<String>) -> Result<()> {
        for Reference { name, subject, version } in references {
            if !asked.insert(name.clone()) {
                continue;
            }
            let what = format!("version {version} of the subject {subject}");
            if asked.len() > N_REFERENCES_MAX {
                return Err(self.trouble(&what, format!("a schema refers to more than {N_REFERENCES_MAX} others")));
            }
            let path = format!("subjects/{}/versions/{version}", encoded(&subject));
            let answer = self
                .get(&path, &what)?
                .ok_or_else(|| self.unknown(&what).hint("A schema refers to it: register it again; records wait for it."))?;
            self.collect(answer.references, found, asked)?;
            found.push((name, answer.schema));
        }
        Ok(())
    }

    fn get(&self, path: &str, what: &str) -> Result<Option<Answer>> {
        let mut request = self.agent.get(format!("{}/{path}", self.address));
        request = request.header("Accept", "application/vnd.schemaregistry.v1+json, application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", &**authorization);
        }
        let mut response = request.call().map_err(|e| self.trouble(what, e.to_string()))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(SCHEMA_BYTES_MAX).read_to_vec();
        let body = body.map_err(|e| self.trouble(what, e.to_string()))?;
        match status {
            StatusCode::OK => {
                let answer = serde_json::from_slice(&body);
                answer.map(Some).map_err(|e| self.trouble(what, format!("the answer is not a registry's: {e}")))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.refused(what, status)),
            StatusCode::NOT_FOUND if is_missing(&body) => Ok(None),
            status => Err(self.trouble(what, format!("it answered {status}"))),
        }
    }

    /// Waiting may help.
    fn trouble(&self, what: &str, detail: String) -> Error {
        Error::unavailable(format!("asking the schema registry {} for {what}", self.address))
            .because(Cause { word: "registry_unavailable", detail })
            .hint("Check the option registry, and that it runs and can be reached; a running stream continues by itself.")
    }

    fn refused(&self, what: &str, status: StatusCode) -> Error {
        Error::invalid(format!("asking the schema registry {} for {what}", self.address))
            .because(Cause { word: "authentication_failed", detail: format!("it answered {status}") })
            .hint("Check registry_username and the secrets of registry_password and registry_token; a running stream tries again every half minute.")
    }

    fn unknown(&self, what: &str) -> Error {
        Error::unavailable(format!("asking the schema registry {} for {what}", self.address))
            .because(Cause { word: "schema_unknown", detail: "it does not have it".to_owned() })
    }
}

fn authorities(path: &str) -> Result<RootCerts> {
    let wrong = |what: &str| {
        Error::invalid(format!("the option registry_ca_location names {path}, which {what}"))
            .hint("Name a PEM file with the certificates of authorities.")
    };
    let pem = std::fs::read(path).map_err(|e| wrong("cannot be read").because(e))?;
    let certificates: Vec<Certificate> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(wrong("holds no certificate"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

/// Whether a "not found" comes from a registry that looked, and not from a server that knows no such path.
fn is_missing(body: &[u8]) -> bool {
    serde_json::from_slice::<Refusal>(body).is_ok_and(|refusal| MISSING.contains(&refusal.error_code))
}

/// A subject as part of a path.
fn encoded(subject: &str) -> String {
    subject.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
        out
    })
}

#[cfg(test)]
mod tests;
