//! Cuts text into chunks at record boundaries, always at the same places for the same text.

use super::chunk::{CHUNK_BYTES, Chunk};
use helios_contract::{Error, Result};
use std::io::{BufRead, Read};

/// A record larger than this cannot be pushed.
const RECORD_BYTES_MAX: usize = 60 << 20;

/// How records stand in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One a line.
    Lines,
    /// One a line after a header line; line ends within quotes belong to a cell.
    Csv,
    /// Items of one JSON array.
    Array,
    /// JSON objects one after the other.
    Objects,
}

/// Chunks of a text from a position on.
pub(super) struct Cutter<R> {
    text: R,
    layout: Layout,
    /// Read, but not yet cut off.
    buffer: Vec<u8>,
    /// Where in the text the buffer starts.
    start: u64,
    /// Whether the buffer holds the rest of the text.
    is_rest: bool,
    /// What stands before the records of every chunk: the header line of CSV.
    header: Vec<u8>,
    chunk_bytes: usize,
}

impl<R: BufRead> Cutter<R> {
    /// Reads up to `from`, which is 0 or the end of a chunk.
    pub(super) fn new(text: R, layout: Layout, from: u64) -> Result<Cutter<R>> {
        Cutter::with_chunk_bytes(text, layout, from, CHUNK_BYTES)
    }

    fn with_chunk_bytes(text: R, layout: Layout, from: u64, chunk_bytes: usize) -> Result<Cutter<R>> {
        let header = Vec::new();
        let mut cutter = Cutter { text, layout, buffer: Vec::new(), start: 0, is_rest: false, header, chunk_bytes };
        match layout {
            Layout::Csv => {
                let end = cutter.record_end(1)?;
                cutter.header = cutter.buffer[..end].to_vec();
                cutter.drop_front(end);
            }
            Layout::Array => {
                cutter.fill(1)?;
                while !cutter.buffer.contains(&b'[') && !cutter.is_rest {
                    cutter.fill(cutter.buffer.len() + 1)?;
                }
                let opening = cutter.buffer.iter().position(|byte| *byte == b'[').map_or(0, |at| at + 1);
                cutter.drop_front(opening);
            }
            Layout::Lines | Layout::Objects => {}
        }
        cutter.skip_to(from)?;
        Ok(cutter)
    }

    fn skip_to(&mut self, from: u64) -> Result<()> {
        let Some(n) = from.checked_sub(self.start) else { return Ok(()) };
        let buffered = usize::try_from(n).unwrap_or(usize::MAX).min(self.buffer.len());
        self.drop_front(buffered);
        let left = n - buffered as u64;
        let skipped =
            std::io::copy(&mut self.text.by_ref().take(left), &mut std::io::sink()).map_err(|error| self.broken(error))?;
        self.start += skipped;
        if skipped < left {
            return Err(Error::conflict(format!("the server stands at byte {from}, behind the end at byte {}", self.start)));
        }
        Ok(())
    }

    /// The next chunk; `None` when only blanks are left.
    fn cut(&mut self) -> Result<Option<Chunk>> {
        loop {
            self.skip_separators()?;
            if self.buffer.is_empty() || self.at_end_of_array()? {
                return Ok(None);
            }
            let end = self.record_end(self.chunk_bytes)?;
            let records = &self.buffer[..end];
            let body = match self.layout {
                _ if records.trim_ascii().is_empty() => None,
                Layout::Lines | Layout::Objects => Some(records.to_vec()),
                Layout::Csv => Some([&self.header, records].concat()),
                Layout::Array => Some([b"[", records, b"]"].concat()),
            };
            self.drop_front(end);
            if let Some(body) = body {
                let media_type = if self.layout == Layout::Csv { "text/csv" } else { "application/x-ndjson" };
                return Ok(Some(Chunk::new(body, media_type, self.start)));
            }
        }
    }

    /// Passes over blanks before a record, and the commas between the items of an array.
    fn skip_separators(&mut self) -> Result<()> {
        loop {
            self.fill(1)?;
            let between = |byte: &u8| byte.is_ascii_whitespace() || (*byte == b',' && self.layout == Layout::Array);
            // In CSV a blank line is not always nothing: the server decides.
            let n = if self.layout == Layout::Csv { 0 } else { self.buffer.iter().take_while(|byte| between(byte)).count() };
            let all = n > 0 && n == self.buffer.len();
            self.drop_front(n);
            if !all {
                return Ok(());
            }
        }
    }

    fn at_end_of_array(&mut self) -> Result<bool> {
        if self.layout != Layout::Array || self.buffer.first() != Some(&b']') {
            return Ok(false);
        }
        let end = self.start;
        self.drop_front(1);
        self.skip_separators()?;
        if self.buffer.is_empty() {
            return Ok(true);
        }
        Err(Error::invalid(format!("something follows the end of the JSON array at byte {end}"))
            .hint("Load a file with one array, or with one object a line."))
    }

    /// Where in the buffer the last record ends that ends within `wanted` bytes, or else the first; reads as far as that takes.
    fn record_end(&mut self, wanted: usize) -> Result<usize> {
        let mut enough = wanted;
        loop {
            self.fill(enough)?;
            if self.is_rest && self.buffer.len() <= wanted && self.layout != Layout::Array {
                return Ok(self.buffer.len());
            }
            if let Some(end) = boundary(self.layout, &self.buffer, wanted) {
                return Ok(end);
            }
            if self.is_rest {
                return Ok(self.buffer.len());
            }
            if self.buffer.len() > RECORD_BYTES_MAX {
                let mib = RECORD_BYTES_MAX >> 20;
                return Err(Error::invalid(format!("the record at byte {} is larger than {mib} MiB", self.start))
                    .hint("Is the file what --format says, with every quote closed?"));
            }
            enough = self.buffer.len() * 2;
        }
    }

    /// Reads until the buffer holds `n` bytes or the rest of the text.
    fn fill(&mut self, n: usize) -> Result<()> {
        let missing = n.saturating_sub(self.buffer.len()) as u64;
        if missing > 0 && !self.is_rest {
            let read = self.text.by_ref().take(missing).read_to_end(&mut self.buffer);
            self.is_rest = (read.map_err(|error| self.broken(error))? as u64) < missing;
        }
        Ok(())
    }

    fn drop_front(&mut self, n: usize) {
        self.buffer.drain(..n);
        self.start += n as u64;
    }

    fn broken(&self, error: std::io::Error) -> Error {
        let at = self.start + self.buffer.len() as u64;
        Error::invalid(format!("cannot read on after byte {at} of the content")).because(error).hint("Is the file whole?")
    }
}

impl<R: BufRead> Iterator for Cutter<R> {
    type Item = Result<Chunk>;

    fn next(&mut self) -> Option<Result<Chunk>> {
        self.cut().transpose()
    }
}

/// Where the last record ends that ends within `wanted` bytes, or else the first that ends at all.
fn boundary(layout: Layout, text: &[u8], wanted: usize) -> Option<usize> {
    let within = &text[..wanted.min(text.len())];
    match layout {
        Layout::Lines => match within.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => Some(last + 1),
            None => text[within.len()..].iter().position(|byte| *byte == b'\n').map(|first| within.len() + first + 1),
        },
        Layout::Csv => last_or_first(csv_ends(text), wanted),
        Layout::Array | Layout::Objects => last_or_first(json_ends(layout, text), wanted),
    }
}

fn last_or_first(ends: impl Iterator<Item = usize>, wanted: usize) -> Option<usize> {
    let mut last = None;
    for end in ends {
        if end > wanted && last.is_some() {
            break;
        }
        last = Some(end);
        if end > wanted {
            break;
        }
    }
    last
}

/// Line ends outside of quotes; a doubled quote closes and opens again.
fn csv_ends(text: &[u8]) -> impl Iterator<Item = usize> {
    let mut quoted = false;
    text.iter().enumerate().filter_map(move |(at, byte)| {
        quoted ^= *byte == b'"';
        (*byte == b'\n' && !quoted).then_some(at + 1)
    })
}

/// Ends of items of the array the text is inside of, or of objects.
fn json_ends(layout: Layout, text: &[u8]) -> impl Iterator<Item = usize> {
    let mut depth = 0_i64;
    let mut quoted = false;
    let mut escaped = false;
    text.iter().enumerate().filter_map(move |(at, byte)| {
        if depth < 0 {
            // Behind the end of the array.
            return None;
        }
        if quoted {
            (quoted, escaped) = (escaped || *byte != b'"', !escaped && *byte == b'\\');
            return None;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                return match layout {
                    Layout::Array => (depth == -1).then_some(at),
                    _ => (depth == 0).then_some(at + 1),
                };
            }
            b',' if depth == 0 && layout == Layout::Array => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests;
