//! The access token: made once, shown once, kept only as its SHA-256.

use helios_contract::{Error, Result};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const FILE: &str = "token.sha256";

/// The token's hash, and the token itself when it was made just now.
#[derive(Debug)]
pub struct Token {
    /// SHA-256 of the token, as hexadecimal text.
    pub sha256: String,
    /// To be shown to the user, once.
    pub new: Option<String>,
}

/// The token of a data directory; makes one when there is none.
///
/// # Errors
/// `Unavailable` when the directory cannot be read or written.
pub fn load_or_create(dir: &Path) -> Result<Token> {
    let path = dir.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) if is_hash(text.trim()) => Ok(Token { sha256: text.trim().to_owned(), new: None }),
        Ok(_) => Err(Error::corrupt(format!("{} does not hold a SHA-256", path.display()))
            .hint("Delete the file to have a new token made at the next start.")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(&path),
        Err(error) => Err(Error::unavailable(format!("cannot read {}", path.display())).because(error)),
    }
}

fn create(path: &Path) -> Result<Token> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes).map_err(|e| Error::unavailable(format!("cannot make a token: no randomness: {e}")))?;
    let token = format!("helios_{}", hex(&bytes));
    let sha256 = hex(&Sha256::digest(token.as_bytes()));
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{sha256}")?;
        file.sync_all()
    };
    write().map_err(|e| Error::unavailable(format!("cannot write {}", path.display())).because(e))?;
    Ok(Token { sha256, new: Some(token) })
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
