//! One process at a time: a lock file beside the database, with the name of who has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::error::{OpenError, StoreError};

/// Held as long as the database is open. The operating system lets go of it when the process ends, however it does.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock, or says who has it.
    pub(super) fn take(database: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let path = beside(database);
        let broken = |error: std::io::Error| match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly(path.clone()),
            ErrorKind::StorageFull => StoreError::Full.into(),
            _ => StoreError::Disk(format!("{}: {error}", path.display())).into(),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(broken)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut by = String::new();
                // Whoever has just taken it may not have written its name yet.
                let known = file.read_to_string(&mut by).is_ok() && !by.trim().is_empty();
                return Err(OpenError::InUse {
                    path: database.to_owned(),
                    by: if known {
                        by.trim().to_owned()
                    } else {
                        "another process".to_owned()
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(broken(error)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "process {}, since {now:.0}", std::process::id()))
            .map_err(broken)?;
        Ok(Self { _file: file })
    }
}

fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
