//! What follows from what has changed: items that follow others, and requests to sign.

use std::sync::Arc;

use super::Deciding;
use crate::domain::check::CheckStatus;
use crate::domain::checklist::{ItemIndex, SectionIndex};
use crate::domain::deployment::{ItemState, Phase};
use crate::domain::event::{Event, How};
use crate::domain::hold::is_followed;
use crate::domain::ids::{ItemId, RoleKey};

impl Deciding<'_> {
    /// What follows from what has changed, until nothing more does: items that follow others, then requests to sign.
    pub(super) fn follow(&mut self) {
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

    pub(super) fn open_by_following(&mut self, index: ItemIndex) {
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

    pub(super) fn close_by_following(&mut self, index: ItemIndex, closed_gate: Option<SectionIndex>) {
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
    pub(super) fn has_failed(&self, index: ItemIndex) -> bool {
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
    pub(super) fn tick_or_skip(&self, index: ItemIndex, item: ItemId) -> Event {
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

    pub(super) fn all_nested_skipped(&self, index: ItemIndex) -> bool {
        let mut children = self.after.required_children(index).peekable();
        children.peek().is_some()
            && children.all(|child| matches!(self.after.item_state(child), ItemState::Skipped { .. }))
    }

    pub(super) fn follow_sign_off(&mut self, role: &RoleKey) {
        let Some(sign_off) = self.after.sign_offs.get(role) else {
            return;
        };
        if sign_off.rejection.is_some() || self.after.is_approved(role) {
            return;
        }
        let (asked, rests) = (sign_off.request.is_some(), sign_off.resting.is_some());
        match (asked, self.after.is_ready_to_sign(role)) {
            (false, true) if rests => self.emit(Event::SignOffResumed { role: role.clone() }),
            (false, true) => self.emit(Event::SignOffRequested { role: role.clone() }),
            (true, false) => self.emit(Event::SignOffRecalled { role: role.clone() }),
            (false, false) | (true, true) => {}
        }
    }
}
