//! All roles at a glance.

use jiff::Timestamp;

use super::super::holding;
use super::super::message::{Colour, Embed, Message, limit};
use super::super::people::{Asked, nobody};
use super::super::words;
use crate::domain::deployment::{Deployment, Phase};
use crate::domain::ids::RoleKey;
use crate::domain::sign_off::Owners;

/// All roles that the checklist asks, and how far each is.
pub(crate) fn sign_offs(deployment: &Deployment, owners: &Owners, now: Timestamp) -> Message {
    if deployment.checklist.sign_offs.is_empty() {
        return Message::text(
            "This checklist asks nobody to sign. `sign-offs` in its front matter names the roles that should.",
        );
    }
    let roles: Vec<_> = deployment.checklist.sign_offs.keys().collect();
    let approved = roles.iter().filter(|role| deployment.is_approved(role)).count();
    let lines: Vec<_> = roles
        .iter()
        .map(|role| overview_line(deployment, role, owners, now))
        .collect();
    let colour = if approved == roles.len() {
        Colour::Green
    } else {
        Colour::Yellow
    };
    Message {
        embed: Some(Embed {
            title: words::frame_title("Sign-offs · ", deployment),
            description: words::fitted(&lines, limit::DESCRIPTION, |more| {
                format!(
                    "… and {}; the board names those that hold",
                    words::count(more, "more role")
                )
            }),
            colour,
            fields: Vec::new(),
            footer: format!(
                "{approved} of {} approved · {}",
                roles.len(),
                words::footer(deployment)
            ),
        }),
        ..Message::default()
    }
}

fn overview_line(deployment: &Deployment, role: &RoleKey, owners: &Owners, now: Timestamp) -> String {
    let name = words::role(deployment, role);
    let Some(sign_off) = deployment.sign_offs.get(role) else {
        return name;
    };
    let quorum = deployment
        .checklist
        .sign_offs
        .get(role)
        .map_or(1, |rule| rule.quorum);
    let counted = if quorum > 1 {
        format!(" ({} of {quorum})", sign_off.signatures.len())
    } else {
        String::new()
    };
    let by: Vec<_> = sign_off
        .signatures
        .iter()
        .map(|signature| format!("{} {}", words::person(signature.by), words::ago(signature.at)))
        .collect();
    let rejected: Vec<_> = sign_off
        .rejections()
        .map(|rejection| {
            let why = rejection
                .reason
                .as_ref()
                .map_or_else(|| "no reason given yet".to_owned(), |why| words::brief(why, 120));
            format!(
                "{} {}: {why}",
                words::person(rejection.by),
                words::ago(rejection.at)
            )
        })
        .collect();
    if !rejected.is_empty() {
        return format!("❌ {name} rejected by {}", words::some_of(&rejected, 3));
    }
    if deployment.is_approved(role) {
        return format!("✅ {name}{counted} approved by {}", words::some_of(&by, 4));
    }
    let holders = Asked::now(deployment, owners, role).map_or_else(
        || format!("{}: `/owner set`", nobody(owners, role)),
        |asked| asked.mentions(),
    );
    let approvals = if by.is_empty() {
        String::new()
    } else {
        format!("; approved by {}", words::some_of(&by, 4))
    };
    match &sign_off.request {
        _ if matches!(deployment.phase, Phase::Finished(_)) => {
            format!("▫️ {name}{counted} was not given{approvals}")
        }
        Some(request) => {
            let seen = request
                .acknowledged
                .filter(|(_, until)| *until > now)
                .map_or_else(String::new, |(by, _)| format!(", seen by {}", words::person(by)));
            format!(
                "⏳ {name}{counted} asked {}{seen}: {holders}{approvals}",
                words::ago(request.at)
            )
        }
        None => {
            let holds = holding::lines(deployment, &deployment.holds_of_sign_off(role), None);
            let until = holds.first().map_or_else(
                || "`/deploy signoff` asks".to_owned(),
                |first| match holds.len() - 1 {
                    0 => format!("waits: {first}"),
                    more => format!("waits: {first}, and {more} more"),
                },
            );
            let asked = if sign_off.resting.is_some() {
                "not asked for now"
            } else {
                "not asked yet"
            };
            format!("▫️ {name}{counted} {asked} ({holders}) — {until}{approvals}")
        }
    }
}
