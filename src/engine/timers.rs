//! Deadlines come due. Rows are the truth; a wake-up is a hint.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use metrics::gauge;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::error::{Fault, HandleError};
use super::worker::{Rested, rest};
use super::{Engine, Input, Wish};
use crate::domain::command::{ActingAs, Command};
use crate::domain::effects::{Then, Timer};
use crate::domain::ids::{DeploymentId, InputId};
use crate::domain::refusal::Refusal;
use crate::store::DueTimer;

/// How many due timers are taken in one pass.
const PASS: u32 = 256;

/// The worker that fires timers.
pub struct Timers {
    engine: Engine,
}

impl Timers {
    /// A worker on this engine.
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Fires timers as they come due, until stopped.
    pub async fn run(self, stop: CancellationToken) {
        let clock = Arc::clone(self.engine.clock());
        loop {
            // Subscribed before the rows are read, so that a timer set in between is not slept over.
            let woken = self.engine.shared().wake_timers.notified();
            let looked = self.pass().await;
            if rest("timers", looked, woken, &clock, &stop).await == Rested::Stopped {
                return;
            }
        }
    }

    /// Fires all that is due now; answers when the next is.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn pass(&self) -> Result<Option<Timestamp>, Fault> {
        loop {
            let now = self.engine.now();
            let due = self.engine.store().due_pings(now, PASS).await?;
            if due.is_empty() {
                let pending = self.engine.store().timers_pending().await?;
                gauge!("holdpoint_timers_pending").set(pending as f64);
                // After the instant that was looked at: what was due then and is not here cannot be read.
                return Ok(self.engine.store().next_due_after(now).await?);
            }
            // Together, so that the desk can commit them together.
            let mut firing: FuturesUnordered<_> = due.into_iter().map(|timer| self.fire(timer)).collect();
            while let Some(fired) = firing.next().await {
                fired?;
            }
        }
    }

    async fn fire(&self, due: DueTimer) -> Result<(), Fault> {
        let DueTimer { deployment, timer } = due;
        let due = timer.due;
        let command = match timer.then.clone() {
            Then::Ping { role, ping } => Command::PingDue { role, ping, due },
            Then::WatchPing { check, ping } => Command::WatchPingDue { check, ping, due },
            Then::Observe { .. } => {
                error!(
                    deployment = deployment.0,
                    timer = timer.key.0,
                    "a timer is named as a ping and is none; it is dropped"
                );
                return Ok(self
                    .engine
                    .store()
                    .drop_timer(deployment, &timer.key, timer.due)
                    .await?);
            }
        };
        let input = Input {
            id: InputId::new(format!(
                "timer:{}:{}:{}",
                deployment.0,
                timer.key.0,
                timer.due.as_millisecond()
            )),
            guild: None,
            actor: ActingAs::Timer,
            wish: Wish::Change { deployment, command },
        };
        match self.engine.handle(input).await {
            Ok(handled) if handled.events.is_empty() => {
                // Applied before, by a run that was cut off between then and now.
                Ok(self
                    .engine
                    .store()
                    .drop_timer(deployment, &timer.key, timer.due)
                    .await?)
            }
            Ok(_) => Ok(()),
            Err(HandleError::Refused(refusal)) => {
                if matches!(refusal, Refusal::PingNotDue) && self.stands(deployment, &timer).await? {
                    // The clock went back between the look at the rows and the decision.
                    info!(
                        deployment = deployment.0,
                        timer = timer.key.0,
                        "a timer is not due yet after all"
                    );
                    return Ok(());
                }
                info!(deployment = deployment.0, timer = timer.key.0, %refusal, "a timer came due in vain");
                Ok(self
                    .engine
                    .store()
                    .drop_timer(deployment, &timer.key, timer.due)
                    .await?)
            }
            Err(HandleError::Fault(fault @ (Fault::DamagedHistory { .. } | Fault::ChecklistLost { .. }))) => {
                // One damaged deployment must not stop the timers of all others.
                error!(deployment = deployment.0, timer = timer.key.0, error = %fault, "a timer was given up");
                Ok(self
                    .engine
                    .store()
                    .drop_timer(deployment, &timer.key, timer.due)
                    .await?)
            }
            Err(HandleError::Fault(fault)) => Err(fault),
        }
    }

    /// Whether the deployment still waits for just this timer.
    async fn stands(&self, deployment: DeploymentId, timer: &Timer) -> Result<bool, Fault> {
        let deployment = self.engine.any_deployment(deployment).await?;
        let set = deployment.and_then(|deployment| match &timer.then {
            Then::Ping { role, .. } => deployment.ping_timer(role),
            Then::WatchPing { check, .. } => deployment.watch_timer(check),
            Then::Observe { check, .. } => deployment.observation_timer(check),
        });
        // The database keeps whole milliseconds.
        Ok(set.is_some_and(|set| {
            set.then == timer.then && set.due.as_millisecond() == timer.due.as_millisecond()
        }))
    }
}
