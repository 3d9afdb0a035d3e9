//! What every part of the running stand-in shares.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::options::{AcceptedToken, Options, SwitchPosition, SwitchSeed};
use crate::rate_limit::Limiter;
use crate::recording::Recording;
use crate::snowflake::Snowflake;
use crate::world::invoke::Refusal;
use crate::world::{World, new_world};

/// What was waited for did not come about in the time that [`Options::patience`] allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} did not come within {within_ms} ms")]
pub struct TimedOut {
    pub(crate) what: String,
    pub(crate) within_ms: u128,
}

/// The page's toggles.
#[derive(Debug)]
pub(crate) struct Switches {
    seeds: Vec<SwitchSeed>,
    positions: BTreeMap<String, watch::Sender<bool>>,
}

/// The shared state of one stand-in.
#[derive(Debug)]
pub(crate) struct Core {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<Clock>,
    pub(crate) options: Arc<Options>,
    pub(crate) faults: Faults,
    pub(crate) limiter: Limiter,
    pub(crate) recording: Recording,
    pub(crate) switches: Switches,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Switches {
    fn new(seeds: &[SwitchSeed]) -> Self {
        Self {
            seeds: seeds.to_vec(),
            positions: seeds
                .iter()
                .map(|seed| {
                    let on = seed.position == SwitchPosition::On;
                    (seed.id.clone(), watch::Sender::new(on))
                })
                .collect(),
        }
    }

    pub(crate) fn watch(&self, id: &str) -> Option<watch::Receiver<bool>> {
        self.positions.get(id).map(watch::Sender::subscribe)
    }

    /// Moves a switch; false when there is none of that name.
    pub(crate) fn set(&self, id: &str, position: SwitchPosition) -> bool {
        self.positions
            .get(id)
            .map(|sender| sender.send_replace(position == SwitchPosition::On))
            .is_some()
    }

    pub(crate) fn json(&self) -> Value {
        self.seeds
            .iter()
            .map(|seed| {
                json!({
                    "id": seed.id,
                    "label": seed.label,
                    "on": self.positions.get(&seed.id).is_some_and(|sender| *sender.borrow()),
                    "on_text": seed.on_text,
                    "off_text": seed.off_text,
                })
            })
            .collect()
    }
}

impl Core {
    pub(crate) fn new(options: Options, address: SocketAddr, recording: Recording) -> Self {
        let options = Arc::new(options);
        let clock = Arc::new(Clock::new());
        let base = format!("http://{address}");
        Self {
            world: Mutex::new(new_world(Arc::clone(&clock), &options, base)),
            changed: watch::Sender::new(0),
            address,
            clock,
            faults: Faults::default(),
            limiter: Limiter::new(options.rate_limits),
            recording,
            switches: Switches::new(&options.switches),
            options,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&World) -> T) -> T {
        look(&self.world.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the world as one step and wakes those who wait for a change.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        let result = act(&mut self.world.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_modify(|version| *version += 1);
        result
    }

    /// Waits until the world shows something.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        mut look: impl FnMut(&World) -> Option<T>,
    ) -> Result<T, TimedOut> {
        let mut changed = self.changed.subscribe();
        let search = async {
            loop {
                // Marked as seen before looking, so that a change during the look is not missed.
                changed.borrow_and_update();
                if let Some(found) = self.read(&mut look) {
                    return found;
                }
                if changed.changed().await.is_err() {
                    // The sender lives in `self`; without it nothing can come any more.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(self.options.patience, search)
            .await
            .map_err(|_| TimedOut {
                what: what.to_owned(),
                within_ms: self.options.patience.as_millis(),
            })
    }

    /// Lets a person begin an interaction, which fails by itself when nobody answers in time.
    pub(crate) fn interact(
        self: &Arc<Self>,
        act: impl FnOnce(&mut World) -> Result<Snowflake, Refusal>,
    ) -> Result<Snowflake, Refusal> {
        let id = self.change(act)?;
        let core = Arc::clone(self);
        self.tasks.spawn(async move {
            tokio::select! {
                () = core.stopping.cancelled() => {}
                () = tokio::time::sleep(core.options.interaction_deadline) => {
                    core.change(|world| world.expire(id));
                }
            }
        });
        Ok(id)
    }

    /// Moves the clock and tells the page.
    pub(crate) fn advance_clock(&self, milliseconds: i64) {
        self.clock.advance(milliseconds);
        self.change(|world| {
            let now = world.now_iso();
            let offset = world.clock.offset_ms();
            world.tell_page("clock", json!({ "now": now, "clock_offset_ms": offset }));
        });
    }

    /// Moves a switch and tells the page; false when there is none of that name.
    pub(crate) fn set_switch(&self, id: &str, position: SwitchPosition) -> bool {
        let known = self.switches.set(id, position);
        if known {
            let switches = self.switches.json();
            self.change(|world| world.tell_page("switches", json!({ "switches": switches })));
        }
        known
    }

    pub(crate) fn accepts(&self, token: &str) -> bool {
        let token = token.trim_start_matches("Bot ").trim();
        match &self.options.token {
            AcceptedToken::Any => !token.is_empty(),
            AcceptedToken::Only(accepted) => token == accepted.trim_start_matches("Bot "),
        }
    }
}
