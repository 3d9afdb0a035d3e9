//! Watches the connection. serenity waits for ever when an upgrade is accepted and never answered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::gauge;
use serenity::all::{ConnectionStage, ShardId, ShardManager};
use tokio::sync::watch;
use tracing::{error, warn};

use super::GatewayState;
use super::gateway::GatewayError;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(5);
/// How long a connection may be anything but connected before it is restarted: two of Discord's heartbeat intervals
/// (41.25 s each, Discord's documentation).
const PATIENCE: Duration = Duration::from_secs(85);
/// How many restarts are tried before we leave it to a supervisor.
const RESTARTS: u32 = 3;

pub(super) struct Watchdog {
    shards: Arc<ShardManager>,
    state: watch::Sender<GatewayState>,
}

impl Watchdog {
    pub(super) fn new(shards: Arc<ShardManager>, state: watch::Sender<GatewayState>) -> Self {
        Self { shards, state }
    }

    /// Watches until the connection is given up.
    pub(super) async fn run(self) -> GatewayError {
        let mut down_since: Option<Instant> = None;
        let mut lost_since: Option<Instant> = None;
        let mut restarts = 0;
        loop {
            tokio::time::sleep(LOOK).await;
            let not_connected: Vec<ShardId> = {
                let runners = self.shards.runners.lock().await;
                runners
                    .iter()
                    .filter(|(_, runner)| runner.stage != ConnectionStage::Connected)
                    .map(|(id, _)| *id)
                    .collect()
            };
            if not_connected.is_empty() {
                down_since = None;
                lost_since = None;
                restarts = 0;
                continue;
            }
            gauge!("holdpoint_gateway_up").set(0.0);
            self.state.send_replace(GatewayState::Down);
            let since = *down_since.get_or_insert_with(Instant::now);
            let lost = *lost_since.get_or_insert_with(Instant::now);
            if since.elapsed() < PATIENCE {
                continue;
            }
            if restarts == RESTARTS {
                error!("the gateway is lost");
                return GatewayError::Lost {
                    seconds: lost.elapsed().as_secs(),
                };
            }
            restarts += 1;
            down_since = None;
            for shard in not_connected {
                warn!(
                    shard = shard.0,
                    attempt = restarts,
                    "the gateway does not answer; connecting again"
                );
                self.shards.restart(shard).await;
            }
        }
    }
}
