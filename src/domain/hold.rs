//! What holds what: gates, and what must be done before a sign-off, the decision and the end.

use std::collections::BTreeSet;

use super::check::CheckStatus;
use super::checklist::{Gate, ItemIndex, Need, SectionIndex};
use super::deployment::{Deployment, ItemState, Phase};
use super::event::{Decision, How};
use super::ids::{CheckId, ItemId, RoleKey};

/// One thing that has to change before something else may be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(
    missing_docs,
    reason = "a field is what its name says; the variant says the rest"
)]
pub enum Hold {
    /// The item is open.
    Open { item: ItemId },
    /// The item is blocked.
    Blocked { item: ItemId },
    /// The check has not passed.
    Check { check: CheckId },
    /// The item is ticked in the document, and its check has never run.
    NotRun { item: ItemId, check: CheckId },
    /// The role has not approved.
    SignOff { role: RoleKey },
    /// The role has rejected.
    Rejected { role: RoleKey },
    /// The decision is not GO.
    Decision,
}

impl Deployment {
    /// What keeps an item behind a gate, with the section the gate stands before; nothing when it is free.
    /// An item of a section that is optional is never held: a rollback plan must open when it is needed.
    pub fn held(&self, index: ItemIndex) -> Option<(SectionIndex, Vec<Hold>)> {
        let section = self.gated_section_of(index)?;
        self.checklist
            .gates
            .iter()
            .filter(|gate| gate.section <= section && !self.is_open(gate))
            .min_by_key(|gate| gate.section)
            .map(|gate| (gate.section, distinct(self.holds_of_gate(gate))))
    }

    /// The first section in the document whose gate is closed: it and all after it are held.
    pub fn first_closed_gate(&self) -> Option<SectionIndex> {
        self.checklist
            .gates
            .iter()
            .filter(|gate| !self.is_open(gate))
            .map(|gate| gate.section)
            .min()
    }

    /// Whether an item stands behind the gate of a section.
    pub fn is_behind(&self, index: ItemIndex, gate: Option<SectionIndex>) -> bool {
        gate.is_some_and(|gate| {
            self.gated_section_of(index)
                .is_some_and(|section| gate <= section)
        })
    }

    /// What must be done before a role is asked to sign: the work that the first gate which needs the role needs too;
    /// without such a gate, everything down to the end of what is nested in its box, or of the section it stands in.
    pub fn holds_of_sign_off(&self, role: &RoleKey) -> Vec<Hold> {
        distinct(self.sign_off_holds(role))
    }

    /// Whether nothing holds back the request to a role.
    pub fn is_ready_to_sign(&self, role: &RoleKey) -> bool {
        self.sign_off_holds(role).next().is_none()
    }

    /// What must be done before GO: what stands above the decision, the sign-offs that do not wait for it, nothing
    /// blocked, no check failing.
    pub fn holds_of_go(&self) -> Vec<Hold> {
        distinct(self.go_holds())
    }

    /// Whether a decision is asked for, was not taken yet, and nothing holds GO.
    pub fn is_ready_for_go(&self) -> bool {
        matches!(self.phase, Phase::Preparing | Phase::Held)
            && self.asks_for_go()
            && self.go_holds().next().is_none()
    }

    /// Checks that have never run and hold the first closed gate, or a role that has not approved, although the document
    /// shows their items ticked.
    pub fn holds_not_run(&self) -> Vec<Hold> {
        let gate = self
            .checklist
            .gates
            .iter()
            .filter(|gate| !self.is_open(gate))
            .min_by_key(|gate| gate.section);
        let of_roles = self
            .checklist
            .sign_offs
            .keys()
            .filter(|role| !self.is_approved(role))
            .flat_map(|role| self.sign_off_holds(role));
        let holds = gate
            .into_iter()
            .flat_map(|gate| self.holds_of_gate(gate))
            .chain(of_roles);
        distinct(holds.filter(|hold| matches!(hold, Hold::NotRun { .. })))
    }

    /// What must be done before the deployment is complete.
    pub fn holds_of_finish(&self) -> Vec<Hold> {
        let items = self
            .open_items(self.checklist.items.len())
            .filter_map(|index| self.hold_of_item(index));
        let roles = self
            .checklist
            .sign_offs
            .keys()
            .filter_map(|role| self.hold_of_role(role));
        let undecided = self.phase == Phase::Held || (self.asks_for_go() && !self.decision_is_go());
        distinct(items.chain(roles).chain(undecided.then_some(Hold::Decision)))
    }

    /// Whether the checklist wants a decision: it has a box for it, a gate that needs it, or sign-offs that lead to it.
    pub fn asks_for_go(&self) -> bool {
        !self.checklist.sign_offs.is_empty()
            || self.checklist.items.iter().any(|item| item.decision)
            || self
                .checklist
                .gates
                .iter()
                .any(|gate| gate.needs.contains(&Need::Go))
    }

    /// Whether the last decision was GO.
    pub fn decision_is_go(&self) -> bool {
        self.decision
            .as_ref()
            .is_some_and(|decided| decided.decision == Decision::Go)
    }

    /// Whether a role signs only after GO: the work it waits for stands behind a gate that needs the decision, so that the
    /// decision cannot wait for the role.
    pub fn signs_after_go(&self, role: &RoleKey) -> bool {
        let (items, checks) = self.work_before_sign_off(role);
        self.first_item_behind_go()
            .is_some_and(|behind| items.max(checks) > behind)
    }

    /// Whether an item follows something else, and so is never ticked by hand.
    pub fn follows(&self, index: ItemIndex) -> bool {
        self.checklist.items.get(index).is_some_and(|item| {
            !item.checks.is_empty()
                || item.sign_off.is_some()
                || item.decision
                // Most items have none nested; the first would stand right after them.
                || (self.checklist.items.get(index + 1).is_some_and(|next| next.parent == Some(index))
                    && self.required_children(index).next().is_some())
        })
    }

    /// The checks of an item that wait for a person to attest them.
    pub fn attestations_waited_for(&self, index: ItemIndex) -> Vec<CheckId> {
        let item = self.checklist.items.get(index);
        item.into_iter()
            .flat_map(|item| &item.checks)
            .filter(|check| self.checklist.is_attested(check) && !self.has_passed(check))
            .cloned()
            .collect()
    }

    /// Whether an item waits for a person to attest it, and for no other check, signature or decision.
    pub fn waits_for_attestation(&self, index: ItemIndex) -> bool {
        self.checklist.items.get(index).is_some_and(|item| {
            let mut waiting = item
                .checks
                .iter()
                .filter(|check| !self.has_passed(check))
                .peekable();
            item.sign_off.is_none()
                && !item.decision
                && waiting.peek().is_some()
                && waiting.all(|check| self.checklist.is_attested(check))
        })
    }

    /// Whether a person ticks an item, as far as it goes by itself: it follows nothing, or waits for an attestation.
    pub fn is_for_people(&self, index: ItemIndex) -> bool {
        !self.follows(index)
            || (self.waits_for_attestation(index)
                && self
                    .required_children(index)
                    .all(|child| self.item_state(child).is_closed()))
    }

    /// Whether a person attested an item, and can take that back.
    pub fn is_attested(&self, index: ItemIndex) -> bool {
        let item = self.checklist.items.get(index);
        let mut checks = item.into_iter().flat_map(|item| &item.checks);
        checks.any(|check| self.checklist.is_attested(check) && self.has_passed(check))
    }

    /// What an item that follows something else should be: `None` when it is ticked by hand.
    pub fn follows_as(&self, index: ItemIndex) -> Option<bool> {
        if !self.follows(index) {
            return None;
        }
        let item = self.checklist.items.get(index)?;
        Some(
            item.checks.iter().all(|check| self.has_passed(check))
                && item.sign_off.as_ref().is_none_or(|role| self.is_approved(role))
                && (!item.decision || self.decision_is_go())
                && self
                    .required_children(index)
                    .all(|child| self.item_state(child).is_closed()),
        )
    }

    /// The nested items that hold their parent.
    pub fn required_children(&self, index: ItemIndex) -> impl Iterator<Item = ItemIndex> + '_ {
        let mut parent_optional = None;
        self.checklist.children(index).filter(move |child| {
            self.checklist.items.get(*child).is_some_and(|item| {
                !item.optional || *parent_optional.get_or_insert_with(|| self.checklist.is_optional(index))
            })
        })
    }

    /// The section by which an item can be held: none for what stands above all sections, or in an optional one.
    fn gated_section_of(&self, index: ItemIndex) -> Option<SectionIndex> {
        self.checklist
            .items
            .get(index)?
            .section
            .filter(|section| !self.checklist.is_optional_section(*section))
    }

    fn is_open(&self, gate: &Gate) -> bool {
        self.holds_of_gate(gate).next().is_none()
    }

    fn holds_of_gate<'a>(&'a self, gate: &'a Gate) -> impl Iterator<Item = Hold> + 'a {
        let end = self.first_item_from(gate.section);
        gate.needs
            .iter()
            .flat_map(move |need| -> Box<dyn Iterator<Item = Hold> + 'a> {
                match need {
                    Need::Items => {
                        Box::new(self.open_items(end).filter_map(|index| self.hold_of_item(index)))
                    }
                    Need::Checks => Box::new(self.checks_not_passed(end)),
                    Need::SignOff(role) => Box::new(self.hold_of_role(role).into_iter()),
                    Need::Go => Box::new((!self.decision_is_go()).then_some(Hold::Decision).into_iter()),
                }
            })
    }

    fn sign_off_holds(&self, role: &RoleKey) -> impl Iterator<Item = Hold> + '_ {
        let (items, checks) = self.work_before_sign_off(role);
        self.open_items(items)
            .filter(|index| self.is_work(*index))
            .filter_map(|index| self.hold_of_item(index))
            .chain(self.checks_not_passed(checks))
    }

    fn go_holds(&self) -> impl Iterator<Item = Hold> + '_ {
        let end = self.end_before_go();
        let items = (0..self.checklist.items.len())
            .filter(move |index| {
                let blocked = matches!(self.item_state(*index), ItemState::Blocked { .. });
                (blocked && !self.checklist.is_optional(*index))
                    || (*index < end && self.is_work(*index) && self.is_open_item(*index))
            })
            .filter_map(|index| self.hold_of_item(index));
        let roles = self
            .checklist
            .sign_offs
            .keys()
            .filter(|role| !self.signs_after_go(role))
            .filter_map(|role| self.hold_of_role(role));
        items.chain(self.failing_checks()).chain(roles)
    }

    /// Required items before a position that are not closed, the innermost ones: a parent is not named beside its children.
    fn open_items(&self, end: ItemIndex) -> impl Iterator<Item = ItemIndex> + '_ {
        (0..end.min(self.checklist.items.len())).filter(|index| self.is_open_item(*index))
    }

    fn is_open_item(&self, index: ItemIndex) -> bool {
        // A box ticked in the document before its check ever ran stands, until the check says otherwise.
        !self.item_state(index).is_closed()
            && !self.checklist.is_optional(index)
            && self
                .required_children(index)
                .all(|child| self.item_state(child).is_closed())
    }

    /// Whether an item is work to be done, not somebody's answer: boxes of sign-offs and of the decision are closed by what
    /// they follow, and must not wait for each other.
    fn is_work(&self, index: ItemIndex) -> bool {
        self.checklist
            .items
            .get(index)
            .is_some_and(|item| item.sign_off.is_none() && !item.decision)
    }

    fn hold_of_item(&self, index: ItemIndex) -> Option<Hold> {
        let item = self.checklist.items.get(index)?.id.clone();
        match self.item_state(index) {
            ItemState::Open => Some(Hold::Open { item }),
            ItemState::Blocked { .. } => Some(Hold::Blocked { item }),
            ItemState::Ticked { .. } | ItemState::Skipped { .. } => None,
        }
    }

    /// Whether the checks of an item count: it is neither optional nor skipped.
    fn checks_count(&self, index: ItemIndex) -> bool {
        !self.checklist.is_optional(index) && !matches!(self.item_state(index), ItemState::Skipped { .. })
    }

    fn checks_not_passed(&self, end: ItemIndex) -> impl Iterator<Item = Hold> + '_ {
        self.checklist
            .items
            .iter()
            .take(end)
            .enumerate()
            .filter(|(index, item)| !item.checks.is_empty() && self.checks_count(*index))
            .flat_map(|(index, item)| item.checks.iter().map(move |check| (index, item, check)))
            .filter(|(_, _, check)| !self.has_passed(check))
            .map(|(index, item, check)| {
                let check = check.clone();
                // Whoever reads the document sees it ticked, and has to be told what is missing.
                let has_run = self.checks.contains_key(&check) || self.series.contains_key(&check);
                if self.item_state(index).is_closed() && !has_run {
                    let item = item.id.clone();
                    Hold::NotRun { item, check }
                } else {
                    Hold::Check { check }
                }
            })
    }

    /// Checks whose last run did not pass, where an item depends on them that does not itself wait for GO: what can only
    /// pass once the release is out must not hold it back.
    fn failing_checks(&self) -> impl Iterator<Item = Hold> + '_ {
        let end = self.first_item_behind_go().unwrap_or(self.checklist.items.len());
        self.checks
            .values()
            .filter(|result| result.status != CheckStatus::Passed)
            .filter(move |result| {
                self.checklist
                    .items
                    .iter()
                    .take(end)
                    .enumerate()
                    .any(|(index, item)| item.checks.contains(&result.check) && self.checks_count(index))
            })
            .map(|result| Hold::Check {
                check: result.check.clone(),
            })
    }

    fn hold_of_role(&self, role: &RoleKey) -> Option<Hold> {
        if self.is_approved(role) {
            None
        } else if self
            .sign_offs
            .get(role)
            .is_some_and(|sign_off| sign_off.rejection.is_some())
        {
            Some(Hold::Rejected { role: role.clone() })
        } else {
            Some(Hold::SignOff { role: role.clone() })
        }
    }

    /// Up to where the items, and up to where the checks, must be done before a role is asked to sign.
    ///
    /// Only the first gate that needs the role says so: what stands between it and a later one may be held by the first, and
    /// would wait for the very signature. For the same reason a box above the gate that needs GO waits for nothing behind it.
    fn work_before_sign_off(&self, role: &RoleKey) -> (ItemIndex, ItemIndex) {
        let items = &self.checklist.items;
        let behind_go = self.first_item_behind_go();
        let is_box = |index: &ItemIndex| {
            let item = items.get(*index);
            item.is_some_and(|item| item.sign_off.as_ref() == Some(role))
        };
        let first_box = (0..items.len()).find(is_box);
        let boxed = |end: ItemIndex| (first_box?..end.min(items.len())).rev().find(is_box);
        let boxed_before_go = boxed(behind_go.unwrap_or(items.len()));
        let gate = self
            .checklist
            .gates
            .iter()
            .filter(|gate| {
                gate.needs
                    .iter()
                    .any(|need| matches!(need, Need::SignOff(needed) if needed == role))
            })
            .min_by_key(|gate| gate.section);
        let ends = if let Some(gate) = gate {
            let end = self.first_item_from(gate.section);
            let needs = |need| gate.needs.contains(need);
            if needs(&Need::Items) || needs(&Need::Checks) {
                let end_where_needed = |need| if needs(need) { end } else { 0 };
                (end_where_needed(&Need::Items), end_where_needed(&Need::Checks))
            } else {
                // A gate that needs no work says nothing of what the signature is about; a box above it does.
                (boxed(end).map_or(0, |index| self.end_of_box(index).min(end)), 0)
            }
        } else {
            let end = boxed_before_go
                .or_else(|| boxed(items.len()))
                .map_or_else(|| self.end_before_go(), |index| self.end_of_box(index));
            (end, 0)
        };
        // A gate below the box that needs all items waits for the box too.
        let behind_box = self
            .checklist
            .gates
            .iter()
            .filter(|gate| gate.needs.contains(&Need::Items))
            .map(|gate| self.first_item_from(gate.section))
            .filter(|behind| first_box.is_some_and(|first_box| first_box < *behind))
            .min();
        let ends = (ends.0.min(behind_box.unwrap_or(ends.0)), ends.1);
        match (behind_go, boxed_before_go) {
            (Some(behind), Some(_)) => (ends.0.min(behind), ends.1.min(behind)),
            (Some(_) | None, None) | (None, Some(_)) => ends,
        }
    }

    /// Where the work that a box for a signature is about ends: after what is nested in it, else after its section.
    fn end_of_box(&self, index: ItemIndex) -> ItemIndex {
        match self.checklist.subtree(index).last() {
            Some(last) => last + 1,
            None => self.end_of_section_of(index),
        }
    }

    /// Where the work that the decision waits for ends: after the section of its box, or before the first gate that needs
    /// GO. A checklist that says neither asks for no work before GO, as it does not say which.
    fn end_before_go(&self) -> ItemIndex {
        let decision = self
            .checklist
            .items
            .iter()
            .rposition(|item| item.decision)
            .map(|index| self.end_of_section_of(index));
        // What stands behind a gate that needs GO cannot be done before it, wherever the box is.
        match (decision, self.first_item_behind_go()) {
            (Some(decision), Some(behind)) => decision.min(behind),
            (Some(end), None) | (None, Some(end)) => end,
            (None, None) => 0,
        }
    }

    /// The first item that the first gate which needs GO holds. A gate that needs all items needs GO where the decision's
    /// box is one of them.
    fn first_item_behind_go(&self) -> Option<ItemIndex> {
        let items = &self.checklist.items;
        self.checklist
            .gates
            .iter()
            .map(|gate| (gate, self.first_item_from(gate.section)))
            .filter(|(gate, behind)| {
                gate.needs.contains(&Need::Go)
                    || (gate.needs.contains(&Need::Items)
                        && items.iter().take(*behind).any(|item| item.decision))
            })
            .map(|(_, behind)| behind)
            .min()
    }

    fn end_of_section_of(&self, index: ItemIndex) -> ItemIndex {
        let section = self.checklist.items.get(index).and_then(|item| item.section);
        let within = |other: Option<SectionIndex>| match (other, section) {
            (Some(other), Some(section)) => self.checklist.section_within(other, section),
            (None, None) => true,
            (None, Some(_)) | (Some(_), None) => false,
        };
        let inside = self
            .checklist
            .items
            .iter()
            .skip(index)
            .take_while(|item| within(item.section))
            .count();
        index + inside
    }

    fn first_item_from(&self, section: SectionIndex) -> ItemIndex {
        self.checklist
            .items
            .partition_point(|item| item.section.is_none_or(|own| own < section))
    }
}

/// Each hold once, in the order of the document.
fn distinct(holds: impl Iterator<Item = Hold>) -> Vec<Hold> {
    let mut seen = BTreeSet::new();
    holds.filter(|hold| seen.insert(hold.clone())).collect()
}

/// Whether a tick came from what the item follows, so that it goes when that goes.
pub(super) fn is_followed(state: &ItemState) -> bool {
    matches!(
        state,
        ItemState::Ticked {
            how: How::ByWhatItFollows,
            ..
        }
    )
}
