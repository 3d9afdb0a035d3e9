//! Promise 2: nothing happens twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use discord_stand_in::{Channel, Fault, RateLimitScope, Requests, StandIn};
use futures_util::future::join_all;
use holdpoint::clock::Clock as _;
use holdpoint::engine::courier::{Courier, Delivery, PostedBefore, Trouble};
use holdpoint::engine::{Outbox, Repeated};
use holdpoint::store::Posted;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::house::{CHANNEL, GUILD, House, MARA, Open, change, events, options, place, tick};

/// Deployments whose messages are delivered under faults; each has an opening, a board and a card.
const DEPLOYMENTS: u64 = 170;
/// The faults' seed.
const SEED: u64 = 20_260_306;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_input_that_comes_64_times_at_once_and_again_after_a_restart_is_applied_once() {
    let house = House::new();
    let open = house.open().await;
    let id = open.start(1, GUILD, CHANNEL).await.id;
    let at_once = join_all((0..64).map(|_| {
        let engine = open.engine.clone();
        tokio::spawn(async move { engine.handle(change("the same", MARA, id, tick("2.1"))).await })
    }))
    .await;
    let repeated: Vec<_> = at_once
        .into_iter()
        .map(|handled| {
            handled
                .expect("no panic")
                .expect("each is told that it is done")
                .repeated
        })
        .collect();
    assert_eq!(
        repeated
            .iter()
            .filter(|repeated| **repeated == Repeated::No)
            .count(),
        1
    );
    assert_eq!(events(&open, id, "ticked").await, 1);
    open.cut_off().await;

    let open = house.open().await;
    let again = open
        .change("the same", MARA, id, tick("2.1"))
        .await
        .expect("it is told again that it is done");
    assert_eq!(again.repeated, Repeated::Yes);
    let start_again = open.start(1, GUILD, CHANNEL).await;
    assert_eq!(start_again.id, id, "a start that comes again starts nothing");
    assert_eq!(events(&open, id, "ticked").await, 1);
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_500_messages_none_is_lost_or_doubled_or_out_of_order_when_a_third_of_the_requests_fail() {
    let house = House::new();
    let stand_in = StandIn::start(options()).await.expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    let open = house.open().await;
    for number in 0..DEPLOYMENTS {
        open.start(number, guild, channel).await;
    }
    let outbox = Outbox::new(open.engine.clone(), open.discord(&stand_in).await.courier());
    let posts = || Requests::of("POST", "/channels/*/messages");
    let limited = Fault::RateLimited {
        scope: RateLimitScope::User,
        retry_after: Duration::from_millis(5),
    };
    stand_in.faults().sometimes(0.1, SEED, posts(), limited);
    stand_in
        .faults()
        .sometimes(0.1, SEED + 1, posts(), Fault::Status(500));
    stand_in
        .faults()
        .sometimes(0.12, SEED + 2, posts(), Fault::LoseReply);
    stand_in.faults().sometimes(
        0.05,
        SEED + 3,
        Requests::of("GET", "/channels/*/messages"),
        Fault::Status(503),
    );
    stand_in
        .faults()
        .sometimes(0.05, SEED + 4, Requests::all(), Fault::LoseReply);
    let passes = deliver_all(&house, &outbox).await;
    let happened = stand_in.faults().happened();
    assert!(
        happened > 100,
        "only {happened} faults in {passes} passes prove nothing"
    );
    stand_in.faults().clear();
    assert_each_is_posted_once(&open, &stand_in, SEED).await;
    open.close().await;
    stand_in.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_posting_and_writing_it_down_doubles_nothing() {
    let house = House::new();
    let stand_in = StandIn::start(options()).await.expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    let open = house.open().await;
    for number in 0..12 {
        open.start(number, guild, channel).await;
    }
    let courier = open.discord(&stand_in).await.courier();
    let cut = cut_off_again_and_again(&open, &courier).await;
    assert!(cut > 5, "only {cut} deliveries were cut off");
    // Each of them is now owed to another worker, as it would be to another process.
    deliver_all(&house, &Outbox::new(open.engine.clone(), courier)).await;
    assert_each_is_posted_once(&open, &stand_in, 0).await;
    open.close().await;
    stand_in.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_databases_that_count_alike_take_none_of_each_others_messages_for_their_own() {
    let stand_in = StandIn::start(options()).await.expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    for _ in 0..2 {
        let house = House::new();
        let open = house.open().await;
        open.start(0, guild, channel).await;
        // Whoever comes after the message was owed looks for it before it is posted.
        let outbox = Outbox::new(open.engine.clone(), open.discord(&stand_in).await.courier());
        deliver_all(&house, &outbox).await;
        open.close().await;
    }
    let channel = stand_in.channel("releases").expect("the channel");
    let nonces: BTreeSet<String> = channel
        .messages()
        .iter()
        .filter_map(|message| message.json()["nonce"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(nonces.len(), 2, "an opening of two is missing: {nonces:?}");
    assert!(nonces.iter().all(|nonce| nonce.len() <= 25), "{nonces:?}");
    assert_eq!(numbers(&channel), [1, 1], "both count from one");
    stand_in.shutdown().await;
}

/// The control: without the look at the channel, the same kills do double.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_between_posting_and_writing_it_down_would_double_without_the_look_at_the_channel() {
    let house = House::new();
    let stand_in = StandIn::start(options()).await.expect("the stand-in starts");
    let (guild, channel) = place(&stand_in);
    let open = house.open().await;
    open.start(0, guild, channel).await;
    let courier: Arc<dyn Courier> = Arc::new(Blind(open.discord(&stand_in).await.courier()));
    let cut = cut_off_again_and_again(&open, &courier).await;
    deliver_all(&house, &Outbox::new(open.engine.clone(), courier)).await;
    let posted = numbers(&stand_in.channel("releases").expect("the channel"));
    assert!(cut > 0);
    assert!(
        posted.len() > posted.iter().collect::<BTreeSet<_>>().len(),
        "nothing was doubled: {posted:?}"
    );
    open.close().await;
    stand_in.shutdown().await;
}

/// Delivers until nothing is owed; where a message waits for another try, the clock goes there.
async fn deliver_all(house: &House, outbox: &Outbox) -> usize {
    let stop = CancellationToken::new();
    for passes in 1..10_000 {
        match outbox.pass(&stop).await.expect("the outbox can be read") {
            None => return passes,
            Some(next) => house.clock.set(next.max(house.clock.now())),
        }
    }
    panic!("the messages are never all delivered")
}

/// Lets each delivery that posts be cut off right after it, each by a worker of its own.
async fn cut_off_again_and_again(open: &Open, courier: &Arc<dyn Courier>) -> usize {
    let mut cut = 0;
    for _ in 0..12 {
        let posted = Arc::new(Notify::new());
        let never: Arc<dyn Courier> = Arc::new(NeverReturns {
            inner: Arc::clone(courier),
            posted: Arc::clone(&posted),
        });
        let outbox = Outbox::new(open.engine.clone(), never);
        let stop = CancellationToken::new();
        tokio::select! {
            biased;
            () = posted.notified() => cut += 1,
            _ = outbox.pass(&stop) => break,
        }
    }
    cut
}

async fn assert_each_is_posted_once(open: &Open, stand_in: &StandIn, seed: u64) {
    let state = open
        .engine
        .store()
        .outbox_state()
        .await
        .expect("the outbox can be read");
    assert_eq!((state.owed, state.given_up), (0, 0), "seed {seed}");
    let mut openings = BTreeMap::new();
    for number in numbers(&stand_in.channel("releases").expect("the channel")) {
        *openings.entry(number).or_insert(0_usize) += 1;
    }
    let deployments = open
        .engine
        .store()
        .recorded()
        .await
        .expect("the deployments can be read");
    assert_eq!(
        openings.len(),
        deployments.len(),
        "seed {seed}: an opening is lost"
    );
    assert!(
        openings.values().all(|times| *times == 1),
        "seed {seed}: an opening is doubled: {openings:?}"
    );
    for id in deployments {
        let thread = open
            .engine
            .store()
            .posted(id, "thread")
            .await
            .expect("messages can be read");
        let thread = thread.expect("every thread is opened");
        let posted = numbers(&stand_in.channel_by_id(thread.channel.0.into()));
        // The board and the card of the one role that is asked, in the order in which they became owed.
        assert_eq!(posted.len(), 2, "seed {seed}, {id}: {posted:?}");
        assert!(
            posted.is_sorted_by(|one, next| one < next),
            "seed {seed}, {id}: {posted:?}"
        );
    }
}

/// The numbers of the bot's messages owed in a channel, as they stand there.
fn numbers(channel: &Channel) -> Vec<i64> {
    let number = |message: &discord_stand_in::Message| {
        let (_, number) = message.json()["nonce"]
            .as_str()?
            .strip_prefix("hp")?
            .split_once('-')?;
        i64::from_str_radix(number, 16).ok()
    };
    channel.messages().iter().filter_map(number).collect()
}

/// Posts, and is cut off before it can say so.
struct NeverReturns {
    inner: Arc<dyn Courier>,
    posted: Arc<Notify>,
}

#[async_trait]
impl Courier for NeverReturns {
    async fn deliver(&self, delivery: Delivery<'_>) -> Result<Option<Posted>, Trouble> {
        self.inner.deliver(delivery).await?;
        self.posted.notify_one();
        std::future::pending().await
    }
}

/// Believes that nothing was ever posted before.
struct Blind(Arc<dyn Courier>);

#[async_trait]
impl Courier for Blind {
    async fn deliver(&self, delivery: Delivery<'_>) -> Result<Option<Posted>, Trouble> {
        self.0
            .deliver(Delivery {
                posted_before: PostedBefore::No,
                ..delivery
            })
            .await
    }
}
