//! Messages owed to Discord.

use jiff::Timestamp;
use sqlx::Connection;

use super::Store;
use super::error::{CorruptRow, StoreError};
use super::messages::{self, Posted};
use super::rows::{Column, milliseconds, number};
use crate::domain::effects::Owed;
use crate::domain::ids::DeploymentId;

/// A message owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedRow {
    /// Its number; never given to another.
    pub id: i64,
    /// What tells it from a message of another database with the same number: six hexadecimal digits.
    pub tag: String,
    /// Of which deployment.
    pub deployment: DeploymentId,
    /// What about.
    pub owed: Owed,
    /// The newest event it has to show.
    pub seq: u64,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Since when it is owed.
    pub created_at: Timestamp,
}

/// A message owed that cannot be read: its row is not what Holdpoint wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableOwed {
    /// Its number.
    pub id: i64,
    /// Of which deployment.
    pub deployment: DeploymentId,
    /// How often it was tried in vain; the most there is when that cannot be read either.
    pub attempts: u32,
    /// What is wrong with it.
    pub corrupt: CorruptRow,
}

/// What may be sent now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwedNow {
    /// Messages, the oldest first.
    pub rows: Vec<OwedRow>,
    /// Those that would be among them if they could be read.
    pub unreadable: Vec<UnreadableOwed>,
}

/// How the outbox does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxState {
    /// How many messages are owed.
    pub owed: u64,
    /// Since when the oldest of them is.
    pub oldest: Option<Timestamp>,
    /// How many were given up, ever.
    pub given_up: u64,
}

impl Store {
    /// What may be sent now: of each deployment its oldest message owed, if that need not wait. One that waits for
    /// another try holds back those of its deployment behind it, and so does one that cannot be read.
    pub async fn owed(&self, now: Timestamp, limit: u32) -> Result<OwedNow, StoreError> {
        let now = milliseconds(now);
        let rows = sqlx::query_as!(
            OutboxRow,
            r#"SELECT outbox.id, deployment_id, owed, seq, attempts, created_at_ms,
                 coalesce((SELECT tag FROM tags WHERE from_outbox_id <= outbox.id
                     ORDER BY from_outbox_id DESC LIMIT 1), '') AS "tag!: String"
             FROM (SELECT min(id) AS id FROM outbox WHERE settled_at_ms IS NULL GROUP BY deployment_id) AS oldest
             CROSS JOIN outbox ON outbox.id = oldest.id
             WHERE not_before_ms <= ?
             ORDER BY outbox.id LIMIT ?"#,
            now,
            limit
        )
        .fetch_all(self.readers())
        .await?;
        let mut owed = OwedNow::default();
        for row in rows {
            let (id, deployment) = (row.id, DeploymentId(row.deployment_id));
            let attempts = u32::try_from(row.attempts).unwrap_or(u32::MAX);
            match OwedRow::try_from(row) {
                Ok(row) => owed.rows.push(row),
                Err(corrupt) => owed.unreadable.push(UnreadableOwed {
                    id,
                    deployment,
                    attempts,
                    corrupt,
                }),
            }
        }
        Ok(owed)
    }

    /// The number of the newest message that ever was owed; 0 before the first. Numbers only grow.
    pub async fn newest_owed(&self) -> Result<i64, StoreError> {
        let newest = sqlx::query_scalar!(r#"SELECT coalesce(max(id), 0) AS "newest!: i64" FROM outbox"#)
            .fetch_one(self.readers())
            .await?;
        Ok(newest)
    }

    /// When [`Store::owed`] next has something; in the past when it has something now, `None` when nothing is owed.
    pub async fn next_owed(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = sqlx::query_scalar!(
            r#"SELECT min(not_before_ms) AS "next?: i64"
               FROM (SELECT min(id) AS id FROM outbox WHERE settled_at_ms IS NULL GROUP BY deployment_id) AS oldest
               CROSS JOIN outbox ON outbox.id = oldest.id"#
        )
        .fetch_one(self.readers())
        .await?;
        let column = Column {
            table: "outbox",
            name: "not_before_ms",
            row: &"with the least not_before_ms",
        };
        Ok(next.map(|next| column.instant(next)).transpose()?)
    }

    /// When [`Store::owed`] next has something that it did not have at `now`, because a message waited for its time.
    pub async fn next_owed_after(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let now = milliseconds(now);
        let next = sqlx::query_scalar!(
            r#"SELECT min(not_before_ms) AS "next?: i64"
               FROM (SELECT min(id) AS id FROM outbox WHERE settled_at_ms IS NULL GROUP BY deployment_id) AS oldest
               CROSS JOIN outbox ON outbox.id = oldest.id
               WHERE not_before_ms > ?"#,
            now
        )
        .fetch_one(self.readers())
        .await?;
        let column = Column {
            table: "outbox",
            name: "not_before_ms",
            row: &"with the least not_before_ms to come",
        };
        Ok(next.map(|next| column.instant(next)).transpose()?)
    }

    /// A message was sent, and showed events up to `seq_shown`. It is settled unless it has newer ones to show by
    /// now; then it stays owed, to be sent again at once. The message is remembered in the same transaction.
    pub async fn delivered(
        &self,
        id: i64,
        seq_shown: u64,
        remembered: Option<(String, Posted)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seq_shown = number(seq_shown)?;
        let now = milliseconds(now);
        self.write(move |connection| {
            Box::pin(async move {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::query!(
                    "UPDATE outbox SET settled_at_ms = iif(seq <= ?1, ?2, NULL), attempts = 0, not_before_ms = ?2,
                         why = NULL
                     WHERE id = ?3 AND settled_at_ms IS NULL",
                    seq_shown,
                    now,
                    id
                )
                .execute(&mut *transaction)
                .await?;
                if let Some((remembered_as, posted)) = remembered {
                    let deployment = sqlx::query_scalar!("SELECT deployment_id FROM outbox WHERE id = ?", id)
                        .fetch_optional(&mut *transaction)
                        .await?;
                    if let Some(deployment) = deployment {
                        messages::remember(&mut transaction, DeploymentId(deployment), &remembered_as, posted)
                            .await?;
                    }
                }
                transaction.commit().await
            })
        })
        .await
    }

    /// A message could not be sent; it is not tried again before `not_before`.
    pub async fn try_again(&self, id: i64, not_before: Timestamp, why: &str) -> Result<(), StoreError> {
        let not_before = milliseconds(not_before);
        let why = why.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE outbox SET not_before_ms = ?, attempts = attempts + 1, why = ?
                     WHERE id = ? AND settled_at_ms IS NULL",
                    not_before,
                    why,
                    id
                )
                .execute(connection)
                .await
            })
        })
        .await?;
        Ok(())
    }

    /// A message can never be sent, as its channel is gone: it is owed no more and holds nothing back.
    pub async fn given_up(&self, id: i64, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let now = milliseconds(now);
        let why = why.to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query!(
                    "UPDATE outbox SET settled_at_ms = ?, given_up = 1, attempts = attempts + 1, why = ?
                     WHERE id = ? AND settled_at_ms IS NULL",
                    now,
                    why,
                    id
                )
                .execute(connection)
                .await
            })
        })
        .await?;
        Ok(())
    }

    /// How much is owed, since when, and how much was given up.
    pub async fn outbox_state(&self) -> Result<OutboxState, StoreError> {
        let row = sqlx::query!(
            r#"SELECT count(*) AS "owed!: i64", min(created_at_ms) AS "oldest?: i64",
                   (SELECT count(*) FROM outbox WHERE given_up = 1) AS "given_up!: i64"
               FROM outbox WHERE settled_at_ms IS NULL"#
        )
        .fetch_one(self.readers())
        .await?;
        let column = |name| Column {
            table: "outbox",
            name,
            row: &"with the least created_at_ms",
        };
        Ok(OutboxState {
            owed: column("id").count(row.owed)?,
            oldest: row
                .oldest
                .map(|oldest| column("created_at_ms").instant(oldest))
                .transpose()?,
            given_up: column("given_up").count(row.given_up)?,
        })
    }
}

struct OutboxRow {
    id: i64,
    deployment_id: i64,
    owed: String,
    seq: i64,
    attempts: i64,
    created_at_ms: i64,
    tag: String,
}

impl TryFrom<OutboxRow> for OwedRow {
    type Error = CorruptRow;

    fn try_from(row: OutboxRow) -> Result<Self, CorruptRow> {
        let column = |name| Column {
            table: "outbox",
            name,
            row: &row.id,
        };
        Ok(Self {
            id: row.id,
            tag: row.tag.clone(),
            deployment: DeploymentId(row.deployment_id),
            owed: column("owed").json(&row.owed)?,
            seq: column("seq").count(row.seq)?,
            attempts: column("attempts").count(row.attempts)?,
            created_at: column("created_at_ms").instant(row.created_at_ms)?,
        })
    }
}
