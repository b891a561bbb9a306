//! A JSON record as a tree whose leaves are the text that came: numbers keep every digit, fields their order.

use crate::decode::misfit::Fit;
use crate::decode::scan::Scan;
use helios_contract::quarantine::fix::{Path, Step};

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// Fields by their names, in order; of equal names the last counts.
    Object(Vec<(String, Node)>),
    List(Vec<Node>),
    /// Anything else, as JSON writes it.
    Leaf(String),
}

impl Node {
    /// Reads a payload; an error means that it is not JSON, and no fix finds its way in it.
    pub(super) fn read(payload: &[u8]) -> Fit<Node> {
        let mut scan = Scan::open(payload)?;
        let node = Node::value(&mut scan)?;
        scan.end()?;
        Ok(node)
    }

    fn value(scan: &mut Scan) -> Fit<Node> {
        match scan.peek() {
            b'{' => {
                let mut fields: Vec<(String, Node)> = Vec::new();
                scan.enter()?;
                let mut more = !scan.is_empty(b'}');
                while more {
                    let name = scan.key()?.text().into_owned();
                    fields.push((name, Node::value(scan)?));
                    more = scan.another(b'}')?;
                }
                Ok(Node::Object(fields))
            }
            b'[' => {
                let mut items = Vec::new();
                scan.enter()?;
                let mut more = !scan.is_empty(b']');
                while more {
                    items.push(Node::value(scan)?);
                    more = scan.another(b']')?;
                }
                Ok(Node::List(items))
            }
            b'-' | b'0'..=b'9' => Ok(Node::Leaf(scan.any_number()?.raw().to_owned())),
            _ => {
                let mut text = String::new();
                scan.copy(&mut text)?;
                Ok(Node::Leaf(text))
            }
        }
    }

    /// Writes it without white space.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Node::Leaf(text) => out.push_str(text),
            Node::Object(fields) => {
                out.push('{');
                for (i, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    out.push_str(&serde_json::Value::from(name.as_str()).to_string());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            Node::List(items) => {
                out.push('[');
                for (i, item) in items.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    item.write(out);
                }
                out.push(']');
            }
        }
    }

    /// Puts a value at a place; a field that is missing is added. False when there is no such place.
    pub(super) fn set(&mut self, path: &[Step], value: &Node) -> bool {
        let Some((step, rest)) = path.split_first() else {
            self.clone_from(value);
            return true;
        };
        match (self, step) {
            (Node::Object(fields), Step::Field(name)) => match fields.iter_mut().rev().find(|(field, _)| field == name) {
                Some((_, inner)) => inner.set(rest, value),
                None if rest.is_empty() => {
                    fields.push((name.clone(), value.clone()));
                    true
                }
                None => false,
            },
            (Node::List(items), Step::Item(index)) => items.get_mut(*index).is_some_and(|item| item.set(rest, value)),
            (Node::List(items), Step::Items) => {
                items.iter_mut().filter_map(|item| item.set(rest, value).then_some(())).count() > 0
            }
            _ => false,
        }
    }

    /// Takes the field at a place away, from every item of a list where the path says so. False when it is not there.
    pub(super) fn remove(&mut self, path: &[Step]) -> bool {
        match (self, path) {
            (Node::Object(fields), [Step::Field(name)]) => {
                let n_fields = fields.len();
                fields.retain(|(field, _)| field != name);
                fields.len() < n_fields
            }
            (Node::List(items), [Step::Item(index)]) if *index < items.len() => {
                items.remove(*index);
                true
            }
            (Node::Object(fields), [Step::Field(name), rest @ ..]) => {
                fields.iter_mut().rev().find(|(field, _)| field == name).is_some_and(|(_, inner)| inner.remove(rest))
            }
            (Node::List(items), [Step::Item(index), rest @ ..]) => items.get_mut(*index).is_some_and(|item| item.remove(rest)),
            (Node::List(items), [Step::Items, rest @ ..]) if !rest.is_empty() => {
                items.iter_mut().filter_map(|item| item.remove(rest).then_some(())).count() > 0
            }
            _ => false,
        }
    }

    /// Gives a field another place, where nothing is at that place yet. False when there was nothing to do.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> bool {
        // What both paths share is walked once, so that each item of a list keeps its own field.
        let (from, to) = (from.0.as_slice(), to.0.as_slice());
        match (&mut *self, from, to) {
            (Node::List(items), [Step::Items, from @ ..], [Step::Items, to @ ..]) => {
                let (from, to) = (Path(from.to_vec()), Path(to.to_vec()));
                items.iter_mut().filter_map(|item| item.rename(&from, &to).then_some(())).count() > 0
            }
            (Node::Object(fields), [Step::Field(a), from @ ..], [Step::Field(b), to @ ..])
                if a == b && !from.is_empty() && !to.is_empty() =>
            {
                let (from, to) = (Path(from.to_vec()), Path(to.to_vec()));
                fields.iter_mut().rev().find(|(field, _)| field == a).is_some_and(|(_, inner)| inner.rename(&from, &to))
            }
            _ => {
                let Some(value) = self.get(from).filter(|_| self.get(to).is_none()).cloned() else { return false };
                let mut changed = self.clone();
                let moved = changed.remove(from) && changed.set_deep(to, value);
                if moved {
                    *self = changed;
                }
                moved
            }
        }
    }

    fn get(&self, path: &[Step]) -> Option<&Node> {
        let Some((step, rest)) = path.split_first() else { return Some(self) };
        match (self, step) {
            (Node::Object(fields), Step::Field(name)) => fields.iter().rev().find(|(field, _)| field == name)?.1.get(rest),
            (Node::List(items), Step::Item(index)) => items.get(*index)?.get(rest),
            _ => None,
        }
    }

    /// As [`Node::set`], and makes the objects on the way that are missing.
    fn set_deep(&mut self, path: &[Step], value: Node) -> bool {
        match (&mut *self, path) {
            (Node::Object(fields), [Step::Field(name), rest @ ..]) if !rest.is_empty() => {
                if !fields.iter().any(|(field, _)| field == name) {
                    fields.push((name.clone(), Node::Object(Vec::new())));
                }
                fields.iter_mut().rev().find(|(field, _)| field == name).is_some_and(|(_, inner)| inner.set_deep(rest, value))
            }
            _ => self.set(path, &value),
        }
    }
}
