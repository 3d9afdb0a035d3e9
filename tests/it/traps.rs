//! What goes wrong between a bot and Discord, and what people see of it: nothing twice, nothing lost.

use std::time::{Duration, Instant};

use discord_stand_in::permissions::{MANAGE_MESSAGES, PIN_MESSAGES, USUAL_FOR_A_BOT};
use discord_stand_in::{Fault, RateLimitScope, RateLimits, Requests};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;

use crate::harness::{ONE_ROLE, SMALL, Seed, World};

const CREATE: &str = "/channels/*/messages";
const EDIT: &str = "/channels/*/messages/*";

#[tokio::test(flavor = "multi_thread")]
async fn an_interaction_that_comes_twice_is_applied_once() {
    let world = World::with(&[("small", SMALL)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    world.mara().deploy(&run, "note", &[("text", "said once")]).await;
    assert!(world.stand_in.gateway().replay_last_interaction());
    // The second answer is refused by Discord, as the first was taken: then the repeat has been dealt with.
    world.expect_refusals(1, 400, "POST /interactions/{interaction}/{token}/callback");
    world
        .until("the repeated interaction", async || {
            world
                .stand_in
                .requests()
                .iter()
                .any(|request| request.status == Some(400))
        })
        .await;
    assert_eq!(world.deployment(&run).await.notes.len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_reply_makes_no_second_message() {
    let world = World::with(&[("one-role", ONE_ROLE)]).await;
    let (mara, faults) = (world.mara(), world.stand_in.faults());
    mara.lets_hold("tech-lead", "Theo", "owner").await;
    // The opening is posted and the reply lost, then the same of the board.
    faults.next(1, Requests::of("POST", CREATE), Fault::LoseReply);
    let options = [
        ("checklist", "one-role"),
        ("version", "1"),
        ("environment", "staging"),
    ];
    mara.slash(&world.releases(), "deploy start", &options).await;
    world.retry().await;
    let run = mara.finds(&world.releases(), 1).await;
    world.settle().await;
    // A card with its ping; a second ping would be unread at the end.
    faults.next(1, Requests::of("POST", CREATE), Fault::LoseReply);
    mara.deploy(&run, "tick", &[("item", "1")]).await;
    world.retry().await;
    world.card(&run, "Tech Lead", &["Theo"]).await;
    // Hours later the nonce is forgotten, and the channel is read instead.
    world.settle().await;
    faults.next(1, Requests::of("POST", CREATE), Fault::LoseReply);
    world.advance(15);
    world.retry().await;
    world
        .hear(
            &run.thread,
            "It has no deputy, so this goes to the owners",
            &["Theo"],
        )
        .await;
    assert_eq!(faults.happened(), 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_board_is_right_in_the_end_when_discord_fails_for_a_while() {
    let world = World::with(&[("small", SMALL)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    world.settle().await;
    let faults = world.stand_in.faults();
    faults.next(3, Requests::of("PATCH", EDIT), Fault::Status(503));
    world.expect_some_refusals(503, "PATCH /channels/{channel}/messages/{message}");
    world.mara().tick(&run, "1.1").await;
    for _ in 0..3 {
        world.retry().await;
    }
    let board = world.board(&run).await;
    assert!(
        board.text().contains("1/4 Before") || board.text().contains("**1/"),
        "{}",
        board.text()
    );
    assert_eq!(faults.happened(), 3);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discords_retry_after_is_obeyed() {
    const WAIT: Duration = Duration::from_millis(1200);
    let world = World::with(&[("small", SMALL)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    world.settle().await;
    let limited = Fault::RateLimited {
        scope: RateLimitScope::User,
        retry_after: WAIT,
    };
    world
        .stand_in
        .faults()
        .next(1, Requests::of("PATCH", EDIT), limited);
    world.expect_refusals(1, 429, "PATCH /channels/{channel}/messages/{message}");
    world.mara().tick(&run, "1.1").await;
    let board = world.board(&run).await;
    assert!(board.text().contains("1/"), "{}", board.text());
    let edits: Vec<(Option<u16>, Timestamp)> = world
        .stand_in
        .requests()
        .into_iter()
        .filter(|request| request.name == "PATCH /channels/{channel}/messages/{message}")
        .map(|request| (request.status, request.at.parse().unwrap()))
        .collect();
    let refused = edits.iter().position(|(status, _)| *status == Some(429)).unwrap();
    let waited = edits[refused + 1].1.duration_since(edits[refused].1);
    assert!(
        waited.unsigned_abs() + Duration::from_millis(50) >= WAIT,
        "it waited only {waited}"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_rate_limit_and_the_next_start_makes_the_edit() {
    /// Many times what a stop takes, and half of what `shutdown.drain` gives it.
    const PROMPTLY: Duration = Duration::from_secs(5);
    const EDITS: &str = "PATCH /channels/{channel}/messages/{message}";
    let mut world = World::with(&[("small", SMALL)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    world.settle().await;
    let before = world.requests(EDITS);
    let limited = Fault::RateLimited {
        scope: RateLimitScope::User,
        retry_after: Duration::from_hours(1),
    };
    world
        .stand_in
        .faults()
        .next(1, Requests::of("PATCH", EDIT), limited);
    world.expect_refusals(1, 429, EDITS);
    world.mara().tick(&run, "1.1").await;
    world
        .until("the edit that meets the limit", async || {
            let requests = world.stand_in.requests();
            requests.iter().any(|request| request.status == Some(429))
        })
        .await;

    let begun = Instant::now();
    world.stop_bot().await;
    let took = begun.elapsed();
    assert!(took < PROMPTLY, "it took {took:?}");
    assert_eq!(world.requests(EDITS), before, "nothing was edited");

    world.start_bot().await;
    let board = world.board(&run).await;
    assert!(board.text().contains("1/"), "{}", board.text());
    assert_eq!(world.requests(EDITS), before + 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_ticks_in_a_row_are_few_edits_of_the_board() {
    let items: Vec<String> = (1..=60).map(|number| format!("- [ ] Item {number}")).collect();
    let items = items.join("\n");
    let world = Seed::default()
        .checklist("long", &format!("# Long\n\n{items}\n"))
        .rate_limits(RateLimits::Scaled(0.2))
        .start()
        .await;
    let run = world.mara().start("long", "1", "staging").await;
    for number in 1..=60 {
        world
            .mara()
            .deploy(&run, "tick", &[("item", &number.to_string())])
            .await;
    }
    let board = world.board(&run).await;
    assert!(board.text().contains("60/60"), "{}", board.text());
    let edits = world.requests("PATCH /channels/{channel}/messages/{message}");
    assert!((1..=30).contains(&edits), "{edits} edits");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_board_that_was_deleted_comes_back() {
    let world = World::with(&[("small", SMALL)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    let board = world.board(&run).await;
    let path = format!("/channels/{}/messages/{}", run.thread.id(), board.id());
    assert!(
        world
            .asks_discord(Method::DELETE, &path, json!({}))
            .await
            .is_success()
    );
    world.expect_refusals(1, 404, "PATCH /channels/{channel}/messages/{message}");
    world.mara().tick(&run, "1.1").await;
    let anew = world.board(&run).await;
    assert_ne!(anew.id(), board.id());
    world.read(&anew, &[]);
    world.mara().tick(&run, "1.2.1").await;
    assert_eq!(
        world.board(&run).await.id(),
        anew.id(),
        "the new one is edited from then on"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_permission_to_pin_the_board_is_there_all_the_same() {
    let world = Seed::default()
        .checklist("small", SMALL)
        .bot_permissions(USUAL_FOR_A_BOT & !PIN_MESSAGES & !MANAGE_MESSAGES)
        .start()
        .await;
    world.expect_refusals(1, 403, "PUT /channels/{channel}/pins/{message}");
    let run = world.mara().start("small", "2.4.1", "staging").await;
    world.mara().tick(&run, "1.1").await;
    world.settle().await;
    assert!(run.thread.pins().is_empty());
    let boards: Vec<_> = run
        .thread
        .messages()
        .into_iter()
        .filter(|message| message.button("Log").is_some())
        .collect();
    assert!(boards.len() == 1 && boards[0].text().contains("1/"), "{boards:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_that_discord_has_closed_is_opened_again() {
    let world = World::with(&[("small", SMALL)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    world.settle().await;
    let path = format!("/channels/{}", run.thread.id());
    assert!(
        world
            .asks_discord(Method::PATCH, &path, json!({ "archived": true }))
            .await
            .is_success()
    );
    assert!(run.thread.is_archived());
    world.expect_refusals(1, 400, "PATCH /channels/{channel}/messages/{message}");
    let number = run.number.to_string();
    let options = [("item", "1.1"), ("deployment", number.as_str())];
    world
        .mara()
        .slash(&world.releases(), "deploy tick", &options)
        .await;
    let board = world.board(&run).await;
    assert!(board.text().contains("1/"), "{}", board.text());
    assert!(!run.thread.is_archived());
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_drops_is_resumed_and_loses_nothing() {
    let world = World::with(&[("small", SMALL)]).await;
    let run = world.mara().start("small", "2.4.1", "staging").await;
    let gateway = world.stand_in.gateway();
    gateway.drop_sockets();
    gateway.wait_for_resumes(1).await.unwrap();
    world.mara().tick(&run, "1.1").await;
    gateway.request_reconnect();
    gateway.wait_for_resumes(2).await.unwrap();
    world.mara().tick(&run, "1.2.1").await;
    assert_eq!(gateway.identified(), 1);
    world.finish().await;
}
