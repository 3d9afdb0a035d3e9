//! What is said of checklists that people bring from chat.

use super::super::escape::{code, label};
use super::super::message::{Message, limit};
use super::super::words;
use super::lists::Finding;
use crate::domain::checklist::Checklist;
use crate::domain::ids::ChecklistHash;

/// What a checklist may do that came from chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Approved {
    /// What the operator's own may.
    Yes,
    /// What anybody's may.
    NotYet,
}

/// What its name stood for before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaced {
    /// Another checklist from chat.
    Another,
    /// Nothing.
    Nothing,
}

/// A checklist was imported.
pub(crate) fn imported(
    checklist: &Checklist,
    replaced: Replaced,
    approved: Approved,
    findings: &[Finding],
) -> Message {
    let name = code(checklist.name.as_str());
    let mut lines = vec![format!(
        "📥 {name} is imported: {} · {}, {}, {}.",
        words::brief(&checklist.title, 80),
        words::count(checklist.items.len(), "item"),
        words::count(checklist.checks.len(), "check"),
        words::count(checklist.sign_offs.len(), "sign-off"),
    )];
    if replaced == Replaced::Another {
        lines.push(
            "It takes the place of the one that had this name; deployments that run keep to theirs."
                .to_owned(),
        );
    }
    lines.extend(limits(checklist, approved));
    if !findings.is_empty() {
        lines.push(format!(
            "{} found: `/checklist lint` shows what.",
            words::capital(&words::count(findings.len(), "remark"))
        ));
    }
    lines.push(format!(
        "Next: `/deploy start checklist:{}`",
        checklist.name.as_str()
    ));
    Message::text(words::content(&lines.join("\n")))
}

/// A checklist that was imported and is there already.
pub(crate) fn imported_before(checklist: &Checklist) -> Message {
    Message::text(words::content(&format!(
        "{} is this very file already; nothing had to change.",
        code(checklist.name.as_str())
    )))
}

/// A file with errors was not imported.
pub(crate) fn not_imported(file: &str, findings: &[Finding]) -> Message {
    let errors: Vec<_> = findings
        .iter()
        .filter(|finding| finding.severity == "error")
        .map(|finding| {
            format!(
                "{} {}",
                code(&format!("{}:{}", finding.line, finding.column)),
                words::brief(&finding.message, 300)
            )
        })
        .collect();
    let head = format!(
        "❌ {} was not imported: it has {}. Mend that and import it again.",
        code(&label(file, 80)),
        words::count(errors.len(), "error")
    );
    let room = limit::CONTENT - words::length(&head) - 1;
    let found = words::fitted(&errors, room, |more| {
        format!("… and {more} more; `holdpoint checklist lint` lists all of them")
    });
    Message::text(words::content(&format!("{head}\n{found}")))
}

/// A checklist that was imported was taken away.
pub(crate) fn removed(checklist: &Checklist) -> Message {
    Message::text(words::content(&format!(
        "🗑️ {} can be started no more; deployments that run keep to it. Importing its file brings it back.",
        code(checklist.name.as_str())
    )))
}

/// What the checks of an imported checklist may not do, and what to do about it; nothing where that does not matter.
pub(super) fn limits(checklist: &Checklist, approved: Approved) -> Option<String> {
    (approved == Approved::NotYet && !checklist.checks.is_empty()).then(|| limits_of(&checklist.hash))
}

fn limits_of(hash: &ChecklistHash) -> String {
    format!(
        "Its checks reach public addresses only and put no load on them, run no commands, and see no files and no variables \
         where the bot runs, until the operator adds {} to `checklists.approved`.",
        code(hash.as_str())
    )
}
