//! `system.commits`, `.ledger`, `.quarantine`, `.quarantine_classes` and `.files`: the catalog's own tables as SQL sees them.

use crate::Lake;
use crate::catalog;
use crate::failure::Doing;
use arrow::array::{ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use helios_contract::clock::Timestamp;
use helios_contract::column::timestamp_type;
use helios_contract::error::{Error, Result};
use helios_contract::system::{SystemTable, Wanted};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::sync::Arc;

/// What a question without a limit may hold in memory.
const ROWS_MAX: usize = 10_000_000;
const BYTES_MAX: usize = 256 << 20;

/// How a value of the catalog is shown.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Text,
    /// Bytes, shown as text; what is no text is shown by a mark, so that nobody looks it up.
    Bytes,
    Integer,
    Time,
    Boolean,
    Real,
}

/// One system table: its columns, and the statement that fills them.
#[derive(Debug)]
struct Report {
    name: &'static str,
    columns: &'static [(&'static str, Shown)],
    /// Names its columns as the table does; `:now` is the time.
    select: &'static str,
    order: &'static str,
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
        select: "SELECT s.name AS stream, c.id AS 'commit', c.at AS committed_at, c.n_rows AS n_rows, c.n_bytes AS n_bytes,
                        c.newest AS newest, c.file_set IS NULL AS inline, c.id AS number
                 FROM commits c JOIN streams s ON s.id = c.stream",
        order: "number DESC",
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
        select: "SELECT s.name AS stream, l.commit_id AS 'commit', l.partition AS partition, l.first AS first, l.last AS last,
                        l.received AS received, l.stored AS stored, l.quarantined AS quarantined, l.filtered AS filtered,
                        l.deduplicated AS deduplicated, l.late AS late, l.gap AS gap, l.n_lost AS n_lost, l.rowid AS number
                 FROM ledger l JOIN streams s ON s.id = l.stream",
        order: "number DESC",
    },
    Report {
        name: "quarantine",
        columns: &[
            ("id", Shown::Integer),
            ("stream", Shown::Text),
            ("class", Shown::Text),
            ("partition", Shown::Text),
            ("position", Shown::Text),
            ("time", Shown::Time),
            ("reason", Shown::Text),
            ("path", Shown::Text),
            ("payload", Shown::Bytes),
            ("key", Shown::Bytes),
            ("state", Shown::Text),
            ("note", Shown::Text),
            ("payload_bytes", Shown::Integer),
            ("commit", Shown::Integer),
            ("quarantined_at", Shown::Time),
        ],
        select: "SELECT q.id AS id, s.name AS stream, q.class AS class, q.partition AS partition, q.position AS position,
                        q.time AS time, q.reason AS reason, q.path AS path, q.payload AS payload, q.key AS key, q.state AS state,
                        q.note AS note, length(q.payload) AS payload_bytes, q.commit_id AS 'commit', q.at AS quarantined_at,
                        q.id AS number
                 FROM quarantine q JOIN streams s ON s.id = q.stream",
        order: "number DESC",
    },
    Report {
        name: "quarantine_classes",
        columns: &[
            ("stream", Shown::Text),
            ("class", Shown::Text),
            ("reason", Shown::Text),
            ("path", Shown::Text),
            ("n_records", Shown::Integer),
            ("n_open", Shown::Integer),
            ("n_replayed", Shown::Integer),
            ("n_discarded", Shown::Integer),
            ("first_seen", Shown::Time),
            ("last_seen", Shown::Time),
            ("per_minute", Shown::Real),
        ],
        // The rate counts the last five minutes, in an index.
        select: "SELECT s.name AS stream, c.class AS class, c.reason AS reason, c.path AS path, c.n_open AS n_open,
                        c.n_open + c.n_replayed + c.n_discarded AS n_records, c.n_replayed AS n_replayed, c.n_discarded AS n_discarded, c.first_seen AS first_seen,
                        c.last_seen AS last_seen,
                        (SELECT count(*) / 5.0 FROM quarantine q
                         WHERE q.stream = c.stream AND q.class = c.class AND q.state IN ('open', 'replayed', 'discarded')
                           AND q.at > :now - 300000000) AS per_minute
                 FROM quarantine_classes c JOIN streams s ON s.id = c.stream WHERE c.n_open + c.n_replayed + c.n_discarded > 0",
        order: "n_open DESC, last_seen DESC",
    },
    Report {
        name: "schema_events",
        columns: &[
            ("stream", Shown::Text),
            ("time", Shown::Time),
            ("kind", Shown::Text),
            ("path", Shown::Text),
            ("type", Shown::Text),
            ("n_records", Shown::Integer),
            ("share", Shown::Real),
        ],
        // The share is of the rows stored since the field was first seen.
        select: "SELECT s.name AS stream, d.first_seen AS time, 'new_field' AS kind, d.path AS path, d.type AS type,
                        d.n_records AS n_records,
                        min(1.0, 1.0 * d.n_records / max(1.0, (SELECT coalesce(sum(stored), 0) FROM ledger WHERE stream = d.stream) - d.n_before))
                            AS share
                 FROM drift d JOIN streams s ON s.id = d.stream
                 UNION ALL
                 SELECT s.name, c.at, c.kind, c.path, c.type, NULL, NULL
                 FROM schema_changes c JOIN streams s ON s.id = c.stream",
        order: "time DESC, path",
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
        select: "SELECT s.name AS stream, f.path AS path, f.partition AS time_partition, f.n_rows AS n_rows,
                        f.size_bytes AS size_bytes, f.commit_min AS commit_min, f.commit_max AS commit_max, f.sorted AS sorted,
                        f.id AS number
                 FROM files f JOIN streams s ON s.id = f.stream",
        order: "number DESC",
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
        self.wanted(&Wanted { limit, ..Wanted::default() }).await
    }

    fn looks_up(&self, column: usize) -> bool {
        matches!(self.report.columns.get(column), Some((_, Shown::Text)))
    }

    async fn wanted(&self, wanted: &Wanted) -> Result<RecordBatch> {
        let (report, wanted, now) = (self.report, wanted.clone(), self.lake.clock.now());
        catalog::read(self.lake.catalog_path(), move |conn| report.rows(conn, &wanted, now)).await
    }
}

impl Report {
    fn schema(&self) -> SchemaRef {
        let field = |(name, shown): &(&str, Shown)| {
            let data_type = match shown {
                Shown::Text | Shown::Bytes => DataType::Utf8,
                Shown::Integer => DataType::Int64,
                Shown::Time => timestamp_type(),
                Shown::Boolean => DataType::Boolean,
                Shown::Real => DataType::Float64,
            };
            Field::new(*name, data_type, true)
        };
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    fn rows(&self, conn: &Connection, wanted: &Wanted, now: Timestamp) -> Result<RecordBatch> {
        let what = format!("read system.{}", self.name);
        let mut columns: Vec<Column> = self.columns.iter().map(|(_, shown)| Column::new(*shown)).collect();
        let mut select = conn.prepare(&self.statement(wanted)).doing(&what)?;
        if let Some(i) = select.parameter_index(":now").doing(&what)? {
            select.raw_bind_parameter(i, now.0).doing(&what)?;
        }
        for (n, (_, text)) in wanted.equal.iter().enumerate() {
            if let Some(i) = select.parameter_index(&format!(":equal{n}")).doing(&what)? {
                select.raw_bind_parameter(i, text).doing(&what)?;
            }
        }
        let mut rows = select.raw_query();
        let (mut n_rows, mut n_bytes) = (0, 0);
        while wanted.limit.is_none_or(|limit| n_rows < limit)
            && let Some(row) = rows.next().doing(&what)?
        {
            n_rows += 1;
            for (i, column) in columns.iter_mut().enumerate() {
                n_bytes += column.add(row, i).doing(&what)?;
            }
            if n_rows > ROWS_MAX || n_bytes > BYTES_MAX {
                return Err(Error::exhausted(format!("system.{} is too large to be read at once", self.name))
                    .hint("Ask for one stream or class, for fewer columns, or add a LIMIT."));
            }
        }
        RecordBatch::try_new(self.schema(), columns.into_iter().map(Column::finish).collect()).doing(&what)
    }

    /// Reads what is wanted and nothing else: SQLite looks equal values up where it has an index, and skips columns of NULL.
    fn statement(&self, wanted: &Wanted) -> String {
        let is_wanted = |i: &usize| wanted.columns.as_ref().is_none_or(|columns| columns.contains(i));
        let column =
            |(i, (name, _)): (usize, &(&str, Shown))| if is_wanted(&i) { format!("\"{name}\"") } else { "NULL".to_owned() };
        let columns: Vec<String> = self.columns.iter().enumerate().map(column).collect();
        let equal = |(n, (i, _)): (usize, &(usize, String))| format!(" AND \"{}\" = :equal{n}", self.columns[*i].0);
        let equal: String = wanted.equal.iter().enumerate().map(equal).collect();
        format!("SELECT {} FROM ({}) WHERE TRUE{equal} ORDER BY {}", columns.join(", "), self.select, self.order)
    }
}

/// A column being filled.
enum Column {
    Text(StringBuilder),
    Integer(Int64Builder),
    Time(TimestampMicrosecondBuilder),
    Boolean(BooleanBuilder),
    Real(Float64Builder),
}

impl Column {
    fn new(shown: Shown) -> Column {
        match shown {
            Shown::Text | Shown::Bytes => Column::Text(StringBuilder::new()),
            Shown::Integer => Column::Integer(Int64Builder::new()),
            Shown::Time => Column::Time(TimestampMicrosecondBuilder::new().with_data_type(timestamp_type())),
            Shown::Boolean => Column::Boolean(BooleanBuilder::new()),
            Shown::Real => Column::Real(Float64Builder::new()),
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
            Column::Real(builder) => builder.append_option(row.get(i)?),
        }
        Ok(size_of::<i64>())
    }

    fn finish(self) -> ArrayRef {
        match self {
            Column::Text(mut builder) => Arc::new(builder.finish()),
            Column::Integer(mut builder) => Arc::new(builder.finish()),
            Column::Time(mut builder) => Arc::new(builder.finish()),
            Column::Boolean(mut builder) => Arc::new(builder.finish()),
            Column::Real(mut builder) => Arc::new(builder.finish()),
        }
    }
}
