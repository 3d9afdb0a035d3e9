//! What is owed is paid: messages go out in order per deployment, several deployments at once.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::{SignedDuration, Timestamp};
use metrics::{counter, gauge};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::Engine;
use super::courier::{Courier, Delivery, PostedBefore, Trouble};
use super::error::Fault;
use crate::domain::deployment::{Deployment, Phase};
use crate::domain::effects::Owed;
use crate::domain::ids::DeploymentId;
use crate::store::{OwedRow, Posted};

/// How many deployments are served at once.
const AT_ONCE: usize = 8;
/// The waits between tries, in seconds; the last one repeats.
const WAITS: [i64; 8] = [1, 2, 5, 10, 30, 60, 120, 300];
/// How long the worker waits after the database failed.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// The worker that delivers messages.
pub struct Outbox {
    engine: Engine,
    courier: Arc<dyn Courier>,
    /// The newest message that was owed when the worker began: an earlier process may have been cut off between
    /// posting any up to it and writing that down.
    inherited: OnceCell<i64>,
    /// Messages whose delivery began here and whose end is not written down.
    begun: Mutex<HashSet<i64>>,
}

/// What became of one row.
enum Paid {
    Delivered(Option<Posted>),
    NotSoAnyMore,
    Trouble(Trouble),
}

impl Outbox {
    /// A worker on this engine, with somebody to carry.
    pub fn new(engine: Engine, courier: Arc<dyn Courier>) -> Self {
        Self {
            engine,
            courier,
            inherited: OnceCell::new(),
            begun: Mutex::default(),
        }
    }

    /// Delivers as messages become owed, until stopped; what is on its way then is seen through.
    pub async fn run(self, stop: CancellationToken) {
        let clock = Arc::clone(self.engine.clock());
        loop {
            let woken = self.engine.shared().wake_outbox.notified();
            let next = match self.pass(&stop).await {
                Ok(next) => next,
                Err(fault) => {
                    error!(error = %fault, "the outbox cannot be read; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(AFTER_FAULT) => continue,
                        () = stop.cancelled() => return,
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = woken => {}
                () = async {
                    match next {
                        Some(at) => clock.sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
        }
    }

    /// Delivers all that may be tried now; answers when the next may be.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn pass(&self, stop: &CancellationToken) -> Result<Option<Timestamp>, Fault> {
        self.inherited
            .get_or_try_init(|| self.engine.store().newest_owed())
            .await?;
        let mut under_way = FuturesUnordered::new();
        let mut busy: HashSet<DeploymentId> = HashSet::new();
        loop {
            let mut finished = Vec::new();
            if !stop.is_cancelled() && busy.len() < AT_ONCE {
                let store = self.engine.store();
                let mut reading = pin!(store.owed(self.engine.now(), (AT_ONCE * 2) as u32));
                // Deliveries under way go on meanwhile: they may hold, or be next in line for, the very connection that
                // this read waits for.
                let rows = loop {
                    tokio::select! {
                        rows = &mut reading => break rows?,
                        Some(paid) = under_way.next() => finished.push(paid?),
                    }
                };
                for row in rows {
                    if busy.len() >= AT_ONCE {
                        break;
                    }
                    if busy.insert(row.deployment) {
                        under_way.push(self.pay(row));
                    }
                }
            }
            if !finished.is_empty() {
                // What was read may be older than their end, so they were held to be busy until here.
                busy.retain(|deployment| !finished.contains(deployment));
                continue;
            }
            match under_way.next().await {
                Some(paid) => {
                    busy.remove(&paid?);
                }
                None => break,
            }
        }
        let state = self.engine.store().outbox_state().await?;
        gauge!("holdpoint_outbox_owed").set(state.owed as f64);
        let oldest = state
            .oldest
            .map_or(0, |oldest| self.engine.now().duration_since(oldest).as_secs());
        gauge!("holdpoint_outbox_oldest_seconds").set(oldest as f64);
        Ok(self.engine.store().next_owed().await?)
    }

    async fn pay(&self, row: OwedRow) -> Result<DeploymentId, Fault> {
        let deployment = match self.engine.any_deployment(row.deployment).await {
            Ok(Some(deployment)) => deployment,
            Ok(None) => {
                self.give_up(&row, "its deployment is not in the database")
                    .await?;
                return Ok(row.deployment);
            }
            Err(fault @ (Fault::DamagedHistory { .. } | Fault::ChecklistLost { .. })) => {
                error!(deployment = row.deployment.0, error = %fault, "a message was given up");
                self.give_up(&row, &fault.to_string()).await?;
                return Ok(row.deployment);
            }
            Err(fault) => return Err(fault),
        };
        let paid = if is_still_so(&row.owed, &deployment) {
            let owners = self.engine.owners(deployment.guild).await?;
            let delivery = Delivery {
                id: row.id,
                attempts: row.attempts,
                posted_before: self.begin(&row),
                owed_since: row.created_at,
                owed: &row.owed,
                deployment: &deployment,
                owners: &owners,
                engine: &self.engine,
                now: self.engine.now(),
            };
            match self.courier.deliver(delivery).await {
                Ok(posted) => Paid::Delivered(posted),
                Err(trouble) => Paid::Trouble(trouble),
            }
        } else {
            Paid::NotSoAnyMore
        };
        self.settle(&row, paid, &deployment).await?;
        self.begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&row.id);
        Ok(row.deployment)
    }

    /// Notes that a delivery begins, and answers whether one began before.
    fn begin(&self, row: &OwedRow) -> PostedBefore {
        let new = self
            .begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(row.id);
        let inherited = self.inherited.get().is_none_or(|newest| row.id <= *newest);
        if new && !inherited && row.attempts == 0 {
            PostedBefore::No
        } else {
            PostedBefore::Perhaps
        }
    }

    async fn settle(&self, row: &OwedRow, paid: Paid, deployment: &Deployment) -> Result<(), Fault> {
        let store = self.engine.store();
        let now = self.engine.now();
        let result = match paid {
            Paid::Delivered(posted) => {
                let remembered = row.owed.remembered_as().zip(posted);
                store.delivered(row.id, deployment.seq, remembered, now).await?;
                "delivered"
            }
            Paid::NotSoAnyMore => {
                debug!(
                    outbox = row.id,
                    deployment = row.deployment.0,
                    "no longer so; not sent"
                );
                store.delivered(row.id, deployment.seq, None, now).await?;
                "no_longer_so"
            }
            Paid::Trouble(Trouble::Retry { after, why }) => {
                self.try_again(row, after, &why).await?;
                "retry"
            }
            Paid::Trouble(Trouble::Unknown { why }) => {
                self.try_again(row, None, &why).await?;
                "unknown"
            }
            Paid::Trouble(Trouble::GiveUp { why }) => {
                error!(
                    outbox = row.id,
                    deployment = row.deployment.0,
                    why,
                    "a message was given up"
                );
                self.give_up(row, &why).await?;
                "given_up"
            }
        };
        counter!("holdpoint_deliveries_total", "result" => result).increment(1);
        Ok(())
    }

    async fn try_again(&self, row: &OwedRow, after: Option<Duration>, why: &str) -> Result<(), Fault> {
        let paced = WAITS
            .get(row.attempts as usize)
            .or(WAITS.last())
            .copied()
            .unwrap_or(1);
        let wait = after
            .and_then(|after| SignedDuration::try_from(after).ok())
            .unwrap_or_else(|| SignedDuration::from_secs(paced));
        let not_before = self.engine.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        warn!(
            outbox = row.id,
            deployment = row.deployment.0,
            attempts = row.attempts + 1,
            why,
            "a message waits to be tried again"
        );
        Ok(self.engine.store().try_again(row.id, not_before, why).await?)
    }

    async fn give_up(&self, row: &OwedRow, why: &str) -> Result<(), Fault> {
        Ok(self
            .engine
            .store()
            .given_up(row.id, why, self.engine.now())
            .await?)
    }
}

/// Whether a message should still be said: nobody is pinged for what they have just done.
fn is_still_so(owed: &Owed, deployment: &Deployment) -> bool {
    let finished = matches!(deployment.phase, Phase::Finished(_));
    match owed {
        Owed::SignOffCard { role, request } => {
            !finished
                && deployment
                    .sign_offs
                    .get(role)
                    .is_some_and(|sign_off| sign_off.requests == *request && sign_off.request.is_some())
        }
        Owed::Ping { role, request, .. } => {
            !finished
                && deployment.asked_roles().any(|asked| asked == role)
                && deployment.sign_offs.get(role).is_some_and(|sign_off| {
                    sign_off.requests == *request
                        && sign_off
                            .request
                            .as_ref()
                            .is_some_and(|request| request.acknowledged.is_none())
                })
        }
        Owed::Rejection { role, by } => deployment
            .sign_offs
            .get(role)
            .and_then(|sign_off| sign_off.rejection.as_ref())
            .is_some_and(|rejection| rejection.by == *by),
        Owed::ReadyForGo => {
            matches!(deployment.phase, Phase::Preparing | Phase::Held) && deployment.holds_of_go().is_empty()
        }
        Owed::Opening
        | Owed::Thread
        | Owed::Board
        | Owed::SignOffCardEdit { .. }
        | Owed::Void { .. }
        | Owed::Decision
        | Owed::Report => true,
    }
}
