//! Whoever changes the history is found, and a copy of it proves.

use sha2::{Digest, Sha256};
use sqlx::Connection;

use super::super::chain::Link;
use super::super::{AuditError, BackupError, BrokenRow, Filter, ProjectionRow, Store, StoreError};
use super::{Course, GUILD, Outcome, Place, at, checklist, noted, ticked};
use crate::domain::deployment::{Deployment, Phase};
use crate::domain::event::{Event, Outcome as Ending};

/// Two deployments with six events between them.
async fn written(place: &Place) -> Result<Store, Box<dyn std::error::Error>> {
    let store = place.open().await?;
    let (mut one, mut two) = (Course::new(1), Course::new(2));
    store.commit(&[one.start()?, two.start()?]).await?;
    store
        .commit(&[
            one.unit("a", vec![noted("a"), ticked()])?,
            two.unit("a", vec![noted("b")])?,
        ])
        .await?;
    store.commit(&[two.unit("b", vec![ticked()])?]).await?;
    Ok(store)
}

async fn first_broken(store: &Store) -> Result<BrokenRow, Box<dyn std::error::Error>> {
    match store.verify().await {
        Err(AuditError::Broken(row)) => Ok(row),
        Err(AuditError::Fault(fault)) => Err(fault.into()),
        Ok(verified) => Err(format!("it proved: {verified:?}").into()),
    }
}

#[tokio::test]
async fn an_untouched_history_proves() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let empty = store.verify().await?;
    assert_eq!((empty.events, empty.deployments), (0, 0));
    store.close().await;
    let store = written(&place).await?;
    let verified = store.verify().await?;
    assert_eq!((verified.events, verified.deployments), (6, 2));
    assert_eq!(verified.head.len(), 64);
    // A bot that runs does not keep an auditor out.
    let beside = Store::open_read_only(&place.database()).await?;
    assert_eq!(beside.verify().await?, verified);
    assert!(matches!(
        beside.forget_inputs_before(at(0)).await,
        Err(StoreError::ReadOnly)
    ));
    Ok(())
}

#[tokio::test]
async fn every_tampering_is_found_where_it_was_made() -> Outcome {
    const UNGUARD: &str = "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_removed;
        DROP TRIGGER events_are_added_at_the_end; DROP TRIGGER checklists_are_never_changed;
        DROP TRIGGER checklists_are_never_removed;";
    let cases: &[(&str, &str, &str, &str)] = &[
        (
            "an edited body",
            "UPDATE events SET body = replace(body, '\"a\"', '\"z\"') WHERE position = 3",
            "events",
            "3",
        ),
        ("an edited instant", "UPDATE events SET at_ms = at_ms + 1 WHERE position = 2", "events", "2"),
        (
            "another's deed",
            "UPDATE events SET actor = '{\"person\":1}' WHERE position = 6",
            "events",
            "6",
        ),
        ("an edited kind", "UPDATE events SET kind = 'unticked' WHERE position = 4", "events", "4"),
        (
            "an edited hash",
            "UPDATE events SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE position = 4",
            "events",
            "4",
        ),
        ("a removed event", "DELETE FROM events WHERE position = 3", "events", "3"),
        ("a removed first event", "DELETE FROM events WHERE position = 1", "events", "1"),
        (
            "a removed event, with the gap closed",
            "DELETE FROM events WHERE position = 3; UPDATE events SET position = position - 1 WHERE position > 3",
            "events",
            "3",
        ),
        ("a cut end", "DELETE FROM events WHERE position = 6", "events", "6"),
        (
            "a cut end, hidden in the list",
            "DELETE FROM events WHERE position = 6; UPDATE deployments SET seq = 2 WHERE id = 2",
            "events",
            "6",
        ),
        ("a whole deployment cut off", "DELETE FROM events", "events", "1"),
        (
            "two events swapped",
            "UPDATE events SET position = -3 WHERE position = 3; UPDATE events SET position = 3 WHERE position = 4;
             UPDATE events SET position = 4 WHERE position = -3",
            "events",
            "3",
        ),
        (
            "an event moved to another deployment",
            "UPDATE events SET deployment_id = 3 WHERE position = 6",
            "events",
            "6",
        ),
        ("an unlisted deployment", "DELETE FROM deployments WHERE id = 2", "deployments", "2"),
        ("a list that is behind", "UPDATE deployments SET seq = 2 WHERE id = 1", "deployments", "1"),
    ];
    for (what, sql, table, position) in cases {
        let place = Place::new()?;
        let store = written(&place).await?;
        place.raw_sql(UNGUARD).await?;
        store.verify().await?;
        place.raw_sql(sql).await?;
        let row = first_broken(&store)
            .await
            .map_err(|error| format!("{what}: {error}"))?;
        assert_eq!(
            (row.table, row.position.as_str()),
            (*table, *position),
            "{what}: {row}"
        );
    }

    let place = Place::new()?;
    let store = written(&place).await?;
    place.raw_sql(UNGUARD).await?;
    place
        .raw_sql("UPDATE checklists SET source = x'2d205b205d'")
        .await?;
    assert_eq!(first_broken(&store).await?.table, "checklists");
    place
        .raw_sql("PRAGMA foreign_keys = OFF; DELETE FROM checklists")
        .await?;
    let row = first_broken(&store).await?;
    assert_eq!((row.table, row.position.as_str()), ("events", "1"));
    assert!(row.why.contains("checklist"), "{row}");
    Ok(())
}

#[tokio::test]
async fn an_event_whose_hash_was_made_anew_breaks_the_next() -> Outcome {
    let place = Place::new()?;
    let store = written(&place).await?;
    let mut raw = place.raw().await?;
    sqlx::raw_sql("DROP TRIGGER events_are_never_changed")
        .execute(&mut raw)
        .await?;
    let (previous, at_ms, actor): (String, i64, String) =
        sqlx::query_as("SELECT previous_hash, at_ms, actor FROM events WHERE position = 3")
            .fetch_one(&mut raw)
            .await?;
    let body = serde_json::to_string(&noted("forged"))?;
    let hash = Link {
        position: 3,
        deployment: 1,
        seq: 2,
        at_ms,
        actor: &actor,
        kind: "noted",
        body: &body,
    }
    .hash(&previous);
    sqlx::query("UPDATE events SET body = ?, hash = ? WHERE position = 3")
        .bind(&body)
        .bind(&hash)
        .execute(&mut raw)
        .await?;
    raw.close().await?;
    assert_eq!(first_broken(&store).await?.position, "4");
    Ok(())
}

#[tokio::test]
async fn the_hash_covers_the_documented_bytes() {
    let link = Link {
        position: 1,
        deployment: 7,
        seq: 1,
        at_ms: 1_800_000_000_000,
        actor: "\"timer\"",
        kind: "noted",
        body: "{\"event\":\"noted\",\"item\":null,\"text\":\"\u{e4}\"}",
    };
    // By hand: the lines of the module's documentation through `sha256sum`.
    let bytes = format!(
        "holdpoint event 1\n{}\n1\n7\n1\n1800000000000\n7:\"timer\"\n5:noted\n41:{}\n",
        "0".repeat(64),
        link.body
    );
    assert_eq!(link.body.len(), 41);
    assert_eq!(link.hash(&"0".repeat(64)), format!("{:x}", Sha256::digest(bytes)));
    // No byte moves from one field to the next unnoticed.
    let moved = Link {
        kind: "notedx",
        body: &link.body[1..],
        ..link
    };
    assert_ne!(moved.hash(&"0".repeat(64)), link.hash(&"0".repeat(64)));
}

#[tokio::test]
async fn a_backup_of_a_live_database_proves() -> Outcome {
    let place = Place::new()?;
    let store = written(&place).await?;
    let to = place.directory.path().join("backup.db");
    let (mut three, writes) = (Course::new(3), 20);
    store.commit(&[three.start()?]).await?;
    let go_on = async {
        for number in 0..writes {
            store
                .commit(&[three.unit(&number.to_string(), vec![noted("meanwhile")])?])
                .await?;
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    };
    let (backup, wrote) = tokio::join!(store.backup(&to), go_on);
    backup?;
    wrote?;
    let copy = Store::open_read_only(&to).await?;
    let copied = copy.verify().await?;
    assert!(copied.events >= 7, "{copied:?}");
    copy.close().await;
    // It can take the place of the old one.
    let restored = Store::open(&to, at(9)).await?;
    let mut next = Course::new(restored.next_deployment_id().await?.0);
    restored.commit(&[next.start()?]).await?;
    assert_eq!(restored.verify().await?.events, copied.events + 1);
    assert!(matches!(store.backup(&to).await, Err(BackupError::Exists(path)) if path == to));
    let nowhere = place.directory.path().join("no such directory/backup.db");
    let outcome = store.backup(&nowhere).await;
    assert!(
        matches!(outcome, Err(BackupError::Unwritable { .. })),
        "{outcome:?}"
    );
    Ok(())
}

#[tokio::test]
async fn lists_can_be_made_anew_from_the_history() -> Outcome {
    let place = Place::new()?;
    let store = written(&place).await?;
    let mut three = Course::new(3);
    store.commit(&[three.start()?]).await?;
    let end = Event::Finished {
        outcome: Ending::Failed,
        reason: Some("enough".to_owned()),
    };
    store.commit(&[three.unit("end", vec![end])?]).await?;

    let before = store.deployments(GUILD, Filter::All, 10).await?;
    let ids: Vec<i64> = before.iter().map(|listed| listed.id.0).collect();
    assert_eq!(ids, [3, 2, 1]);
    assert_eq!(before[0].phase, Phase::Finished(Ending::Failed));
    assert_eq!(
        (before[2].closed, before[2].total, before[2].version.as_str()),
        (1, 1, "1.2.3")
    );
    assert_eq!(store.deployments(GUILD, Filter::Running, 10).await?, before[1..]);
    assert_eq!(store.deployments(GUILD, Filter::All, 1).await?, before[..1]);
    assert!(
        store
            .deployments(crate::domain::ids::GuildId(5), Filter::All, 10)
            .await?
            .is_empty()
    );
    assert_eq!(store.running().await?.len(), 2);

    place
        .raw_sql("UPDATE deployments SET phase = 'held', closed = 77; DELETE FROM deployments WHERE id = 2")
        .await?;
    assert_ne!(store.deployments(GUILD, Filter::All, 10).await?, before);
    let mut rows = Vec::new();
    for id in store.recorded().await? {
        let history = store.history(id).await?.ok_or("no history")?;
        rows.push(ProjectionRow::of(&Deployment::fold(
            id,
            checklist(),
            &history.recorded,
        )?));
    }
    store.rebuild_projection(&rows).await?;
    assert_eq!(store.deployments(GUILD, Filter::All, 10).await?, before);
    store.verify().await?;
    Ok(())
}

#[tokio::test]
async fn a_damaged_row_is_named() -> Outcome {
    let place = Place::new()?;
    let store = written(&place).await?;
    place
        .raw_sql(
            "DROP TRIGGER events_are_never_changed; UPDATE events SET body = '{' WHERE position = 3;
             UPDATE deployments SET phase = 'asleep' WHERE id = 2",
        )
        .await?;
    let error = store
        .history(crate::domain::ids::DeploymentId(1))
        .await
        .err()
        .ok_or("it was read")?;
    let StoreError::Corrupt(row) = &error else {
        return Err(error.into());
    };
    assert_eq!((row.table, row.column, row.row.as_str()), ("events", "body", "3"));
    // Nor does a line that was put into the middle of a row lead astray.
    place
        .raw_sql("UPDATE events SET body = '{' || char(10) || '}' WHERE position = 3")
        .await?;
    let error = store
        .history(crate::domain::ids::DeploymentId(1))
        .await
        .err()
        .ok_or("it was read")?;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    let error = store
        .deployments(GUILD, Filter::All, 9)
        .await
        .err()
        .ok_or("it was read")?;
    let StoreError::Corrupt(row) = &error else {
        return Err(error.into());
    };
    assert_eq!(
        (row.table, row.column, row.row.as_str()),
        ("deployments", "phase", "2")
    );
    assert!(error.to_string().contains("asleep"), "{error}");
    Ok(())
}
