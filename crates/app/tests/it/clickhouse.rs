//! A ClickHouse cluster in memory that does what sinks ask of one, and fails where a test wants it to. Its tables are
//! replicated: what one host took, others have as soon as they are told to fetch it, or at once unless they lag.

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt64Array, new_null_array};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Field, Int64Type, Schema, TimestampMicrosecondType};
use bytes::Bytes;
use helios_contract::{Error, Result};
use helios_sink::Type;
use helios_sink::native::{Target, encode, rows_of};
use helios_sink::wire::{Ask, Reply, Wire};
use sqllogictest::{DBOutput, DefaultColumnType};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::io::Cursor;
use std::sync::{Arc, Mutex};

/// What happens to an insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and its answer does, too.
    Answered,
    /// It never arrives.
    Lost,
    /// It arrives; its answer does not.
    Unanswered,
    /// The server has too many parts.
    Busy,
}

/// The server. Clones share it; it outlives the crashes of its clients.
#[derive(Clone, Default)]
pub struct ClickHouse(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    tables: BTreeMap<String, Table>,
    tokens: HashSet<String>,
    /// What happens to the next inserts; all others are answered.
    fates: VecDeque<Fate>,
    is_away: bool,
    /// Hosts that were ever asked, and those of them that are away.
    hosts: BTreeSet<String>,
    hosts_away: BTreeSet<String>,
    /// Whether hosts fetch what others took only when they are told to.
    is_lagging: bool,
    /// What was said about tables, since somebody last looked.
    statements: Vec<String>,
    n_unanswered: u64,
}

#[derive(Default)]
struct Table {
    /// Name, type, comment.
    columns: Vec<[String; 3]>,
    engine: String,
    partition_key: String,
    blocks: Vec<Block>,
}

struct Block {
    rows: RecordBatch,
    /// The hosts that have it; none: all of them.
    hosts: BTreeSet<String>,
}

impl Block {
    fn is_on(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.contains(host)
    }
}

impl Table {
    /// Every row that a host has, with the columns that the table has now.
    fn rows(&self, host: &str) -> RecordBatch {
        let data_type = |words: &str| Type::parse(words).unwrap().arrow();
        let fields = self.columns.iter().map(|[name, words, _]| Field::new(name, data_type(words), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let whole = |block: &RecordBatch| {
            let column = |field: &Arc<Field>| match block.column_by_name(field.name()) {
                Some(column) => column.clone(),
                None => new_null_array(field.data_type(), block.num_rows()),
            };
            RecordBatch::try_new(schema.clone(), schema.fields().iter().map(column).collect()).unwrap()
        };
        let blocks = self.blocks.iter().filter(|block| block.is_on(host)).map(|block| whole(&block.rows));
        concat_batches(&schema, &blocks.collect::<Vec<_>>()).unwrap()
    }
}

impl ClickHouse {
    /// What happens to the inserts from now on.
    pub fn fates(&self, fates: impl IntoIterator<Item = Fate>) {
        self.0.lock().unwrap().fates = fates.into_iter().collect();
    }

    /// Whether it can be reached.
    fn away(&self, is_away: bool) {
        self.0.lock().unwrap().is_away = is_away;
    }

    /// Whether one of its hosts can be reached.
    pub fn host_away(&self, host: &str, is_away: bool) {
        let hosts_away = &mut self.0.lock().unwrap().hosts_away;
        hosts_away.retain(|known| known != host);
        hosts_away.extend(is_away.then(|| host.to_owned()));
    }

    /// Whether hosts fetch what others took only when they are told to.
    pub fn lagging(&self, is_lagging: bool) {
        self.0.lock().unwrap().is_lagging = is_lagging;
    }

    /// What was said about tables, line by line; the names of tables that checks make without their numbers.
    fn statements(&self) -> DBOutput<DefaultColumnType> {
        let said = std::mem::take(&mut self.0.lock().unwrap().statements).join("\n");
        let number = |c: char| c.is_ascii_digit();
        let short = |line: &str| match line.split_once("_check_") {
            Some((before, after)) => format!("{before}_check{}", after.trim_start_matches(number)),
            None => line.trim().to_owned(),
        };
        DBOutput::Rows { types: vec![DefaultColumnType::Text], rows: said.lines().map(|line| vec![short(line)]).collect() }
    }

    /// Blocks it took are strangers to it from now on.
    pub fn forget_tokens(&self) {
        self.0.lock().unwrap().tokens.clear();
    }

    /// Inserts that met a bad fate.
    pub fn n_unanswered(&self) -> u64 {
        self.0.lock().unwrap().n_unanswered
    }

    /// The numbers in a column, in order.
    pub fn numbers(&self, table: &str, column: &str) -> Vec<i64> {
        let state = self.0.lock().unwrap();
        let Some(table) = state.tables.get(table) else { return Vec::new() };
        let of = |block: &Block| block.rows.column_by_name(column).unwrap().as_primitive::<Int64Type>().values().to_vec();
        let mut numbers: Vec<i64> = table.blocks.iter().flat_map(of).collect();
        numbers.sort_unstable();
        numbers
    }

    /// `\clickhouse away [HOST]`, `back [HOST]`, `lagging`, `prompt`, `count TABLE` and `statements`.
    pub fn verb(&self, words: &[&str]) -> Option<DBOutput<DefaultColumnType>> {
        match words {
            ["away"] => self.away(true),
            ["back"] => self.away(false),
            ["away", host] => self.host_away(host, true),
            ["back", host] => self.host_away(host, false),
            ["lagging"] => self.lagging(true),
            ["prompt"] => self.lagging(false),
            ["statements"] => return Some(self.statements()),
            ["count", table] => {
                let n_rows = self.numbers(table, "_commit").len().to_string();
                return Some(DBOutput::Rows { types: vec![DefaultColumnType::Integer], rows: vec![vec![n_rows]] });
            }
            _ => return None,
        }
        Some(DBOutput::StatementComplete(0))
    }
}

impl Wire for ClickHouse {
    fn send(&self, ask: &Ask) -> Result<Reply> {
        let mut state = self.0.lock().unwrap();
        state.hosts.insert(ask.url.clone());
        if state.is_away || state.hosts_away.contains(&ask.url) {
            return Err(Error::unavailable(format!("no answer from {}", ask.url)));
        }
        if ask.password.as_ref().is_some_and(|password| password.reveal() == "wrong") {
            return Ok(refusal(401, 516, "default: Authentication failed"));
        }
        if let Some(insert) = ask.parameter("query") {
            return state.insert(insert, ask);
        }
        let sql = String::from_utf8_lossy(&ask.body).into_owned();
        match state.answer(&sql, &ask.url) {
            Ok(block) => Ok(Reply { status: 200, code: None, body: Box::new(Cursor::new(block)) }),
            Err((code, words)) => Ok(refusal(404, code, &words)),
        }
    }
}

fn refusal(status: u16, code: u32, words: &str) -> Reply {
    let body = format!("Code: {code}. DB::Exception: {words}. (version 26.9.2.1)");
    Reply { status, code: Some(code), body: Box::new(Cursor::new(Bytes::from(body))) }
}

type Said = std::result::Result<Vec<u8>, (u32, String)>;

impl State {
    fn insert(&mut self, insert: &str, ask: &Ask) -> Result<Reply> {
        let fate = self.fates.pop_front().unwrap_or(Fate::Answered);
        let lost = || Error::unavailable(format!("no answer from {}", ask.url));
        self.n_unanswered += u64::from(fate != Fate::Answered);
        match fate {
            Fate::Lost => return Err(lost()),
            Fate::Busy => return Ok(refusal(500, 252, "Too many parts (3000)")),
            Fate::Answered | Fate::Unanswered => {}
        }
        let name = table_name(insert, "INSERT INTO ");
        let body = match ask.encoding {
            Some("zstd") => zstd::bulk::decompress(&ask.body, 64 << 20).unwrap(),
            _ => ask.body.to_vec(),
        };
        let block = rows_of(body.as_slice())?.expect("an insert has a block");
        let token = ask.parameter("insert_deduplication_token").expect("every block has a name").to_owned();
        let Some(table) = self.tables.get_mut(&name) else {
            return Ok(refusal(404, 60, &format!("Table {name} does not exist")));
        };
        if self.tokens.insert(token) {
            let hosts = if self.is_lagging { BTreeSet::from([ask.url.clone()]) } else { BTreeSet::new() };
            table.blocks.push(Block { rows: block, hosts });
        }
        if fate == Fate::Unanswered {
            Err(lost())
        } else {
            Ok(Reply { status: 200, code: None, body: Box::new(Cursor::new([])) })
        }
    }

    fn answer(&mut self, sql: &str, host: &str) -> Said {
        if sql.starts_with("SELECT version()") {
            return texts(&[vec!["26.9.2.1"]]);
        }
        if sql.contains(" FROM system.processes") {
            return texts(&[vec!["0"]]);
        }
        if sql.contains(" FROM system.clusters") {
            return texts(&[vec!["both"]]);
        }
        if sql.contains(" FROM system.columns") {
            let comments = sql.contains("comment");
            let table = self.tables.get(&place(sql));
            let row = |[name, words, comment]: &[String; 3]| {
                let mut row = vec![name.as_str(), words.as_str(), ""];
                row.extend(comments.then_some(comment.as_str()));
                row.into_iter().map(str::to_owned).collect::<Vec<_>>()
            };
            let rows: Vec<Vec<String>> = table.map(|table| table.columns.iter().map(row).collect()).unwrap_or_default();
            return texts(&rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect::<Vec<_>>());
        }
        if sql.starts_with("SELECT engine, partition_key") {
            return match self.tables.get(&place(sql)) {
                Some(table) => texts(&[vec![table.engine.as_str(), table.partition_key.as_str()]]),
                None => texts(&[]),
            };
        }
        if sql.contains(" FROM system.tables") {
            let names: Vec<Vec<&str>> = self.tables.keys().map(|name| vec![name.split('.').next_back().unwrap()]).collect();
            return texts(&names);
        }
        if sql.starts_with("INSERT INTO") {
            return Ok(Vec::new());
        }
        match sql.starts_with("SELECT") {
            true => self.select(sql, host),
            false => self.statement(sql, host),
        }
    }

    /// What changes tables.
    fn statement(&mut self, sql: &str, host: &str) -> Said {
        self.statements.push(sql.to_owned());
        if sql.starts_with("SYSTEM SYNC REPLICA") {
            return self.fetch(&table_name(sql, "SYSTEM SYNC REPLICA "), host);
        } else if sql.starts_with("CREATE TABLE") {
            self.create(sql);
        } else if sql.starts_with("ALTER TABLE") {
            self.alter(sql);
        } else if sql.starts_with("DROP TABLE") {
            self.tables.remove(&table_name(sql, "DROP TABLE "));
        } else {
            return Err((62, format!("this server does not know: {sql}")));
        }
        if sql.contains(" ON CLUSTER ") { self.everywhere() } else { Ok(Vec::new()) }
    }

    /// A host fetches what others took, as far as they can be asked.
    fn fetch(&mut self, name: &str, host: &str) -> Said {
        let away = &self.hosts_away;
        let Some(table) = self.tables.get_mut(name) else { return Err((60, format!("Table {name} does not exist"))) };
        for block in table.blocks.iter_mut().filter(|block| !block.is_on(host)) {
            if block.hosts.iter().all(|holder| away.contains(holder)) {
                return Err((159, format!("SYNC REPLICA {name}: command timed out")));
            }
            block.hosts.insert(host.to_owned());
        }
        Ok(Vec::new())
    }

    /// The answer to a statement `ON CLUSTER`: a status of each host that is there.
    fn everywhere(&self) -> Said {
        let hosts: Vec<&str> = self.hosts.iter().map(|host| host.trim_start_matches("http://")).collect();
        let (names, ports): (Vec<&str>, Vec<&str>) = hosts.iter().map(|host| host.split_once(':').unwrap()).unzip();
        let ports = ports.iter().map(|port| port.parse::<i32>().unwrap());
        let status = self.hosts.iter().map(|host| (!self.hosts_away.contains(host)).then_some(0));
        let target = |name: &str, remote_type| Target { name: name.to_owned(), remote_type };
        let columns: [(Target, ArrayRef); 3] = [
            (target("host", Type::String), Arc::new(StringArray::from(names))),
            (target("port", Type::Int(32)), Arc::new(ports.collect::<Int32Array>())),
            (target("status", Type::Nullable(Box::new(Type::Int(64)))), Arc::new(status.collect::<Int64Array>())),
        ];
        Ok(encode(&columns).unwrap())
    }

    fn create(&mut self, sql: &str) {
        let name = table_name(sql, if sql.contains("IF NOT EXISTS") { "CREATE TABLE IF NOT EXISTS " } else { "CREATE TABLE " });
        let line = |line: &str| {
            let (name, rest) = line.trim().trim_end_matches(',').strip_prefix('`')?.split_once("` ")?;
            let (words, comment) = rest.split_once(" COMMENT ").unwrap_or((rest, ""));
            Some([name.to_owned(), words.to_owned(), comment.trim_matches('\'').to_owned()])
        };
        let columns = sql.lines().filter_map(line).collect();
        let key = sql.lines().find_map(|line| line.strip_prefix("PARTITION BY ")).unwrap_or_default().replace('`', "");
        let engine = sql.split("ENGINE = ").nth(1).and_then(|rest| rest.split(['(', ' ', '\n']).next()).unwrap().to_owned();
        self.tables.entry(name).or_insert(Table { columns, engine, partition_key: key, blocks: Vec::new() });
    }

    fn alter(&mut self, sql: &str) {
        let table = self.tables.get_mut(&table_name(sql, "ALTER TABLE ")).unwrap();
        for change in sql.split("ADD COLUMN IF NOT EXISTS ").skip(1) {
            let (name, rest) = change.trim_end_matches([',', ' ']).strip_prefix('`').unwrap().split_once("` ").unwrap();
            let (words, comment) = rest.split_once(" COMMENT ").unwrap_or((rest, ""));
            table.columns.push([name.to_owned(), words.to_owned(), comment.trim_matches('\'').to_owned()]);
        }
    }

    fn select(&mut self, sql: &str, host: &str) -> Said {
        let unknown = || (62, format!("this server does not know: {sql}"));
        let (outputs, rest) = sql.strip_prefix("SELECT ").and_then(|sql| sql.split_once(" FROM ")).ok_or_else(unknown)?;
        let name = table_name(rest, "");
        let Some(table) = self.tables.get(&name) else { return Err((60, format!("Table {name} does not exist"))) };
        if !table.blocks.iter().any(|block| block.is_on(host)) {
            // Aggregates of nothing.
            let outputs = outputs.split(", countIf").count();
            return if sql.contains("count") { counts(vec![0; outputs]) } else { texts(&[]) };
        }
        let rows = table.rows(host);
        let commits = rows.column_by_name("_commit").unwrap().as_primitive::<Int64Type>().clone();
        let bound = |mark: &str| rest.split_once(mark).and_then(|(_, after)| after.split(' ').next()?.parse::<i64>().ok());
        let (after, until) = (bound("`_commit` > ").unwrap_or(i64::MIN), bound("`_commit` <= ").unwrap_or(i64::MAX));
        let equal = bound("`_commit` = ");
        let wanted = commits
            .iter()
            .flatten()
            .map(|commit| Some(commit > after && commit <= until && equal.is_none_or(|equal| commit == equal)));
        let rows = filter_record_batch(&rows, &wanted.collect()).unwrap();
        if outputs.starts_with("toString(max(") {
            let most = commits.iter().flatten().max().unwrap_or(0).to_string();
            return texts(&[vec![most.as_str()]]);
        }
        if outputs == "toString(count())" {
            return texts(&[vec![rows.num_rows().to_string().as_str()]]);
        }
        if outputs.starts_with("count") {
            let conditions = outputs.split("countIf(").skip(1);
            let found: Vec<u64> = conditions.map(|condition| count_between(&rows, condition)).collect();
            return counts(if found.is_empty() { vec![rows.num_rows() as u64] } else { found });
        }
        let column = |name: &str| {
            let name = name.trim_matches('`');
            let words = &table.columns.iter().find(|[known, ..]| known == name).ok_or_else(unknown)?[1];
            let target = Target { name: name.to_owned(), remote_type: Type::parse(words).unwrap() };
            Ok((target, rows.column_by_name(name).cloned().ok_or_else(unknown)?))
        };
        let columns = outputs.split(", ").map(column).collect::<std::result::Result<Vec<(Target, ArrayRef)>, _>>()?;
        Ok(encode(&columns).unwrap())
    }
}

/// `` `at` >= toDateTime64(1, 6, 'UTC') AND `at` < toDateTime64(2, 6, 'UTC')) ``, or `` isNull(`at`)) ``
fn count_between(rows: &RecordBatch, condition: &str) -> u64 {
    let name = condition.split('`').nth(1).unwrap();
    let times = rows.column_by_name(name).unwrap();
    if condition.starts_with("isNull") {
        return times.null_count() as u64;
    }
    let seconds: Vec<i64> =
        condition.split("toDateTime64(").skip(1).map(|text| text.split(',').next().unwrap().parse().unwrap()).collect();
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let within = |time: &i64| (seconds[0] * 1_000_000..seconds[1] * 1_000_000).contains(time);
    times.iter().flatten().filter(within).count() as u64
}

fn counts(numbers: Vec<u64>) -> Said {
    let column = |(i, n): (usize, u64)| {
        let target = Target { name: format!("c{i}"), remote_type: Type::UInt(64) };
        (target, Arc::new(UInt64Array::from(vec![n])) as ArrayRef)
    };
    Ok(encode(&numbers.into_iter().enumerate().map(column).collect::<Vec<_>>()).unwrap())
}

fn texts(rows: &[Vec<&str>]) -> Said {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let column = |i: usize| {
        let target = Target { name: format!("c{i}"), remote_type: Type::String };
        (target, Arc::new(rows.iter().map(|row| Some(row[i])).collect::<StringArray>()) as ArrayRef)
    };
    Ok(encode(&(0..first.len()).map(column).collect::<Vec<_>>()).unwrap())
}

/// `` `db`.`table` `` after `mark`, as `db.table`.
fn table_name(sql: &str, mark: &str) -> String {
    let rest = sql.strip_prefix(mark).unwrap_or(sql).split([' ', '(', '\n']).next().unwrap_or_default();
    rest.replace('`', "")
}

/// The table that `WHERE database = 'db' AND table = 'table'` asks about.
fn place(sql: &str) -> String {
    let texts: Vec<&str> = sql.split('\'').collect();
    let n = texts.len();
    format!("{}.{}", texts[n - 4], texts[n - 2])
}
