//! Sign-offs: asked for, answered, taken back, void; and the pings that follow an unanswered request.

use jiff::{SignedDuration, Timestamp};

use super::Deciding;
use crate::domain::check::{CheckResult, Post, Probe};
use crate::domain::command::{ActingAs, CardAnswer, FourEyes, LONGEST_SNOOZE};
use crate::domain::deployment::Phase;
use crate::domain::effects::Then;
use crate::domain::event::Event;
use crate::domain::ids::{CheckId, RoleKey};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Act, Person};
use crate::domain::sign_off::Signature;
use crate::domain::text::Reason;

impl Deciding<'_> {
    pub(super) fn record_check(&mut self, result: CheckResult) -> Result<(), Refusal> {
        if let ActingAs::Person(_) = self.context.actor {
            self.person_may(Act::Work)?;
        }
        // A check the checklist does not have cannot be: a deployment keeps to its checklist.
        let Some(check) = self.after.checklist.checks.get(&result.check) else {
            return Ok(());
        };
        let is_posted = matches!(check.probe, Probe::Push(_));
        if self.after.rhythm_of(&result.check).is_some() {
            self.begin_series(result);
            return Ok(());
        }
        let known = self.after.checks.get(&result.check);
        // What looked at an earlier post, or at none, must not take the place of what came meanwhile.
        let (news, before) = (Post::received(&result), known.and_then(Post::received));
        let of_post = is_posted && before.is_none_or(|before| before <= self.context.now);
        if of_post && news != before {
            if news > before {
                self.conclude(result);
            }
            return Ok(());
        }
        // Of two runs at once the later one is the news, whichever ends first. A known result that began in the future
        // is no measure: the clock has gone back since.
        if known.is_some_and(|known| known.at > result.at && known.at <= self.context.now) {
            return Ok(());
        }
        self.conclude(result);
        Ok(())
    }

    /// Records what a check came to, and voids the signatures that were given on something else.
    pub(super) fn conclude(&mut self, result: CheckResult) {
        let known = self.after.checks.get(&result.check);
        let changed = known.map(|known| known.status) != Some(result.status);
        let check = result.check.clone();
        self.emit(Event::CheckRecorded { result });
        if changed {
            // After GO the signatures it was given on stay, and those it could not wait for go on being about now.
            let releasing = self.after.phase == Phase::Releasing;
            self.void(|deciding, role, _| {
                (!releasing || deciding.after.signs_after_go(role)).then(|| check.clone())
            });
        }
    }

    /// Voids each signature for which a check is named.
    pub(super) fn void(&mut self, changed: impl Fn(&Self, &RoleKey, &Signature) -> Option<CheckId>) {
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

    pub(super) fn request_sign_off(&mut self, role: RoleKey) -> Result<(), Refusal> {
        self.person_may(Act::Work)?;
        self.role(&role)?;
        if self.after.is_approved(&role) {
            return Err(Refusal::AlreadyApproved { role });
        }
        let holds = self.after.holds_of_sign_off(&role);
        if !holds.is_empty() {
            return Err(Refusal::SignOffNotReady { role, holds });
        }
        // Who asks again while an answer is waited for wants those to hear of it who should answer now, not everybody anew.
        if self.after.waits_for(&role) {
            self.emit(Event::AskedAgain { role });
        } else {
            self.emit(Event::SignOffRequested { role });
        }
        Ok(())
    }

    pub(super) fn approve(&mut self, role: RoleKey) -> Result<(), Refusal> {
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
            request: self
                .after
                .sign_offs
                .get(&role)
                .map_or(0, |sign_off| sign_off.requests),
            checklist: self.after.checklist.hash.clone(),
            version: self.after.version.clone(),
            checks: self.after.checks_seen(),
        };
        self.emit(Event::Approved { role, signature });
        Ok(())
    }

    /// Whether this approval would leave every signature the decision needs in the hand that started it.
    pub(super) fn would_sign_alone(&self, person: &Person, role: &RoleKey) -> bool {
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
    pub(super) fn answer_card(
        &mut self,
        role: RoleKey,
        request: u32,
        answer: CardAnswer,
    ) -> Result<(), Refusal> {
        self.role(&role)?;
        let counts = self.after.sign_offs.get(&role).is_some_and(|sign_off| {
            let stands = sign_off.request.is_some() || sign_off.resting.is_some();
            sign_off.requests == request && stands
        });
        if !counts {
            return Err(Refusal::CardOutdated { role });
        }
        match answer {
            CardAnswer::Approve => self.approve(role),
            CardAnswer::Reject { reason } => self.reject(role, reason.as_ref().map(Reason::as_str)),
            CardAnswer::Withdraw => self.withdraw(role),
            CardAnswer::Acknowledge { snooze } => self.acknowledge(Some(&role), snooze),
        }
    }

    pub(super) fn reject(&mut self, role: RoleKey, reason: Option<&str>) -> Result<(), Refusal> {
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

    pub(super) fn withdraw(&mut self, role: RoleKey) -> Result<(), Refusal> {
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

    pub(super) fn acknowledge(
        &mut self,
        role: Option<&RoleKey>,
        snooze: std::time::Duration,
    ) -> Result<(), Refusal> {
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

    pub(super) fn ping_due(&mut self, role: RoleKey, ping: u32, due: Timestamp) -> Result<(), Refusal> {
        // The timer that came due may have been set anew meanwhile, by an acknowledgement or another request.
        let waits_for = Then::Ping {
            role: role.clone(),
            ping,
        };
        let is_due = self
            .after
            .ping_timer(&role)
            .is_some_and(|timer| timer.then == waits_for && timer.due <= self.context.now);
        if !is_due {
            return Err(Refusal::PingNotDue);
        }
        self.emit(Event::Pinged { role, ping, due });
        Ok(())
    }
}
