//! Answers: what changed and what is next, or why nothing did.

mod asides;
mod help;
mod imports;
mod lists;

pub(crate) use asides::{
    exported, findings, no_home_here, nothing_to_check, old_card, only_in_servers, react_anew, report_so_far,
    unknown_command, unknown_section, waiting_for_role,
};
pub(crate) use help::{Topic, help};
pub(crate) use imports::{Approved, Replaced, imported, imported_before, not_imported, removed};
pub(crate) use lists::{
    ChecklistRow, DeploymentRow, Finding, Provenance, checklist, checklists, deployments, owner_cleared,
    owner_set, owners,
};

use super::escape::{code, label};
use super::holding;
use super::message::Message;
use super::told::{Subject, told};
use super::words;
use crate::domain::deployment::{Deployment, ItemState};
use crate::domain::event::{Event, How, Recorded};
use crate::domain::ids::ItemId;
use crate::domain::refusal::Refusal;

/// How many characters of an item or a reason an answer shows.
const TEXT: usize = 120;
/// How many of what followed are named.
const FOLLOWED: usize = 6;

/// What a command changed, and what is next. `before` is absent for a start.
pub(crate) fn changed(before: Option<&Deployment>, after: &Deployment, events: &[Recorded]) -> Message {
    let mut lines = Vec::new();
    match events.split_first() {
        None => lines.push("Nothing had to change.".to_owned()),
        Some((first, rest)) => {
            let mut line = deed(before, after, first);
            let followed = followed(after, rest);
            if !followed.is_empty() {
                line.push(' ');
                line.push_str(&words::stopped(&words::capital(&followed.join("; "))));
            }
            lines.push(line);
        }
    }
    lines.push(holding::next_step(after));
    Message::text(words::content(&lines.join("\n")))
}

/// Why a command changed nothing.
pub(crate) fn refused(refusal: &Refusal) -> Message {
    Message::text(words::content(&refusal.to_string()))
}

/// Something broke. The reference is what the operator finds in the log.
pub(crate) fn fault(reference: &str) -> Message {
    Message::text(words::content(&format!(
        "Something broke on Holdpoint's side, and nothing was changed. Try again in a minute; if it stays, give whoever \
         runs Holdpoint this reference: {}",
        code(&label(reference, 60))
    )))
}

/// A component that is not known any more.
pub(crate) fn unknown_press() -> Message {
    Message::text(
        "This belongs to an older Holdpoint and does nothing any more. `/deploy status` shows what does.",
    )
}

/// The first event, which is what was asked for.
fn deed(before: Option<&Deployment>, after: &Deployment, first: &Recorded) -> String {
    match &first.event {
        Event::Started { .. } => {
            let items = words::count(after.checklist.items.len(), "item");
            format!(
                "▶️ Deployment {} started: {}, {items}.",
                after.id,
                words::headline(after)
            )
        }
        // How far its section is tells more than the item's words, which the person has just chosen.
        Event::Ticked {
            item,
            how: How::ByHand,
        } => {
            let told = told(after, &first.event, TEXT);
            let row = after.checklist.item(item).and_then(|(_, item)| {
                let section = item.section.map(|section| after.board_section(section));
                after
                    .progress_by_section()
                    .into_iter()
                    .find(|row| row.section == section)
            });
            let far = row
                .filter(|row| row.progress.total > 0)
                .map_or_else(String::new, |row| {
                    let name = words::section(after, row.section, 40);
                    format!(" · {}/{} in {name}", row.progress.closed, row.progress.total)
                });
            words::stopped(&format!("{} {}{far}", told.icon, words::capital(&told.deed)))
        }
        Event::Unticked { item, .. } if was_skipped(before, item) => words::stopped(&format!(
            "↩️ No longer skipped: {}",
            words::item_of(after, item, TEXT)
        )),
        event => {
            let told = told(after, event, TEXT);
            words::stopped(&format!("{} {}", told.icon, words::capital(&told.deed)))
        }
    }
}

fn was_skipped(before: Option<&Deployment>, item: &ItemId) -> bool {
    before.is_some_and(|before| {
        before
            .checklist
            .item(item)
            .is_some_and(|(index, _)| matches!(before.item_state(index), ItemState::Skipped { .. }))
    })
}

/// What followed, kind by kind.
fn followed(after: &Deployment, rest: &[Recorded]) -> Vec<String> {
    let mut groups: Vec<(&'static str, Vec<String>)> = Vec::new();
    let mut others = Vec::new();
    for recorded in rest {
        let (group, name) = match &recorded.event {
            Event::Ticked { item, .. } => ("ticked with it", words::id(item)),
            Event::Unticked { item, .. } => ("open again with it", words::id(item)),
            Event::Skipped { item, .. } => ("skipped with it", words::id(item)),
            Event::SignOffRequested { role } => ("asked to sign", words::role(after, role)),
            Event::SignOffRecalled { role } => ("not asked to sign for now", words::role(after, role)),
            Event::SignOffResumed { role } => ("asked once more to sign", words::role(after, role)),
            Event::Acknowledged { role, .. } => ("seen as well", words::role(after, role)),
            Event::Voided { role, by, .. } => (
                "no longer counts",
                format!("{} of {}", words::role(after, role), words::person(*by)),
            ),
            event => {
                let told = told(after, event, TEXT);
                others.push(match told.subject {
                    Subject::Actor => format!("{} {}", words::who(recorded.actor), told.deed),
                    Subject::Itself => told.deed,
                });
                continue;
            }
        };
        match groups.iter_mut().find(|(known, _)| *known == group) {
            Some((_, names)) => names.push(name),
            None => groups.push((group, vec![name])),
        }
    }
    let more = others.len().saturating_sub(FOLLOWED);
    others.truncate(FOLLOWED);
    if more > 0 {
        others.push(format!("and {more} more, see `/deploy log`"));
    }
    groups
        .into_iter()
        .map(|(group, names)| format!("{group}: {}", words::some_of(&names, FOLLOWED)))
        .chain(others)
        .collect()
}
