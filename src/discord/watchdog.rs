//! Watches the connection. serenity waits for ever when an upgrade is accepted and never answered, and says that it is
//! connected while it waits for the answer to a second one; so signs of life are what counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::gauge;
use serenity::all::{ConnectionStage, ShardId, ShardManager};
use tokio::sync::watch;
use tracing::{error, warn};

use super::GatewayState;
use super::gateway::GatewayError;

/// How patient the bot is with a connection that shows no life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How often it is looked at. Every 5 seconds unless said otherwise.
    pub look: Duration,
    /// How long it may show no sign of life before it is made anew: unless said otherwise 85 seconds, which is more than
    /// two of Discord's heartbeat intervals (41.25 s each, Discord's documentation).
    pub silence: Duration,
    /// How often it is made anew before it is left to a supervisor. 3 times unless said otherwise.
    pub restarts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            silence: Duration::from_secs(85),
            restarts: 3,
        }
    }
}

pub(super) struct Watchdog {
    shards: Arc<ShardManager>,
    state: watch::Sender<GatewayState>,
    patience: Patience,
}

/// What was last seen of a connection.
struct Sign {
    connected: bool,
    /// How long the last heartbeat took to be acknowledged; another for each.
    latency: Option<Duration>,
    /// When it last showed that it lives.
    alive: Instant,
}

impl Watchdog {
    pub(super) fn new(
        shards: Arc<ShardManager>,
        state: watch::Sender<GatewayState>,
        patience: Patience,
    ) -> Self {
        Self {
            shards,
            state,
            patience,
        }
    }

    /// Watches until the connection is given up.
    pub(super) async fn run(self) -> GatewayError {
        let Patience {
            look,
            silence,
            restarts: most,
        } = self.patience;
        let mut signs: HashMap<ShardId, Sign> = HashMap::new();
        let mut alive = Instant::now();
        let mut restarts = 0;
        loop {
            tokio::time::sleep(look).await;
            self.note(&mut signs).await;
            let silent: Vec<ShardId> = signs
                .iter()
                .filter(|(_, sign)| sign.alive.elapsed() >= silence)
                .map(|(id, _)| *id)
                .collect();
            if !signs.is_empty() && silent.is_empty() && signs.values().all(|sign| sign.connected) {
                alive = Instant::now();
                restarts = 0;
                self.state.send_if_modified(|state| {
                    let changed = *state != GatewayState::Up;
                    *state = GatewayState::Up;
                    changed
                });
                gauge!("holdpoint_gateway_up").set(1.0);
                continue;
            }
            gauge!("holdpoint_gateway_up").set(0.0);
            self.state.send_replace(GatewayState::Down);
            // Without a connection to make anew, serenity is still busy with a first one, which nothing can hurry.
            let lost = alive.elapsed();
            if restarts == most && !silent.is_empty() || signs.is_empty() && lost >= silence * (most + 1) {
                error!("the gateway is lost");
                return GatewayError::Lost {
                    seconds: lost.as_secs(),
                };
            }
            if silent.is_empty() {
                continue;
            }
            restarts += 1;
            for shard in silent {
                warn!(
                    shard = shard.0,
                    attempt = restarts,
                    "the gateway does not answer; connecting again"
                );
                self.shards.restart(shard).await;
                signs.remove(&shard);
            }
        }
    }

    /// Looks at every connection.
    async fn note(&self, signs: &mut HashMap<ShardId, Sign>) {
        let runners = self.shards.runners.lock().await;
        signs.retain(|shard, _| runners.contains_key(shard));
        for (shard, runner) in runners.iter() {
            let connected = runner.stage == ConnectionStage::Connected;
            let fresh = || Sign {
                connected,
                latency: runner.latency,
                alive: Instant::now(),
            };
            let sign = signs.entry(*shard).or_insert_with(fresh);
            if connected && (!sign.connected || sign.latency != runner.latency) {
                sign.alive = Instant::now();
            }
            sign.connected = connected;
            sign.latency = runner.latency;
        }
    }
}
