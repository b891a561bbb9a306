//! The house rules that can be checked by reading the source.

use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// Crates that only their owners may depend on.
const OWNED: [(&str, &str); 18] = [
    ("clap", "app"),
    ("toml", "app"),
    ("apache-avro", "ingest"),
    ("aws-config", "ingest"),
    ("aws-sdk-kinesis", "ingest"),
    ("jsonschema", "ingest"),
    ("prost-reflect", "ingest"),
    ("protox", "ingest"),
    ("rmpv", "ingest"),
    ("rdkafka", "ingest"),
    ("csv", "ingest"),
    ("rusqlite", "lake"),
    ("datafusion", "query"),
    ("datafusion-functions-json", "query"),
    ("axum", "serve"),
    ("async-compression", "serve"),
    ("ureq", "app ingest sink"),
    ("rustyline", "app"),
];

/// Words that must not stand in the source, put together so that this file does not hold them.
fn forbidden() -> Vec<String> {
    vec![
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["#[ig", "nore"].concat(),
        ["unimple", "mented!"].concat(),
        ["to", "do!("].concat(),
    ]
}

#[test]
fn tidy() {
    let mut problems = Vec::new();
    for file in sources() {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap_or(&file).display().to_string();
        if !text.starts_with("//! ") {
            problems.push(format!("{name}: does not begin with a //! line that says what it is"));
        }
        let n_lines = text.lines().count();
        if n_lines > FILE_LINES_MAX {
            problems.push(format!("{name}: {n_lines} lines; a file is one idea of at most {FILE_LINES_MAX}"));
        }
        for word in forbidden() {
            if text.contains(&word) {
                problems.push(format!("{name}: holds {word}"));
            }
        }
        problems.extend(long_functions(&text).into_iter().map(|problem| format!("{name}: {problem}")));
        problems.extend(vague_name(&file).map(|problem| format!("{name}: {problem}")));
    }
    problems.extend(dependencies());
    assert!(problems.is_empty(), "{} house rules broken:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn contract_does_no_io() {
    for file in sources().into_iter().filter(|file| file.starts_with(root().join("crates/contract"))) {
        let text = std::fs::read_to_string(&file).unwrap();
        for word in ["std::fs", "std::net", "tokio::", "std::process", "println!"] {
            assert!(!text.contains(word), "{} uses {word}", file.display());
        }
    }
}

#[test]
fn only_the_pipeline_acknowledges() {
    for file in sources().into_iter().filter(|file| file.starts_with(root().join("crates/ingest/src"))) {
        let in_pipeline = file.components().any(|c| c.as_os_str().to_string_lossy().starts_with("pipeline"));
        let is_test = file.file_stem().is_some_and(|stem| stem == "tests");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(in_pipeline || is_test || !text.contains(".ack("), "{} acknowledges", file.display());
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&root().join("crates"), &mut files);
    assert!(files.len() > 40, "found only {} source files", files.len());
    files
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Functions are found by their formatting: a line that declares one, up to the `}` at the same depth.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut problems = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let declaration = line.trim_start();
        let is_function =
            ["fn ", "pub fn ", "async fn ", "pub async fn ", "pub(crate) fn ", "pub(super) fn ", "pub(crate) async fn "]
                .iter()
                .any(|prefix| declaration.starts_with(prefix));
        if !is_function {
            continue;
        }
        let indent = &line[..line.len() - declaration.len()];
        let end = format!("{indent}}}");
        let length = lines[start..].iter().position(|l| *l == end).map_or(0, |n| n + 1);
        if length > FUNCTION_LINES_MAX {
            problems.push(format!("line {}: a function of {length} lines", start + 1));
        }
    }
    problems
}

fn vague_name(file: &Path) -> Option<String> {
    let stem = file.file_stem()?.to_str()?;
    ["utils", "util", "helpers", "helper", "common", "manager", "service", "handler", "misc"]
        .contains(&stem)
        .then(|| format!("'{stem}' says nothing; name the thing"))
}

fn dependencies() -> Vec<String> {
    let mut problems = Vec::new();
    for part in ["contract", "ingest", "lake", "query", "sink", "serve", "app"] {
        let text = std::fs::read_to_string(root().join("crates").join(part).join("Cargo.toml")).unwrap();
        let normal = text.split("[dev-dependencies]").next().unwrap_or_default();
        let names: Vec<&str> =
            normal.lines().filter_map(|line| line.split_once(".workspace = true")).map(|(name, _)| name).collect();
        for (dependency, owner) in OWNED {
            if names.contains(&dependency) && !owner.split(' ').any(|owner| owner == part) {
                problems.push(format!("crates/{part}: depends on {dependency}, which belongs to {owner}"));
            }
        }
        let ours = names.iter().filter(|name| name.starts_with("helios-") && **name != "helios-contract");
        if part != "app" {
            problems.extend(ours.map(|name| format!("crates/{part}: knows {name}; parts know only helios-contract")));
        }
    }
    problems
}
