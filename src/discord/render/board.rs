//! The board: the pinned message that shows a deployment at a glance, edited in place.

use jiff::Timestamp;

use super::super::custom_id::Press;
use super::escape::label;
use super::holding::{self, OnWhom};
use super::message::{Choice, Colour, Embed, Message, Style, limit};
use super::parts::{button, fits};
use super::{observed, words};
use crate::domain::deployment::{Deployment, Phase};
use crate::domain::event::{Decision, Outcome};
use crate::domain::sign_off::Owners;
use crate::domain::view::SectionProgress;

/// The value of the menu's first option, which stands for every item whatever its section.
pub(crate) const ALL_ITEMS: &str = "-";

/// How many section menus a board has at most; with the buttons, four of Discord's five rows.
const MENUS: usize = 3;
/// How many lines of sections a board shows before it leaves the finished ones out, then the last ones.
const SECTION_LINES: usize = 40;
/// How many lines say what holds the release.
const HOLD_LINES: usize = 6;
/// How many items stand under "Next".
const NEXT: usize = 3;

/// The board of a deployment.
pub(crate) fn board(deployment: &Deployment, owners: &Owners, now: Timestamp) -> Message {
    let message = Message {
        embed: Some(Embed {
            title: words::frame_title("", deployment),
            description: description(deployment, OnWhom { owners, now }),
            colour: colour(deployment),
            fields: Vec::new(),
            footer: words::footer(deployment),
        }),
        ..Message::default()
    };
    menus(deployment, buttons(deployment, message))
}

/// The message in the channel that the deployment's thread hangs on.
pub(crate) fn opening(deployment: &Deployment) -> Message {
    let starter = deployment
        .started_by
        .map_or_else(|| "Holdpoint".to_owned(), words::person);
    Message::text(words::content(&format!(
        "{starter} started **{}** · {} (deployment {}). It runs in the thread of this message.",
        words::brief(&deployment.checklist.title, 100),
        words::release(deployment),
        deployment.id,
    )))
}

/// Where the deployment stands, in a line.
fn phase_line(deployment: &Deployment) -> String {
    match deployment.phase {
        Phase::Preparing if deployment.is_ready_for_go() => {
            "🟢 **Ready for GO:** everything that it waits for is done".to_owned()
        }
        Phase::Preparing => format!("🔵 **Preparing**, started {}", words::ago(deployment.started_at)),
        Phase::Held | Phase::Releasing => match &deployment.decision {
            Some(decided) => {
                let banner = match decided.decision {
                    Decision::Go => "🚀 **GO**",
                    Decision::NoGo => "⛔ **NO-GO**",
                };
                let why = decided
                    .reason
                    .as_ref()
                    .map(|why| format!(": {}", words::reason(why)));
                format!(
                    "{banner} by {} {}{}",
                    words::who(decided.by),
                    words::ago(decided.at),
                    why.unwrap_or_default()
                )
            }
            None => "⛔ **Held**".to_owned(),
        },
        Phase::Finished(outcome) => {
            let banner = match outcome {
                Outcome::Complete => "✅ **Complete**",
                Outcome::Failed => "❌ **Failed**",
            };
            match &deployment.finished {
                Some(finished) => {
                    let why = finished
                        .reason
                        .as_ref()
                        .map(|why| format!(": {}", words::reason(why)));
                    format!(
                        "{banner} after {}, said by {} {}{}",
                        words::lasting(deployment.started_at, finished.at),
                        words::who(finished.by),
                        words::ago(finished.at),
                        why.unwrap_or_default()
                    )
                }
                None => banner.to_owned(),
            }
        }
    }
}

fn colour(deployment: &Deployment) -> Colour {
    match deployment.phase {
        Phase::Finished(Outcome::Complete) => Colour::Green,
        Phase::Finished(Outcome::Failed) | Phase::Held => Colour::Red,
        Phase::Preparing if deployment.is_ready_for_go() => Colour::Green,
        Phase::Preparing | Phase::Releasing => {
            if deployment.progress().blocked > 0
                || deployment
                    .sign_offs
                    .values()
                    .any(|sign_off| sign_off.rejection.is_some())
            {
                Colour::Red
            } else if deployment.asked_roles().next().is_some() {
                Colour::Yellow
            } else {
                Colour::Blue
            }
        }
    }
}

fn description(deployment: &Deployment, on_whom: OnWhom<'_>) -> String {
    const WIDTH: usize = 10;
    let progress = deployment.progress();
    let mut head = vec![phase_line(deployment)];
    let stuck = if progress.blocked > 0 {
        format!(" · ⛔ {} blocked", progress.blocked)
    } else {
        String::new()
    };
    head.push(if progress.total == 0 {
        "This checklist has nothing to tick.".to_owned()
    } else {
        let bar = words::bar(progress.closed, progress.total, WIDTH);
        format!("{bar} **{}/{}**{stuck}", progress.closed, progress.total)
    });
    let head = head.join("\n");
    let tail = [observed::lines(deployment).join("\n"), tail(deployment, on_whom)]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n");
    let room = limit::DESCRIPTION.saturating_sub(words::length(&head) + words::length(&tail) + 4);
    let sections = sections(deployment, room);
    [head, sections, tail]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn sections(deployment: &Deployment, room: usize) -> String {
    let rows = deployment.progress_by_section();
    if rows.len() == 1 && rows.iter().all(|row| is_title(deployment, row)) {
        return String::new();
    }
    let all: Vec<_> = rows.iter().map(|row| section_line(deployment, row)).collect();
    let whole = all.join("\n");
    if all.len() <= SECTION_LINES && words::length(&whole) <= room {
        return whole;
    }
    let mut lines = Vec::new();
    let done = rows.iter().filter(|row| is_finished(row)).count();
    if done > 0 {
        lines.push(format!("✓ {} done", words::count(done, "section")));
    }
    let mut left = rows.iter().filter(|row| !is_finished(row));
    let room_for = SECTION_LINES - lines.len();
    lines.extend(
        left.by_ref()
            .take(room_for)
            .map(|row| section_line(deployment, row)),
    );
    let beyond = left.count();
    let more = |number: usize| {
        format!(
            "… and {}: “All items” below",
            words::count(number, "more section")
        )
    };
    if beyond == 0 {
        return words::fitted(&lines, room, more);
    }
    // Those beyond the last line are counted with those that do not fit, on one line.
    let reserve = words::length(&more(usize::MAX)) + 1;
    let fits = (0..=lines.len())
        .rev()
        .find(|shown| {
            let kept: usize = lines
                .iter()
                .take(*shown)
                .map(|line| words::length(line) + 1)
                .sum();
            kept + reserve <= room
        })
        .unwrap_or(0);
    let left_out = beyond + lines.len() - fits;
    lines.truncate(fits);
    lines.push(more(left_out));
    lines.join("\n")
}

fn section_line(deployment: &Deployment, row: &SectionProgress) -> String {
    let name = words::section(deployment, row.section, 60);
    if row.progress.total == 0 {
        return format!("💤 {name} (optional)");
    }
    format!("{} {name}", words::progress(row.progress))
}

fn is_finished(row: &SectionProgress) -> bool {
    row.progress.is_done() && row.progress.total > 0
}

/// Whether a row is of items above every section: those of the title's heading or of none.
fn is_title(deployment: &Deployment, row: &SectionProgress) -> bool {
    row.section
        .and_then(|index| deployment.checklist.sections.get(index))
        .is_none_or(|section| section.id.as_str().is_empty())
}

fn tail(deployment: &Deployment, on_whom: OnWhom<'_>) -> String {
    let mut lines = Vec::new();
    let holds = holding::lines(deployment, &deployment.holds(), Some(on_whom));
    if !holds.is_empty() {
        lines.push(heading(deployment).to_owned());
        let shown = if holds.len() > HOLD_LINES {
            HOLD_LINES - 1
        } else {
            HOLD_LINES
        };
        lines.extend(holds.iter().take(shown).map(|hold| format!("• {hold}")));
        if let Some(more) = holds.len().checked_sub(shown).filter(|more| *more > 0) {
            lines.push(format!(
                "• and {more} more: `/deploy signoff` shows all that sign"
            ));
        }
    }
    let next_from = lines.len();
    if !matches!(deployment.phase, Phase::Finished(_)) {
        let next: Vec<_> = deployment
            .next_items()
            .take(NEXT)
            .map(|index| words::item(deployment, index, 90))
            .collect();
        let checks = holding::checks_to_run(deployment);
        match next.as_slice() {
            _ if deployment.is_ready_for_go() => {
                lines.push("**Next:** decide `/deploy go` or `/deploy no-go`".to_owned());
            }
            [first, rest @ ..] => {
                lines.push(format!("**Next:** {first}"));
                lines.extend(rest.iter().map(|item| format!("then {item}")));
            }
            [] if checks > 0 => {
                lines.push(format!(
                    "**Next:** `/deploy check` ({} to pass)",
                    words::count(checks, "check")
                ));
            }
            [] if holds.is_empty() => {
                lines.push("**Next:** everything is done; `/deploy finish` ends it".to_owned());
            }
            [] => {}
        }
    }
    if next_from > 0 && lines.len() > next_from {
        lines.insert(next_from, String::new());
    }
    lines.join("\n")
}

fn heading(deployment: &Deployment) -> &'static str {
    match deployment.phase {
        Phase::Preparing | Phase::Held if deployment.asks_for_go() => "**Holding the release:**",
        Phase::Preparing | Phase::Held | Phase::Releasing | Phase::Finished(_) => "**Before it can end:**",
    }
}

fn buttons(deployment: &Deployment, message: Message) -> Message {
    let id = deployment.id;
    let over = matches!(deployment.phase, Phase::Finished(_));
    let check = (!over && !deployment.checklist.checks.is_empty())
        .then(|| button(&Press::Check { deployment: id }, "Check", Style::Primary))
        .flatten();
    let next = deployment.next_items().next().filter(|_| !over);
    let tick = next
        .and_then(|index| deployment.checklist.items.get(index))
        .and_then(|item| {
            let press = Press::Tick {
                deployment: id,
                item: item.id.clone(),
            };
            button(&press, &format!("Tick {}", item.id), Style::Success)
        });
    let sign_offs = (!deployment.checklist.sign_offs.is_empty())
        .then(|| button(&Press::SignOffs { deployment: id }, "Sign-offs", Style::Secondary))
        .flatten();
    let log = button(
        &Press::Log {
            deployment: id,
            page: 0,
        },
        "Log",
        Style::Secondary,
    );
    message.with_row([check, tick, sign_offs, log])
}

fn menus(deployment: &Deployment, mut message: Message) -> Message {
    if deployment.checklist.items.is_empty() {
        return message;
    }
    let mut options = vec![Choice {
        value: ALL_ITEMS.to_owned(),
        label: "All items".to_owned(),
        description: label(
            &words::count(deployment.checklist.items.len(), "item"),
            limit::OPTION_TEXT,
        ),
    }];
    options.extend(
        deployment
            .progress_by_section()
            .iter()
            .filter(|row| !is_title(deployment, row))
            .filter_map(|row| section_choice(deployment, row)),
    );
    let sections = options.len() - 1;
    let shown = options.len().min(MENUS * limit::OPTIONS) - 1;
    let mut first = 1;
    let mut left = options.into_iter();
    for menu in 0..MENUS {
        let chunk: Vec<_> = left.by_ref().take(limit::OPTIONS).collect();
        let of_sections = chunk.iter().filter(|option| option.value != ALL_ITEMS).count();
        let last = first + of_sections.saturating_sub(1);
        let placeholder = if sections < limit::OPTIONS {
            "Look at a section".to_owned()
        } else if last == shown && shown < sections {
            format!("Sections {first}–{last} of {sections}; the rest: “All items” in the first menu")
        } else {
            format!("Sections {first}–{last} of {sections}")
        };
        first = last + 1;
        message = message.with_menu(
            &Press::Sections {
                deployment: deployment.id,
                menu,
            },
            &placeholder,
            chunk,
        );
    }
    message
}

fn section_choice(deployment: &Deployment, row: &SectionProgress) -> Option<Choice> {
    let section = deployment.checklist.sections.get(row.section?)?;
    let progress = row.progress;
    let state = if progress.total == 0 {
        "optional".to_owned()
    } else if progress.is_done() {
        format!("{}/{} done", progress.closed, progress.total)
    } else if progress.blocked > 0 {
        format!(
            "{}/{} done, {} blocked",
            progress.closed, progress.total, progress.blocked
        )
    } else {
        format!("{}/{} done", progress.closed, progress.total)
    };
    let value = section.id.as_str().to_owned();
    fits(&value).then(|| Choice {
        label: label(&format!("{value} {}", section.title), limit::OPTION_TEXT),
        description: label(&state, limit::OPTION_TEXT),
        value,
    })
}
