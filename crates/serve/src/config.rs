//! What users may set about the HTTP side.

use helios_contract::{Error, Result};
use sha2::{Digest, Sha256};
use std::fmt;

/// Settings of the HTTP side.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest decompressed body of one push.
    pub body_bytes_max: usize,
    /// Bytes of all request bodies held at once; beyond it pushes are told to come back.
    pub inflight_bytes_max: usize,
    /// The longest statement.
    pub sql_bytes_max: usize,
    /// How long a sender may pause in the middle of a body.
    pub body_idle_s: u64,
    /// How long a stream with unread records may go without a commit before `/healthz` fails.
    pub stall_s: u64,
    /// How often what is stored is recounted and held against the ledger; 0: only when somebody asks.
    pub verify_s: u64,
    /// The SHA-256 of the token that requests must carry, as 64 hex digits; none: no token is asked for.
    pub token_sha256: Option<TokenHash>,
    /// The host names requests may be addressed to, whatever the port; none: any. Keeps web pages that rebind a DNS
    /// name to this machine away from a server that asks for no token.
    pub allowed_hosts: Option<Vec<String>>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            body_bytes_max: 64 << 20,
            inflight_bytes_max: 256 << 20,
            sql_bytes_max: 1 << 20,
            body_idle_s: 30,
            stall_s: 30,
            verify_s: 3600,
            token_sha256: None,
            allowed_hosts: Some(["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec()),
        }
    }
}

/// The SHA-256 of an access token.
#[derive(Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token.
    pub fn of(token: &str) -> TokenHash {
        TokenHash(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether this is the hash of `token`; takes equally long whatever the answer.
    pub(crate) fn admits(&self, token: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(&self.0[..], &TokenHash::of(token).0[..]).into()
    }
}

impl TryFrom<String> for TokenHash {
    type Error = Error;
    fn try_from(hex: String) -> Result<TokenHash> {
        let digits = |i: usize| hex.get(2 * i..2 * i + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let bytes: Option<Vec<u8>> = (0..32).map(digits).collect();
        bytes.and_then(|bytes| bytes.try_into().ok()).filter(|_| hex.len() == 64).map(TokenHash).ok_or_else(|| {
            Error::invalid("the token hash is not 64 hex digits")
                .hint("Write the SHA-256 of the token, as `sha256sum` prints it.")
        })
    }
}

/// As 64 hex digits.
impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}
