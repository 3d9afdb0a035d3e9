//! Everything on disk: one `SQLite` file, and all SQL there is.
//!
//! | table | holds | written by |
//! |---|---|---|
//! | `checklists` | the bytes of every checklist that was started or imported, by SHA-256; never changed | [`Store::commit`], [`Store::import`] |
//! | `events` | what happened, in one hash chain; never changed, see [`chain`] | [`Store::commit`] |
//! | `inbox` | inputs that were applied, so that none is applied twice | [`Store::commit`], [`Store::remember_input`] |
//! | `outbox` | messages owed to Discord | [`Store::commit`], settled by the outbox's worker |
//! | `tags` | what tells these messages from another database's, even a restored copy's | [`Store::open`] |
//! | `timers` | what comes due | [`Store::commit`], [`Store::drop_timer`] |
//! | `deployments` | a projection for lists, rebuilt from events by [`Store::rebuild_projection`] | [`Store::commit`] |
//! | `messages` | what was posted on Discord, and what it belongs to here | [`Store::delivered`], [`Store::remember`] |
//! | `owners` | who holds which sign-off role, per Discord server | [`Store::set_owner`], [`Store::clear_owner`] |
//! | `imports` | which checklists came from chat, per Discord server; never removed | [`Store::import`], [`Store::end_import`] |
//!
//! There is one connection that writes and a few that read. Every write runs in a task of its own, so that a
//! caller who goes away leaves no transaction open; after a fault the connection is closed and opened afresh.
//! The file is in WAL mode with `synchronous=FULL`: when [`Store::commit`] has returned, the disk has it.
//! A lock file beside the database (`holdpoint.db.lock`) keeps a second process out.
//!
//! Instants are kept in whole milliseconds; anything finer is cut off, so whoever makes instants should too.

mod backup;
pub mod chain;
mod commit;
mod deployments;
mod error;
mod events;
mod imports;
mod inbox;
mod lock;
mod messages;
mod open;
mod outbox;
mod owners;
mod rows;
mod timers;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::sync::Mutex;

pub use commit::{CommitError, Unit};
pub use deployments::{Filter, Listed, ProjectionRow};
pub use error::{AuditError, BackupError, BrokenRow, CorruptRow, OpenError, StoreError};
pub use events::History;
pub use imports::Import;
pub use inbox::Seen;
pub use messages::Posted;
pub use outbox::{OutboxState, OwedNow, OwedRow, UnreadableOwed};
pub use timers::DueTimer;
pub use verify::Verified;

use writer::Writer;

/// The database. Clones share it; it stays open until [`Store::close`] or the last clone goes.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    readers: SqlitePool,
    /// Absent in a store that was opened for reading only.
    writer: Option<Arc<Mutex<Writer>>>,
}

impl Store {
    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Finishes the write that is under way, and lets go of the file. Other clones then answer
    /// [`StoreError::Closed`].
    pub async fn close(self) {
        // Readers first: whoever is last tidies the write-ahead log away, which only the writer may.
        self.inner.readers.close().await;
        if let Some(writer) = &self.inner.writer {
            writer.lock().await.close().await;
        }
    }

    /// Whether the database answers: reads, and waits for no lock.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!: i64" FROM deployments WHERE id = 0"#)
            .fetch_one(self.readers())
            .await?;
        Ok(())
    }

    fn readers(&self) -> &SqlitePool {
        &self.inner.readers
    }
}

#[cfg(test)]
mod tests;
