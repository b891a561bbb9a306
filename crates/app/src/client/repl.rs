//! The prompt of `helios sql`: statements over several lines, with history; Ctrl-C takes back a line or a query.

use crate::client::Client;
use crate::client::output::{Format, Output};
use crate::client::sql::{Question, answer};
use crate::client::statements::{is_complete, split};
use clap::ValueEnum;
use helios_contract::{Error, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

const HELP: &str = "\
Statements end with a semicolon and may take several lines.
  \\d               list the streams
  \\d NAME          show the columns of a stream
  \\format FORMAT   how answers are written: table, csv, json, ndjson
  \\h               this help
  \\q               quit (or Ctrl-D)
Ctrl-C takes back the line, or cancels the query that is running.";

/// Reads and runs statements until the user leaves.
pub(crate) fn run(client: &Client, format: Format, params: Value, history: Option<PathBuf>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::unavailable("cannot start the prompt").because(error))?;
    let mut editor = DefaultEditor::new().map_err(|error| Error::unavailable("cannot use the terminal").because(error))?;
    let history = history.or_else(default_history);
    if let Some(file) = &history {
        // There is none at the first start.
        let _ = editor.load_history(file);
    }
    println!("Helios {}. \\h for help, \\q to quit.", env!("CARGO_PKG_VERSION"));
    let mut prompt = Prompt { client: client.clone(), format, params, runtime, n_asked: 0 };
    let read = prompt.read_and_run(&mut editor);
    if let Some(file) = &history {
        save(&mut editor, file);
    }
    read
}

fn default_history() -> Option<PathBuf> {
    Some(std::env::home_dir()?.join(".local/share/helios/history"))
}

fn save(editor: &mut DefaultEditor, file: &Path) {
    let saved = file.parent().map_or(Ok(()), std::fs::create_dir_all).map_err(ReadlineError::from);
    if let Err(error) = saved.and_then(|()| editor.save_history(file)) {
        eprintln!("cannot keep the history in {}: {error}", file.display());
    }
}

struct Prompt {
    client: Client,
    format: Format,
    params: Value,
    runtime: Runtime,
    n_asked: u64,
}

impl Prompt {
    fn read_and_run(&mut self, editor: &mut DefaultEditor) -> Result<()> {
        let mut typed = String::new();
        loop {
            match editor.readline(if typed.is_empty() { "helios> " } else { "     -> " }) {
                Ok(line) if typed.is_empty() && line.trim_start().starts_with('\\') => {
                    remember(editor, &line);
                    if self.command(line.trim()).is_break() {
                        return Ok(());
                    }
                }
                Ok(line) => {
                    typed.push_str(&line);
                    if is_complete(&typed) {
                        remember(editor, typed.trim());
                        self.statements(&typed);
                        typed.clear();
                    } else {
                        typed.push('\n');
                    }
                }
                Err(ReadlineError::Interrupted) => typed.clear(),
                Err(ReadlineError::Eof) => return Ok(()),
                Err(error) => return Err(Error::unavailable("cannot read from the terminal").because(error)),
            }
        }
    }

    /// A line that begins with a backslash.
    fn command(&mut self, line: &str) -> ControlFlow<()> {
        let mut words = line.split_whitespace();
        match (words.next().unwrap_or_default(), words.next()) {
            ("\\q", None) => return ControlFlow::Break(()),
            ("\\d", None) => self.statements("SHOW STREAMS"),
            ("\\d", Some(name)) => self.statements(&format!("DESCRIBE {name}")),
            ("\\format", Some(name)) => match Format::from_str(name, true) {
                Ok(format) if !format.is_binary() => self.format = format,
                _ => eprintln!("error: the prompt writes table, csv, json or ndjson"),
            },
            ("\\h" | "\\?", _) => println!("{HELP}"),
            (word, _) => eprintln!("error: there is no command {word}\nhint: \\h lists the commands."),
        }
        ControlFlow::Continue(())
    }

    fn statements(&mut self, text: &str) {
        for statement in split(text) {
            if let Err(error) = self.statement(statement.sql) {
                eprintln!("error: {}", error.message());
                if let Some(hint) = error.hint_text() {
                    eprintln!("hint: {hint}");
                }
                return;
            }
        }
    }

    /// Runs a statement on another thread, so that Ctrl-C can be heard here.
    fn statement(&mut self, sql: &str) -> Result<()> {
        self.n_asked += 1;
        let id = format!("prompt-{}-{}", std::process::id(), self.n_asked);
        let (client, sql, params, format) = (self.client.clone(), sql.to_owned(), self.params.clone(), self.format);
        let asked = id.clone();
        let mut work = self.runtime.spawn_blocking(move || {
            let question = Question { sql: &sql, params: &params, format, id: Some(&asked) };
            answer(&client, &question, &mut Output::stdout()).map(drop)
        });
        self.runtime.block_on(async {
            let done = async |work: &mut JoinHandle<Result<()>>| {
                tokio::select! {
                    biased;
                    done = work => Some(done.unwrap_or_else(|error| Err(Error::internal("the query met a bug").because(error)))),
                    _ = tokio::signal::ctrl_c() => None,
                }
            };
            if let Some(done) = done(&mut work).await {
                return done;
            }
            let client = self.client.clone();
            // When it has ended meanwhile there is nothing to cancel.
            drop(tokio::task::spawn_blocking(move || drop(client.delete(&format!("/api/v1/queries/{id}")))));
            // Whoever asks a second time wants to leave, whatever the server does.
            done(&mut work).await.unwrap_or_else(|| std::process::exit(130))
        })
    }
}

fn remember(editor: &mut DefaultEditor, text: &str) {
    if !text.is_empty() {
        // History is a convenience; nothing is lost without it.
        let _ = editor.add_history_entry(text);
    }
}
