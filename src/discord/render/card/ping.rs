//! The pings that follow a request which is not answered.

use jiff::{SignedDuration, Timestamp};

use super::super::message::{Message, mention};
use super::super::people::{Asked, nobody, rank_name, rank_of_ping, rank_plural};
use super::super::words;
use super::seen;
use crate::domain::deployment::Deployment;
use crate::domain::event::Actor;
use crate::domain::ids::RoleKey;
use crate::domain::sign_off::{Holder, Owners};
use crate::engine::Posted;

/// How late a ping may be before it says so.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// A ping of a request that was not answered: why, since when, what ends it, and how late it is.
pub(crate) fn ping(
    deployment: &Deployment,
    role: &RoleKey,
    ping: u32,
    due: Timestamp,
    now: Timestamp,
    owners: &Owners,
) -> Message {
    let wanted = rank_of_ping(deployment, role, ping);
    let asked = Asked::of(deployment, owners, role, wanted);
    let name = words::role(deployment, role);
    let since = deployment
        .sign_offs
        .get(role)
        .and_then(|sign_off| sign_off.request.as_ref())
        .map_or_else(String::new, |request| {
            format!(" Asked {}.", words::ago(request.at))
        });
    let mut lines = Vec::new();
    match &asked {
        Some(asked) => lines.push(format!(
            "{} {name} has not signed for {}.{since}",
            asked.mentions(),
            words::headline(deployment)
        )),
        None => lines.push(format!(
            "{name} has not signed for {}, and {}.{since} `/owner set` names who does.",
            words::headline(deployment),
            nobody(owners, role)
        )),
    }
    if let Some(asked) = &asked {
        if asked.rank != wanted {
            lines.push(format!(
                "It has no {}, so this goes to the {}.",
                rank_name(wanted),
                rank_plural(asked.rank)
            ));
        }
        let before = asked_before(deployment, role, ping, owners, &asked.holders);
        if !before.is_empty() {
            lines.push(format!("Asked before: {}.", words::some_of(&before, 5)));
        }
        lines.push("✅ or ❌ on the card above ends this; 👀 pauses it.".to_owned());
    }
    if now.duration_since(due) > LATE {
        lines.push(format!(
            "This ping was due {} and comes {} late.",
            words::clock(due),
            words::lasting(due, now)
        ));
    }
    if deployment.policy_of(role).level(ping + 1).is_none() {
        lines.push("It is the last one; nobody is pinged after this.".to_owned());
    }
    Message {
        content: words::content(&lines.join("\n")),
        pings: asked.map(|asked| asked.holders).unwrap_or_default(),
        ..Message::default()
    }
    .with_row([seen(deployment, role)])
}

/// A ping of those who were asked last, as somebody asks again; it points at the card.
pub(crate) fn asked_again(
    deployment: &Deployment,
    role: &RoleKey,
    by: Actor,
    card: Option<Posted>,
    owners: &Owners,
) -> Message {
    let asked = Asked::now(deployment, owners, role);
    let name = words::role(deployment, role);
    let since = deployment
        .sign_offs
        .get(role)
        .and_then(|sign_off| sign_off.request.as_ref())
        .map_or_else(String::new, |request| {
            format!(", since {}", words::ago(request.at))
        });
    let whom = asked
        .as_ref()
        .map_or_else(|| nobody(owners, role).to_owned(), Asked::mentions);
    let card = card.map_or_else(
        || "the card above".to_owned(),
        |Posted { channel, message }| {
            let guild = deployment.guild;
            format!("[the card](https://discord.com/channels/{guild}/{channel}/{message})")
        },
    );
    let text = format!(
        "{whom}: {} asks again. {name} has not signed for {}{since}.\n✅ or ❌ on {card} ends this; 👀 pauses it.",
        words::who(by),
        words::headline(deployment)
    );
    Message {
        content: words::content(&text),
        pings: asked.map(|asked| asked.holders).unwrap_or_default(),
        ..Message::default()
    }
    .with_row([seen(deployment, role)])
}

fn asked_before(
    deployment: &Deployment,
    role: &RoleKey,
    ping: u32,
    owners: &Owners,
    now: &[Holder],
) -> Vec<String> {
    let mut known: Vec<Holder> = now.to_vec();
    let mut names = Vec::new();
    for earlier in 0..ping {
        let Some(asked) = Asked::of(deployment, owners, role, rank_of_ping(deployment, role, earlier)) else {
            continue;
        };
        for holder in asked.holders {
            if !known.contains(&holder) {
                known.push(holder);
                names.push(format!("{} ({})", mention(holder), rank_name(asked.rank)));
            }
        }
    }
    names
}
