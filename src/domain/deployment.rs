//! A deployment: its events, folded.

mod answers;
mod series;
mod turned;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::check::{CheckResult, CheckStatus};
use super::checklist::{Checklist, ItemIndex};
use super::event::{Actor, Decision, Event, How, Outcome, Recorded};
use super::ids::{BlankId, ChannelId, CheckId, DeploymentId, GuildId, ItemId, RoleKey, UserId};
use super::items_progress::ItemsProgress;
use super::sign_off::ChecksSeen;

pub use self::answers::{Rejection, Request, Resting, SignOff};
use self::series::Observed;
pub use self::series::{RECENT, Series, SeriesProgress, Stage};
pub use self::turned::Turned;

/// One run of a checklist, as its events have left it.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// Its number.
    pub id: DeploymentId,
    /// The checklist it keeps to.
    pub checklist: Arc<Checklist>,
    /// The Discord server.
    pub guild: GuildId,
    /// The channel it was started in.
    pub channel: ChannelId,
    /// What is released.
    pub version: String,
    /// Where to.
    pub environment: String,
    /// Values given for variables at the start.
    pub variables: BTreeMap<String, String>,
    /// Who started it; nobody when it was started by other than a person.
    pub started_by: Option<UserId>,
    /// When.
    pub started_at: Timestamp,
    /// How many events it has.
    pub seq: u64,
    /// Where it stands.
    pub phase: Phase,
    /// Per item, in the order of the checklist.
    pub items: ItemsProgress,
    /// What blanks were filled with.
    pub blanks: BTreeMap<BlankId, Filled>,
    /// The latest result of each check that has run.
    pub checks: BTreeMap<CheckId, CheckResult>,
    /// How the latest runs and observations of each check ended, the oldest first; at most [`RECENT`].
    pub recent: BTreeMap<CheckId, VecDeque<CheckStatus>>,
    /// The latest series of each check that several observations decide.
    pub series: BTreeMap<CheckId, Series>,
    /// Checks that are watched and do not pass.
    pub turned: BTreeMap<CheckId, Turned>,
    /// Per role the checklist asks.
    pub sign_offs: BTreeMap<RoleKey, SignOff>,
    /// Remarks, oldest first.
    pub notes: Vec<Note>,
    /// The last decision.
    pub decision: Option<Decided>,
    /// How it ended.
    pub finished: Option<Finished>,
}

/// Where a deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before the decision.
    Preparing,
    /// The decision was NO-GO.
    Held,
    /// The decision was GO.
    Releasing,
    /// It ended.
    Finished(Outcome),
}

/// How far an item is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemProgress {
    /// Open or closed.
    pub state: ItemState,
    /// Whose it is.
    pub assignee: Option<UserId>,
}

/// Whether an item is open or closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ItemState {
    /// Not done.
    #[default]
    Open,
    /// Done.
    Ticked {
        /// By whom or what.
        by: Actor,
        /// When.
        at: Timestamp,
        /// What brought it about.
        how: How,
    },
    /// Closed without being done.
    Skipped {
        /// By whom or what.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Cannot go on.
    Blocked {
        /// By whom or what.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl ItemState {
    /// Whether it holds nothing any more.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Ticked { .. } | Self::Skipped { .. } => true,
            Self::Open | Self::Blocked { .. } => false,
        }
    }
}

/// A blank's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// What it was filled with.
    pub value: String,
    /// By whom or what.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// On which item; on the whole otherwise.
    pub item: Option<ItemId>,
    /// What it says.
    pub text: String,
    /// Whose.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// A decision and whose it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// GO or NO-GO.
    pub decision: Decision,
    /// Whose.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why, where it was NO-GO.
    pub reason: Option<String>,
}

/// How a deployment ended, and who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// How.
    pub outcome: Outcome,
    /// Who said so.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why, where it failed.
    pub reason: Option<String>,
}

/// An event that cannot be of this deployment: its history was damaged, or its checklist is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Which event.
    pub seq: u64,
    /// What is wrong with it.
    pub why: String,
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "event {} does not fit the deployment: {}", self.seq, self.why)
    }
}

impl std::error::Error for Foreign {}

impl Deployment {
    /// Begins a deployment from its first event.
    ///
    /// # Errors
    /// When the event is not [`Event::Started`] of this very checklist.
    pub fn begin(id: DeploymentId, checklist: Arc<Checklist>, first: &Recorded) -> Result<Self, Foreign> {
        let foreign = |why: &str| Foreign {
            seq: first.seq,
            why: why.to_owned(),
        };
        let Event::Started {
            checklist: hash,
            version,
            environment,
            guild,
            channel,
            variables,
            ..
        } = &first.event
        else {
            return Err(foreign("a history begins with its start"));
        };
        if *hash != checklist.hash {
            return Err(foreign("it was started with another checklist"));
        }
        let items = checklist
            .items
            .iter()
            .map(|item| ItemProgress {
                // A box that somebody has to answer for is not answered by the document it was copied with.
                state: if item.checked && item.sign_off.is_none() && !item.decision {
                    ItemState::Ticked {
                        by: Actor::Document,
                        at: first.at,
                        how: How::InTheDocument,
                    }
                } else {
                    ItemState::Open
                },
                assignee: None,
            })
            .collect();
        let sign_offs = checklist
            .sign_offs
            .keys()
            .map(|role| (role.clone(), SignOff::default()))
            .collect();
        Ok(Self {
            id,
            guild: *guild,
            channel: *channel,
            version: version.clone(),
            environment: environment.clone(),
            variables: variables.clone(),
            started_by: match first.actor {
                Actor::Person(person) => Some(person),
                Actor::CheckRunner | Actor::Timer | Actor::Document => None,
            },
            started_at: first.at,
            seq: first.seq,
            phase: Phase::Preparing,
            items,
            blanks: BTreeMap::new(),
            checks: BTreeMap::new(),
            recent: BTreeMap::new(),
            series: BTreeMap::new(),
            turned: BTreeMap::new(),
            sign_offs,
            notes: Vec::new(),
            decision: None,
            finished: None,
            checklist,
        })
    }

    /// Folds a whole history.
    ///
    /// # Errors
    /// When the history is empty or an event does not fit.
    pub fn fold(id: DeploymentId, checklist: Arc<Checklist>, history: &[Recorded]) -> Result<Self, Foreign> {
        let Some((first, rest)) = history.split_first() else {
            return Err(Foreign {
                seq: 0,
                why: "there are no events".to_owned(),
            });
        };
        let mut deployment = Self::begin(id, checklist, first)?;
        for recorded in rest {
            deployment.apply(recorded)?;
        }
        Ok(deployment)
    }

    /// Applies the next event.
    ///
    /// # Errors
    /// When its number is not the next one, or it names what the checklist does not have.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), Foreign> {
        let Recorded {
            seq,
            at,
            actor,
            event,
        } = recorded;
        let (at, by) = (*at, *actor);
        let foreign = |why: String| Foreign { seq: *seq, why };
        if *seq != self.seq + 1 {
            return Err(foreign(format!("its number should be {}", self.seq + 1)));
        }
        match event {
            Event::Started { .. } => return Err(foreign("a deployment starts once".to_owned())),
            Event::Ticked { item, how } => {
                self.progress_of(item).map_err(foreign)?.state = ItemState::Ticked { by, at, how: *how };
            }
            Event::Unticked { item, .. } | Event::Unblocked { item, .. } => {
                self.progress_of(item).map_err(foreign)?.state = ItemState::Open;
            }
            Event::Skipped { item, reason } => {
                self.progress_of(item).map_err(foreign)?.state = ItemState::Skipped {
                    by,
                    at,
                    reason: reason.clone(),
                };
            }
            Event::Blocked { item, reason } => {
                self.progress_of(item).map_err(foreign)?.state = ItemState::Blocked {
                    by,
                    at,
                    reason: reason.clone(),
                };
            }
            Event::Filled { blank, value } => {
                self.blanks.insert(
                    blank.clone(),
                    Filled {
                        value: value.clone(),
                        by,
                        at,
                    },
                );
            }
            Event::Assigned { item, to } => self.progress_of(item).map_err(foreign)?.assignee = *to,
            Event::Noted { item, text } => {
                self.notes.push(Note {
                    item: item.clone(),
                    text: text.clone(),
                    by,
                    at,
                });
            }
            Event::CheckRecorded { result } => self.apply_recorded(result),
            Event::CheckObserved {
                result,
                series,
                number,
                due,
            } => {
                let observed = Observed {
                    result,
                    series: *series,
                    number: *number,
                    due: *due,
                };
                self.apply_observed(observed).map_err(foreign)?;
            }
            Event::WatchTurned { check } => {
                self.turned.insert(check.clone(), Turned::at(at));
            }
            Event::WatchPinged { check, ping, .. } => {
                if let Some(turned) = self.turned.get_mut(check) {
                    *turned = turned.pinged(*ping, at);
                }
            }
            Event::WatchAcknowledged { check, until } => {
                if let (Some(turned), Actor::Person(person)) = (self.turned.get_mut(check), by) {
                    turned.acknowledged = Some((person, *until));
                }
            }
            Event::WatchRecovered { check } => {
                self.turned.remove(check);
            }
            Event::SignOffRequested { role } => {
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                sign_off.request = Some(Request::made(at));
                sign_off.resting = None;
                sign_off.requests += 1;
                // Asking again after a no asks everybody: an older yes must not outvote it without a look at what changed.
                if sign_off.rejection.take().is_some() {
                    sign_off.further_rejections.clear();
                    sign_off.signatures.clear();
                }
            }
            Event::SignOffRecalled { role } => {
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                sign_off.resting = sign_off
                    .request
                    .take()
                    .map(|request| Resting { request, since: at });
            }
            Event::SignOffResumed { role } => {
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                sign_off.request = sign_off.resting.take().map(|resting| resting.resumed(at));
            }
            Event::AskedAgain { role } => {
                if let Some(request) = &mut self.sign_off_of(role).map_err(foreign)?.request {
                    request.asked_again = Some((by, at));
                }
            }
            Event::Pinged { role, ping, .. } => {
                if let Some(request) = &mut self.sign_off_of(role).map_err(foreign)?.request {
                    request.pings = *ping;
                    request.waits_since = at;
                    request.pinged_at = Some(at);
                    request.acknowledged = None;
                }
            }
            Event::Acknowledged { role, until } => {
                if let (Some(request), Actor::Person(person)) =
                    (&mut self.sign_off_of(role).map_err(foreign)?.request, by)
                {
                    request.acknowledged = Some((person, *until));
                }
            }
            Event::Approved { role, signature } => {
                let quorum = self.quorum_of(role);
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                let was_rejected = sign_off.rejection.is_some();
                sign_off.forget(signature.by);
                sign_off.signatures.push(signature.clone());
                // The ladder ended with the rejection; where more approvals are needed, it begins again.
                if was_rejected && sign_off.rejection.is_none() && !sign_off.has_approvals(quorum) {
                    sign_off.wait_anew(at);
                }
            }
            Event::Rejected { role, reason } => {
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                if let Actor::Person(person) = by {
                    sign_off.forget(person);
                    let rejection = Rejection {
                        by: person,
                        at,
                        reason: reason.clone(),
                    };
                    match sign_off.rejection {
                        None => sign_off.rejection = Some(rejection),
                        Some(_) => sign_off.further_rejections.push(rejection),
                    }
                }
            }
            Event::RejectionExplained { role, reason } => {
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                for rejection in sign_off
                    .rejection
                    .iter_mut()
                    .chain(&mut sign_off.further_rejections)
                {
                    if by == Actor::Person(rejection.by) {
                        rejection.reason = Some(reason.clone());
                    }
                }
            }
            Event::Withdrawn { role } => {
                let quorum = self.quorum_of(role);
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                if let Actor::Person(person) = by {
                    sign_off.forget(person);
                    if sign_off.rejection.is_none() && !sign_off.has_approvals(quorum) {
                        sign_off.wait_anew(at);
                    }
                }
            }
            Event::Voided { role, by: signer, .. } => {
                // The old card showed what no longer is; the role is asked again, on a new one.
                let sign_off = self.sign_off_of(role).map_err(foreign)?;
                sign_off.signatures.retain(|given| given.by != *signer);
                sign_off.request = None;
                sign_off.resting = None;
            }
            Event::Decided { decision, reason } => {
                self.decision = Some(Decided {
                    decision: *decision,
                    by,
                    at,
                    reason: reason.clone(),
                });
                self.phase = match decision {
                    Decision::Go => Phase::Releasing,
                    Decision::NoGo => Phase::Held,
                };
                // The watch begins with each GO anew.
                self.turned.clear();
            }
            Event::Finished { outcome, reason } => {
                self.finished = Some(Finished {
                    outcome: *outcome,
                    by,
                    at,
                    reason: reason.clone(),
                });
                self.phase = Phase::Finished(*outcome);
            }
        }
        self.seq = *seq;
        Ok(())
    }

    /// An item's progress by its position.
    pub fn item_state(&self, index: ItemIndex) -> &ItemState {
        static OPEN: ItemState = ItemState::Open;
        self.items.get(index).map_or(&OPEN, |progress| &progress.state)
    }

    /// Whether a role has as many approvals as it needs, and no rejection.
    pub fn is_approved(&self, role: &RoleKey) -> bool {
        self.sign_offs
            .get(role)
            .is_some_and(|sign_off| sign_off.has_approvals(self.quorum_of(role)))
    }

    /// Whether a request to a role stands and waits for an answer.
    pub fn waits_for(&self, role: &RoleKey) -> bool {
        self.sign_offs.get(role).is_some_and(|sign_off| {
            sign_off.request.is_some()
                && sign_off.rejection.is_none()
                && !sign_off.has_approvals(self.quorum_of(role))
        })
    }

    /// Who started it, where every signature given so far is theirs alone.
    pub fn signed_by_starter_alone(&self) -> Option<UserId> {
        let starter = self.started_by?;
        let mut signatures = self
            .sign_offs
            .values()
            .flat_map(|sign_off| &sign_off.signatures)
            .peekable();
        signatures.peek()?;
        signatures
            .all(|signature| signature.by == starter)
            .then_some(starter)
    }

    /// Whether a check has passed when it last ran.
    pub fn has_passed(&self, check: &CheckId) -> bool {
        self.checks
            .get(check)
            .is_some_and(|result| result.status == CheckStatus::Passed)
    }

    /// What a signer sees of the checks now: one letter a check, in the order of their keys.
    pub fn checks_seen(&self) -> ChecksSeen {
        let letter = |check: &CheckId| match self.checks.get(check).map(|result| result.status) {
            Some(CheckStatus::Passed) => 'P',
            Some(CheckStatus::Failed) => 'F',
            Some(CheckStatus::Error) => 'E',
            Some(CheckStatus::Skipped) => 'S',
            None => '-',
        };
        ChecksSeen(self.checklist.checks.keys().map(letter).collect())
    }

    fn quorum_of(&self, role: &RoleKey) -> usize {
        let quorum = self.checklist.sign_offs.get(role).map_or(1, |rule| rule.quorum);
        // A role that nobody need sign for would be no hold point.
        quorum.max(1)
    }

    fn progress_of(&mut self, item: &ItemId) -> Result<&mut ItemProgress, String> {
        let index = self.checklist.item(item).map(|(index, _)| index);
        index
            .and_then(|index| self.items.get_mut(index))
            .ok_or_else(|| format!("the checklist has no item {item}"))
    }

    fn sign_off_of(&mut self, role: &RoleKey) -> Result<&mut SignOff, String> {
        self.sign_offs
            .get_mut(role)
            .ok_or_else(|| format!("the checklist asks no role {role} to sign"))
    }
}
