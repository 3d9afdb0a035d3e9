//! All that speaks to Discord: the gateway, slash commands, components, reactions, and the courier of messages owed.

mod asked;
mod autocomplete;
mod checklists;
mod commands;
mod components;
mod connect;
mod courier;
mod custom_id;
mod find;
mod gateway;
mod interactions;
mod looks;
mod pace;
mod people;
mod reacting;
mod reactions;
mod render;
mod reply;
mod runs;
mod upload;
mod watchdog;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serenity::all::Http;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

pub use connect::{ConnectError, Endpoint};
pub use gateway::GatewayError;
pub use watchdog::Patience;

use crate::engine::courier::Courier;
use crate::engine::{CheckRuns, Engine};
use gateway::Handler;
use looks::Cards;

/// The bot on Discord.
pub struct Discord {
    client: serenity::Client,
    bot: Arc<Bot>,
    patience: Patience,
}

/// Whether the gateway is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayState {
    /// Events arrive.
    Up,
    /// They do not, for now.
    Down,
}

/// What all handlers share.
struct Bot {
    http: Arc<Http>,
    /// Fetches what people upload.
    files: reqwest::Client,
    /// Who we are on Discord.
    user: serenity::all::UserId,
    engine: Engine,
    check_runs: CheckRuns,
    cards: Cards,
    state: watch::Sender<GatewayState>,
    tasks: TaskTracker,
    /// Cancelled when the bot begins to stop.
    stopping: CancellationToken,
}

impl Discord {
    /// Asks Discord who we are, makes the commands known, and gets ready to connect.
    ///
    /// # Errors
    /// When Discord refuses the token or cannot be reached, or a local endpoint is not on loopback.
    pub async fn connect(
        engine: Engine,
        check_runs: CheckRuns,
        token: &str,
        endpoint: &Endpoint,
    ) -> Result<Self, ConnectError> {
        let connect::Connected {
            ours,
            files,
            gateway: for_serenity,
            user,
        } = connect::connect(token, endpoint).await?;
        let bot = Arc::new(Bot {
            http: Arc::new(ours),
            files,
            user,
            engine,
            check_runs,
            cards: Cards::default(),
            state: watch::Sender::new(GatewayState::Down),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        });
        let client = serenity::all::ClientBuilder::new_with_http(for_serenity, gateway::INTENTS)
            .event_handler(Handler {
                bot: Arc::clone(&bot),
            })
            .raw_event_handler(gateway::Undecoded {
                bot: Arc::clone(&bot),
            })
            .await
            .map_err(|error| ConnectError::Unreachable {
                why: error.to_string(),
            })?;
        Ok(Self {
            client,
            bot,
            patience: Patience::default(),
        })
    }

    /// Sets how patient the bot is with a connection that shows no life.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Who carries the messages owed.
    pub fn courier(&self) -> Arc<dyn Courier> {
        Arc::new(courier::DiscordCourier::new(
            Arc::clone(&self.bot.http),
            Arc::clone(&self.bot),
        ))
    }

    /// Whether the gateway is connected, now and later.
    pub fn state(&self) -> watch::Receiver<GatewayState> {
        self.bot.state.subscribe()
    }

    /// Stays connected until stopped; what is being answered then is seen through, for as long as `drain`. Reactions that
    /// would wait for a rate limit to be read are left to the next start. When the connection ends by itself, `stop` is
    /// cancelled, so that whoever holds it hears of the end too.
    ///
    /// # Errors
    /// When Discord ends the connection for good, or it cannot be brought back.
    pub async fn run(mut self, stop: CancellationToken, drain: Duration) -> Result<(), GatewayError> {
        let shards = Arc::clone(&self.client.shard_manager);
        let watched = watchdog::Watchdog::new(Arc::clone(&shards), self.bot.state.clone(), self.patience);
        let outcome = {
            let mut running = std::pin::pin!(self.client.start());
            tokio::select! {
                () = stop.cancelled() => None,
                ended = &mut running => Some(ended.map_err(GatewayError::from)),
                lost = watched.run() => Some(Err(lost)),
            }
        };
        stop.cancel();
        self.bot.stopping.cancel();
        let drained = tokio::time::timeout(drain, async {
            shards.shutdown_all().await;
            // Whoever follows a run of checks is answered when it ends.
            self.bot.check_runs.stop_and_drain().await;
            // What was asked before the stop still gets its answer: the REST side is still there.
            self.bot.tasks.close();
            self.bot.tasks.wait().await;
        })
        .await;
        if drained.is_err() {
            warn!(
                seconds = drain.as_secs(),
                unanswered = self.bot.tasks.len(),
                "not everything that was asked could be answered in time"
            );
        }
        outcome.unwrap_or(Ok(()))
    }
}
