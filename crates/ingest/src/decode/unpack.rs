//! Payloads as they were before they were compressed.

use super::misfit::{Fit, Misfit};
use flate2::read::MultiGzDecoder;
use std::io::{ErrorKind, Read};

/// How payloads are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    /// Each says so by its first bytes, which no other record begins with.
    Auto,
}

/// What a payload may unpack to.
const RECORD_BYTES_MAX: u64 = 64 << 20;

/// What the payloads decoded together may unpack to: a text column of one batch holds no more than 2 GiB.
const BATCH_BYTES_MAX: usize = 1 << 30;

/// The first bytes of gzip, and the only method it has.
const GZIP: &[u8] = &[0x1f, 0x8b, 0x08];

/// Unpacks payloads, and keeps its buffer.
pub(crate) struct Unpacker {
    compression: Compression,
    buffer: Vec<u8>,
    n_batch: usize,
}

impl Unpacker {
    pub fn new(compression: Compression) -> Unpacker {
        Unpacker { compression, buffer: Vec::new(), n_batch: 0 }
    }

    /// The next payloads are decoded together.
    pub fn start_batch(&mut self) {
        self.n_batch = 0;
    }

    /// The payload itself, or what it unpacks to.
    pub fn unpack<'a>(&'a mut self, payload: &'a [u8]) -> Fit<&'a [u8]> {
        if !self.compression.is_packed(payload) {
            return Ok(payload);
        }
        self.buffer.clear();
        let read = MultiGzDecoder::new(payload).take(RECORD_BYTES_MAX + 1).read_to_end(&mut self.buffer);
        read.map_err(|e| match e.kind() {
            ErrorKind::UnexpectedEof => Misfit::whole("invalid gzip: the record breaks off"),
            _ => Misfit::whole(format!("invalid gzip: {e}")),
        })?;
        self.n_batch += self.buffer.len();
        if self.buffer.len() as u64 > RECORD_BYTES_MAX {
            return Err(Misfit::whole(format!("unpacks to more than {} MiB", RECORD_BYTES_MAX >> 20)));
        }
        if self.n_batch > BATCH_BYTES_MAX {
            return Err(Misfit::whole(format!("unpacks, with its neighbours, to more than {} MiB", BATCH_BYTES_MAX >> 20)));
        }
        Ok(&self.buffer)
    }
}

impl Compression {
    /// Whether a payload is compressed.
    fn is_packed(self, payload: &[u8]) -> bool {
        match self {
            Compression::None => false,
            Compression::Gzip => true,
            Compression::Auto => payload.starts_with(GZIP),
        }
    }

    /// The first bytes of what a payload holds, if it has as many.
    pub fn head<const N: usize>(self, payload: &[u8]) -> Option<[u8; N]> {
        if !self.is_packed(payload) {
            return payload.first_chunk().copied();
        }
        let mut head = [0; N];
        MultiGzDecoder::new(payload).read_exact(&mut head).is_ok().then_some(head)
    }
}
