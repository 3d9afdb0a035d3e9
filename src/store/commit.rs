//! The transaction: what was decided, with everything it owes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::SqliteConnection;
use thiserror::Error;
use tokio::sync::OwnedMutexGuard;

use super::Store;
use super::chain::{Head, Link};
use super::deployments::{ProjectionRow, ProjectionValues};
use super::error::{SQLITE_CONSTRAINT, StoreError, primary_code};
use super::rows::{json, milliseconds, number};
use super::writer::{Writer, discard};
use crate::domain::deployment::Deployment;
use crate::domain::effects::{Owed, Timer, TimerKey};
use crate::domain::event::Recorded;
use crate::domain::ids::{ChecklistHash, ChecklistName, DeploymentId, InputId};

/// What one input led to. It may have no events: an accepted input that changed nothing, or a timer that found
/// nothing to do.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What brought it about; applied once.
    pub input: InputId,
    /// When.
    pub at: Timestamp,
    /// Of which deployment.
    pub deployment: DeploymentId,
    /// What happened, numbered on from the deployment's last event.
    pub events: Arc<[Recorded]>,
    /// Messages owed.
    pub owed: Vec<Owed>,
    /// Timers to set, in place of those of the same key. Within a unit, timers are stopped before any is set.
    pub set: Vec<Timer>,
    /// Timers to stop.
    pub stop: Vec<TimerKey>,
    /// The timer this comes from, and when it was due: it goes unless it was set anew meanwhile.
    pub fired: Option<(TimerKey, Timestamp)>,
    /// The deployment with these events, which is how it is listed until a later unit of it.
    pub after: Arc<Deployment>,
    /// The checklist, where a deployment starts.
    pub checklist: Option<(ChecklistHash, ChecklistName, Vec<u8>)>,
}

/// Nothing of the units was kept.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The deployment has moved on since this was decided, or the input was applied already. Load it again and
    /// decide again.
    #[error("Deployment {deployment} has changed meanwhile; decide again on how it is now.")]
    Conflict {
        /// The deployment of the first unit that cannot be.
        deployment: DeploymentId,
    },
    /// The database broke.
    #[error(transparent)]
    Fault(#[from] StoreError),
}

/// What a writer's connection is made ready with: a view that holds nothing, into which a batch is inserted. That is one
/// statement and so a transaction by itself; `SQLite`'s thread is asked once and answers once, where each statement of a
/// transaction would be answered alone. Being woken costs more than most of them do.
pub(super) const WRITTEN_BY: &str = "
CREATE TEMP VIEW batch (checklists, inbox, events, deployments, outbox, timers_stopped, timers_set) AS
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE false;

CREATE TEMP TRIGGER batch_is_written INSTEAD OF INSERT ON batch
BEGIN
    INSERT INTO checklists (hash, name, source, stored_at_ms)
    SELECT value ->> 0, value ->> 1, unhex(value ->> 2), value ->> 3 FROM jsonb_each(NEW.checklists) WHERE true
    ON CONFLICT (hash) DO NOTHING;

    INSERT INTO inbox (input, deployment_id, seq, at_ms)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(NEW.inbox) WHERE true
    ON CONFLICT (input) DO UPDATE SET
        deployment_id = excluded.deployment_id, seq = excluded.seq, at_ms = excluded.at_ms;

    INSERT INTO events (position, deployment_id, seq, at_ms, actor, kind, body, previous_hash, hash)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        value ->> 7, value ->> 8
    FROM jsonb_each(NEW.events);

    INSERT INTO deployments (id, guild_id, channel_id, checklist_hash, checklist_name, title, version, environment,
        phase, running, closed, total, started_at_ms, started_by, seq)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14
    FROM jsonb_each(NEW.deployments) WHERE true
    ON CONFLICT (id) DO UPDATE SET
        phase = excluded.phase, running = excluded.running, closed = excluded.closed, total = excluded.total,
        seq = excluded.seq;

    INSERT INTO outbox (deployment_id, seq, owed, coalesces_as, created_at_ms, not_before_ms)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 4
    FROM jsonb_each(NEW.outbox) WHERE true
    ON CONFLICT (deployment_id, coalesces_as) WHERE settled_at_ms IS NULL DO UPDATE SET seq = excluded.seq;

    DELETE FROM timers WHERE (deployment_id, key) IN (
        SELECT pending.deployment_id, pending.key
        FROM jsonb_each(NEW.timers_stopped) AS stopped
        CROSS JOIN timers AS pending
            ON pending.deployment_id = stopped.value ->> 0 AND pending.key = stopped.value ->> 1
        WHERE stopped.value ->> 2 IS NULL OR pending.due_ms = stopped.value ->> 2
    );

    INSERT INTO timers (deployment_id, key, due_ms, happens)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(NEW.timers_set) WHERE true
    ON CONFLICT (deployment_id, key) DO UPDATE SET due_ms = excluded.due_ms, happens = excluded.happens;
END;
";

impl Store {
    /// Commits the units: all of them, or none. When this returns, they are on disk. The units of one deployment
    /// follow each other, so that each numbers its events on from the one before.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when a unit was decided on what is no longer so, or its input was applied already;
    /// [`CommitError::Fault`] when the database broke. Nothing is kept in either case.
    pub async fn commit(&self, units: &[Unit]) -> Result<(), CommitError> {
        if units.is_empty() {
            return Ok(());
        }
        let batch = Batch::of(units)?;
        self.with_writer(move |writer| batch.commit(writer).boxed()).await
    }
}

/// Units, laid out by table: one JSON array for each, as one statement writes it.
struct Batch {
    claims: Vec<Claim>,
    events: Vec<EventDraft>,
    checklists: String,
    inbox: String,
    outbox: String,
    timers_stopped: String,
    timers_set: String,
    deployments: String,
}

/// What of a unit can clash.
struct Claim {
    input: InputId,
    deployment: DeploymentId,
    first_seq: Option<u64>,
}

/// An event before it has its place in the chain.
struct EventDraft {
    deployment: i64,
    seq: i64,
    at_ms: i64,
    actor: String,
    kind: &'static str,
    body: String,
}

#[derive(Serialize)]
struct EventValues<'a>(i64, i64, i64, i64, &'a str, &'a str, &'a str, &'a str, &'a str);
#[derive(Serialize)]
struct ChecklistValues<'a>(&'a ChecklistHash, &'a ChecklistName, String, i64);
#[derive(Serialize)]
struct InboxValues<'a>(&'a InputId, i64, i64, i64);
#[derive(Serialize)]
struct OutboxValues(i64, i64, String, Option<String>, i64);
#[derive(Serialize)]
struct TimerStopped<'a>(i64, &'a str, Option<i64>);
#[derive(Serialize)]
struct TimerSet<'a>(i64, &'a str, i64, String);

impl Batch {
    fn of(units: &[Unit]) -> Result<Self, CommitError> {
        let mut inputs = HashSet::new();
        let mut last_seq: HashMap<DeploymentId, u64> = HashMap::new();
        let mut claims = Vec::with_capacity(units.len());
        let mut events = Vec::with_capacity(units.len());
        let mut checklists = BTreeMap::new();
        let mut inbox = Vec::with_capacity(units.len());
        let mut outbox: Vec<OutboxValues> = Vec::with_capacity(units.len());
        let mut coalesced: HashMap<(DeploymentId, String), usize> = HashMap::new();
        let mut timers = TimerChanges::default();
        let mut last_states = BTreeMap::new();
        for unit in units {
            let conflict = CommitError::Conflict {
                deployment: unit.deployment,
            };
            if !inputs.insert(&unit.input) {
                return Err(conflict);
            }
            let mut claimed = last_seq.get(&unit.deployment).copied();
            for recorded in unit.events.iter() {
                if claimed.is_some_and(|last| recorded.seq != last + 1) {
                    return Err(conflict);
                }
                claimed = Some(recorded.seq);
                events.push(EventDraft {
                    deployment: unit.deployment.0,
                    seq: number(recorded.seq)?,
                    at_ms: milliseconds(recorded.at),
                    actor: json(&recorded.actor)?,
                    kind: recorded.event.kind(),
                    body: json(&recorded.event)?,
                });
            }
            claims.push(Claim {
                input: unit.input.clone(),
                deployment: unit.deployment,
                // Only the first unit of a deployment meets what is on disk; the others follow it.
                first_seq: match last_seq.get(&unit.deployment) {
                    Some(_) => None,
                    None => unit.events.first().map(|first| first.seq),
                },
            });
            if let Some(claimed) = claimed {
                last_seq.insert(unit.deployment, claimed);
            }
            let seq = number(unit.events.last().map_or(unit.after.seq, |last| last.seq))?;
            let at_ms = milliseconds(unit.at);
            inbox.push(InboxValues(&unit.input, unit.deployment.0, seq, at_ms));
            for owed in &unit.owed {
                let coalesces_as = owed.coalesces_as();
                if let Some(key) = &coalesces_as {
                    let earlier = coalesced
                        .entry((unit.deployment, key.clone()))
                        .or_insert(outbox.len());
                    if let Some(OutboxValues(_, newest, ..)) = outbox.get_mut(*earlier) {
                        *newest = seq;
                        continue;
                    }
                }
                outbox.push(OutboxValues(
                    unit.deployment.0,
                    seq,
                    json(owed)?,
                    coalesces_as,
                    at_ms,
                ));
            }
            timers.of_unit(unit);
            last_states.insert(unit.deployment, &unit.after);
            if let Some((hash, name, source)) = &unit.checklist {
                checklists
                    .entry(hash)
                    .or_insert_with(|| ChecklistValues(hash, name, hexadecimal(source), at_ms));
            }
        }
        // Counting a deployment's items costs too much to be done for states that are not listed.
        let rows: Vec<ProjectionRow> = last_states
            .into_values()
            .map(|after| ProjectionRow::of(after))
            .collect();
        let projections = rows
            .iter()
            .map(ProjectionValues::of)
            .collect::<Result<Vec<_>, _>>()?;
        let (timers_stopped, timers_set) = timers.values()?;
        Ok(Self {
            claims,
            events,
            checklists: json(&checklists.into_values().collect::<Vec<_>>())?,
            inbox: json(&inbox)?,
            outbox: json(&outbox)?,
            timers_stopped: json(&timers_stopped)?,
            timers_set: json(&timers_set)?,
            deployments: json(&projections)?,
        })
    }

    async fn commit(self, mut writer: OwnedMutexGuard<Writer>) -> Result<(), CommitError> {
        let mut connection = writer.take().await?;
        let kept = match writer.take_head(&mut connection).await {
            Ok(head) => match self.chained_after(head) {
                Ok((events, head)) => self.write(&mut connection, &events).await.map(|()| head),
                Err(fault) => {
                    writer.put_back(connection);
                    return Err(fault.into());
                }
            },
            Err(error) => Err(error),
        };
        match kept {
            Ok(head) => {
                writer.put_head(head);
                writer.put_back(connection);
                Ok(())
            }
            Err(error) if primary_code(&error) == Some(SQLITE_CONSTRAINT) => {
                if let Ok(Some(deployment)) = self.first_conflict(&mut connection).await {
                    writer.put_back(connection);
                    Err(CommitError::Conflict { deployment })
                } else {
                    discard(connection).await;
                    Err(StoreError::from(error).into())
                }
            }
            Err(error) => {
                discard(connection).await;
                Err(StoreError::from(error).into())
            }
        }
    }

    /// The rows of `events` as they follow the end of the chain, and its new end.
    fn chained_after(&self, mut head: Head) -> Result<(String, Head), StoreError> {
        let mut hashes = Vec::with_capacity(self.events.len());
        let first = head.position + 1;
        for (position, event) in (first..).zip(&self.events) {
            let hash = Link {
                position,
                deployment: event.deployment,
                seq: event.seq,
                at_ms: event.at_ms,
                actor: &event.actor,
                kind: event.kind,
                body: &event.body,
            }
            .hash(&head.hash);
            hashes.push((position, std::mem::replace(&mut head.hash, hash.clone()), hash));
            head.position = position;
        }
        let rows: Vec<EventValues<'_>> = self
            .events
            .iter()
            .zip(&hashes)
            .map(|(event, (position, previous, hash))| {
                EventValues(
                    *position,
                    event.deployment,
                    event.seq,
                    event.at_ms,
                    &event.actor,
                    event.kind,
                    &event.body,
                    previous,
                    hash,
                )
            })
            .collect();
        Ok((json(&rows)?, head))
    }

    /// Writes all of it, or nothing. After an error other than a broken constraint the connection is not to be used again.
    async fn write(&self, connection: &mut SqliteConnection, events: &str) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?)")
            .bind(&self.checklists)
            .bind(&self.inbox)
            .bind(events)
            .bind(&self.deployments)
            .bind(&self.outbox)
            .bind(&self.timers_stopped)
            .bind(&self.timers_set)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// The deployment of the first unit that what is on disk does not allow.
    async fn first_conflict(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Option<DeploymentId>, sqlx::Error> {
        for claim in &self.claims {
            let input = claim.input.as_str();
            let applied = sqlx::query_scalar!(
                r#"SELECT count(*) AS "count!: i64" FROM inbox WHERE input = ? AND deployment_id IS NOT NULL"#,
                input
            )
            .fetch_one(&mut *connection)
            .await?;
            let last = sqlx::query_scalar!(
                r#"SELECT coalesce(max(seq), 0) AS "last!: i64" FROM events WHERE deployment_id = ?"#,
                claim.deployment.0
            )
            .fetch_one(&mut *connection)
            .await?;
            let follows = claim
                .first_seq
                .is_none_or(|first| i64::try_from(first).is_ok_and(|first| first == last + 1));
            if applied > 0 || !follows {
                return Ok(Some(claim.deployment));
            }
        }
        Ok(None)
    }
}

/// JSON has no bytes.
fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What becomes of timers when several units of one batch touch the same ones.
#[derive(Default)]
struct TimerChanges<'a> {
    last: BTreeMap<(DeploymentId, &'a TimerKey), TimerChange<'a>>,
}

enum TimerChange<'a> {
    Set(&'a Timer),
    Stopped,
    /// Goes if it is still the one that was due then.
    Fired(i64),
}

impl<'a> TimerChanges<'a> {
    fn of_unit(&mut self, unit: &'a Unit) {
        if let Some((key, due)) = &unit.fired {
            let due = milliseconds(*due);
            let change = match self.last.get(&(unit.deployment, key)) {
                Some(TimerChange::Set(timer)) if milliseconds(timer.due) != due => None,
                Some(TimerChange::Set(_) | TimerChange::Stopped) => Some(TimerChange::Stopped),
                Some(TimerChange::Fired(_)) | None => Some(TimerChange::Fired(due)),
            };
            if let Some(change) = change {
                self.last.insert((unit.deployment, key), change);
            }
        }
        for key in &unit.stop {
            self.last.insert((unit.deployment, key), TimerChange::Stopped);
        }
        for timer in &unit.set {
            self.last
                .insert((unit.deployment, &timer.key), TimerChange::Set(timer));
        }
    }

    fn values(&self) -> Result<(Vec<TimerStopped<'a>>, Vec<TimerSet<'a>>), StoreError> {
        let mut stopped = Vec::new();
        let mut set = Vec::new();
        for (&(deployment, key), change) in &self.last {
            match change {
                TimerChange::Set(timer) => {
                    let happens = json(&timer.then)?;
                    set.push(TimerSet(deployment.0, &key.0, milliseconds(timer.due), happens));
                }
                TimerChange::Stopped => stopped.push(TimerStopped(deployment.0, &key.0, None)),
                TimerChange::Fired(due) => stopped.push(TimerStopped(deployment.0, &key.0, Some(*due))),
            }
        }
        Ok((stopped, set))
    }
}
