//! The bot, put together and kept running: the same for a real server and for a trial.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::checks::{Checks, Environment, Guard, GuardSettings, Limits};
use crate::clock::Clock;
use crate::config::{self, NetworkRule, Settings};
use crate::discord::{Discord, Endpoint, GatewayState};
use crate::domain::command::FourEyes;
use crate::domain::ids::{DiscordRoleId, GuildId, UserId};
use crate::domain::rights::{Allowed, Rights};
use crate::engine::{Catalog, CatalogReport, CheckRuns, Engine, Observations, Outbox, Rules, Timers};
use crate::store::Store;

/// How long inputs are remembered, so that none is applied twice. Discord repeats nothing for longer than minutes.
const INPUTS_REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often older ones are forgotten.
const FORGETS_EVERY: SignedDuration = SignedDuration::from_hours(24);

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

/// A part of the bot that runs for as long as the bot does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Desk,
    Timers,
    Observations,
    Outbox,
    Forgetting,
}

/// The parts that run.
#[derive(Default)]
struct Parts {
    running: FuturesUnordered<BoxFuture<'static, (Part, Result<(), JoinError>)>>,
    left: Vec<Part>,
}

/// A part ended that should not have.
#[derive(Debug, thiserror::Error)]
#[error(
    "{part} ended by itself ({why}); Holdpoint stops, so that a supervisor starts it afresh. Please report this, it is \
     a fault in Holdpoint"
)]
struct EndedEarly {
    part: Part,
    why: String,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Desk => "the desk that decides",
            Self::Timers => "the worker that fires timers",
            Self::Observations => "the worker that has checks observed",
            Self::Outbox => "the worker that delivers messages",
            Self::Forgetting => "the worker that forgets old inputs",
        })
    }
}

impl Parts {
    fn watch(&mut self, part: Part, running: JoinHandle<()>) {
        self.left.push(part);
        self.running.push(running.map(move |ended| (part, ended)).boxed());
    }

    /// Waits for `main`, and has it stopped when a part ends before it.
    async fn beside<T>(
        &mut self,
        main: impl Future<Output = T>,
        stop: &CancellationToken,
    ) -> (T, Result<(), EndedEarly>) {
        let mut main = std::pin::pin!(main);
        let mut well = Ok(());
        loop {
            tokio::select! {
                outcome = &mut main => return (outcome, well),
                Some((part, ended)) = self.running.next() => {
                    self.left.retain(|left| *left != part);
                    let early = EndedEarly {
                        part,
                        why: ended.err().map_or_else(|| "without a fault".to_owned(), |error| error.to_string()),
                    };
                    error!(error = %early, "stopping");
                    stop.cancel();
                    if well.is_ok() {
                        well = Err(early);
                    }
                }
            }
        }
    }

    /// Waits until all parts have ended, but one if it is named.
    async fn end_but(&mut self, one: Option<Part>) {
        while self.left.iter().any(|left| Some(*left) != one)
            && let Some((part, ended)) = self.running.next().await
        {
            self.left.retain(|left| *left != part);
            if let Err(error) = ended {
                error!(%part, %error, "a part ended badly");
            }
        }
    }
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
        let checks = checks(
            settings,
            plan.database,
            environment.clone(),
            Arc::clone(&plan.clock),
        )?;
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

    /// What takes results that are posted.
    pub fn check_runs(&self) -> &CheckRuns {
        &self.check_runs
    }

    /// Whether events arrive, now and later.
    pub fn gateway(&self) -> tokio::sync::watch::Receiver<GatewayState> {
        self.discord.state()
    }

    /// Runs until stopped, then finishes what is in hand, in the order in which one part feeds the next. All of that
    /// together takes no longer than the configured time.
    ///
    /// # Errors
    /// When Discord ends the connection for good, it cannot be brought back, or a part of the bot ended by itself.
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
        let stop = stop.child_token();
        let mut parts = Parts::default();
        parts.watch(Part::Desk, desk);
        let timers = Timers::new(engine.clone());
        parts.watch(Part::Timers, tokio::spawn(timers.run(workers.clone())));
        let observations = Observations::new(engine.clone(), check_runs.clone());
        parts.watch(
            Part::Observations,
            tokio::spawn(observations.run(workers.clone())),
        );
        let outbox = Outbox::new(engine.clone(), discord.courier());
        parts.watch(Part::Outbox, tokio::spawn(outbox.run(workers.clone())));
        let forgetting = forget_daily(engine.clone(), workers.clone());
        parts.watch(Part::Forgetting, tokio::spawn(forgetting));

        let connected = async {
            let until = async {
                stop.cancelled().await;
                info!("stopping");
                Instant::now() + drain
            };
            tokio::join!(discord.run(stop.clone(), drain), until)
        };
        let ((outcome, until), well) = parts.beside(connected, &stop).await;
        let drained = tokio::time::timeout_at(until, async {
            // Those that were asked for while Discord was being left.
            check_runs.stop_and_drain().await;
            workers.cancel();
            parts.end_but(Some(Part::Desk)).await;
            stop_desk.cancel();
            parts.end_but(None).await;
        })
        .await;
        if drained.is_err() {
            warn!(
                seconds = drain.as_secs(),
                "work in hand did not end in time; it goes on at the next start"
            );
            workers.cancel();
            stop_desk.cancel();
        }
        engine.store().clone().close().await;
        info!("stopped");
        well?;
        Ok(outcome?)
    }
}

/// Forgets inputs that are too old to come again, once a day: a bot may run for years.
async fn forget_daily(engine: Engine, stop: CancellationToken) {
    let clock = Arc::clone(engine.clock());
    loop {
        let next = clock.now().checked_add(FORGETS_EVERY).unwrap_or(Timestamp::MAX);
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock.sleep_until(next) => {}
        }
        let before = clock
            .now()
            .checked_sub(INPUTS_REMEMBERED)
            .unwrap_or(Timestamp::MIN);
        match engine.store().forget_inputs_before(before).await {
            Ok(forgotten) => info!(forgotten, "inputs that are too old to come again were forgotten"),
            Err(fault) => warn!(error = %fault, "old inputs could not be forgotten; trying again tomorrow"),
        }
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

/// What runs checks, as it is configured: the same for the bot and for a terminal.
///
/// # Errors
/// When what may be reached or run makes no sense, or TLS cannot be set up.
pub(super) fn checks(
    settings: &Settings,
    database: &Path,
    environment: Environment,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Checks> {
    let guard = Guard::new(guard_settings(settings, database), environment)?;
    let checks = &settings.checks;
    let limits = Limits {
        at_once: checks.concurrency.get(),
        per_host: checks.per_host.get(),
        body_bytes: checks.body_limit_bytes,
        memory_bytes: limit(checks.commands.memory_limit_bytes),
        processes: limit(checks.commands.process_limit),
        ..Limits::default()
    };
    Ok(Checks::new(limits, guard, clock)?)
}

fn limit(limit: Option<NonZeroUsize>) -> Option<u64> {
    limit.map(|limit| limit.get() as u64)
}

fn guard_settings(settings: &Settings, database: &Path) -> GuardSettings {
    let checks = &settings.checks;
    let mut secret_files = vec![database.to_owned()];
    secret_files.extend(settings.discord.token_file().map(Path::to_owned));
    let mut guard = GuardSettings {
        commands: checks.commands.allow.clone(),
        environment: checks.commands.environment.clone(),
        command_user: checks.commands.user.clone(),
        readable: checks.files.readable.clone(),
        secret_files,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_that_ends_by_itself_stops_the_rest_and_is_named() {
        let stop = CancellationToken::new();
        let mut parts = Parts::default();
        parts.watch(Part::Desk, tokio::spawn(stop.clone().cancelled_owned()));
        parts.watch(Part::Timers, tokio::spawn(std::future::ready(())));
        let ((), well) = parts.beside(stop.cancelled(), &stop).await;
        let early = well.map_err(|early| early.to_string());
        assert_eq!(
            early,
            Err(
                "the worker that fires timers ended by itself (without a fault); Holdpoint stops, so that a \
                 supervisor starts it afresh. Please report this, it is a fault in Holdpoint"
                    .to_owned()
            )
        );
        // What has ended is not waited for again.
        parts.end_but(Some(Part::Desk)).await;
        parts.end_but(None).await;
    }

    #[tokio::test]
    async fn what_ends_when_it_is_told_to_is_no_fault() {
        let stop = CancellationToken::new();
        let workers = CancellationToken::new();
        let mut parts = Parts::default();
        parts.watch(Part::Outbox, tokio::spawn(workers.clone().cancelled_owned()));
        let (answer, well) = parts.beside(std::future::ready(7), &stop).await;
        assert_eq!(answer, 7);
        assert!(well.is_ok());
        assert!(!stop.is_cancelled());
        workers.cancel();
        parts.end_but(None).await;
    }
}
