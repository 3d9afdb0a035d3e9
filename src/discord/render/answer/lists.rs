//! Lists of deployments, of checklists, of what is wrong with one, and of who holds which role.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::escape::{code, label, shortened};
use super::super::message::{Colour, Embed, Message, limit, mention};
use super::super::people::rank_name;
use super::super::words;
use super::imports::{self, Approved};
use crate::domain::checklist::Checklist;
use crate::domain::deployment::Phase;
use crate::domain::event::Outcome;
use crate::domain::ids::{ChannelId, DeploymentId, RoleKey, UserId};
use crate::domain::sign_off::{Holder, Owners, Rank};

/// A deployment in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeploymentRow {
    pub(crate) id: DeploymentId,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) environment: String,
    pub(crate) phase: Phase,
    /// Items closed.
    pub(crate) closed: usize,
    /// Items in all, without those that are optional and open.
    pub(crate) total: usize,
    /// Where it runs, when its thread is there.
    pub(crate) thread: Option<ChannelId>,
}

/// A checklist in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChecklistRow {
    pub(crate) name: String,
    pub(crate) title: String,
    /// How many items it has.
    pub(crate) items: usize,
    /// How many checks it has.
    pub(crate) checks: usize,
    /// How many roles it asks to sign.
    pub(crate) sign_offs: usize,
    /// Why it cannot be started.
    pub(crate) error: Option<String>,
    /// Whether people brought it, and not the operator.
    pub(crate) imported: bool,
}

/// One thing found in a checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// 1-based line of the source.
    pub(crate) line: usize,
    /// 1-based column of the source.
    pub(crate) column: usize,
    /// `error`, `warning` or `note`.
    pub(crate) severity: &'static str,
    /// What is so, as a sentence.
    pub(crate) message: String,
}

/// The deployments of a Discord server, in the order given.
pub(crate) fn deployments(rows: &[DeploymentRow]) -> Message {
    if rows.is_empty() {
        return Message::text("No deployment here yet. `/deploy start` begins one.");
    }
    let lines: Vec<_> = rows
        .iter()
        .map(|row| {
            let (icon, phase) = match row.phase {
                Phase::Preparing => ("🔵", "preparing"),
                Phase::Held => ("⛔", "NO-GO"),
                Phase::Releasing => ("🚀", "GO"),
                Phase::Finished(Outcome::Complete) => ("✅", "complete"),
                Phase::Finished(Outcome::Failed) => ("❌", "failed"),
            };
            let thread = row
                .thread
                .map_or_else(String::new, |thread| format!(" <#{thread}>"));
            format!(
                "{icon} **{}** {} · {} → {} · {phase} · {}/{}{thread}",
                row.id,
                words::brief(&row.title, 60),
                words::brief(&row.version, 60),
                words::brief(&row.environment, 40),
                row.closed,
                row.total
            )
        })
        .collect();
    framed(
        words::count(rows.len(), "deployment"),
        &lines,
        Colour::Blue,
        |more| format!("… and {more} more; `/deploy status` shows any of them by its number"),
    )
}

/// Where a checklist came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// The operator put it there.
    Operator,
    /// Somebody brought it.
    Imported {
        by: UserId,
        at: Timestamp,
        approved: Approved,
    },
}

/// The checklists that can be started, and those that cannot, with why.
pub(crate) fn checklists(rows: &[ChecklistRow]) -> Message {
    if rows.is_empty() {
        return Message::text(
            "There is no checklist yet. Bring one with `/checklist import`, or have whoever runs Holdpoint put Markdown files into its checklists folder.",
        );
    }
    let lines: Vec<_> = rows
        .iter()
        .map(|row| match &row.error {
            Some(error) => format!(
                "⚠️ {} cannot be started: {}",
                code(&row.name),
                words::brief(error, 200)
            ),
            None => format!(
                "{} {} · {}, {}, {}{}",
                code(&row.name),
                words::brief(&row.title, 80),
                words::count(row.items, "item"),
                words::count(row.checks, "check"),
                words::count(row.sign_offs, "sign-off"),
                if row.imported { " · imported" } else { "" }
            ),
        })
        .collect();
    let wrong = rows.iter().any(|row| row.error.is_some());
    let colour = if wrong { Colour::Yellow } else { Colour::Blue };
    framed(words::count(rows.len(), "checklist"), &lines, colour, |more| {
        format!("… and {more} more; `/checklist show` offers all of them as you type")
    })
}

/// A checklist and what was found in it.
pub(crate) fn checklist(checklist: &Checklist, provenance: Provenance, findings: &[Finding]) -> Message {
    const SECTIONS: usize = 25;
    const ROLES: usize = 12;
    let mut lines = vec![format!(
        "{} · {}, {}, {}, {}",
        code(checklist.name.as_str()),
        words::count(checklist.items.len(), "item"),
        words::count(checklist.checks.len(), "check"),
        words::count(checklist.sign_offs.len(), "sign-off"),
        words::count(checklist.blanks.len(), "blank"),
    )];
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == "error")
        .count();
    lines.push(match (errors, findings.len()) {
        (0, 0) => "✅ Nothing is wrong with it.".to_owned(),
        (0, found) => format!("✅ It can be started. {} found:", words::count(found, "remark")),
        (errors, _) => format!("❌ It cannot be started: {}.", words::count(errors, "error")),
    });
    if let Provenance::Imported { by, at, approved } = provenance {
        let brought = format!("📥 Imported by {} {}.", words::person(by), words::ago(at));
        lines.push(match imports::limits(checklist, approved) {
            Some(limits) => format!("{brought} {limits}"),
            None => brought,
        });
    }
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by_key(|finding| (finding.severity != "error", finding.line, finding.column));
    lines.extend(sorted.iter().map(|finding| {
        format!(
            "{} {} {}",
            code(&format!("{}:{}", finding.line, finding.column)),
            finding.severity,
            words::brief(&finding.message, 300)
        )
    }));
    let found = words::fitted(&lines, limit::DESCRIPTION / 2, |more| {
        format!("… and {more} more; `holdpoint checklist lint` lists all of them")
    });
    let mut outline = Vec::new();
    let sections: Vec<_> = checklist
        .sections
        .iter()
        .filter(|section| !section.id.as_str().is_empty() && !section.id.as_str().contains('.'))
        .map(|section| {
            let within = checklist
                .items
                .iter()
                .filter(|item| {
                    item.section
                        .and_then(|own| checklist.sections.get(own))
                        .is_some_and(|own| is_in(own.id.as_str(), section.id.as_str()))
                })
                .count();
            let asleep = if section.optional { " (optional)" } else { "" };
            format!(
                "{} {} · {within}{asleep}",
                code(section.id.as_str()),
                words::brief(&section.title, 60)
            )
        })
        .collect();
    outline.extend(sections.iter().take(SECTIONS).cloned());
    if sections.len() > SECTIONS {
        outline.push(format!(
            "… and {}",
            words::count(sections.len() - SECTIONS, "more section")
        ));
    }
    let roles: Vec<_> = checklist
        .sign_offs
        .values()
        .map(|rule| {
            let quorum = if rule.quorum > 1 {
                format!(" × {}", rule.quorum)
            } else {
                String::new()
            };
            format!("{}{quorum}", words::brief(&rule.title, 60))
        })
        .collect();
    if !roles.is_empty() {
        outline.push(format!("✍️ Signed by {}", words::some_of(&roles, ROLES)));
    }
    let room = limit::DESCRIPTION - words::length(&found) - 2;
    let outline = words::fitted(&outline, room, |more| {
        format!("… and {}", words::count(more, "more line"))
    });
    Message {
        embed: Some(Embed {
            title: shortened(&words::brief(&checklist.title, 120), limit::TITLE),
            description: if outline.is_empty() {
                found
            } else {
                format!("{found}\n\n{outline}")
            },
            colour: if errors > 0 { Colour::Red } else { Colour::Blue },
            fields: Vec::new(),
            footer: format!("Content {}", label(checklist.hash.as_str(), 64)),
        }),
        ..Message::default()
    }
}

/// Who holds which role. `asked` are the roles that the catalog's checklists ask to sign, with their titles, so that one
/// that nobody holds is seen before a release waits for it.
pub(crate) fn owners(owners: &Owners, asked: &BTreeMap<RoleKey, String>) -> Message {
    let mut roles: Vec<&RoleKey> = owners.0.keys().chain(asked.keys()).collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() {
        return Message::text(
            "Nobody holds a role here, and no checklist asks for one. `/owner set` gives a role to somebody.",
        );
    }
    let lines: Vec<_> = roles
        .iter()
        .map(|role| {
            let name = asked
                .get(*role)
                .map_or_else(String::new, |title| format!(" {}", words::brief(title, 60)));
            let ranks: Vec<_> = [Rank::Owner, Rank::Deputy, Rank::Lead]
                .into_iter()
                .filter_map(|rank| {
                    let holders: Vec<_> = owners.holders(role, rank).into_iter().map(mention).collect();
                    (!holders.is_empty())
                        .then(|| format!("{} {}", rank_name(rank), words::some_of(&holders, 10)))
                })
                .collect();
            if ranks.is_empty() {
                format!("⚠️ {}{name}: nobody", code(role.as_str()))
            } else {
                format!("{}{name}: {}", code(role.as_str()), ranks.join(" · "))
            }
        })
        .collect();
    let vacant = lines.iter().filter(|line| line.starts_with('⚠')).count();
    let colour = if vacant > 0 { Colour::Yellow } else { Colour::Blue };
    let title = if vacant > 0 {
        format!("{}, {vacant} held by nobody", words::count(roles.len(), "role"))
    } else {
        words::count(roles.len(), "role")
    };
    framed(title, &lines, colour, |more| {
        format!("… and {}", words::count(more, "more role"))
    })
}

/// Somebody holds a role now.
pub(crate) fn owner_set(role: &RoleKey, rank: Rank, holder: Holder) -> Message {
    let when = match rank {
        Rank::Owner => "asked first",
        Rank::Deputy => "asked when no owner answers",
        Rank::Lead => "asked when nobody else answers",
    };
    Message::text(words::content(&format!(
        "{} is {} of {} now: {when}. `/owner list` shows all.",
        mention(holder),
        rank_name(rank),
        code(role.as_str())
    )))
}

/// A role was taken from this many of its holders.
pub(crate) fn owner_cleared(
    role: &RoleKey,
    rank: Option<Rank>,
    holder: Option<Holder>,
    removed: u64,
) -> Message {
    let name = code(role.as_str());
    let left = "`/owner list` shows who is left.";
    let hold = |verb: &str| match rank {
        Some(rank) => format!("{verb} {name} as {}", rank_name(rank)),
        None => format!("{verb} {name}"),
    };
    Message::text(words::content(&match (removed, holder) {
        (0, Some(holder)) => format!(
            "{} does not {}; nothing was changed.",
            mention(holder),
            hold("hold")
        ),
        (0, None) => format!("Nobody {}; nothing was changed.", hold("holds")),
        (_, Some(holder)) => format!("{} no longer {}. {left}", mention(holder), hold("holds")),
        (1, None) => format!("One member or Discord role no longer {}. {left}", hold("holds")),
        (removed, None) => format!(
            "{removed} members or Discord roles no longer {}. {left}",
            hold("hold")
        ),
    }))
}

fn framed(title: String, lines: &[String], colour: Colour, more: impl Fn(usize) -> String) -> Message {
    Message {
        embed: Some(Embed {
            title,
            description: words::fitted(lines, limit::DESCRIPTION, more),
            colour,
            ..Embed::default()
        }),
        ..Message::default()
    }
}

/// Whether an id's section is another's or stands inside it.
fn is_in(section: &str, outer: &str) -> bool {
    section
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
