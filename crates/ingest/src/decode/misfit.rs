//! Why a record did not become a row, while the path to the fault is still being put together.

use helios_contract::decode::Reject;
use std::fmt::Write;

/// The result of reading something; the error is boxed because the hot path almost never sees one.
pub(crate) type Fit<T = ()> = Result<T, Box<Misfit>>;

/// A reason, and the path from the value at fault outwards as far as it has been walked back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    reason: String,
    path: String,
    /// The record cannot be read at all, so no field is to blame.
    whole: bool,
}

impl Misfit {
    /// A value that does not fit its column.
    #[cold]
    pub fn value(reason: impl Into<String>) -> Box<Misfit> {
        Box::new(Misfit { reason: reason.into(), path: String::new(), whole: false })
    }

    /// A record that cannot be read.
    #[cold]
    pub fn whole(reason: impl Into<String>) -> Box<Misfit> {
        Box::new(Misfit { reason: reason.into(), path: String::new(), whole: true })
    }

    /// The fault is inside the field `name`.
    #[cold]
    pub fn in_field(mut self: Box<Self>, name: &str) -> Box<Misfit> {
        if !self.whole {
            let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
            self.path = format!("{name}{dot}{}", self.path);
        }
        self
    }

    /// The fault is inside the item at `index` of a list.
    #[cold]
    pub fn in_item(mut self: Box<Self>, index: usize) -> Box<Misfit> {
        if !self.whole {
            let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
            self.path = format!("[{index}]{dot}{}", self.path);
        }
        self
    }

    /// The fault is in the cell of the field `name`, even if that cell cannot be read at all.
    #[cold]
    pub fn in_cell(mut self: Box<Self>, name: &str) -> Box<Misfit> {
        self.whole = false;
        self.in_field(name)
    }

    /// What was said about the record at `index`.
    pub fn reject(self, index: usize) -> Reject {
        Reject { index, reason: self.reason, path: self.path }
    }

    /// The reason alone.
    pub fn reason(self) -> String {
        self.reason
    }
}

/// Text from a record as a reason quotes it: escaped, and cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut shown = String::from("\"");
    for (i, c) in text.chars().enumerate() {
        if i == CHARS_MAX {
            shown.push_str("...");
            break;
        }
        write!(shown, "{}", c.escape_debug()).expect("writing to a String cannot fail");
    }
    shown.push('"');
    shown
}
