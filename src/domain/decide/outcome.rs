//! GO, NO-GO and the end.

use super::Deciding;
use crate::domain::command::FourEyes;
use crate::domain::deployment::Phase;
use crate::domain::event::{Decision, Event, Outcome};
use crate::domain::refusal::{Refusal, Wish};
use crate::domain::rights::Act;
use crate::domain::text::Reason;

impl Deciding<'_> {
    pub(super) fn go(&mut self) -> Result<(), Refusal> {
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
    pub(super) fn two_people_signed(&self, wish: Wish) -> Result<(), Refusal> {
        match self.after.signed_by_starter_alone() {
            Some(starter) if self.context.four_eyes == FourEyes::Required => {
                Err(Refusal::SignedByStarterAlone { starter, wish })
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn no_go(&mut self, reason: &str) -> Result<(), Refusal> {
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

    pub(super) fn finish(&mut self, outcome: Outcome, reason: Option<&Reason>) -> Result<(), Refusal> {
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
}
