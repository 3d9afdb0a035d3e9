//! Words and figures that several messages share.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::escape::{code, label, plain, shortened};
use super::message::limit;
use crate::domain::check::CheckStatus;
use crate::domain::checklist::{ItemIndex, SectionIndex};
use crate::domain::deployment::{Deployment, ItemState};
use crate::domain::event::Actor;
use crate::domain::ids::{CheckId, ItemId, RoleKey, UserId};
use crate::domain::view::Progress;

/// How many items are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ItemTally {
    pub(crate) ticked: usize,
    pub(crate) skipped: usize,
    pub(crate) blocked: usize,
    /// Open, and something waits for them.
    pub(crate) open: usize,
    /// Open, and nothing waits for them.
    pub(crate) asleep: usize,
}

/// An item that was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Skipped<'a> {
    pub(crate) item: ItemIndex,
    pub(crate) by: Actor,
    pub(crate) reason: &'a str,
    /// How many of the items nested in it were skipped with it.
    pub(crate) nested: usize,
}

impl Skipped<'_> {
    /// As a line.
    pub(crate) fn line(&self, deployment: &Deployment) -> String {
        let nested = if self.nested == 0 {
            String::new()
        } else {
            format!(" (and {} nested in it)", self.nested)
        };
        format!(
            "⏭ {}{nested} — {} ({})",
            item(deployment, self.item, 60),
            brief(self.reason, 120),
            who(self.by)
        )
    }
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckTally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) error: usize,
    pub(crate) skipped: usize,
    pub(crate) not_run: usize,
}

impl ItemTally {
    /// Counts the items of a deployment.
    pub(crate) fn of(deployment: &Deployment) -> Self {
        let mut tally = Self::default();
        for index in 0..deployment.checklist.items.len() {
            match deployment.item_state(index) {
                ItemState::Ticked { .. } => tally.ticked += 1,
                ItemState::Skipped { .. } => tally.skipped += 1,
                ItemState::Blocked { .. } => tally.blocked += 1,
                ItemState::Open if deployment.checklist.is_optional(index) => tally.asleep += 1,
                ItemState::Open => tally.open += 1,
            }
        }
        tally
    }

    /// In words, without what there is none of.
    pub(crate) fn words(self) -> String {
        let parts = [
            (self.ticked, "ticked"),
            (self.skipped, "skipped"),
            (self.blocked, "blocked"),
            (self.open, "open"),
            (self.asleep, "optional and open"),
        ];
        let words: Vec<_> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(" · ")
        }
    }
}

impl CheckTally {
    /// Counts the latest results of a deployment's checks.
    pub(crate) fn of(deployment: &Deployment) -> Self {
        let statuses = deployment
            .checklist
            .checks
            .keys()
            .map(|check| deployment.checks.get(check).map(|result| result.status));
        Self::count(statuses)
    }

    /// Counts how checks ended; `None` is one that has not run.
    pub(crate) fn count(statuses: impl Iterator<Item = Option<CheckStatus>>) -> Self {
        let mut tally = Self::default();
        for status in statuses {
            match status {
                Some(CheckStatus::Passed) => tally.passed += 1,
                Some(CheckStatus::Failed) => tally.failed += 1,
                Some(CheckStatus::Error) => tally.error += 1,
                Some(CheckStatus::Skipped) => tally.skipped += 1,
                None => tally.not_run += 1,
            }
        }
        tally
    }

    /// In words, without what there is none of. `unrun` is what those that have not run are called.
    pub(crate) fn words(self, unrun: &str) -> String {
        let parts = [
            (self.passed, "✅", "passed"),
            (self.failed, "❌", "failed"),
            (self.error, "⚠️", "could not be run"),
            (self.skipped, "⏭️", "skipped"),
            (self.not_run, "◽", unrun),
        ];
        let words: Vec<_> = parts
            .into_iter()
            .filter(|(number, _, _)| *number > 0)
            .map(|(number, icon, word)| format!("{icon} {number} {word}"))
            .collect();
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(" · ")
        }
    }
}

/// How a run or an observation of a check ended, as a square.
pub(crate) fn square(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Passed => "🟩",
        CheckStatus::Failed => "🟥",
        CheckStatus::Error => "🟨",
        CheckStatus::Skipped => "⬜",
    }
}

/// Who did something.
pub(crate) fn who(actor: Actor) -> String {
    match actor {
        Actor::Person(id) => person(id),
        Actor::CheckRunner => "its check".to_owned(),
        Actor::Timer => "a timer".to_owned(),
        Actor::Document => "the document".to_owned(),
    }
}

/// A person's mention.
pub(crate) fn person(UserId(id): UserId) -> String {
    format!("<@{id}>")
}

/// How long ago or how soon, in each reader's own words.
pub(crate) fn ago(at: Timestamp) -> String {
    format!("<t:{}:R>", at.as_second())
}

/// The time of day, in each reader's own zone.
pub(crate) fn clock(at: Timestamp) -> String {
    format!("<t:{}:t>", at.as_second())
}

/// Date and time, in each reader's own zone.
pub(crate) fn date(at: Timestamp) -> String {
    format!("<t:{}:f>", at.as_second())
}

/// A span of time in its two largest units.
pub(crate) fn lasting(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |large: i64, unit: &str, small: i64, subunit: &str| {
        if small == 0 {
            format!("{large} {unit}")
        } else {
            format!("{large} {unit} {small} {subunit}")
        }
    };
    if days > 0 {
        two(days, "d", hours % 24, "h")
    } else if hours > 0 {
        two(hours, "h", minutes % 60, "min")
    } else if minutes > 0 {
        format!("{minutes} min")
    } else {
        format!("{seconds} s")
    }
}

/// A number of things: `1 item`, `2 items`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    if number == 1 {
        format!("1 {thing}")
    } else {
        format!("{number} {thing}s")
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The first few, and how many more.
pub(crate) fn some_of(names: &[String], shown: usize) -> String {
    match names.split_at_checked(shown) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
        Some(_) | None => list(names),
    }
}

/// A text of people or of a checklist, harmless, on one line, and with at most this many of its own characters.
/// Escapes come on top: at most twice as many characters, and one.
pub(crate) fn brief(text: &str, limit: usize) -> String {
    plain(&label(&squeezed(text), limit))
}

/// A text whose blanks are three underscores long, as a document's are as long as a name.
pub(crate) fn squeezed(text: &str) -> String {
    const BLANK: usize = 3;
    let mut run = 0;
    text.chars()
        .filter(|c| {
            run = if *c == '_' { run + 1 } else { 0 };
            run <= BLANK
        })
        .collect()
}

/// Items that were skipped, without those that were skipped with the item they are nested in; each with how many those are.
pub(crate) fn skipped(deployment: &Deployment) -> Vec<Skipped<'_>> {
    let reason_of = |index: ItemIndex| match deployment.item_state(index) {
        ItemState::Skipped { by, reason, .. } => Some((*by, reason.as_str())),
        ItemState::Open | ItemState::Ticked { .. } | ItemState::Blocked { .. } => None,
    };
    let mut roots: Vec<Skipped<'_>> = Vec::new();
    let mut root_of: BTreeMap<ItemIndex, usize> = BTreeMap::new();
    for (index, item) in deployment.checklist.items.iter().enumerate() {
        let Some((by, reason)) = reason_of(index) else {
            continue;
        };
        let above = item
            .parent
            .and_then(|parent| root_of.get(&parent).copied())
            .filter(|root| roots.get(*root).is_some_and(|root| root.reason == reason));
        if let Some(root) = above {
            root_of.insert(index, root);
            if let Some(root) = roots.get_mut(root) {
                root.nested += 1;
            }
        } else {
            root_of.insert(index, roots.len());
            roots.push(Skipped {
                item: index,
                by,
                reason,
                nested: 0,
            });
        }
    }
    roots
}

/// A reason within a sentence: short, and without the full stop that the sentence sets itself.
pub(crate) fn reason(text: &str) -> String {
    const SHOWN: usize = 200;
    brief(text, SHOWN).trim_end_matches('.').to_owned()
}

/// Ends a sentence, unless it has ended.
pub(crate) fn stopped(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '…', ':']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// With a capital letter at its beginning.
pub(crate) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// An item by its number and its words.
pub(crate) fn item(deployment: &Deployment, index: ItemIndex, limit: usize) -> String {
    deployment
        .checklist
        .items
        .get(index)
        .map_or_else(String::new, |item| {
            format!("{} {}", id(&item.id), brief(&item.text, limit))
        })
}

/// An item by its number and its words, found by its id.
pub(crate) fn item_of(deployment: &Deployment, id_: &ItemId, limit: usize) -> String {
    deployment
        .checklist
        .item(id_)
        .map_or_else(|| id(id_), |(index, _)| item(deployment, index, limit))
}

/// An item's number.
pub(crate) fn id(id: &ItemId) -> String {
    code(id.as_str())
}

/// A check's key.
pub(crate) fn check(id: &CheckId) -> String {
    code(id.as_str())
}

/// A sign-off role by its name, standing out.
pub(crate) fn role(deployment: &Deployment, role: &RoleKey) -> String {
    const SHOWN: usize = 60;
    deployment.checklist.sign_offs.get(role).map_or_else(
        || code(role.as_str()),
        |rule| format!("**{}**", brief(&rule.title, SHOWN)),
    )
}

/// A sign-off role by its name, where Discord formats nothing.
pub(crate) fn role_label(deployment: &Deployment, role: &RoleKey, limit: usize) -> String {
    deployment
        .checklist
        .sign_offs
        .get(role)
        .map_or_else(|| label(role.as_str(), limit), |rule| label(&rule.title, limit))
}

/// A section by its heading.
pub(crate) fn section(deployment: &Deployment, section: Option<SectionIndex>, limit: usize) -> String {
    section
        .and_then(|index| deployment.checklist.sections.get(index))
        .map_or_else(
            || "the beginning".to_owned(),
            |section| brief(&section.title, limit),
        )
}

/// What is released and where to: `2.4.1 → staging`.
pub(crate) fn release(deployment: &Deployment) -> String {
    format!(
        "{} → {}",
        brief(&deployment.version, 60),
        brief(&deployment.environment, 40)
    )
}

/// The deployment in a line: `Staging deployment · 2.4.1 → staging`.
pub(crate) fn headline(deployment: &Deployment) -> String {
    format!(
        "{} · {}",
        brief(&deployment.checklist.title, 100),
        release(deployment)
    )
}

/// The headline, as long as a frame's title may be.
pub(crate) fn frame_title(before: &str, deployment: &Deployment) -> String {
    shortened(&format!("{before}{}", headline(deployment)), limit::TITLE)
}

/// The footer that says which deployment it is.
pub(crate) fn footer(deployment: &Deployment) -> String {
    format!(
        "Deployment {} · started {} UTC",
        deployment.id,
        deployment.started_at.strftime("%Y-%m-%d %H:%M")
    )
}

/// A bar of this many pieces. It is full only when nothing is left, and empty only when nothing is done.
pub(crate) fn bar(done: usize, total: usize, width: usize) -> String {
    let filled = (done * width).checked_div(total).unwrap_or(0);
    let filled = if done > 0 { filled.max(1) } else { filled }.min(width);
    format!("{}{}", "▰".repeat(filled), "▱".repeat(width - filled))
}

/// A section's progress: `▰▰▰▱▱ 12/18`, with a mark where it is done or something is blocked.
pub(crate) fn progress(progress: Progress) -> String {
    const WIDTH: usize = 5;
    let Progress {
        closed,
        total,
        blocked,
    } = progress;
    let done = if progress.is_done() { " ✓" } else { "" };
    let stuck = if blocked > 0 {
        format!(" ⛔ {blocked}")
    } else {
        String::new()
    };
    format!("{} {closed}/{total}{done}{stuck}", bar(closed, total, WIDTH))
}

/// Text for a message's content, within its limit.
pub(crate) fn content(text: &str) -> String {
    shortened(text, limit::CONTENT)
}

/// Lines as far as they fit, then a line that counts those that do not.
pub(crate) fn fitted(lines: &[String], room: usize, more: impl Fn(usize) -> String) -> String {
    let whole = lines.join("\n");
    if length(&whole) <= room {
        return whole;
    }
    for shown in (0..lines.len()).rev() {
        let mut kept: Vec<&str> = lines.iter().take(shown).map(String::as_str).collect();
        let rest = more(lines.len() - shown);
        kept.push(&rest);
        let text = kept.join("\n");
        if length(&text) <= room {
            return text;
        }
    }
    shortened(&more(lines.len()), room)
}

/// The text made with the first of these limits under which it fits.
pub(crate) fn shrunk(limits: &[usize], room: usize, make: impl Fn(usize) -> String) -> String {
    let mut made = String::new();
    for limit in limits {
        made = make(*limit);
        if length(&made) <= room {
            return made;
        }
    }
    shortened(&made, room)
}

/// How long a text is, as Discord counts.
pub(crate) fn length(text: &str) -> usize {
    text.chars().count()
}
