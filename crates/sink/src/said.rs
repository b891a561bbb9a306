//! What a server says when it does not do what was asked, and what that means to us.

use helios_contract::error::{Error, Kind};
use std::fmt;

/// The server's own words, put under an [`Error`] with `because`.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: u32,
    words: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Said {}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// The server is away or busy: try again.
    Retry,
    /// It does not let us: login, rights.
    Refused,
    /// What we ask does not fit what is there: somebody must look.
    Park,
}

/// Numbers of exceptions that go away by themselves: data that broke off, time-outs, too many queries, parts or connections, no memory, no
/// keeper, a replica that is read-only, a disk that is full, a statement of the same id that still runs.
const PASSING: [u32; 25] =
    [3, 32, 33, 159, 202, 203, 209, 210, 216, 225, 236, 241, 242, 243, 252, 279, 285, 286, 319, 394, 425, 473, 499, 745, 999];
/// Wrong user or password, no rights, a user that may only read.
const REFUSALS: [u32; 8] = [164, 192, 193, 194, 195, 291, 497, 516];
/// Trouble of one host, which another one may not have: its network, its keeper, a replica that is read-only.
const OF_HOST: [u32; 5] = [0, 210, 225, 242, 999];
/// Something took too long.
pub(crate) const TIMEOUT: u32 = 159;
const UNKNOWN_DATABASE: u32 = 81;
/// No such table.
const UNKNOWN: [u32; 2] = [60, 218];

/// An error from the body of a reply that is not 200.
pub(crate) fn error(cluster: &str, status: u16, code: Option<u32>, body: &str) -> Error {
    let code = code.or_else(|| number(body)).unwrap_or(0);
    let words = words(body);
    let words = if words.is_empty() { format!("it answered with status {status}") } else { words };
    let message = format!("the cluster {cluster} says");
    let error = match code {
        0 if status >= 500 || status == 429 => Error::unavailable(message),
        0 if status == 401 || status == 403 => return refused(message, Said { code: REFUSALS[1], words }),
        code if PASSING.contains(&code) => Error::unavailable(message),
        UNKNOWN_DATABASE => Error::not_found(message).hint("Create it there, or name another one in the option database."),
        code if UNKNOWN.contains(&code) => Error::not_found(message),
        code if REFUSALS.contains(&code) => return refused(message, Said { code, words }),
        _ => Error::invalid(message),
    };
    error.because(Said { code, words })
}

fn refused(message: String, said: Said) -> Error {
    let hint = match said.code {
        164 | 291 | 497 => {
            "Grant the right to the user of the cluster, or name another user with ALTER CLUSTER ... SET (user = ...)."
        }
        _ => "Check the options user and password of the cluster.",
    };
    Error::invalid(message).because(said).hint(hint)
}

/// What to do about an error.
pub(crate) fn remedy(error: &Error) -> Remedy {
    match (error.kind(), code(error)) {
        (Kind::Unavailable | Kind::Exhausted, _) => Remedy::Retry,
        (_, Some(code)) if REFUSALS.contains(&code) => Remedy::Refused,
        // A secret that is not there.
        (Kind::NotFound, None) => Remedy::Refused,
        _ => Remedy::Park,
    }
}

/// Whether no answer came at all.
pub(crate) fn is_away(error: &Error) -> bool {
    error.kind() == Kind::Unavailable && code(error).is_none()
}

/// Whether another host of the cluster may do better.
pub(crate) fn is_of_host(error: &Error) -> bool {
    error.kind() == Kind::Unavailable && code(error).is_none_or(|code| OF_HOST.contains(&code))
}

/// The number of the server's exception under an error.
pub(crate) fn code(error: &Error) -> Option<u32> {
    std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Said>()).map(|said| said.code)
}

/// `Code: 60. DB::Exception: ...`
fn number(body: &str) -> Option<u32> {
    let digits = body.split_once("Code: ")?.1;
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    digits[..end].parse().ok()
}

/// The words of an exception without what surrounds them.
fn words(body: &str) -> String {
    const LENGTH_MAX: usize = 600;
    let body = body.trim();
    let body = body.split_once("DB::Exception: ").map_or(body, |(_, words)| words);
    let end = [", e.what() =", ", Stack trace", ". Stack trace", " (version ", "(official build)"];
    let cut = end.iter().filter_map(|mark| body.find(mark)).min().unwrap_or(body.len());
    let line = body[..cut].split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(LENGTH_MAX).collect();
    if short.len() < line.len() {
        short.push_str("...");
    }
    short.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_and_keep_the_servers_words() {
        let old = "Code: 193, e.displayText() = DB::Exception: Wrong password for user default, e.what() = DB::Exception\n";
        let found = error("ch", 401, None, old);
        assert_eq!(found.message(), "the cluster ch says: Wrong password for user default");
        assert_eq!(remedy(&found), Remedy::Refused);
        let busy = "Code: 252. DB::Exception: Too many parts (301). Merges are slower. (TOO_MANY_PARTS) (version 26.9.2.1)";
        let found = error("ch", 500, Some(252), busy);
        assert_eq!(found.message(), "the cluster ch says: Too many parts (301). Merges are slower. (TOO_MANY_PARTS)");
        assert_eq!(remedy(&found), Remedy::Retry);
        let gone = error("ch", 404, None, "Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE)");
        assert_eq!((gone.kind(), remedy(&gone)), (Kind::NotFound, Remedy::Park));
        assert_eq!(remedy(&error("ch", 502, None, "<html>bad gateway</html>")), Remedy::Retry);
        assert_eq!(remedy(&error("ch", 400, Some(53), "Code: 53. DB::Exception: Type mismatch")), Remedy::Park);
    }
}
