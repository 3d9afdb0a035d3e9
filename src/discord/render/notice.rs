//! What the team must hear: rejections, void signatures, readiness, the decision and the end.

mod watch;

pub(crate) use watch::{watch_ping, watch_recovered, watch_turned};

use super::super::custom_id::Press;
use super::holding;
use super::message::{Colour, Embed, File, Message, Style, limit};
use super::parts::button;
use super::people::rank_name;
use super::words::{self, CheckTally, ItemTally};
use crate::domain::check::CheckStatus;
use crate::domain::deployment::{Deployment, ItemState};
use crate::domain::event::{Decision, Outcome};
use crate::domain::ids::{CheckId, RoleKey, UserId};
use crate::domain::sign_off::Holder;

/// Word of a rejection. Where no reason was given, whoever rejected is pinged and asked for it.
pub(crate) fn rejection(deployment: &Deployment, role: &RoleKey, by: UserId) -> Message {
    let name = words::role(deployment, role);
    let reason = deployment
        .sign_offs
        .get(role)
        .and_then(|sign_off| sign_off.rejection_of(by))
        .and_then(|rejection| rejection.reason.as_ref());
    let who = words::person(by);
    let headline = words::headline(deployment);
    match reason {
        Some(reason) => Message::text(words::content(&format!(
            "❌ {who} rejected as {name}: {}\n{headline} is held until they approve or take the ❌ away.",
            words::brief(reason, 700),
        ))),
        None => Message {
            content: words::content(&format!(
                "{who} you rejected as {name}. What has to change before you approve? Until then {headline} is held."
            )),
            pings: vec![Holder::Member(by)],
            ..Message::default()
        }
        .with_row([button(
            &Press::Explain { deployment: deployment.id, role: role.clone() },
            "Say why",
            Style::Primary,
        )]),
    }
}

/// Word to a signer that their signature no longer counts.
pub(crate) fn void(deployment: &Deployment, role: &RoleKey, by: UserId, check: &CheckId) -> Message {
    let changed = match deployment.checks.get(check) {
        Some(result) => {
            let now = match result.status {
                CheckStatus::Passed => "now passes".to_owned(),
                CheckStatus::Failed => format!("now fails: {}", words::reason(&result.why)),
                CheckStatus::Error => format!("can no longer be run: {}", words::reason(&result.why)),
                CheckStatus::Skipped => format!("was skipped: it {}", words::reason(&result.why)),
            };
            format!("check {} {now}", words::check(check))
        }
        None => format!("check {} has changed", words::check(check)),
    };
    Message {
        content: words::content(&format!(
            "{} your approval as {} for {} no longer counts, as something has changed since: {changed}.\n\
             You are asked again, on a new card, once everything it waits for holds.",
            words::person(by),
            words::role(deployment, role),
            words::headline(deployment),
        )),
        pings: vec![Holder::Member(by)],
        ..Message::default()
    }
}

/// Word to whoever started the deployment that nothing holds GO any more.
pub(crate) fn ready_for_go(deployment: &Deployment) -> Message {
    let ready = format!(
        "everything that GO waits for is done: {}.",
        words::headline(deployment)
    );
    let first = match deployment.started_by {
        Some(starter) => format!("{} {ready}", words::person(starter)),
        None => words::capital(&ready),
    };
    let signed = deployment.checklist.sign_offs.len();
    let signatures = if signed == 0 {
        String::new()
    } else {
        format!(" · {} approved", words::count(signed, "role"))
    };
    Message {
        content: words::content(&format!(
            "{first}\nItems: {}{signatures}\n`/deploy go` releases it, `/deploy no-go` holds it.",
            ItemTally::of(deployment).words(),
        )),
        pings: deployment.started_by.map(Holder::Member).into_iter().collect(),
        ..Message::default()
    }
}

/// Word of the decision.
pub(crate) fn decision(deployment: &Deployment) -> Message {
    let headline = words::headline(deployment);
    let Some(decided) = &deployment.decision else {
        return Message::text(words::content(&format!("{headline} has not been decided yet.")));
    };
    let by = words::who(decided.by);
    let text = match decided.decision {
        Decision::Go => {
            let next = holding::next_step(deployment);
            format!("🚀 **GO** for {headline}, decided by {by}.\n{next}")
        }
        Decision::NoGo => {
            let why = decided
                .reason
                .as_deref()
                .map_or_else(String::new, |why| format!(": {}", words::brief(why, 900)));
            format!(
                "⛔ **NO-GO** for {headline}, decided by {by}{why}\n\
                 Work on the list goes on; `/deploy go` releases it when this is mended, `/deploy finish` gives it up."
            )
        }
    };
    Message::text(words::content(&text))
}

/// The end, with figures and the report's files.
pub(crate) fn finished(deployment: &Deployment, report_files: Vec<File>) -> Message {
    let finished = deployment.finished.as_ref();
    let outcome = finished.map(|finished| finished.outcome);
    let (icon, word, colour) = match outcome {
        Some(Outcome::Complete) => ("🏁", "is complete", Colour::Green),
        Some(Outcome::Failed) => ("❌", "has failed", Colour::Red),
        None => ("🔵", "goes on", Colour::Blue),
    };
    let by = finished.map_or_else(String::new, |finished| {
        format!(", says {}", words::who(finished.by))
    });
    let content = words::content(&format!("{icon} {} {word}{by}.", words::headline(deployment)));
    let mut lines = Vec::new();
    if let Some(reason) = finished.and_then(|finished| finished.reason.as_ref()) {
        lines.push(format!("**Why** {}", words::brief(reason, 900)));
    }
    if let Some(finished) = finished {
        lines.push(format!(
            "**Time** {} from start to end",
            words::lasting(deployment.started_at, finished.at)
        ));
    }
    if let Some(decided) = &deployment.decision {
        let word = match decided.decision {
            Decision::Go => "GO",
            Decision::NoGo => "NO-GO",
        };
        lines.push(format!(
            "**Decision** {word} by {}, {} after the start",
            words::who(decided.by),
            words::lasting(deployment.started_at, decided.at)
        ));
    }
    lines.push(format!("**Items** {}", ItemTally::of(deployment).words()));
    if !deployment.checklist.checks.is_empty() {
        lines.push(format!(
            "**Checks** {}",
            CheckTally::of(deployment).words("not run")
        ));
    }
    lines.extend(signed(deployment));
    lines.extend(not_done(deployment));
    if !deployment.notes.is_empty() {
        lines.push(format!("**Notes** {}", deployment.notes.len()));
    }
    if !report_files.is_empty() {
        lines.push(String::new());
        lines.push("The checklist is attached, filled in, with the report at its end.".to_owned());
    }
    Message {
        content,
        embed: Some(Embed {
            title: words::frame_title("Report · ", deployment),
            description: words::fitted(&lines, limit::DESCRIPTION, |_| {
                "… and more in the report".to_owned()
            }),
            colour,
            fields: Vec::new(),
            footer: words::footer(deployment),
        }),
        files: report_files,
        ..Message::default()
    }
}

fn signed(deployment: &Deployment) -> Option<String> {
    const SHOWN: usize = 8;
    if deployment.checklist.sign_offs.is_empty() {
        return None;
    }
    let names: Vec<_> = deployment
        .sign_offs
        .iter()
        .flat_map(|(role, sign_off)| {
            sign_off.signatures.iter().map(move |signature| {
                format!(
                    "{} {} ({})",
                    words::role(deployment, role),
                    words::person(signature.by),
                    rank_name(signature.rank)
                )
            })
        })
        .collect();
    Some(if names.is_empty() {
        "**Signed** by nobody".to_owned()
    } else {
        format!("**Signed** {}", words::some_of(&names, SHOWN))
    })
}

/// What was not done: skipped and blocked items.
fn not_done(deployment: &Deployment) -> Vec<String> {
    const SHOWN: usize = 6;
    let skipped = words::skipped(deployment)
        .into_iter()
        .map(|root| root.line(deployment));
    let blocked =
        (0..deployment.checklist.items.len()).filter_map(|index| match deployment.item_state(index) {
            ItemState::Blocked { by, reason, .. } => Some(format!(
                "⛔ {} — {} ({})",
                words::item(deployment, index, 60),
                words::brief(reason, 120),
                words::who(*by)
            )),
            ItemState::Open | ItemState::Ticked { .. } | ItemState::Skipped { .. } => None,
        });
    let mut lines: Vec<_> = skipped.chain(blocked).collect();
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    if more > 0 {
        lines.push(format!("… and {more} more in the report"));
    }
    lines
}
