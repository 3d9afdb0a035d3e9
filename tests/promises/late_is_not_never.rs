//! Promise 5: late is not never.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use discord_stand_in::StandIn;
use holdpoint::clock::{Clock, ManualClock};
use holdpoint::domain::event::Event;
use holdpoint::domain::sign_off::Rank;
use holdpoint::engine::{Engine, Outbox, Timers};
use tokio_util::sync::CancellationToken;

use super::house::{
    CHANNEL, DRAIN, GUILD, House, Open, card_in, events, history, member, minutes, options, place, until,
    until_events,
};

/// Deployments whose timers come due while the bot is down.
const TIMERS: u64 = 1000;

async fn pings(
    engine: &Engine,
    id: holdpoint::domain::ids::DeploymentId,
) -> Vec<(u32, jiff::Timestamp, jiff::Timestamp)> {
    history(engine, id)
        .await
        .recorded
        .iter()
        .filter_map(|recorded| match &recorded.event {
            Event::Pinged { ping, due, .. } => Some((*ping, *due, recorded.at)),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_timers_that_came_due_meanwhile_fire_once_each_the_first_at_once() {
    let house = House::new();
    let open = house.open().await;
    for number in 0..TIMERS {
        open.start(number, GUILD, CHANNEL).await;
    }
    let due = house.clock.now() + minutes(10);
    open.close().await;

    house.clock.advance(minutes(60));
    let begun = Instant::now();
    let open = house.open().await;
    let stop = CancellationToken::new();
    let timers = tokio::spawn(Timers::new(open.engine.clone()).run(stop.clone()));
    let ids = open
        .engine
        .store()
        .recorded()
        .await
        .expect("the deployments can be read");
    let mut first = None;
    for id in &ids {
        until("a ping", async || !pings(&open.engine, *id).await.is_empty()).await;
        first.get_or_insert_with(|| begun.elapsed());
    }
    let first = first.expect("there are deployments");
    assert!(first < Duration::from_secs(1), "the first took {first:?}");
    stop.cancel();
    timers.await.expect("the worker ends well");
    for id in &ids {
        assert_eq!(
            pings(&open.engine, *id).await,
            [(1, due, house.clock.now())],
            "{id}"
        );
    }
    // Nothing is left to fire, and a second look fires nothing again.
    Timers::new(open.engine.clone())
        .pass()
        .await
        .expect("the timers can be read");
    for id in &ids {
        assert_eq!(events(&open, *id, "pinged").await, 1, "{id}");
    }
    open.close().await;
}

#[tokio::test]
async fn a_clock_that_goes_back_or_ahead_an_hour_makes_nothing_early_and_nothing_twice() {
    let house = House::new();
    let open = house.open().await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    let timers = Timers::new(open.engine.clone());
    let due = house.clock.now() + minutes(10);
    let look = async |open: &Open| {
        timers.pass().await.expect("the timers can be read");
        pings(&open.engine, id).await.len()
    };
    house.clock.set(due - jiff::SignedDuration::from_millis(1));
    assert_eq!(look(&open).await, 0, "a millisecond early");
    house.clock.advance(minutes(-60));
    assert_eq!(look(&open).await, 0, "an hour back");
    house.clock.set(due);
    assert_eq!(look(&open).await, 1, "in time");
    house.clock.advance(minutes(-60));
    assert_eq!(look(&open).await, 1, "back again");
    house.clock.set(due);
    assert_eq!(look(&open).await, 1, "the same moment twice");
    house.clock.advance(minutes(60));
    assert_eq!(look(&open).await, 1, "the ladder has one ping");
    open.close().await;
}

/// Is ahead for one look, and goes back.
#[derive(Debug)]
struct GoesBack {
    clock: ManualClock,
    ahead: Mutex<Option<jiff::Timestamp>>,
}

#[async_trait]
impl Clock for GoesBack {
    fn now(&self) -> jiff::Timestamp {
        let ahead = self.ahead.lock().expect("no look panics").take();
        ahead.unwrap_or_else(|| self.clock.now())
    }

    async fn sleep_until(&self, deadline: jiff::Timestamp) {
        self.clock.sleep_until(deadline).await;
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_between_the_look_and_the_decision_loses_no_ping() {
    let house = House::new();
    let clock = Arc::new(GoesBack {
        clock: house.clock.clone(),
        ahead: Mutex::new(None),
    });
    let open = house.open_by(Arc::<GoesBack>::clone(&clock)).await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    let due = house.clock.now() + minutes(10);
    let timers = Timers::new(open.engine.clone());
    *clock.ahead.lock().expect("no look panics") = Some(due);
    let next = timers.pass().await.expect("the timers can be read");
    assert_eq!(next, Some(due), "it still waits for its time");
    assert_eq!(pings(&open.engine, id).await, []);

    house.clock.set(due);
    timers.pass().await.expect("the timers can be read");
    assert_eq!(pings(&open.engine, id).await, [(1, due, due)]);
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_ping_says_how_late_and_a_reaction_made_meanwhile_is_found() {
    let house = House::new();
    let stand_in = StandIn::start(options()).await.expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    let open = house.open().await;
    open.own(guild, member(&stand_in, "Theo"), Rank::Owner).await;
    open.own(guild, member(&stand_in, "Dana"), Rank::Deputy).await;
    let id = open.start(1, guild, channel).await.id;
    let stop = CancellationToken::new();
    let outbox = Outbox::new(open.engine.clone(), open.discord(&stand_in).await.courier());
    outbox.pass(&stop).await.expect("the messages are posted");
    open.close().await;

    // Down for an hour.
    house.clock.advance(minutes(60));
    let (thread, card) = card_in(&stand_in, "1.0.1").await;

    let open = house.open().await;
    let discord = open.discord(&stand_in).await;
    let outbox = Outbox::new(open.engine.clone(), discord.courier());
    Timers::new(open.engine.clone())
        .pass()
        .await
        .expect("the timers can be read");
    outbox.pass(&stop).await.expect("the messages are posted");
    let ping = thread
        .wait_for_message(|message| message.text().contains("late"))
        .await
        .expect("it says that it is late");
    assert!(
        ping.text().contains("This ping was due") && ping.text().contains("50"),
        "{}",
        ping.text()
    );
    assert_eq!(stand_in.pings_of(&ping).users, ["Dana"]);

    stand_in
        .person("Theo")
        .expect("Theo")
        .react(&card, "✅")
        .expect("he reacts");
    assert_eq!(events(&open, id, "approved").await, 0, "nobody listens yet");
    let connected = tokio::spawn(discord.run(stop.clone(), DRAIN));
    // The board's edit is only owed once the signature is on disk, so the outbox is what tells of it.
    until_events(&open, id, "approved", 1).await;
    stop.cancel();
    connected.await.expect("no panic").expect("it ends well");
    assert_eq!(events(&open, id, "approved").await, 1);
    open.close().await;
    stand_in.shutdown().await;
}
