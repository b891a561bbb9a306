//! The commands that talk to a running server over HTTP, as any other program would.

pub mod load;
pub mod quarantine;
pub mod sql;
pub mod tail;
pub mod verify;

pub(crate) mod output;
mod repl;
mod statements;

use clap::Args;
use helios_contract::{Error, Kind, Result};
use serde_json::Value;
use std::time::Duration;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, AsSendBody, Body};

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the head of an answer may take: long, for recounting a large lake is one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(3600);

/// Which server to talk to.
#[derive(Debug, Clone, Args)]
pub struct Address {
    /// Address of the server
    #[arg(long, value_name = "URL", env = "HELIOS_URL", default_value = "http://127.0.0.1:4321")]
    pub url: String,
    /// Access token, where the server asks for one
    #[arg(long, value_name = "TOKEN", env = "HELIOS_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// A server, seen from outside.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: Option<String>,
}

/// Why a request was not answered as hoped.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) error: Error,
    /// None when no answer came at all.
    pub(crate) status: Option<StatusCode>,
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Where the server stands, when a push did not continue from there.
    pub(crate) stands_at: Option<String>,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Error {
        refused.error
    }
}

impl Client {
    pub(crate) fn new(address: &Address) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_recv_response(Some(ANSWER_WITHIN))
            .user_agent(concat!("helios/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = address.url.trim_end_matches('/');
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        Client { agent: config.new_agent(), url, token: address.token.clone() }
    }

    /// Whether the server is on this machine, as far as its address tells.
    pub(crate) fn is_local(&self) -> bool {
        let host = self.url.split_once("://").map_or("", |(_, rest)| rest);
        ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Response<Body>, Refused> {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.checked(request.call())
    }

    pub(crate) fn delete(&self, path: &str) -> Result<Response<Body>, Refused> {
        let mut request = self.agent.delete(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        self.checked(request.call())
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: impl AsSendBody) -> Result<Response<Body>, Refused> {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.checked(request.send(body))
    }

    fn checked(&self, answered: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Refused> {
        match answered {
            Ok(response) if response.status().is_success() => Ok(response),
            Ok(response) => Err(refused(response)),
            Err(error) => {
                let error = Error::unavailable(format!("cannot reach Helios at {}", self.url)).because(error);
                let error = error.hint("Start it with `helios run`, or say where it is with --url.");
                Err(Refused { error, status: None, retry_after: None, stands_at: None })
            }
        }
    }
}

/// The whole body, as JSON.
pub(crate) fn json(response: Response<Body>) -> Result<Value> {
    serde_json::from_reader(response.into_body().into_reader()).map_err(|error| {
        Error::unavailable("cannot read the server's answer").because(error).hint("Is this the address of Helios?")
    })
}

fn refused(response: Response<Body>) -> Refused {
    let status = response.status();
    let retry_after = response.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    let body = json(response).unwrap_or_default();
    let message = match body["message"].as_str() {
        Some(message) => message.to_owned(),
        None => format!("the server answered {status}"),
    };
    let mut error = Error::new(kind(status), message);
    if let Some(hint) = body["hint"].as_str() {
        error = error.hint(hint);
    }
    if let (Some(line), Some(column)) = (body["position"]["line"].as_u64(), body["position"]["column"].as_u64()) {
        error = error.at(line, column);
    }
    let stands_at = body["position"].as_str().map(str::to_owned);
    Refused { error, status: Some(status), retry_after: retry_after.map(Duration::from_secs), stands_at }
}

fn kind(status: StatusCode) -> Kind {
    match status.as_u16() {
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        413 | 422 | 429 => Kind::Exhausted,
        502..=504 => Kind::Unavailable,
        500.. => Kind::Internal,
        _ => Kind::Invalid,
    }
}
