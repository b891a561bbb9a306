//! `helios bench`, tiny: every measurement runs to its end and its figures are there. The figures themselves are not judged.

use std::process::Command;

/// Runs `helios bench ARGS --json FILE`; answers the figures by name.
fn figures(args: &[&str]) -> Vec<(String, f64)> {
    let dir = tempfile::tempdir().unwrap();
    let json = dir.path().join("figures.json");
    let output = Command::new(env!("CARGO_BIN_EXE_helios"))
        .arg("bench")
        .args(args)
        .arg("--dir")
        .arg(dir.path())
        .arg("--json")
        .arg(&json)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let figures = figures.as_array().unwrap().iter();
    figures.map(|figure| (figure["name"].as_str().unwrap().to_owned(), figure["value"].as_f64().unwrap())).collect()
}

fn check(args: &[&str], names: &[&str]) {
    let figures = figures(args);
    for name in names {
        let found = figures.iter().find(|(figure, _)| figure.starts_with(name));
        assert!(found.is_some_and(|(_, value)| *value > 0.0), "{name} is missing or nothing in {figures:?}");
    }
}

#[test]
fn ingest() {
    check(
        &["ingest", "--events", "3000", "--runs", "1", "--batch", "100", "--connections", "2"],
        &["bulk load", "http", "peak resident memory"],
    );
}

#[test]
fn freshness() {
    check(
        &["freshness", "--rate", "500", "--seconds", "1", "--connections", "2"],
        &["freshness p50", "freshness p99", "freshness max"],
    );
}

#[test]
fn query() {
    check(&["query", "--events", "3000", "--runs", "1"], &["count by action", "funnel by device"]);
}
