//! Every `.slt` file under `tests/` (but `tests/real/`) is one test, in a world of its own.

use crate::world::World;
use sqllogictest::Runner;
use std::path::{Path, PathBuf};

#[test]
fn scenarios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(files.len() >= 10, "found only {} scenarios under {}", files.len(), root.display());
    let failures: Vec<String> = files.iter().filter_map(|file| run(file, &root)).collect();
    println!("scenarios: {} of {} hold", files.len() - failures.len(), files.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

/// Runs one scenario; answers what went wrong.
fn run(file: &Path, root: &Path) -> Option<String> {
    let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
    let outcome = std::panic::catch_unwind(|| {
        let mut runner = Runner::new(|| async { Ok(World::new()) });
        runner.run_file(file)
    });
    match outcome {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{name}: {}", error.display(false))),
        Err(_) => Some(format!("{name}: panicked")),
    }
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "real") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            files.push(path);
        }
    }
}
