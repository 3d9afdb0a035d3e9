//! Watches that turned: the pings that follow, and who has seen them.

use jiff::Timestamp;

use super::Deciding;
use crate::domain::effects::Then;
use crate::domain::event::{Actor, Event};
use crate::domain::ids::CheckId;
use crate::domain::refusal::Refusal;
use crate::domain::rights::{HoldsARole, Person};

impl Deciding<'_> {
    pub(super) fn watch_ping_due(
        &mut self,
        check: CheckId,
        ping: u32,
        due: Timestamp,
    ) -> Result<(), Refusal> {
        // The check may have passed again meanwhile, or turned anew, or somebody has seen it.
        let waits_for = Then::WatchPing {
            check: check.clone(),
            ping,
        };
        let is_due = self
            .after
            .watch_timer(&check)
            .is_some_and(|timer| timer.then == waits_for && timer.due <= self.context.now);
        if !is_due {
            return Err(Refusal::PingNotDue);
        }
        self.emit(Event::WatchPinged { check, ping, due });
        Ok(())
    }

    /// The watches that turned and whose pings a person can let wait: all of them for whoever answers for the release or
    /// holds one of its roles.
    pub(super) fn watches_to_acknowledge(&self, person: &Person) -> Vec<CheckId> {
        let decider = self.after.decision.as_ref().map(|decided| decided.by);
        let answers = self.after.started_by == Some(person.id) || decider == Some(Actor::Person(person.id));
        let holds = HoldsARole::of(
            person,
            &self.after.checklist,
            self.after.started_by,
            self.context.owners,
        );
        if answers || holds == HoldsARole::Yes {
            self.after.turned.keys().cloned().collect()
        } else {
            Vec::new()
        }
    }
}
