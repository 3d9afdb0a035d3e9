//! Short answers that are about asking itself, or hand something over.

use super::super::escape::{code, label};
use super::super::message::{File, Message};
use super::super::words;
use super::lists::Finding;
use crate::domain::checklist::Checklist;
use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, RoleKey};

/// Asked in a direct message.
pub(crate) fn only_in_servers() -> Message {
    Message::text("Holdpoint works in a server's channels. Use this command there.")
}

/// Started where no thread can open.
pub(crate) fn no_home_here() -> Message {
    Message::text(
        "A deployment opens a thread, and none can open here. Use `/deploy start` in a text channel that Holdpoint can see.",
    )
}

/// A command that is not known any more, or not yet.
pub(crate) fn unknown_command() -> Message {
    Message::text(
        "This command is not known to the Holdpoint that runs here. Reload Discord; it learns the commands when it starts.",
    )
}

/// What was typed is neither a section nor an item.
pub(crate) fn unknown_section(typed: &str) -> Message {
    Message::text(words::content(&format!(
        "There is no section or item {}. Pick one from the list that opens as you type.",
        code(&label(typed, 80))
    )))
}

/// No check is bound to what was asked for.
pub(crate) fn nothing_to_check(deployment: &Deployment) -> Message {
    let why = if deployment.checklist.checks.is_empty() {
        "This checklist has no checks: its items are ticked by hand. `checks` in its front matter adds some."
    } else {
        "No check is meant by this: all of them have passed, or none is bound there. `/deploy check` alone runs them all."
    };
    Message::text(why)
}

/// What is wrong with a checklist, as far as it fits; the command line shows all.
pub(crate) fn findings(checklist: &Checklist, findings: &[Finding]) -> Message {
    const SHOWN: usize = 12;
    let name = code(checklist.name.as_str());
    if findings.is_empty() {
        return Message::text(words::content(&format!("{name} is in order: nothing to report.")));
    }
    let mut lines = vec![format!("{name}: {}", words::count(findings.len(), "finding"))];
    lines.extend(findings.iter().take(SHOWN).map(|found| {
        format!(
            "{}:{} {}: {}",
            found.line,
            found.column,
            found.severity,
            words::brief(&found.message, 110)
        )
    }));
    if findings.len() > SHOWN {
        lines.push(format!(
            "… and {} more: `holdpoint checklist lint` shows all.",
            findings.len() - SHOWN
        ));
    }
    Message::text(words::content(&lines.join("\n")))
}

/// A checklist's file.
pub(crate) fn exported(checklist: &Checklist, bytes: Vec<u8>) -> Message {
    let stem = label(checklist.name.as_str(), 80).replace(['/', '\\', ' '], "-");
    Message {
        content: words::content(&format!(
            "{} as it is in the catalog now.",
            code(checklist.name.as_str())
        )),
        files: vec![File {
            name: format!("{stem}.md"),
            bytes,
        }],
        ..Message::default()
    }
}

/// The document as it stands.
pub(crate) fn report_so_far(deployment: &Deployment, files: Vec<File>) -> Message {
    let progress = deployment.progress();
    Message {
        content: words::content(&format!(
            "Deployment {} as it stands: {} of {} items closed.",
            deployment.id, progress.closed, progress.total
        )),
        files,
        ..Message::default()
    }
}

/// Somebody reacted to a card that no longer asks.
pub(crate) fn old_card(deployment: &Deployment, role: &RoleKey) -> Message {
    let instead = if deployment.asked_roles().any(|asked| asked == role) {
        "A newer card below asks again; answer that one."
    } else {
        "`/deploy signoff` shows how the sign-offs stand."
    };
    Message::text(words::content(&format!(
        "This card is no longer the one that asks {} to sign, so this does not count. {instead}",
        words::role(deployment, role)
    )))
}

/// A refusal of a reaction that will count when it is made later.
pub(crate) fn react_anew(refused: Message) -> Message {
    let content = format!(
        "{} Take your reaction away and give it again then.",
        refused.content
    );
    Message {
        content: words::content(&content),
        ..refused
    }
}

/// Deployments that wait for a role that somebody has just been given.
pub(crate) fn waiting_for_role(waiting: &[DeploymentId]) -> String {
    if waiting.is_empty() {
        return String::new();
    }
    let names: Vec<String> = waiting.iter().map(ToString::to_string).collect();
    format!(
        "\nWaiting for this role: {}. `/deploy signoff` in the thread asks the new holder.",
        words::some_of(&names, 5)
    )
}
