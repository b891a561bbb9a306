//! Snapshots of what users see: a change of one shows up in the diff. `HELIOS_BLESS=1` writes them anew.

use crate::world::World;
use bytes::Bytes;
use clap::CommandFactory;
use helios_app::args::Args;
use helios_contract::Kind;
use std::path::Path;

#[test]
fn help_texts() {
    let mut text = String::new();
    help(Args::command().bin_name("helios"), &mut text);
    compare("help.txt", &text);
}

#[test]
fn kinds_of_error() {
    let kinds =
        [Kind::Invalid, Kind::NotFound, Kind::Conflict, Kind::Unavailable, Kind::Exhausted, Kind::Corrupt, Kind::Internal];
    let text: String =
        kinds.iter().map(|kind| format!("{} {}\n", kind.as_str(), helios_serve::status_of(*kind).as_u16())).collect();
    compare("errors.txt", &text);
}

#[test]
fn routes() {
    let response = World::new().http("GET", "/api/v1/openapi.json", &[], Bytes::new()).unwrap();
    let description: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    let mut text = String::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, route) in methods.as_object().unwrap() {
            let summary = route["summary"].as_str().unwrap();
            text.push_str(&format!("{} {path}\n    {summary}\n", method.to_uppercase()));
        }
    }
    compare("routes.txt", &text);
}

#[test]
fn every_setting_has_a_comment_and_a_default() {
    let text = helios_app::config::DEFAULT_TOML;
    let mut commented = false;
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with('#') {
            commented = true;
        } else if line.is_empty() || line.starts_with('[') {
            commented = false;
        } else {
            assert!(commented, "the setting `{line}` has no comment above it");
            commented = false;
        }
    }
    helios_app::config::parse("").expect("the defaults can be read");
}

#[test]
fn unknown_settings_are_named() {
    let message = |text: &str| helios_app::config::parse(text).unwrap_err().to_string();
    assert!(message("[ingst]\n").contains("Did you mean [ingest]?"));
    assert!(message("[lake]\nno_such_setting = 1\n").contains("no_such_setting"));
    assert!(message("[lake").contains("not TOML"));
}

fn help(mut command: clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_default().to_owned();
    text.push_str(&format!("$ {name} --help\n{}\n", command.render_long_help()));
    let subcommands: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    for subcommand in subcommands {
        let full = format!("{name} {}", subcommand.get_name());
        help(subcommand.bin_name(full), text);
    }
}

#[expect(clippy::disallowed_methods, reason = "a knob of the test, not of the product")]
fn compare(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/surfaces").join(file);
    if std::env::var("HELIOS_BLESS").is_ok() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "{file} changed; look at it, then run with HELIOS_BLESS=1:\n{actual}");
}
