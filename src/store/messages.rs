//! What was posted on Discord, and what it belongs to here.

use sqlx::SqliteConnection;

use super::Store;
use super::deployments::Filter;
use super::error::StoreError;
use super::rows::{column_of, snowflake_of};
use crate::domain::ids::{ChannelId, DeploymentId, MessageId};

/// A message on Discord. For a thread, `channel` is the thread itself, and `message` whatever it hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Posted {
    /// Where.
    pub channel: ChannelId,
    /// Which.
    pub message: MessageId,
}

impl Store {
    /// The deployment whose thread this is.
    pub async fn deployment_of_channel(
        &self,
        channel: ChannelId,
    ) -> Result<Option<DeploymentId>, StoreError> {
        let channel = column_of(channel.0);
        let id = sqlx::query_scalar!(
            r#"SELECT deployment_id AS "deployment_id!" FROM messages
               WHERE channel_id = ? AND remembered_as = 'thread'
               ORDER BY deployment_id DESC LIMIT 1"#,
            channel
        )
        .fetch_optional(self.readers())
        .await?;
        Ok(id.map(DeploymentId))
    }

    /// The deployment a message belongs to, and what the message is remembered as there. A thread is no message.
    pub async fn deployment_of_message(
        &self,
        message: MessageId,
    ) -> Result<Option<(DeploymentId, String)>, StoreError> {
        let message = column_of(message.0);
        let row = sqlx::query!(
            r#"SELECT deployment_id AS "deployment_id!", remembered_as FROM messages
               WHERE message_id = ? AND remembered_as <> 'thread'
               ORDER BY deployment_id DESC LIMIT 1"#,
            message
        )
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(|row| (DeploymentId(row.deployment_id), row.remembered_as)))
    }

    /// The message remembered under a name, as `board`.
    pub async fn posted(&self, id: DeploymentId, remembered_as: &str) -> Result<Option<Posted>, StoreError> {
        let row = sqlx::query!(
            "SELECT channel_id, message_id FROM messages WHERE deployment_id = ? AND remembered_as = ?",
            id.0,
            remembered_as
        )
        .fetch_optional(self.readers())
        .await?;
        Ok(row.map(|row| posted_of(row.channel_id, row.message_id)))
    }

    /// The messages whose names begin with `prefix`, as `card:`, oldest deployment first.
    pub async fn posted_like(
        &self,
        prefix: &str,
        filter: Filter,
    ) -> Result<Vec<(DeploymentId, String, Posted)>, StoreError> {
        let only_running = filter == Filter::Running;
        let rows = sqlx::query!(
            "SELECT deployment_id, remembered_as, messages.channel_id, message_id
             FROM deployments
             CROSS JOIN messages ON messages.deployment_id = deployments.id
             WHERE running >= ?1 AND substr(remembered_as, 1, length(?2)) = ?2
             ORDER BY deployment_id, remembered_as",
            only_running,
            prefix
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let posted = posted_of(row.channel_id, row.message_id);
                (DeploymentId(row.deployment_id), row.remembered_as, posted)
            })
            .collect())
    }

    /// Remembers a message under a name, in place of an earlier one.
    pub async fn remember(
        &self,
        id: DeploymentId,
        remembered_as: &str,
        posted: Posted,
    ) -> Result<(), StoreError> {
        let remembered_as = remembered_as.to_owned();
        self.write(move |connection| {
            Box::pin(async move { remember(connection, id, &remembered_as, posted).await })
        })
        .await
    }
}

pub(super) async fn remember(
    connection: &mut SqliteConnection,
    id: DeploymentId,
    remembered_as: &str,
    posted: Posted,
) -> Result<(), sqlx::Error> {
    let channel = column_of(posted.channel.0);
    let message = column_of(posted.message.0);
    sqlx::query!(
        "INSERT INTO messages (deployment_id, remembered_as, channel_id, message_id) VALUES (?, ?, ?, ?)
         ON CONFLICT (deployment_id, remembered_as) DO UPDATE SET
             channel_id = excluded.channel_id, message_id = excluded.message_id",
        id.0,
        remembered_as,
        channel,
        message
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn posted_of(channel: i64, message: i64) -> Posted {
    Posted {
        channel: ChannelId(snowflake_of(channel)),
        message: MessageId(snowflake_of(message)),
    }
}
