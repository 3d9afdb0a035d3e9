//! Who runs at once: so many checks in all, and so many of them against one host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;

/// What checks are kept from crowding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// A host and port.
    Host(String),
    /// A host and port under load, which is one load's alone: two would measure each other.
    Load(String),
    /// This machine's processors.
    Commands,
}

/// Places for checks to run in.
pub(super) struct Shares {
    all: Arc<Semaphore>,
    per_lane: usize,
    lanes: Mutex<HashMap<Lane, Weak<Semaphore>>>,
}

/// A place. Dropping it makes room for the next.
pub(super) struct Place {
    _all: Option<OwnedSemaphorePermit>,
    _lane: Option<OwnedSemaphorePermit>,
}

impl Shares {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            // None at all would wait for ever.
            all: Arc::new(Semaphore::new(limits.at_once.max(1))),
            per_lane: limits.per_host.max(1),
            lanes: Mutex::new(HashMap::new()),
        }
    }

    /// Waits for a place. Who waits for a crowded host does not take a place from others meanwhile.
    pub(super) async fn take(&self, lane: Option<Lane>) -> Place {
        let lane = match lane {
            // These semaphores are never closed, so a permit always comes.
            Some(lane) => self.lane(lane).acquire_owned().await.ok(),
            None => None,
        };
        Place {
            _all: Arc::clone(&self.all).acquire_owned().await.ok(),
            _lane: lane,
        }
    }

    fn lane(&self, lane: Lane) -> Arc<Semaphore> {
        // A panic while the lock is held cannot leave the map half changed.
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = lanes.get(&lane).and_then(Weak::upgrade) {
            return semaphore;
        }
        lanes.retain(|_, semaphore| semaphore.strong_count() > 0);
        let width = match lane {
            Lane::Load(_) => 1,
            Lane::Host(_) | Lane::Commands => self.per_lane,
        };
        let semaphore = Arc::new(Semaphore::new(width));
        lanes.insert(lane, Arc::downgrade(&semaphore));
        semaphore
    }
}
