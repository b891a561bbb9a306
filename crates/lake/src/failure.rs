//! What the errors of the libraries below mean to a caller.

use helios_contract::error::{Error, Result};
use parquet::errors::ParquetError;
use rusqlite::ErrorCode;

/// Turns a library's error into ours, saying what was being done.
pub(crate) trait Doing<T> {
    /// `what` completes the sentence "could not ...".
    fn doing(self, what: &str) -> Result<T>;
}

impl<T> Doing<T> for rusqlite::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|cause| {
            let message = format!("could not {what} in the catalog");
            let error = match cause.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => disk_full(message),
                Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory) => {
                    Error::unavailable(message).hint("Check the disk of the data directory; nothing was changed.")
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    Error::unavailable(message).hint("Another program has catalog.sqlite open for writing; close it.")
                }
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                    Error::unavailable(message).hint("Make the data directory writable; nothing was changed.")
                }
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::corrupt(message)
                    .hint("Keep catalog.sqlite, and run `helios catalog rebuild` to recover it from the data files."),
                _ => Error::internal(message),
            };
            error.because(cause)
        })
    }
}

/// What a full disk means: nothing happened, and nothing is acknowledged until there is room.
pub(crate) fn disk_full(message: impl Into<String>) -> Error {
    Error::unavailable(message).hint("The disk is full: free some space. Nothing was changed.")
}

impl<T> Doing<T> for Result<T, arrow::error::ArrowError> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|cause| Error::internal(format!("could not {what}")).because(cause))
    }
}

impl<T> Doing<T> for object_store::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|cause| storage(what, cause))
    }
}

fn storage(what: &str, cause: object_store::Error) -> Error {
    match cause {
        object_store::Error::NotFound { .. } => Error::corrupt(format!("could not {what}"))
            .because(cause)
            .hint("The file was removed behind Helios' back; run `helios verify`."),
        cause if is_full(&cause) => disk_full(format!("could not {what}")).because(cause),
        cause => Error::unavailable(format!("could not {what}")).because(cause).hint("Check the storage of the data files."),
    }
}

fn is_full(cause: &(dyn std::error::Error + 'static)) -> bool {
    let is_full = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.kind() == std::io::ErrorKind::StorageFull)
    };
    std::iter::successors(Some(cause), |cause| cause.source()).any(is_full)
}

impl<T> Doing<T> for parquet::errors::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|cause| match cause {
            ParquetError::External(cause) => match cause.downcast::<object_store::Error>() {
                Ok(cause) => storage(what, *cause),
                Err(cause) if is_full(&*cause) => disk_full(format!("could not {what}")).because(cause),
                Err(cause) if cause.is::<std::io::Error>() || cause.is::<ParquetError>() => {
                    Error::unavailable(format!("could not {what}")).because(cause).hint("Check the storage of the data files.")
                }
                Err(cause) => Error::corrupt(format!("could not {what}")).because(cause),
            },
            cause => Error::corrupt(format!("could not {what}")).because(cause),
        })
    }
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|cause| match cause.kind() {
            std::io::ErrorKind::StorageFull => disk_full(format!("could not {what}")).because(cause),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                Error::invalid(format!("could not {what}"))
                    .because(cause)
                    .hint("Make the data directory writable, or choose another one.")
            }
            _ => Error::unavailable(format!("could not {what}")).because(cause).hint("Check the disk of the data directory."),
        })
    }
}

impl<T> Doing<T> for serde_json::Result<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|cause| Error::corrupt(format!("could not {what}")).because(cause))
    }
}

/// The same error for one more of those who wait for the same thing.
pub(crate) fn repeated(error: &Error) -> Error {
    let again = Error::new(error.kind(), error.message());
    match error.hint_text() {
        Some(hint) => again.hint(hint),
        None => again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_however_deep_it_lies() {
        let in_store = |cause: std::io::Error| object_store::Error::Generic { store: "local", source: Box::new(cause) };
        let full = || in_store(std::io::Error::from(std::io::ErrorKind::StorageFull));
        let broken = in_store(std::io::Error::other("broken"));
        let written =
            |cause| Err::<(), _>(ParquetError::External(Box::new(std::io::Error::from(cause)))).doing("write x").unwrap_err();
        let is_full = |error: Error| error.hint_text().is_some_and(|hint| hint.starts_with("The disk is full"));
        assert!(is_full(storage("write x", full())) && is_full(written(full())));
        assert!(!is_full(storage("write x", broken)));
    }
}
