//! The seam to what somebody who writes statements wants to know beside their answers.

use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};
use crate::query::Query;
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use std::ops::Range;
use std::time::Duration;

/// Looks at statements without answering them.
#[async_trait]
pub trait Console: Send + Sync {
    /// Reads a text of any number of statements, and plans them.
    async fn read(&self, sql: &str) -> Reading;

    /// Says how a query would be run; with `analyze`, runs it to its end and says how that went.
    ///
    /// # Errors
    /// Those of the query.
    async fn explain(&self, query: Query, analyze: bool) -> Result<Explained>;

    /// Every function a statement may use.
    fn functions(&self) -> Vec<Function>;

    /// How far a statement is; `None` when nothing is known of one with this id.
    fn progress(&self, id: &str) -> Option<Progress>;
}

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// One value for each row.
    Scalar,
    /// One value for many rows.
    Aggregate,
    /// One value for each row, from the rows around it.
    Window,
    /// Rows.
    Table,
}

impl FunctionKind {
    /// The word shown to users.
    pub fn as_str(self) -> &'static str {
        match self {
            FunctionKind::Scalar => "scalar",
            FunctionKind::Aggregate => "aggregate",
            FunctionKind::Window => "window",
            FunctionKind::Table => "table",
        }
    }
}

/// What a text of statements says.
#[derive(Debug, Default)]
pub struct Reading {
    /// The statements, in their order.
    pub statements: Vec<StatementRead>,
    /// Every parameter once, in order of appearance, with its type where that follows from its place.
    pub parameters: Vec<(String, Option<DataType>)>,
    /// The fields of the answer, where there is exactly one statement and nothing is wrong with it.
    pub fields: Option<SchemaRef>,
    /// The first thing that is wrong, with its place in the whole text.
    pub error: Option<Error>,
}

/// One statement of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRead {
    /// Where it stands in the text, in bytes, without its semicolon.
    pub bytes: Range<usize>,
    /// Its first words, in lower case: `select`, `create stream`.
    pub kind: String,
    /// Whether it changes nothing.
    pub read_only: bool,
}

/// How a query is run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explained {
    /// The operators, the last one first; each stands before those it takes rows from.
    pub operators: Vec<Operator>,
    /// What is worth knowing, as sentences.
    pub findings: Vec<String>,
    /// Rows it reads, where that is known.
    pub n_rows: Option<u64>,
    /// Bytes it reads at most.
    pub n_bytes: Option<u64>,
    /// Files it opens.
    pub n_files: u64,
}

/// One operator of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    /// How many operators stand between it and the answer.
    pub depth: usize,
    /// What it is called.
    pub name: String,
    /// What it does.
    pub detail: String,
    /// Rows it gave, or is expected to give.
    pub n_rows: Option<u64>,
    /// Time it took, summed over its parts; `None` when it was not run.
    pub time: Option<Duration>,
}

/// A function a statement may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// How it is called: `date_bin(interval, expression, origin)`.
    pub signature: String,
    /// What it is.
    pub kind: FunctionKind,
    /// What it does.
    pub doc: String,
}

/// How far a statement is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The statement's id.
    pub id: String,
    /// `running`, `finished`, `failed` or `cancelled`.
    pub state: &'static str,
    /// Its text, without secrets.
    pub sql: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it has taken.
    pub elapsed: Duration,
    /// Rows answered.
    pub n_rows: u64,
    /// Rows read from tables.
    pub n_rows_read: u64,
    /// Bytes read from files.
    pub n_bytes_read: u64,
    /// Why it failed.
    pub error: Option<(Kind, String)>,
}
