//! The trouble of one deployment is its own: no other waits for it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use holdpoint::clock::Clock as _;
use holdpoint::domain::ids::DeploymentId;
use holdpoint::engine::Outbox;
use holdpoint::engine::courier::{Courier, Delivery, Trouble};
use holdpoint::store::Posted;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::house::{CHANNEL, GUILD, House, past_the_store};

/// How long something may take that takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Delivers everything, but keeps what one deployment is owed until it is let go.
struct Keeps {
    slow: DeploymentId,
    let_go: Semaphore,
    /// What is refused once, with a wait.
    later: Mutex<BTreeSet<DeploymentId>>,
    delivered: Mutex<Vec<DeploymentId>>,
}

impl Keeps {
    fn new(slow: DeploymentId) -> Arc<Self> {
        Arc::new(Self {
            slow,
            let_go: Semaphore::new(0),
            later: Mutex::default(),
            delivered: Mutex::default(),
        })
    }

    fn delivered(&self) -> Vec<DeploymentId> {
        self.delivered.lock().expect("no delivery panics").clone()
    }

    async fn until(&self, holds: impl Fn(&[DeploymentId]) -> bool) {
        let waited = async {
            while !holds(&self.delivered()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waited)
            .await
            .unwrap_or_else(|_| panic!("delivered so far: {:?}", self.delivered()));
    }
}

#[async_trait]
impl Courier for Keeps {
    async fn deliver(&self, delivery: Delivery<'_>) -> Result<Option<Posted>, Trouble> {
        let id = delivery.deployment.id;
        if id == self.slow {
            self.let_go.acquire().await.expect("it is never closed").forget();
        }
        if self.later.lock().expect("no delivery panics").remove(&id) {
            return Err(Trouble::Retry {
                after: None,
                why: "not yet".to_owned(),
            });
        }
        self.delivered.lock().expect("no delivery panics").push(id);
        Ok(None)
    }
}

#[tokio::test]
async fn a_message_and_a_history_that_cannot_be_read_keep_no_other_back() {
    let house = House::new();
    let open = house.open().await;
    for number in 1..=3 {
        open.start(number, GUILD, CHANNEL).await;
    }
    open.close().await;
    past_the_store(
        &house.database(),
        "UPDATE outbox SET owed = '{}' WHERE deployment_id = 1;
         DROP TRIGGER events_are_never_changed;
         UPDATE events SET actor = 'nobody' WHERE deployment_id = 2",
    )
    .await;

    let open = house.open().await;
    let courier = Keeps::new(DeploymentId(0));
    let outbox = Outbox::new(open.engine.clone(), Arc::<Keeps>::clone(&courier));
    let stop = CancellationToken::new();
    let next = outbox.pass(&stop).await.expect("the outbox can be read");
    let healthy = courier.delivered();
    assert!(healthy.len() > 2, "{healthy:?}");
    assert!(healthy.iter().all(|id| *id == DeploymentId(3)), "{healthy:?}");
    // The other two wait for their next try, ever longer, and are not forgotten.
    for wait in [1, 2, 5] {
        let due = house.clock.now() + jiff::SignedDuration::from_secs(wait);
        let next = open.engine.store().next_owed().await.expect("it can be read");
        assert_eq!(next, Some(due));
        house.clock.set(due);
        outbox.pass(&stop).await.expect("the outbox can be read");
    }
    assert!(next.is_some());
    assert_eq!(courier.delivered(), healthy);
    open.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_delivery_delays_nothing_that_becomes_owed_or_due_meanwhile() {
    let house = House::new();
    let open = house.open().await;
    let slow = open.start(1, GUILD, CHANNEL).await.id;
    let courier = Keeps::new(slow);
    let outbox = Outbox::new(open.engine.clone(), Arc::<Keeps>::clone(&courier));
    let stop = CancellationToken::new();
    let running = tokio::spawn(outbox.run(stop.clone()));

    let second = open.start(2, GUILD, CHANNEL).await.id;
    courier.until(|delivered| delivered.contains(&second)).await;

    let third = DeploymentId(3);
    courier.later.lock().expect("no delivery panics").insert(third);
    assert_eq!(open.start(3, GUILD, CHANNEL).await.id, third);
    let store = open.engine.store().clone();
    let refused = async {
        while store
            .next_owed_after(house.clock.now())
            .await
            .expect("it can be read")
            .is_none()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, refused).await.expect("it waits");
    assert!(!courier.delivered().contains(&third));
    house.clock.advance(jiff::SignedDuration::from_secs(1));
    courier.until(|delivered| delivered.contains(&third)).await;
    assert!(!courier.delivered().contains(&slow));

    courier.let_go.add_permits(100);
    courier.until(|delivered| delivered.contains(&slow)).await;
    stop.cancel();
    running.await.expect("the worker ends well");
    open.close().await;
}
