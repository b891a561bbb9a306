//! The seam to the network: one request to a ClickHouse server, one reply. Tests put a scripted server in its place.

mod http;
mod silence;

pub use http::Http;

use bytes::Bytes;
use helios_contract::error::Result;
use helios_contract::secret::Secret;
use std::io::Read;
use std::time::Duration;

/// A request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The host to ask: `https://host:8443`.
    pub url: String,
    /// The authorities that may vouch for it, as a PEM file; `None`: those everybody trusts.
    pub ca_location: Option<String>,
    /// Whom to log in as.
    pub user: String,
    /// With what.
    pub password: Option<Secret>,
    /// What stands in the address: settings and, where the body is data, the statement.
    pub parameters: Vec<(&'static str, String)>,
    /// A statement, or the data for one.
    pub body: Bytes,
    /// How the body is compressed: `zstd` or `gzip`.
    pub encoding: Option<&'static str>,
    /// How long the whole may take.
    pub within: Duration,
}

impl Ask {
    /// A parameter's value.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// What came back.
pub struct Reply {
    /// The status; 200 when all is well so far.
    pub status: u16,
    /// The number of the server's exception, where it names one.
    pub code: Option<u32>,
    /// The body, decompressed.
    pub body: Box<dyn Read + Send>,
}

/// Sends requests. Blocks: call it where that holds up nobody.
pub trait Wire: Send + Sync {
    /// Sends one.
    ///
    /// # Errors
    /// `Unavailable` when no reply came: whether the server did what was asked is not known then. `Invalid` for an address or
    /// a file with authorities that cannot be used.
    fn send(&self, ask: &Ask) -> Result<Reply>;
}
