//! One error for the whole product: seven kinds that say what the caller should do next.

use std::fmt;

/// A result whose error says what was tried, on what, why it failed and what to do.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong: fix it.
    Invalid,
    /// The thing named does not exist.
    NotFound,
    /// Somebody else was first: read again, then decide.
    Conflict,
    /// Something outside is away or busy: wait and retry.
    Unavailable,
    /// A limit was reached: ask for less.
    Exhausted,
    /// Stored bytes are not what was written: stop and keep them.
    Corrupt,
    /// A bug in Helios.
    Internal,
}

impl Kind {
    /// The word used in JSON errors, metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::NotFound => "not_found",
            Kind::Conflict => "conflict",
            Kind::Unavailable => "unavailable",
            Kind::Exhausted => "exhausted",
            Kind::Corrupt => "corrupt",
            Kind::Internal => "internal",
        }
    }
}

/// A place in a text the user wrote; both count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextPosition {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// An error as the user sees it.
///
/// The message is lower case and says what was tried and on what; the hint is a sentence that says what to do.
#[derive(Debug)]
pub struct Error(Box<Inner>);

// Boxed so that `Result<T>` stays one pointer wide on the hot path.
#[derive(Debug)]
struct Inner {
    kind: Kind,
    message: String,
    hint: Option<String>,
    position: Option<TextPosition>,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`; prefer the constructors named after the kinds.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), hint: None, position: None, cause: None }))
    }

    /// The request is wrong: fix it.
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::new(Kind::Invalid, message)
    }

    /// The thing named does not exist.
    pub fn not_found(message: impl Into<String>) -> Error {
        Error::new(Kind::NotFound, message)
    }

    /// Somebody else was first.
    pub fn conflict(message: impl Into<String>) -> Error {
        Error::new(Kind::Conflict, message)
    }

    /// Something outside is away or busy.
    pub fn unavailable(message: impl Into<String>) -> Error {
        Error::new(Kind::Unavailable, message)
    }

    /// A limit was reached.
    pub fn exhausted(message: impl Into<String>) -> Error {
        Error::new(Kind::Exhausted, message)
    }

    /// Stored bytes are not what was written.
    pub fn corrupt(message: impl Into<String>) -> Error {
        Error::new(Kind::Corrupt, message)
    }

    /// A bug in Helios.
    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(Kind::Internal, message)
    }

    /// Adds a sentence that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the place in the user's text, both counted from 1.
    #[must_use]
    pub fn at(mut self, line: u64, column: u64) -> Error {
        self.0.position = Some(TextPosition { line, column });
        self
    }

    /// Adds the error underneath; it is shown after the message.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        self.0.cause = Some(cause.into());
        self
    }

    /// Puts what was being tried in front of the message: `context: message`.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Error {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// What the caller should do.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message and its causes, without the hint.
    pub fn message(&self) -> String {
        match &self.0.cause {
            Some(cause) => format!("{}: {cause}", self.0.message),
            None => self.0.message.clone(),
        }
    }

    /// What to do, as a sentence.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Where in the user's text.
    pub fn position(&self) -> Option<TextPosition> {
        self.0.position
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        if let Some(at) = self.0.position {
            write!(f, " (line {}, column {})", at.line, at.column)?;
        }
        match &self.0.hint {
            Some(hint) => write!(f, ". {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|c| c as _)
    }
}

/// The candidate nearest to `given`, if one is near enough to be a likely typing mistake.
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(given, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count().min(given.chars().count()) / 3)
        .min()
        .map(|(_, candidate)| candidate)
}
