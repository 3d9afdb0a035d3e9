//! The decision: a command, held against a deployment, becomes events or a refusal.

use jiff::{SignedDuration, Timestamp};

use super::check::CheckStatus;
use super::checklist::{Item, ItemIndex};
use super::command::{ActingAs, Command, Context, FourEyes, Start};
use super::deployment::{Deployment, Foreign, ItemState, Phase};
use super::event::{Actor, Decision, Event, How, Outcome, Recorded};
use super::hold::is_followed;
use super::ids::{BlankId, DeploymentId, ItemId, RoleKey};
use super::refusal::{Refusal, Wish};
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
/// Refuses those who may not start one, and variables the checklist does not have.
pub fn start(id: DeploymentId, start: Start, context: &Context<'_>) -> Result<Decided, Refusal> {
    let person = match context.actor {
        ActingAs::Person(person) => person,
        ActingAs::CheckRunner | ActingAs::Timer => return Err(Refusal::PeopleOnly),
    };
    let holds = holds_a_role(&start.checklist, person, context);
    if !context.rights.permit(Act::Start, person, None, holds) {
        return Err(not_allowed(Act::Start, context));
    }
    let known = || {
        start
            .checklist
            .variables
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    if let Some(typed) = start.variables.keys().find(|typed| !known().contains(typed)) {
        return Err(Refusal::UnknownVariable {
            typed: typed.clone(),
            known: known(),
        });
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
                self.emit(Event::Filled {
                    blank,
                    value: value.as_str().to_owned(),
                });
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
            Command::RecordCheck { result } => {
                self.record_check(result);
                Ok(())
            }
            Command::RequestSignOff { role } => self.request_sign_off(role),
            Command::Approve { role } => self.approve(role),
            Command::Reject { role, reason } => self.reject(role, reason.as_ref().map(Reason::as_str)),
            Command::ExplainRejection { role, reason } => {
                let person = self.person()?.id;
                let rejection = self
                    .after
                    .sign_offs
                    .get(&role)
                    .and_then(|sign_off| sign_off.rejection.as_ref());
                if rejection.is_none_or(|rejection| rejection.by != person) {
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
            Command::NoGo { reason } => {
                self.person_may(Act::Decide)?;
                if self.after.phase == Phase::Held {
                    return Err(Refusal::AlreadyNoGo);
                }
                let reason = Some(reason.as_str().to_owned());
                self.emit(Event::Decided {
                    decision: Decision::NoGo,
                    reason,
                });
                Ok(())
            }
            Command::Finish { outcome, reason } => {
                self.person_may(Act::Decide)?;
                let holds = match outcome {
                    Outcome::Complete => self.after.holds_of_finish(),
                    Outcome::Failed if reason.is_none() => return Err(Refusal::ReasonNeeded),
                    Outcome::Failed => Vec::new(),
                };
                if !holds.is_empty() {
                    return Err(Refusal::NotYet {
                        wish: Wish::Finish,
                        holds,
                    });
                }
                let reason = reason.map(|reason| reason.as_str().to_owned());
                self.emit(Event::Finished { outcome, reason });
                Ok(())
            }
            Command::Acknowledge { role, snooze } => self.acknowledge(role.as_ref(), snooze),
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
        Ok(())
    }

    fn untick(&mut self, id: &ItemId) -> Result<(), Refusal> {
        self.person_may(Act::Work)?;
        let (index, found) = self.item(id)?;
        let (checks, sign_off, decision) = (found.checks.clone(), found.sign_off.clone(), found.decision);
        let item = id.clone();
        match self.after.item_state(index) {
            ItemState::Open => return Err(Refusal::AlreadyOpen { item }),
            ItemState::Blocked { by, reason, .. } => {
                return Err(Refusal::ItemBlocked {
                    item,
                    by: *by,
                    reason: reason.clone(),
                });
            }
            ItemState::Skipped { .. } => {}
            state @ ItemState::Ticked { .. } => {
                // What follows would tick it again at once, so the person is told what to change instead.
                if is_followed(state) {
                    if let Some(role) = sign_off {
                        return Err(Refusal::FollowsSignOff { item, role });
                    }
                    if decision {
                        return Err(Refusal::FollowsDecision { item });
                    }
                    if !checks.is_empty() {
                        return Err(Refusal::FollowsChecks { item, checks });
                    }
                    let open = self
                        .after
                        .required_children(index)
                        .filter_map(|child| self.after.checklist.items.get(child))
                        .map(|child| child.id.clone())
                        .collect();
                    return Err(Refusal::FollowsItems { item, open });
                }
            }
        }
        self.emit(Event::Unticked {
            item,
            how: How::ByHand,
        });
        Ok(())
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
        let depth = self.after.checklist.items.get(index).map_or(0, |item| item.depth);
        let nested: Vec<ItemId> = self
            .after
            .checklist
            .items
            .iter()
            .enumerate()
            .skip(index + 1)
            .take_while(|(_, nested)| nested.depth > depth)
            .filter(|(at, nested)| {
                !self.after.item_state(*at).is_closed() && nested.sign_off.is_none() && !nested.decision
            })
            .map(|(_, nested)| nested.id.clone())
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

    fn record_check(&mut self, result: super::check::CheckResult) {
        // A check the checklist no longer has cannot be: a deployment keeps to its checklist.
        if !self.after.checklist.checks.contains_key(&result.check) {
            return;
        }
        let before = self.after.checks.get(&result.check).map(|result| result.status);
        let changed = before != Some(result.status);
        let check = result.check.clone();
        self.emit(Event::CheckRecorded { result });
        if changed && !matches!(self.after.phase, Phase::Releasing | Phase::Finished(_)) {
            let voided: Vec<_> = self
                .after
                .sign_offs
                .iter()
                .flat_map(|(role, sign_off)| {
                    sign_off
                        .signatures
                        .iter()
                        .map(|signature| (role.clone(), signature.by))
                })
                .collect();
            for (role, by) in voided {
                self.emit(Event::Voided {
                    role,
                    by,
                    check: check.clone(),
                });
            }
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
        if sign_off.is_some_and(|sign_off| sign_off.signatures.iter().any(|given| given.by == person.id)) {
            return Ok(());
        }
        if sign_off.is_none_or(|sign_off| sign_off.request.is_none()) {
            let holds = self.after.holds_of_sign_off(&role);
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

    /// Whether this approval would leave every signature the release needs in the hand that started it.
    fn would_sign_alone(&self, person: &Person, role: &RoleKey) -> bool {
        self.after.started_by == Some(person.id)
            && self.after.checklist.sign_offs.iter().all(|(other, rule)| {
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

    fn reject(&mut self, role: RoleKey, reason: Option<&str>) -> Result<(), Refusal> {
        let person = self.person()?.clone();
        self.role(&role)?;
        self.rank(&person, &role)?;
        if self.after.phase == Phase::Releasing {
            return Err(Refusal::SignedAndDecided { role });
        }
        let sign_off = self.after.sign_offs.get(&role);
        if sign_off.is_none_or(|sign_off| sign_off.request.is_none()) {
            let holds = self.after.holds_of_sign_off(&role);
            return Err(Refusal::SignOffNotReady { role, holds });
        }
        let standing = sign_off.and_then(|sign_off| sign_off.rejection.as_ref());
        if standing.is_some_and(|rejection| rejection.by == person.id) && reason.is_none() {
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
            sign_off.signatures.iter().any(|signature| signature.by == person)
                || sign_off
                    .rejection
                    .as_ref()
                    .is_some_and(|rejection| rejection.by == person)
        });
        if !given {
            return Err(Refusal::NothingToWithdraw { role });
        }
        if self.after.phase == Phase::Releasing {
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
        self.emit(Event::Decided {
            decision: Decision::Go,
            reason: None,
        });
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
            .iter()
            .filter(|(own, sign_off)| {
                role.is_none_or(|role| role == *own)
                    && sign_off.request.is_some()
                    && sign_off.rejection.is_none()
                    && !self.after.is_approved(own)
                    && self
                        .context
                        .owners
                        .rank_of(own, person.id, &person.discord_roles)
                        .is_some()
            })
            .map(|(own, _)| own.clone())
            .collect();
        if waiting.is_empty() {
            return Err(Refusal::NothingToAcknowledge);
        }
        let until = SignedDuration::try_from(snooze)
            .ok()
            .and_then(|snooze| self.context.now.checked_add(snooze).ok())
            .unwrap_or(Timestamp::MAX);
        for role in waiting {
            self.emit(Event::Acknowledged { role, until });
        }
        Ok(())
    }

    fn ping_due(&mut self, role: RoleKey, ping: u32, due: Timestamp) -> Result<(), Refusal> {
        let waits = self.after.sign_offs.get(&role).is_some_and(|sign_off| {
            sign_off.rejection.is_none()
                && sign_off
                    .request
                    .as_ref()
                    .is_some_and(|request| request.pings + 1 == ping)
        });
        if !waits || self.after.is_approved(&role) {
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
        // Innermost first, so that one pass carries a tick up through every level.
        for index in (0..self.after.checklist.items.len()).rev() {
            self.follow_item(index);
        }
        let roles: Vec<RoleKey> = self.after.checklist.sign_offs.keys().cloned().collect();
        for role in roles {
            self.follow_sign_off(role);
        }
    }

    fn follow_item(&mut self, index: ItemIndex) {
        let Some(should_be_ticked) = self.after.follows_as(index) else {
            return;
        };
        let Some(item) = self.after.checklist.items.get(index).map(|item| item.id.clone()) else {
            return;
        };
        let state = self.after.item_state(index);
        let how = How::ByWhatItFollows;
        match state {
            ItemState::Open if should_be_ticked && self.after.held(index).is_none() => {
                self.emit(self.tick_or_skip(index, item));
            }
            ItemState::Ticked { .. } if !should_be_ticked && is_followed(state) => {
                self.emit(Event::Unticked { item, how });
            }
            ItemState::Ticked { .. } if !should_be_ticked && self.has_failed(index) => {
                self.emit(Event::Unticked { item, how });
            }
            ItemState::Open
            | ItemState::Ticked { .. }
            | ItemState::Skipped { .. }
            | ItemState::Blocked { .. } => {}
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
        let mut children = self.after.required_children(index).peekable();
        let all_skipped = children.peek().is_some()
            && children.all(|child| matches!(self.after.item_state(child), ItemState::Skipped { .. }));
        if all_skipped {
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

    fn follow_sign_off(&mut self, role: RoleKey) {
        let Some(sign_off) = self.after.sign_offs.get(&role) else {
            return;
        };
        let answered = self.after.is_approved(&role) || sign_off.rejection.is_some();
        let asked = sign_off.request.is_some();
        let ready = self.after.holds_of_sign_off(&role).is_empty();
        if !asked && ready && !answered {
            self.emit(Event::SignOffRequested { role });
        } else if asked && !ready && !answered && !matches!(self.after.phase, Phase::Releasing) {
            self.emit(Event::SignOffRecalled { role });
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
        let holds = holds_a_role(&self.after.checklist, person, self.context);
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
    context: &Context<'_>,
) -> HoldsARole {
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
