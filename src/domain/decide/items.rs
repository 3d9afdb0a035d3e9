//! Items: ticked, opened again, skipped, blocked.

use std::collections::BTreeMap;

use super::Deciding;
use crate::domain::check::{Attestation, CheckResult, CheckStatus, Evidence, ManualProbe, Probe};
use crate::domain::checklist::{Item, ItemIndex};
use crate::domain::deployment::ItemState;
use crate::domain::event::{Event, How};
use crate::domain::ids::{CheckId, ItemId};
use crate::domain::refusal::{Refusal, StillFollows};
use crate::domain::rights::Act;

impl Deciding<'_> {
    pub(super) fn tick(&mut self, id: &ItemId, evidence: Option<&str>) -> Result<(), Refusal> {
        self.person_may(Act::Work)?;
        let (index, item) = self.item(id)?;
        let (checks, sign_off, decision) = (item.checks.clone(), item.sign_off.clone(), item.decision);
        let item = id.clone();
        match self.after.item_state(index) {
            // The document shows it ticked, and somebody still has to stand for it.
            ItemState::Ticked { .. } if self.after.waits_for_attestation(index) => {
                return self.attest(index, &item, evidence);
            }
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
            .filter(|check| !self.after.has_passed(check) && !self.after.checklist.is_attested(check))
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
        if self.after.waits_for_attestation(index) {
            self.attest(index, &item, evidence)?;
        } else if let Some(evidence) = evidence {
            self.emit(Event::Noted {
                item: Some(item.clone()),
                text: evidence.to_owned(),
            });
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

    /// Records that the person attests the checks of an item that people attest.
    fn attest(&mut self, index: ItemIndex, item: &ItemId, evidence: Option<&str>) -> Result<(), Refusal> {
        let by = self.person()?.id;
        let waiting = self.after.attestations_waited_for(index);
        let needs_evidence = waiting.iter().any(|check| {
            let check = self.after.checklist.checks.get(check);
            matches!(
                check.map(|check| &check.probe),
                Some(Probe::Manual(ManualProbe {
                    evidence: Evidence::Required,
                    ..
                }))
            )
        });
        if needs_evidence && evidence.is_none() {
            return Err(Refusal::EvidenceNeeded { item: item.clone() });
        }
        let attestation = Attestation {
            by,
            at: self.context.now,
            evidence: evidence.map(str::to_owned),
        };
        for check in waiting {
            self.conclude(attestation.result(&check));
        }
        Ok(())
    }

    /// Records that what people attested of an item holds no longer; whether there was anything to take back.
    fn take_back(&mut self, index: ItemIndex) -> bool {
        let checks = self
            .after
            .checklist
            .items
            .get(index)
            .map(|item| item.checks.clone());
        let attested: Vec<CheckId> = checks
            .unwrap_or_default()
            .into_iter()
            .filter(|check| self.after.checklist.is_attested(check) && self.after.has_passed(check))
            .collect();
        for check in &attested {
            self.conclude(CheckResult {
                check: check.clone(),
                status: CheckStatus::Failed,
                why: "a person took it back".to_owned(),
                observed: BTreeMap::new(),
                at: self.context.now,
                duration_ms: 0,
            });
        }
        !attested.is_empty()
    }

    pub(super) fn untick(&mut self, id: &ItemId) -> Result<(), Refusal> {
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
                    if self.take_back(index) {
                        return Ok(());
                    }
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
    pub(super) fn still_follows(&self, index: ItemIndex) -> StillFollows {
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
    pub(super) fn nested(&self, index: ItemIndex, such: impl Fn(&ItemState) -> bool) -> Vec<ItemId> {
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
    pub(super) fn reopen_above(&mut self, index: ItemIndex) {
        self.reopen_outwards(index, |deciding, parent| {
            deciding.after.item_state(parent).is_closed() && deciding.after.follows_as(parent) == Some(false)
        });
    }

    pub(super) fn reopen_skipped_above(&mut self, index: ItemIndex) {
        self.reopen_outwards(index, |deciding, parent| {
            matches!(deciding.after.item_state(parent), ItemState::Skipped { .. })
        });
    }

    pub(super) fn reopen_outwards(&mut self, index: ItemIndex, should: impl Fn(&Self, ItemIndex) -> bool) {
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

    pub(super) fn skip(&mut self, id: &ItemId, reason: &str) -> Result<(), Refusal> {
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

    pub(super) fn block(&mut self, id: &ItemId, reason: &str) -> Result<(), Refusal> {
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
}
