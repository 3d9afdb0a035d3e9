//! What comes due.

use jiff::Timestamp;
use tracing::error;

use super::Store;
use super::error::{CorruptRow, StoreError};
use super::rows::{Column, milliseconds};
use crate::domain::effects::{Timer, TimerKey};
use crate::domain::ids::DeploymentId;

/// A timer that has come due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTimer {
    /// Of which deployment.
    pub deployment: DeploymentId,
    /// Which one.
    pub timer: Timer,
}

/// What a timer is of. Some wait for long after they came due, and must not stand in the way of others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pings,
    Observations,
}

impl Store {
    /// Pings due at `now` or before, however long ago, the longest due first. They stay until a unit that fired
    /// one is committed, or it is dropped. One that cannot be read is left out, with a line in the log.
    pub async fn due_pings(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>, StoreError> {
        self.due(now, Kind::Pings, limit).await
    }

    /// Observations of checks due at `now` or before, the longest due first. They stay until what was observed is
    /// committed, which sets the next or stops them, or they are dropped.
    pub async fn due_observations(&self, now: Timestamp, limit: u32) -> Result<Vec<DueTimer>, StoreError> {
        self.due(now, Kind::Observations, limit).await
    }

    async fn due(&self, now: Timestamp, kind: Kind, limit: u32) -> Result<Vec<DueTimer>, StoreError> {
        let now = milliseconds(now);
        let observations = i64::from(kind == Kind::Observations);
        let rows = sqlx::query_as!(
            TimerRow,
            r#"SELECT deployment_id AS "deployment_id!", key AS "key!", due_ms, happens FROM timers
               WHERE due_ms <= ? AND (CASE WHEN key LIKE 'observe:%' THEN 1 ELSE 0 END) = ?
               ORDER BY due_ms, deployment_id, key LIMIT ?"#,
            now,
            observations,
            limit
        )
        .fetch_all(self.readers())
        .await?;
        let readable = |row| match DueTimer::try_from(row) {
            Ok(due) => Some(due),
            Err(corrupt) => {
                error!(error = %corrupt, "a timer cannot be read, and is left where it is");
                None
            }
        };
        Ok(rows.into_iter().filter_map(readable).collect())
    }

    /// When the next timer comes due; in the past when one is overdue.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let due_ms = sqlx::query_scalar!("SELECT due_ms FROM timers ORDER BY due_ms LIMIT 1")
            .fetch_optional(self.readers())
            .await?;
        let column = Column {
            table: "timers",
            name: "due_ms",
            row: &"with the least due_ms",
        };
        Ok(due_ms.map(|due_ms| column.instant(due_ms)).transpose()?)
    }

    /// When the first of the timers comes due that were not due at `now`.
    pub async fn next_due_after(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let now = milliseconds(now);
        let due_ms = sqlx::query_scalar!(
            "SELECT due_ms FROM timers WHERE due_ms > ? ORDER BY due_ms LIMIT 1",
            now
        )
        .fetch_optional(self.readers())
        .await?;
        let column = Column {
            table: "timers",
            name: "due_ms",
            row: &"with the least due_ms to come",
        };
        Ok(due_ms.map(|due_ms| column.instant(due_ms)).transpose()?)
    }

    /// How many timers wait for their time.
    pub async fn timers_pending(&self) -> Result<u64, StoreError> {
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!: i64" FROM timers"#)
            .fetch_one(self.readers())
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Drops a timer that decides nothing any more, unless it was set anew for another instant.
    pub async fn drop_timer(
        &self,
        deployment: DeploymentId,
        key: &TimerKey,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        let key = key.0.clone();
        let due = milliseconds(due);
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query!(
                    "DELETE FROM timers WHERE deployment_id = ? AND key = ? AND due_ms = ?",
                    deployment.0,
                    key,
                    due
                )
                .execute(connection)
                .await
            })
        })
        .await?;
        Ok(())
    }
}

struct TimerRow {
    deployment_id: i64,
    key: String,
    due_ms: i64,
    happens: String,
}

impl TryFrom<TimerRow> for DueTimer {
    type Error = CorruptRow;

    fn try_from(row: TimerRow) -> Result<Self, CorruptRow> {
        let key = format!("({}, {:?})", row.deployment_id, row.key);
        let column = |name| Column {
            table: "timers",
            name,
            row: &key,
        };
        Ok(Self {
            deployment: DeploymentId(row.deployment_id),
            timer: Timer {
                due: column("due_ms").instant(row.due_ms)?,
                then: column("happens").json(&row.happens)?,
                key: TimerKey(row.key),
            },
        })
    }
}
