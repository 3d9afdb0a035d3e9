//! Events in words, for the log and for answers.

use super::escape::code;
use super::people::rank_name;
use super::words;
use crate::domain::check::{Attestation, CheckStatus};
use crate::domain::deployment::Deployment;
use crate::domain::event::{Decision, Event, How, Outcome, Recorded};

/// An event in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// A sign for it.
    pub(crate) icon: &'static str,
    /// Whose deed it is.
    pub(crate) subject: Subject,
    /// What happened: after the subject where it is somebody's, else a sentence of its own. Without a stop.
    pub(crate) deed: String,
}

/// Whose deed an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Of whoever brought it about.
    Actor,
    /// Nobody's: it followed.
    Itself,
}

/// An event in words; texts of people have at most this many of their characters.
pub(crate) fn told(deployment: &Deployment, event: &Event, limit: usize) -> Told {
    let item = |id| words::item_of(deployment, id, limit);
    let role = |key| words::role(deployment, key);
    let text = |text: &str| words::brief(text, limit);
    let after = |reason: &Option<String>| {
        reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {}", text(reason)))
    };
    let mine = |icon, deed| Told {
        icon,
        subject: Subject::Actor,
        deed,
    };
    let itself = |icon, deed| Told {
        icon,
        subject: Subject::Itself,
        deed,
    };
    match event {
        Event::Started {
            version, environment, ..
        } => mine("▶️", format!("started {} → {}", text(version), text(environment))),
        Event::Ticked { item: id, how } => match how {
            How::ByHand => mine("✅", format!("ticked {}", item(id))),
            How::ByWhatItFollows => itself("✅", format!("{} ticked itself", item(id))),
            How::InTheDocument => itself("✅", format!("{} was ticked in the document", item(id))),
        },
        Event::Unticked { item: id, how } => match how {
            How::ByHand | How::InTheDocument => mine("↩️", format!("opened {} again", item(id))),
            How::ByWhatItFollows => itself("↩️", format!("{} is open again, with what it follows", item(id))),
        },
        Event::Skipped { item: id, reason } => mine("⏭", format!("skipped {}: {}", item(id), text(reason))),
        Event::Blocked { item: id, reason } => mine("⛔", format!("blocked {}: {}", item(id), text(reason))),
        Event::Unblocked { item: id, reason } => {
            mine("▶️", format!("unblocked {}{}", item(id), after(reason)))
        }
        Event::Filled { blank, value } => mine(
            "✏️",
            format!("filled {} in: {}", code(blank.as_str()), text(value)),
        ),
        Event::Assigned { item: id, to } => match to {
            Some(person) => mine("👤", format!("gave {} to {}", item(id), words::person(*person))),
            None => mine("👤", format!("took {} from whoever had it", item(id))),
        },
        Event::Noted { item: id, text: note } => match id {
            Some(id) => mine("📝", format!("noted on {}: {}", words::id(id), text(note))),
            None => mine("📝", format!("noted: {}", text(note))),
        },
        Event::CheckRecorded { result } => {
            let check = words::check(&result.check);
            if deployment.checklist.is_attested(&result.check) {
                return match Attestation::of(result) {
                    Some(Attestation {
                        evidence: Some(evidence),
                        ..
                    }) => mine("🖋️", format!("attested {check}: {}", text(&evidence))),
                    Some(_) => mine("🖋️", format!("attested {check}")),
                    None => mine("↩️", format!("took back what was attested of {check}")),
                };
            }
            match result.status {
                CheckStatus::Passed => itself("✅", format!("check {check} passed")),
                CheckStatus::Failed => itself("❌", format!("check {check} failed: {}", text(&result.why))),
                CheckStatus::Error => itself(
                    "⚠️",
                    format!("check {check} could not be run: {}", text(&result.why)),
                ),
                CheckStatus::Skipped => itself(
                    "⏭️",
                    format!("check {check} was skipped: it {}", text(&result.why)),
                ),
            }
        }
        Event::CheckObserved { result, number, .. } => {
            let check = words::check(&result.check);
            let square = words::square(result.status);
            if result.has_passed() {
                itself(square, format!("observation {number} of check {check} passed"))
            } else {
                itself(
                    square,
                    format!(
                        "observation {number} of check {check} did not pass: {}",
                        text(&result.why)
                    ),
                )
            }
        }
        Event::WatchTurned { check } => itself(
            "🚨",
            format!("check {} no longer passes, after GO", words::check(check)),
        ),
        Event::WatchRecovered { check } => {
            itself("✅", format!("check {} passes again", words::check(check)))
        }
        Event::SignOffRequested { role: key } => itself("✍️", format!("{} was asked to sign", role(key))),
        Event::SignOffRecalled { role: key } => {
            itself("↩️", format!("{} is not asked to sign for now", role(key)))
        }
        Event::SignOffResumed { role: key } => itself(
            "✍️",
            format!("{} is asked to sign once more, on the same card", role(key)),
        ),
        Event::AskedAgain { role: key } => mine("🔔", format!("asked {} again to sign", role(key))),
        Event::Pinged { role: key, ping, .. } => itself(
            "🔔",
            format!("ping {ping} went out, as {} has not signed", role(key)),
        ),
        Event::Acknowledged { role: key, until } => mine(
            "👀",
            format!(
                "saw the request to {}; pings wait until {}",
                role(key),
                words::clock(*until)
            ),
        ),
        Event::Approved { role: key, signature } => mine(
            "✅",
            format!("approved as {} ({})", role(key), rank_name(signature.rank)),
        ),
        Event::Rejected { role: key, reason } => {
            mine("❌", format!("rejected as {}{}", role(key), after(reason)))
        }
        Event::RejectionExplained { role: key, reason } => {
            mine("❌", format!("said why {} rejected: {}", role(key), text(reason)))
        }
        Event::Withdrawn { role: key } => mine("↩️", format!("took the answer as {} back", role(key))),
        Event::Voided { role: key, by, check } => itself(
            "⚠️",
            format!(
                "the approval of {} as {} no longer counts: check {} has changed",
                words::person(*by),
                role(key),
                words::check(check)
            ),
        ),
        Event::Decided { decision, reason } => match decision {
            Decision::Go => mine("🚀", format!("decided **GO**{}", after(reason))),
            Decision::NoGo => mine("⛔", format!("decided **NO-GO**{}", after(reason))),
        },
        Event::Finished { outcome, reason } => match outcome {
            Outcome::Complete => mine("🏁", format!("ended it: **complete**{}", after(reason))),
            Outcome::Failed => mine("❌", format!("ended it: **failed**{}", after(reason))),
        },
    }
}

/// An event as a line of the log: when, who, what.
pub(crate) fn log_line(deployment: &Deployment, recorded: &Recorded, limit: usize) -> String {
    let Told { icon, subject, deed } = told(deployment, &recorded.event, limit);
    let time = words::clock(recorded.at);
    match subject {
        Subject::Actor => format!("{time} {icon} {} {deed}", words::who(recorded.actor)),
        Subject::Itself => format!("{time} {icon} {deed}"),
    }
}
