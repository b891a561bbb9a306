//! Data files in the object store: written, made durable, read, deleted.

use crate::failure::Doing;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use helios_contract::error::Result;
use helios_contract::fault::Faults;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// Bytes read from the end of a file at first: most footers fit.
const FOOTER_BYTES: usize = 64 << 10;

/// The object store, and the folder behind it where it is a local one.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) local: Option<PathBuf>,
    pub(crate) faults: Faults,
}

/// Waits for `future` on a thread made for blocking work; must be called from within `spawn_blocking`.
pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Handle::current().block_on(future)
}

impl Objects {
    /// Starts a new object; nothing is visible under `path` before the writer completes.
    pub(crate) fn writer(&self, path: &str) -> Result<BufWriter> {
        self.faults.pass("lake.put")?;
        Ok(BufWriter::new(Arc::clone(&self.store), Path::from(path)))
    }

    /// Reads an object in ranges.
    pub(crate) fn reader(&self, path: &str, size_bytes: u64) -> ObjectReader {
        ObjectReader { store: Arc::clone(&self.store), path: Path::from(path), size_bytes }
    }

    /// Makes a completed object survive a power cut. Blocks.
    ///
    /// An object store acknowledges what is durable; a local folder does not until it is told to.
    pub(crate) fn sync(&self, path: &str) -> Result<()> {
        self.faults.pass("lake.fsync")?;
        let Some(root) = &self.local else { return Ok(()) };
        let file = root.join(path);
        let sync =
            |at: &std::path::Path| File::open(at).and_then(|file| file.sync_all()).doing(&format!("sync {}", at.display()));
        sync(&file)?;
        // The names on the way to the file must survive, too.
        file.ancestors().skip(1).take_while(|dir| dir.starts_with(root)).try_for_each(sync)
    }

    /// Deletes an object; one that is gone already is no error.
    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        match self.store.delete(&Path::from(path)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other.doing(&format!("delete {path}")),
        }
    }
}

/// Reads a Parquet file from the object store.
pub(crate) struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size_bytes: u64,
}

impl AsyncFileReader for ObjectReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        self.store.get_range(&self.path, range).map_err(ParquetError::from).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        async move { Ok(self.store.get_ranges(&self.path, &ranges).await?) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        let reader = ParquetMetaDataReader::new().with_arrow_reader_options(options).with_prefetch_hint(Some(FOOTER_BYTES));
        let size_bytes = self.size_bytes;
        async move { Ok(Arc::new(reader.load_and_finish(self, size_bytes).await?)) }.boxed()
    }
}
