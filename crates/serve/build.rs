//! Puts the built web app, `ui/dist`, into the binary: a table of its files with their media types, ETags and compressed
//! forms. It runs no npm and reaches for no network; without `ui/dist` the table is empty and the server says how to build it.

use std::fmt::Write;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let crate_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let dist = crate_dir.join("../../ui/dist");
    // Cargo takes a path that is missing for one that has changed, and would build this crate anew each time. Where the
    // directory cannot be made, that is all that happens.
    let _ = fs::create_dir_all(&dist);
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    let mut paths = Vec::new();
    collect(&dist, &mut paths)?;
    paths.sort();
    let mut table = String::from("&[\n");
    for path in paths.iter().filter(|path| !is_compressed(path)) {
        entry(&mut table, &dist, path)?;
    }
    table.push_str("]\n");
    fs::write(Path::new(&variable("OUT_DIR")).join("app_files.rs"), table)
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

fn collect(dir: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    // A directory that cannot be read is an app that is not built.
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// `x.js.br` is another form of `x.js`, where that exists.
fn is_compressed(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("br" | "gz")) && path.with_extension("").is_file()
}

fn entry(table: &mut String, dist: &Path, path: &Path) -> io::Result<()> {
    let Some(name) = path.strip_prefix(dist).ok().and_then(Path::to_str) else { return Ok(()) };
    let mut hasher = DefaultHasher::new();
    hasher.write(&fs::read(path)?);
    let form = |ending: &str| {
        let mut form = path.as_os_str().to_owned();
        form.push(ending);
        let form = PathBuf::from(form);
        match form.is_file() {
            true => format!("Some(include_bytes!({:?}))", form.display().to_string()),
            false => "None".to_owned(),
        }
    };
    writeln!(
        table,
        "    AppFile {{ path: {:?}, media_type: {:?}, etag: \"\\\"{:016x}\\\"\", raw: include_bytes!({:?}), br: {}, gz: {} }},",
        format!("/{}", name.replace('\\', "/")),
        media_type(name),
        hasher.finish(),
        path.display().to_string(),
        form(".br"),
        form(".gz"),
    )
    .map_err(io::Error::other)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}
