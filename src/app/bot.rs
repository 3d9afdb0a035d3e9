//! The bot, put together and kept running: the same for a real server and for a trial.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::checks::{Checks, Environment, Guard, GuardSettings, Limits};
use crate::clock::Clock;
use crate::config::{self, NetworkRule, Settings};
use crate::discord::{Discord, Endpoint, GatewayError, GatewayState};
use crate::domain::command::FourEyes;
use crate::domain::ids::{DiscordRoleId, GuildId, UserId};
use crate::domain::rights::{Allowed, Rights};
use crate::engine::{Catalog, CatalogReport, CheckRuns, Engine, Outbox, Rules, Timers};
use crate::store::Store;

/// How long inputs are remembered, so that none is applied twice. Discord repeats nothing for longer than minutes.
const INPUTS_REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// What a bot is made of.
pub struct Plan<'a> {
    /// Its rules and limits. Where the database and the checklists are is said below.
    pub settings: &'a Settings,
    /// The database, made when it is not there.
    pub database: &'a Path,
    /// The directory of the checklists.
    pub checklists: &'a Path,
    /// The token of its Discord application.
    pub token: SecretString,
    /// Which Discord.
    pub endpoint: Endpoint,
    /// What it has the time from.
    pub clock: Arc<dyn Clock>,
}

/// A bot that is ready to run.
pub struct Bot {
    engine: Engine,
    discord: Discord,
    check_runs: CheckRuns,
    desk: JoinHandle<()>,
    stop_desk: CancellationToken,
    drain: Duration,
}

impl Bot {
    /// Opens the database, reads the checklists and asks Discord who we are.
    ///
    /// # Errors
    /// When the database cannot be opened or is in use, the limits of checks make no sense, or Discord refuses the token
    /// or cannot be reached; each is a sentence with what to do.
    pub async fn prepare(plan: Plan<'_>) -> anyhow::Result<Self> {
        let settings = plan.settings;
        let store = Store::open(plan.database, plan.clock.now()).await?;
        store
            .forget_inputs_before(plan.clock.now().saturating_sub(INPUTS_REMEMBERED)?)
            .await?;
        let (catalog, report) = Catalog::load(plan.checklists);
        tell_of(&report);
        let stop_desk = CancellationToken::new();
        let (engine, desk) = Engine::open(
            store,
            Arc::clone(&plan.clock),
            catalog,
            rules(settings),
            stop_desk.clone(),
        )
        .await?;
        let environment = Environment::of_process();
        let guard = Guard::new(guard_settings(&settings.checks), environment.clone())?;
        let limits = Limits {
            at_once: settings.checks.concurrency.get(),
            per_host: settings.checks.per_host.get(),
            body_bytes: settings.checks.body_limit_bytes,
            ..Limits::default()
        };
        let checks = Checks::new(limits, guard, Arc::clone(&plan.clock))?;
        let check_runs = CheckRuns::new(engine.clone(), checks, environment, stop_desk.child_token());
        let discord = Discord::connect(
            engine.clone(),
            check_runs.clone(),
            plan.token.expose_secret(),
            &plan.endpoint,
        )
        .await?;
        Ok(Self {
            engine,
            discord,
            check_runs,
            desk,
            stop_desk,
            drain: settings.shutdown.drain,
        })
    }

    /// The one door, and what is behind it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether events arrive, now and later.
    pub fn gateway(&self) -> tokio::sync::watch::Receiver<GatewayState> {
        self.discord.state()
    }

    /// Runs until stopped, then finishes what is in hand, in the order in which one part feeds the next.
    ///
    /// # Errors
    /// When Discord ends the connection for good, or it cannot be brought back.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self {
            engine,
            discord,
            check_runs,
            desk,
            stop_desk,
            drain,
        } = self;
        let workers = CancellationToken::new();
        let timers = tokio::spawn(Timers::new(engine.clone()).run(workers.clone()));
        let outbox = tokio::spawn(Outbox::new(engine.clone(), discord.courier()).run(workers.clone()));
        let outcome: Result<(), GatewayError> = discord.run(stop).await;
        info!("stopping");
        let drained = tokio::time::timeout(drain, async {
            check_runs.stop_and_drain().await;
            workers.cancel();
            for worker in [timers, outbox] {
                if let Err(error) = worker.await {
                    error!(%error, "a worker ended badly");
                }
            }
        })
        .await;
        if drained.is_err() {
            warn!(
                seconds = drain.as_secs(),
                "work in hand did not end in time; it goes on at the next start"
            );
        }
        stop_desk.cancel();
        desk.await.context("the desk ended badly")?;
        engine.store().clone().close().await;
        info!("stopped");
        Ok(outcome?)
    }
}

/// Says in the log what the checklists are.
pub(super) fn tell_of(report: &CatalogReport) {
    info!(
        usable = report.usable.len(),
        broken = report.broken.len(),
        "checklists read"
    );
    for (file, why) in &report.broken {
        warn!(file = %file.display(), why, "a checklist cannot be started");
    }
}

fn rules(settings: &Settings) -> Rules {
    Rules {
        rights: rights(&settings.permissions),
        rights_by_guild: settings
            .guilds
            .iter()
            .map(|(guild, permissions)| (GuildId(*guild), rights(permissions)))
            .collect(),
        four_eyes: if settings.sign_offs.four_eyes {
            FourEyes::Required
        } else {
            FourEyes::Waived
        },
    }
}

fn rights(permissions: &config::Permissions) -> Rights {
    let list = |rules: &[config::Allowed]| rules.iter().map(|rule| allowed(*rule)).collect();
    Rights {
        start: list(&permissions.start),
        work: list(&permissions.tick),
        skip: list(&permissions.skip),
        decide: list(&permissions.decide),
        manage: list(&permissions.manage),
    }
}

fn allowed(rule: config::Allowed) -> Allowed {
    match rule {
        config::Allowed::Everyone => Allowed::Everyone,
        config::Allowed::Starter => Allowed::Starter,
        config::Allowed::SignOffHolder => Allowed::SignOffHolder,
        config::Allowed::ManageServer => Allowed::ManageServer,
        config::Allowed::Role(role) => Allowed::DiscordRole(DiscordRoleId(role)),
        config::Allowed::User(user) => Allowed::Member(UserId(user)),
    }
}

fn guard_settings(checks: &config::Checks) -> GuardSettings {
    let mut guard = GuardSettings {
        commands: checks.commands.allow.clone(),
        environment: checks.commands.environment.clone(),
        ..GuardSettings::default()
    };
    for (rules, networks, hosts) in [
        (
            &checks.network.allow,
            &mut guard.allowed_networks,
            &mut guard.allowed_hosts,
        ),
        (
            &checks.network.deny,
            &mut guard.denied_networks,
            &mut guard.denied_hosts,
        ),
    ] {
        for rule in rules {
            match rule {
                NetworkRule::Host(_) | NetworkRule::Below(_) => hosts.push(rule.to_string()),
                NetworkRule::Network { .. } => networks.push(rule.to_string()),
            }
        }
    }
    guard
}
