//! Holdpoint's engine on a database of its own, with deployments that callers tick and untick.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use holdpoint::clock::SystemClock;
use holdpoint::domain::command::{ActingAs, Command, FourEyes, Start};
use holdpoint::domain::deployment::Deployment;
use holdpoint::domain::ids::{ChannelId, DeploymentId, GuildId, InputId, ItemId, UserId};
use holdpoint::domain::rights::{Person, Rights};
use holdpoint::domain::text::{Environment, Version};
use holdpoint::engine::{Catalog, Engine, Handled, Input, Rules, Wish};
use holdpoint::store::Store;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::fixture;
use crate::measure::per;

const GUILD: GuildId = GuildId(1_151_230_000_000_000_001);
const PERSON: UserId = UserId(1_151_230_000_000_000_002);
const CHANNEL: ChannelId = ChannelId(1_151_230_000_000_000_003);
/// Interaction ids are of this size.
const FIRST_INPUT: u64 = 1_151_240_000_000_000_000;

/// An engine with nothing behind it: no Discord, no workers.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) deployments: Vec<DeploymentId>,
    items: Vec<ItemId>,
    inputs: Arc<AtomicU64>,
    desk: JoinHandle<()>,
    stop: CancellationToken,
}

impl House {
    /// Opens a database that is not there yet, and starts deployments of 200 items.
    pub(crate) async fn build(database: &Path, deployments: usize) -> Result<Self> {
        let (checklist, bytes) = fixture::checklist()?;
        let bytes: Arc<[u8]> = bytes.into();
        let clock = Arc::new(SystemClock);
        let store = Store::open(database, holdpoint::clock::Clock::now(&*clock)).await?;
        let directory = database.with_extension("checklists");
        std::fs::create_dir_all(&directory)?;
        let (catalog, _) = Catalog::load(&directory);
        let rules = Rules {
            rights: Rights::default(),
            rights_by_guild: std::collections::HashMap::new(),
            four_eyes: FourEyes::Required,
        };
        let stop = CancellationToken::new();
        let (engine, desk) = Engine::open(store, clock, catalog, rules, stop.clone()).await?;
        let mut house = Self {
            engine,
            deployments: Vec::new(),
            items: Vec::new(),
            inputs: Arc::new(AtomicU64::new(FIRST_INPUT)),
            desk,
            stop,
        };
        for _ in 0..deployments {
            let start = Wish::Start(Start {
                checklist: Arc::clone(&checklist),
                checklist_bytes: Arc::clone(&bytes),
                guild: GUILD,
                channel: CHANNEL,
                version: Version::parse("2.4.1")?,
                environment: Environment::parse("staging")?,
                variables: std::collections::BTreeMap::new(),
            });
            let started = house.wish(start).await?;
            house.items = fixture::tickable(&started.after);
            house.deployments.push(started.after.id);
        }
        Ok(house)
    }

    /// One deployment as it is.
    pub(crate) async fn deployment(&self, id: DeploymentId) -> Result<Arc<Deployment>> {
        self.engine
            .any_deployment(id)
            .await?
            .context("a deployment that was started is not there")
    }

    /// Ticks and unticks until the first deployment has so many events.
    pub(crate) async fn fill_to(&self, events: usize) -> Result<()> {
        let id = self.deployments[0];
        let mut number = 0;
        while self.deployment(id).await?.seq < events as u64 {
            let item = self.items[number / 2 % self.items.len()].clone();
            let command = if number % 2 == 0 {
                Command::Tick { item }
            } else {
                Command::Untick { item }
            };
            self.wish(Wish::Change {
                deployment: id,
                command,
            })
            .await?;
            number += 1;
        }
        Ok(())
    }

    /// Ticks half of what can be ticked in the first deployment.
    pub(crate) async fn tick_half(&self) -> Result<()> {
        let deployment = self.deployments[0];
        for item in self.items.iter().take(self.items.len() / 2).cloned() {
            self.wish(Wish::Change {
                deployment,
                command: Command::Tick { item },
            })
            .await?;
        }
        Ok(())
    }

    /// Has every caller do so many commands, one after the other, and answers with the seconds that one took, counted
    /// over all. A caller ticks and unticks items of its own, so an even number leaves all as it was.
    pub(crate) async fn command(&self, callers: usize, commands_each: usize) -> Result<f64> {
        let sharing = callers.div_ceil(self.deployments.len());
        let mut running = JoinSet::new();
        let begun = Instant::now();
        for caller in 0..callers {
            let deployment = self.deployments[caller % self.deployments.len()];
            let own: Vec<ItemId> = self
                .items
                .iter()
                .skip(caller / self.deployments.len())
                .step_by(sharing)
                .cloned()
                .collect();
            let engine = self.engine.clone();
            let inputs = Arc::clone(&self.inputs);
            running.spawn(async move {
                for number in 0..commands_each {
                    let item = own[number / 2 % own.len()].clone();
                    let command = if number % 2 == 0 {
                        Command::Tick { item }
                    } else {
                        Command::Untick { item }
                    };
                    let wish = Wish::Change { deployment, command };
                    let handled = engine.handle(input(&inputs, wish)).await?;
                    if handled.events.is_empty() {
                        bail!("a command changed nothing");
                    }
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        Ok(per(begun.elapsed(), callers * commands_each))
    }

    async fn wish(&self, wish: Wish) -> Result<Handled> {
        Ok(self.engine.handle(input(&self.inputs, wish)).await?)
    }

    /// Stops, and lets go of the database.
    pub(crate) async fn close(self) -> Result<()> {
        self.stop.cancel();
        self.desk.await?;
        self.engine.store().clone().close().await;
        Ok(())
    }
}

/// Somebody who may tick.
pub(crate) fn person() -> ActingAs {
    ActingAs::Person(Person {
        id: PERSON,
        discord_roles: Vec::new(),
        manages_server: false,
    })
}

fn input(inputs: &AtomicU64, wish: Wish) -> Input {
    let number = inputs.fetch_add(1, Ordering::Relaxed);
    Input {
        id: InputId::new(format!("interaction:{number}")),
        guild: Some(GUILD),
        actor: person(),
        wish,
    }
}
