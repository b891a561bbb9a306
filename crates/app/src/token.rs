//! The access token: made once, shown once, kept only as its SHA-256.

use helios_contract::{Error, Result};
use helios_serve::TokenHash;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const FILE: &str = "token.sha256";

/// The token's hash, and the token itself when it was made just now.
#[derive(Debug)]
pub struct Token {
    /// What requests are checked against.
    pub sha256: TokenHash,
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
        Ok(text) => match TokenHash::try_from(text.trim().to_owned()) {
            Ok(sha256) => Ok(Token { sha256, new: None }),
            Err(error) => Err(Error::corrupt(format!("{} does not hold a SHA-256", path.display()))
                .because(error)
                .hint("Delete the file to have a new token made at the next start.")),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(&path),
        Err(error) => Err(Error::unavailable(format!("cannot read {}", path.display())).because(error)),
    }
}

fn create(path: &Path) -> Result<Token> {
    let mut bytes = [0u8; 24];
    getrandom::fill(&mut bytes).map_err(|e| Error::unavailable(format!("cannot make a token: no randomness: {e}")))?;
    let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let token = format!("helios_{digits}");
    let sha256 = TokenHash::of(&token);
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{sha256}")?;
        file.sync_all()
    };
    write().map_err(|e| Error::unavailable(format!("cannot write {}", path.display())).because(e))?;
    Ok(Token { sha256, new: Some(token) })
}
