//! Sign-offs: the card that asks a role to sign, the pings that follow it, and the overview of all roles.

use jiff::{SignedDuration, Timestamp};

use super::super::custom_id::Press;
use super::holding::{self, OnWhom};
use super::message::{Colour, Embed, Message, Style, limit, mention};
use super::parts::button;
use super::people::{Asked, nobody, rank_name, rank_of_ping, rank_plural};
use super::words::{self, CheckTally, ItemTally};
use crate::domain::check::CheckStatus;
use crate::domain::deployment::{Deployment, ItemState, Phase, Rejection, Request, SignOff};
use crate::domain::ids::RoleKey;
use crate::domain::sign_off::{Holder, Owners, Rank, Signature};

/// How many skipped items, blocked items and failing checks a card names.
const NAMED: usize = 4;
/// How late a ping may be before it says so.
const LATE: SignedDuration = SignedDuration::from_secs(60);

/// How a card stands.
enum Standing<'a> {
    /// It waits for an answer.
    Live(&'a Request),
    /// As many have approved as have to.
    Approved,
    /// Somebody rejected.
    Rejected(&'a Rejection),
    /// A newer card asks.
    Replaced,
    /// Taken back: what it waited for no longer holds, or what it was given on has changed.
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

impl<'a> Standing<'a> {
    fn of(deployment: &'a Deployment, role: &RoleKey, request: u32) -> Self {
        let Some(sign_off) = deployment.sign_offs.get(role) else {
            return Self::Recalled;
        };
        if request < sign_off.requests {
            return Self::Replaced;
        }
        if let Some(rejection) = &sign_off.rejection {
            return Self::Rejected(rejection);
        }
        if deployment.is_approved(role) {
            return Self::Approved;
        }
        match &sign_off.request {
            _ if matches!(deployment.phase, Phase::Finished(_)) => Self::Over,
            Some(request) => Self::Live(request),
            None => Self::Recalled,
        }
    }

    fn colour(&self) -> Colour {
        match self {
            Self::Live(_) => Colour::Yellow,
            Self::Approved => Colour::Green,
            Self::Rejected(_) => Colour::Red,
            Self::Replaced | Self::Recalled | Self::Over => Colour::Grey,
        }
    }
}

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
        Standing::Rejected(rejection) => {
            format!(
                "❌ {} rejected as {name}: {headline}",
                words::person(rejection.by)
            )
        }
        Standing::Replaced => format!("{name} was asked anew; the newer card below counts, not this one."),
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
            lines.extend(pause(deployment, role, request, on_whom));
        }
        Standing::Rejected(rejection) => {
            let why = rejection
                .reason
                .as_ref()
                .map_or_else(|| "no reason given yet".to_owned(), |why| words::brief(why, 500));
            lines.push(format!(
                "❌ Rejected by {} {}: {why}",
                words::person(rejection.by),
                words::ago(rejection.at)
            ));
            lines.push("The release is held until they approve or take the ❌ away.".to_owned());
        }
        Standing::Replaced => lines.push("Replaced by a newer card.".to_owned()),
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

/// Until when pings wait; or, before the first one, when it comes and for whom.
fn pause(deployment: &Deployment, role: &RoleKey, request: &Request, on_whom: OnWhom<'_>) -> Option<String> {
    let OnWhom { owners, now } = on_whom;
    if let Some((by, until)) = request.acknowledged.filter(|(_, until)| *until > now) {
        return Some(format!(
            "👀 Seen by {}; pings wait until {}",
            words::person(by),
            words::clock(until)
        ));
    }
    let policy = deployment.policy_of(role);
    if request.pings > 0 {
        let asked = Asked::now(deployment, owners, role)?;
        return Some(format!(
            "🔔 Pinged {} since; last the {}",
            words::count(request.pings as usize, "time"),
            rank_plural(asked.rank)
        ));
    }
    let wait = SignedDuration::try_from(policy.level(0)?.wait).ok()?;
    let due = request.at.checked_add(wait).ok().filter(|due| *due > now)?;
    let next = Asked::of(deployment, owners, role, policy.level(1)?.rank)?;
    Some(format!(
        "🔔 The {} are pinged at {} unless it is answered",
        rank_plural(next.rank),
        words::clock(due)
    ))
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
        let icon = if result.status == CheckStatus::Failed {
            "❌"
        } else {
            "⚠️"
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
    for (role, sign_off) in &deployment.sign_offs {
        if let Some(rejection) = sign_off.rejection.as_ref().filter(|_| role != asked) {
            let why = rejection.reason.as_deref().unwrap_or("no reason given yet");
            risks.push(format!(
                "❌ {} rejected — {} ({})",
                words::role(deployment, role),
                words::brief(why, 120),
                words::person(rejection.by)
            ));
        }
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
    if let Some(rejection) = &sign_off.rejection {
        let why = rejection
            .reason
            .as_ref()
            .map_or_else(|| "no reason given yet".to_owned(), |why| words::brief(why, 120));
        return format!(
            "❌ {name} rejected by {} {}: {why}",
            words::person(rejection.by),
            words::ago(rejection.at)
        );
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
            format!("▫️ {name}{counted} not asked yet ({holders}) — {until}{approvals}")
        }
    }
}
