//! Opening the file: what is there, whose it is, and which format it has.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use super::error::{OpenError, SQLITE_CANTOPEN, SQLITE_NOTADB, SQLITE_READONLY, StoreError, primary_code};
use super::lock::Lock;
use super::writer::Writer;
use super::{Inner, Store};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// `application_id` of a Holdpoint database, as the first migration sets it: "Hold" in ASCII.
const APPLICATION: i64 = 0x486f_6c64;
/// How long a statement waits for another program's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Rows a reader's thread may be ahead; a history of 400 events loads in half the time it takes with sqlx's 50.
const ROWS_AHEAD: usize = 1000;
/// Readers at once. More only wait for each other on the machines this runs on.
const READERS: u32 = 4;
/// What the write-ahead log is cut to after it has grown, in bytes.
const LOG_SIZE_LIMIT: &str = "67108864";

impl Store {
    /// Opens the database, creates it where there is none, and brings its format up to date. `now` goes into the
    /// lock file beside it.
    ///
    /// # Errors
    /// When the file is another process's, another program's, of a newer format, or cannot be written.
    pub async fn open(path: &Path, now: Timestamp) -> Result<Store, OpenError> {
        Self::open_with(path, now, options_to_write(path)).await
    }

    /// Opens a database to read it, beside a running bot or alone. Every write then fails.
    ///
    /// # Errors
    /// When there is none, or it is another program's or of another format.
    pub async fn open_read_only(path: &Path) -> Result<Store, OpenError> {
        if path.is_dir() {
            return Err(not_ours(path, "it is a directory"));
        }
        if !path.is_file() {
            return Err(OpenError::Missing(path.to_owned()));
        }
        let opened = |error| when_opening(path, error);
        let mut connection = options_to_read(path).connect().await.map_err(opened)?;
        let theirs = format_of(&mut connection, path).await?;
        connection.close().await.map_err(opened)?;
        let ours = newest_format();
        match theirs {
            Some(theirs) if theirs == ours => {}
            Some(theirs) if theirs > ours => return Err(newer(path, theirs)),
            Some(theirs) => {
                return Err(OpenError::Older {
                    path: path.to_owned(),
                    theirs,
                    ours,
                });
            }
            None => return Err(not_ours(path, "it is empty")),
        }
        Ok(Store {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                readers: readers(path),
                writer: None,
            }),
        })
    }

    pub(super) async fn open_with(
        path: &Path,
        now: Timestamp,
        options: SqliteConnectOptions,
    ) -> Result<Store, OpenError> {
        check_place(path)?;
        let lock = Lock::take(path, now)?;
        let opened = |error| when_opening(path, error);
        let mut connection = options.connect().await.map_err(opened)?;
        if let Some(theirs) = format_of(&mut connection, path).await?
            && theirs > newest_format()
        {
            return Err(newer(path, theirs));
        }
        MIGRATIONS
            .run(&mut connection)
            .await
            .map_err(|error| match error {
                sqlx::migrate::MigrateError::Execute(error)
                | sqlx::migrate::MigrateError::ExecuteMigration(error, _) => when_opening(path, error),
                sqlx::migrate::MigrateError::VersionMissing(theirs) => newer(path, theirs),
                error => not_ours(path, &error.to_string()),
            })?;
        let writer = Writer::new(options, connection, lock)
            .await
            .map_err(|error| OpenError::Fault(error.into()))?;
        Ok(Store {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                readers: readers(path),
                writer: Some(Arc::new(Mutex::new(writer))),
            }),
        })
    }
}

pub(super) fn options_to_write(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", LOG_SIZE_LIMIT)
        .disable_statement_logging()
}

pub(super) fn options_to_read(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .row_buffer_size(ROWS_AHEAD)
        .immutable(is_at_rest(path))
        .disable_statement_logging()
}

/// Whether nobody has the database open and nothing can be written beside it, as on a read-only file system. `SQLite` then
/// cannot make the files that it shares between processes, and need not.
fn is_at_rest(path: &Path) -> bool {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        Path::new(&name).exists()
    };
    let directory = directory_of(path).unwrap_or_else(|| Path::new("."));
    !beside("-wal") && !beside("-shm") && rustix::fs::access(directory, rustix::fs::Access::WRITE_OK).is_err()
}

/// The directory that a file is in; `None` for the root.
fn directory_of(path: &Path) -> Option<&Path> {
    path.parent().map(|parent| {
        if parent.as_os_str().is_empty() {
            Path::new(".")
        } else {
            parent
        }
    })
}

fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options_to_read(path))
}

fn newest_format() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// What can be seen without opening: `SQLite`'s own words for these are too general to act on.
fn check_place(path: &Path) -> Result<(), OpenError> {
    let Some(directory) = directory_of(path) else {
        return Err(not_ours(path, "it is a directory"));
    };
    let Ok(about) = directory.metadata() else {
        return Err(OpenError::NoDirectory(directory.to_owned()));
    };
    if about.permissions().readonly() {
        return Err(OpenError::ReadOnly(directory.to_owned()));
    }
    match path.metadata() {
        Ok(about) if about.is_dir() => Err(not_ours(path, "it is a directory")),
        // SQLite would fall back to reading, and only the first write would fail.
        Ok(about) if about.permissions().readonly() => Err(OpenError::ReadOnly(path.to_owned())),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The format of a Holdpoint database, `None` for an empty file.
async fn format_of(connection: &mut SqliteConnection, path: &Path) -> Result<Option<i64>, OpenError> {
    let opened = |error| when_opening(path, error);
    // Not checked at compile time: the table is the migrator's, and not there in an empty file.
    let tables: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await
        .map_err(opened)?;
    if tables.is_empty() {
        return Ok(None);
    }
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        return Err(not_ours(path, "it has another program's tables"));
    }
    let format: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut *connection)
        .await
        .map_err(opened)?;
    let application: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(connection)
        .await
        .map_err(opened)?;
    // A first start that was cut short has the migrator's table and nothing else yet.
    if format.is_some() && application != APPLICATION {
        return Err(not_ours(path, "it has another program's tables"));
    }
    Ok(format)
}

fn when_opening(path: &Path, error: sqlx::Error) -> OpenError {
    match primary_code(&error) {
        Some(SQLITE_NOTADB) => not_ours(path, "it is no SQLite file"),
        Some(SQLITE_READONLY | SQLITE_CANTOPEN) => OpenError::ReadOnly(path.to_owned()),
        Some(_) | None => StoreError::from(error).into(),
    }
}

fn newer(path: &Path, theirs: i64) -> OpenError {
    OpenError::Newer {
        path: path.to_owned(),
        theirs,
        ours: newest_format(),
    }
}

fn not_ours(path: &Path, why: &str) -> OpenError {
    OpenError::NotOurs {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}
