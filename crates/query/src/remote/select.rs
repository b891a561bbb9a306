//! A question to a cluster, as it grows: what is selected from what, under which conditions.

use arrow::datatypes::{DataType, Field};
use helios_contract::cluster::{RemoteColumn, RemoteName};

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Output {
    /// How the cluster computes it.
    pub(crate) sql: String,
    /// What it is here.
    pub(crate) data_type: DataType,
    /// Whether conditions on it mean the same there and here.
    pub(crate) comparable: bool,
    /// Whether it stands for itself, and needs no other name.
    is_plain: bool,
}

impl Output {
    /// A column of a table, which becomes `field` here.
    pub(crate) fn column(column: &RemoteColumn, field: &Field) -> Output {
        let comparable = is_comparable(&column.remote_type, field.data_type());
        Output { sql: quoted(&column.name), data_type: field.data_type().clone(), comparable, is_plain: true }
    }

    /// A column that the table does not have yet.
    pub(crate) fn missing(field: &Field) -> Output {
        Output { comparable: false, ..Output::computed("NULL".to_owned(), field.data_type().clone()) }
    }

    /// Something computed.
    pub(crate) fn computed(sql: String, data_type: DataType) -> Output {
        let comparable = !data_type.is_nested();
        Output { sql, data_type, comparable, is_plain: false }
    }
}

/// Whether the cluster's values of a type are what they become here, so that they compare alike: an enumeration is a number
/// there and text here.
fn is_comparable(remote_type: &str, data_type: &DataType) -> bool {
    let mut inner = remote_type;
    for wrapper in ["LowCardinality(", "Nullable("] {
        inner = inner.strip_prefix(wrapper).and_then(|inner| inner.strip_suffix(')')).unwrap_or(inner);
    }
    match data_type {
        DataType::Utf8 => inner == "String",
        DataType::Timestamp(..) => inner.starts_with("DateTime"),
        DataType::Date32 => inner.starts_with("Date"),
        DataType::Boolean => inner == "Bool",
        DataType::Int32 | DataType::Int64 | DataType::UInt64 => inner.starts_with("Int") || inner.starts_with("UInt"),
        DataType::Float32 | DataType::Float64 => inner.starts_with("Float"),
        DataType::Decimal128(..) => inner.starts_with("Decimal"),
        _ => false,
    }
}

/// `SELECT outputs FROM from WHERE filters GROUP BY groups ORDER BY order LIMIT limit`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Select {
    from: String,
    pub(crate) outputs: Vec<Output>,
    filters: Vec<String>,
    groups: Option<Vec<String>>,
    order: Vec<String>,
    limit: Option<u64>,
}

impl Select {
    /// All of a table.
    pub(crate) fn table(name: &RemoteName, outputs: Vec<Output>) -> Select {
        let from = format!("{}.{}", quoted(&name.database), quoted(&name.table));
        Select { from, outputs, filters: Vec::new(), groups: None, order: Vec::new(), limit: None }
    }

    /// Whether conditions and groups can be added without asking for something else.
    pub(crate) fn is_open(&self) -> bool {
        self.groups.is_none() && self.limit.is_none()
    }

    /// Whether it is some of the rows already.
    pub(crate) fn has_limit(&self) -> bool {
        self.limit.is_some()
    }

    /// The same, as the table of another question.
    #[must_use]
    pub(crate) fn nested(&self) -> Select {
        let output = |(i, output): (usize, &Output)| {
            let sql = if output.is_plain { output.sql.clone() } else { alias(i) };
            Output { sql, is_plain: true, ..output.clone() }
        };
        let outputs = self.outputs.iter().enumerate().map(output).collect();
        Select { from: format!("({})", self.sql()), outputs, filters: Vec::new(), groups: None, order: Vec::new(), limit: None }
    }

    /// With conditions on its columns.
    #[must_use]
    pub(crate) fn filtered(mut self, conditions: Vec<String>) -> Select {
        self.filters.extend(conditions);
        self
    }

    /// With these columns only.
    #[must_use]
    pub(crate) fn projected(mut self, places: &[usize]) -> Select {
        self.outputs = places.iter().map(|place| self.outputs[*place].clone()).collect();
        self
    }

    /// With one more column.
    #[must_use]
    pub(crate) fn and(mut self, output: Output) -> Select {
        self.outputs.push(output);
        self
    }

    /// With other columns.
    #[must_use]
    pub(crate) fn selecting(mut self, outputs: Vec<Output>) -> Select {
        self.outputs = outputs;
        self
    }

    /// In groups.
    #[must_use]
    pub(crate) fn grouped(mut self, groups: Vec<String>, outputs: Vec<Output>) -> Select {
        (self.groups, self.outputs) = (Some(groups), outputs);
        self
    }

    /// The first rows in an order.
    #[must_use]
    pub(crate) fn first(mut self, order: Vec<String>, limit: u64) -> Select {
        (self.order, self.limit) = (order, Some(limit));
        self
    }

    /// Some rows.
    #[must_use]
    pub(crate) fn limited(mut self, limit: u64) -> Select {
        self.limit = Some(self.limit.map_or(limit, |known| known.min(limit)));
        self
    }

    /// The statement.
    pub(crate) fn sql(&self) -> String {
        let output = |(i, output): (usize, &Output)| match output.is_plain {
            true => output.sql.clone(),
            false => format!("{} AS {}", output.sql, alias(i)),
        };
        let outputs: Vec<String> = self.outputs.iter().enumerate().map(output).collect();
        let outputs = if outputs.is_empty() { "1".to_owned() } else { outputs.join(", ") };
        let mut sql = format!("SELECT {outputs} FROM {}", self.from);
        if !self.filters.is_empty() {
            sql += &format!(" WHERE {}", self.filters.join(" AND "));
        }
        match &self.groups {
            Some(groups) if !groups.is_empty() => sql += &format!(" GROUP BY {}", groups.join(", ")),
            _ => {}
        }
        if !self.order.is_empty() {
            sql += &format!(" ORDER BY {}", self.order.join(", "));
        }
        if let Some(limit) = self.limit {
            sql += &format!(" LIMIT {limit}");
        }
        sql
    }
}

/// A name that no column has.
fn alias(place: usize) -> String {
    format!("`#{}`", place + 1)
}

/// A name as the cluster reads it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}
