//! Who runs at once: so many checks in all, and so many of them against one host; and who is next: deployments take turns.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::Limits;
use crate::domain::ids::DeploymentId;

/// What checks are kept from crowding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    at_once: usize,
    per_lane: usize,
    places: Places,
    turns: Mutex<HashMap<DeploymentId, Weak<Turns>>>,
}

/// The turns of one deployment's checks. As many of them as may run wait among those of others, and no more: places are
/// given in the order in which they are asked for, so however many checks one deployment has, another's waits
/// for one round of them at most.
pub(super) struct Turns {
    shares: Arc<Shares>,
    own: Places,
}

/// Places in all, and in each lane.
struct Places {
    all: Arc<Room>,
    lanes: Mutex<HashMap<Lane, Weak<Room>>>,
}

/// Room for so many at once.
struct Room {
    places: Semaphore,
    /// How many wait for one.
    waiting: AtomicUsize,
}

/// Somebody who waits, until this is dropped.
struct Waiting<'a>(&'a Room);

/// Where checks of one deployment wait for places, those of one lane in one queue.
pub(super) struct Queue {
    /// How many of them can have a place at once.
    pub(super) width: usize,
    /// The deployment's places before everybody's, and a lane's before those in all: who waits for a crowded host takes no
    /// place from others meanwhile.
    ways: Vec<Arc<Room>>,
}

/// A place. Dropping it makes room for the next.
pub(super) struct Place<'a> {
    _permits: Vec<SemaphorePermit<'a>>,
}

impl Shares {
    pub(super) fn new(limits: &Limits) -> Self {
        // None at all would wait for ever.
        let at_once = limits.at_once.max(1);
        Self {
            at_once,
            per_lane: limits.per_host.max(1),
            places: Places::new(at_once),
            turns: Mutex::default(),
        }
    }

    /// The turns of a deployment: the same ones for whoever asks while they are in use.
    pub(super) fn turns_of(self: &Arc<Self>, deployment: DeploymentId) -> Arc<Turns> {
        kept(&mut locked(&self.turns), deployment, || self.turns())
    }

    /// Turns that are nobody else's.
    pub(super) fn turns(self: &Arc<Self>) -> Turns {
        Turns {
            shares: Arc::clone(self),
            own: Places::new(self.at_once),
        }
    }
}

impl Turns {
    /// Where checks of a lane wait, or such that crowd nobody.
    pub(super) fn queue(&self, lane: Option<Lane>) -> Queue {
        let Shares {
            at_once,
            per_lane,
            ref places,
            ..
        } = *self.shares;
        let width = match lane {
            None => at_once,
            Some(Lane::Load(_)) => 1,
            Some(Lane::Host(_) | Lane::Commands) => per_lane,
        };
        let mut ways = Vec::with_capacity(4);
        if let Some(lane) = lane {
            ways.push(self.own.lane(lane.clone(), width));
            ways.push(places.lane(lane, width));
        }
        ways.push(Arc::clone(&self.own.all));
        ways.push(Arc::clone(&places.all));
        Queue { width, ways }
    }
}

impl Queue {
    /// Waits for a place.
    pub(super) async fn place(&self) -> Place<'_> {
        let mut permits = Vec::with_capacity(self.ways.len());
        for way in &self.ways {
            permits.extend(way.enter().await);
        }
        Place { _permits: permits }
    }

    /// The place that one check had, for the next one; nothing where somebody else waits for it, who has it then.
    pub(super) fn again<'a>(&self, place: Place<'a>) -> Option<Place<'a>> {
        let mut waiting = self.ways.iter().map(|way| way.waiting.load(Ordering::Relaxed));
        waiting.all(|waiting| waiting == 0).then_some(place)
    }
}

impl Room {
    fn new(places: usize) -> Self {
        Self {
            places: Semaphore::new(places),
            waiting: AtomicUsize::new(0),
        }
    }

    /// Waits for a place in it.
    async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        // This passes nobody by: a place that becomes free goes to whoever waits for it at once.
        if let Ok(free) = self.places.try_acquire() {
            return Some(free);
        }
        let _waiting = Waiting::for_a(self);
        // It is never closed, so a place always comes.
        self.places.acquire().await.ok()
    }
}

impl<'a> Waiting<'a> {
    fn for_a(room: &'a Room) -> Self {
        room.waiting.fetch_add(1, Ordering::Relaxed);
        Self(room)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Places {
    fn new(all: usize) -> Self {
        Self {
            all: Arc::new(Room::new(all)),
            lanes: Mutex::default(),
        }
    }

    fn lane(&self, lane: Lane, width: usize) -> Arc<Room> {
        kept(&mut locked(&self.lanes), lane, || Room::new(width))
    }
}

/// What is there under a key, or what is made for it. What nobody uses any more is forgotten.
fn kept<Key: Eq + Hash, Value>(
    all: &mut HashMap<Key, Weak<Value>>,
    key: Key,
    make: impl FnOnce() -> Value,
) -> Arc<Value> {
    if let Some(found) = all.get(&key).and_then(Weak::upgrade) {
        return found;
    }
    all.retain(|_, value| value.strong_count() > 0);
    let made = Arc::new(make());
    all.insert(key, Arc::downgrade(&made));
    made
}

fn locked<Value>(mutex: &Mutex<Value>) -> MutexGuard<'_, Value> {
    // A panic while the lock is held cannot leave a map half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
