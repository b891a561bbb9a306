//! What users ask to be done to streams.

use super::{Format, Options, Rule, StreamDefinition};
use crate::column::{Column, ColumnType};
use crate::drift::OnTypeChange;
use crate::name::StreamName;
use std::time::Duration;

/// A change asked for by `ALTER STREAM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamChange {
    /// `SET (option = value, ...)`
    SetOptions(Options),
    /// `RESET (option, ...)`
    ResetOptions(Vec<String>),
    /// `SET FORMAT AVRO (option = value, ...)`: replaces the format and all of its options.
    Format(Format, Options),
    /// `ADD COLUMN name type`
    AddColumn(Column),
    /// `DROP COLUMN name`
    DropColumn(String),
    /// `RENAME COLUMN a TO b`: the record's field is then called `b`, too.
    RenameColumn(String, String),
    /// `SET RETAIN INTERVAL ...`, or `None` for `DROP RETAIN`.
    Retain(Option<Duration>),
    /// `SET ALLOW LATENESS INTERVAL ...`
    Lateness(Duration),
    /// `PROMOTE a.b AS column [type]`: the type is inferred from `_rest` when it is not given.
    Promote {
        /// Where the field stands in the record.
        path: String,
        /// The name of the column it becomes.
        name: String,
        /// The column's type.
        data_type: Option<ColumnType>,
    },
    /// `ALTER COLUMN name TYPE type`, to a type that takes every value of the old one.
    ColumnType(String, ColumnType),
    /// `MAP path TO column`: the field at `path` fills the column, too.
    Map {
        /// Where the field stands in the record.
        path: String,
        /// The column.
        column: String,
    },
    /// `UNMAP path FROM column`
    Unmap {
        /// Where the field stands in the record.
        path: String,
        /// The column.
        column: String,
    },
    /// `MAP column DEFAULT value`, as JSON text; `None` for `MAP column DROP DEFAULT`.
    Default(String, Option<String>),
    /// `ADD RULE ...`
    AddRule(Rule),
    /// `DROP RULE name`
    DropRule(String),
    /// `FILTER WHERE ...`, or `None` for `DROP FILTER`.
    Filter(Option<String>),
    /// `SET ON TYPE CHANGE ...`
    OnTypeChange(OnTypeChange),
}

/// A statement about a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamCommand {
    /// `CREATE STREAM [IF NOT EXISTS]`
    Create {
        /// What to create.
        definition: Box<StreamDefinition>,
        /// Succeed quietly when it is there already.
        if_not_exists: bool,
    },
    /// `ALTER STREAM`
    Alter {
        /// Which.
        name: StreamName,
        /// How.
        change: StreamChange,
    },
    /// `DROP STREAM [IF EXISTS]`
    Drop {
        /// Which.
        name: StreamName,
        /// Succeed quietly when it is not there.
        if_exists: bool,
    },
    /// `PAUSE STREAM`
    Pause(StreamName),
    /// `RESUME STREAM`
    Resume(StreamName),
}
