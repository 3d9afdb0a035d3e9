//! The one connection that writes.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Store;
use super::chain::Head;
use super::commit::WRITTEN_BY;
use super::error::StoreError;
use super::lock::Lock;

/// Whoever holds its mutex may write.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// Taken out while something is written, and put back only when all went well: after a fault nobody can be
    /// sure what `SQLite` thinks is open, so the next write begins with a new connection.
    connection: Option<SqliteConnection>,
    /// The end of the hash chain, read again after a fault.
    head: Option<Head>,
    /// Let go of when the store is closed.
    lock: Option<Lock>,
}

impl Writer {
    pub(super) async fn new(
        options: SqliteConnectOptions,
        mut connection: SqliteConnection,
        lock: Lock,
    ) -> Result<Self, sqlx::Error> {
        // With SQLite's lock, as a runtime that was torn down may have left its last commit to a thread that is still
        // at it; also the proof that the file can be written.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let head = Head::load(&mut transaction).await?;
        tag(&mut transaction).await?;
        transaction.commit().await?;
        sqlx::raw_sql(WRITTEN_BY).execute(&mut connection).await?;
        Ok(Self {
            // A file that was taken away is missed, not made anew.
            options: options.create_if_missing(false),
            connection: Some(connection),
            head: Some(head),
            lock: Some(lock),
        })
    }

    /// Takes the connection out, or opens a new one after a fault.
    pub(super) async fn take(&mut self) -> Result<SqliteConnection, StoreError> {
        if self.lock.is_none() {
            return Err(StoreError::Closed);
        }
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let mut connection = self.options.connect().await?;
        sqlx::raw_sql(WRITTEN_BY).execute(&mut connection).await?;
        Ok(connection)
    }

    /// Gives a connection back that has no transaction open.
    pub(super) fn put_back(&mut self, connection: SqliteConnection) {
        self.connection = Some(connection);
    }

    /// Takes the end of the chain out; it is put back by whoever knows that it still is the end.
    pub(super) async fn take_head(&mut self, connection: &mut SqliteConnection) -> Result<Head, sqlx::Error> {
        match self.head.take() {
            Some(head) => Ok(head),
            None => Head::load(connection).await,
        }
    }

    pub(super) fn put_head(&mut self, head: Head) {
        self.head = Some(head);
    }

    pub(super) async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            discard(connection).await;
        }
        self.lock = None;
    }
}

/// Closes a connection, and with it whatever transaction is open on it.
pub(super) async fn discard(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(error = %error, "the connection to the database did not close cleanly");
    }
}

/// Makes the tag of the messages that become owed from now on, and forgets those that no message owed bears any more.
/// Each opening makes one: who opens a file cannot know whether it is a copy, and of when.
async fn tag(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO tags (from_outbox_id, tag)
         SELECT coalesce(max(id), 0) + 1, lower(hex(randomblob(3))) FROM outbox WHERE true
         ON CONFLICT (from_outbox_id) DO UPDATE SET tag = excluded.tag"
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "DELETE FROM tags WHERE from_outbox_id <
         (SELECT max(from_outbox_id) FROM tags WHERE from_outbox_id <= coalesce(
             (SELECT min(id) FROM outbox WHERE settled_at_ms IS NULL), (SELECT max(id) + 1 FROM outbox), 1))"
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// The writer of a store that may write.
    pub(super) fn writer(&self) -> Result<Arc<Mutex<Writer>>, StoreError> {
        self.inner
            .writer
            .as_ref()
            .map(Arc::clone)
            .ok_or(StoreError::ReadOnly)
    }

    /// Runs a piece of work on the writer in a task of its own: it ends whatever becomes of the caller.
    pub(super) async fn with_writer<T, E, Work>(&self, work: Work) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        Work: FnOnce(OwnedMutexGuard<Writer>) -> BoxFuture<'static, Result<T, E>> + Send + 'static,
    {
        let writer = self.writer()?;
        let task = tokio::spawn(async move { work(writer.lock_owned().await).await });
        match task.await {
            Ok(outcome) => outcome,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down.
                Err(_) => Err(StoreError::Closed.into()),
            },
        }
    }

    /// Writes a little something: one statement, or several in a transaction that `work` begins and commits.
    pub(super) async fn write<T, Work>(&self, work: Work) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Work: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>
            + Send
            + 'static,
    {
        self.with_writer(move |mut writer| {
            Box::pin(async move {
                let mut connection = writer.take().await?;
                match work(&mut connection).await {
                    Ok(done) => {
                        writer.put_back(connection);
                        Ok(done)
                    }
                    Err(error) => {
                        discard(connection).await;
                        Err(StoreError::from(error))
                    }
                }
            })
        })
        .await
    }
}
