//! `helios sql`: runs statements and prints their answers.

use crate::client::output::{Format, Output, broken_off, counted, span, table};
use crate::client::statements::{Statement, split};
use crate::client::{Address, Client, json, repl};
use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use clap::Args;
use helios_contract::{Error, Result};
use serde_json::{Map, Value, json};
use std::io::{self, IsTerminal, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tokio::time::Instant;
use ureq::Body;
use ureq::http::Response;

/// A table to look at is cut off here; the other formats have no end.
const TABLE_ROWS_MAX: usize = 10_000;

/// Arguments of `helios sql`.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// Statements, separated by semicolons; without any, a prompt starts
    #[arg(value_name = "SQL")]
    statements: Option<String>,
    /// File to read the statements from; - reads standard input
    #[arg(long, short, value_name = "FILE", conflicts_with = "statements")]
    file: Option<PathBuf>,
    /// How answers are written [default: table, or what the name of --output says]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// File to write the answer to
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Value for a parameter: -p 1=... for $1, -p name=... for $name; numbers, true, false and null are read as such
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    params: Vec<String>,
    /// File that remembers what was typed at the prompt [default: ~/.local/share/helios/history]
    #[arg(long, value_name = "FILE", env = "HELIOS_HISTORY")]
    history: Option<PathBuf>,
    #[command(flatten)]
    address: Address,
}

/// Runs the statements in order; stops at the first that fails.
///
/// # Errors
/// The statement's error, with a mark under the place it names.
pub fn run(args: SqlArgs) -> Result<()> {
    let client = Client::new(&args.address);
    let format = args.format.or_else(|| Format::of_file(args.output.as_deref()?)).unwrap_or(Format::Table);
    let params = parameters(&args.params)?;
    let text = match (&args.statements, &args.file) {
        (Some(text), _) => text.clone(),
        (None, Some(file)) => read(file)?,
        (None, None) if io::stdin().is_terminal() => return repl::run(&client, format, params, args.history),
        (None, None) => read(Path::new("-"))?,
    };
    let statements = split(&text);
    let mut output = match &args.output {
        Some(path) => Output::file(path)?,
        None => Output::stdout(),
    };
    check(&statements, format, output.is_terminal)?;
    for statement in &statements {
        let question = Question { sql: statement.sql, params: &params, format, id: None };
        let answered = answer(&client, &question, &mut output);
        let answered = answered.map_err(|error| if statements.len() > 1 { placed(error, statement) } else { error })?;
        if answered.is_break() {
            break;
        }
    }
    Ok(())
}

/// A statement to run.
pub(crate) struct Question<'a> {
    pub(crate) sql: &'a str,
    pub(crate) params: &'a Value,
    pub(crate) format: Format,
    pub(crate) id: Option<&'a str>,
}

/// Asks, and writes the answer; breaks off when nobody reads it.
pub(crate) fn answer(client: &Client, question: &Question<'_>, output: &mut Output) -> Result<ControlFlow<()>> {
    let begun = Instant::now();
    let response = ask(client, question).map_err(|error| marked(error, question.sql))?;
    let query_id = header(&response, "x-query-id").unwrap_or_default();
    let written = match question.format {
        Format::Table => write_table(response, begun, output),
        _ => output.copy(response.into_body().into_reader()),
    };
    written.map_err(|error| reason(client, &query_id).map_or(error, |reason| marked(reason, question.sql)))
}

fn ask(client: &Client, question: &Question<'_>) -> Result<Response<Body>> {
    let mut body = json!({"sql": question.sql, "format": question.format.over_http()});
    if !question.params.is_null() {
        body["params"] = question.params.clone();
    }
    if let Some(id) = question.id {
        body["id"] = id.into();
    }
    Ok(client.post("/api/v1/query", &[("Content-Type", "application/json")], body.to_string().as_bytes())?)
}

fn write_table(response: Response<Body>, begun: Instant, output: &mut Output) -> Result<ControlFlow<()>> {
    let snapshot = header(&response, "x-snapshot").map(|commit| format!(" · snapshot {commit}"));
    let behind = header(&response, "x-freshness-ms").and_then(|ms| ms.parse().ok());
    let behind = behind.map(|ms| format!(" · data {} behind", span(ms)));
    let mut rows = StreamReader::try_new(Unbroken(response.into_body().into_reader()), None).map_err(broken_off)?;
    let schema = rows.schema();
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut n_rows = 0;
    let mut more = false;
    while let Some(batch) = rows.next().transpose().map_err(broken_off)? {
        let shown = batch.num_rows().min(TABLE_ROWS_MAX - n_rows);
        more = shown < batch.num_rows();
        n_rows += shown;
        batches.push(batch.slice(0, shown));
        if more {
            break;
        }
    }
    let counted = counted(n_rows as u64, "row");
    let counted = if more { format!("the first {counted} (--format csv has all)") } else { counted };
    let elapsed_ms = begun.elapsed().as_millis();
    let about = format!("{counted} · {elapsed_ms} ms{}{}\n", snapshot.unwrap_or_default(), behind.unwrap_or_default());
    output.write((table(&schema, &batches)? + &about).as_bytes())
}

/// Passes bytes on, but no early end: the Arrow reader would take that for the end of the rows.
struct Unbroken<R>(R);

impl<R: Read> Read for Unbroken<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(io::Error::other)
    }
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// Why a statement failed after its answer began, which most formats cannot say: the server remembers.
fn reason(client: &Client, query_id: &str) -> Option<Error> {
    let params = json!([query_id]);
    let question =
        Question { sql: "SELECT error FROM system.queries WHERE id = $1", params: &params, format: Format::Json, id: None };
    let known = json(ask(client, &question).ok()?).ok()?;
    known["data"][0]["error"].as_str().filter(|message| !message.is_empty()).map(Error::exhausted)
}

/// The error with the line it names and a mark under the place.
fn marked(error: Error, sql: &str) -> Error {
    let Some(at) = error.position() else { return error };
    let (Ok(line), Ok(column)) = (usize::try_from(at.line), usize::try_from(at.column)) else { return error };
    let Some(text) = sql.lines().nth(line.saturating_sub(1)) else { return error };
    let blank: String = text.chars().take(column.saturating_sub(1)).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let marked = Error::new(error.kind(), format!("{}\n  {text}\n  {blank}^", error.message()));
    match error.hint_text() {
        Some(hint) => marked.hint(hint),
        None => marked,
    }
}

fn placed(error: Error, statement: &Statement<'_>) -> Error {
    error.context(format!("in the statement at line {}", statement.line))
}

fn check(statements: &[Statement<'_>], format: Format, is_terminal: bool) -> Result<()> {
    if statements.is_empty() {
        return Err(Error::invalid("there is no statement to run"));
    }
    if format.is_binary() && is_terminal {
        return Err(Error::invalid(format!("a terminal cannot show {}", format.over_http()))
            .hint("Write it to a file with --output, or into a pipe."));
    }
    if format.is_binary() && statements.len() > 1 {
        return Err(Error::invalid(format!(
            "{} statements cannot answer into one {} file",
            statements.len(),
            format.over_http()
        ))
        .hint("Run one statement, or choose another format."));
    }
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    let cannot = |error| Error::invalid(format!("cannot read statements from {}", file.display())).because(error);
    if file != Path::new("-") {
        return std::fs::read_to_string(file).map_err(cannot);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(cannot)?;
    Ok(text)
}

/// `name=value` pairs as JSON: an array where the names are 1, 2, ..., else an object; null when there are none.
fn parameters(pairs: &[String]) -> Result<Value> {
    let mut named = Map::new();
    for pair in pairs {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Error::invalid(format!("the parameter '{pair}' is not NAME=VALUE"))
                .hint("Write -p 1=... for $1, or -p name=... for $name.")
        })?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        named.insert(name.trim_start_matches('$').to_owned(), value);
    }
    if named.is_empty() {
        return Ok(Value::Null);
    }
    let numbered: Option<Vec<Value>> = (1..=named.len()).map(|n| named.get(&n.to_string()).cloned()).collect();
    Ok(numbered.map_or(Value::Object(named), Value::Array))
}

#[cfg(test)]
mod tests;
