//! What holds something, in few lines: many open items become one figure, and each role says on whom it waits.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::people::{Asked, nobody};
use super::words;
use crate::domain::checklist::SectionIndex;
use crate::domain::deployment::{Deployment, ItemState, Phase, SignOff};
use crate::domain::hold::Hold;
use crate::domain::ids::{CheckId, ItemId, RoleKey};
use crate::domain::sign_off::Owners;

/// How many of a kind are named before the rest is counted.
const NAMED: usize = 3;
/// How many characters of an item's text stand in a line about it.
const ITEM_TEXT: usize = 60;

/// Who holds which role now; without it, lines do not say on whom they wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnWhom<'a> {
    /// Who holds which role.
    pub(crate) owners: &'a Owners,
    /// Now.
    pub(crate) now: Timestamp,
}

/// What holds something, sorted by kind.
#[derive(Default)]
struct Sorted<'a> {
    open: Vec<&'a ItemId>,
    boxes: Vec<&'a ItemId>,
    blocked: Vec<&'a ItemId>,
    checks: Vec<&'a CheckId>,
    not_run: Vec<(&'a ItemId, &'a CheckId)>,
    unsigned: Vec<&'a RoleKey>,
    rejected: Vec<&'a RoleKey>,
    decision: Option<&'a Hold>,
}

/// What holds something, as lines without a closing stop, the gravest first.
pub(crate) fn lines(deployment: &Deployment, holds: &[Hold], on_whom: Option<OnWhom<'_>>) -> Vec<String> {
    let sorted = Sorted::of(deployment, holds);
    let mut lines = Vec::new();
    lines.extend(sorted.rejected.iter().flat_map(|role| rejected(deployment, role)));
    lines.extend(blocked(deployment, &sorted.blocked));
    if !sorted.checks.is_empty() {
        let names: Vec<_> = sorted.checks.iter().map(|check| words::check(check)).collect();
        let verb = if names.len() == 1 { "has" } else { "have" };
        let checks = words::count(names.len(), "check");
        lines.push(format!(
            "{checks} {verb} not passed: {}",
            words::some_of(&names, NAMED + 2)
        ));
    }
    lines.extend(not_run(&sorted.not_run));
    lines.extend(open(deployment, &sorted.open));
    let (asked, unasked): (Vec<&RoleKey>, Vec<&RoleKey>) = sorted.unsigned.iter().partition(|role| {
        deployment
            .sign_offs
            .get(role)
            .is_some_and(|sign_off| sign_off.request.is_some())
    });
    for role in asked {
        lines.push(waits_for(deployment, role, on_whom));
    }
    if !unasked.is_empty() {
        let names: Vec<_> = unasked.iter().map(|role| words::role(deployment, role)).collect();
        let verb = if names.len() == 1 { "has" } else { "have" };
        lines.push(format!(
            "{} {verb} not been asked to sign yet",
            words::some_of(&names, NAMED + 2)
        ));
    }
    if sorted.decision.is_some() {
        lines.push("the decision is open: `/deploy go` or `/deploy no-go`".to_owned());
    }
    // Boxes of sign-offs and of the decision close by themselves; they are named only where nothing else is left.
    if lines.is_empty() {
        lines.extend(open(deployment, &sorted.boxes));
    }
    lines
}

/// What is to be done next, in a line.
pub(crate) fn next_step(deployment: &Deployment) -> String {
    const TEXT: usize = 120;
    if matches!(deployment.phase, Phase::Finished(_)) {
        return "It is over; `/deploy report` has the checklist filled in.".to_owned();
    }
    if deployment.is_ready_for_go() {
        return "Everything that GO waits for is done: `/deploy go`".to_owned();
    }
    if let Some(index) = deployment.next_items().next() {
        return format!("Next: {}", words::item(deployment, index, TEXT));
    }
    match checks_to_run(deployment) {
        0 => in_a_line(deployment)
            .unwrap_or_else(|| "Everything is done: `/deploy finish` ends it.".to_owned()),
        1 => "Next: `/deploy check`, as 1 check has not passed.".to_owned(),
        several => format!("Next: `/deploy check`, as {several} checks have not passed."),
    }
}

/// How many checks stand between open items and their ticks.
pub(crate) fn checks_to_run(deployment: &Deployment) -> usize {
    let gate = deployment.first_closed_gate();
    let waiting: BTreeSet<&CheckId> = deployment
        .checklist
        .items
        .iter()
        .enumerate()
        .filter(|(index, _)| {
            *deployment.item_state(*index) == ItemState::Open
                && !deployment.checklist.is_optional(*index)
                && !deployment.is_behind(*index, gate)
        })
        .flat_map(|(_, item)| &item.checks)
        // What is under observation goes on by itself.
        .filter(|check| !deployment.has_passed(check) && deployment.series_under_way(check).is_none())
        // Those are for people.
        .filter(|check| !deployment.checklist.is_attested(check))
        .collect();
    waiting.len()
}

/// What holds the release or the end now, in one line; nothing when nothing does.
fn in_a_line(deployment: &Deployment) -> Option<String> {
    const SHOWN: usize = 3;
    let lines = lines(deployment, &deployment.holds(), None);
    let shown = lines.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(" · ");
    let more = lines.len().saturating_sub(SHOWN);
    match (lines.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(words::stopped(&words::capital(&shown))),
        (false, _) => Some(format!("{} · and {more} more.", words::capital(&shown))),
    }
}

impl<'a> Sorted<'a> {
    fn of(deployment: &Deployment, holds: &'a [Hold]) -> Self {
        let mut sorted = Self::default();
        for hold in holds {
            match hold {
                Hold::Open { item } => {
                    let found = deployment.checklist.item(item).map(|(_, item)| item);
                    if found.is_some_and(|item| item.sign_off.is_some() || item.decision) {
                        sorted.boxes.push(item);
                    } else {
                        sorted.open.push(item);
                    }
                }
                Hold::Blocked { item } => sorted.blocked.push(item),
                Hold::Check { check } => sorted.checks.push(check),
                Hold::NotRun { item, check } => sorted.not_run.push((item, check)),
                Hold::SignOff { role } => sorted.unsigned.push(role),
                Hold::Rejected { role } => sorted.rejected.push(role),
                Hold::Decision => sorted.decision = Some(hold),
            }
        }
        sorted
    }
}

fn rejected(deployment: &Deployment, role: &RoleKey) -> Vec<String> {
    let name = words::role(deployment, role);
    let rejections = deployment
        .sign_offs
        .get(role)
        .into_iter()
        .flat_map(SignOff::rejections);
    rejections
        .map(|rejection| {
            let why = rejection.reason.as_ref().map_or_else(
                || ", and has not said why".to_owned(),
                |why| format!(": {}", words::reason(why)),
            );
            format!(
                "{} rejected as {name} {}{why}",
                words::person(rejection.by),
                words::ago(rejection.at)
            )
        })
        .collect()
}

fn blocked(deployment: &Deployment, items: &[&ItemId]) -> Vec<String> {
    let mut lines: Vec<_> = items
        .iter()
        .take(NAMED)
        .map(|id| {
            let name = words::item_of(deployment, id, ITEM_TEXT);
            match deployment
                .checklist
                .item(id)
                .map(|(index, _)| deployment.item_state(index))
            {
                Some(ItemState::Blocked { by, reason, .. }) => {
                    format!(
                        "{name} is blocked by {}: {}",
                        words::who(*by),
                        words::reason(reason)
                    )
                }
                Some(ItemState::Open | ItemState::Ticked { .. } | ItemState::Skipped { .. }) | None => {
                    format!("{name} is blocked")
                }
            }
        })
        .collect();
    let more = items.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("{} more blocked", words::count(more, "item")));
    }
    lines
}

/// Items that the document has ticked, whose checks have never run.
fn not_run(pairs: &[(&ItemId, &CheckId)]) -> Vec<String> {
    let mut lines: Vec<_> = pairs
        .iter()
        .take(NAMED)
        .map(|(item, check)| {
            format!(
                "{} is ticked in the document, but its check {} has not run; {} runs it",
                words::id(item),
                words::check(check),
                super::escape::code(&format!("/deploy check what:{item}"))
            )
        })
        .collect();
    let more = pairs.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!(
            "{} more of items that the document has ticked did not run; `/deploy check` runs them",
            words::count(more, "check")
        ));
    }
    lines
}

fn open(deployment: &Deployment, items: &[&ItemId]) -> Option<String> {
    if let [only] = items {
        return Some(format!("{} is open", words::item_of(deployment, only, ITEM_TEXT)));
    }
    let mut by_section: Vec<(Option<SectionIndex>, usize)> = Vec::new();
    for id in items {
        let section = deployment
            .checklist
            .item(id)
            .and_then(|(_, item)| item.section)
            .map(|section| deployment.board_section(section));
        match by_section.iter_mut().find(|(known, _)| *known == section) {
            Some((_, number)) => *number += 1,
            None => by_section.push((section, 1)),
        }
    }
    let name = |section: Option<SectionIndex>| words::section(deployment, section, 40);
    match by_section.as_slice() {
        [] => None,
        [(section, number)] => Some(format!("{number} items are open in {}", name(*section))),
        several => {
            let mut parts: Vec<_> = several
                .iter()
                .take(NAMED)
                .map(|(section, number)| format!("{number} in {}", name(*section)))
                .collect();
            let rest = several.get(NAMED..).unwrap_or_default();
            if !rest.is_empty() {
                let number: usize = rest.iter().map(|(_, number)| number).sum();
                parts.push(format!(
                    "{number} in {}",
                    words::count(rest.len(), "other section")
                ));
            }
            Some(format!("{} items are open: {}", items.len(), words::list(&parts)))
        }
    }
}

/// A role that was asked and has not answered: how many have signed, since when, on whom it waits.
fn waits_for(deployment: &Deployment, role: &RoleKey, on_whom: Option<OnWhom<'_>>) -> String {
    let mut line = format!("{} has not signed", words::role(deployment, role));
    let Some(sign_off) = deployment.sign_offs.get(role) else {
        return line;
    };
    let quorum = deployment
        .checklist
        .sign_offs
        .get(role)
        .map_or(1, |rule| rule.quorum);
    if quorum > 1 && !sign_off.signatures.is_empty() {
        line = format!("{line} ({} of {quorum})", sign_off.signatures.len());
    }
    if let Some(request) = &sign_off.request {
        line = format!("{line}, asked {}", words::ago(request.at));
        if let Some((by, until)) = request.acknowledged
            && on_whom.is_some_and(|on_whom| until > on_whom.now)
        {
            line = format!("{line}, seen by {}", words::person(by));
        }
    }
    let Some(on_whom) = on_whom else { return line };
    match Asked::now(deployment, on_whom.owners, role) {
        Some(asked) => format!("{line}: {}", asked.mentions()),
        None => format!("{line}: {}, `/owner set`", nobody(on_whom.owners, role)),
    }
}
