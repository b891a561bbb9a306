//! Opens a file to load: what it is, how it is compressed, and which partition its content names.

use super::chunk::Chunk;
use super::cut::{Cutter, Layout};
use super::{FileFormat, columnar, unreadable};
use flate2::read::MultiGzDecoder;
use helios_contract::{Error, Result};
use indicatif::ProgressBar;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3Default;

const BUFFER_BYTES: usize = 256 << 10;
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const PARQUET: &[u8] = b"PAR1";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A file, understood far enough to be loaded.
pub(super) struct Source {
    path: PathBuf,
    kind: Kind,
    /// `file:` and a hash of the file's bytes.
    pub(super) partition: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text(Layout),
    Parquet,
}

impl Source {
    /// Reads the whole file once: what it holds is what it is called.
    pub(super) fn open(path: &Path, format: FileFormat, progress: &ProgressBar) -> Result<Source> {
        let file =
            File::open(path).map_err(|error| Error::not_found(format!("cannot open {}", path.display())).because(error))?;
        let length = file.metadata().map_err(|error| unreadable(path, error))?;
        if !length.is_file() {
            return Err(Error::invalid(format!("{} is not a file", path.display())));
        }
        progress.set_length(length.len());
        let partition = partition(progress.wrap_read(file)).map_err(|error| unreadable(path, error))?;
        Ok(Source { path: path.to_owned(), kind: kind(path, format)?, partition })
    }

    /// The chunks after a position, always cut at the same places.
    pub(super) fn chunks<'a>(
        &'a self,
        from: u64,
        progress: &ProgressBar,
    ) -> Result<Box<dyn Iterator<Item = Result<Chunk>> + 'a>> {
        match self.kind {
            Kind::Parquet => columnar::chunks(&self.path, from, progress.clone()),
            Kind::Text(layout) => {
                let text = decompressed(&self.path, progress)?;
                let cutter = Cutter::new(text, layout, from).map_err(|error| error.context(self.path.display()))?;
                Ok(Box::new(cutter.map(|chunk| chunk.map_err(|error| error.context(self.path.display())))))
            }
        }
    }
}

fn partition(mut file: impl Read) -> std::io::Result<String> {
    // Two files that meet by accident are told apart by 128 bits; nobody gains from two that meet on purpose.
    let mut hash = Xxh3Default::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => hash.update(&buffer[..n]),
        }
    }
    Ok(format!("file:{:032x}", hash.digest128()))
}

/// The file's text, whatever it is compressed with; `progress` follows the file itself.
fn decompressed(path: &Path, progress: &ProgressBar) -> Result<Box<dyn BufRead>> {
    let file = File::open(path).map_err(|error| unreadable(path, error))?;
    let mut file = BufReader::with_capacity(BUFFER_BYTES, progress.wrap_read(file));
    let magic = file.fill_buf().map_err(|error| unreadable(path, error))?;
    if magic.starts_with(GZIP) {
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, MultiGzDecoder::new(file))));
    }
    if magic.starts_with(ZSTD) {
        let decoder = zstd::Decoder::with_buffer(file).map_err(|error| unreadable(path, error))?;
        return Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder)));
    }
    Ok(Box::new(file))
}

fn kind(path: &Path, format: FileFormat) -> Result<Kind> {
    let mut text = decompressed(path, &ProgressBar::hidden())?;
    let beginning = text.fill_buf().map_err(|error| unreadable(path, error))?;
    if beginning.starts_with(PARQUET) && matches!(format, FileFormat::Auto | FileFormat::Parquet) {
        return Ok(Kind::Parquet);
    }
    match format {
        FileFormat::Parquet => {
            Err(Error::invalid(format!("{} is not a Parquet file", path.display())).hint("Leave --format away to have it told."))
        }
        FileFormat::Csv => Ok(Kind::Text(Layout::Csv)),
        FileFormat::Ndjson => Ok(Kind::Text(Layout::Lines)),
        FileFormat::Json => Ok(Kind::Text(json_layout(beginning))),
        FileFormat::Auto => told_by_name_and_content(path, beginning).map(Kind::Text).ok_or_else(|| {
            Error::invalid(format!("cannot tell what {} holds", path.display()))
                .hint("Say it with --format ndjson, json, csv or parquet.")
        }),
    }
}

fn told_by_name_and_content(path: &Path, beginning: &[u8]) -> Option<Layout> {
    match extension(path).as_deref() {
        Some("csv") => Some(Layout::Csv),
        Some("ndjson" | "jsonl") => Some(Layout::Lines),
        _ if matches!(first_byte(beginning), Some(b'{' | b'[') | None) => Some(json_layout(beginning)),
        _ => None,
    }
}

/// The last part of the file's name before `.gz` or `.zst`, in lower case.
fn extension(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.rsplit_once('.').map(|(_, extension)| extension.to_owned())
}

fn first_byte(text: &[u8]) -> Option<u8> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    text.trim_ascii_start().first().copied()
}

/// An array, objects spread over lines, or lines: the latter when the first line is an object by itself.
fn json_layout(text: &[u8]) -> Layout {
    if first_byte(text) == Some(b'[') {
        return Layout::Array;
    }
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).trim_ascii_start();
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) if serde_json::from_slice::<serde::de::IgnoredAny>(&text[..end]).is_err() => Layout::Objects,
        _ => Layout::Lines,
    }
}

#[cfg(test)]
mod tests;
