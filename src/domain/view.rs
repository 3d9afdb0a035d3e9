//! What a deployment looks like: counts, what holds it, what is next. For boards, answers and reports alike.

use super::checklist::{ItemIndex, SectionIndex};
use super::deployment::{Deployment, ItemState, Phase};
use super::hold::Hold;
use super::ids::RoleKey;

/// How much is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Items ticked or skipped.
    pub closed: usize,
    /// Items in all; those that are optional and open are left out, as they hold nothing.
    pub total: usize,
    /// How many of them are blocked.
    pub blocked: usize,
}

impl Progress {
    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.closed == self.total
    }

    fn count(&mut self, state: &ItemState, optional: bool) {
        match state {
            ItemState::Ticked { .. } | ItemState::Skipped { .. } => {
                self.closed += 1;
                self.total += 1;
            }
            ItemState::Blocked { .. } => {
                self.blocked += 1;
                self.total += 1;
            }
            ItemState::Open => self.total += usize::from(!optional),
        }
    }
}

/// A section with its progress, subsections included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionProgress {
    /// Which; `None` for items above the first heading.
    pub section: Option<SectionIndex>,
    /// How much of it is done.
    pub progress: Progress,
}

impl Deployment {
    /// How much of the whole is done.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for index in 0..self.checklist.items.len() {
            progress.count(self.item_state(index), self.checklist.is_optional(index));
        }
        progress
    }

    /// The sections a board shows, in order: the outermost ones below the title, as far as they have items.
    pub fn progress_by_section(&self) -> Vec<SectionProgress> {
        let mut rows: Vec<SectionProgress> = Vec::new();
        for (index, item) in self.checklist.items.iter().enumerate() {
            let section = item.section.map(|section| self.board_section(section));
            if rows.last().is_none_or(|row| row.section != section) {
                rows.push(SectionProgress {
                    section,
                    progress: Progress::default(),
                });
            }
            if let Some(row) = rows.last_mut() {
                row.progress
                    .count(self.item_state(index), self.checklist.is_optional(index));
            }
        }
        rows
    }

    /// The items of a board's section, subsections included.
    pub fn items_of_section(&self, section: Option<SectionIndex>) -> Vec<ItemIndex> {
        self.checklist
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.section.map(|own| self.board_section(own)) == section)
            .map(|(index, _)| index)
            .collect()
    }

    /// The outermost section around one, below the document's title.
    pub fn board_section(&self, section: SectionIndex) -> SectionIndex {
        let mut at = section;
        while let Some(parent) = self.checklist.sections.get(at).and_then(|section| section.parent) {
            let is_title = self
                .checklist
                .sections
                .get(parent)
                .is_some_and(|parent| parent.id.as_str().is_empty());
            if is_title {
                break;
            }
            at = parent;
        }
        at
    }

    /// Open items that a person can tick now, in the order of the document: not optional, not held, following nothing.
    pub fn next_items(&self) -> impl Iterator<Item = ItemIndex> + '_ {
        let closed_gate = self.first_closed_gate();
        (0..self.checklist.items.len()).filter(move |index| {
            *self.item_state(*index) == ItemState::Open
                && !self.checklist.is_optional(*index)
                && self.is_for_people(*index)
                && !self.is_behind(*index, closed_gate)
        })
    }

    /// What holds the release now: before the decision what holds GO, afterwards what holds the end. Beside it, checks that
    /// hold the next gate or a sign-off although the document shows their items ticked, as nothing else would show them.
    pub fn holds(&self) -> Vec<Hold> {
        let mut holds = match self.phase {
            Phase::Preparing | Phase::Held if self.asks_for_go() => self.holds_of_go(),
            Phase::Preparing | Phase::Held | Phase::Releasing => self.holds_of_finish(),
            Phase::Finished(_) => return Vec::new(),
        };
        for not_run in self.holds_not_run() {
            if !holds.contains(&not_run) {
                holds.push(not_run);
            }
        }
        holds
    }

    /// Roles that were asked and have not answered.
    pub fn asked_roles(&self) -> impl Iterator<Item = &RoleKey> + '_ {
        self.sign_offs.keys().filter(|role| self.waits_for(role))
    }
}
