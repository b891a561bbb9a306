//! `helios verify`: has the server recount what is stored, and says whether it agrees with the ledger.

use crate::client::output::{Output, counted, table};
use crate::client::{Address, Client, json};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use clap::Args;
use helios_contract::{Error, Result, StreamName};
use serde_json::Value;
use std::process::ExitCode;
use std::sync::Arc;

/// The numbers of a finding, in the order a record meets them.
const COUNTS: [&str; 9] =
    ["received", "stored", "expired", "counted", "quarantined", "quarantine_counted", "filtered", "deduplicated", "lost"];

/// Arguments of `helios verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Stream to verify; without it, all
    #[arg(value_name = "STREAM")]
    stream: Option<String>,
    #[command(flatten)]
    address: Address,
}

/// Prints the findings and a verdict; the exit code is 1 when something does not agree.
///
/// # Errors
/// `NotFound` for the stream; whatever kept the server from counting.
pub fn run(args: VerifyArgs) -> Result<ExitCode> {
    let query = args.stream.map(StreamName::new).transpose()?.map(|stream| format!("?stream={stream}"));
    let response = Client::new(&args.address).get(&format!("/api/v1/verify{}", query.unwrap_or_default()))?;
    let found = json(response)?;
    let partitions = found["partitions"].as_array().map_or(&[][..], Vec::as_slice);
    let ok = found["ok"].as_bool().ok_or_else(|| Error::unavailable("the server's answer says neither yes nor no"))?;
    // Whether anybody reads to the end changes nothing about the verdict.
    let _ = Output::stdout().write(report(partitions)?.as_bytes())?;
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report(partitions: &[Value]) -> Result<String> {
    let n_wrong = partitions.iter().filter(|partition| partition["problem"] != "").count() as u64;
    let n = counted(partitions.len() as u64, "partition");
    let verdict = match (partitions.len(), n_wrong) {
        (0, _) => "ok: there is nothing to verify yet".to_owned(),
        (_, 0) => format!("ok: rows and ledger agree in {n}"),
        (_, n_wrong) => format!("PROBLEM: rows and ledger disagree in {n_wrong} of {n}"),
    };
    if partitions.is_empty() {
        return Ok(verdict + "\n");
    }
    let text = |name: &str| -> ArrayRef {
        Arc::new(partitions.iter().map(|partition| partition[name].as_str()).collect::<StringArray>())
    };
    let number = |name: &str| -> ArrayRef {
        Arc::new(partitions.iter().map(|partition| partition[name].as_u64()).collect::<UInt64Array>())
    };
    let mut columns = vec![("stream", text("stream")), ("partition", text("partition"))];
    columns.extend(COUNTS.map(|name| (name, number(name))));
    if n_wrong > 0 {
        columns.push(("problem", text("problem")));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .map_err(|error| Error::internal("cannot lay out the findings").because(error))?;
    Ok(table(&batch.schema(), &[batch])? + &verdict + "\n")
}

#[cfg(test)]
mod tests {
    use super::report;
    use serde_json::json;

    #[test]
    fn the_verdict_counts_problems() {
        let good = json!({"stream": "orders", "partition": "0", "received": 3, "stored": 2, "quarantined": 1, "problem": ""});
        let bad = json!({"stream": "orders", "partition": "1", "received": 3, "problem": "one row is missing"});
        assert!(report(std::slice::from_ref(&good)).unwrap().ends_with("ok: rows and ledger agree in 1 partition\n"));
        let text = report(&[good, bad]).unwrap();
        assert!(
            text.contains("one row is missing") && text.ends_with("PROBLEM: rows and ledger disagree in 1 of 2 partitions\n")
        );
        assert_eq!(report(&[]).unwrap(), "ok: there is nothing to verify yet\n");
    }
}
