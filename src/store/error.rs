//! What can go wrong with the database, each with what to do about it.

use std::path::PathBuf;

use thiserror::Error;

/// The database could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The directory it should be in is not there.
    #[error("The directory {} does not exist. Create it, or configure another place for the database.", .0.display())]
    NoDirectory(PathBuf),
    /// There is no file to read.
    #[error("There is no database at {}. Check the path; `holdpoint serve` creates one.", .0.display())]
    Missing(PathBuf),
    /// Another process, or another part of this one, has it.
    #[error("The database {} is in use by {by}. Stop that one first, or give this one a database of its own.", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
        /// Who has it, as `process 4711, since 2026-04-01T12:00:00Z`.
        by: String,
    },
    /// It was written by a later release.
    #[error(
        "The database {} was written by a newer Holdpoint (its format is {theirs}, this one knows {ours}). \
         Run the newer release, or restore a backup that was made before the upgrade.",
        path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        theirs: i64,
        /// The format this release writes.
        ours: i64,
    },
    /// It was written by an earlier release and is only to be read.
    #[error(
        "The database {} was written by an older Holdpoint (its format is {theirs}, this one reads {ours}). \
         Start `holdpoint serve` once, which brings it up to date.",
        path.display()
    )]
    Older {
        /// Which file.
        path: PathBuf,
        /// Its format.
        theirs: i64,
        /// The format this release reads.
        ours: i64,
    },
    /// It is some other program's, or no `SQLite` file at all.
    #[error("{} is not a Holdpoint database ({why}). Configure another path; the file was left as it is.", path.display())]
    NotOurs {
        /// Which file.
        path: PathBuf,
        /// How that shows.
        why: String,
    },
    /// The file or its directory cannot be written.
    #[error(
        "{} cannot be written. Give the user that runs Holdpoint the right to write the file and its directory; \
         on a read-only file system, configure another place.",
        .0.display()
    )]
    ReadOnly(PathBuf),
    /// Something else broke.
    #[error(transparent)]
    Fault(#[from] StoreError),
}

/// Something about the database broke. What was asked for has not happened.
#[derive(Debug, Error)]
pub enum StoreError {
    /// No room.
    #[error(
        "The disk that holds the database is full; nothing of this was kept. Free some space and try again."
    )]
    Full,
    /// The file cannot be written.
    #[error(
        "The database cannot be written; nothing of this was kept. Give the user that runs Holdpoint the right to \
         write the file and its directory."
    )]
    ReadOnly,
    /// Somebody else holds `SQLite`'s lock for longer than five seconds.
    #[error(
        "The database is locked by another program; nothing of this was kept. Close whatever else has the file \
         open, as a database browser, and try again."
    )]
    Locked,
    /// The disk failed.
    #[error(
        "The disk that holds the database failed ({0}); nothing of this was kept. Look at the system's log for \
         disk errors, then run `holdpoint audit verify`."
    )]
    Disk(String),
    /// The file is damaged.
    #[error(
        "The database file is damaged ({0}). Stop the bot, keep the file, and restore the newest backup that \
         `holdpoint audit verify` accepts."
    )]
    Damaged(String),
    /// A row cannot be what Holdpoint wrote.
    #[error(transparent)]
    Corrupt(#[from] CorruptRow),
    /// The store was closed.
    #[error("The database is closed, as Holdpoint is stopping. Try again when it is back.")]
    Closed,
    /// A value that cannot be kept.
    #[error("This cannot be kept: {0}. Nothing of it was; please report this, it is a fault in Holdpoint.")]
    Unfit(String),
    /// `SQLite` or sqlx said something else.
    #[error(
        "The database refused: {0}. Nothing of this was kept; run `holdpoint audit verify`, and report this if it \
         finds nothing wrong."
    )]
    Refused(sqlx::Error),
}

/// A row that cannot be what Holdpoint wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "Row {row} of table {table} is damaged: its {column} {why}. Run `holdpoint audit verify`, and restore the \
     newest backup that passes it."
)]
pub struct CorruptRow {
    /// Which table.
    pub table: &'static str,
    /// Which column.
    pub column: &'static str,
    /// Which row, by its key.
    pub row: String,
    /// What is wrong with it.
    pub why: String,
}

/// The history does not prove.
#[derive(Debug, Error)]
pub enum AuditError {
    /// It was changed.
    #[error(transparent)]
    Broken(#[from] BrokenRow),
    /// It could not be read.
    #[error(transparent)]
    Fault(#[from] StoreError),
}

/// The first row at which the history does not prove.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "The history does not prove: table {table}, position {position}: {why}. Keep this file as evidence and compare \
     it with a backup."
)]
pub struct BrokenRow {
    /// Which table.
    pub table: &'static str,
    /// Which row: the position of an event, the key of another row.
    pub position: String,
    /// What does not fit.
    pub why: String,
}

/// No backup was made.
#[derive(Debug, Error)]
pub enum BackupError {
    /// There is something at that path.
    #[error("{} exists already. Name a file that does not; a backup never overwrites.", .0.display())]
    Exists(PathBuf),
    /// The path cannot be written.
    #[error("No backup can be written to {}: {why}. Check the directory and the room on its disk.", path.display())]
    Unwritable {
        /// Where to.
        path: PathBuf,
        /// What stood in the way.
        why: String,
    },
    /// The database could not be read.
    #[error(transparent)]
    Fault(#[from] StoreError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::PoolTimedOut => Self::Locked,
            error if extended_code(&error) == Some(SQLITE_IOERR_SHMSIZE) => Self::Full,
            error => match primary_code(&error) {
                Some(SQLITE_BUSY | SQLITE_LOCKED) => Self::Locked,
                Some(SQLITE_READONLY) => Self::ReadOnly,
                Some(SQLITE_FULL) => Self::Full,
                Some(SQLITE_IOERR | SQLITE_CANTOPEN) => Self::Disk(error.to_string()),
                Some(SQLITE_CORRUPT | SQLITE_NOTADB) => Self::Damaged(error.to_string()),
                Some(_) | None => Self::Refused(error),
            },
        }
    }
}

// The primary result codes of https://www.sqlite.org/rescode.html that are told apart here.
const SQLITE_BUSY: i32 = 5;
const SQLITE_LOCKED: i32 = 6;
pub(super) const SQLITE_READONLY: i32 = 8;
const SQLITE_IOERR: i32 = 10;
const SQLITE_CORRUPT: i32 = 11;
const SQLITE_FULL: i32 = 13;
pub(super) const SQLITE_CANTOPEN: i32 = 14;
pub(super) const SQLITE_CONSTRAINT: i32 = 19;
pub(super) const SQLITE_NOTADB: i32 = 26;

/// An extended result code: the index of the write-ahead log cannot grow, which takes a full disk.
const SQLITE_IOERR_SHMSIZE: i32 = 4874;

/// `SQLite`'s primary result code: the lowest byte of the extended one.
pub(super) fn primary_code(error: &sqlx::Error) -> Option<i32> {
    extended_code(error).map(|code| code & 0xff)
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}
