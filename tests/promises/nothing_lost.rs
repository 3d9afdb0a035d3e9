//! Promise 1: nothing acknowledged is lost.

use std::future::Future as _;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use holdpoint::domain::command::Command;
use holdpoint::domain::effects::TimerKey;
use holdpoint::domain::ids::DeploymentId;
use holdpoint::domain::text::Remark;
use holdpoint::store::ProjectionRow;

use super::house::{CHANNEL, GUILD, House, MARA, change, events, tick, untick};

/// Callers at once.
const CALLERS: usize = 64;
/// How often the desk is cut off.
const CUTS: usize = 20;

fn note(text: &str) -> Command {
    Command::Note {
        item: None,
        text: Remark::parse(text).expect("a remark"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_the_desk_was_cut_off() {
    let house = House::new();
    let open = house.open().await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    open.close().await;
    let mut acknowledged = Vec::new();
    for cut in 0..CUTS {
        let open = house.open().await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (engine, tell) = (open.engine.clone(), tell.clone());
                tokio::spawn(async move {
                    for turn in 0_usize.. {
                        let text = format!("{cut}.{caller}.{turn}");
                        if engine
                            .handle(change(text.as_str(), MARA, id, note(&text)))
                            .await
                            .is_err()
                        {
                            return;
                        }
                        if tell.send(text).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        drop(tell);
        // Another moment each time, told by the work done and not by a clock.
        for _ in 0..=(cut * 37 % 200) {
            acknowledged.push(told.recv().await.expect("the desk answers"));
        }
        open.cut_off().await;
        for caller in callers {
            caller.await.expect("a caller ends well");
        }
        while let Some(text) = told.recv().await {
            acknowledged.push(text);
        }
    }
    let open = house.open().await;
    let history = open
        .engine
        .store()
        .history(id)
        .await
        .expect("a history")
        .expect("it is there");
    let log = serde_json::to_string(&history.recorded).expect("it can be written");
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|text| !log.contains(&format!("\"{text}\"")))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged notes are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
    assert!(acknowledged.len() > CUTS * CALLERS / 2);
    open.engine.store().verify().await.expect("the history proves");
    // What is in memory is what the events say.
    let folded = open
        .engine
        .any_deployment(id)
        .await
        .expect("it can be read")
        .expect("it is there");
    assert_eq!(ProjectionRow::of(&folded).seq as usize, history.recorded.len());
    open.close().await;
}

#[tokio::test]
async fn a_caller_who_goes_away_at_any_await_leaves_nothing_open() {
    let house = House::new();
    let open = house.open().await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    for polls in 0..6_usize {
        let number = format!("gone:{polls}");
        {
            let mut handling = pin!(open.engine.handle(change(number, MARA, id, note("gone"))));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if let Poll::Ready(done) = handling.as_mut().poll(&mut context) {
                    done.expect("it is done");
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let next = if polls % 2 == 0 {
            tick("2.1")
        } else {
            untick("2.1")
        };
        open.change(format!("next:{polls}"), MARA, id, next)
            .await
            .expect("the next write succeeds");
    }
    // The first was never polled, so that it never came to the door; the others were taken.
    assert_eq!(events(&open, id, "noted").await, 5);
    open.close().await;
    let open = house.open().await;
    assert_eq!(events(&open, id, "noted").await, 5);
    open.engine.store().verify().await.expect("the history proves");
    open.close().await;
}

#[tokio::test]
async fn a_writer_of_the_store_who_goes_away_at_any_await_leaves_no_transaction_open() {
    let house = House::new();
    let open = house.open().await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    let store = open.engine.store();
    let none = TimerKey("none".to_owned());
    for polls in 0..8_usize {
        {
            let mut writing = pin!(store.drop_timer(DeploymentId(99), &none, open.engine.now()));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                if writing.as_mut().poll(&mut context).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        open.change(format!("note:{polls}"), MARA, id, note("still here"))
            .await
            .expect("the next write succeeds");
    }
    assert_eq!(events(&open, id, "noted").await, 8);
    open.close().await;
}
