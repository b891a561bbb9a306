//! `system.commits`, `.ledger`, `.quarantine` and `.files`: the catalog's own tables as SQL sees them.

use crate::Lake;
use crate::catalog;
use crate::failure::Doing;
use arrow::array::{ArrayRef, BooleanBuilder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use helios_contract::column::timestamp_type;
use helios_contract::error::{Error, Result};
use helios_contract::system::SystemTable;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::sync::Arc;

/// What a question without a limit may hold in memory.
const ROWS_MAX: usize = 1_000_000;
const BYTES_MAX: usize = 256 << 20;

/// How a value of the catalog is shown.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Text,
    Integer,
    Time,
    Boolean,
}

/// One system table: its columns, and the statement that fills them.
#[derive(Debug)]
struct Report {
    name: &'static str,
    columns: &'static [(&'static str, Shown)],
    select: &'static str,
}

const REPORTS: &[Report] = &[
    Report {
        name: "commits",
        columns: &[
            ("stream", Shown::Text),
            ("commit", Shown::Integer),
            ("committed_at", Shown::Time),
            ("n_rows", Shown::Integer),
            ("n_bytes", Shown::Integer),
            ("newest", Shown::Time),
            ("inline", Shown::Boolean),
        ],
        select: "SELECT s.name, c.id, c.at, c.n_rows, c.n_bytes, c.newest, c.file_set IS NULL
                 FROM commits c JOIN streams s ON s.id = c.stream ORDER BY c.id DESC",
    },
    Report {
        name: "ledger",
        columns: &[
            ("stream", Shown::Text),
            ("commit", Shown::Integer),
            ("partition", Shown::Text),
            ("first", Shown::Text),
            ("last", Shown::Text),
            ("received", Shown::Integer),
            ("stored", Shown::Integer),
            ("quarantined", Shown::Integer),
            ("filtered", Shown::Integer),
            ("deduplicated", Shown::Integer),
            ("late", Shown::Integer),
            ("gap", Shown::Text),
            ("n_lost", Shown::Integer),
        ],
        select: "SELECT s.name, l.commit_id, l.partition, l.first, l.last, l.received, l.stored, l.quarantined, l.filtered,
                        l.deduplicated, l.late, l.gap, l.n_lost
                 FROM ledger l JOIN streams s ON s.id = l.stream ORDER BY l.rowid DESC",
    },
    Report {
        name: "quarantine",
        columns: &[
            ("stream", Shown::Text),
            ("commit", Shown::Integer),
            ("partition", Shown::Text),
            ("position", Shown::Text),
            ("time", Shown::Time),
            ("reason", Shown::Text),
            ("path", Shown::Text),
            ("payload", Shown::Text),
            ("payload_bytes", Shown::Integer),
            ("key", Shown::Text),
        ],
        select:
            "SELECT s.name, q.commit_id, q.partition, q.position, q.time, q.reason, q.path, q.payload, length(q.payload), q.key
                 FROM quarantine q JOIN streams s ON s.id = q.stream ORDER BY q.id DESC",
    },
    Report {
        name: "files",
        columns: &[
            ("stream", Shown::Text),
            ("path", Shown::Text),
            ("time_partition", Shown::Text),
            ("n_rows", Shown::Integer),
            ("size_bytes", Shown::Integer),
            ("commit_min", Shown::Integer),
            ("commit_max", Shown::Integer),
            ("sorted", Shown::Boolean),
        ],
        select: "SELECT s.name, f.path, f.partition, f.n_rows, f.size_bytes, f.commit_min, f.commit_max, f.sorted
                 FROM files f JOIN streams s ON s.id = f.stream ORDER BY f.id DESC",
    },
];

struct Table {
    lake: Arc<Lake>,
    report: &'static Report,
}

/// All of them.
pub(crate) fn tables(lake: &Arc<Lake>) -> Vec<Arc<dyn SystemTable>> {
    REPORTS.iter().map(|report| Arc::new(Table { lake: Arc::clone(lake), report }) as Arc<dyn SystemTable>).collect()
}

#[async_trait]
impl SystemTable for Table {
    fn name(&self) -> &'static str {
        self.report.name
    }

    fn schema(&self) -> SchemaRef {
        self.report.schema()
    }

    async fn rows(&self, limit: Option<usize>) -> Result<RecordBatch> {
        let report = self.report;
        catalog::read(self.lake.catalog_path(), move |conn| report.rows(conn, limit)).await
    }
}

impl Report {
    fn schema(&self) -> SchemaRef {
        let field = |(name, shown): &(&str, Shown)| {
            let data_type = match shown {
                Shown::Text => DataType::Utf8,
                Shown::Integer => DataType::Int64,
                Shown::Time => timestamp_type(),
                Shown::Boolean => DataType::Boolean,
            };
            Field::new(*name, data_type, true)
        };
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    fn rows(&self, conn: &Connection, limit: Option<usize>) -> Result<RecordBatch> {
        let what = format!("read system.{}", self.name);
        let mut columns: Vec<Column> = self.columns.iter().map(|(_, shown)| Column::new(*shown)).collect();
        let mut select = conn.prepare(self.select).doing(&what)?;
        let mut rows = select.query([]).doing(&what)?;
        let (mut n_rows, mut n_bytes) = (0, 0);
        while limit.is_none_or(|limit| n_rows < limit)
            && let Some(row) = rows.next().doing(&what)?
        {
            n_rows += 1;
            for (i, column) in columns.iter_mut().enumerate() {
                n_bytes += column.add(row, i).doing(&what)?;
            }
            if n_rows > ROWS_MAX || n_bytes > BYTES_MAX {
                return Err(
                    Error::exhausted(format!("system.{} is too large to be read at once", self.name)).hint("Add a LIMIT.")
                );
            }
        }
        RecordBatch::try_new(self.schema(), columns.into_iter().map(Column::finish).collect()).doing(&what)
    }
}

/// A column being filled.
enum Column {
    Text(StringBuilder),
    Integer(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    Boolean(BooleanBuilder),
}

impl Column {
    fn new(shown: Shown) -> Column {
        match shown {
            Shown::Text => Column::Text(StringBuilder::new()),
            Shown::Integer => Column::Integer(Int64Builder::new()),
            Shown::Time => Column::Time(TimestampMicrosecondBuilder::new().with_data_type(timestamp_type())),
            Shown::Boolean => Column::Boolean(BooleanBuilder::new()),
        }
    }

    /// Adds a value; answers the bytes it takes.
    fn add(&mut self, row: &Row<'_>, i: usize) -> rusqlite::Result<usize> {
        match self {
            Column::Text(builder) => match row.get_ref(i)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    builder.append_value(String::from_utf8_lossy(bytes));
                    return Ok(bytes.len());
                }
                _ => builder.append_null(),
            },
            Column::Integer(builder) => builder.append_option(row.get(i)?),
            Column::Time(builder) => builder.append_option(row.get(i)?),
            Column::Boolean(builder) => builder.append_option(row.get(i)?),
        }
        Ok(size_of::<i64>())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Column::Text(mut builder) => Arc::new(builder.finish()),
            Column::Integer(mut builder) => Arc::new(builder.finish()),
            Column::Time(mut builder) => Arc::new(builder.finish()),
            Column::Boolean(mut builder) => Arc::new(builder.finish()),
        }
    }
}
