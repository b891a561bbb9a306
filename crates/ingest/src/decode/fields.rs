//! The columns of a record or of a nested object, found by field name.

use super::column::Column;
use super::misfit::{Fit, Misfit};
use super::scan::{Quoted, Scan};
use arrow::array::ArrayRef;

/// Columns that always have the same number of values between records.
pub(crate) struct Fields {
    pub names: Vec<Name>,
    pub columns: Vec<Column>,
    pub successors: Successors,
    n_rows: usize,
}

/// The name of a column.
pub(crate) struct Name {
    pub name: String,
    /// As JSON writes it, with quotes.
    pub key: String,
    pub is_required: bool,
}

/// Which column to expect next: producers write fields in the same order again and again, with some left out now and then.
pub(crate) struct Successors {
    /// Columns sorted by name.
    by_name: Vec<usize>,
    /// The column that last followed a column, at its index plus one; at 0, the column that last came first.
    next: Vec<usize>,
}

/// What a field's name says.
pub(crate) enum Key<'a> {
    /// It belongs to the column at this index.
    Column(usize),
    /// No column has this name.
    Unknown(Quoted<'a>),
}

impl Fields {
    /// Empty columns.
    pub fn new(columns: &[helios_contract::column::Column]) -> Fields {
        let names: Vec<Name> = columns.iter().map(Name::of).collect();
        let mut by_name: Vec<usize> = (0..names.len()).collect();
        by_name.sort_by(|a, b| names[*a].name.cmp(&names[*b].name));
        Fields {
            names,
            columns: columns.iter().map(|column| Column::new(&column.data_type)).collect(),
            successors: Successors { by_name, next: (0..=columns.len()).collect() },
            n_rows: 0,
        }
    }

    /// How many values each column has.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Ends a row of which `n_found` columns have their value: the others get a null.
    #[inline]
    pub fn end_row(&mut self, n_found: usize) -> Fit {
        if n_found < self.columns.len() {
            for (name, column) in self.names.iter().zip(&mut self.columns).filter(|(_, column)| column.len() == self.n_rows) {
                if name.is_required {
                    return Err(Misfit::value("required field is missing").in_field(&name.name));
                }
                column.push_null();
            }
        }
        self.n_rows += 1;
        Ok(())
    }

    /// Adds a row of nulls, where the whole object is null.
    pub fn push_null(&mut self) {
        self.columns.iter_mut().for_each(Column::push_null);
        self.n_rows += 1;
    }

    /// Keeps the first `n` rows.
    pub fn truncate(&mut self, n: usize) {
        self.columns.iter_mut().for_each(|column| column.truncate(n));
        self.n_rows = n;
    }

    /// Hands the columns' values over.
    pub fn finish(&mut self) -> Vec<ArrayRef> {
        self.n_rows = 0;
        self.columns.iter_mut().map(Column::finish).collect()
    }
}

impl Successors {
    /// Reads a field's name, and the colon after it; `previous` is 0 at first, then the last column's index plus one.
    #[inline]
    pub fn key<'a>(&mut self, names: &[Name], scan: &mut Scan<'a>, previous: usize) -> Fit<Key<'a>> {
        scan.peek();
        let expected = self.next[previous];
        if let Some(name) = names.get(expected)
            && scan.eat_exactly(&name.key)
        {
            scan.expect(b':')?;
            return Ok(Key::Column(expected));
        }
        let key = scan.key()?;
        let text = key.text();
        match self.by_name.binary_search_by(|i| names[*i].name.as_str().cmp(&text)) {
            Ok(found) => {
                self.next[previous] = self.by_name[found];
                Ok(Key::Column(self.by_name[found]))
            }
            Err(_) => Ok(Key::Unknown(key)),
        }
    }
}

impl Name {
    fn of(column: &helios_contract::column::Column) -> Name {
        Name {
            name: column.name.clone(),
            key: serde_json::Value::from(column.name.as_str()).to_string(),
            is_required: column.required,
        }
    }
}
