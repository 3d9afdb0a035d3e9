//! Checklists that were brought from chat.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::Connection as _;

use super::Store;
use super::error::StoreError;
use super::rows::{Column, column_of, milliseconds, snowflake_of};
use crate::domain::ids::{ChecklistHash, ChecklistName, GuildId, UserId};

/// A checklist as it was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The Discord server that it is of.
    pub guild: GuildId,
    /// Its name there.
    pub name: ChecklistName,
    /// The SHA-256 of its bytes.
    pub hash: ChecklistHash,
    /// Its bytes.
    pub source: Vec<u8>,
    /// Who brought it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// The checklists that were imported and whose names still stand for them, in the order of their import.
    pub async fn imports(&self) -> Result<Vec<Import>, StoreError> {
        let rows = sqlx::query!(
            "SELECT imports.id, guild_id, imports.name, imports.hash, source, imported_by, imported_at_ms
             FROM imports JOIN checklists ON checklists.hash = imports.hash
             WHERE ended_at_ms IS NULL ORDER BY imports.id"
        )
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|row| {
                let key = row.id.to_string();
                let at = Column {
                    table: "imports",
                    name: "imported_at_ms",
                    row: &key,
                };
                Ok(Import {
                    guild: GuildId(snowflake_of(row.guild_id)),
                    name: ChecklistName::new(row.name),
                    hash: ChecklistHash::new(row.hash),
                    source: row.source,
                    by: UserId(snowflake_of(row.imported_by)),
                    at: at.instant(row.imported_at_ms)?,
                })
            })
            .collect()
    }

    /// The hashes of all that was ever imported.
    pub async fn imported_hashes(&self) -> Result<HashSet<ChecklistHash>, StoreError> {
        let hashes = sqlx::query_scalar!("SELECT DISTINCT hash FROM imports")
            .fetch_all(self.readers())
            .await?;
        Ok(hashes.into_iter().map(ChecklistHash::new).collect())
    }

    /// Keeps a checklist under its name. What the name stood for in that Discord server before, it stands for no longer.
    pub async fn import(&self, import: &Import) -> Result<(), StoreError> {
        let guild = column_of(import.guild.0);
        let name = import.name.as_str().to_owned();
        let hash = import.hash.as_str().to_owned();
        let source = import.source.clone();
        let by = column_of(import.by.0);
        let at = milliseconds(import.at);
        self.write(move |connection| {
            Box::pin(async move {
                let mut together = connection.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::query!(
                    "INSERT INTO checklists (hash, name, source, stored_at_ms) VALUES (?, ?, ?, ?)
                     ON CONFLICT (hash) DO NOTHING",
                    hash,
                    name,
                    source,
                    at
                )
                .execute(&mut *together)
                .await?;
                sqlx::query!(
                    "UPDATE imports SET ended_at_ms = ? WHERE guild_id = ? AND name = ? AND ended_at_ms IS NULL",
                    at,
                    guild,
                    name
                )
                .execute(&mut *together)
                .await?;
                sqlx::query!(
                    "INSERT INTO imports (guild_id, name, hash, imported_by, imported_at_ms) VALUES (?, ?, ?, ?, ?)",
                    guild,
                    name,
                    hash,
                    by,
                    at
                )
                .execute(&mut *together)
                .await?;
                together.commit().await
            })
        })
        .await
    }

    /// Gives up the name of an imported checklist; false when it stands for none.
    pub async fn end_import(
        &self,
        guild: GuildId,
        name: &ChecklistName,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let guild = column_of(guild.0);
        let name = name.as_str().to_owned();
        let now = milliseconds(now);
        let done = self
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query!(
                        "UPDATE imports SET ended_at_ms = ? WHERE guild_id = ? AND name = ? AND ended_at_ms IS NULL",
                        now,
                        guild,
                        name
                    )
                    .execute(connection)
                    .await
                })
            })
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
