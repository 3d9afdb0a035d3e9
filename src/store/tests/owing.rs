//! Messages owed and timers: in order, once, and none forgotten.

use super::super::{OutboxState, Posted, Unit};
use super::{Course, Outcome, Place, at, noted};
use crate::domain::effects::{Owed, Then, Timer, TimerKey};
use crate::domain::ids::{ChannelId, MessageId, RoleKey};

const POSTED: Posted = Posted {
    channel: ChannelId(11),
    message: MessageId(22),
};

#[tokio::test]
async fn what_is_edited_in_place_is_owed_once_and_shows_the_newest() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store.commit(&[course.start()?]).await?;
    store.commit(&[course.owing("a", &[Owed::Board])?]).await?;
    store
        .commit(&[
            course.owing("b", &[Owed::Board, Owed::Decision])?,
            course.owing("c", &[Owed::Decision, Owed::Board])?,
        ])
        .await?;
    let owed = store.owed(at(100), 10).await?.rows;
    assert_eq!(owed.len(), 1);
    assert_eq!(
        (&owed[0].owed, owed[0].seq, owed[0].attempts),
        (&Owed::Board, 4, 0)
    );
    assert_eq!(owed[0].created_at, at(2));
    assert_eq!(store.outbox_state().await?.owed, 3);

    // While it was being sent with what event 4 led to, event 5 came: it stays owed.
    store.commit(&[course.owing("d", &[Owed::Board])?]).await?;
    let board = owed[0].id;
    store
        .delivered(board, 4, Some(("board".to_owned(), POSTED)), at(101))
        .await?;
    assert_eq!(store.posted(course.id, "board").await?, Some(POSTED));
    let owed = store.owed(at(101), 10).await?.rows;
    assert_eq!((owed[0].id, owed[0].seq), (board, 5));
    store.delivered(board, 5, None, at(102)).await?;
    let owed = store.owed(at(102), 10).await?.rows;
    assert_eq!((&owed[0].owed, owed[0].seq), (&Owed::Decision, 3));

    // Once it was delivered, the next edit is another row, behind those that wait.
    store.commit(&[course.owing("e", &[Owed::Board])?]).await?;
    for expected in [Owed::Decision, Owed::Decision, Owed::Board] {
        let owed = store.owed(at(103), 10).await?.rows;
        assert_eq!(owed[0].owed, expected);
        store.delivered(owed[0].id, owed[0].seq, None, at(103)).await?;
    }
    assert!(store.owed(at(200), 10).await?.rows.is_empty());
    assert_eq!(store.next_owed().await?, None);
    Ok(())
}

#[tokio::test]
async fn each_opening_tags_its_own_messages_so_that_a_copy_takes_none_of_another_for_its_own() -> Outcome {
    let place = Place::new()?;
    let mut tags = Vec::new();
    for number in 1..=3 {
        let store = place.open().await?;
        let mut course = Course::new(number);
        store.commit(&[course.start()?]).await?;
        store.commit(&[course.owing("a", &[Owed::Opening])?]).await?;
        let owed = store.owed(at(100), 10).await?.rows;
        assert_eq!(owed.len(), tags.len() + 1);
        // What was owed before may have been posted under its tag, and keeps it.
        assert!(owed.iter().zip(&tags).all(|(row, tag)| row.tag == *tag));
        tags = owed.into_iter().map(|row| row.tag).collect();
        store.close().await;
    }
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 3, "two openings have the same tag");
    assert!(
        tags.iter()
            .all(|tag| tag.len() == 6 && tag.chars().all(|digit| digit.is_ascii_hexdigit()))
    );

    // A tag that no message owed bears is forgotten.
    let store = place.open().await?;
    for row in store.owed(at(100), 10).await?.rows {
        store.delivered(row.id, row.seq, None, at(100)).await?;
    }
    store.close().await;
    place.open().await?.close().await;
    assert_eq!(place.count("SELECT count(*) FROM tags").await?, 1);
    Ok(())
}

#[tokio::test]
async fn each_deployments_messages_keep_their_order() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let (mut one, mut two) = (Course::new(1), Course::new(2));
    store.commit(&[one.start()?, two.start()?]).await?;
    store
        .commit(&[
            one.owing("a", &[Owed::Opening, Owed::Thread])?,
            two.owing("a", &[Owed::Report])?,
        ])
        .await?;
    let owed = store.owed(at(10), 10).await?.rows;
    let what: Vec<_> = owed
        .iter()
        .map(|row| (row.deployment, row.owed.clone()))
        .collect();
    assert_eq!(what, [(one.id, Owed::Opening), (two.id, Owed::Report)]);
    assert_eq!(store.owed(at(10), 1).await?.rows.len(), 1);
    // Nothing may be sent before it was owed.
    assert!(store.owed(at(1), 10).await?.rows.is_empty());
    assert_eq!(store.next_owed().await?, Some(at(2)));

    // The opening waits for another try, and so does the thread behind it.
    store.try_again(owed[0].id, at(60), "Discord said 503").await?;
    store.delivered(owed[1].id, 2, None, at(10)).await?;
    assert!(store.owed(at(59), 10).await?.rows.is_empty());
    assert_eq!(store.next_owed().await?, Some(at(60)));
    let owed = store.owed(at(60), 10).await?.rows;
    assert_eq!((&owed[0].owed, owed[0].attempts), (&Owed::Opening, 1));

    // Given up, it holds nothing back any more.
    store.given_up(owed[0].id, "the channel is gone", at(61)).await?;
    assert_eq!(store.owed(at(61), 10).await?.rows[0].owed, Owed::Thread);
    let state = OutboxState {
        owed: 1,
        oldest: Some(at(2)),
        given_up: 1,
    };
    assert_eq!(store.outbox_state().await?, state);
    // What is settled stays settled.
    store.try_again(owed[0].id, at(70), "late").await?;
    store.delivered(owed[0].id, 9, None, at(70)).await?;
    assert_eq!(store.outbox_state().await?, state);
    Ok(())
}

#[tokio::test]
async fn a_board_that_waits_goes_on_waiting_when_more_happens() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store
        .commit(&[course.start()?, course.owing("a", &[Owed::Board])?])
        .await?;
    let board = store.owed(at(10), 1).await?.rows[0].id;
    store.try_again(board, at(60), "Discord said 429").await?;
    store.commit(&[course.owing("b", &[Owed::Board])?]).await?;
    assert!(store.owed(at(59), 10).await?.rows.is_empty());
    let owed = store.owed(at(60), 10).await?.rows;
    assert_eq!((owed[0].id, owed[0].seq, owed[0].attempts), (board, 3, 1));
    Ok(())
}

#[tokio::test]
async fn a_damaged_message_owed_is_named_and_keeps_no_other_back() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let (mut one, mut two) = (Course::new(1), Course::new(2));
    store
        .commit(&[
            one.start()?,
            two.start()?,
            one.owing("a", &[Owed::Board])?,
            two.owing("a", &[Owed::Board])?,
        ])
        .await?;
    place
        .raw_sql("UPDATE outbox SET owed = '{\"owed\":\"money\"}' WHERE deployment_id = 1")
        .await?;
    let owed = store.owed(at(10), 10).await?;
    assert_eq!(owed.rows.len(), 1);
    assert_eq!(owed.rows[0].deployment, two.id);
    let [unreadable] = &owed.unreadable[..] else {
        return Err(format!("{owed:?}").into());
    };
    assert_eq!((unreadable.deployment, unreadable.attempts), (one.id, 0));
    let row = &unreadable.corrupt;
    assert_eq!((row.table, row.column, row.row.as_str()), ("outbox", "owed", "1"));

    // It waits like any other, and is what comes due next while the other is under way.
    store
        .try_again(unreadable.id, at(60), "it cannot be read")
        .await?;
    assert!(store.owed(at(59), 10).await?.unreadable.is_empty());
    assert_eq!(store.next_owed_after(at(10)).await?, Some(at(60)));
    assert_eq!(store.next_owed_after(at(60)).await?, None);
    Ok(())
}

fn key(name: &str) -> TimerKey {
    TimerKey(format!("ping:{name}"))
}

fn timer(name: &str, due: i64) -> Timer {
    Timer {
        key: key(name),
        due: at(due),
        then: Then::Ping {
            role: RoleKey::new(name),
            ping: 1,
        },
    }
}

/// A unit of one remark with these timers.
fn with_timers(
    course: &mut Course,
    input: &str,
    set: &[Timer],
    stop: &[TimerKey],
) -> Result<Unit, Box<dyn std::error::Error>> {
    let mut unit = course.unit(input, vec![noted(input)])?;
    unit.set = set.to_vec();
    unit.stop = stop.to_vec();
    Ok(unit)
}

#[tokio::test]
async fn timers_are_set_replaced_stopped_and_fired() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let (mut one, mut two) = (Course::new(1), Course::new(2));
    store.commit(&[one.start()?, two.start()?]).await?;
    assert_eq!(store.next_due().await?, None);
    store
        .commit(&[
            with_timers(&mut one, "a", &[timer("qa", 60), timer("lead", 30)], &[])?,
            with_timers(&mut two, "a", &[timer("qa", 45)], &[])?,
        ])
        .await?;
    assert_eq!(store.next_due().await?, Some(at(30)));
    assert!(store.due_pings(at(29), 10).await?.is_empty());

    // However late, all are found, the longest due first.
    let due = store.due_pings(at(100_000), 10).await?;
    let what: Vec<_> = due
        .iter()
        .map(|due| (due.deployment, due.timer.clone()))
        .collect();
    assert_eq!(
        what,
        [
            (one.id, timer("lead", 30)),
            (two.id, timer("qa", 45)),
            (one.id, timer("qa", 60))
        ]
    );
    assert_eq!(store.due_pings(at(100_000), 2).await?.len(), 2);

    // Set again, a timer is replaced; another deployment's of the same key is not.
    store
        .commit(&[with_timers(&mut one, "b", &[timer("lead", 90)], &[key("qa")])?])
        .await?;
    assert_eq!(store.next_due().await?, Some(at(45)));

    // Fired, it goes, and the same unit may set the next; without events too.
    let mut fired = two.unit("fired", Vec::new())?;
    fired.fired = Some((key("qa"), at(45)));
    fired.set = vec![timer("qa", 75)];
    store.commit(&[fired]).await?;
    assert_eq!(store.next_due().await?, Some(at(75)));

    // One that was set anew meanwhile is not taken for the one that fired.
    let mut late = two.unit("late", Vec::new())?;
    late.fired = Some((key("qa"), at(45)));
    store.commit(&[late]).await?;
    store.drop_timer(two.id, &key("qa"), at(45)).await?;
    assert_eq!(store.next_due().await?, Some(at(75)));
    store.drop_timer(two.id, &key("qa"), at(75)).await?;
    assert_eq!(store.next_due().await?, Some(at(90)));
    Ok(())
}

#[tokio::test]
async fn units_of_one_batch_touch_timers_in_their_order() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store
        .commit(&[
            course.start()?,
            with_timers(
                &mut course,
                "a",
                &[timer("set, stopped", 10), timer("set, fired", 11)],
                &[],
            )?,
            with_timers(
                &mut course,
                "b",
                &[timer("set anew, fired", 12)],
                &[key("set, stopped")],
            )?,
            with_timers(
                &mut course,
                "c",
                &[timer("stopped, set", 13)],
                &[key("stopped, set")],
            )?,
        ])
        .await?;
    let mut one = course.unit("d", Vec::new())?;
    one.fired = Some((key("set, fired"), at(11)));
    let mut two = with_timers(&mut course, "e", &[timer("set anew, fired", 14)], &[])?;
    two.fired = Some((key("stopped, set"), at(13)));
    let mut three = course.unit("f", Vec::new())?;
    three.fired = Some((key("set anew, fired"), at(12)));
    store.commit(&[one, two, three]).await?;
    let left: Vec<_> = store
        .due_pings(at(1000), 10)
        .await?
        .into_iter()
        .map(|due| due.timer)
        .collect();
    assert_eq!(left, [timer("set anew, fired", 14)]);
    Ok(())
}

#[tokio::test]
async fn what_was_owed_and_set_outlives_the_process() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let mut course = Course::new(1);
    store
        .commit(&[
            course.start()?,
            course.owing("a", &[Owed::Opening])?,
            with_timers(&mut course, "b", &[timer("qa", 60)], &[])?,
        ])
        .await?;
    drop(store);
    let store = place.open().await?;
    assert_eq!(store.owed(at(100_000), 10).await?.rows.len(), 1);
    assert_eq!(store.due_pings(at(100_000), 10).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_damaged_timer_keeps_no_other_back() -> Outcome {
    let place = Place::new()?;
    let store = place.open().await?;
    let (mut one, mut two) = (Course::new(1), Course::new(2));
    store.commit(&[one.start()?, two.start()?]).await?;
    store
        .commit(&[
            with_timers(&mut one, "a", &[timer("qa", 30)], &[])?,
            with_timers(&mut two, "a", &[timer("qa", 45), timer("lead", 90)], &[])?,
        ])
        .await?;
    place
        .raw_sql("UPDATE timers SET happens = '{}' WHERE deployment_id = 1")
        .await?;
    let due: Vec<_> = store
        .due_pings(at(50), 10)
        .await?
        .into_iter()
        .map(|due| due.timer)
        .collect();
    assert_eq!(due, [timer("qa", 45)]);
    // What is waited for next is one that is still to come.
    assert_eq!(store.next_due_after(at(50)).await?, Some(at(90)));
    Ok(())
}
