//! A database of its own, a clock that is moved, and an engine that can be cut off.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use discord_stand_in::{Channel, GuildSeed, Message, Options, RateLimits, StandIn};
use holdpoint::checks::{Checks, Environment, Guard, GuardSettings, Limits};
use holdpoint::clock::{Clock, ManualClock};
use holdpoint::discord::{Discord, Endpoint};
use holdpoint::domain::command::{ActingAs, Command, FourEyes, Start};
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::ids::{ChannelId, DeploymentId, GuildId, InputId, ItemId, RoleKey, UserId};
use holdpoint::domain::rights::{Person, Rights};
use holdpoint::domain::sign_off::{Holder, Rank};
use holdpoint::domain::text::{self, Version};
use holdpoint::engine::{Catalog, CheckRuns, Engine, HandleError, Handled, Input, Rules, Wish};
use holdpoint::store::{History, Store};
use jiff::{SignedDuration, Timestamp};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The checklist: a role that is asked at once, a check, and work.
pub(crate) const CHECKLIST: &str = "---
title: Promises
checks:
  health: { http: { url: \"http://127.0.0.1:1/\" }, pass: status == 200 }
sign-offs:
  tech-lead: { role: Tech Lead, escalate: ladder }
escalations:
  ladder: { owner: 10m, deputy: 10m }
---

# Promises

## Sign-off

- [ ] Tech Lead: ____________ <!-- sign-off: tech-lead -->

## Work

- [ ] First
- [ ] Second
- [ ] Third
- [ ] It is healthy <!-- check: health -->
";

pub(crate) const GUILD: GuildId = GuildId(900_000_000_000_000_001);
pub(crate) const CHANNEL: ChannelId = ChannelId(900_000_000_000_000_002);
pub(crate) const MARA: UserId = UserId(900_000_000_000_000_003);
pub(crate) const THEO: UserId = UserId(900_000_000_000_000_004);

/// How long what is being answered may take to end.
pub(crate) const DRAIN: std::time::Duration = std::time::Duration::from_secs(20);
/// How long is waited for what comes soon.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

/// Where everything lives, whether an engine runs or not.
pub(crate) struct House {
    directory: TempDir,
    pub(crate) clock: ManualClock,
}

/// An engine that runs.
pub(crate) struct Open {
    pub(crate) engine: Engine,
    desk: JoinHandle<()>,
    stop: CancellationToken,
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with(CHECKLIST)
    }

    /// A house with another checklist in it, under the same name.
    pub(crate) fn with(checklist: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test");
        std::fs::create_dir(directory.path().join("checklists")).expect("a directory for checklists");
        std::fs::write(directory.path().join("checklists/promises.md"), checklist).expect("a checklist");
        let start: Timestamp = "2026-03-06T09:00:00Z".parse().expect("a time");
        Self {
            directory,
            clock: ManualClock::new(start),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("holdpoint.db")
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) async fn open(&self) -> Open {
        self.open_by(Arc::new(self.clock.clone())).await
    }

    /// Opens by another clock.
    pub(crate) async fn open_by(&self, clock: Arc<dyn Clock>) -> Open {
        let store = Store::open(&self.database(), self.clock.now())
            .await
            .expect("the database opens");
        let (catalog, report) = Catalog::load(&self.directory.path().join("checklists"));
        assert_eq!(report.broken, Vec::new());
        let rules = Rules {
            rights: Rights::default(),
            rights_by_guild: std::iter::empty().collect(),
            four_eyes: FourEyes::Waived,
        };
        let stop = CancellationToken::new();
        let (engine, desk) = Engine::open(store, clock, catalog, rules, stop.clone())
            .await
            .expect("the engine opens");
        Open { engine, desk, stop }
    }
}

impl Open {
    /// Stops as a clean shutdown does.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.desk.await.expect("the desk ends well");
        self.engine.store().clone().close().await;
    }

    /// Cuts the desk off wherever it is.
    pub(crate) async fn cut_off(self) {
        self.desk.abort();
        // It was told to end; how is no matter.
        let _ = self.desk.await;
        self.engine.store().clone().close().await;
    }

    /// Starts a deployment of Mara's.
    pub(crate) async fn start(&self, number: u64, guild: GuildId, channel: ChannelId) -> Arc<Deployment> {
        self.start_of("promises", number, guild, channel).await
    }

    /// The same of another checklist.
    pub(crate) async fn start_of(
        &self,
        name: &str,
        number: u64,
        guild: GuildId,
        channel: ChannelId,
    ) -> Arc<Deployment> {
        let entry = self
            .engine
            .catalog()
            .entry_in(guild, name)
            .expect("the checklist is there");
        let start = Start {
            checklist: Arc::clone(&entry.checklist),
            checklist_bytes: Arc::clone(&entry.bytes),
            guild,
            channel,
            version: Version::parse(&format!("1.0.{number}")).expect("a version"),
            environment: text::Environment::parse("staging").expect("an environment"),
            variables: std::iter::empty().collect(),
        };
        let input = Input {
            id: InputId::new(format!("start:{number}")),
            guild: Some(guild),
            actor: acting(MARA),
            wish: Wish::Start(start),
        };
        self.engine
            .handle(input)
            .await
            .expect("the deployment starts")
            .after
    }

    pub(crate) async fn change(
        &self,
        id: impl Into<String>,
        by: UserId,
        deployment: DeploymentId,
        command: Command,
    ) -> Result<Handled, HandleError> {
        self.engine.handle(change(id, by, deployment, command)).await
    }

    pub(crate) async fn own(&self, guild: GuildId, person: UserId, rank: Rank) {
        self.engine
            .store()
            .set_owner(
                guild,
                &RoleKey::new("tech-lead"),
                rank,
                Holder::Member(person),
                person,
                self.engine.now(),
            )
            .await
            .expect("a role is given");
    }

    /// What runs its checks.
    pub(crate) fn runs(&self) -> CheckRuns {
        self.runs_within(GuardSettings::default())
    }

    /// The same, as far as the settings let it.
    pub(crate) fn runs_within(&self, settings: GuardSettings) -> CheckRuns {
        let environment = Environment::of_process();
        let guard = Guard::new(settings, environment.clone()).expect("a guard");
        let checks = Checks::new(Limits::default(), guard, Arc::clone(self.engine.clock())).expect("checks");
        CheckRuns::new(self.engine.clone(), checks, environment, self.stop.child_token())
            .expect("TLS is there")
    }

    pub(crate) async fn discord(&self, stand_in: &StandIn) -> Discord {
        let endpoint = Endpoint::Local {
            proxy: stand_in.proxy_url(),
            certificate_authority: stand_in.ca_certificate_pem().to_owned(),
        };
        Discord::connect(self.engine.clone(), self.runs(), "promises", &endpoint)
            .await
            .expect("the stand-in is reached")
    }
}

pub(crate) fn change(id: impl Into<String>, by: UserId, deployment: DeploymentId, command: Command) -> Input {
    Input {
        id: InputId::new(id),
        guild: None,
        actor: acting(by),
        wish: Wish::Change { deployment, command },
    }
}

pub(crate) fn acting(id: UserId) -> ActingAs {
    ActingAs::Person(Person {
        id,
        discord_roles: Vec::new(),
        manages_server: false,
    })
}

pub(crate) fn tick(item: &str) -> Command {
    Command::Tick {
        item: ItemId::new(item),
    }
}

pub(crate) fn untick(item: &str) -> Command {
    Command::Untick {
        item: ItemId::new(item),
    }
}

pub(crate) fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

/// What a stand-in is started with here: people, no pace, and no memory of nonces.
pub(crate) fn options() -> Options {
    Options {
        guilds: vec![
            GuildSeed::new("Northwind")
                .channel("releases")
                .person("Mara", &[])
                .person("Theo", &[])
                .person("Dana", &[]),
        ],
        rate_limits: RateLimits::Off,
        nonce_memory: std::time::Duration::ZERO,
        recording: std::env::var_os("HOLDPOINT_RECORDING").map(PathBuf::from),
        ..Options::default()
    }
}

pub(crate) fn place(stand_in: &StandIn) -> (GuildId, ChannelId) {
    let guild = stand_in.guild_id("Northwind").expect("the guild");
    let channel = stand_in.channel("releases").expect("the channel").id();
    (GuildId(guild.into()), ChannelId(channel.into()))
}

pub(crate) fn member(stand_in: &StandIn, name: &str) -> UserId {
    UserId(stand_in.person(name).expect("everybody is there").id().into())
}

/// How many events of a deployment are of a kind.
pub(crate) async fn events(open: &Open, id: DeploymentId, kind: &str) -> usize {
    history(&open.engine, id)
        .await
        .recorded
        .iter()
        .filter(|recorded| recorded.event.kind() == kind)
        .count()
}

/// Everything that happened to a deployment.
pub(crate) async fn history(engine: &Engine, id: DeploymentId) -> History {
    engine
        .store()
        .history(id)
        .await
        .expect("a history can be read")
        .expect("it is there")
}

/// Waits until a deployment has so many events of a kind.
pub(crate) async fn until_events(open: &Open, id: DeploymentId, kind: &str, count: usize) {
    let what = format!("{count} events {kind}");
    until(&what, async || events(open, id, kind).await >= count).await;
}

/// Waits until something holds, but not for ever: a test that waits in vain has failed, and says for what.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .unwrap_or_else(|_| panic!("this did not come about: {what}"));
}

/// The thread of the deployment of this version, and its first card with all it offers.
pub(crate) async fn card_in(stand_in: &StandIn, version: &str) -> (Channel, Message) {
    let thread = stand_in
        .wait_for_thread(|name| name.contains(version))
        .await
        .expect("the thread");
    let card = thread
        .wait_for_message(|message| message.reactions("❌") > 0)
        .await
        .expect("the card");
    (thread, card)
}

/// Writes into a database as nobody should, past its store.
pub(crate) async fn past_the_store(database: &Path, sql: &'static str) {
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(database)
        .connect()
        .await
        .expect("the database opens");
    sqlx::raw_sql(sql)
        .execute(&mut connection)
        .await
        .expect("it is written");
    connection.close().await.expect("it closes");
}
