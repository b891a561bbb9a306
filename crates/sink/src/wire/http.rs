//! Requests over HTTP and HTTPS.

use super::silence::{is_garbled, no_answer, plain_to_tls, spoke_tls};
use super::{Ask, Reply, Wire};
use flate2::read::MultiGzDecoder;
use helios_contract::error::{Error, Result};
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// A connection that takes longer than this is not worth waiting for.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Servers close what nobody uses after three seconds; a request must not meet that.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// The real network.
#[derive(Debug, Default)]
pub struct Http {
    /// By the file with authorities.
    agents: Mutex<HashMap<Option<String>, DatedAgent>>,
}

/// An agent, and when its file with authorities was last changed.
type DatedAgent = (Option<SystemTime>, Agent);

impl Wire for Http {
    fn send(&self, ask: &Ask) -> Result<Reply> {
        let mut request = self
            .agent(ask.ca_location.as_deref())?
            .post(&ask.url)
            .config()
            .timeout_global(Some(ask.within))
            .build()
            .header("X-ClickHouse-User", &ask.user)
            .header("Accept-Encoding", "zstd, gzip");
        for (name, value) in &ask.parameters {
            request = request.query(name, value);
        }
        if let Some(password) = &ask.password {
            request = request.header("X-ClickHouse-Key", password.reveal());
        }
        if let Some(encoding) = ask.encoding {
            request = request.header("Content-Encoding", encoding);
        }
        let response = request.send(&ask.body[..]).map_err(|cause| match is_garbled(&cause) && self.speaks_tls(ask) {
            true => plain_to_tls(&ask.url, cause),
            false => no_answer(&ask.url, cause),
        })?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let code = header("X-ClickHouse-Exception-Code").and_then(|code| code.parse().ok());
        let encoding = header("Content-Encoding");
        let body = response.into_body().into_reader();
        let body: Box<dyn Read + Send> = match encoding.as_deref() {
            Some("zstd") => match zstd::stream::read::Decoder::new(body) {
                Ok(body) => Box::new(body),
                Err(cause) => return Err(Error::unavailable(format!("the answer of {} broke off", ask.url)).because(cause)),
            },
            Some("gzip") => Box::new(MultiGzDecoder::new(body)),
            _ => Box::new(body),
        };
        Ok(Reply { status, code, body })
    }
}

impl Http {
    /// Whether a port that was asked in plain HTTP speaks TLS.
    fn speaks_tls(&self, ask: &Ask) -> bool {
        let Some(rest) = ask.url.strip_prefix("http://") else { return false };
        let Ok(agent) = self.agent(ask.ca_location.as_deref()) else { return false };
        let ping = agent.get(format!("https://{rest}/ping")).config().timeout_global(Some(CONNECT_WITHIN)).build().call();
        ping.as_ref().map_or_else(spoke_tls, |_| true)
    }

    fn agent(&self, ca_location: Option<&str>) -> Result<Agent> {
        let changed_at = ca_location.and_then(|path| std::fs::metadata(path).and_then(|file| file.modified()).ok());
        let key = ca_location.map(str::to_owned);
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, agent)) = agents.get(&key).filter(|(known, _)| *known == changed_at) {
            return Ok(agent.clone());
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_WITHIN))
            .max_idle_age(IDLE_MAX)
            .user_agent(concat!("helios/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca_location {
            config = config.tls_config(TlsConfig::builder().root_certs(authorities(path)?).build());
        }
        let agent = config.build().new_agent();
        agents.insert(key, (changed_at, agent.clone()));
        Ok(agent)
    }
}

fn authorities(path: &str) -> Result<RootCerts> {
    let wrong = |what: &str| {
        Error::invalid(format!("the option ssl_ca_location names {path}, which {what}"))
            .hint("Name a PEM file with the certificates of authorities.")
    };
    let pem = std::fs::read(path).map_err(|e| wrong("cannot be read").because(e))?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let certificates: Vec<Certificate> = parse_pem(&pem).filter_map(certificate).collect();
    if certificates.is_empty() {
        return Err(wrong("holds no certificate"));
    }
    Ok(RootCerts::new_with_certs(&certificates))
}
