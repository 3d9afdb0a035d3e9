//! A checklist as Holdpoint understands it: sections, items, blanks, and what the front matter says of them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::check::{Check, Probe};
use super::escalation::EscalationPolicy;
use super::ids::{
    BlankId, CheckId, ChecklistHash, ChecklistName, ItemId, PolicyName, RoleKey, SectionId, VariableName,
};
use super::sign_off::SignOffRule;
use super::slug::slug;

/// A Markdown file that has been read. Everything in it points into [`Checklist::source`].
#[derive(Clone, Debug, PartialEq)]
pub struct Checklist {
    /// Its name in the catalog.
    pub name: ChecklistName,
    /// SHA-256 of the bytes it was read from.
    pub hash: ChecklistHash,
    /// The front matter's `title`, else the first level-one heading, else the name.
    pub title: String,
    /// The text, repaired where its encoding was broken; line ends as they were.
    pub source: String,
    /// Headings in the order of the document.
    pub sections: Vec<Section>,
    /// Task items in the order of the document.
    pub items: Vec<Item>,
    /// Blanks in the order of the document, those outside items too.
    pub blanks: Vec<Blank>,
    /// Values the checks' parameters may name.
    pub variables: BTreeMap<VariableName, Variable>,
    /// Automated probes.
    pub checks: BTreeMap<CheckId, Check>,
    /// Roles that must approve.
    pub sign_offs: BTreeMap<RoleKey, SignOffRule>,
    /// What must hold before a section may begin.
    pub gates: Vec<Gate>,
    /// Escalation policies by name.
    pub escalations: BTreeMap<PolicyName, EscalationPolicy>,
}

/// Position in [`Checklist::sections`].
pub type SectionIndex = usize;
/// Position in [`Checklist::items`].
pub type ItemIndex = usize;

/// A heading and what stands under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its numbers, as `3.2`; empty for the heading that is the document's title.
    pub id: SectionId,
    /// Plain text of the heading.
    pub title: String,
    /// 1 for `#` to 6 for `######`.
    pub level: u8,
    /// 1-based line of the source.
    pub line: usize,
    /// The section it stands in.
    pub parent: Option<SectionIndex>,
    /// Whether its items hold nothing: a rollback plan that sleeps until it is needed.
    pub optional: bool,
}

/// A task item.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a separate fact the document states"
)]
pub struct Item {
    /// Its numbers, as `3.2.1`.
    pub id: ItemId,
    /// 1-based line of the source.
    pub line: usize,
    /// Whether the box was ticked in the document.
    pub checked: bool,
    /// 1 for an outermost task.
    pub depth: usize,
    /// Plain text of its first paragraph.
    pub text: String,
    /// The nearest heading above it.
    pub section: Option<SectionIndex>,
    /// The task it is nested in.
    pub parent: Option<ItemIndex>,
    /// Whether it stands in a numbered list.
    pub ordered: bool,
    /// The byte between its brackets in the source.
    pub marker: Range<usize>,
    /// Whether it holds nothing: said by its annotation, or by its section.
    pub optional: bool,
    /// Checks that decide it.
    pub checks: Vec<CheckId>,
    /// The sign-off that decides it.
    pub sign_off: Option<RoleKey>,
    /// Whether it is the GO / NO-GO decision.
    pub decision: bool,
}

impl Item {
    /// Its words, joined by hyphens, at most 60 characters; not unique. Made when it is asked for, which is seldom.
    pub fn slug(&self) -> String {
        slug(&self.text)
    }
}

/// A place for text: three or more underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blank {
    /// Its item's id and label, as `4.1.1/date`; `footer/completed-by` outside items.
    pub id: BlankId,
    /// The words before it, without a closing colon.
    pub label: String,
    /// The item it stands in.
    pub item: Option<ItemIndex>,
    /// 1-based line of the source.
    pub line: usize,
    /// The underscores in the source.
    pub span: Range<usize>,
}

/// A value that the parameters of checks may name as `{{ name }}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variable {
    /// Its value unless the start of a deployment gives another.
    pub default: Option<String>,
    /// The environment variable of the bot that its value is read from.
    pub env: Option<String>,
    /// Whether its value must never be shown.
    pub secret: bool,
    /// What it is, for whoever is asked.
    pub description: Option<String>,
}

/// A hold point: what must hold before the items of a section, and of all sections after it, may begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// The section it stands before.
    pub section: SectionIndex,
    /// All of these must hold.
    pub needs: Vec<Need>,
}

/// One thing a gate needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Every item above the gate's section that is not optional is closed.
    Items,
    /// Every check bound to an item above the gate's section has passed.
    Checks,
    /// The role has approved.
    SignOff(RoleKey),
    /// The decision was GO.
    Go,
}

impl Checklist {
    /// The item with this id. Ids ascend through the document, so this is a binary search.
    pub fn item(&self, id: &ItemId) -> Option<(ItemIndex, &Item)> {
        let index = self
            .items
            .binary_search_by(|item| numbers(item.id.as_str()).cmp(numbers(id.as_str())))
            .ok()?;
        self.items
            .get(index)
            .filter(|item| item.id == *id)
            .map(|item| (index, item))
    }

    /// The item whose id begins most like the typed text, where anything is alike.
    pub fn nearest_item(&self, typed: &str) -> Option<ItemId> {
        nearest(typed, self.items.iter().map(|item| item.id.as_str())).map(ItemId::new)
    }

    /// The blank whose id begins most like the typed text, where anything is alike.
    pub fn nearest_blank(&self, typed: &str) -> Option<BlankId> {
        nearest(typed, self.blanks.iter().map(|blank| blank.id.as_str())).map(BlankId::new)
    }

    /// The section with this id.
    pub fn section(&self, id: &SectionId) -> Option<(SectionIndex, &Section)> {
        self.sections
            .iter()
            .enumerate()
            .find(|(_, section)| section.id == *id)
    }

    /// The blank with this id.
    pub fn blank(&self, id: &BlankId) -> Option<&Blank> {
        self.blanks.iter().find(|blank| blank.id == *id)
    }

    /// The items nested directly in this one.
    pub fn children(&self, parent: ItemIndex) -> impl Iterator<Item = ItemIndex> + '_ {
        self.subtree(parent).filter(move |index| {
            self.items
                .get(*index)
                .is_some_and(|item| item.parent == Some(parent))
        })
    }

    /// The items nested in this one at any depth.
    pub fn subtree(&self, outermost: ItemIndex) -> impl Iterator<Item = ItemIndex> + '_ {
        // They follow it in the document, and stop where the next one of its depth begins.
        let depth = self.items.get(outermost).map_or(0, |item| item.depth);
        self.items
            .iter()
            .enumerate()
            .skip(outermost + 1)
            .take_while(move |(_, item)| item.depth > depth)
            .map(|(index, _)| index)
    }

    /// Whether a check is one that people attest.
    pub fn is_attested(&self, check: &CheckId) -> bool {
        self.checks
            .get(check)
            .is_some_and(|check| matches!(check.probe, Probe::Manual(_)))
    }

    /// Whether an item holds nothing: it is optional itself, or stands in something that is.
    pub fn is_optional(&self, index: ItemIndex) -> bool {
        let mut at = Some(index);
        while let Some(item) = at.and_then(|index| self.items.get(index)) {
            if item.optional
                || item
                    .section
                    .is_some_and(|section| self.is_optional_section(section))
            {
                return true;
            }
            at = item.parent;
        }
        false
    }

    /// Whether a section or one around it is optional.
    pub fn is_optional_section(&self, section: SectionIndex) -> bool {
        let mut at = Some(section);
        while let Some(section) = at.and_then(|index| self.sections.get(index)) {
            if section.optional {
                return true;
            }
            at = section.parent;
        }
        false
    }

    /// The headings above an item, outermost first, the document's title among them.
    pub fn headings(&self, item: &Item) -> Vec<&str> {
        let mut path = Vec::new();
        let mut at = item.section;
        while let Some(section) = at.and_then(|index| self.sections.get(index)) {
            path.push(section.title.as_str());
            at = section.parent;
        }
        path.reverse();
        path
    }

    /// Whether a section is another or stands inside it.
    pub fn section_within(&self, section: SectionIndex, outer: SectionIndex) -> bool {
        let mut at = Some(section);
        while let Some(index) = at {
            if index == outer {
                return true;
            }
            at = self.sections.get(index).and_then(|section| section.parent);
        }
        false
    }
}

/// The numbers of an id such as `3.2.1`.
fn numbers(id: &str) -> impl Iterator<Item = u32> + '_ {
    id.split('.').map(|number| number.parse().unwrap_or(u32::MAX))
}

fn nearest<'a>(typed: &str, ids: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |id: &str| id.chars().zip(typed.chars()).take_while(|(a, b)| a == b).count();
    // The last of equals would do as well; the first is the one a reader meets first.
    ids.fold(None, |best: Option<(usize, &str)>, id| match best {
        Some((most, _)) if alike(id) <= most => best,
        Some(_) | None => Some((alike(id), id)),
    })
    .filter(|(most, _)| *most > 0)
    .map(|(_, id)| id)
}
