//! Reading histories back.

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
        // One row for all: sqlx hands every row from thread to thread, which for a history costs several times what
        // finding and reading it does. JSON as it is kept has no line feed and no tab, so these can part the fields.
        let lines = sqlx::query_scalar!(
            r#"SELECT group_concat(
                   position || char(9) || seq || char(9) || at_ms || char(9) || actor || char(9) || body, char(10)
               ) AS "lines?: String"
               FROM events WHERE deployment_id = ?"#,
            id.0
        )
        .fetch_one(self.readers())
        .await?;
        let mut recorded = lines
            .iter()
            .flat_map(|lines| lines.split('\n'))
            .map(|line| recorded_of(id, line))
            .collect::<Result<Vec<_>, _>>()?;
        recorded.sort_unstable_by_key(|recorded| recorded.seq);
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

/// An event from its line in [`Store::history`]'s answer.
fn recorded_of(id: DeploymentId, line: &str) -> Result<Recorded, CorruptRow> {
    let mut fields = line.splitn(5, '\t');
    let mut field = || fields.next().unwrap_or_default();
    let (position, seq, at_ms, actor, body) = (field(), field(), field(), field(), field());
    let key = if position.parse::<i64>().is_ok() {
        position.to_owned()
    } else {
        format!("of deployment {id}")
    };
    let column = |name| Column {
        table: "events",
        name,
        row: &key,
    };
    Ok(Recorded {
        seq: column("seq").json(seq)?,
        at: column("at_ms").instant(column("at_ms").json(at_ms)?)?,
        actor: column("actor").json(actor)?,
        event: column("body").json(body)?,
    })
}
