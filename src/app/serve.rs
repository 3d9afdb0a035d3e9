//! `holdpoint serve`: the bot on a real server, with its health for whoever watches over it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Ended;
use super::bot::{Bot, Plan, tell_of};
use crate::clock::SystemClock;
use crate::config::{self, Settings};
use crate::discord::{Endpoint, GatewayState};
use crate::engine::{CheckRuns, Engine, IncomingPost, Taken};
use crate::http::{Hooks, Readiness, ReadinessPart, Server};
use crate::telemetry::Metrics;

/// How old the oldest message owed may be before the bot is no longer ready: something keeps it from its channel.
const OLDEST_OWED: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);
/// How long a stop waits for requests to the health pages, which take milliseconds.
const PAGES_PATIENCE: Duration = Duration::from_secs(2);

/// Runs the bot until SIGTERM or Ctrl-C.
pub(super) async fn run(settings: &Settings) -> anyhow::Result<Ended> {
    let token = settings.discord.token()?;
    let metrics = Metrics::of_process()?;
    let stop = CancellationToken::new();
    // The address is taken first: it tells at once when another Holdpoint runs here.
    let pages = Server::bind(settings.http.listen).await?;
    let bot = Bot::prepare(Plan {
        settings,
        database: &settings.database.path,
        checklists: &settings.checklists.directory,
        token,
        endpoint: endpoint(&settings.discord)?,
        clock: Arc::new(SystemClock),
    })
    .await?;
    info!(address = %pages.address(), "health, readiness and metrics are served, and posts for checks are taken");
    let readiness = Arc::new(BotReadiness {
        engine: bot.engine().clone(),
        gateway: bot.gateway(),
    });
    let hooks = Arc::new(BotHooks(bot.check_runs().clone()));
    let stop_pages = CancellationToken::new();
    let serving = tokio::spawn(pages.serve(readiness, hooks, metrics, stop_pages.clone()));
    let signals = tokio::spawn(heed_signals(bot.engine().clone(), stop.clone())?);
    let outcome = bot.run(stop).await;
    signals.abort();
    stop_pages.cancel();
    // Whoever still reads a page when the bot has stopped has read enough.
    let _ = tokio::time::timeout(PAGES_PATIENCE, serving).await;
    outcome.map(|()| Ended::Well)
}

/// Discord itself, unless a stand-in on this machine is configured.
fn endpoint(discord: &config::Discord) -> anyhow::Result<Endpoint> {
    let Some(local) = &discord.local else {
        return Ok(Endpoint::Discord);
    };
    let certificate_authority = std::fs::read_to_string(&local.certificate).with_context(|| {
        format!(
            "discord.local_certificate is {}, which cannot be read",
            local.certificate.display()
        )
    })?;
    warn!(proxy = %local.proxy, "connecting to a stand-in on this machine; the real Discord is not reached");
    Ok(Endpoint::Local {
        proxy: format!("http://{}", local.proxy),
        certificate_authority,
    })
}

/// Listens for signals from now on: SIGTERM and Ctrl-C stop, SIGHUP reads the checklists again.
fn heed_signals(
    engine: Engine,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => return stop.cancel(),
                _ = interrupt.recv() => return stop.cancel(),
                _ = hang_up.recv() => tell_of(&engine.catalog().reload()),
            }
        }
    })
}

struct BotHooks(CheckRuns);

#[async_trait]
impl Hooks for BotHooks {
    async fn take(&self, post: IncomingPost) -> Taken {
        self.0.take_post(post).await
    }
}

struct BotReadiness {
    engine: Engine,
    gateway: watch::Receiver<GatewayState>,
}

#[async_trait]
impl Readiness for BotReadiness {
    async fn probe(&self) -> Vec<ReadinessPart> {
        let store = self.engine.store();
        let database = match store.ping().await {
            Ok(()) => ReadinessPart::ready("database"),
            Err(error) => ReadinessPart::not_ready("database", error.to_string()),
        };
        let gateway = match *self.gateway.borrow() {
            GatewayState::Up => ReadinessPart::ready("gateway"),
            GatewayState::Down => ReadinessPart::not_ready("gateway", "not connected to Discord"),
        };
        let usable = self
            .engine
            .catalog()
            .entries()
            .iter()
            .any(|entry| entry.first_error().is_none());
        let catalog = if usable {
            ReadinessPart::ready("catalog")
        } else {
            ReadinessPart::not_ready("catalog", "no checklist can be started; the log says why")
        };
        let outbox = match store.outbox_state().await {
            Ok(state) => {
                let age = state
                    .oldest
                    .map(|oldest| self.engine.now().duration_since(oldest));
                match age {
                    Some(age) if age > OLDEST_OWED => ReadinessPart::not_ready(
                        "outbox",
                        format!(
                            "{} messages are owed, the oldest for {} s",
                            state.owed,
                            age.as_secs()
                        ),
                    ),
                    Some(_) | None => ReadinessPart::ready("outbox"),
                }
            }
            Err(error) => ReadinessPart::not_ready("outbox", error.to_string()),
        };
        vec![database, gateway, catalog, outbox]
    }
}
