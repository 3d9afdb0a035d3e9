//! The imperative shell around the core: one door, [`Engine::handle`], through which everything that can change a deployment
//! goes, and the workers that pay what a commit owes.

mod catalog;
mod check_runs;
pub mod courier;
mod desk;
mod error;
mod hooks;
mod lookups;
mod observations;
mod outbox;
mod residents;
mod timers;
mod worker;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

pub use catalog::{
    Catalog, CatalogEntry, CatalogReport, ChecklistFile, UnreadChecklist, checklist_files, problems_of,
    read_checklist,
};
pub use check_runs::{CheckRuns, RunProgress, RunView, RunWish, Selection, Stopped};
pub use error::{Fault, HandleError};
pub use hooks::{IncomingPost, Taken, hook_path};
pub use observations::Observations;
pub use outbox::Outbox;
pub use timers::Timers;

pub use crate::markdown::{Diagnostic, Severity};
pub use crate::store::{Filter, Listed, Posted};

use crate::clock::Clock;
use crate::domain::command::{ActingAs, Command, FourEyes, Start};
use crate::domain::deployment::Deployment;
use crate::domain::event::Recorded;
use crate::domain::ids::{DeploymentId, GuildId, InputId, RoleKey};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Act, HoldsARole, Person, Rights};
use crate::domain::sign_off::{Holder, Owners, Rank};
use crate::store::Store;
use desk::{Desk, Job};
use residents::{Residents, Threads};

/// How many inputs may wait for the desk before a caller waits with them.
const WAITING_INPUTS: usize = 1024;

/// Something that wants to change a deployment.
#[derive(Clone, Debug)]
pub struct Input {
    /// What makes it unique; applied once, however often it comes.
    pub id: InputId,
    /// The Discord server it comes from; `None` when it comes from within.
    pub guild: Option<GuildId>,
    /// Who acts.
    pub actor: ActingAs,
    /// What is wished for.
    pub wish: Wish,
}

/// What an input wishes for.
#[derive(Clone, Debug)]
pub enum Wish {
    /// A new deployment.
    Start(Start),
    /// A change of one that there is.
    Change {
        /// Which.
        deployment: DeploymentId,
        /// What.
        command: Command,
    },
}

/// What came of an input.
#[derive(Clone, Debug)]
pub struct Handled {
    /// The deployment before it; `None` for a start and for a repeated input.
    pub before: Option<Arc<Deployment>>,
    /// The deployment after it.
    pub after: Arc<Deployment>,
    /// What happened; empty when nothing had to.
    pub events: Arc<[Recorded]>,
    /// Whether the same input had been applied before, so that nothing happened now.
    pub repeated: Repeated,
}

/// Whether an input had been applied before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It had.
    Yes,
    /// It is new.
    No,
}

/// What of the configuration the engine goes by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Rights where a Discord server has none of its own.
    pub rights: Rights,
    /// Rights of particular Discord servers.
    pub rights_by_guild: HashMap<GuildId, Rights>,
    /// Whether two people are needed for a release.
    pub four_eyes: FourEyes,
}

impl Rules {
    /// The rights of a Discord server.
    pub fn rights(&self, guild: GuildId) -> &Rights {
        self.rights_by_guild.get(&guild).unwrap_or(&self.rights)
    }
}

/// The one door. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

/// What the engine's parts share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) catalog: Catalog,
    pub(crate) residents: Residents,
    pub(crate) threads: Threads,
    pub(crate) rules: Rules,
    owners: tokio::sync::Mutex<HashMap<GuildId, Arc<Owners>>>,
    jobs: mpsc::Sender<Job>,
    pub(crate) wake_outbox: tokio::sync::Notify,
    pub(crate) wake_timers: tokio::sync::Notify,
    pub(crate) wake_observations: tokio::sync::Notify,
    /// Changes whenever a deployment ends; which one is seen by looking.
    pub(crate) endings: watch::Sender<()>,
}

impl Engine {
    /// Opens the door. The desk that decides runs until `stop` is cancelled and what waits has been decided.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        catalog: Catalog,
        rules: Rules,
        stop: CancellationToken,
    ) -> Result<(Self, tokio::task::JoinHandle<()>), Fault> {
        let (jobs, waiting) = mpsc::channel(WAITING_INPUTS);
        let next_deployment = store.next_deployment_id().await?;
        let shared = Arc::new(Shared {
            store,
            clock,
            catalog,
            residents: Residents::default(),
            threads: Threads::default(),
            rules,
            owners: tokio::sync::Mutex::default(),
            jobs,
            wake_outbox: tokio::sync::Notify::new(),
            wake_timers: tokio::sync::Notify::new(),
            wake_observations: tokio::sync::Notify::new(),
            endings: watch::Sender::default(),
        });
        let desk = Desk::new(Arc::clone(&shared), waiting, next_deployment);
        let running = tokio::spawn(desk.run(stop));
        Ok((Self { shared }, running))
    }

    /// Takes an input through the door: it is decided, and what came of it is on disk when this returns.
    ///
    /// Dropping the future does not take the input back.
    ///
    /// # Errors
    /// [`HandleError::Refused`] when it cannot be, [`HandleError::Fault`] when something broke; in both cases nothing changed.
    pub async fn handle(&self, input: Input) -> Result<Handled, HandleError> {
        let (reply, answer) = oneshot::channel();
        self.shared
            .jobs
            .send(Job { input, reply })
            .await
            .map_err(|_| Fault::Stopping)?;
        answer.await.map_err(|_| Fault::Stopping)?
    }

    /// A deployment of a Discord server.
    ///
    /// # Errors
    /// Refuses one that is not there or belongs to another server.
    pub async fn deployment(&self, id: DeploymentId, guild: GuildId) -> Result<Arc<Deployment>, HandleError> {
        let found = self.shared.resident(id).await?;
        match found.filter(|deployment| deployment.guild == guild) {
            Some(deployment) => Ok(deployment),
            None => Err(Refusal::UnknownDeployment.into()),
        }
    }

    /// A deployment, whichever server it is of.
    ///
    /// # Errors
    /// When the store cannot be read or its history is damaged.
    pub async fn any_deployment(&self, id: DeploymentId) -> Result<Option<Arc<Deployment>>, Fault> {
        self.shared.resident(id).await
    }

    /// Who holds which role in a Discord server.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn owners(&self, guild: GuildId) -> Result<Arc<Owners>, Fault> {
        self.shared.owners(guild).await
    }

    /// Says that somebody holds a role.
    ///
    /// # Errors
    /// Refuses who may not say so.
    pub async fn set_owner(
        &self,
        guild: GuildId,
        by: &Person,
        role: &RoleKey,
        rank: Rank,
        holder: Holder,
    ) -> Result<(), HandleError> {
        self.may_manage(guild, by)?;
        // Held while it is written, so that nobody reads the old holders and keeps them.
        let mut known = self.shared.owners.lock().await;
        known.remove(&guild);
        let written = self
            .shared
            .store
            .set_owner(guild, role, rank, holder, by.id, self.now())
            .await;
        Ok(written.map_err(Fault::from)?)
    }

    /// Takes a role from whoever holds it, or from one rank or holder; answers from how many.
    ///
    /// # Errors
    /// Refuses who may not.
    pub async fn clear_owner(
        &self,
        guild: GuildId,
        by: &Person,
        role: &RoleKey,
        rank: Option<Rank>,
        holder: Option<Holder>,
    ) -> Result<u64, HandleError> {
        self.may_manage(guild, by)?;
        let mut known = self.shared.owners.lock().await;
        known.remove(&guild);
        let removed = self.shared.store.clear_owner(guild, role, rank, holder).await;
        Ok(removed.map_err(Fault::from)?)
    }

    /// The checklists that can be started.
    pub fn catalog(&self) -> &Catalog {
        &self.shared.catalog
    }

    /// The database, to read from.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The clock all goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    /// The rules it goes by.
    pub fn rules(&self) -> &Rules {
        &self.shared.rules
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn may_manage(&self, guild: GuildId, by: &Person) -> Result<(), Refusal> {
        let rights = self.shared.rules.rights(guild);
        if rights.permit(Act::Manage, by, None, HoldsARole::No) {
            Ok(())
        } else {
            Err(Refusal::NotAllowed {
                act: Act::Manage,
                allowed: rights.of(Act::Manage).to_vec(),
            })
        }
    }
}

impl Shared {
    /// Now, in whole milliseconds, as that is what the database keeps: a deployment in memory and one read back agree.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// A deployment from memory, else folded from its history.
    pub(crate) async fn resident(&self, id: DeploymentId) -> Result<Option<Arc<Deployment>>, Fault> {
        self.resident_since(id, 0).await
    }

    /// A deployment from memory if it has come as far as an event there, else folded from its history. Between a
    /// commit and its publication, what is in memory is older than what the database says of it.
    pub(crate) async fn resident_since(
        &self,
        id: DeploymentId,
        seq: u64,
    ) -> Result<Option<Arc<Deployment>>, Fault> {
        if let Some(deployment) = self.residents.get(id).filter(|held| held.seq >= seq) {
            return Ok(Some(deployment));
        }
        let Some(history) = self.store.history(id).await? else {
            return Ok(None);
        };
        let checklist = if let Some(checklist) = self.catalog.by_hash(&history.checklist) {
            checklist
        } else {
            let source = self
                .store
                .checklist_source(&history.checklist)
                .await?
                .ok_or_else(|| Fault::ChecklistLost {
                    deployment: id,
                    hash: history.checklist.clone(),
                })?;
            self.catalog.read(&history.name, &source)
        };
        let deployment =
            Deployment::fold(id, checklist, &history.recorded).map_err(|foreign| Fault::DamagedHistory {
                deployment: id,
                foreign,
            })?;
        Ok(Some(self.residents.keep(Arc::new(deployment))))
    }

    pub(crate) async fn owners(&self, guild: GuildId) -> Result<Arc<Owners>, Fault> {
        let mut known = self.owners.lock().await;
        if let Some(owners) = known.get(&guild) {
            return Ok(Arc::clone(owners));
        }
        let owners = Arc::new(self.store.owners(guild).await?);
        known.insert(guild, Arc::clone(&owners));
        Ok(owners)
    }
}

/// Values typed for variables, as `name=value name=value`; a value with spaces stands in double quotes.
///
/// # Errors
/// Refuses what has no `=`.
pub fn typed_variables(typed: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut variables = BTreeMap::new();
    let mut rest = typed.trim();
    while !rest.is_empty() {
        let refused = || Refusal::NotAnAssignment {
            typed: rest.to_owned(),
        };
        let (name, after) = rest.split_once('=').ok_or_else(refused)?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err(refused());
        }
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or_else(refused)?,
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        variables.insert(name.to_owned(), value.to_owned());
        rest = left.trim_start();
    }
    Ok(variables)
}

#[cfg(test)]
mod tests;
