//! Sign-offs: the card that asks a role to sign, the pings that follow it, and the overview of all roles.

mod overview;
mod ping;

pub(crate) use overview::sign_offs;
pub(crate) use ping::{asked_again, ping};

use jiff::Timestamp;

use super::super::custom_id::Press;
use super::holding::OnWhom;
use super::message::{Colour, Embed, Message, Style, limit};
use super::parts::button;
use super::people::{Asked, nobody, rank_name, rank_of_ping, rank_plural};
use super::words::{self, CheckTally, ItemTally};
use crate::domain::check::CheckStatus;
use crate::domain::deployment::{Deployment, ItemState, Phase, Request, SignOff};
use crate::domain::effects::Then;
use crate::domain::ids::RoleKey;
use crate::domain::sign_off::{Owners, Rank, Signature};

/// How many skipped items, blocked items and failing checks a card names.
const NAMED: usize = 4;

/// How a card stands.
enum Standing<'a> {
    /// It waits for an answer.
    Live(&'a Request),
    /// As many have approved as have to.
    Approved,
    /// Somebody rejected.
    Rejected(&'a SignOff),
    /// A newer card asks.
    Replaced,
    /// It rests: what it waited for does not hold now.
    Resting,
    /// Taken back: what it was given on has changed.
    Recalled,
    /// The deployment ended before an answer.
    Over,
}

/// The card of one of a role's requests.
pub(crate) fn sign_off_card(
    deployment: &Deployment,
    role: &RoleKey,
    request: u32,
    owners: &Owners,
    now: Timestamp,
) -> Message {
    let standing = Standing::of(deployment, role, request);
    let asked = Asked::of(deployment, owners, role, Rank::Owner);
    let live = matches!(standing, Standing::Live(_));
    let title = format!("Sign-off · {}", words::role_label(deployment, role, 80));
    let message = Message {
        content: words::content(&first_line(deployment, role, &standing, owners, asked.as_ref())),
        embed: Some(Embed {
            title: words::brief(&title, 120),
            description: card_text(deployment, role, &standing, OnWhom { owners, now }),
            colour: standing.colour(),
            fields: Vec::new(),
            footer: format!("{} · request {request}", words::footer(deployment)),
        }),
        pings: asked
            .filter(|_| live)
            .map(|asked| asked.holders)
            .unwrap_or_default(),
        ..Message::default()
    };
    if live {
        message.with_row([seen(deployment, role)])
    } else {
        message
    }
}

impl<'a> Standing<'a> {
    fn of(deployment: &'a Deployment, role: &RoleKey, request: u32) -> Self {
        let Some(sign_off) = deployment.sign_offs.get(role) else {
            return Self::Recalled;
        };
        if request < sign_off.requests {
            return Self::Replaced;
        }
        if sign_off.rejection.is_some() {
            return Self::Rejected(sign_off);
        }
        if deployment.is_approved(role) {
            return Self::Approved;
        }
        match &sign_off.request {
            _ if matches!(deployment.phase, Phase::Finished(_)) => Self::Over,
            Some(request) => Self::Live(request),
            None if sign_off.resting.is_some() => Self::Resting,
            None => Self::Recalled,
        }
    }

    fn colour(&self) -> Colour {
        match self {
            Self::Live(_) => Colour::Yellow,
            Self::Approved => Colour::Green,
            Self::Rejected(_) => Colour::Red,
            Self::Replaced | Self::Resting | Self::Recalled | Self::Over => Colour::Grey,
        }
    }
}

/// The button that snoozes a role's pings.
fn seen(deployment: &Deployment, role: &RoleKey) -> Option<super::message::Button> {
    let press = Press::Acknowledge {
        deployment: deployment.id,
        role: role.clone(),
    };
    button(&press, "👀 Seen", Style::Secondary)
}

fn first_line(
    deployment: &Deployment,
    role: &RoleKey,
    standing: &Standing<'_>,
    owners: &Owners,
    asked: Option<&Asked>,
) -> String {
    let name = words::role(deployment, role);
    let headline = words::headline(deployment);
    match standing {
        Standing::Live(_) => match asked {
            Some(asked) if asked.rank == Rank::Owner => {
                format!("{} please sign as {name}: {headline}", asked.mentions())
            }
            Some(asked) => format!(
                "{} please sign as {name}: {headline}\nThe role has no owner, so its {} are asked.",
                asked.mentions(),
                rank_plural(asked.rank)
            ),
            None => format!(
                "{name} has to sign for {headline}, and {}. `/owner set` with role {} names who does.",
                nobody(owners, role),
                super::escape::code(role.as_str())
            ),
        },
        Standing::Approved => format!("✅ {name} has approved: {headline}"),
        Standing::Rejected(sign_off) => {
            let by: Vec<_> = sign_off
                .rejections()
                .map(|rejection| words::person(rejection.by))
                .collect();
            format!("❌ {} rejected as {name}: {headline}", words::some_of(&by, 5))
        }
        Standing::Replaced => format!("{name} was asked anew; the newer card below counts, not this one."),
        Standing::Resting => {
            format!("{name} need not answer now: what the request waits for does not hold any more.")
        }
        Standing::Recalled => format!("{name} need not answer now: the request was taken back."),
        Standing::Over => format!("{name} need not answer any more: the deployment has ended."),
    }
}

fn card_text(
    deployment: &Deployment,
    role: &RoleKey,
    standing: &Standing<'_>,
    on_whom: OnWhom<'_>,
) -> String {
    let sign_off = deployment.sign_offs.get(role);
    let mut lines = Vec::new();
    lines.extend(state_lines(deployment, role, standing, sign_off, on_whom));
    if matches!(standing, Standing::Replaced) {
        return lines.join("\n");
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(format!("**Release** {}", words::release(deployment)));
    let hash: String = deployment.checklist.hash.as_str().chars().take(10).collect();
    lines.push(format!(
        "**Checklist** {} {}",
        words::brief(&deployment.checklist.title, 80),
        super::escape::code(&hash)
    ));
    lines.push(format!("**Items** {}", ItemTally::of(deployment).words()));
    lines.push(format!(
        "**Checks** {}",
        CheckTally::of(deployment).words("not run")
    ));
    lines.extend(skipped(deployment));
    lines.extend(risks(deployment, role));
    if matches!(standing, Standing::Live(_)) {
        lines.push(String::new());
        lines.push("✅ approves · ❌ rejects, and asks you why · 👀 you have seen it".to_owned());
        lines.push("Taking your reaction away takes your answer back.".to_owned());
    }
    words::fitted(&lines, limit::DESCRIPTION, |more| {
        format!(
            "… and {}: “All items” on the board",
            words::count(more, "more line")
        )
    })
}

fn state_lines(
    deployment: &Deployment,
    role: &RoleKey,
    standing: &Standing<'_>,
    sign_off: Option<&SignOff>,
    on_whom: OnWhom<'_>,
) -> Vec<String> {
    let signatures = sign_off.map_or(&[][..], |sign_off| &sign_off.signatures);
    let mut lines: Vec<_> = signatures.iter().take(10).map(signature).collect();
    if signatures.len() > 10 {
        lines.push(format!("✅ and {} more", signatures.len() - 10));
    }
    match standing {
        Standing::Live(request) => {
            let quorum = deployment.checklist.sign_offs.get(role).map_or(1, |rule| rule.quorum);
            if quorum > 1 {
                lines.push(format!("**{} of {quorum}** have approved", signatures.len()));
            }
            lines.push(format!("⏳ Asked {}", words::ago(request.at)));
            lines.extend(pings(deployment, role, request, on_whom));
        }
        Standing::Rejected(sign_off) => {
            lines.extend(sign_off.rejections().take(5).map(|rejection| {
                let why = rejection
                    .reason
                    .as_ref()
                    .map_or_else(|| "no reason given yet".to_owned(), |why| words::brief(why, 400));
                let by = words::person(rejection.by);
                format!("❌ Rejected by {by} {}: {why}", words::ago(rejection.at))
            }));
            lines.push("The release is held until they approve or take the ❌ away.".to_owned());
        }
        Standing::Replaced => lines.push("Replaced by a newer card.".to_owned()),
        Standing::Resting => lines.push(
            "This card asks again once it holds. A reaction made meanwhile does not count.".to_owned(),
        ),
        Standing::Recalled => lines.push(
            "Something it was asked on has changed. A new card comes when everything it waits for holds again."
                .to_owned(),
        ),
        Standing::Over => lines.push("It was never answered.".to_owned()),
        Standing::Approved => {}
    }
    lines
}

fn signature(signature: &Signature) -> String {
    format!(
        "✅ Approved by {} ({}) {}",
        words::person(signature.by),
        rank_name(signature.rank),
        words::ago(signature.at)
    )
}

/// Who has seen it, and when who is pinged next.
fn pings(deployment: &Deployment, role: &RoleKey, request: &Request, on_whom: OnWhom<'_>) -> Vec<String> {
    let OnWhom { owners, now } = on_whom;
    let seen = request
        .acknowledged
        .filter(|(_, until)| *until > now)
        .map(|(by, _)| format!("👀 Seen by {}", words::person(by)));
    let whom = |ping| {
        let asked = Asked::of(deployment, owners, role, rank_of_ping(deployment, role, ping))?;
        Some(rank_plural(asked.rank))
    };
    let last = request
        .pinged_at
        .zip(whom(request.pings))
        .map(|(at, whom)| format!("the {whom} were pinged at {}", words::clock(at)));
    let next = deployment.ping_timer(role).and_then(|timer| {
        let Then::Ping { ping, .. } = timer.then else {
            return None;
        };
        let next = whom(ping)?;
        let next = if request.pings > 0 && whom(request.pings) == Some(next) {
            "they are pinged again".to_owned()
        } else {
            format!("the {next} are pinged")
        };
        Some(format!(
            "{next} at {} unless it is answered",
            words::clock(timer.due)
        ))
    });
    let ladder = match (last, next) {
        (None, None) => None,
        (None, Some(next)) => Some(next),
        (Some(last), Some(next)) => Some(format!("{last}; {next}")),
        (Some(last), None) => Some(format!("{last}; nobody is pinged after them")),
    };
    let ladder = ladder.map(|ladder| format!("🔔 {}", words::capital(&ladder)));
    let again = request
        .asked_again
        .map(|(by, at)| format!("🔔 {} asked again {}", words::who(by), words::ago(at)));
    seen.into_iter().chain(again).chain(ladder).collect()
}

fn skipped(deployment: &Deployment) -> Vec<String> {
    let skipped = words::skipped(deployment);
    let all: usize = skipped.iter().map(|root| root.nested + 1).sum();
    if all == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!("**Skipped** {}", words::count(all, "item"))];
    lines.extend(skipped.iter().take(NAMED).map(|root| root.line(deployment)));
    let rest: usize = skipped.iter().skip(NAMED).map(|root| root.nested + 1).sum();
    if rest > 0 {
        lines.push(format!("… and {rest} more skipped"));
    }
    lines
}

fn risks(deployment: &Deployment, asked: &RoleKey) -> Vec<String> {
    let mut risks = Vec::new();
    for result in deployment
        .checks
        .values()
        .filter(|result| result.status != CheckStatus::Passed)
    {
        let icon = match result.status {
            CheckStatus::Failed => "❌",
            CheckStatus::Skipped => "⏭️",
            CheckStatus::Error | CheckStatus::Passed => "⚠️",
        };
        risks.push(format!(
            "{icon} {} — {}",
            words::check(&result.check),
            words::brief(&result.why, 120)
        ));
    }
    for index in 0..deployment.checklist.items.len() {
        if let ItemState::Blocked { by, reason, .. } = deployment.item_state(index) {
            risks.push(format!(
                "⛔ {} — {} ({})",
                words::item(deployment, index, 60),
                words::brief(reason, 120),
                words::who(*by)
            ));
        }
    }
    for (role, sign_off) in deployment.sign_offs.iter().filter(|(role, _)| *role != asked) {
        risks.extend(sign_off.rejections().map(|rejection| {
            let why = rejection.reason.as_deref().unwrap_or("no reason given yet");
            format!(
                "❌ {} rejected — {} ({})",
                words::role(deployment, role),
                words::brief(why, 120),
                words::person(rejection.by)
            )
        }));
    }
    if risks.is_empty() {
        return vec!["**Open risks** none known".to_owned()];
    }
    let more = risks.len().saturating_sub(NAMED * 2);
    risks.truncate(NAMED * 2);
    let mut lines = vec![format!("**Open risks** {}", risks.len() + more)];
    lines.append(&mut risks);
    if more > 0 {
        lines.push(format!("… and {more} more: “All items” on the board"));
    }
    lines
}
