//! Word of a check that is watched after GO: that it turned, that it still does not pass, that it passes again.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::message::{Message, mention};
use super::super::observed;
use super::super::people::rank_plural;
use super::super::words;
use crate::domain::check::in_words;
use crate::domain::deployment::Deployment;
use crate::domain::effects::Then;
use crate::domain::event::Actor;
use crate::domain::ids::CheckId;
use crate::domain::sign_off::{Holder, Owners, Rank};

/// How late a ping may be before it says so.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// A ping of those who answer for a release, as a check that is watched no longer passes.
pub(crate) fn watch_turned(deployment: &Deployment, check: &CheckId, owners: &Owners) -> Message {
    let every = deployment
        .rhythm_of(check)
        .map_or_else(String::new, |rhythm| format!(" every {}", in_words(rhythm.every)));
    let mut lines = vec![format!(
        "check {} no longer passes for {}{}.",
        words::check(check),
        words::headline(deployment),
        why(deployment, check),
    )];
    lines.extend(observed::squares(deployment, check));
    lines.push(format!("It is observed{every} until the deployment ends."));
    lines.extend(next(deployment, check));
    lines.push(
        "`/deploy ack` pauses the pings, `/deploy no-go` holds the release, `/deploy check` looks again now."
            .to_owned(),
    );
    to(those_who_answer(deployment, owners), &lines.join("\n"))
}

/// A ping of the next people on the ladder, as it still does not pass: since when, what ends it, and how late it is.
pub(crate) fn watch_ping(
    deployment: &Deployment,
    check: &CheckId,
    ping: u32,
    due: Timestamp,
    now: Timestamp,
    owners: &Owners,
) -> Message {
    let since = deployment.turned.get(check).map_or_else(String::new, |turned| {
        format!(" since {}", words::clock(turned.since))
    });
    let mut lines = vec![format!(
        "check {} has not passed{since} for {}{}.",
        words::check(check),
        words::headline(deployment),
        why(deployment, check),
    )];
    lines.extend(observed::squares(deployment, check));
    let wanted = deployment.rank_of_watch_ping(check, ping);
    let mut holders = wanted
        .map(|rank| held_as(deployment, owners, rank))
        .unwrap_or_default();
    if let Some(wanted) = wanted.filter(|_| holders.is_empty()) {
        holders = those_who_answer(deployment, owners);
        lines.push(format!(
            "No role has {}, so this goes to those who answer for the release.",
            rank_plural(wanted)
        ));
    }
    if now.duration_since(due) > LATE {
        lines.push(format!(
            "This ping was due {} and comes {} late.",
            words::clock(due),
            words::lasting(due, now)
        ));
    }
    lines.push(
        "It ends when the check passes; `/deploy ack` pauses it, `/deploy no-go` holds the release."
            .to_owned(),
    );
    lines.push(
        next(deployment, check)
            .unwrap_or_else(|| "It is the last one; nobody is pinged after this.".to_owned()),
    );
    to(holders, &lines.join("\n"))
}

/// Word to those who answer for the release that it passes again.
pub(crate) fn watch_recovered(deployment: &Deployment, check: &CheckId, owners: &Owners) -> Message {
    to(
        those_who_answer(deployment, owners),
        &format!(
            "check {} passes again for {}. It is observed on until the deployment ends.",
            words::check(check),
            words::headline(deployment),
        ),
    )
}

fn why(deployment: &Deployment, check: &CheckId) -> String {
    deployment
        .checks
        .get(check)
        .map_or_else(String::new, |result| format!(": {}", words::reason(&result.why)))
}

/// Whom the ladder pings next, and when; nothing at its end.
fn next(deployment: &Deployment, check: &CheckId) -> Option<String> {
    let timer = deployment.watch_timer(check)?;
    let Then::WatchPing { ping, .. } = timer.then else {
        return None;
    };
    let rank = deployment.rank_of_watch_ping(check, ping)?;
    Some(format!(
        "The {} are pinged at {} unless it passes.",
        rank_plural(rank),
        words::clock(timer.due)
    ))
}

/// Whoever started a deployment and whoever decided GO; the leads, deputies or owners of its roles where neither is a person.
fn those_who_answer(deployment: &Deployment, owners: &Owners) -> Vec<Holder> {
    let decider = deployment.decision.as_ref().and_then(|decided| match decided.by {
        Actor::Person(person) => Some(person),
        Actor::CheckRunner | Actor::Timer | Actor::Document => None,
    });
    let mut answer: Vec<Holder> = Vec::new();
    for person in deployment.started_by.into_iter().chain(decider) {
        if !answer.contains(&Holder::Member(person)) {
            answer.push(Holder::Member(person));
        }
    }
    if !answer.is_empty() {
        return answer;
    }
    [Rank::Lead, Rank::Deputy, Rank::Owner]
        .into_iter()
        .map(|rank| held_as(deployment, owners, rank))
        .find(|holders| !holders.is_empty())
        .unwrap_or_default()
}

/// Who holds any of a deployment's roles in a rank.
fn held_as(deployment: &Deployment, owners: &Owners, rank: Rank) -> Vec<Holder> {
    let roles = deployment.checklist.sign_offs.keys();
    let holders: BTreeSet<Holder> = roles.flat_map(|role| owners.holders(role, rank)).collect();
    holders.into_iter().collect()
}

fn to(pings: Vec<Holder>, text: &str) -> Message {
    let whom: Vec<String> = pings.iter().map(|holder| mention(*holder)).collect();
    let content = if whom.is_empty() {
        words::capital(text)
    } else {
        format!("{} {text}", whom.join(" "))
    };
    Message {
        content: words::content(&content),
        pings,
        ..Message::default()
    }
}
