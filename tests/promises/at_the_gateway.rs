//! What the gateway does wrong, and that nothing is lost by it.

use std::time::Duration;

use discord_stand_in::{Greeting, HeartbeatAnswers, Options, StandIn};
use holdpoint::discord::{GatewayState, Patience};
use holdpoint::domain::sign_off::Rank;
use holdpoint::engine::Outbox;
use tokio_util::sync::CancellationToken;

use super::house::{DRAIN, House, card_in, events, member, options, place, until, until_events};

/// Long enough for serenity, which waits five seconds between two sessions.
fn patient() -> Options {
    Options {
        patience: Duration::from_secs(40),
        ..options()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_made_while_heartbeats_went_unanswered_is_found_by_the_next_session() {
    let house = House::new();
    let stand_in = StandIn::start(Options {
        heartbeat_interval: Duration::from_millis(500),
        ..patient()
    })
    .await
    .expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    let open = house.open().await;
    open.own(guild, member(&stand_in, "Theo"), Rank::Owner).await;
    let id = open.start(1, guild, channel).await.id;
    let discord = open.discord(&stand_in).await;
    let stop = CancellationToken::new();
    Outbox::new(open.engine.clone(), discord.courier())
        .pass(&stop)
        .await
        .expect("the messages are posted");
    let connected = tokio::spawn(discord.run(stop.clone(), DRAIN));
    let gateway = stand_in.gateway();
    gateway.wait_for_identifies(1).await.expect("the bot connects");
    let (_, card) = card_in(&stand_in, "1.0.1").await;

    // The looks at the card that every start makes are over, when it is posted and when it connects: each reads the message,
    // and no more, as nobody but the bot reacts.
    let looks = |request: &discord_stand_in::RecordedRequest| {
        request.name == "GET /channels/{channel}/messages/{message}" && request.status == Some(200)
    };
    until("two looks at the card", async || {
        let requests = stand_in.requests();
        requests.iter().filter(|request| looks(request)).count() >= 2
    })
    .await;

    // The connection is dead without a word: heartbeats are not answered, events do not come.
    gateway.hold();
    gateway.answer_heartbeats(HeartbeatAnswers::Withheld);
    stand_in
        .person("Theo")
        .expect("Theo")
        .react(&card, "✅")
        .expect("he reacts");
    // The event is held, so only a new session can tell of it.
    assert_eq!(events(&open, id, "approved").await, 0);
    gateway
        .wait_until_disconnected()
        .await
        .expect("the bot gives the connection up");
    gateway.answer_heartbeats(HeartbeatAnswers::Given);
    gateway.release();
    gateway.wait_for_identifies(2).await.expect("it connects anew");
    until_events(&open, id, "approved", 1).await;
    stop.cancel();
    connected.await.expect("no panic").expect("it ends well");
    assert_eq!(events(&open, id, "approved").await, 1);
    open.close().await;
    stand_in.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_never_greeted_is_made_anew() {
    let house = House::new();
    let stand_in = StandIn::start(patient()).await.expect("the stand-in starts");
    let open = house.open().await;
    let patience = Patience {
        look: Duration::from_millis(50),
        silence: Duration::from_millis(500),
        restarts: 30,
    };
    stand_in.gateway().greet(Greeting::Withheld);
    let discord = open.discord(&stand_in).await.with_patience(patience);
    let mut state = discord.state();
    let stop = CancellationToken::new();
    let connected = tokio::spawn(discord.run(stop.clone(), DRAIN));
    assert_eq!(*state.borrow_and_update(), GatewayState::Down);
    // The watchdog says that it is down before it tries again.
    state.changed().await.expect("the bot runs");
    stand_in.gateway().greet(Greeting::Given);
    stand_in
        .gateway()
        .wait_for_identifies(1)
        .await
        .expect("it is made anew");
    let up = tokio::time::timeout(
        Duration::from_secs(20),
        state.wait_for(|state| *state == GatewayState::Up),
    )
    .await;
    up.expect("it is up in time").expect("the bot runs");
    stop.cancel();
    connected.await.expect("no panic").expect("it ends well");
    open.close().await;
    stand_in.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_stays_dead_is_left_to_a_supervisor() {
    let house = House::new();
    let stand_in = StandIn::start(patient()).await.expect("the stand-in starts");
    let open = house.open().await;
    let patience = Patience {
        look: Duration::from_millis(50),
        silence: Duration::from_millis(200),
        restarts: 0,
    };
    stand_in.gateway().greet(Greeting::Withheld);
    let discord = open.discord(&stand_in).await.with_patience(patience);
    let ended = tokio::time::timeout(
        Duration::from_secs(30),
        discord.run(CancellationToken::new(), DRAIN),
    )
    .await;
    let lost = ended.expect("it ends in time").expect_err("it does not end well");
    assert!(
        lost.to_string().contains("so that a supervisor starts afresh"),
        "{lost}"
    );
    open.close().await;
    stand_in.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_dropped_under_load_lose_and_double_nothing() {
    let house = House::new();
    let stand_in = StandIn::start(patient()).await.expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    let open = house.open().await;
    let id = open.start(1, guild, channel).await.id;
    let discord = open.discord(&stand_in).await;
    let stop = CancellationToken::new();
    Outbox::new(open.engine.clone(), discord.courier())
        .pass(&stop)
        .await
        .expect("the messages are posted");
    let connected = tokio::spawn(discord.run(stop.clone(), DRAIN));
    let gateway = stand_in.gateway();
    gateway.wait_for_identifies(1).await.expect("the bot connects");
    stand_in
        .wait_for_command("deploy")
        .await
        .expect("the commands are known");
    let thread = stand_in
        .wait_for_thread(|name| name.contains("1.0.1"))
        .await
        .expect("the thread");
    let mara = stand_in.person("Mara").expect("Mara");
    let mut acknowledged = 0;
    for round in 0..20_u64 {
        let asked: Vec<_> = (0..8)
            .map(|one| {
                let text = format!("note {round}.{one}");
                mara.slash(&thread, "deploy note", &[("text", text.as_str())])
                    .expect("it is sent")
            })
            .collect();
        // What was sent before is in the session's buffer, and comes with the resumption.
        gateway.drop_sockets();
        gateway
            .wait_for_resumes(round + 1)
            .await
            .expect("the session goes on");
        gateway.replay_last_interaction();
        for one in asked {
            acknowledged += usize::from(one.message().await.is_ok());
        }
    }
    stop.cancel();
    connected.await.expect("no panic").expect("it ends well");
    let noted = events(&open, id, "noted").await;
    assert_eq!((acknowledged, noted), (160, 160));
    open.engine.store().verify().await.expect("the history proves");
    open.close().await;
    stand_in.shutdown().await;
}
