//! `system.commits`, `.ledger`, `.quarantine`, `.quarantine_classes` and `.files`: the catalog's own tables as SQL sees them.

use crate::Lake;
use crate::catalog;
use crate::failure::Doing;
use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder, new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use helios_contract::clock::Timestamp;
use helios_contract::column::timestamp_type;
use helios_contract::error::{Error, Result};
use helios_contract::system::{SystemTable, Wanted};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A batch ends at so many rows, or bytes of text; the first is short, for those who want no more.
const BATCH_ROWS: usize = 8_192;
const FIRST_ROWS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// How a value of the catalog is shown.
#[derive(Debug, Clone, Copy)]
enum Shown {
    Text,
    /// Bytes, shown as text; what is no text is shown by a mark, so that nobody looks it up.
    Bytes,
    Integer,
    /// A number that is looked up.
    Key,
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
            ("id", Shown::Key),
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
                        q.note AS note, length(q.payload) AS payload_bytes, q.commit_id AS 'commit', q.at AS quarantined_at
                 FROM quarantine q JOIN streams s ON s.id = q.stream",
        order: "\"id\" DESC",
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
        // The rate is that of the last five minutes, this one included.
        select: "SELECT s.name AS stream, c.class AS class, c.reason AS reason, c.path AS path, c.n_open AS n_open,
                        c.n_open + c.n_replayed + c.n_discarded AS n_records, c.n_replayed AS n_replayed,
                        c.n_discarded AS n_discarded, c.first_seen AS first_seen, c.last_seen AS last_seen,
                        (SELECT coalesce(sum(m.n), 0) / 5.0 FROM quarantine_minutes m
                         WHERE m.stream = c.stream AND m.class = c.class AND m.minute > :now / 60000000 - 5) AS per_minute
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
        let (report, now) = (self.report, self.lake.clock.now());
        let wanted = Wanted { limit, ..Wanted::default() };
        catalog::read(self.lake.catalog_path(), move |conn| {
            let mut batches = Vec::new();
            report.read(conn, &wanted, now, |rows| {
                batches.push(rows);
                true
            })?;
            concat_batches(&report.schema(), &batches).doing("join rows of a system table")
        })
        .await
    }

    fn looks_up(&self, column: usize) -> bool {
        matches!(self.report.columns.get(column), Some((_, Shown::Text | Shown::Key)))
    }

    fn descending(&self) -> Option<usize> {
        self.report.columns.iter().position(|(name, _)| self.report.order == format!("\"{name}\" DESC"))
    }

    fn stream(&self, wanted: &Wanted) -> Option<BoxStream<'static, Result<RecordBatch>>> {
        let (report, wanted, now) = (self.report, wanted.clone(), self.lake.clock.now());
        let path = self.lake.catalog_path();
        let (send, receive) = mpsc::channel(1);
        tokio::task::spawn_blocking(move || {
            // Who takes no more rows has dropped the other end.
            let read = catalog::read_here(&path, |conn| {
                report.read(conn, &wanted, now, |rows| send.blocking_send(Item::Rows(rows)).is_ok())
            });
            let _ = send.blocking_send(read.map_or_else(Item::Failed, |()| Item::End));
        });
        Some(received(receive).boxed())
    }
}

/// What goes to the reader: rows, perhaps an error, and else in the end `End`.
enum Item {
    Rows(RecordBatch),
    Failed(Error),
    End,
}

fn received(receive: mpsc::Receiver<Item>) -> impl Stream<Item = Result<RecordBatch>> {
    futures::stream::unfold(Some(receive), |receive| async {
        let mut receive = receive?;
        match receive.recv().await {
            Some(Item::Rows(rows)) => Some((Ok(rows), Some(receive))),
            Some(Item::Failed(error)) => Some((Err(error), None)),
            Some(Item::End) => None,
            None => Some((Err(Error::internal("reading a system table stopped without an end")), None)),
        }
    })
}

impl Report {
    fn schema(&self) -> SchemaRef {
        let field = |(name, shown): &(&str, Shown)| Field::new(*name, shown.data_type(), true);
        Arc::new(Schema::new(self.columns.iter().map(field).collect::<Vec<_>>()))
    }

    /// Reads what is wanted, and gives it batch by batch to `take`, until that wants no more.
    fn read(&self, conn: &Connection, wanted: &Wanted, now: Timestamp, mut take: impl FnMut(RecordBatch) -> bool) -> Result<()> {
        let what = format!("read system.{}", self.name);
        let mut select = conn.prepare(&self.statement(wanted)).doing(&what)?;
        if let Some(i) = select.parameter_index(":now").doing(&what)? {
            select.raw_bind_parameter(i, now.0).doing(&what)?;
        }
        for (n, (_, value)) in wanted.equal.iter().enumerate() {
            if let Some(i) = select.parameter_index(&format!(":equal{n}")).doing(&what)? {
                select.raw_bind_parameter(i, value).doing(&what)?;
            }
        }
        let mut rows = select.raw_query();
        let mut batch = Batch::new(self, wanted);
        let mut rows_max = FIRST_ROWS;
        while let Some(row) = rows.next().doing(&what)? {
            batch.add(row).doing(&what)?;
            if batch.n_rows >= rows_max || batch.n_bytes >= BATCH_BYTES {
                let full = std::mem::replace(&mut batch, Batch::new(self, wanted));
                if !take(full.finish(self)?) {
                    return Ok(());
                }
                rows_max = BATCH_ROWS;
            }
        }
        if batch.n_rows > 0 {
            take(batch.finish(self)?);
        }
        Ok(())
    }

    /// Reads what is wanted and nothing else: SQLite looks equal values up where it has an index, and skips columns of NULL.
    fn statement(&self, wanted: &Wanted) -> String {
        let column = |(i, (name, _)): (usize, &(&str, Shown))| {
            if is_wanted(wanted, i) { format!("\"{name}\"") } else { "NULL".to_owned() }
        };
        let columns: Vec<String> = self.columns.iter().enumerate().map(column).collect();
        let equal = |(n, (i, _)): (usize, &(usize, String))| format!(" AND \"{}\" = :equal{n}", self.columns[*i].0);
        let equal: String = wanted.equal.iter().enumerate().map(equal).collect();
        let limit = wanted.limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
        format!("SELECT {} FROM ({}) WHERE TRUE{equal} ORDER BY {}{limit}", columns.join(", "), self.select, self.order)
    }
}

fn is_wanted(wanted: &Wanted, column: usize) -> bool {
    wanted.columns.as_ref().is_none_or(|columns| columns.contains(&column))
}

/// Rows being read; columns that are not wanted are not filled.
struct Batch {
    columns: Vec<Option<Column>>,
    n_rows: usize,
    n_bytes: usize,
}

impl Batch {
    fn new(report: &Report, wanted: &Wanted) -> Batch {
        let columns = report.columns.iter().enumerate();
        let columns = columns.map(|(i, (_, shown))| is_wanted(wanted, i).then(|| Column::new(*shown))).collect();
        Batch { columns, n_rows: 0, n_bytes: 0 }
    }

    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        self.n_rows += 1;
        for (i, column) in self.columns.iter_mut().enumerate() {
            if let Some(column) = column {
                self.n_bytes += column.add(row, i)?;
            }
        }
        Ok(())
    }

    fn finish(self, report: &Report) -> Result<RecordBatch> {
        let arrays = self.columns.into_iter().zip(report.columns).map(|(column, (_, shown))| match column {
            Some(column) => column.finish(),
            None => new_null_array(&shown.data_type(), self.n_rows),
        });
        RecordBatch::try_new(report.schema(), arrays.collect()).doing("put the columns of a system table together")
    }
}

impl Shown {
    fn data_type(self) -> DataType {
        match self {
            Shown::Text | Shown::Bytes => DataType::Utf8,
            Shown::Integer | Shown::Key => DataType::Int64,
            Shown::Time => timestamp_type(),
            Shown::Boolean => DataType::Boolean,
            Shown::Real => DataType::Float64,
        }
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
            Shown::Integer | Shown::Key => Column::Integer(Int64Builder::new()),
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
