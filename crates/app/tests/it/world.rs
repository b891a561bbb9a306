//! The whole product in one thread, on paused time, with an in-memory object store; and the lines that drive it.

use crate::clickhouse::ClickHouse;
use crate::clock::ScenarioClock;
use arrow::array::Array;
use arrow::datatypes::DataType;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use helios_app::config::{self, Config};
use helios_app::wire::{self, Server};
use helios_contract::fault::Faults;
use helios_contract::secret::{Secret, Secrets};
use helios_contract::store::Verify;
use helios_contract::stream::OptionValue;
use helios_contract::{Error, Result};
use http_body_util::{BodyExt, Full};
use object_store::memory::InMemory;
use sqllogictest::{DBOutput, DefaultColumnType};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

/// Everything a scenario can touch. The server starts when it is first needed, and again after `\stop` or `\crash`.
pub struct World {
    settings: String,
    dir: TempDir,
    store: Arc<InMemory>,
    pub clock: Arc<ScenarioClock>,
    pub faults: Faults,
    pub clickhouse: ClickHouse,
    live: Option<Live>,
}

struct Live {
    // Dropped in this order: the server goes while its runtime still stands.
    server: Server,
    runtime: Runtime,
}

/// What came back over HTTP.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub body: Bytes,
}

/// What a scenario reads of an error.
#[derive(Debug)]
pub struct Failure(String);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure(format!("{}: {error}", error.kind().as_str()))
    }
}

struct ScenarioSecrets;

impl Secrets for ScenarioSecrets {
    fn resolve(&self, value: &OptionValue) -> Result<Secret> {
        match value {
            OptionValue::Secret(name) | OptionValue::Env(name) => Err(Error::not_found(format!("there is no secret '{name}'"))),
            _ => Err(Error::invalid("not a secret")),
        }
    }
}

impl World {
    pub fn new() -> World {
        World {
            settings: String::new(),
            dir: tempfile::tempdir().unwrap(),
            store: Arc::new(InMemory::new()),
            clock: Arc::new(ScenarioClock::new()),
            faults: Faults::default(),
            clickhouse: ClickHouse::default(),
            live: None,
        }
    }

    fn config(&self) -> Result<Config> {
        let mut config = config::parse(&self.settings)?;
        config.lake.dir = self.dir.path().to_path_buf();
        config.query.spill_dir = Some(self.dir.path().join("spill"));
        config.serve.allowed_hosts = None;
        Ok(config)
    }

    fn live(&mut self) -> Result<&Live> {
        if self.live.is_none() {
            let config = self.config()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            let parts = wire::Parts {
                clock: self.clock.clone(),
                store: self.store.clone(),
                secrets: Arc::new(ScenarioSecrets),
                wire: Arc::new(self.clickhouse.clone()),
                faults: self.faults.clone(),
                query_runtime: None,
                seed: [7; 32],
            };
            let server = runtime.block_on(async {
                self.clock.attach();
                wire::start(&config, parts).await
            })?;
            self.live = Some(Live { server, runtime });
        }
        Ok(self.live.as_ref().expect("started just above"))
    }

    /// Runs `work` against the running server.
    pub fn with<T, F: Future<Output = T>>(&mut self, work: impl FnOnce(&Server) -> F) -> Result<T> {
        let live = self.live()?;
        Ok(live.runtime.block_on(work(&live.server)))
    }

    /// Stops cleanly: what is open is committed.
    pub fn stop(&mut self) -> Result<()> {
        let Some(Live { server, runtime }) = self.live.take() else { return Ok(()) };
        runtime.block_on(async {
            let stopped = server.stop().await;
            self.clock.detach();
            stopped
        })
    }

    /// Ends without a word, as a killed process does: nothing that was only in memory is left.
    pub fn crash(&mut self) {
        if let Some(Live { server, runtime }) = self.live.take() {
            runtime.block_on(async { self.clock.detach() });
            drop(runtime);
            drop(server);
        }
    }

    /// Begins `request`, lets the server take `steps` steps, and crashes: the answer, if any, comes too late.
    pub fn crash_during(&mut self, path: &str, headers: &[(&str, &str)], body: Bytes, steps: usize) -> Result<()> {
        let request = request("POST", path, headers, body);
        let live = self.live()?;
        let router = live.server.router.clone();
        live.runtime.block_on(async move {
            let sent = tokio::spawn(router.oneshot(request));
            for _ in 0..steps {
                tokio::task::yield_now().await;
            }
            drop(sent);
        });
        self.crash();
        Ok(())
    }

    pub fn http(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> Result<Response> {
        let request = request(method, path, headers, body);
        self.with(|server| {
            let router = server.router.clone();
            async move {
                let response = router.oneshot(request).await.expect("the router answers every request");
                let status = response.status().as_u16();
                let body = match response.into_body().collect().await {
                    Ok(body) => body.to_bytes(),
                    Err(error) => Bytes::from(format!("the body broke off: {error}")),
                };
                Response { status, body }
            }
        })
    }

    /// Pushes lines to a stream over HTTP; answers what the server answered.
    pub fn ingest(&mut self, stream: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Result<Response> {
        self.http("POST", &format!("/v1/streams/{stream}/records"), headers, Bytes::copy_from_slice(body.as_ref()))
    }

    /// Runs one statement over HTTP.
    pub fn sql(&mut self, sql: &str) -> std::result::Result<Vec<RecordBatch>, Failure> {
        let body = serde_json::json!({ "sql": sql, "format": "arrow" }).to_string();
        let response = self.http("POST", "/api/v1/query", &[("content-type", "application/json")], body.into())?;
        if response.status != 200 {
            return Err(Failure(error_text(&response.body)));
        }
        let broken = |e: arrow::error::ArrowError| Failure(format!("the answer broke off: {e}"));
        StreamReader::try_new(response.body.as_ref(), None).map_err(broken)?.map(|batch| batch.map_err(broken)).collect()
    }

    /// The first column of the first row, as a number.
    pub fn number(&mut self, sql: &str) -> i64 {
        let batches = self.sql(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        let (_, rows) = cells(&batches);
        rows[0][0].parse().unwrap_or_else(|e| panic!("{sql} answered {rows:?}: {e}"))
    }

    /// Fails when the ledger and the rows disagree.
    pub fn verify(&mut self) -> std::result::Result<(), Failure> {
        let lake = self.with(|server| std::future::ready(server.lake.clone()))?;
        let found = self.with(|_| async move { lake.verify(None).await })??;
        match found.iter().find(|v| !v.problem.is_empty()) {
            Some(v) => Err(Failure(format!("{} partition {}: {}", v.stream, v.partition, v.problem))),
            None => Ok(()),
        }
    }

    fn verb(&mut self, line: &str, body: &str) -> std::result::Result<DBOutput<DefaultColumnType>, Failure> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["\\ingest", stream, headers @ ..] => {
                let response = self.ingest(stream, &pairs(headers), unescape(body))?;
                answer(&response)
            }
            ["\\http", method, path, headers @ ..] => {
                let response = self.http(method, path, &pairs(headers), Bytes::from(unescape(body)))?;
                Ok(lines(&response))
            }
            ["\\advance", duration] => {
                let duration = parse_duration(duration)?;
                self.with(|_| async move { tokio::time::sleep(duration).await })?;
                done()
            }
            ["\\jump", duration] => {
                let (sign, rest) = duration.split_at(1);
                self.clock.jump(sign == "+", parse_duration(rest)?);
                done()
            }
            ["\\crash"] => {
                self.crash();
                done()
            }
            ["\\stop"] => {
                self.stop()?;
                done()
            }
            ["\\fail", point, times] => {
                self.faults.arm(point, times.parse().map_err(|e| Failure(format!("\\fail: {e}")))?);
                done()
            }
            ["\\set", ..] => {
                self.settings = body.to_owned();
                self.stop()?;
                done()
            }
            ["\\clickhouse", what @ ..] => {
                self.clickhouse.verb(what).map_or_else(|| Err(Failure(format!("unknown line {line}"))), Ok)
            }
            ["\\compact"] => {
                let lake = self.with(|server| std::future::ready(server.lake.clone()))?;
                self.with(|_| async move { lake.compact().await })??;
                done()
            }
            ["\\retain"] => {
                let lake = self.with(|server| std::future::ready(server.lake.clone()))?;
                self.with(|_| async move { lake.retain().await })??;
                done()
            }
            ["\\verify"] => {
                self.verify()?;
                done()
            }
            _ => Err(Failure(format!("unknown line {line}"))),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.crash();
    }
}

impl sqllogictest::DB for World {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, text: &str) -> std::result::Result<DBOutput<DefaultColumnType>, Failure> {
        if text.starts_with('\\') {
            let (line, body) = text.split_once('\n').unwrap_or((text, ""));
            return self.verb(line, body);
        }
        let batches = self.sql(text)?;
        let (types, rows) = cells(&batches);
        Ok(DBOutput::Rows { types, rows })
    }

    fn engine_name(&self) -> &str {
        "helios"
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Bytes) -> axum::extract::Request {
    let mut builder = axum::http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(axum::body::Body::new(Full::new(body))).expect("scenarios write well-formed requests")
}

/// `name:value` words.
fn pairs<'a>(words: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    words.iter().filter_map(|word| word.split_once(':')).collect()
}

/// `\xHH` stands for a byte that a text file cannot hold.
fn unescape(body: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find("\\x") {
        let byte = rest.get(at + 2..at + 4).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let byte = byte.unwrap_or_else(|| panic!("\\x stands before two hexadecimal digits: {rest}"));
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(byte);
        rest = &rest[at + 4..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn done() -> std::result::Result<DBOutput<DefaultColumnType>, Failure> {
    Ok(DBOutput::StatementComplete(0))
}

/// A push: its counts as one row, or its error.
fn answer(response: &Response) -> std::result::Result<DBOutput<DefaultColumnType>, Failure> {
    if response.status != 200 {
        return Err(Failure(format!("{} {}", response.status, error_text(&response.body))));
    }
    let body: serde_json::Value = serde_json::from_slice(&response.body).map_err(|e| Failure(e.to_string()))?;
    let row: Vec<String> = ["stored", "quarantined", "deduplicated"].iter().map(|key| body[*key].to_string()).collect();
    Ok(DBOutput::Rows { types: vec![DefaultColumnType::Integer; row.len()], rows: vec![row] })
}

fn lines(response: &Response) -> DBOutput<DefaultColumnType> {
    let text = String::from_utf8_lossy(&response.body);
    let mut rows = vec![vec![response.status.to_string()]];
    rows.extend(text.lines().map(|line| vec![line.to_owned()]));
    DBOutput::Rows { types: vec![DefaultColumnType::Text], rows }
}

/// An error body as scenarios match it: `code: message (line 1, column 8). hint`.
fn error_text(body: &[u8]) -> String {
    let Ok(error) = serde_json::from_slice::<serde_json::Value>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    let place = match error.get("position").filter(|p| p.is_object()) {
        Some(p) => format!(" (line {}, column {})", p["line"], p["column"]),
        None => String::new(),
    };
    let hint = if text("hint").is_empty() { String::new() } else { format!(". {}", text("hint")) };
    format!("{}: {}{place}{hint}", text("code"), text("message"))
}

fn cells(batches: &[RecordBatch]) -> (Vec<DefaultColumnType>, Vec<Vec<String>>) {
    let types = batches
        .first()
        .map_or_else(Vec::new, |batch| batch.schema().fields().iter().map(|field| column_type(field.data_type())).collect());
    let options = FormatOptions::default().with_null("NULL").with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.fZ"));
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cell = |i: usize| match columns[i].value(row).to_string() {
                text if text.is_empty() && !batch.column(i).is_null(row) => "(empty)".to_owned(),
                text => text,
            };
            let row: Vec<String> = (0..columns.len()).map(cell).collect();
            // A cell of several lines is compared line by line.
            match row.iter().any(|text| text.contains('\n')) {
                true => rows.extend(row.join(" ").lines().map(|line| vec![line.to_owned()])),
                false => rows.push(row),
            }
        }
    }
    (types, rows)
}

fn column_type(data_type: &DataType) -> DefaultColumnType {
    match data_type {
        t if t.is_integer() => DefaultColumnType::Integer,
        t if t.is_floating() => DefaultColumnType::FloatingPoint,
        DataType::Decimal128(..) => DefaultColumnType::FloatingPoint,
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => DefaultColumnType::Text,
        _ => DefaultColumnType::Any,
    }
}

fn parse_duration(text: &str) -> std::result::Result<Duration, Failure> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let n: u64 = digits.parse().map_err(|e| Failure(format!("'{text}' is no duration: {e}")))?;
    match &text[digits.len()..] {
        "ms" => Ok(Duration::from_millis(n)),
        "s" => Ok(Duration::from_secs(n)),
        "m" => Ok(Duration::from_secs(n * 60)),
        "h" => Ok(Duration::from_secs(n * 3_600)),
        "d" => Ok(Duration::from_secs(n * 86_400)),
        _ => Err(Failure(format!("'{text}' needs a unit: ms, s, m, h or d"))),
    }
}
