//! Loading and folding a history, beside rusqlite reading the same rows of the same file and folding the same events.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::event::Recorded;
use holdpoint::domain::ids::DeploymentId;
use jiff::Timestamp;
use rusqlite::Connection;

use crate::Effort;
use crate::floor;
use crate::house::House;
use crate::measure::{each, paired, per};
use crate::table::{Goal, Row, time, times};

/// How long the history is; an event longer where the last command led to two.
const EVENTS: usize = 400;
const REPEATS: usize = 20;

pub(crate) async fn rows(directory: &Path, effort: Effort) -> Result<Vec<Row>> {
    let database = directory.join("fold.db");
    let house = House::build(&database, 1).await?;
    house.fill_to(EVENTS).await?;
    let id = house.deployments[0];
    let deployment = house.deployment(id).await?;
    ensure!(
        deployment.seq >= EVENTS as u64,
        "the history has only {} events",
        deployment.seq
    );
    let checklist = Arc::clone(&deployment.checklist);
    let connection = floor::open_to_read(&database)?;
    ensure!(
        read(&connection, id, &checklist)? == *deployment,
        "the floor folds something else"
    );
    let store = house.engine.store();
    let pair = paired(
        effort.rounds(40),
        async || {
            let begun = Instant::now();
            for _ in 0..REPEATS {
                let history = store.history(id).await?.context("the history is gone")?;
                black_box(Deployment::fold(id, Arc::clone(&checklist), &history.recorded)?);
            }
            Ok(per(begun.elapsed(), REPEATS))
        },
        async || {
            each(REPEATS, || {
                for _ in 0..REPEATS {
                    black_box(read(&connection, id, &checklist)?);
                }
                Ok(())
            })
        },
    )
    .await?;
    house.close().await?;
    Ok(vec![Row {
        name: format!("load and fold {EVENTS} events, beside rusqlite and serde"),
        ours: time(pair.ours),
        floor: time(pair.floor),
        ratio: times(pair.ratio),
        goal: Goal::AtMost {
            limit: 1.7,
            seen: pair.ratio,
        },
    }])
}

fn read(connection: &Connection, id: DeploymentId, checklist: &Arc<Checklist>) -> Result<Deployment> {
    let mut statement = connection
        .prepare_cached("SELECT seq, at_ms, actor, body FROM events WHERE deployment_id = ? ORDER BY seq")?;
    let mut rows = statement.query([id.0])?;
    let mut recorded = Vec::new();
    while let Some(row) = rows.next()? {
        recorded.push(Recorded {
            seq: row.get::<_, i64>(0)?.try_into()?,
            at: Timestamp::from_millisecond(row.get(1)?)?,
            actor: serde_json::from_str(row.get_ref(2)?.as_str()?)?,
            event: serde_json::from_str(row.get_ref(3)?.as_str()?)?,
        });
    }
    Ok(Deployment::fold(id, Arc::clone(checklist), &recorded)?)
}
