//! Inputs that were heard, so that none is heard twice.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Store;
use super::error::StoreError;
use super::rows::{Column, json, milliseconds};
use crate::domain::ids::{DeploymentId, InputId};

/// What an input was applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which deployment.
    pub deployment: DeploymentId,
    /// How many events the deployment had when the input had been applied.
    pub seq: u64,
}

impl Store {
    /// Which of these inputs were applied, and to what. Inputs that were only remembered are not among them.
    pub async fn seen(&self, inputs: &[InputId]) -> Result<HashMap<InputId, Seen>, StoreError> {
        let inputs = json(&inputs)?;
        let rows = sqlx::query!(
            r#"SELECT input, deployment_id AS "deployment_id!", seq AS "seq!"
               FROM json_each(?) AS asked
               CROSS JOIN inbox ON inbox.input = asked.value
               WHERE deployment_id IS NOT NULL"#,
            inputs
        )
        .fetch_all(self.readers())
        .await?;
        rows.into_iter()
            .map(|row| {
                let column = Column {
                    table: "inbox",
                    name: "seq",
                    row: &row.input,
                };
                let seen = Seen {
                    deployment: DeploymentId(row.deployment_id),
                    seq: column.count(row.seq)?,
                };
                Ok((InputId::new(row.input), seen))
            })
            .collect()
    }

    /// Remembers an input that changes no deployment, as a reaction of somebody who may not sign, so that it is
    /// answered once. It may still be applied later. Returns whether it is new.
    pub async fn remember_input(&self, input: &InputId, now: Timestamp) -> Result<bool, StoreError> {
        let input = input.as_str().to_owned();
        let at_ms = milliseconds(now);
        let done = self
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query!(
                        "INSERT INTO inbox (input, at_ms) VALUES (?, ?) ON CONFLICT (input) DO NOTHING",
                        input,
                        at_ms
                    )
                    .execute(connection)
                    .await
                })
            })
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Whether an input is remembered that changed no deployment.
    pub async fn remembers_input(&self, input: &InputId) -> Result<bool, StoreError> {
        let input = input.as_str();
        let known = sqlx::query_scalar!(
            r#"SELECT count(*) AS "known!: i64" FROM inbox WHERE input = ? AND deployment_id IS NULL"#,
            input
        )
        .fetch_one(self.readers())
        .await?;
        Ok(known > 0)
    }

    /// Forgets all inputs that were only remembered and whose ids begin so.
    pub async fn forget_inputs_that_begin(&self, beginning: &str) -> Result<(), StoreError> {
        let from = beginning.to_owned();
        // The greatest character there is stands behind every other in SQLite's order.
        let to = format!("{beginning}{}", char::MAX);
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query!(
                    "DELETE FROM inbox WHERE input >= ? AND input < ? AND deployment_id IS NULL",
                    from,
                    to
                )
                .execute(connection)
                .await
            })
        })
        .await?;
        Ok(())
    }

    /// Forgets an input that was only remembered, so that it is answered when it comes again.
    pub async fn forget_input(&self, input: &InputId) -> Result<(), StoreError> {
        let input = input.as_str().to_owned();
        self.write(move |connection| {
            Box::pin(async move {
                sqlx::query!(
                    "DELETE FROM inbox WHERE input = ? AND deployment_id IS NULL",
                    input
                )
                .execute(connection)
                .await
            })
        })
        .await?;
        Ok(())
    }

    /// Forgets inputs from before an instant and returns how many: what nobody will send again need not be kept.
    pub async fn forget_inputs_before(&self, instant: Timestamp) -> Result<u64, StoreError> {
        let before = milliseconds(instant);
        let done = self
            .write(move |connection| {
                Box::pin(async move {
                    sqlx::query!("DELETE FROM inbox WHERE at_ms < ?", before)
                        .execute(connection)
                        .await
                })
            })
            .await?;
        Ok(done.rows_affected())
    }
}
