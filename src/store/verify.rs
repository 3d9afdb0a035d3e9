//! Proving that the history is as it was written.

use std::collections::BTreeMap;

use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::{Connection, SqliteConnection};

use super::Store;
use super::chain::{GENESIS, Link};
use super::error::{AuditError, BrokenRow, StoreError};
use crate::domain::event::{Actor, Event};

/// A history that proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many events.
    pub events: u64,
    /// Of how many deployments.
    pub deployments: u64,
    /// The hash of the last event. Who keeps it elsewhere can tell even a history that was rewritten as a whole.
    pub head: String,
}

impl Store {
    /// Proves the whole history: every hash, every number, every checklist, and that the end was not cut off.
    ///
    /// # Errors
    /// [`AuditError::Broken`] names the first row that does not fit.
    pub async fn verify(&self) -> Result<Verified, AuditError> {
        let mut connection = self.readers().acquire().await.map_err(StoreError::from)?;
        // One snapshot, whatever is written meanwhile.
        let mut transaction = connection.begin().await.map_err(StoreError::from)?;
        let outcome = verify(&mut transaction).await;
        transaction.rollback().await.map_err(StoreError::from)?;
        outcome
    }
}

/// Where each deployment's events end: its last `seq` and the position of that.
type Ends = BTreeMap<i64, (i64, i64)>;

async fn verify(connection: &mut SqliteConnection) -> Result<Verified, AuditError> {
    check_file(connection).await?;
    check_checklists(connection).await?;
    let (events, head, ends) = check_events(connection).await?;
    check_ends(connection, &ends).await?;
    Ok(Verified {
        events,
        deployments: ends.len() as u64,
        head,
    })
}

/// The file as `SQLite` sees it, indexes included: a lookup must find what a scan does.
async fn check_file(connection: &mut SqliteConnection) -> Result<(), AuditError> {
    let word: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(connection)
        .await
        .map_err(StoreError::from)?;
    if word == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged(word).into())
    }
}

async fn check_checklists(connection: &mut SqliteConnection) -> Result<(), AuditError> {
    let mut rows = sqlx::query!("SELECT hash, source FROM checklists ORDER BY hash").fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
        if format!("{:x}", Sha256::digest(&row.source)) != row.hash {
            return Err(broken(
                "checklists",
                row.hash,
                "its bytes do not have that hash: the checklist was changed",
            ));
        }
    }
    Ok(())
}

async fn check_events(connection: &mut SqliteConnection) -> Result<(u64, String, Ends), AuditError> {
    let mut ends = Ends::new();
    let mut last: i64 = 0;
    let mut head = GENESIS.to_owned();
    let mut rows = sqlx::query!(
        r#"SELECT position AS "position!", deployment_id AS "deployment_id!", seq AS "seq!", at_ms, actor, kind, body, previous_hash, events.hash,
               checklists.hash AS "checklist?"
           FROM events
           LEFT JOIN checklists ON kind = 'started' AND checklists.hash = body ->> 'checklist'
           ORDER BY position"#
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
        let wrong = |why: String| broken("events", row.position, why);
        if row.position != last + 1 {
            let why = format!(
                "the event is missing; the next one there is has position {}",
                row.position
            );
            return Err(broken("events", last + 1, why));
        }
        if row.previous_hash != head {
            return Err(wrong(
                "it does not follow the event before: one of the two was changed, or what stood between was removed"
                    .to_owned(),
            ));
        }
        let hash = Link {
            position: row.position,
            deployment: row.deployment_id,
            seq: row.seq,
            at_ms: row.at_ms,
            actor: &row.actor,
            kind: &row.kind,
            body: &row.body,
        }
        .hash(&head);
        if hash != row.hash {
            return Err(wrong(
                "its hash is not that of what it says: it was changed after it was written".to_owned(),
            ));
        }
        let due = ends.get(&row.deployment_id).map_or(1, |(seq, _)| seq + 1);
        if row.seq != due {
            return Err(wrong(format!(
                "it is event {} of deployment #{}, where event {due} should be",
                row.seq, row.deployment_id
            )));
        }
        let event: Event = serde_json::from_str(&row.body)
            .map_err(|error| wrong(format!("what happened cannot be read: {error}")))?;
        serde_json::from_str::<Actor>(&row.actor)
            .map_err(|error| wrong(format!("whose it is cannot be read: {error}")))?;
        if event.kind() != row.kind {
            return Err(wrong(format!(
                "it is called {} and is {}",
                row.kind,
                event.kind()
            )));
        }
        let starts = matches!(event, Event::Started { .. });
        if starts != (row.seq == 1) {
            return Err(wrong(
                "a deployment starts with its first event, and only once".to_owned(),
            ));
        }
        if starts && row.checklist.is_none() {
            return Err(wrong("the checklist it was started with is missing".to_owned()));
        }
        ends.insert(row.deployment_id, (row.seq, row.position));
        last = row.position;
        head = row.hash;
    }
    Ok((last.unsigned_abs(), head, ends))
}

/// The chain alone cannot tell that its end was cut off; what was committed together with the last events can.
async fn check_ends(connection: &mut SqliteConnection, ends: &Ends) -> Result<(), AuditError> {
    let listed = sqlx::query!(
        r#"SELECT id AS "id!: i64", seq AS "seq!: i64", 'deployments' AS "known_from!: String" FROM deployments
           UNION ALL
           SELECT deployment_id, max(seq), 'inbox' FROM inbox WHERE deployment_id IS NOT NULL GROUP BY deployment_id
           ORDER BY 1, 3"#
    )
    .fetch_all(connection)
    .await
    .map_err(StoreError::from)?;
    let after_the_last = ends
        .values()
        .map(|(_, position)| position)
        .max()
        .map_or(1, |last| last + 1);
    for row in &listed {
        let id = row.id;
        let end = ends.get(&id).map_or(0, |(seq, _)| *seq);
        if row.seq > end {
            let why = format!(
                "the end of the history was cut off: by table {} deployment #{id} has had {} events, of which {end} \
                 are here",
                row.known_from, row.seq
            );
            return Err(broken("events", after_the_last, why));
        }
        if row.known_from == "deployments" && row.seq < end {
            let why = format!("it is listed with {} events and has {end}", row.seq);
            return Err(broken("deployments", id, why));
        }
    }
    for (id, (_, position)) in ends {
        if !listed
            .iter()
            .any(|row| row.id == *id && row.known_from == "deployments")
        {
            let why = format!("it has events, the last at position {position}, and is not listed");
            return Err(broken("deployments", id, why));
        }
    }
    Ok(())
}

fn broken(table: &'static str, position: impl std::fmt::Display, why: impl Into<String>) -> AuditError {
    AuditError::Broken(BrokenRow {
        table,
        position: position.to_string(),
        why: why.into(),
    })
}
