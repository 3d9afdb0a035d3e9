//! What holds what: gates, and what must be done before a sign-off, the decision and the end.

use std::collections::BTreeSet;

use super::check::CheckStatus;
use super::checklist::{ItemIndex, Need, SectionIndex};
use super::deployment::{Deployment, ItemState, Phase};
use super::event::How;
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
        let item = self.checklist.items.get(index)?;
        let section = item.section?;
        if self
            .checklist
            .sections
            .get(section)
            .is_some_and(|section| section.optional)
        {
            return None;
        }
        self.checklist
            .gates
            .iter()
            .filter(|gate| gate.section <= section)
            .map(|gate| (gate.section, self.holds_of_needs(gate.section, &gate.needs)))
            .find(|(_, holds)| !holds.is_empty())
    }

    /// What must be done before a role is asked to sign: the other needs of the gates that need it; without such a gate,
    /// everything down to the end of the section its box stands in.
    pub fn holds_of_sign_off(&self, role: &RoleKey) -> Vec<Hold> {
        let mut holds = BTreeSet::new();
        let mut gated = false;
        for gate in &self.checklist.gates {
            if gate.needs.contains(&Need::SignOff(role.clone())) {
                gated = true;
                let others: Vec<_> = gate
                    .needs
                    .iter()
                    .filter(|need| matches!(need, Need::Items | Need::Checks))
                    .cloned()
                    .collect();
                holds.extend(self.holds_of_needs(gate.section, &others));
            }
        }
        if !gated {
            let end = self
                .checklist
                .items
                .iter()
                .rposition(|item| item.sign_off.as_ref() == Some(role))
                .map_or_else(|| self.end_before_go(), |index| self.end_of_section_of(index));
            holds.extend(self.open_items(end));
        }
        holds.retain(|hold| self.is_of_the_work(hold));
        holds.into_iter().collect()
    }

    /// What must be done before GO: what stands above the decision, every sign-off, nothing blocked, no check failing.
    pub fn holds_of_go(&self) -> Vec<Hold> {
        let end = self.end_before_go();
        let mut holds: BTreeSet<Hold> = self
            .open_items(end)
            .filter(|hold| self.is_of_the_work(hold))
            .collect();
        for (index, item) in self.checklist.items.iter().enumerate() {
            if !item.optional && matches!(self.item_state(index), ItemState::Blocked { .. }) {
                holds.insert(Hold::Blocked {
                    item: item.id.clone(),
                });
            }
        }
        holds.extend(self.failing_checks());
        holds.extend(
            self.checklist
                .sign_offs
                .keys()
                .filter_map(|role| self.hold_of_role(role)),
        );
        holds.into_iter().collect()
    }

    /// What must be done before the deployment is complete.
    pub fn holds_of_finish(&self) -> Vec<Hold> {
        let mut holds: BTreeSet<Hold> = self.open_items(self.checklist.items.len()).collect();
        holds.extend(
            self.checklist
                .sign_offs
                .keys()
                .filter_map(|role| self.hold_of_role(role)),
        );
        if self.asks_for_go() && self.phase != Phase::Releasing {
            holds.insert(Hold::Decision);
        }
        holds.into_iter().collect()
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

    /// Whether an item follows something else, and so is never ticked by hand.
    pub fn follows(&self, index: ItemIndex) -> bool {
        self.checklist.items.get(index).is_some_and(|item| {
            !item.checks.is_empty()
                || item.sign_off.is_some()
                || item.decision
                || self.required_children(index).next().is_some()
        })
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
                && (!item.decision || matches!(self.phase, Phase::Releasing | Phase::Finished(_)))
                && self
                    .required_children(index)
                    .all(|child| self.item_state(child).is_closed()),
        )
    }

    /// The nested items that hold their parent.
    pub fn required_children(&self, index: ItemIndex) -> impl Iterator<Item = ItemIndex> + '_ {
        let parent_optional = self.checklist.items.get(index).is_some_and(|item| item.optional);
        self.checklist.children(index).filter(move |child| {
            self.checklist
                .items
                .get(*child)
                .is_some_and(|item| parent_optional || !item.optional)
        })
    }

    fn holds_of_needs(&self, section: SectionIndex, needs: &[Need]) -> Vec<Hold> {
        let end = self.first_item_from(section);
        let mut holds = BTreeSet::new();
        for need in needs {
            match need {
                Need::Items => holds.extend(self.open_items(end)),
                Need::Checks => holds.extend(
                    self.checklist
                        .items
                        .iter()
                        .take(end)
                        .enumerate()
                        .filter(|(index, item)| {
                            !item.optional && !matches!(self.item_state(*index), ItemState::Skipped { .. })
                        })
                        .flat_map(|(_, item)| &item.checks)
                        .filter(|check| !self.has_passed(check))
                        .map(|check| Hold::Check { check: check.clone() }),
                ),
                Need::SignOff(role) => holds.extend(self.hold_of_role(role)),
                Need::Go => {
                    if !matches!(self.phase, Phase::Releasing | Phase::Finished(_)) {
                        holds.insert(Hold::Decision);
                    }
                }
            }
        }
        holds.into_iter().collect()
    }

    /// Required items before a position that are not closed, the innermost ones: a parent is not named beside its children.
    fn open_items(&self, end: ItemIndex) -> impl Iterator<Item = Hold> + '_ {
        self.checklist
            .items
            .iter()
            .take(end)
            .enumerate()
            .filter_map(|(index, item)| {
                if item.optional
                    || self
                        .required_children(index)
                        .any(|child| !self.item_state(child).is_closed())
                {
                    return None;
                }
                match self.item_state(index) {
                    ItemState::Open => Some(Hold::Open {
                        item: item.id.clone(),
                    }),
                    ItemState::Blocked { .. } => Some(Hold::Blocked {
                        item: item.id.clone(),
                    }),
                    // A box ticked in the document before its check ever ran stands, until the check says otherwise.
                    ItemState::Ticked { .. } | ItemState::Skipped { .. } => None,
                }
            })
    }

    /// Checks whose last run did not pass, where an item that is not optional or skipped depends on them.
    fn failing_checks(&self) -> impl Iterator<Item = Hold> + '_ {
        self.checks
            .values()
            .filter(|result| result.status != CheckStatus::Passed)
            .filter(|result| {
                self.checklist.items.iter().enumerate().any(|(index, item)| {
                    !item.optional
                        && item.checks.contains(&result.check)
                        && !matches!(self.item_state(index), ItemState::Skipped { .. })
                })
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

    /// Whether a hold is about work to be done, not about somebody's answer: boxes of sign-offs and of the decision are
    /// closed by what they follow, and must not wait for each other.
    fn is_of_the_work(&self, hold: &Hold) -> bool {
        let (Hold::Open { item } | Hold::Blocked { item }) = hold else {
            return true;
        };
        self.checklist
            .item(item)
            .is_none_or(|(_, item)| item.sign_off.is_none() && !item.decision)
    }

    /// Where the work that the decision waits for ends: after the section of its box, or before the first gate that needs
    /// GO. A checklist that says neither asks for no work before GO, as it does not say which.
    fn end_before_go(&self) -> ItemIndex {
        let decision = self.checklist.items.iter().rposition(|item| item.decision);
        if let Some(index) = decision {
            return self.end_of_section_of(index);
        }
        self.checklist
            .gates
            .iter()
            .filter(|gate| gate.needs.contains(&Need::Go))
            .map(|gate| self.first_item_from(gate.section))
            .min()
            .unwrap_or(0)
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
