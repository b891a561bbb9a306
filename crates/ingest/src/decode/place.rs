//! Where in a record we are, so that fields without a column go to `_rest` under the path they came from.

use std::cell::Cell;

/// An object or array being read. It is written to `_rest` only once something in it has no column.
pub(crate) struct Place<'p> {
    step: Step<'p>,
    is_list: bool,
    is_open: Cell<bool>,
    n_written: Cell<usize>,
}

enum Step<'p> {
    Record,
    /// The field of an object, by its name as JSON writes it.
    Field(&'p Place<'p>, &'p str),
    /// The item of a list.
    Item(&'p Place<'p>, usize),
}

impl<'p> Place<'p> {
    /// The record itself.
    pub fn record() -> Place<'static> {
        Place { step: Step::Record, is_list: false, is_open: Cell::new(false), n_written: Cell::new(0) }
    }

    /// The object or list in a field, `key` with its quotes.
    pub fn field(parent: &'p Place<'p>, key: &'p str, is_list: bool) -> Place<'p> {
        Place { step: Step::Field(parent, key), is_list, is_open: Cell::new(false), n_written: Cell::new(0) }
    }

    /// The object or list at an index of a list.
    pub fn item(parent: &'p Place<'p>, index: usize, is_list: bool) -> Place<'p> {
        Place { step: Step::Item(parent, index), is_list, is_open: Cell::new(false), n_written: Cell::new(0) }
    }

    /// Makes `rest` ready for the value of a field of this object, `key` with its quotes.
    pub fn write_key(&self, rest: &mut String, key: &str) {
        self.open(rest);
        if self.n_written.replace(self.n_written.get() + 1) > 0 {
            rest.push(',');
        }
        rest.push_str(key);
        rest.push(':');
    }

    /// Ends what was opened.
    #[inline]
    pub fn close(&self, rest: &mut String) {
        if self.is_open.get() {
            rest.push(if self.is_list { ']' } else { '}' });
        }
    }

    fn open(&self, rest: &mut String) {
        if self.is_open.replace(true) {
            return;
        }
        match &self.step {
            Step::Record => {}
            Step::Field(parent, key) => parent.write_key(rest, key),
            Step::Item(parent, index) => parent.write_items_before(rest, *index),
        }
        rest.push(if self.is_list { '[' } else { '{' });
    }

    /// Items of which every field has a column are null in `_rest`, so that positions stay what they were.
    fn write_items_before(&self, rest: &mut String, index: usize) {
        self.open(rest);
        for i in self.n_written.get()..=index {
            rest.push_str(if i > 0 { "," } else { "" });
            rest.push_str(if i < index { "null" } else { "" });
        }
        self.n_written.set(index + 1);
    }
}
