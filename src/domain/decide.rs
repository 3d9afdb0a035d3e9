//! The decision: a command, held against a deployment, becomes events or a refusal.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::check::{CheckResult, CheckStatus};
use super::checklist::{Item, ItemIndex, SectionIndex};
use super::command::{ActingAs, CardAnswer, Command, Context, FourEyes, LONGEST_SNOOZE, Start};
use super::deployment::{Deployment, Foreign, ItemState, Phase};
use super::effects::Then;
use super::event::{Actor, Decision, Event, How, Outcome, Recorded};
use super::hold::is_followed;
use super::ids::{BlankId, CheckId, DeploymentId, ItemId, RoleKey, UserId};
use super::refusal::{Refusal, StillFollows, Wish};
use super::rights::{Act, HoldsARole, Person};
use super::sign_off::{Holder, Rank, Signature};
use super::text::Reason;

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
    let holds = holds_a_role(&start.checklist, person, None, context);
    if !context.rights.permit(Act::Start, person, None, holds) {
        return Err(not_allowed(Act::Start, context));
    }
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
                | Command::Untick { .. }
                | Command::Skip { .. }
                | Command::Block { .. }
                | Command::Unblock { .. }
                | Command::Fill { .. }
                | Command::Assign { .. }
                | Command::RecordCheck { .. }
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
            Command::Tick { item } => self.tick(&item),
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

    fn tick(&mut self, id: &ItemId) -> Result<(), Refusal> {
        self.person_may(Act::Work)?;
        let (index, item) = self.item(id)?;
        let (checks, sign_off, decision) = (item.checks.clone(), item.sign_off.clone(), item.decision);
        let item = id.clone();
        match self.after.item_state(index) {
            ItemState::Ticked { by, at, .. } => {
                return Err(Refusal::AlreadyClosed {
                    item,
                    by: *by,
                    at: *at,
                });
            }
            ItemState::Blocked { by, reason, .. } => {
                return Err(Refusal::ItemBlocked {
                    item,
                    by: *by,
                    reason: reason.clone(),
                });
            }
            ItemState::Open | ItemState::Skipped { .. } => {}
        }
        let was_skipped = matches!(self.after.item_state(index), ItemState::Skipped { .. });
        if let Some((section, holds)) = self.after.held(index) {
            let section = self
                .after
                .checklist
                .sections
                .get(section)
                .map_or_else(String::new, |s| s.title.clone());
            return Err(Refusal::Held { item, section, holds });
        }
        if let Some(role) = sign_off {
            return Err(Refusal::FollowsSignOff { item, role });
        }
        if decision {
            return Err(Refusal::FollowsDecision { item });
        }
        let waiting: Vec<_> = checks
            .into_iter()
            .filter(|check| !self.after.has_passed(check))
            .collect();
        if !waiting.is_empty() {
            return Err(Refusal::FollowsChecks {
                item,
                checks: waiting,
            });
        }
        let open: Vec<_> = self
            .after
            .required_children(index)
            .filter(|child| !self.after.item_state(*child).is_closed())
            .filter_map(|child| self.after.checklist.items.get(child))
            .map(|child| child.id.clone())
            .collect();
        if !open.is_empty() {
            return Err(Refusal::FollowsItems { item, open });
        }
        let how = if self.after.follows(index) {
            How::ByWhatItFollows
        } else {
            How::ByHand
        };
        self.emit(Event::Ticked { item, how });
        if was_skipped {
            // What it is nested in was skipped for having nothing done in it, and that is no longer so.
            self.reopen_skipped_above(index);
        }
        Ok(())
    }

    fn untick(&mut self, id: &ItemId) -> Result<(), Refusal> {
        self.person_may(Act::Work)?;
        let (index, _) = self.item(id)?;
        let item = id.clone();
        let mut nested = Vec::new();
        match self.after.item_state(index) {
            ItemState::Open => return Err(Refusal::AlreadyOpen { item }),
            ItemState::Blocked { by, reason, .. } => {
                return Err(Refusal::ItemBlocked {
                    item,
                    by: *by,
                    reason: reason.clone(),
                });
            }
            ItemState::Ticked { .. } => {
                // What it follows would tick it again at once, so the person is told what to change instead.
                if self.after.follows_as(index) == Some(true) {
                    let follows = self.still_follows(index);
                    return Err(Refusal::StillFollows { item, follows });
                }
            }
            // What was skipped along with it, by the same person in the same moment, opens along with it.
            ItemState::Skipped { by, at, .. } => {
                let (skipped_by, skipped_at) = (*by, *at);
                nested = self.nested(index, |state| {
                    matches!(state, ItemState::Skipped { by, at, .. } if *by == skipped_by && *at == skipped_at)
                });
                if nested.is_empty() && self.all_nested_skipped(index) {
                    let follows = self.still_follows(index);
                    return Err(Refusal::StillFollows { item, follows });
                }
            }
        }
        let how = How::ByHand;
        self.emit(Event::Unticked { item, how });
        for item in nested {
            self.emit(Event::Unticked { item, how });
        }
        self.reopen_above(index);
        Ok(())
    }

    /// What keeps an item ticked.
    fn still_follows(&self, index: ItemIndex) -> StillFollows {
        let children = || {
            self.after
                .required_children(index)
                .filter_map(|child| self.after.checklist.items.get(child))
                .map(|child| child.id.clone())
                .collect()
        };
        match self.after.checklist.items.get(index) {
            Some(item) if item.decision => StillFollows::Decision,
            Some(Item {
                sign_off: Some(role), ..
            }) => StillFollows::SignOff(role.clone()),
            Some(item) if !item.checks.is_empty() && !self.all_nested_skipped(index) => {
                StillFollows::Checks(item.checks.clone())
            }
            Some(_) | None => StillFollows::Items(children()),
        }
    }

    /// The ids of what is nested in an item, at any depth, as far as its state is such.
    fn nested(&self, index: ItemIndex, such: impl Fn(&ItemState) -> bool) -> Vec<ItemId> {
        self.after
            .checklist
            .subtree(index)
            .filter(|nested| such(self.after.item_state(*nested)))
            .filter_map(|nested| self.after.checklist.items.get(nested))
            .map(|nested| nested.id.clone())
            .collect()
    }

    /// Opens what an item is nested in, outwards, where it was closed and should not be any longer: even a tick of the
    /// document's, or a skip, says no more that all below it is done.
    fn reopen_above(&mut self, index: ItemIndex) {
        self.reopen_outwards(index, |deciding, parent| {
            deciding.after.item_state(parent).is_closed() && deciding.after.follows_as(parent) == Some(false)
        });
    }

    fn reopen_skipped_above(&mut self, index: ItemIndex) {
        self.reopen_outwards(index, |deciding, parent| {
            matches!(deciding.after.item_state(parent), ItemState::Skipped { .. })
        });
    }

    fn reopen_outwards(&mut self, index: ItemIndex, should: impl Fn(&Self, ItemIndex) -> bool) {
        let mut child = index;
        while let Some(parent) = self.after.checklist.items.get(child).and_then(|item| item.parent) {
            let holds_parent = self
                .after
                .required_children(parent)
                .any(|required| required == child);
            let Some(item) = self.after.checklist.items.get(parent).filter(|_| holds_parent) else {
                return;
            };
            let item = item.id.clone();
            if should(self, parent) {
                self.emit(Event::Unticked {
                    item,
                    how: How::ByWhatItFollows,
                });
            }
            child = parent;
        }
    }

    fn skip(&mut self, id: &ItemId, reason: &str) -> Result<(), Refusal> {
        self.person_may(Act::Skip)?;
        let (index, found) = self.item(id)?;
        let (sign_off, decision) = (found.sign_off.clone(), found.decision);
        let item = id.clone();
        // A skipped signature would be a hole in the hold point.
        if let Some(role) = sign_off {
            return Err(Refusal::FollowsSignOff { item, role });
        }
        if decision {
            return Err(Refusal::FollowsDecision { item });
        }
        if let ItemState::Ticked { by, at, .. } | ItemState::Skipped { by, at, .. } =
            self.after.item_state(index)
        {
            return Err(Refusal::AlreadyClosed {
                item,
                by: *by,
                at: *at,
            });
        }
        let nested: Vec<ItemId> = self
            .after
            .checklist
            .subtree(index)
            .filter(|nested| !self.after.item_state(*nested).is_closed())
            .filter_map(|nested| self.after.checklist.items.get(nested))
            .filter(|nested| nested.sign_off.is_none() && !nested.decision)
            .map(|nested| nested.id.clone())
            .collect();
        self.emit(Event::Skipped {
            item,
            reason: reason.to_owned(),
        });
        for item in nested {
            self.emit(Event::Skipped {
                item,
                reason: reason.to_owned(),
            });
        }
        Ok(())
    }

    fn block(&mut self, id: &ItemId, reason: &str) -> Result<(), Refusal> {
        self.person_may(Act::Work)?;
        let (index, _) = self.item(id)?;
        let item = id.clone();
        match self.after.item_state(index) {
            ItemState::Ticked { by, at, .. } | ItemState::Skipped { by, at, .. } => {
                Err(Refusal::AlreadyClosed {
                    item,
                    by: *by,
                    at: *at,
                })
            }
            ItemState::Blocked { by, reason, .. } => Err(Refusal::ItemBlocked {
                item,
                by: *by,
                reason: reason.clone(),
            }),
            ItemState::Open => {
                self.emit(Event::Blocked {
                    item,
                    reason: reason.to_owned(),
                });
                Ok(())
            }
        }
    }

    fn record_check(&mut self, result: CheckResult) -> Result<(), Refusal> {
        if let ActingAs::Person(_) = self.context.actor {
            self.person_may(Act::Work)?;
        }
        // A check the checklist does not have cannot be: a deployment keeps to its checklist.
        if !self.after.checklist.checks.contains_key(&result.check) {
            return Ok(());
        }
        let before = self.after.checks.get(&result.check).map(|result| result.status);
        let changed = before != Some(result.status);
        let check = result.check.clone();
        self.emit(Event::CheckRecorded { result });
        if changed {
            // After GO the signatures it was given on stay, and those it could not wait for go on being about now.
            let releasing = self.after.phase == Phase::Releasing;
            self.void(|deciding, role, _| {
                (!releasing || deciding.after.signs_after_go(role)).then(|| check.clone())
            });
        }
        Ok(())
    }

    /// Voids each signature for which a check is named.
    fn void(&mut self, changed: impl Fn(&Self, &RoleKey, &Signature) -> Option<CheckId>) {
        let mut voided = Vec::new();
        for (role, sign_off) in &self.after.sign_offs {
            for signature in &sign_off.signatures {
                if let Some(check) = changed(self, role, signature) {
                    voided.push(Event::Voided {
                        role: role.clone(),
                        by: signature.by,
                        check,
                    });
                }
            }
        }
        for event in voided {
            self.emit(event);
        }
    }

    fn request_sign_off(&mut self, role: RoleKey) -> Result<(), Refusal> {
        self.person_may(Act::Work)?;
        self.role(&role)?;
        if self.after.is_approved(&role) {
            return Err(Refusal::AlreadyApproved { role });
        }
        let holds = self.after.holds_of_sign_off(&role);
        if !holds.is_empty() {
            return Err(Refusal::SignOffNotReady { role, holds });
        }
        self.emit(Event::SignOffRequested { role });
        Ok(())
    }

    fn approve(&mut self, role: RoleKey) -> Result<(), Refusal> {
        let person = self.person()?.clone();
        self.role(&role)?;
        let rank = self.rank(&person, &role)?;
        let sign_off = self.after.sign_offs.get(&role);
        if sign_off.is_some_and(|sign_off| sign_off.signature_of(person.id).is_some()) {
            return Ok(());
        }
        // A rejection keeps its request while work is opened again, so what holds is looked at here too.
        let holds = self.after.holds_of_sign_off(&role);
        if !holds.is_empty() || sign_off.is_none_or(|sign_off| sign_off.request.is_none()) {
            return Err(Refusal::SignOffNotReady { role, holds });
        }
        if self.context.four_eyes == FourEyes::Required && self.would_sign_alone(&person, &role) {
            return Err(Refusal::FourEyes { role });
        }
        let signature = Signature {
            by: person.id,
            rank,
            at: self.context.now,
            checklist: self.after.checklist.hash.clone(),
            version: self.after.version.clone(),
            checks: self.after.checks_seen(),
        };
        self.emit(Event::Approved { role, signature });
        Ok(())
    }

    /// Whether this approval would leave every signature the decision needs in the hand that started it.
    fn would_sign_alone(&self, person: &Person, role: &RoleKey) -> bool {
        if self.after.started_by != Some(person.id) {
            return false;
        }
        let rules = &self.after.checklist.sign_offs;
        let all_after_go = rules.keys().all(|other| self.after.signs_after_go(other));
        rules
            .iter()
            .filter(|(other, _)| all_after_go || !self.after.signs_after_go(other))
            .all(|(other, rule)| {
                let signatures = self
                    .after
                    .sign_offs
                    .get(other)
                    .map_or(&[][..], |sign_off| &sign_off.signatures);
                let own = usize::from(other == role);
                signatures.iter().all(|signature| signature.by == person.id)
                    && signatures.len() + own >= rule.quorum
            })
    }

    /// An answer given on a card counts only while that card is the role's latest: it is about what the card showed.
    fn answer_card(&mut self, role: RoleKey, request: u32, answer: CardAnswer) -> Result<(), Refusal> {
        self.role(&role)?;
        let latest = self
            .after
            .sign_offs
            .get(&role)
            .map(|sign_off| (sign_off.requests, sign_off.request.is_some()));
        if latest != Some((request, true)) {
            return Err(Refusal::CardOutdated { role });
        }
        match answer {
            CardAnswer::Approve => self.approve(role),
            CardAnswer::Reject { reason } => self.reject(role, reason.as_ref().map(Reason::as_str)),
            CardAnswer::Withdraw => self.withdraw(role),
            CardAnswer::Acknowledge { snooze } => self.acknowledge(Some(&role), snooze),
        }
    }

    fn reject(&mut self, role: RoleKey, reason: Option<&str>) -> Result<(), Refusal> {
        let person = self.person()?.clone();
        self.role(&role)?;
        self.rank(&person, &role)?;
        if self.after.phase == Phase::Releasing && !self.after.signs_after_go(&role) {
            return Err(Refusal::SignedAndDecided { role });
        }
        let sign_off = self.after.sign_offs.get(&role);
        if sign_off.is_none_or(|sign_off| sign_off.request.is_none()) {
            let holds = self.after.holds_of_sign_off(&role);
            return Err(Refusal::SignOffNotReady { role, holds });
        }
        let standing = sign_off.and_then(|sign_off| sign_off.rejection_of(person.id));
        if standing.is_some_and(|standing| reason.is_none() || standing.reason.as_deref() == reason) {
            return Ok(());
        }
        self.emit(Event::Rejected {
            role,
            reason: reason.map(str::to_owned),
        });
        Ok(())
    }

    fn withdraw(&mut self, role: RoleKey) -> Result<(), Refusal> {
        let person = self.person()?.id;
        self.role(&role)?;
        let given = self.after.sign_offs.get(&role).is_some_and(|sign_off| {
            sign_off.signature_of(person).is_some() || sign_off.rejection_of(person).is_some()
        });
        if !given {
            return Err(Refusal::NothingToWithdraw { role });
        }
        if self.after.phase == Phase::Releasing && !self.after.signs_after_go(&role) {
            return Err(Refusal::SignedAndDecided { role });
        }
        self.emit(Event::Withdrawn { role });
        Ok(())
    }

    fn go(&mut self) -> Result<(), Refusal> {
        self.person_may(Act::Decide)?;
        if self.after.phase == Phase::Releasing {
            return Err(Refusal::AlreadyGo);
        }
        let holds = self.after.holds_of_go();
        if !holds.is_empty() {
            return Err(Refusal::NotYet {
                wish: Wish::Go,
                holds,
            });
        }
        self.two_people_signed(Wish::Go)?;
        self.emit(Event::Decided {
            decision: Decision::Go,
            reason: None,
        });
        Ok(())
    }

    /// Approvals are refused one by one so that the starter does not end up alone, yet others can withdraw theirs afterwards.
    fn two_people_signed(&self, wish: Wish) -> Result<(), Refusal> {
        match self.after.signed_by_starter_alone() {
            Some(starter) if self.context.four_eyes == FourEyes::Required => {
                Err(Refusal::SignedByStarterAlone { starter, wish })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn no_go(&mut self, reason: &str) -> Result<(), Refusal> {
        self.person_may(Act::Decide)?;
        let before = self.after.phase;
        if before == Phase::Held {
            return Err(Refusal::AlreadyNoGo);
        }
        self.emit(Event::Decided {
            decision: Decision::NoGo,
            reason: Some(reason.to_owned()),
        });
        if before == Phase::Releasing {
            // GO kept the signatures although checks changed; the next GO needs them on how things are now.
            let seen = self.after.checks_seen();
            self.void(|deciding, _, signature| {
                let differs = |(then, now): (char, char)| then != now;
                let position = signature.checks.0.chars().zip(seen.0.chars()).position(differs)?;
                deciding.after.checklist.checks.keys().nth(position).cloned()
            });
        }
        Ok(())
    }

    fn finish(&mut self, outcome: Outcome, reason: Option<&Reason>) -> Result<(), Refusal> {
        self.person_may(Act::Decide)?;
        match outcome {
            Outcome::Complete => {
                let holds = self.after.holds_of_finish();
                if !holds.is_empty() {
                    return Err(Refusal::NotYet {
                        wish: Wish::Finish,
                        holds,
                    });
                }
                self.two_people_signed(Wish::Finish)?;
            }
            Outcome::Failed if reason.is_none() => return Err(Refusal::ReasonNeeded),
            Outcome::Failed => {}
        }
        let reason = reason.map(|reason| reason.as_str().to_owned());
        self.emit(Event::Finished { outcome, reason });
        Ok(())
    }

    fn acknowledge(&mut self, role: Option<&RoleKey>, snooze: std::time::Duration) -> Result<(), Refusal> {
        let person = self.person()?.clone();
        if let Some(role) = role {
            self.role(role)?;
            self.rank(&person, role)?;
        }
        let waiting: Vec<_> = self
            .after
            .sign_offs
            .keys()
            .filter(|own| {
                role.is_none_or(|role| role == *own)
                    && self.after.waits_for(own)
                    && self
                        .context
                        .owners
                        .rank_of(own, person.id, &person.discord_roles)
                        .is_some()
            })
            .cloned()
            .collect();
        if waiting.is_empty() {
            return Err(Refusal::NothingToAcknowledge);
        }
        let until = SignedDuration::try_from(snooze.min(LONGEST_SNOOZE))
            .ok()
            .and_then(|snooze| self.context.now.checked_add(snooze).ok())
            .unwrap_or(Timestamp::MAX);
        for role in waiting {
            self.emit(Event::Acknowledged { role, until });
        }
        Ok(())
    }

    fn ping_due(&mut self, role: RoleKey, ping: u32, due: Timestamp) -> Result<(), Refusal> {
        // The timer that came due may have been set anew meanwhile, by an acknowledgement or another request.
        let is_due = self.after.ping_timer(&role).is_some_and(|timer| {
            let Then::Ping { ping: next, .. } = timer.then;
            next == ping && timer.due <= self.context.now
        });
        if !is_due {
            return Err(Refusal::PingNotDue);
        }
        self.emit(Event::Pinged { role, ping, due });
        Ok(())
    }

    /// What follows from what has changed, until nothing more does: items that follow others, then requests to sign.
    fn follow(&mut self) {
        if let Phase::Finished(_) = self.after.phase {
            return;
        }
        // First what opens, as it may close a gate; then what closes, which opens no item again. Innermost first, so that
        // one pass carries a change up through every level.
        let last = self.after.checklist.items.len();
        for index in (0..last).rev() {
            self.open_by_following(index);
        }
        loop {
            let before = self.after.seq;
            let closed_gate = self.after.first_closed_gate();
            for index in (0..last).rev() {
                self.close_by_following(index, closed_gate);
            }
            // Only a gate that opened just now can leave something to do.
            if closed_gate.is_none() || self.after.seq == before {
                break;
            }
        }
        let checklist = Arc::clone(&self.after.checklist);
        for role in checklist.sign_offs.keys() {
            self.follow_sign_off(role);
        }
    }

    fn open_by_following(&mut self, index: ItemIndex) {
        let state = self.after.item_state(index);
        if !matches!(state, ItemState::Ticked { .. }) || self.after.follows_as(index) != Some(false) {
            return;
        }
        if (is_followed(state) || self.has_failed(index))
            && let Some(item) = self.after.checklist.items.get(index)
        {
            let item = item.id.clone();
            self.emit(Event::Unticked {
                item,
                how: How::ByWhatItFollows,
            });
            self.reopen_above(index);
        }
    }

    fn close_by_following(&mut self, index: ItemIndex, closed_gate: Option<SectionIndex>) {
        if matches!(self.after.item_state(index), ItemState::Open)
            && self.after.follows_as(index) == Some(true)
            && !self.after.is_behind(index, closed_gate)
            && let Some(item) = self.after.checklist.items.get(index)
        {
            let item = item.id.clone();
            self.emit(self.tick_or_skip(index, item));
        }
    }

    /// Whether a check of an item has run and did not pass, which takes even a tick of the document's away.
    fn has_failed(&self, index: ItemIndex) -> bool {
        self.after.checklist.items.get(index).is_some_and(|item| {
            item.checks.iter().any(|check| {
                self.after
                    .checks
                    .get(check)
                    .is_some_and(|result| result.status == CheckStatus::Failed)
            })
        })
    }

    /// A parent all of whose nested items were skipped was not done either.
    fn tick_or_skip(&self, index: ItemIndex, item: ItemId) -> Event {
        if self.all_nested_skipped(index) {
            Event::Skipped {
                item,
                reason: "all that is nested in it was skipped".to_owned(),
            }
        } else {
            Event::Ticked {
                item,
                how: How::ByWhatItFollows,
            }
        }
    }

    fn all_nested_skipped(&self, index: ItemIndex) -> bool {
        let mut children = self.after.required_children(index).peekable();
        children.peek().is_some()
            && children.all(|child| matches!(self.after.item_state(child), ItemState::Skipped { .. }))
    }

    fn follow_sign_off(&mut self, role: &RoleKey) {
        let Some(sign_off) = self.after.sign_offs.get(role) else {
            return;
        };
        if sign_off.rejection.is_some() || self.after.is_approved(role) {
            return;
        }
        let asked = sign_off.request.is_some();
        match (asked, self.after.is_ready_to_sign(role)) {
            (false, true) => self.emit(Event::SignOffRequested { role: role.clone() }),
            (true, false) => self.emit(Event::SignOffRecalled { role: role.clone() }),
            (false, false) | (true, true) => {}
        }
    }

    fn person(&self) -> Result<&Person, Refusal> {
        match self.context.actor {
            ActingAs::Person(person) => Ok(person),
            ActingAs::CheckRunner | ActingAs::Timer => Err(Refusal::PeopleOnly),
        }
    }

    fn person_may(&self, act: Act) -> Result<(), Refusal> {
        let person = self.person()?;
        let holds = holds_a_role(&self.after.checklist, person, self.after.started_by, self.context);
        if self
            .context
            .rights
            .permit(act, person, self.after.started_by, holds)
        {
            Ok(())
        } else {
            Err(not_allowed(act, self.context))
        }
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

fn holds_a_role(
    checklist: &super::checklist::Checklist,
    person: &Person,
    starter: Option<UserId>,
    context: &Context<'_>,
) -> HoldsARole {
    if checklist.sign_offs.is_empty() {
        // Where nobody is asked to sign, whoever started it answers for it; else only managers could end it.
        return if starter == Some(person.id) {
            HoldsARole::Yes
        } else {
            HoldsARole::No
        };
    }
    let holds = checklist.sign_offs.keys().any(|role| {
        context
            .owners
            .rank_of(role, person.id, &person.discord_roles)
            .is_some()
    });
    if holds { HoldsARole::Yes } else { HoldsARole::No }
}

fn not_allowed(act: Act, context: &Context<'_>) -> Refusal {
    Refusal::NotAllowed {
        act,
        allowed: context.rights.of(act).to_vec(),
    }
}

/// Events made here name only what was found in the checklist a line above, so they always fit.
fn unreachable_foreign(foreign: &Foreign) -> ! {
    unreachable!("an event just decided does not fit its own deployment: {foreign}")
}
