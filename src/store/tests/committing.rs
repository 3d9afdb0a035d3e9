//! All or nothing, once, in order, and on disk.

use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::Connection;

use super::super::open::options_to_write;
use super::super::{CommitError, Seen, Store, StoreError, Unit};
use super::{Course, Outcome, Place, SOURCE, at, hash, noted, ticked};
use crate::domain::ids::{ChecklistHash, DeploymentId, InputId};

fn conflict_of(outcome: &Result<(), CommitError>) -> Option<DeploymentId> {
    match outcome {
        Err(CommitError::Conflict { deployment }) => Some(*deployment),
        Ok(()) | Err(CommitError::Fault(_)) => None,
    }
}

#[tokio::test]
async fn what_was_committed_reads_back() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    assert_eq!(store.next_deployment_id().await?, DeploymentId(1));
    let units = [
        course.start()?,
        course.unit(
            "a",
            vec![noted("\"quotes\", \u{1f6a6} and\na new line"), ticked()],
        )?,
    ];
    store.commit(&units).await?;
    let history = store.history(course.id).await?.ok_or("no history")?;
    assert_eq!(history.recorded, course.history);
    assert_eq!(history.checklist, hash());
    assert_eq!(history.name.as_str(), "release");
    assert_eq!(store.checklist_source(&hash()).await?.as_deref(), Some(SOURCE));
    assert_eq!(store.checklist_source(&ChecklistHash::new("none")).await?, None);
    assert_eq!(store.history(DeploymentId(2)).await?, None);
    assert_eq!(store.next_deployment_id().await?, DeploymentId(2));
    assert_eq!(store.recorded().await?, [course.id]);
    let inputs = [
        units[0].input.clone(),
        units[1].input.clone(),
        InputId::new("unheard"),
    ];
    let seen = store.seen(&inputs).await?;
    assert_eq!(seen.len(), 2);
    assert_eq!(
        seen.get(&inputs[1]),
        Some(&Seen {
            deployment: course.id,
            seq: 3
        })
    );
    store.ping().await?;
    Ok(())
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store.commit(&[course.start()?]).await?;
    store.close().await;
    let store = place.open().await?;
    store.commit(&[course.unit("a", vec![ticked()])?]).await?;
    assert_eq!(
        store.history(course.id).await?.ok_or("no history")?.recorded,
        course.history
    );
    assert_eq!(store.verify().await?.events, 2);
    Ok(())
}

#[tokio::test]
async fn a_number_that_is_taken_is_a_conflict_and_nothing_is_kept() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let (mut one, mut two) = (Course::new(1), Course::new(2));
    store.commit(&[one.start()?, two.start()?]).await?;
    let mut late = Course {
        id: two.id,
        history: two.history.clone(),
    };
    store.commit(&[two.unit("first", vec![noted("first")])?]).await?;

    let outcome = store
        .commit(&[
            one.unit("with it", vec![noted("x")])?,
            late.unit("second", vec![noted("y")])?,
        ])
        .await;
    assert_eq!(conflict_of(&outcome), Some(two.id));
    assert_eq!(
        store.history(one.id).await?.ok_or("no history")?.recorded.len(),
        1
    );
    let inputs = [InputId::new("1:with it"), InputId::new("2:second")];
    assert!(store.seen(&inputs).await?.is_empty());

    store.commit(&[two.unit("second", vec![noted("y")])?]).await?;
    assert_eq!(store.verify().await?.events, 4);
    Ok(())
}

#[tokio::test]
async fn a_number_left_out_is_a_conflict() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(7);
    store.commit(&[course.start()?]).await?;
    let lost = course.unit("never committed", vec![noted("x")])?;
    let next = course.unit("next", vec![noted("y")])?;
    assert_eq!(
        conflict_of(&store.commit(std::slice::from_ref(&next)).await),
        Some(course.id)
    );
    // Nor may a gap hide between two units of one batch.
    let after = course.unit("after", vec![noted("z")])?;
    assert_eq!(
        conflict_of(&store.commit(&[lost.clone(), after.clone()]).await),
        Some(course.id)
    );
    store.commit(&[lost, next, after]).await?;
    assert_eq!(store.verify().await?.events, 4);
    Ok(())
}

#[tokio::test]
async fn an_input_is_applied_once() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store.commit(&[course.start()?]).await?;
    let unit = course.unit("a", vec![noted("x")])?;
    store.commit(std::slice::from_ref(&unit)).await?;
    // As an input that changes nothing, and decided anew on the state it led to itself.
    let nothing = course.unit("a", Vec::new())?;
    assert_eq!(
        conflict_of(&store.commit(std::slice::from_ref(&nothing)).await),
        Some(course.id)
    );
    let mut later = Course {
        id: course.id,
        history: course.history.clone(),
    };
    let again = later.unit("a", vec![noted("x")])?;
    assert_eq!(conflict_of(&store.commit(&[again]).await), Some(course.id));
    // Twice in one batch.
    let twice = course.unit("twice", Vec::new())?;
    assert_eq!(
        conflict_of(&store.commit(&[twice.clone(), twice.clone()]).await),
        Some(course.id)
    );
    assert!(store.seen(std::slice::from_ref(&twice.input)).await?.is_empty());
    store.commit(&[twice]).await?;
    assert_eq!(store.verify().await?.events, 2);
    Ok(())
}

#[tokio::test]
async fn an_input_without_events_is_kept_with_the_number_of_events() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store.commit(&[course.start()?]).await?;
    let unit = course.unit("nothing to do", Vec::new())?;
    store.commit(std::slice::from_ref(&unit)).await?;
    assert_eq!(
        store.seen(std::slice::from_ref(&unit.input)).await?[&unit.input].seq,
        1
    );
    Ok(())
}

#[tokio::test]
async fn history_and_checklists_cannot_be_rewritten() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store
        .commit(&[course.start()?, course.unit("a", vec![noted("a")])?])
        .await?;
    for sql in [
        "UPDATE events SET body = '{}' WHERE position = 1",
        "UPDATE events SET seq = 3 WHERE position = 2",
        "DELETE FROM events WHERE position = 2",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events SELECT * FROM events WHERE position = 2",
        "INSERT OR REPLACE INTO events SELECT position, deployment_id, 3, at_ms, actor, kind, body, previous_hash, hash
         FROM events WHERE position = 2",
        "INSERT INTO events SELECT 4, 1, 3, at_ms, actor, kind, body, previous_hash, hash
         FROM events WHERE position = 2",
        "UPDATE checklists SET name = 'other'",
        "DELETE FROM checklists",
        "INSERT OR REPLACE INTO checklists SELECT hash, name, x'00', 0 FROM checklists",
        "UPDATE inbox SET deployment_id = 2 WHERE input = '1:a'",
    ] {
        let error = place.raw_sql(sql).await.err().ok_or(sql)?;
        assert_eq!(
            super::super::error::primary_code(&error),
            Some(19),
            "{sql} was refused for another reason: {error}"
        );
    }
    assert_eq!(store.verify().await?.events, 2);
    Ok(())
}

#[tokio::test]
async fn sixty_four_callers_at_once_are_all_heard() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut courses: Vec<Course> = (1..=64).map(Course::new).collect();
    let starts = courses
        .iter_mut()
        .map(Course::start)
        .collect::<Result<Vec<_>, _>>()?;
    store.commit(&starts).await?;
    let units = courses
        .iter_mut()
        .map(|course| course.unit("a", vec![ticked()]))
        .collect::<Result<Vec<_>, _>>()?;
    let each = units.iter().map(|unit| store.commit(std::slice::from_ref(unit)));
    futures_util::future::try_join_all(each).await?;
    let verified = store.verify().await?;
    assert_eq!((verified.events, verified.deployments), (128, 64));
    Ok(())
}

#[tokio::test]
async fn after_a_fault_the_next_commit_succeeds() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    let start = course.start()?;
    // The projection names a checklist nobody has stored, which is noticed when other tables are written.
    let without = Unit {
        checklist: None,
        ..start.clone()
    };
    let outcome = store.commit(&[without]).await;
    assert!(
        matches!(outcome, Err(CommitError::Fault(StoreError::Refused(_)))),
        "{outcome:?}"
    );
    assert_eq!(store.history(course.id).await?, None);
    store.commit(&[start]).await?;
    store.commit(&[course.unit("a", vec![ticked()])?]).await?;
    assert_eq!(store.verify().await?.events, 2);
    Ok(())
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_says_so() -> Outcome {
    let place = Place::new()?;
    let mut course = Course::new(1);
    let store = place.open().await?;
    store.commit(&[course.start()?]).await?;
    store.close().await;
    let pages = place.count("PRAGMA page_count").await?;
    let options = options_to_write(&place.database()).pragma("max_page_count", (pages + 10).to_string());
    let store = Store::open_with(&place.database(), at(1), options).await?;

    let mut acknowledged = course.history.clone();
    let text = "so many words that the file fills up ".repeat(50);
    let full = loop {
        let input = format!("note {}", acknowledged.len());
        match store.commit(&[course.unit(&input, vec![noted(&text)])?]).await {
            Ok(()) => acknowledged.clone_from(&course.history),
            Err(error) => break error,
        }
        assert!(acknowledged.len() < 1000, "the file never filled up");
    };
    assert!(matches!(full, CommitError::Fault(StoreError::Full)), "{full:?}");
    assert!(full.to_string().contains("disk"), "{full}");
    assert!(acknowledged.len() > 3);
    // What needs no room still goes, and what was acknowledged is there.
    store.forget_inputs_before(at(-1)).await?;
    assert_eq!(
        store.history(course.id).await?.ok_or("no history")?.recorded,
        acknowledged
    );
    store.close().await;

    let store = place.open().await?;
    course.history.clone_from(&acknowledged);
    store
        .commit(&[course.unit("with room", vec![noted(&text)])?])
        .await?;
    assert_eq!(store.verify().await?.events, course.history.len() as u64);
    Ok(())
}

#[tokio::test]
async fn another_programs_lock_is_told() -> Outcome {
    let place = Place::new()?;
    let options = options_to_write(&place.database()).busy_timeout(Duration::ZERO);
    let store = Store::open_with(&place.database(), at(0), options).await?;
    let mut course = Course::new(1);
    let start = course.start()?;
    let mut other = place.raw().await?;
    let held = other.begin_with("BEGIN IMMEDIATE").await?;
    let outcome = store.commit(std::slice::from_ref(&start)).await;
    assert!(
        matches!(outcome, Err(CommitError::Fault(StoreError::Locked))),
        "{outcome:?}"
    );
    // Reading goes on beside it.
    store.ping().await?;
    held.rollback().await?;
    store.commit(&[start]).await?;
    assert_eq!(store.verify().await?.events, 1);
    Ok(())
}

/// Polls a future so many times, lets everything else run in between, and drops it.
async fn poll_and_drop(times: usize, future: impl Future<Output = Result<(), CommitError>>) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..times {
        if let Poll::Ready(outcome) = futures_util::poll!(future.as_mut()) {
            return outcome.is_ok();
        }
        tokio::task::yield_now().await;
    }
    false
}

#[tokio::test]
async fn a_caller_who_goes_away_leaves_no_transaction_open() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    for times in 0..40 {
        let mut gone = Course::new(1000 + times);
        let unit = gone.start()?;
        poll_and_drop(times as usize, store.commit(&[unit])).await;
        let mut next = Course::new(2000 + times);
        store.commit(&[next.start()?]).await?;
    }
    let verified = store.verify().await?;
    // Whoever was polled at all is committed: the task goes on without them.
    assert_eq!(verified.deployments, 79);
    Ok(())
}

#[test]
fn a_runtime_that_stops_in_the_middle_leaves_no_transaction_open() -> Outcome {
    let place = Place::new()?;
    for times in 0..12 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let store = place.open().await?;
            let mut course = Course::new(store.next_deployment_id().await?.0);
            poll_and_drop(times, store.commit(&[course.start()?])).await;
            Ok::<_, Box<dyn std::error::Error>>(())
        })?;
        drop(runtime);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let store = place.open().await?;
        let before = store.verify().await?;
        let mut course = Course::new(store.next_deployment_id().await?.0);
        store.commit(&[course.start()?]).await?;
        assert_eq!(store.verify().await?.events, before.events + 1);
        Ok(())
    })
}

#[tokio::test]
async fn a_closed_store_says_so() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let clone = store.clone();
    store.close().await;
    let mut course = Course::new(1);
    let outcome = clone.commit(&[course.start()?]).await;
    assert!(
        matches!(outcome, Err(CommitError::Fault(StoreError::Closed))),
        "{outcome:?}"
    );
    assert!(matches!(clone.ping().await, Err(StoreError::Closed)));
    // Not even a future that was made and never polled keeps anything.
    assert!(
        clone
            .commit(&[course.unit("a", vec![ticked()])?])
            .now_or_never()
            .is_none()
    );
    Ok(())
}
