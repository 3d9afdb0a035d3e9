//! Observations of checks come due. A row stays until what was observed is recorded, so that one that is lost on the way is
//! made again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::Engine;
use super::check_runs::{CheckRuns, Made};
use super::error::Fault;
use super::worker::{Rested, rest};
use crate::domain::effects::TimerKey;
use crate::domain::ids::DeploymentId;
use crate::store::DueTimer;

/// How many observations are begun in one look. How many run at once is the checks' own limit.
const AT_ONCE: usize = 256;

/// How long after one could not be recorded it is tried again.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// The worker that has observations made as they come due.
#[derive(Clone)]
pub struct Observations {
    engine: Engine,
    runs: CheckRuns,
    in_hand: Arc<Mutex<HashSet<(DeploymentId, TimerKey, Timestamp)>>>,
}

impl Observations {
    /// A worker on this engine, which has its observations made by these runs.
    pub fn new(engine: Engine, runs: CheckRuns) -> Self {
        Self {
            engine,
            runs,
            in_hand: Arc::default(),
        }
    }

    /// Has observations made as they come due, until stopped. Those in hand are the runs' to end.
    pub async fn run(self, stop: CancellationToken) {
        let clock = Arc::clone(self.engine.clock());
        loop {
            // Subscribed before the rows are read, so that a timer set in between is not slept over.
            let woken = self.engine.shared().wake_observations.notified();
            let looked = self.pass().await;
            if rest("observations", looked, woken, &clock, &stop).await == Rested::Stopped {
                return;
            }
        }
    }

    /// Begins every observation that is due now and not in hand; answers when the next timer comes due.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn pass(&self) -> Result<Option<Timestamp>, Fault> {
        let now = self.engine.now();
        // Noted before the rows are read: what is recorded in between stands among them, and must not be made again. When
        // what is in hand ends, there is another look.
        let held = self.in_hand().clone();
        // Those in hand are among what is due, so that more is asked for than is begun.
        let limit = u32::try_from(AT_ONCE.saturating_add(held.len())).unwrap_or(u32::MAX);
        for due in self.engine.store().due_observations(now, limit).await? {
            let name = (due.deployment, due.timer.key.clone(), due.timer.due);
            if !held.contains(&name) && self.in_hand().insert(name.clone()) {
                let worker = self.clone();
                self.runs.spawn(async move { worker.make(due, name).await });
            }
        }
        Ok(self.engine.store().next_due_after(now).await?)
    }

    async fn make(self, due: DueTimer, name: (DeploymentId, TimerKey, Timestamp)) {
        let made = match self.runs.observe(&due).await {
            Ok(Made::InVain) => self.drop_timer(&due).await.map(|()| Made::InVain),
            made => made,
        };
        if let Err(fault) = &made {
            error!(
                deployment = due.deployment.0,
                timer = due.timer.key.0,
                error = %fault,
                "an observation could not be recorded; it is made again"
            );
            self.runs.pause(AFTER_FAULT).await;
        }
        self.in_hand().remove(&name);
        if !matches!(made, Ok(Made::Stopped)) {
            self.engine.shared().wake_observations.notify_one();
        }
    }

    async fn drop_timer(&self, due: &DueTimer) -> Result<(), Fault> {
        let store = self.engine.store();
        Ok(store
            .drop_timer(due.deployment, &due.timer.key, due.timer.due)
            .await?)
    }

    fn in_hand(&self) -> std::sync::MutexGuard<'_, HashSet<(DeploymentId, TimerKey, Timestamp)>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
