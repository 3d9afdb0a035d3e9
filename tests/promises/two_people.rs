//! Promise 3: two people at once are both heard, or one is told.

use std::process::Command as Process;
use std::sync::Arc;

use futures_util::future::join;
use holdpoint::domain::command::Context;
use holdpoint::domain::decide::decide;
use holdpoint::domain::ids::InputId;
use holdpoint::domain::refusal::Refusal;
use holdpoint::engine::HandleError;
use holdpoint::store::Unit;

use super::house::{CHANNEL, GUILD, House, MARA, THEO, acting, change, events, tick, untick};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_tick_one_item_at_once_one_ticks_it_and_the_other_is_told() {
    let house = House::new();
    let open = house.open().await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    for round in 0..50 {
        let tick_by = |who| {
            let engine = open.engine.clone();
            tokio::spawn(async move {
                engine
                    .handle(change(format!("tick:{round}:{who}"), who, id, tick("2.1")))
                    .await
            })
        };
        let (mara, theo) = join(tick_by(MARA), tick_by(THEO)).await;
        let told = match (mara.expect("no panic"), theo.expect("no panic")) {
            (Ok(_), Err(told)) | (Err(told), Ok(_)) => told,
            (mara, theo) => panic!("round {round}: {mara:?} and {theo:?}"),
        };
        assert!(
            matches!(told, HandleError::Refused(Refusal::AlreadyClosed { .. })),
            "round {round}: {told}"
        );
        open.change(format!("untick:{round}"), MARA, id, untick("2.1"))
            .await
            .expect("it is opened again");
    }
    assert_eq!(events(&open, id, "ticked").await, 50);
    open.close().await;
}

#[tokio::test]
async fn what_was_decided_on_a_history_that_has_moved_on_is_decided_again() {
    let house = House::new();
    let open = house.open().await;
    let before = open.start(1, GUILD, CHANNEL).await;
    // Somebody writes past the desk, as a second program would.
    let owners = open.engine.owners(GUILD).await.expect("owners can be read");
    let actor = acting(THEO);
    let context = Context {
        now: open.engine.now(),
        actor: &actor,
        rights: open.engine.rules().rights(GUILD),
        owners: &owners,
        four_eyes: open.engine.rules().four_eyes,
    };
    let decided = decide(&before, tick("2.1"), &context).expect("Theo ticks");
    let unit = Unit {
        input: InputId::new("past the desk"),
        at: context.now,
        deployment: before.id,
        events: decided.events.into(),
        owed: Vec::new(),
        set: Vec::new(),
        stop: Vec::new(),
        fired: None,
        after: Arc::new(decided.after),
        checklist: None,
    };
    open.engine.store().commit(&[unit]).await.expect("it is written");

    let told = open.change("the same item", MARA, before.id, tick("2.1")).await;
    assert!(
        matches!(
            told,
            Ok(_) | Err(HandleError::Refused(Refusal::AlreadyClosed { .. }))
        ),
        "decided again, it is refused: {told:?}"
    );
    assert!(told.is_err(), "what Theo did is known to the second decision");
    open.change("another", MARA, before.id, tick("2.2"))
        .await
        .expect("another item is ticked");
    assert_eq!(events(&open, before.id, "ticked").await, 2);
    open.engine.store().verify().await.expect("the history proves");
    open.close().await;
}

#[tokio::test]
async fn a_second_process_on_one_database_is_refused_and_told_who_has_it() {
    let house = House::new();
    let open = house.open().await;
    let refused = Process::new(env!("CARGO_BIN_EXE_holdpoint"))
        .arg("serve")
        .env("HOLDPOINT__DISCORD__TOKEN", "promises")
        .env("HOLDPOINT__DATABASE__PATH", house.database())
        .env("HOLDPOINT__HTTP__LISTEN", "127.0.0.1:0")
        .env("HOLDPOINT__CHECKLISTS__DIRECTORY", house.file("checklists"))
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains(&format!("in use by process {}", std::process::id())),
        "{said}"
    );
    open.close().await;
}
