//! The report as Markdown, to stand at the end of the document.

use super::Names;
use super::escape::{code, inline, minute};
use super::filling::{rank_name, who};
use super::summary::{CheckEvidence, Closing, RoleEvidence, Summary};
use crate::domain::check::CheckStatus;
use crate::domain::event::{Actor, Decision, Outcome};
use crate::domain::ids::ItemId;

/// How many characters of an item's words stand in the report; the document has all of them.
const ITEM_TEXT: usize = 160;
/// How many characters of one observation stand in the report.
const OBSERVATION: usize = 200;

/// The report as Markdown, from a heading of the second level on. It has no task items, so that the document with it is
/// still the same checklist.
pub fn markdown_summary(summary: &Summary, names: Names<'_>) -> String {
    let writing = Writing { summary, names };
    let parts = [
        Some(writing.head()),
        writing.sign_offs(),
        writing.closings("Skipped items", &summary.skipped),
        writing.closings("Blocked items", &summary.blocked),
        writing.open(),
        writing.checks(),
        writing.notes(),
    ];
    let mut text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    text.push('\n');
    text
}

struct Writing<'a> {
    summary: &'a Summary,
    names: Names<'a>,
}

impl Writing<'_> {
    fn who(&self, actor: Actor) -> String {
        inline(&who(actor, self.names), 80)
    }

    fn head(&self) -> String {
        let summary = self.summary;
        let by = summary.started_by.map_or_else(
            || "Holdpoint".to_owned(),
            |person| self.who(Actor::Person(person)),
        );
        let mut lines = vec![
            format!("## Report of deployment {}", summary.deployment),
            String::new(),
            format!(
                "- Released: {} → {}",
                inline(&summary.version, 60),
                inline(&summary.environment, 40)
            ),
            format!("- Started by {by} on {}", minute(summary.started_at)),
        ];
        lines.push(match &summary.decision {
            Some(decided) => {
                let word = match decided.decision {
                    Decision::Go => "GO",
                    Decision::NoGo => "NO-GO",
                };
                let why = decided
                    .reason
                    .as_ref()
                    .map_or_else(String::new, |why| format!(": {}", inline(why, 1000)));
                format!(
                    "- Decision: **{word}** by {} on {}{why}",
                    self.who(decided.by),
                    minute(decided.at)
                )
            }
            None => "- Decision: none".to_owned(),
        });
        lines.push(match &summary.end {
            Some(end) => {
                let word = match end.outcome {
                    Outcome::Complete => "complete",
                    Outcome::Failed => "failed",
                };
                let why = end
                    .reason
                    .as_ref()
                    .map_or_else(String::new, |why| format!(": {}", inline(why, 1000)));
                format!(
                    "- Ended: **{word}** by {} on {}, {} after the start{why}",
                    self.who(end.by),
                    minute(end.at),
                    lasting(end.after_seconds)
                )
            }
            None => "- Ended: not yet".to_owned(),
        });
        let items = summary.items;
        let mut counts = format!("- Items: {} of {} ticked", items.ticked, items.total);
        for (number, word) in [
            (items.skipped, "skipped"),
            (items.blocked, "blocked"),
            (items.open, "open"),
            (items.optional_open, "optional and open"),
        ] {
            if number > 0 {
                counts = format!("{counts}, {number} {word}");
            }
        }
        lines.push(counts);
        lines.push(format!(
            "- Checklist: {}, SHA-256 {}",
            code(summary.checklist.as_str()),
            code(summary.checklist_hash.as_str())
        ));
        lines.join("\n")
    }

    fn sign_offs(&self) -> Option<String> {
        let lines: Vec<_> = self
            .summary
            .sign_offs
            .iter()
            .flat_map(|role| self.role(role))
            .collect();
        section("Sign-offs", &lines)
    }

    fn role(&self, role: &RoleEvidence) -> Vec<String> {
        let title = inline(&role.title, 80);
        let verdict = if role.approved {
            "approved".to_owned()
        } else if !role.rejections.is_empty() {
            "rejected".to_owned()
        } else {
            format!("not given ({} of {})", role.signatures.len(), role.quorum)
        };
        let mut lines = vec![format!("- {title}: **{verdict}**")];
        lines.extend(role.signatures.iter().map(|signed| {
            format!(
                "  - approved by {} ({}) on {}",
                self.who(Actor::Person(signed.by)),
                rank_name(signed.rank),
                minute(signed.at)
            )
        }));
        lines.extend(role.rejections.iter().map(|turned| {
            let why = turned
                .reason
                .as_ref()
                .map_or_else(|| "no reason given".to_owned(), |why| inline(why, 1000));
            format!(
                "  - rejected by {} on {}: {why}",
                self.who(Actor::Person(turned.by)),
                minute(turned.at)
            )
        }));
        lines
    }

    fn closings(&self, heading: &str, closings: &[Closing]) -> Option<String> {
        let lines: Vec<_> = closings
            .iter()
            .map(|closing| {
                format!(
                    "- {} — by {} on {}: {}",
                    item(&closing.item, &closing.text),
                    self.who(closing.by),
                    minute(closing.at),
                    inline(&closing.reason, 1000)
                )
            })
            .collect();
        section(heading, &lines)
    }

    fn open(&self) -> Option<String> {
        let lines: Vec<_> = self
            .summary
            .open
            .iter()
            .map(|open| {
                let whose = open.assignee.map_or_else(String::new, |person| {
                    format!(" — with {}", self.who(Actor::Person(person)))
                });
                format!("- {}{whose}", item(&open.item, &open.text))
            })
            .collect();
        section("Open items", &lines)
    }

    fn checks(&self) -> Option<String> {
        let lines: Vec<_> = self.summary.checks.iter().flat_map(check).collect();
        section("Checks", &lines)
    }

    fn notes(&self) -> Option<String> {
        let lines: Vec<_> = self
            .summary
            .notes
            .iter()
            .map(|note| {
                let on = note
                    .item
                    .as_ref()
                    .map_or_else(String::new, |item| format!(" on {}", code(item.as_str())));
                format!(
                    "- {}{on}, {}: {}",
                    self.who(note.by),
                    minute(note.at),
                    inline(&note.text, 1000)
                )
            })
            .collect();
        section("Notes", &lines)
    }
}

fn check(evidence: &CheckEvidence) -> Vec<String> {
    let verdict = match evidence.status {
        Some(CheckStatus::Passed) => "passed",
        Some(CheckStatus::Failed) => "failed",
        Some(CheckStatus::Error) => "could not be run",
        Some(CheckStatus::Skipped) => "skipped",
        None if evidence.undecided.is_some() => "not decided",
        None => "never run",
    };
    let items: Vec<_> = evidence.items.iter().map(|item| code(item.as_str())).collect();
    let items = if items.is_empty() {
        String::new()
    } else {
        format!(" for {}", items.join(", "))
    };
    let when = match (evidence.at, evidence.duration_ms) {
        (Some(at), Some(duration)) => format!(" ({}, {duration} ms)", minute(at)),
        _ => String::new(),
    };
    let why = evidence
        .why
        .as_ref()
        .filter(|why| !why.is_empty())
        .map_or_else(String::new, |why| format!(": {}", inline(why, 500)));
    let undecided = evidence.undecided.map_or_else(String::new, |undecided| {
        format!(
            "{} {} of {} observations passed in a row",
            if evidence.status.is_some() {
                "; asked again,"
            } else {
                ","
            },
            undecided.passed,
            undecided.needed
        )
    });
    let mut lines = vec![format!(
        "- {}{items}: **{verdict}**{when}{why}{undecided}",
        code(evidence.check.as_str())
    )];
    lines.extend(evidence.observed.iter().map(|(name, value)| {
        let value = match value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        format!("  - {}: {}", code(name), inline(&value, OBSERVATION))
    }));
    lines
}

fn item(id: &ItemId, text: &str) -> String {
    format!("{} {}", code(id.as_str()), inline(text, ITEM_TEXT))
}

fn section(heading: &str, lines: &[String]) -> Option<String> {
    (!lines.is_empty()).then(|| format!("### {heading}\n\n{}", lines.join("\n")))
}

fn lasting(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
