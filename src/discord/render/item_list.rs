//! Items: pages of them, and the card of one.

use super::super::custom_id::Press;
use super::board::ALL_ITEMS;
use super::escape::label;
use super::message::{Button, Choice, Colour, Embed, Message, Style, limit};
use super::parts::{button, fits};
use super::{holding, observed, words};
use crate::domain::check::CheckStatus;
use crate::domain::checklist::{Item, ItemIndex, SectionIndex};
use crate::domain::deployment::{Deployment, ItemState, Phase};
use crate::domain::event::How;
use crate::domain::ids::SectionId;

/// How many items a page has. Discord's menus take 25 options.
const PAGE: usize = 20;

/// A page of a section's items, subsections included; of all items when there is no section, or it is [`ALL_ITEMS`]. Pages count from 0; one
/// beyond the last shows the last.
pub(crate) fn page(deployment: &Deployment, section: Option<&SectionId>, page: usize) -> Message {
    let section = section.filter(|id| id.as_str() != ALL_ITEMS);
    let within = section.and_then(|id| deployment.checklist.section(id));
    let indices: Vec<ItemIndex> = deployment
        .checklist
        .items
        .iter()
        .enumerate()
        .filter(|(_, item)| match (section, within) {
            (None, _) => true,
            (Some(_), Some((outer, _))) => item
                .section
                .is_some_and(|own| deployment.checklist.section_within(own, outer)),
            (Some(_), None) => false,
        })
        .map(|(index, _)| index)
        .collect();
    if indices.is_empty() {
        return Message::text("There are no items there. `/deploy status` shows the sections.");
    }
    let pages = indices.len().div_ceil(PAGE);
    let page = page.min(pages - 1);
    let shown: Vec<ItemIndex> = indices.iter().skip(page * PAGE).take(PAGE).copied().collect();
    let title = match within {
        Some((index, _)) => words::section(deployment, Some(index), 100),
        None => "All items".to_owned(),
    };
    let closed = indices
        .iter()
        .filter(|index| deployment.item_state(**index).is_closed())
        .count();
    let message = Message {
        embed: Some(Embed {
            title: super::escape::shortened(&title, limit::TITLE),
            description: words::shrunk(&[140, 90, 60, 40, 25, 12], limit::DESCRIPTION, |text| {
                lines(deployment, &shown, within.map(|(index, _)| index), text)
            }),
            colour: Colour::Blue,
            fields: Vec::new(),
            footer: format!(
                "Page {} of {pages} · {closed} of {} closed · {}",
                page + 1,
                words::count(indices.len(), "item"),
                words::footer(deployment)
            ),
        }),
        ..Message::default()
    };
    let turn = |page: usize, text: &str| {
        let press = Press::Items {
            deployment: deployment.id,
            section: section.cloned(),
            page,
        };
        button(&press, text, Style::Secondary)
    };
    let menu = Press::ItemOf {
        deployment: deployment.id,
        section: section.cloned(),
        page,
    };
    let options = shown
        .iter()
        .filter_map(|index| choice(deployment, *index))
        .collect();
    message.with_menu(&menu, "Open an item", options).with_row([
        page.checked_sub(1)
            .and_then(|earlier| turn(earlier, "← Previous")),
        (page + 1 < pages).then(|| turn(page + 1, "Next →")).flatten(),
    ])
}

/// The card of an item: all that is known of it, and what can be done now.
pub(crate) fn item(deployment: &Deployment, index: ItemIndex) -> Message {
    let Some(item) = deployment.checklist.items.get(index) else {
        return Message::text("There is no such item. `/deploy status` shows the board.");
    };
    let state = deployment.item_state(index);
    let colour = match state {
        ItemState::Open => Colour::Blue,
        ItemState::Ticked { .. } => Colour::Green,
        ItemState::Skipped { .. } => Colour::Grey,
        ItemState::Blocked { .. } => Colour::Red,
    };
    let message = Message {
        embed: Some(Embed {
            title: format!("{} {}", mark(deployment, index), label(item.id.as_str(), 80)),
            description: words::fitted(&facts(deployment, index, item), limit::DESCRIPTION, |more| {
                format!("… and {}: `/deploy log`", words::count(more, "more line"))
            }),
            colour,
            fields: Vec::new(),
            footer: words::footer(deployment),
        }),
        ..Message::default()
    };
    message.with_row(actions(deployment, index, item))
}

/// Lines of items, each run of a section under its heading; that of the section the page is of is its title.
fn lines(deployment: &Deployment, shown: &[ItemIndex], of: Option<SectionIndex>, text: usize) -> String {
    let mut lines = Vec::new();
    let mut heading = of.map(Some);
    for index in shown {
        let Some(item) = deployment.checklist.items.get(*index) else {
            continue;
        };
        if heading != Some(item.section) {
            heading = Some(item.section);
            if item.section.is_some() {
                lines.push(format!(
                    "**{}**",
                    words::section(deployment, item.section, text.min(60))
                ));
            }
        }
        lines.push(line(deployment, *index, item, text));
    }
    lines.join("\n")
}

fn line(deployment: &Deployment, index: ItemIndex, item: &Item, text: usize) -> String {
    const DEEPEST: usize = 6;
    let nesting = match item.depth {
        0 | 1 => String::new(),
        depth => format!("{}⤷ ", "\u{2003}".repeat(depth.min(DEEPEST) - 2)),
    };
    let mut line = format!(
        "{nesting}{} {}",
        mark(deployment, index),
        words::item(deployment, index, text)
    );
    if deployment.checklist.is_optional(index) {
        line.push_str(" (opt)");
    }
    if let Some(person) = deployment.items.get(index).and_then(|progress| progress.assignee) {
        line.push_str(" · ");
        line.push_str(&words::person(person));
    }
    line
}

/// An item's state as a sign.
fn mark(deployment: &Deployment, index: ItemIndex) -> &'static str {
    match deployment.item_state(index) {
        ItemState::Ticked { .. } => "✅",
        ItemState::Skipped { .. } => "⏭",
        ItemState::Blocked { .. } => "⛔",
        ItemState::Open if deployment.held(index).is_some() => "🔒",
        ItemState::Open => "☐",
    }
}

fn choice(deployment: &Deployment, index: ItemIndex) -> Option<Choice> {
    let item = deployment.checklist.items.get(index)?;
    let state = match deployment.item_state(index) {
        ItemState::Ticked { .. } => "ticked".to_owned(),
        ItemState::Skipped { reason, .. } => format!("skipped: {reason}"),
        ItemState::Blocked { reason, .. } => format!("blocked: {reason}"),
        ItemState::Open if deployment.held(index).is_some() => "open, held by a gate".to_owned(),
        ItemState::Open if deployment.checklist.is_optional(index) => "open, optional".to_owned(),
        ItemState::Open => "open".to_owned(),
    };
    let value = item.id.as_str().to_owned();
    fits(&value).then(|| Choice {
        label: label(
            &format!(
                "{} {value} {}",
                mark(deployment, index),
                words::squeezed(&item.text)
            ),
            limit::OPTION_TEXT,
        ),
        description: label(&state, limit::OPTION_TEXT),
        value,
    })
}

fn facts(deployment: &Deployment, index: ItemIndex, item: &Item) -> Vec<String> {
    const TEXT: usize = 900;
    let mut facts = vec![format!("**{}**", words::brief(&item.text, TEXT))];
    if words::length(&item.text) > TEXT {
        facts.push(format!(
            "(its whole text is on line {} of the checklist)",
            item.line
        ));
    }
    let path: Vec<_> = deployment
        .checklist
        .headings(item)
        .iter()
        .map(|heading| words::brief(heading, 60))
        .collect();
    if !path.is_empty() {
        let from = path.len().saturating_sub(4);
        facts.push(path.get(from..).unwrap_or_default().join(" › "));
    }
    facts.push(String::new());
    facts.push(state(deployment, index, item));
    if deployment.checklist.is_optional(index) {
        facts.push("Optional: nothing waits for it.".to_owned());
    }
    if let Some(person) = deployment.items.get(index).and_then(|progress| progress.assignee) {
        facts.push(format!("Assigned to {}", words::person(person)));
    }
    if let Some((section, holds)) = deployment
        .held(index)
        .filter(|_| !deployment.item_state(index).is_closed())
    {
        let lines = holding::lines(deployment, &holds, None);
        let shown: Vec<_> = lines.iter().take(3).map(String::as_str).collect();
        let more = lines.len() - shown.len();
        let more = if more == 0 {
            String::new()
        } else {
            format!(" · and {more} more")
        };
        facts.push(format!(
            "🔒 “{}” does not begin while {}{more}",
            words::section(deployment, Some(section), 60),
            shown.join(" · ")
        ));
    }
    facts.extend(followed(deployment, index, item));
    facts.extend(blanks(deployment, index));
    facts.extend(notes(deployment, item));
    facts
}

fn state(deployment: &Deployment, index: ItemIndex, item: &Item) -> String {
    match deployment.item_state(index) {
        ItemState::Open => "Open".to_owned(),
        ItemState::Ticked {
            how: How::InTheDocument,
            ..
        } => "Ticked in the document".to_owned(),
        ItemState::Ticked {
            at,
            how: How::ByWhatItFollows,
            ..
        } => {
            let why = if item.sign_off.is_some() {
                "by its sign-off"
            } else if item.decision {
                "by the decision"
            } else if item.checks.is_empty() {
                "with what is nested in it"
            } else {
                "by its checks"
            };
            format!("Ticked {why} {}", words::ago(*at))
        }
        ItemState::Ticked {
            by,
            at,
            how: How::ByHand,
        } => {
            format!("Ticked by {} {}", words::who(*by), words::ago(*at))
        }
        ItemState::Skipped { by, at, reason } => {
            format!(
                "Skipped by {} {}: {}",
                words::who(*by),
                words::ago(*at),
                words::brief(reason, 500)
            )
        }
        ItemState::Blocked { by, at, reason } => format!(
            "Blocked by {} {}: {}\n`/deploy unblock` lets it go on.",
            words::who(*by),
            words::ago(*at),
            words::brief(reason, 500)
        ),
    }
}

/// What decides an item, where it is not ticked by hand.
fn followed(deployment: &Deployment, index: ItemIndex, item: &Item) -> Vec<String> {
    let mut facts = Vec::new();
    for check in item.checks.iter().take(6) {
        let progress = observed::progress(deployment, check);
        facts.push(match deployment.checks.get(check) {
            None if progress.is_some() => format!("◽ Check {} is not decided yet", words::check(check)),
            Some(result) => {
                let icon = match result.status {
                    CheckStatus::Passed => "✅",
                    CheckStatus::Failed => "❌",
                    CheckStatus::Error => "⚠️",
                    CheckStatus::Skipped => "⏭️",
                };
                format!(
                    "{icon} Check {} {}: {}{}",
                    words::check(check),
                    words::ago(result.at),
                    words::brief(&result.why, 200),
                    observed::behind(deployment, check)
                )
            }
            None => format!("◽ Check {} has not run: `/deploy check`", words::check(check)),
        });
        facts.extend(progress.map(|progress| format!("🔎 {progress}")));
    }
    if item.checks.len() > 6 {
        facts.push(format!(
            "… and {}",
            words::count(item.checks.len() - 6, "more check")
        ));
    }
    if let Some(role) = &item.sign_off {
        let name = words::role(deployment, role);
        facts.push(if deployment.is_approved(role) {
            format!("{name} has approved")
        } else {
            format!("{name} signs it, on its card: `/deploy signoff`")
        });
    }
    if item.decision {
        facts.push("It is the decision: `/deploy go` or `/deploy no-go`".to_owned());
    }
    let open: Vec<_> = deployment
        .required_children(index)
        .filter(|child| !deployment.item_state(*child).is_closed())
        .filter_map(|child| deployment.checklist.items.get(child))
        .map(|child| words::id(&child.id))
        .collect();
    if !open.is_empty() {
        facts.push(format!(
            "It ticks itself with what is nested in it; still open: {}",
            words::some_of(&open, 6)
        ));
    }
    facts
}

fn blanks(deployment: &Deployment, index: ItemIndex) -> Vec<String> {
    const SHOWN: usize = 6;
    let blanks: Vec<_> = deployment
        .checklist
        .blanks
        .iter()
        .filter(|blank| blank.item == Some(index))
        .collect();
    let mut facts: Vec<_> = blanks
        .iter()
        .take(SHOWN)
        .map(|blank| {
            let name = words::brief(&blank.label, 60);
            match deployment.blanks.get(&blank.id) {
                Some(filled) => format!(
                    "✏️ {name}: {} ({} {})",
                    words::brief(&filled.value, 200),
                    words::who(filled.by),
                    words::ago(filled.at)
                ),
                None => format!("✏️ {name}: empty, `/deploy fill`"),
            }
        })
        .collect();
    if blanks.len() > SHOWN {
        facts.push(format!(
            "… and {}",
            words::count(blanks.len() - SHOWN, "more blank")
        ));
    }
    facts
}

fn notes(deployment: &Deployment, item: &Item) -> Vec<String> {
    const SHOWN: usize = 3;
    let notes: Vec<_> = deployment
        .notes
        .iter()
        .filter(|note| note.item.as_ref() == Some(&item.id))
        .collect();
    let mut facts = Vec::new();
    if notes.len() > SHOWN {
        facts.push(format!(
            "📝 {}, the last {SHOWN}:",
            words::count(notes.len(), "note")
        ));
    }
    facts.extend(notes.iter().rev().take(SHOWN).rev().map(|note| {
        format!(
            "📝 {} {}: {}",
            words::who(note.by),
            words::ago(note.at),
            words::brief(&note.text, 300)
        )
    }));
    facts
}

/// What can be done with an item now.
fn actions(deployment: &Deployment, index: ItemIndex, item: &Item) -> [Option<Button>; 5] {
    let id = deployment.id;
    let own = || item.id.clone();
    let tick = || {
        button(
            &Press::Tick {
                deployment: id,
                item: own(),
            },
            "Tick",
            Style::Success,
        )
    };
    let untick = || {
        button(
            &Press::Untick {
                deployment: id,
                item: own(),
            },
            "Untick",
            Style::Secondary,
        )
    };
    let skip = || {
        button(
            &Press::Skip {
                deployment: id,
                item: own(),
            },
            "Skip…",
            Style::Secondary,
        )
    };
    let block = || {
        button(
            &Press::Block {
                deployment: id,
                item: own(),
            },
            "Block…",
            Style::Danger,
        )
    };
    let note = button(
        &Press::Note {
            deployment: id,
            item: own(),
        },
        "Note…",
        Style::Secondary,
    );
    // A signature and the decision cannot be skipped.
    let can_be_skipped = item.sign_off.is_none() && !item.decision;
    let can_be_ticked = deployment.is_for_people(index) && deployment.held(index).is_none();
    if matches!(deployment.phase, Phase::Finished(_)) {
        return [note, None, None, None, None];
    }
    match deployment.item_state(index) {
        ItemState::Open => [
            can_be_ticked.then(tick).flatten(),
            can_be_skipped.then(skip).flatten(),
            block(),
            note,
            None,
        ],
        ItemState::Ticked {
            how: How::ByHand | How::InTheDocument,
            ..
        }
        | ItemState::Skipped { .. } => [untick(), note, None, None, None],
        ItemState::Ticked { .. } if deployment.is_attested(index) => [untick(), note, None, None, None],
        ItemState::Ticked {
            how: How::ByWhatItFollows,
            ..
        } => [note, None, None, None, None],
        ItemState::Blocked { .. } => [can_be_skipped.then(skip).flatten(), note, None, None, None],
    }
}
