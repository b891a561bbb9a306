//! One process per data directory.

use crate::failure::Doing;
use helios_contract::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Holds the data directory until it is dropped, or its process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Takes the data directory for this process and writes its number into `LOCK`.
///
/// # Errors
/// `Conflict` naming the process that holds it; `Invalid` when the directory cannot be written.
pub(crate) fn lock(dir: &Path) -> Result<Lock> {
    let shown = dir.display();
    std::fs::create_dir_all(dir).doing(&format!("create the data directory {shown}"))?;
    let open = File::options().read(true).write(true).create(true).truncate(false).open(dir.join("LOCK"));
    let mut file = open.doing(&format!("write to the data directory {shown}"))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(&mut file, dir)),
        Err(TryLockError::Error(cause)) => return Err(cause).doing(&format!("lock the data directory {shown}")),
    }
    file.set_len(0).doing(&format!("write to the data directory {shown}"))?;
    writeln!(file, "{}", std::process::id()).doing(&format!("write to the data directory {shown}"))?;
    Ok(Lock { _file: file })
}

fn held(file: &mut File, dir: &Path) -> Error {
    let mut holder = String::new();
    // Naming the holder is a courtesy: the refusal stands without it.
    let read = file.rewind().and_then(|()| file.read_to_string(&mut holder));
    let holder = match (read, holder.trim()) {
        (Ok(_), pid) if !pid.is_empty() => format!("process {pid}"),
        _ => "another process".to_owned(),
    };
    Error::conflict(format!("the data directory {} is in use by {holder}", dir.display()))
        .hint("Stop that process, or choose another data directory.")
}
