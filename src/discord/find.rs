//! From what people type to what they mean: items, sections, blanks, checklists; and the choices that open as they type.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::render::escape;
use super::render::message::limit;
use crate::domain::checklist::{Checklist, ItemIndex, SectionIndex};
use crate::domain::deployment::{Deployment, ItemState};
use crate::domain::ids::{BlankId, ItemId};

/// A choice of an autocomplete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    /// What is shown.
    pub(super) name: String,
    /// What is sent.
    pub(super) value: String,
}

impl Choice {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self {
            name: escape::label(name, limit::CHOICE_NAME),
            value: value.to_owned(),
        }
    }
}

/// The item that was typed: by id, by its exact slug, or by words that fit one item better than any other.
/// What fits nothing is passed on as typed, and refused with its nearest.
pub(super) fn item(checklist: &Checklist, typed: &str) -> ItemId {
    let typed = typed.trim().trim_matches('`');
    let id = ItemId::new(typed);
    if checklist.item(&id).is_some() {
        return id;
    }
    let mut slugs = checklist.items.iter().filter(|item| item.slug() == typed);
    if let (Some(only), None) = (slugs.next(), slugs.next()) {
        return only.id.clone();
    }
    // A number that is not there is a slip; words are a search.
    if typed.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return id;
    }
    let mut best = ranked(typed, checklist.items.iter().map(|item| item.text.as_str())).into_iter();
    match (best.next(), best.next()) {
        (Some((index, score)), second) if second.is_none_or(|(_, next)| next < score) => {
            checklist.items.get(index).map_or(id, |item| item.id.clone())
        }
        _ => id,
    }
}

/// The section that was typed: by id or by title.
pub(super) fn section(checklist: &Checklist, typed: &str) -> Option<SectionIndex> {
    let typed = typed.trim();
    checklist
        .sections
        .iter()
        .position(|section| !section.id.as_str().is_empty() && section.id.as_str() == typed)
        .or_else(|| {
            checklist
                .sections
                .iter()
                .position(|section| section.title.eq_ignore_ascii_case(typed))
        })
        .or_else(|| {
            let titles = checklist.sections.iter().map(|section| section.title.as_str());
            ranked(typed, titles).first().map(|(index, _)| *index)
        })
}

/// The blank that was typed: by id.
pub(super) fn blank(checklist: &Checklist, typed: &str) -> BlankId {
    let id = BlankId::new(typed.trim());
    if checklist.blank(&id).is_some() {
        return id;
    }
    let names: Vec<String> = checklist
        .blanks
        .iter()
        .map(|blank| format!("{} {}", blank.id, blank.label))
        .collect();
    let best = ranked(typed, names.iter().map(String::as_str));
    best.first()
        .and_then(|(index, _)| checklist.blanks.get(*index))
        .map_or(id, |blank| blank.id.clone())
}

/// What an item choice is for: those that can be acted on come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Ticking and the like: open items first.
    Closing,
    /// Opening again: closed ones first.
    Reopening,
    /// Anything: in the order of the document.
    Anything,
}

/// Items that fit what is typed so far: by number, by words, fuzzily; at most 25.
pub(super) fn items(deployment: &Deployment, typed: &str, purpose: For) -> Vec<Choice> {
    let checklist = &deployment.checklist;
    let first = |index: ItemIndex| {
        let state = deployment.item_state(index);
        match purpose {
            For::Closing => {
                *state == ItemState::Open
                    && deployment.is_for_people(index)
                    && deployment.held(index).is_none()
            }
            For::Reopening => state.is_closed(),
            For::Anything => true,
        }
    };
    let names: Vec<String> = checklist
        .items
        .iter()
        .map(|item| format!("{} {}", item.id, item.text))
        .collect();
    let mut found: Vec<ItemIndex> = if typed.trim().is_empty() {
        (0..names.len()).collect()
    } else if typed.trim().starts_with(|c: char| c.is_ascii_digit()) {
        let typed = typed.trim();
        let mut found: Vec<_> = checklist
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.id.as_str().starts_with(typed))
            .map(|(index, _)| index)
            .collect();
        if found.is_empty() {
            found = ranked(typed, names.iter().map(String::as_str))
                .into_iter()
                .map(|(index, _)| index)
                .collect();
        }
        found
    } else {
        ranked(typed, names.iter().map(String::as_str))
            .into_iter()
            .map(|(index, _)| index)
            .collect()
    };
    // A stable sort: within what can be acted on, the better fit stays first.
    found.sort_by_key(|index| !first(*index));
    found
        .into_iter()
        .take(limit::CHOICES)
        .filter_map(|index| checklist.items.get(index).map(|item| (index, item)))
        .map(|(index, item)| {
            let mark = match deployment.item_state(index) {
                ItemState::Open => "☐",
                ItemState::Ticked { .. } => "☑",
                ItemState::Skipped { .. } => "⏭",
                ItemState::Blocked { .. } => "⛔",
            };
            Choice::new(&format!("{mark} {} {}", item.id, item.text), item.id.as_str())
        })
        .collect()
}

/// Sections that fit what is typed so far; at most 25.
pub(super) fn sections(checklist: &Checklist, typed: &str) -> Vec<Choice> {
    let named: Vec<(String, &str)> = checklist
        .sections
        .iter()
        .filter(|section| !section.id.as_str().is_empty())
        .map(|section| (format!("{} {}", section.id, section.title), section.id.as_str()))
        .collect();
    choices(typed, &named)
}

/// Blanks that fit what is typed so far; empty ones first, at most 25.
pub(super) fn blanks(deployment: &Deployment, typed: &str) -> Vec<Choice> {
    let mut blanks: Vec<_> = deployment.checklist.blanks.iter().collect();
    blanks.sort_by_key(|blank| deployment.blanks.contains_key(&blank.id));
    let named: Vec<(String, &str)> = blanks
        .into_iter()
        .map(|blank| {
            let item = blank.item.and_then(|index| deployment.checklist.items.get(index));
            let of = item.map_or_else(|| blank.id.as_str(), |item| item.text.as_str());
            (format!("{} · {}", blank.label, of), blank.id.as_str())
        })
        .collect();
    choices(typed, &named)
}

/// Those of the named that fit what is typed so far, in their order while nothing is typed; at most 25.
pub(super) fn choices(typed: &str, named: &[(String, &str)]) -> Vec<Choice> {
    let order: Vec<usize> = if typed.trim().is_empty() {
        (0..named.len()).collect()
    } else {
        ranked(typed, named.iter().map(|(name, _)| name.as_str()))
            .into_iter()
            .map(|(index, _)| index)
            .collect()
    };
    order
        .into_iter()
        .filter_map(|index| named.get(index))
        // A value of over 100 characters would be refused by Discord, with all the others.
        .filter(|(_, value)| value.chars().count() <= limit::OPTION_TEXT)
        .take(limit::CHOICES)
        .map(|(name, value)| Choice::new(name, value))
        .collect()
}

/// The texts that fit, best first, with their scores.
fn ranked<'a>(typed: &str, texts: impl Iterator<Item = &'a str>) -> Vec<(usize, u32)> {
    let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut found: Vec<(usize, u32)> = texts
        .enumerate()
        .filter_map(|(index, text)| {
            pattern
                .score(Utf32Str::new(text, &mut buffer), &mut matcher)
                .map(|score| (index, score))
        })
        .collect();
    found.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    found
}
