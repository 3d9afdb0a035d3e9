//! Deciding without a disk, and finding the next timer among many.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use holdpoint::clock::{Clock as _, SystemClock};
use holdpoint::domain::command::{Command, Context, FourEyes};
use holdpoint::domain::decide::decide;
use holdpoint::domain::effects::effects;
use holdpoint::domain::rights::Rights;
use holdpoint::domain::sign_off::Owners;
use holdpoint::store::Store;
use rusqlite::{Connection, params};

use crate::Effort;
use crate::fixture;
use crate::floor;
use crate::house::{House, person};
use crate::measure::{Paired, each, least, paired, per};
use crate::table::{Goal, Row, time, times};

const FEW: i64 = 100_000;
const MANY: i64 = 1_000_000;
const REPEATS: usize = 500;
/// How much longer among ten times as many may take and still be called the same.
const FLAT: f64 = 1.5;

/// Deciding a tick of a deployment of 200 items that is half done, with what follows from it.
pub(crate) async fn deciding(directory: &Path, effort: Effort) -> Result<Vec<Row>> {
    let house = House::build(&directory.join("decide.db"), 1).await?;
    house.tick_half().await?;
    let before = house.deployment(house.deployments[0]).await?;
    let items = fixture::tickable(&before);
    ensure!(!items.is_empty(), "nothing is left to tick");
    let (actor, rights, owners) = (person(), Rights::default(), Owners::default());
    let context = Context {
        now: SystemClock.now(),
        actor: &actor,
        rights: &rights,
        owners: &owners,
        four_eyes: FourEyes::Required,
    };
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds(40) {
        rounds.push(each(REPEATS, || {
            for item in items.iter().cycle().take(REPEATS) {
                let decided = decide(&before, Command::Tick { item: item.clone() }, &context)?;
                black_box(effects(Some(&before), &decided.events, &decided.after));
                black_box(Arc::new(decided.after));
            }
            Ok(())
        })?);
    }
    house.close().await?;
    let seen = least(rounds)?;
    Ok(vec![Row {
        name: "deciding one tick of 200 items, without a disk".to_owned(),
        ours: time(seen),
        floor: "–".to_owned(),
        ratio: "–".to_owned(),
        goal: Goal::Time {
            words: "≤ 20 µs".to_owned(),
            limit: 20e-6,
            seen,
        },
    }])
}

/// When the next of many timers is due, beside rusqlite asking the same of the same file.
pub(crate) async fn timers(directory: &Path, effort: Effort) -> Result<Vec<Row>> {
    let few = next_due(directory, FEW, effort).await?;
    let many = next_due(directory, MANY, effort).await?;
    let row = |timers: &str, pair: Paired| Row {
        name: format!("next due of {timers} timers, beside rusqlite"),
        ours: time(pair.ours),
        floor: time(pair.floor),
        ratio: times(pair.ratio),
        goal: Goal::Time {
            words: "≤ 20 µs".to_owned(),
            limit: 20e-6,
            seen: pair.ours,
        },
    };
    let flat = many.ours / few.ours;
    Ok(vec![
        row("100,000", few),
        row("1,000,000", many),
        Row {
            name: "next due: ten times as many timers".to_owned(),
            ours: time(many.ours),
            floor: time(few.ours),
            ratio: times(flat),
            goal: Goal::AtMost {
                limit: FLAT,
                seen: flat,
            },
        },
    ])
}

async fn next_due(directory: &Path, timers: i64, effort: Effort) -> Result<Paired> {
    let database = directory.join(format!("timers-{timers}.db"));
    let now = SystemClock.now();
    Store::open(&database, now).await?.close().await;
    fill(&mut Connection::open(&database)?, timers, now.as_millisecond())?;
    let store = Store::open(&database, now).await?;
    let connection = floor::open_to_read(&database)?;
    let next = |connection: &Connection| -> Result<i64> {
        let mut statement = connection.prepare_cached("SELECT due_ms FROM timers ORDER BY due_ms LIMIT 1")?;
        Ok(statement.query_row([], |row| row.get(0))?)
    };
    let ours = store.next_due().await?.context("no timer is due")?;
    ensure!(
        ours.as_millisecond() == next(&connection)?,
        "the floor finds another timer"
    );
    let mut pair = paired(
        effort.rounds(20),
        async || {
            let begun = Instant::now();
            for _ in 0..REPEATS {
                black_box(store.next_due().await?);
            }
            Ok(per(begun.elapsed(), REPEATS))
        },
        async || {
            each(REPEATS, || {
                for _ in 0..REPEATS {
                    black_box(next(&connection)?);
                }
                Ok(())
            })
        },
    )
    .await?;
    // The thread-to-thread hand-over varies with what else runs; what it takes undisturbed is what is compared.
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds(20) {
        let begun = Instant::now();
        for _ in 0..REPEATS {
            black_box(store.next_due().await?);
        }
        rounds.push(per(begun.elapsed(), REPEATS));
    }
    pair.ours = least(rounds)?;
    store.close().await;
    Ok(pair)
}

fn fill(connection: &mut Connection, timers: i64, now_ms: i64) -> Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction
            .prepare("INSERT INTO timers (deployment_id, key, due_ms, happens) VALUES (?, ?, ?, ?)")?;
        for number in 0..timers {
            // Spread over a month, in no order.
            let due = now_ms + number.wrapping_mul(2_654_435_761) % 2_592_000_000;
            insert.execute(params![
                number,
                "ping:tech-lead",
                due,
                r#"{"then":"ping","role":"tech-lead","ping":1}"#
            ])?;
        }
    }
    transaction.commit()?;
    Ok(())
}
