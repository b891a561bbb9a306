//! A piece of a file that is pushed at once.

use helios_contract::{Error, Result};

/// Chunks are cut at the last record that ends within this many bytes; a larger record is a chunk of its own.
pub(super) const CHUNK_BYTES: usize = 8 << 20;

/// A body and where in the file it leads.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) body: Vec<u8>,
    pub(super) media_type: &'static str,
    /// The position after it: a byte of the decompressed content, or a row of a Parquet file.
    pub(super) to: u64,
    /// Whether the body is compressed with zstd.
    pub(super) is_compressed: bool,
}

impl Chunk {
    pub(super) fn new(body: Vec<u8>, media_type: &'static str, to: u64) -> Chunk {
        Chunk { body, media_type, to, is_compressed: false }
    }

    pub(super) fn compressed(self) -> Result<Chunk> {
        let body =
            zstd::encode_all(&self.body[..], 1).map_err(|error| Error::internal("cannot compress a chunk").because(error))?;
        Ok(Chunk { body, is_compressed: true, ..self })
    }
}
