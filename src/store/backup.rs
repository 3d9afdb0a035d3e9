//! Copying the database while it is in use.

use std::fs::File;
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions, Connection};

use super::Store;
use super::error::{BackupError, StoreError};
use super::open::options_to_read;

impl Store {
    /// Writes a copy of the database, as it is at one instant, to a file that is not there yet. The bot goes on
    /// meanwhile. The copy is a whole database: to restore it, put it in the place of the old one and of the files beside
    /// that, as a write-ahead log that is left there belongs to the old one.
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        if to.exists() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        // Half a copy must never bear the name of a whole one.
        let mut partial = to.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let copied = self.copy_to(&partial).await;
        let unwritable = |error: std::io::Error| BackupError::Unwritable {
            path: to.to_owned(),
            why: error.to_string(),
        };
        let finished = match copied {
            Ok(()) => {
                let (partial, to) = (partial.clone(), to.to_owned());
                // Waiting for the disk must not hold up whoever shares this thread.
                match tokio::task::spawn_blocking(move || keep(&partial, &to)).await {
                    Ok(kept) => kept.map_err(unwritable),
                    Err(error) => Err(unwritable(std::io::Error::other(error))),
                }
            }
            Err(error) => Err(error),
        };
        if finished.is_err() && partial.exists() {
            std::fs::remove_file(&partial).map_err(unwritable)?;
        }
        finished
    }

    async fn copy_to(&self, partial: &Path) -> Result<(), BackupError> {
        let unwritable = |why: String| BackupError::Unwritable {
            path: partial.to_owned(),
            why,
        };
        let target = partial
            .to_str()
            .ok_or_else(|| unwritable("its name is not UTF-8".to_owned()))?;
        // A copy that was cut short earlier.
        if partial.exists() {
            std::fs::remove_file(partial).map_err(|error| unwritable(error.to_string()))?;
        }
        // A connection of its own: the copy may take long, and readers must not wait for it.
        let mut connection = options_to_read(self.path())
            .connect()
            .await
            .map_err(StoreError::from)?;
        let copied = sqlx::query!("VACUUM INTO ?", target)
            .execute(&mut connection)
            .await;
        connection.close().await.map_err(StoreError::from)?;
        match copied.map_err(StoreError::from) {
            Ok(_) => Ok(()),
            Err(fault @ StoreError::Damaged(_)) => Err(fault.into()),
            Err(fault) => Err(unwritable(match fault {
                StoreError::Full => "its disk is full".to_owned(),
                StoreError::Disk(why) => why,
                fault => fault.to_string(),
            })),
        }
    }
}

/// Makes the copy durable and gives it its name. `SQLite` does not sync what `VACUUM INTO` writes.
fn keep(partial: &Path, to: &Path) -> std::io::Result<()> {
    File::open(partial)?.sync_all()?;
    std::fs::rename(partial, to)?;
    let directory = to
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."));
    File::open(directory)?.sync_all()
}
