//! The decision: a command, held against a deployment, becomes events or a refusal.

mod follow;
mod items;
mod observing;
mod outcome;
mod sign_offs;

use crate::domain::checklist::{Item, ItemIndex};
use crate::domain::command::{ActingAs, Command, Context, Start};
use crate::domain::deployment::{Deployment, Foreign, ItemState, Phase};
use crate::domain::event::{Actor, Event, Recorded};
use crate::domain::ids::{BlankId, DeploymentId, ItemId, RoleKey};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Act, Person};
use crate::domain::sign_off::{Holder, Rank};
use crate::domain::text::Reason;

/// What came of a command: its events, what follows from them among them, and the deployment after them.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// In order; empty when the command asked for what already was so.
    pub events: Vec<Recorded>,
    /// The deployment with the events applied.
    pub after: Deployment,
}

/// Decides whether a deployment may start.
///
/// # Errors
/// Refuses those who may not start one, variables the checklist does not have, and values for secret ones.
pub fn start(id: DeploymentId, start: Start, context: &Context<'_>) -> Result<Decided, Refusal> {
    let person = match context.actor {
        ActingAs::Person(person) => person,
        ActingAs::CheckRunner | ActingAs::Timer => return Err(Refusal::PeopleOnly),
    };
    context
        .rights
        .require(Act::Start, person, &start.checklist, None, context.owners)?;
    for typed in start.variables.keys() {
        let named = start
            .checklist
            .variables
            .iter()
            .find(|(name, _)| name.as_str() == typed);
        match named {
            None => {
                return Err(Refusal::UnknownVariable {
                    typed: typed.clone(),
                    known: start
                        .checklist
                        .variables
                        .iter()
                        .filter(|(_, variable)| !variable.secret)
                        .map(|(name, _)| name.as_str().to_owned())
                        .collect(),
                });
            }
            // Events are kept for ever and shown in the log, so a secret must never reach one.
            Some((name, variable)) if variable.secret => {
                return Err(Refusal::SecretVariable {
                    name: name.clone(),
                    env: variable.env.clone(),
                });
            }
            Some(_) => {}
        }
    }
    let first = Recorded {
        seq: 1,
        at: context.now,
        actor: Actor::Person(person.id),
        event: Event::Started {
            checklist: start.checklist.hash.clone(),
            name: start.checklist.name.clone(),
            version: start.version.as_str().to_owned(),
            environment: start.environment.as_str().to_owned(),
            guild: start.guild,
            channel: start.channel,
            variables: start.variables,
        },
    };
    let after = match Deployment::begin(id, start.checklist, &first) {
        Ok(after) => after,
        Err(foreign) => unreachable_foreign(&foreign),
    };
    let mut deciding = Deciding {
        after,
        events: vec![first],
        context,
    };
    deciding.follow();
    Ok(deciding.done())
}

/// Decides what a command does to a deployment.
///
/// # Errors
/// Refuses what cannot be, as a sentence; the deployment is as it was.
pub fn decide(deployment: &Deployment, command: Command, context: &Context<'_>) -> Result<Decided, Refusal> {
    let mut deciding = Deciding {
        after: deployment.clone(),
        events: Vec::new(),
        context,
    };
    deciding.carry_out(command)?;
    deciding.follow();
    Ok(deciding.done())
}

/// A decision under way: each event is applied as it is made, so that what follows sees it.
struct Deciding<'a> {
    after: Deployment,
    events: Vec<Recorded>,
    context: &'a Context<'a>,
}

impl Deciding<'_> {
    fn done(self) -> Decided {
        Decided {
            events: self.events,
            after: self.after,
        }
    }

    fn actor(&self) -> Actor {
        match self.context.actor {
            ActingAs::Person(person) => Actor::Person(person.id),
            ActingAs::CheckRunner => Actor::CheckRunner,
            ActingAs::Timer => Actor::Timer,
        }
    }

    fn emit(&mut self, event: Event) {
        let recorded = Recorded {
            seq: self.after.seq + 1,
            at: self.context.now,
            actor: self.actor(),
            event,
        };
        if let Err(foreign) = self.after.apply(&recorded) {
            unreachable_foreign(&foreign)
        }
        self.events.push(recorded);
    }

    fn carry_out(&mut self, command: Command) -> Result<(), Refusal> {
        if let Phase::Finished(outcome) = self.after.phase {
            let allowed = match command {
                Command::Note { .. } => true,
                Command::Tick { .. }
                | Command::Attest { .. }
                | Command::Untick { .. }
                | Command::Skip { .. }
                | Command::Block { .. }
                | Command::Unblock { .. }
                | Command::Fill { .. }
                | Command::Assign { .. }
                | Command::RecordCheck { .. }
                | Command::RecordObservation { .. }
                | Command::RequestSignOff { .. }
                | Command::Approve { .. }
                | Command::Reject { .. }
                | Command::ExplainRejection { .. }
                | Command::Withdraw { .. }
                | Command::Go
                | Command::NoGo { .. }
                | Command::Finish { .. }
                | Command::Acknowledge { .. }
                | Command::AnswerCard { .. }
                | Command::PingDue { .. } => false,
            };
            if !allowed {
                return Err(Refusal::Finished {
                    deployment: self.after.id,
                    outcome,
                });
            }
        }
        match command {
            Command::Tick { item } => self.tick(&item, None),
            Command::Attest { item, evidence } => self.tick(&item, Some(evidence.as_str())),
            Command::Untick { item } => self.untick(&item),
            Command::Skip { item, reason } => self.skip(&item, reason.as_str()),
            Command::Block { item, reason } => self.block(&item, reason.as_str()),
            Command::Unblock { item, reason } => {
                self.person_may(Act::Work)?;
                let (index, _) = self.item(&item)?;
                match self.after.item_state(index) {
                    ItemState::Blocked { .. } => {
                        self.emit(Event::Unblocked {
                            item,
                            reason: reason.map(|reason| reason.as_str().to_owned()),
                        });
                        Ok(())
                    }
                    ItemState::Open | ItemState::Ticked { .. } | ItemState::Skipped { .. } => {
                        Err(Refusal::NotBlocked { item })
                    }
                }
            }
            Command::Fill { blank, value } => {
                self.person_may(Act::Work)?;
                self.blank(&blank)?;
                let filled = self.after.blanks.get(&blank);
                if filled.is_none_or(|filled| filled.value != value.as_str()) {
                    self.emit(Event::Filled {
                        blank,
                        value: value.as_str().to_owned(),
                    });
                }
                Ok(())
            }
            Command::Assign { item, to } => {
                self.person_may(Act::Work)?;
                let (index, _) = self.item(&item)?;
                if self
                    .after
                    .items
                    .get(index)
                    .is_some_and(|progress| progress.assignee != to)
                {
                    self.emit(Event::Assigned { item, to });
                }
                Ok(())
            }
            Command::Note { item, text } => {
                self.person_may(Act::Work)?;
                if let Some(item) = &item {
                    self.item(item)?;
                }
                self.emit(Event::Noted {
                    item,
                    text: text.as_str().to_owned(),
                });
                Ok(())
            }
            Command::RecordCheck { result } => self.record_check(result),
            Command::RecordObservation {
                result,
                series,
                number,
            } => self.observe(result, series, number),
            Command::RequestSignOff { role } => self.request_sign_off(role),
            Command::Approve { role } => self.approve(role),
            Command::Reject { role, reason } => self.reject(role, reason.as_ref().map(Reason::as_str)),
            Command::ExplainRejection { role, reason } => {
                let person = self.person()?.id;
                self.role(&role)?;
                let sign_off = self.after.sign_offs.get(&role);
                if sign_off.is_none_or(|sign_off| sign_off.rejection_of(person).is_none()) {
                    return Err(Refusal::NoRejection { role });
                }
                self.emit(Event::RejectionExplained {
                    role,
                    reason: reason.as_str().to_owned(),
                });
                Ok(())
            }
            Command::Withdraw { role } => self.withdraw(role),
            Command::Go => self.go(),
            Command::NoGo { reason } => self.no_go(reason.as_str()),
            Command::Finish { outcome, reason } => self.finish(outcome, reason.as_ref()),
            Command::Acknowledge { role, snooze } => self.acknowledge(role.as_ref(), snooze),
            Command::AnswerCard {
                role,
                request,
                answer,
            } => self.answer_card(role, request, answer),
            Command::PingDue { role, ping, due } => self.ping_due(role, ping, due),
        }
    }

    fn person(&self) -> Result<&Person, Refusal> {
        match self.context.actor {
            ActingAs::Person(person) => Ok(person),
            ActingAs::CheckRunner | ActingAs::Timer => Err(Refusal::PeopleOnly),
        }
    }

    fn person_may(&self, act: Act) -> Result<(), Refusal> {
        self.context.rights.require(
            act,
            self.person()?,
            &self.after.checklist,
            self.after.started_by,
            self.context.owners,
        )
    }

    fn item(&self, id: &ItemId) -> Result<(ItemIndex, &Item), Refusal> {
        self.after.checklist.item(id).ok_or_else(|| Refusal::UnknownItem {
            typed: id.as_str().to_owned(),
            nearest: self.after.checklist.nearest_item(id.as_str()),
        })
    }

    fn blank(&self, id: &BlankId) -> Result<(), Refusal> {
        match self.after.checklist.blank(id) {
            Some(_) => Ok(()),
            None => Err(Refusal::UnknownBlank {
                typed: id.as_str().to_owned(),
                nearest: self.after.checklist.nearest_blank(id.as_str()),
            }),
        }
    }

    fn role(&self, role: &RoleKey) -> Result<(), Refusal> {
        if self.after.checklist.sign_offs.contains_key(role) {
            Ok(())
        } else {
            Err(Refusal::UnknownRole {
                typed: role.as_str().to_owned(),
                roles: self.after.checklist.sign_offs.keys().cloned().collect(),
            })
        }
    }

    fn rank(&self, person: &Person, role: &RoleKey) -> Result<Rank, Refusal> {
        let owners = self.context.owners;
        owners
            .rank_of(role, person.id, &person.discord_roles)
            .ok_or_else(|| {
                let held_by: Vec<Holder> = [Rank::Owner, Rank::Deputy, Rank::Lead]
                    .into_iter()
                    .flat_map(|rank| owners.holders(role, rank))
                    .collect();
                Refusal::NotHolder {
                    role: role.clone(),
                    held_by,
                }
            })
    }
}

/// Events made here name only what was found in the checklist a line above, so they always fit.
fn unreachable_foreign(foreign: &Foreign) -> ! {
    unreachable!("an event just decided does not fit its own deployment: {foreign}")
}
