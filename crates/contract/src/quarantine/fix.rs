//! How quarantined records are mended before they are replayed. `Display` writes each fix as SQL does.

use crate::column::quoted;
use std::fmt;

/// One change of each record, in the order they are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// `SET path = NULL | 'text' | 12.5 | true`: only where the value there, or its absence, is what does not fit.
    Set {
        /// Which value.
        path: Path,
        /// What takes its place, as JSON.
        value: Value,
    },
    /// `RENAME path TO path`: where the first is there and the second is not.
    Rename {
        /// The field as it is called.
        from: Path,
        /// The field as it should be called.
        to: Path,
    },
    /// `DROP path`
    Drop(Path),
    /// `SET PAYLOAD = '...'`: the whole record; for one record only.
    Payload(String),
}

/// A value that takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `NULL`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A number with all its digits.
    Number(String),
    /// `'text'`
    Text(String),
}

/// Where a value is in a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(pub Vec<Step>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The field of an object.
    Field(String),
    /// The item of a list, from 0.
    Item(usize),
    /// Every item of a list.
    Items,
}

impl Path {
    /// Whether this names the place that a reason calls `path` (`a.b[2].c`); if so, that very place.
    pub fn at(&self, path: &str) -> Option<Path> {
        let mut rest = path;
        let mut steps = Vec::with_capacity(self.0.len());
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) => {
                    rest = if i > 0 { rest.strip_prefix('.')? } else { rest }.strip_prefix(name.as_str())?;
                    steps.push(step.clone());
                }
                Step::Item(_) | Step::Items => {
                    let (digits, after) = rest.strip_prefix('[')?.split_once(']')?;
                    let index = digits.parse().ok()?;
                    if *step != Step::Items && *step != Step::Item(index) {
                        return None;
                    }
                    steps.push(Step::Item(index));
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(Path(steps))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) => write!(f, "{}{}", if i > 0 { "." } else { "" }, quoted(name))?,
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Items => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("NULL"),
            Value::Boolean(value) => value.fmt(f),
            Value::Number(digits) => f.write_str(digits),
            Value::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        }
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Set { path, value } => write!(f, "SET {path} = {value}"),
            Fix::Rename { from, to } => write!(f, "RENAME {from} TO {to}"),
            Fix::Drop(path) => write!(f, "DROP {path}"),
            Fix::Payload(payload) => write!(f, "SET PAYLOAD = '{}'", payload.replace('\'', "''")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_the_place_that_a_reason_names() {
        let field = |name: &str| Step::Field(name.to_owned());
        let path = Path(vec![field("cart"), Step::Items, field("price")]);
        assert_eq!(path.to_string(), "cart[].price");
        let place = path.at("cart[12].price").expect("it is there");
        assert_eq!(place, Path(vec![field("cart"), Step::Item(12), field("price")]));
        for other in ["cart[12].prices", "cart[12]", "cart.price", "cart[x].price", "scart[1].price", ""] {
            assert_eq!(path.at(other), None, "{other}");
        }
        let third = Path(vec![field("tags"), Step::Item(3)]);
        assert!(third.at("tags[3]").is_some() && third.at("tags[13]").is_none());
    }
}
