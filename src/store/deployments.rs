//! The projection: what lists show of a deployment, without its events.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Connection;

use super::Store;
use super::error::{CorruptRow, StoreError};
use super::rows::{Column, column_of, json, milliseconds, number, snowflake_of};
use crate::domain::deployment::{Deployment, Phase};
use crate::domain::event::Outcome;
use crate::domain::ids::{ChannelId, ChecklistHash, ChecklistName, DeploymentId, GuildId, UserId};

/// How a deployment is to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionRow {
    /// Its number.
    pub id: DeploymentId,
    /// The Discord server.
    pub guild: GuildId,
    /// The channel it was started in.
    pub channel: ChannelId,
    /// The checklist's bytes.
    pub checklist: ChecklistHash,
    /// The checklist's name in the catalog.
    pub name: ChecklistName,
    /// The checklist's title.
    pub title: String,
    /// What is released.
    pub version: String,
    /// Where to.
    pub environment: String,
    /// Where it stands.
    pub phase: Phase,
    /// Items closed.
    pub closed: usize,
    /// Items in all, as [`Deployment::progress`] counts them.
    pub total: usize,
    /// When it was started.
    pub started_at: Timestamp,
    /// By whom; nobody when it was started by other than a person.
    pub started_by: Option<UserId>,
    /// How many events it has.
    pub seq: u64,
}

impl ProjectionRow {
    /// The row of a deployment as it is.
    pub fn of(deployment: &Deployment) -> Self {
        let progress = deployment.progress();
        Self {
            id: deployment.id,
            guild: deployment.guild,
            channel: deployment.channel,
            checklist: deployment.checklist.hash.clone(),
            name: deployment.checklist.name.clone(),
            title: deployment.checklist.title.clone(),
            version: deployment.version.clone(),
            environment: deployment.environment.clone(),
            phase: deployment.phase,
            closed: progress.closed,
            total: progress.total,
            started_at: deployment.started_at,
            started_by: deployment.started_by,
            seq: deployment.seq,
        }
    }
}

/// Which deployments a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Those that have not ended.
    Running,
    /// All there ever were.
    All,
}

/// A deployment in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its number.
    pub id: DeploymentId,
    /// The Discord server.
    pub guild: GuildId,
    /// The checklist's name in the catalog.
    pub checklist: ChecklistName,
    /// The checklist's title.
    pub title: String,
    /// What is released.
    pub version: String,
    /// Where to.
    pub environment: String,
    /// Where it stands.
    pub phase: Phase,
    /// Items closed.
    pub closed: usize,
    /// Items in all.
    pub total: usize,
    /// When it was started.
    pub started_at: Timestamp,
    /// By whom; nobody when it was started by other than a person.
    pub started_by: Option<UserId>,
    /// Its thread, once that is there.
    pub thread: Option<ChannelId>,
}

impl Store {
    /// The deployments of a Discord server, newest first.
    pub async fn deployments(
        &self,
        guild: GuildId,
        filter: Filter,
        limit: u32,
    ) -> Result<Vec<Listed>, StoreError> {
        let guild = column_of(guild.0);
        let only_running = filter == Filter::Running;
        let rows = sqlx::query_as!(
            ListedRow,
            r#"SELECT deployments.id, guild_id, checklist_name, title, version, environment, phase, closed, total,
                   started_at_ms, started_by, thread.channel_id AS "thread_id?: i64"
               FROM deployments
               LEFT JOIN messages AS thread
                   ON thread.deployment_id = deployments.id AND thread.remembered_as = 'thread'
               WHERE guild_id = ? AND running >= ?
               ORDER BY deployments.id DESC LIMIT ?"#,
            guild,
            only_running,
            limit
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().map(Listed::try_from).collect::<Result<_, _>>()?)
    }

    /// The deployments that have not ended, of all Discord servers, oldest first.
    pub async fn running(&self) -> Result<Vec<DeploymentId>, StoreError> {
        let ids = sqlx::query_scalar!("SELECT id FROM deployments WHERE running = 1 ORDER BY id")
            .fetch_all(self.readers())
            .await?;
        Ok(ids.into_iter().map(DeploymentId).collect())
    }

    /// Puts these rows in place of the whole projection. They are to be all of [`Store::recorded`], folded.
    pub async fn rebuild_projection(&self, rows: &[ProjectionRow]) -> Result<(), StoreError> {
        let values = rows
            .iter()
            .map(ProjectionValues::of)
            .collect::<Result<Vec<_>, _>>()?;
        let values = json(&values)?;
        self.write(move |connection| {
            Box::pin(async move {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::query!(
                    "DELETE FROM deployments;

                     INSERT INTO deployments (id, guild_id, channel_id, checklist_hash, checklist_name, title,
                         version, environment, phase, running, closed, total, started_at_ms, started_by, seq)
                     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
                         value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
                         value ->> 12, value ->> 13, value ->> 14
                     FROM jsonb_each(?)",
                    values
                )
                .execute(&mut *transaction)
                .await?;
                transaction.commit().await
            })
        })
        .await
    }
}

/// A row of `deployments`, in the order of its columns.
#[derive(Serialize)]
pub(super) struct ProjectionValues<'a>(
    i64,
    i64,
    i64,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'static str,
    u8,
    i64,
    i64,
    i64,
    Option<i64>,
    i64,
);

impl<'a> ProjectionValues<'a> {
    pub(super) fn of(row: &'a ProjectionRow) -> Result<Self, StoreError> {
        Ok(Self(
            row.id.0,
            column_of(row.guild.0),
            column_of(row.channel.0),
            row.checklist.as_str(),
            row.name.as_str(),
            &row.title,
            &row.version,
            &row.environment,
            phase_text(row.phase),
            u8::from(!matches!(row.phase, Phase::Finished(_))),
            number(row.closed)?,
            number(row.total)?,
            milliseconds(row.started_at),
            row.started_by.map(|person| column_of(person.0)),
            number(row.seq)?,
        ))
    }
}

struct ListedRow {
    id: i64,
    guild_id: i64,
    checklist_name: String,
    title: String,
    version: String,
    environment: String,
    phase: String,
    closed: i64,
    total: i64,
    started_at_ms: i64,
    started_by: Option<i64>,
    thread_id: Option<i64>,
}

impl TryFrom<ListedRow> for Listed {
    type Error = CorruptRow;

    fn try_from(row: ListedRow) -> Result<Self, CorruptRow> {
        let column = |name| Column {
            table: "deployments",
            name,
            row: &row.id,
        };
        Ok(Self {
            id: DeploymentId(row.id),
            guild: GuildId(snowflake_of(row.guild_id)),
            phase: phase_of(&row.phase)
                .ok_or_else(|| column("phase").corrupt(format!("cannot be {:?}", row.phase)))?,
            closed: column("closed").count(row.closed)?,
            total: column("total").count(row.total)?,
            started_at: column("started_at_ms").instant(row.started_at_ms)?,
            started_by: row.started_by.map(|id| UserId(snowflake_of(id))),
            thread: row.thread_id.map(|id| ChannelId(snowflake_of(id))),
            checklist: ChecklistName::new(row.checklist_name),
            title: row.title,
            version: row.version,
            environment: row.environment,
        })
    }
}

fn phase_text(phase: Phase) -> &'static str {
    match phase {
        Phase::Preparing => "preparing",
        Phase::Held => "held",
        Phase::Releasing => "releasing",
        Phase::Finished(Outcome::Complete) => "complete",
        Phase::Finished(Outcome::Failed) => "failed",
    }
}

fn phase_of(text: &str) -> Option<Phase> {
    [
        Phase::Preparing,
        Phase::Held,
        Phase::Releasing,
        Phase::Finished(Outcome::Complete),
        Phase::Finished(Outcome::Failed),
    ]
    .into_iter()
    .find(|phase| phase_text(*phase) == text)
}
