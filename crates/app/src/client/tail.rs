//! `helios tail`: prints rows of a stream as they become visible.

use crate::client::output::{Output, broken_off};
use crate::client::{Address, Client};
use clap::Args;
use helios_contract::{Result, StreamName};
use std::io::{BufRead, BufReader};

/// Arguments of `helios tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Stream to follow
    #[arg(value_name = "STREAM")]
    stream: String,
    /// End after so many rows
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Begin with the rows after this commit instead of now
    #[arg(long, value_name = "COMMIT")]
    after: Option<i64>,
    #[command(flatten)]
    address: Address,
}

/// Prints one JSON object a line until the limit, Ctrl-C, or the end of the server.
///
/// # Errors
/// `NotFound` for the stream; `Unavailable` when the server goes away.
pub fn run(args: TailArgs) -> Result<()> {
    let stream = StreamName::new(args.stream)?;
    let limit = args.limit.map(|limit| format!("limit={limit}"));
    let after = args.after.map(|after| format!("after={after}"));
    let query: Vec<String> = limit.into_iter().chain(after).collect();
    let response = Client::new(&args.address).get(&format!("/api/v1/streams/{stream}/tail?{}", query.join("&")))?;
    let mut output = Output::stdout();
    let mut rows = BufReader::new(response.into_body().into_reader());
    let mut line = Vec::new();
    while rows.read_until(b'\n', &mut line).map_err(broken_off)? > 0 {
        if output.write(&line)?.is_break() {
            break;
        }
        line.clear();
    }
    Ok(())
}
