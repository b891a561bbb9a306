//! `helios quarantine`: looks at records that did not fit, discards them, and replays them. It writes SQL and runs it.

use crate::client::output::{Format, Output};
use crate::client::sql::{Question, answer};
use crate::client::{Address, Client, json};
use clap::{Args, Subcommand};
use helios_contract::{Error, Result, StreamName};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `helios quarantine`.
#[derive(Debug, Args)]
pub struct QuarantineArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What goes wrong: one line for each class of records
    Classes {
        /// Stream to look at; without it, all
        #[arg(value_name = "STREAM")]
        stream: Option<String>,
        #[command(flatten)]
        address: Address,
    },
    /// Records, the newest first
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u64,
        #[command(flatten)]
        address: Address,
    },
    /// One record, whole
    Show {
        /// Stream it belongs to
        #[arg(value_name = "STREAM")]
        stream: String,
        /// Its number, as `list` shows it
        #[arg(value_name = "ID")]
        id: i64,
        #[command(flatten)]
        address: Address,
    },
    /// Records as NDJSON; they stay where they are
    Download {
        #[command(flatten)]
        which: Which,
        /// File to write to
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        address: Address,
    },
    /// Give open records up; they stay counted, and their payload is kept as long as the stream keeps rows
    Discard {
        #[command(flatten)]
        which: Which,
        /// Why; kept with the records
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        address: Address,
    },
    /// Send open records through their stream once more, mended or as they are
    Replay {
        #[command(flatten)]
        which: Which,
        /// Fixes as SQL: "SET price = NULL", "RENAME preis TO price", "DROP debug"
        #[arg(long = "with", value_name = "FIX")]
        fixes: Vec<String>,
        /// Only say what would become of them
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        address: Address,
    },
}

/// Which records.
#[derive(Debug, Args)]
struct Which {
    /// Stream they belong to
    #[arg(value_name = "STREAM")]
    stream: String,
    /// Those of one class, as `classes` shows it
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// Those that an SQL condition on the columns of system.quarantine holds for
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
}

impl Which {
    fn stream(&self) -> Result<StreamName> {
        StreamName::new(self.stream.clone())
    }

    /// `AND` and the conditions, or nothing.
    fn and(&self) -> String {
        self.conditions().iter().map(|condition| format!(" AND {condition}")).collect()
    }

    /// `WHERE` and the conditions, or nothing.
    fn clause(&self) -> String {
        match self.conditions() {
            all if all.is_empty() => String::new(),
            all => format!(" WHERE {}", all.join(" AND ")),
        }
    }

    fn conditions(&self) -> Vec<String> {
        let class = self.class.as_ref().map(|class| format!("class = {}", text(class)));
        class.into_iter().chain(self.condition.as_ref().map(|condition| format!("({condition})"))).collect()
    }
}

/// Runs the statement that the arguments stand for.
///
/// # Errors
/// The statement's.
pub fn run(args: QuarantineArgs) -> Result<()> {
    match args.command {
        Command::Classes { stream, address } => {
            let only = stream.map(StreamName::new).transpose()?.map(|stream| format!(" WHERE stream = '{stream}'"));
            let sql = format!("SELECT * FROM system.quarantine_classes{} ORDER BY n_open DESC", only.unwrap_or_default());
            print(&address, &sql, Format::Table, &mut Output::stdout())
        }
        Command::List { which, limit, address } => {
            let sql = format!(
                "SELECT id, class, \"partition\", position, time, reason, path, state, payload FROM system.quarantine \
                 WHERE stream = '{}'{} ORDER BY id DESC LIMIT {limit}",
                which.stream()?,
                which.and()
            );
            print(&address, &sql, Format::Table, &mut Output::stdout())
        }
        Command::Show { stream, id, address } => show(&address, &StreamName::new(stream)?, id),
        Command::Download { which, output, address } => {
            let sql = format!("SELECT * FROM system.quarantine WHERE stream = '{}'{} ORDER BY id", which.stream()?, which.and());
            let mut output = output.map_or_else(|| Ok(Output::stdout()), |path| Output::file(&path))?;
            print(&address, &sql, Format::Ndjson, &mut output)
        }
        Command::Discard { which, reason, address } => {
            let sql = format!("DISCARD QUARANTINE {}{} REASON {}", which.stream()?, which.clause(), text(&reason));
            print(&address, &sql, Format::Table, &mut Output::stdout())
        }
        Command::Replay { which, fixes, dry_run, address } => {
            let with = if fixes.is_empty() { String::new() } else { format!(" WITH {}", fixes.join(", ")) };
            let sql = format!("REPLAY QUARANTINE {}{}{with}", which.stream()?, which.clause());
            if dry_run {
                rehearse(&address, &format!("EXPLAIN {sql}"))
            } else {
                print(&address, &sql, Format::Table, &mut Output::stdout())
            }
        }
    }
}

fn print(address: &Address, sql: &str, format: Format, output: &mut Output) -> Result<()> {
    let question = Question { sql, params: &Value::Null, format, id: None };
    answer(&Client::new(address), &question, output).map(drop)
}

fn rows(address: &Address, sql: &str) -> Result<Vec<Value>> {
    let body = json!({"sql": sql, "format": "json"}).to_string();
    let response = Client::new(address).post("/api/v1/query", &[("Content-Type", "application/json")], body.as_bytes())?;
    Ok(json(response)?["data"].as_array().cloned().unwrap_or_default())
}

/// Everything about one record, a field a line, and its payload last.
fn show(address: &Address, stream: &StreamName, id: i64) -> Result<()> {
    let found = rows(address, &format!("SELECT * FROM system.quarantine WHERE stream = '{stream}' AND id = {id}"))?;
    let Some(Value::Object(record)) = found.into_iter().next() else {
        return Err(Error::not_found(format!("the stream {stream} has no record {id} in quarantine"))
            .hint(format!("`helios quarantine list {stream}` shows those there are.")));
    };
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |(name, value): (&String, &Value)| format!("{name:>14}  {}\n", shown(value));
    let mut lines: String = record.iter().filter(|(name, _)| *name != "payload").map(line).collect();
    lines.extend(["\n".to_owned(), record.get("payload").map(shown).unwrap_or_default(), "\n".to_owned()]);
    Output::stdout().write(lines.as_bytes()).map(drop)
}

/// The outcome in a sentence, then in full.
fn rehearse(address: &Address, sql: &str) -> Result<()> {
    Output::stdout().write(verdict(&rows(address, sql)?).as_bytes()).map(drop)
}

fn verdict(outcomes: &[Value]) -> String {
    let n = |outcome: &Value| outcome["n_records"].as_u64().unwrap_or(0);
    let n_all: u64 = outcomes.iter().map(n).sum();
    let n_pass: u64 = outcomes.iter().filter(|outcome| outcome["outcome"] != "would stay").map(n).sum();
    let mut lines = format!("{n_pass} of {n_all} would pass\n");
    for outcome in outcomes.iter().filter(|outcome| outcome["outcome"] != "would pass") {
        let word = outcome["outcome"].as_str().unwrap_or_default();
        let about = ["path", "reason", "sample"].map(|name| outcome[name].as_str().unwrap_or_default());
        lines += format!("  {} {word}  {}", n(outcome), about.join("  ")).trim_end();
        lines += "\n";
    }
    lines
}

/// A text as SQL writes it.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_counts_what_would_leave_quarantine() {
        let pass = json!({"outcome": "would pass", "n_records": 214});
        assert_eq!(verdict(std::slice::from_ref(&pass)), "214 of 214 would pass\n");
        let stay =
            json!({"outcome": "would stay", "n_records": 2, "path": "id", "reason": "required field is missing", "sample": "{}"});
        assert_eq!(verdict(&[pass, stay]), "214 of 216 would pass\n  2 would stay  id  required field is missing  {}\n");
        assert_eq!(verdict(&[]), "0 of 0 would pass\n");
    }

    #[test]
    fn conditions_are_joined_and_quoted() {
        let which = |class: Option<&str>, condition: Option<&str>| Which {
            stream: "orders".to_owned(),
            class: class.map(str::to_owned),
            condition: condition.map(str::to_owned),
        };
        assert_eq!(which(None, None).clause(), "");
        assert_eq!(which(Some("it's"), Some("a OR b")).clause(), " WHERE class = 'it''s' AND (a OR b)");
        assert_eq!(which(Some("x"), None).and(), " AND class = 'x'");
    }
}
