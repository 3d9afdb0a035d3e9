//! Reading histories back.

use serde::Deserialize;

use super::Store;
use super::error::{CorruptRow, StoreError};
use super::rows::Column;
use crate::domain::event::{Event, Recorded};
use crate::domain::ids::{ChecklistHash, ChecklistName, DeploymentId};

/// A deployment's events and the checklist it keeps to.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The checklist's bytes, see [`Store::checklist_source`].
    pub checklist: ChecklistHash,
    /// The checklist's name when it was started.
    pub name: ChecklistName,
    /// All events, from the first.
    pub recorded: Vec<Recorded>,
}

impl Store {
    /// The number the next deployment gets. Two who ask before either has committed get the same one.
    pub async fn next_deployment_id(&self) -> Result<DeploymentId, StoreError> {
        let last =
            sqlx::query_scalar!(r#"SELECT coalesce(max(deployment_id), 0) AS "last!: i64" FROM events"#)
                .fetch_one(self.readers())
                .await?;
        Ok(DeploymentId(last + 1))
    }

    /// All deployments that have events, oldest first.
    pub async fn recorded(&self) -> Result<Vec<DeploymentId>, StoreError> {
        let ids = sqlx::query_scalar!("SELECT DISTINCT deployment_id FROM events ORDER BY deployment_id")
            .fetch_all(self.readers())
            .await?;
        Ok(ids.into_iter().map(DeploymentId).collect())
    }

    /// A deployment's events; `None` when there is none of that number.
    pub async fn history(&self, id: DeploymentId) -> Result<Option<History>, StoreError> {
        // One row of JSON: sqlx hands every row from thread to thread, which for a history costs several times what
        // finding and reading it does.
        let rows = sqlx::query_scalar!(
            r#"SELECT json_group_array(json_array(position, seq, at_ms, actor, body) ORDER BY seq) AS "rows!: String"
               FROM events WHERE deployment_id = ?"#,
            id.0
        )
        .fetch_one(self.readers())
        .await?;
        let table = Column {
            table: "events",
            name: "row",
            row: &format!("of deployment {id}"),
        };
        let rows: Vec<EventRow> = table.json(&rows)?;
        let recorded = rows
            .into_iter()
            .map(Recorded::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        let Some(first) = recorded.first() else {
            return Ok(None);
        };
        let Event::Started { checklist, name, .. } = &first.event else {
            let column = Column {
                table: "events",
                name: "body",
                row: &format!("1 of deployment {id}"),
            };
            return Err(column.corrupt("is not the start of a deployment").into());
        };
        Ok(Some(History {
            checklist: checklist.clone(),
            name: name.clone(),
            recorded,
        }))
    }

    /// The bytes of a checklist that was started once.
    pub async fn checklist_source(&self, hash: &ChecklistHash) -> Result<Option<Vec<u8>>, StoreError> {
        let hash = hash.as_str();
        Ok(
            sqlx::query_scalar!("SELECT source FROM checklists WHERE hash = ?", hash)
                .fetch_optional(self.readers())
                .await?,
        )
    }
}

#[derive(Deserialize)]
struct EventRow {
    position: i64,
    seq: i64,
    at_ms: i64,
    actor: String,
    body: String,
}

impl TryFrom<EventRow> for Recorded {
    type Error = CorruptRow;

    fn try_from(row: EventRow) -> Result<Self, CorruptRow> {
        let column = |name| Column {
            table: "events",
            name,
            row: &row.position,
        };
        Ok(Self {
            seq: column("seq").count(row.seq)?,
            at: column("at_ms").instant(row.at_ms)?,
            actor: column("actor").json(&row.actor)?,
            event: column("body").json(&row.body)?,
        })
    }
}
