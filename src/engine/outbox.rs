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
use super::worker::{Rested, rest, until};
use crate::domain::deployment::{Deployment, Phase};
use crate::domain::effects::Owed;
use crate::domain::ids::DeploymentId;
use crate::store::{OwedNow, OwedRow, Posted, UnreadableOwed};

/// How many deployments are served at once.
const AT_ONCE: usize = 8;
/// The waits between tries, in seconds; the last one repeats.
const WAITS: [i64; 8] = [1, 2, 5, 10, 30, 60, 120, 300];
/// How long the worker looks away after something became owed: the answer to whoever brought it about goes first.
const ANSWERS_FIRST: Duration = Duration::from_millis(10);
/// How long an edit waits for others of the same message, so that what is done in one go is one edit: Discord takes about
/// one a second in a channel. Too short for a person to notice.
const GATHERING: Duration = Duration::from_millis(100);

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

/// What a look at the outbox found.
struct Look {
    due: Vec<Due>,
    /// When there is more, if nothing new becomes owed.
    next: Option<Timestamp>,
}

/// A row whose time has come.
enum Due {
    Message(OwedRow),
    Unreadable(UnreadableOwed),
}

/// A row was seen to; a fault is the database's, not the row's.
struct Ended {
    deployment: DeploymentId,
    outcome: Result<(), Fault>,
}

/// What became of one row.
enum Paid {
    Delivered(Option<Posted>),
    NotSoAnyMore,
    Trouble(Trouble),
}

impl Due {
    fn deployment(&self) -> DeploymentId {
        match self {
            Self::Message(row) => row.deployment,
            Self::Unreadable(row) => row.deployment,
        }
    }
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

    /// Delivers as messages become owed, until stopped; what is on its way then is seen through, and what waits stays owed
    /// for the next start.
    pub async fn run(self, stop: CancellationToken) {
        let clock = Arc::clone(self.engine.clock());
        loop {
            let woken = self.woken();
            let looked = self.pass(&stop).await;
            if rest("outbox", looked, woken, &clock, &stop).await == Rested::Stopped {
                return;
            }
        }
    }

    /// Delivers all that may be tried now, and what may be tried while that is under way; answers when the next may be.
    ///
    /// # Errors
    /// When the database cannot be read or written. What was under way then has been seen through.
    pub async fn pass(&self, stop: &CancellationToken) -> Result<Option<Timestamp>, Fault> {
        self.inherited
            .get_or_try_init(|| self.engine.store().newest_owed())
            .await?;
        let clock = self.engine.clock();
        let mut under_way = FuturesUnordered::new();
        let mut busy: HashSet<DeploymentId> = HashSet::new();
        let mut broken: Option<Fault> = None;
        loop {
            // Subscribed before the rows are read, so that a message that becomes owed in between is not slept over.
            let woken = self.woken();
            let begins = broken.is_none() && !stop.is_cancelled() && busy.len() < AT_ONCE;
            let mut next = None;
            if begins {
                let mut finished = Vec::new();
                let mut reading = pin!(self.look());
                // Deliveries under way go on meanwhile: they may hold, or be next in line for, the very connection that
                // this read waits for.
                let look = loop {
                    tokio::select! {
                        look = &mut reading => break look,
                        Some(Ended { deployment, outcome }) = under_way.next() => {
                            finished.push(deployment);
                            if let Err(fault) = outcome {
                                broken.get_or_insert(fault);
                            }
                        }
                    }
                };
                match look {
                    Ok(look) if broken.is_none() => {
                        next = look.next;
                        for due in look.due {
                            if busy.len() >= AT_ONCE {
                                break;
                            }
                            if busy.insert(due.deployment()) {
                                under_way.push(self.see_to(due, stop));
                            }
                        }
                    }
                    Ok(_) => {}
                    Err(fault) => {
                        broken.get_or_insert(fault);
                    }
                }
                if !finished.is_empty() {
                    // What was read may be older than their end, so they were held to be busy until here.
                    busy.retain(|deployment| !finished.contains(deployment));
                    continue;
                }
            }
            if under_way.is_empty() {
                break;
            }
            let begins = begins && broken.is_none();
            tokio::select! {
                Some(Ended { deployment, outcome }) = under_way.next() => {
                    busy.remove(&deployment);
                    if let Err(fault) = outcome {
                        broken.get_or_insert(fault);
                    }
                }
                () = woken, if begins => {}
                () = until(clock, next), if begins => {}
            }
        }
        if let Some(fault) = broken {
            return Err(fault);
        }
        let state = self.engine.store().outbox_state().await?;
        gauge!("holdpoint_outbox_owed").set(state.owed as f64);
        let oldest = state
            .oldest
            .map_or(0, |oldest| self.engine.now().duration_since(oldest).as_secs());
        gauge!("holdpoint_outbox_oldest_seconds").set(oldest as f64);
        Ok(self.engine.store().next_owed().await?)
    }

    /// Returns soon after something has become owed, also between this call and the first look at what it answers.
    fn woken(&self) -> impl Future<Output = ()> + '_ {
        let notified = self.engine.shared().wake_outbox.notified();
        async move {
            notified.await;
            tokio::time::sleep(ANSWERS_FIRST).await;
        }
    }

    /// What is due now, and when more will be.
    async fn look(&self) -> Result<Look, Fault> {
        let store = self.engine.store();
        let now = self.engine.now();
        // Those under way are among what is due, so that more is asked for than is begun.
        let OwedNow { rows, unreadable } = store.owed(now, (AT_ONCE * 2) as u32).await?;
        let next = store.next_owed_after(now).await?;
        let due = rows
            .into_iter()
            .map(Due::Message)
            .chain(unreadable.into_iter().map(Due::Unreadable))
            .collect();
        Ok(Look { due, next })
    }

    async fn see_to(&self, due: Due, stop: &CancellationToken) -> Ended {
        let deployment = due.deployment();
        let outcome = match due {
            Due::Message(row) => self.pay(&row, stop).await,
            Due::Unreadable(row) => {
                let why = row.corrupt.to_string();
                self.try_again(row.id, deployment, row.attempts, None, &why).await
            }
        };
        Ended { deployment, outcome }
    }

    async fn pay(&self, row: &OwedRow, stop: &CancellationToken) -> Result<(), Fault> {
        if self.is_edit(row).await {
            tokio::time::sleep(GATHERING).await;
        }
        let deployment = match self.engine.shared().resident_since(row.deployment, row.seq).await {
            Ok(Some(deployment)) if deployment.seq >= row.seq => deployment,
            Ok(Some(deployment)) => {
                let why = format!(
                    "it is about event {} of its deployment, whose history ends at {}",
                    row.seq, deployment.seq
                );
                return self.try_row_again(row, None, &why).await;
            }
            Ok(None) => {
                return self.give_up(row, "its deployment is not in the database").await;
            }
            Err(fault @ (Fault::DamagedHistory { .. } | Fault::ChecklistLost { .. })) => {
                error!(deployment = row.deployment.0, error = %fault, "a message was given up");
                return self.give_up(row, &fault.to_string()).await;
            }
            // What cannot be read of one deployment holds no other back.
            Err(fault) => return self.try_row_again(row, None, &fault.to_string()).await,
        };
        let paid = if is_still_so(&row.owed, &deployment) {
            let owners = match self.engine.owners(deployment.guild).await {
                Ok(owners) => owners,
                Err(fault) => return self.try_row_again(row, None, &fault.to_string()).await,
            };
            let delivery = Delivery {
                id: row.id,
                tag: &row.tag,
                attempts: row.attempts,
                posted_before: self.begin(row),
                owed_since: row.created_at,
                owed: &row.owed,
                deployment: &deployment,
                owners: &owners,
                engine: &self.engine,
                now: self.engine.now(),
                stop,
            };
            match self.courier.deliver(delivery).await {
                Ok(posted) => Paid::Delivered(posted),
                Err(trouble) => Paid::Trouble(trouble),
            }
        } else {
            Paid::NotSoAnyMore
        };
        self.settle(row, paid, &deployment).await?;
        self.begun
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&row.id);
        Ok(())
    }

    /// Whether what is owed is an edit of a message that is there, and not its first posting. Where that cannot be read, it
    /// is found out when it is delivered.
    async fn is_edit(&self, row: &OwedRow) -> bool {
        if row.owed.coalesces_as().is_none() {
            return false;
        }
        match row.owed.remembered_as() {
            Some(name) => matches!(self.engine.posted(row.deployment, &name).await, Ok(Some(_))),
            None => false,
        }
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
                self.try_row_again(row, after, &why).await?;
                "retry"
            }
            Paid::Trouble(Trouble::Unknown { why }) => {
                self.try_row_again(row, None, &why).await?;
                "unknown"
            }
            Paid::Trouble(Trouble::Stopped) => {
                debug!(
                    outbox = row.id,
                    deployment = row.deployment.0,
                    "the bot stops; sent at the next start"
                );
                "stopped"
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

    async fn try_row_again(&self, row: &OwedRow, after: Option<Duration>, why: &str) -> Result<(), Fault> {
        self.try_again(row.id, row.deployment, row.attempts, after, why)
            .await
    }

    async fn try_again(
        &self,
        id: i64,
        deployment: DeploymentId,
        attempts: u32,
        after: Option<Duration>,
        why: &str,
    ) -> Result<(), Fault> {
        let paced = WAITS
            .get(attempts as usize)
            .or(WAITS.last())
            .copied()
            .unwrap_or(1);
        let wait = after
            .and_then(|after| SignedDuration::try_from(after).ok())
            .unwrap_or_else(|| SignedDuration::from_secs(paced));
        let not_before = self.engine.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        warn!(
            outbox = id,
            deployment = deployment.0,
            attempts = attempts.saturating_add(1),
            why,
            "a message waits to be tried again"
        );
        Ok(self.engine.store().try_again(id, not_before, why).await?)
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
        Owed::AskedAgain { role, request, .. } => {
            !finished
                && deployment.waits_for(role)
                && deployment
                    .sign_offs
                    .get(role)
                    .is_some_and(|sign_off| sign_off.requests == *request)
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
            .is_some_and(|sign_off| sign_off.rejection_of(*by).is_some()),
        Owed::ReadyForGo => {
            matches!(deployment.phase, Phase::Preparing | Phase::Held) && deployment.holds_of_go().is_empty()
        }
        Owed::WatchTurned { check } => !finished && deployment.turned.contains_key(check),
        Owed::WatchPing { check, ping, .. } => {
            !finished
                && deployment
                    .turned
                    .get(check)
                    .is_some_and(|turned| turned.pings == *ping && turned.acknowledged.is_none())
        }
        Owed::WatchRecovered { check } => !finished && !deployment.turned.contains_key(check),
        Owed::Opening
        | Owed::Thread
        | Owed::Board
        | Owed::SignOffCardEdit { .. }
        | Owed::Void { .. }
        | Owed::Decision
        | Owed::Report => true,
    }
}
