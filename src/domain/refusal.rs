//! What cannot be, said as a sentence with what to do next. A refusal is not a fault: nothing broke.

use std::fmt;

use jiff::Timestamp;

use super::event::{Actor, Outcome};
use super::hold::Hold;
use super::ids::{BlankId, CheckId, DeploymentId, ItemId, RoleKey, UserId};
use super::rights::{Act, Allowed};

/// Why a command changes nothing.
///
/// Its [`Display`](fmt::Display) is the sentence a person reads. People stand in it as Discord's mentions, which ping
/// nobody because no answer allows mentions, and times as Discord's timestamps, which each reader sees in their own zone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "a field is what its name says; the variant says the rest"
)]
pub enum Refusal {
    /// A text was empty.
    TextEmpty { what: &'static str },
    /// A text was too long.
    TextTooLong {
        what: &'static str,
        length: usize,
        limit: usize,
    },
    /// The person may not.
    NotAllowed { act: Act, allowed: Vec<Allowed> },
    /// The deployment has ended.
    Finished {
        deployment: DeploymentId,
        outcome: Outcome,
    },
    /// The checklist has no such item.
    UnknownItem { typed: String, nearest: Option<ItemId> },
    /// The checklist has no such blank.
    UnknownBlank { typed: String, nearest: Option<BlankId> },
    /// The checklist asks no such role.
    UnknownRole { typed: String, roles: Vec<RoleKey> },
    /// There is no such deployment here.
    UnknownDeployment,
    /// The item is closed already.
    AlreadyClosed { item: ItemId, by: Actor, at: Timestamp },
    /// The item is open already.
    AlreadyOpen { item: ItemId },
    /// The item is blocked.
    ItemBlocked { item: ItemId, by: Actor, reason: String },
    /// The item is not blocked.
    NotBlocked { item: ItemId },
    /// The item follows others.
    FollowsItems { item: ItemId, open: Vec<ItemId> },
    /// The item is decided by checks.
    FollowsChecks { item: ItemId, checks: Vec<CheckId> },
    /// The item is decided by a sign-off.
    FollowsSignOff { item: ItemId, role: RoleKey },
    /// The item is the decision.
    FollowsDecision { item: ItemId },
    /// The item stands behind a gate that holds.
    Held {
        item: ItemId,
        section: String,
        holds: Vec<Hold>,
    },
    /// The sign-off waits for other things first.
    SignOffNotReady { role: RoleKey, holds: Vec<Hold> },
    /// The role has approved already.
    AlreadyApproved { role: RoleKey },
    /// The person does not hold the role.
    NotHolder {
        role: RoleKey,
        held_by: Vec<super::sign_off::Holder>,
    },
    /// Nobody else has signed.
    FourEyes { role: RoleKey },
    /// The person has nothing to take back.
    NothingToWithdraw { role: RoleKey },
    /// After GO, signatures stay.
    SignedAndDecided { role: RoleKey },
    /// There is no rejection of the person's to explain.
    NoRejection { role: RoleKey },
    /// No request waits for the person.
    NothingToAcknowledge,
    /// A ping is no longer due.
    PingNotDue,
    /// GO was decided already.
    AlreadyGo,
    /// NO-GO was decided already.
    AlreadyNoGo,
    /// Something holds GO or the end.
    NotYet { wish: Wish, holds: Vec<Hold> },
    /// An end in failure needs a reason.
    ReasonNeeded,
    /// Only a person can do this.
    PeopleOnly,
    /// The variable is not one of the checklist's.
    UnknownVariable { typed: String, known: Vec<String> },
    /// No deployment was named, and this is not the thread of one.
    WhichDeployment,
    /// There is no such checklist.
    UnknownChecklist { typed: String, known: Vec<String> },
    /// The checklist has an error.
    BrokenChecklist { name: String, line: usize, why: String },
    /// What was typed for variables is not `name=value`.
    NotAnAssignment { typed: String },
}

/// What was wished for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To decide GO.
    Go,
    /// To finish complete.
    Finish,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TextEmpty { what } => write!(f, "{what} cannot be empty. Say it in a few words."),
            Self::TextTooLong { what, length, limit } => write!(
                f,
                "{what} has at most {limit} characters and this one has {length}. Shorten it; nothing was changed."
            ),
            Self::NotAllowed { act, allowed } => {
                let what = match act {
                    Act::Start => "start a deployment",
                    Act::Work => "work on this deployment",
                    Act::Skip => "skip items",
                    Act::Decide => "decide or finish this deployment",
                    Act::Manage => "say who holds which role",
                };
                write!(
                    f,
                    "You may not {what} here. It is open to {}; ask one of them.",
                    list(allowed.iter().map(allowed_name), "or")
                )
            }
            Self::Finished { deployment, outcome } => {
                let outcome = match outcome {
                    Outcome::Complete => "complete",
                    Outcome::Failed => "failed",
                };
                write!(
                    f,
                    "Deployment {deployment} is {outcome} and changes no more. `/deploy start` begins another, `/deploy report` shows this one."
                )
            }
            Self::UnknownItem { typed, nearest } => {
                write!(f, "This checklist has no item `{}`.", inert(typed))?;
                match nearest {
                    Some(nearest) => write!(
                        f,
                        " The nearest is `{nearest}`; pick one from the list that opens as you type."
                    ),
                    None => write!(f, " Pick one from the list that opens as you type."),
                }
            }
            Self::UnknownBlank { typed, nearest } => {
                write!(f, "This checklist has no blank `{}`.", inert(typed))?;
                match nearest {
                    Some(nearest) => write!(
                        f,
                        " The nearest is `{nearest}`; pick one from the list that opens as you type."
                    ),
                    None => write!(f, " Pick one from the list that opens as you type."),
                }
            }
            Self::UnknownRole { typed, roles } => {
                write!(f, "This checklist asks no role `{}` to sign. ", inert(typed))?;
                if roles.is_empty() {
                    write!(
                        f,
                        "It asks nobody; add `sign-offs` to its front matter if it should."
                    )
                } else {
                    write!(
                        f,
                        "It asks {}.",
                        list(roles.iter().map(|role| format!("`{role}`")), "and")
                    )
                }
            }
            Self::UnknownDeployment => {
                write!(
                    f,
                    "There is no such deployment in this server. `/deploy list` shows those that run."
                )
            }
            Self::AlreadyClosed { item, by, at } => write!(
                f,
                "`{item}` was closed already, by {} <t:{}:R>. `/deploy untick` opens it again.",
                actor_name(*by),
                at.as_second()
            ),
            Self::AlreadyOpen { item } => write!(f, "`{item}` is open already; nothing was changed."),
            Self::ItemBlocked { item, by, reason } => write!(
                f,
                "`{item}` is blocked by {}: {}. `/deploy unblock` it first.",
                actor_name(*by),
                unstopped(&inert(reason))
            ),
            Self::NotBlocked { item } => write!(f, "`{item}` is not blocked; nothing was changed."),
            Self::FollowsItems { item, open } => write!(
                f,
                "`{item}` ticks itself when what is nested in it is done. Still open: {}.",
                some_of(open.iter().map(|id| format!("`{id}`")).collect())
            ),
            Self::FollowsChecks { item, checks } => write!(
                f,
                "`{item}` is decided by {}, which has not passed. Run `/deploy check`; to go on without, `/deploy skip` it with a reason.",
                list(checks.iter().map(|check| format!("check `{check}`")), "and")
            ),
            Self::FollowsSignOff { item, role } => write!(
                f,
                "`{item}` is the sign-off of `{role}`. Whoever holds the role answers the card with ✅ or ❌; `/deploy signoff` asks for it."
            ),
            Self::FollowsDecision { item } => write!(
                f,
                "`{item}` is the decision. Take it with `/deploy go` or `/deploy no-go`."
            ),
            Self::Held { item, section, holds } => write!(
                f,
                "`{item}` is held: {} does not begin until {}.",
                quoted(section),
                some_of(holds.iter().map(hold_name).collect())
            ),
            Self::SignOffNotReady { role, holds } => write!(
                f,
                "`{role}` is asked to sign once {}.",
                some_of(holds.iter().map(hold_name).collect())
            ),
            Self::AlreadyApproved { role } => write!(
                f,
                "`{role}` has approved already. Taking the ✅ away withdraws it."
            ),
            Self::NotHolder { role, held_by } if held_by.is_empty() => write!(
                f,
                "You do not hold the role `{role}`, and nobody does yet. `/owner set` names who does."
            ),
            Self::NotHolder { role, held_by } => write!(
                f,
                "You do not hold the role `{role}`, so this does not count. It is held by {}.",
                list(held_by.iter().map(holder_name), "and")
            ),
            Self::FourEyes { role } => write!(
                f,
                "You started this deployment, so you cannot be its only signer. Somebody else has to sign, for `{role}` or for another role."
            ),
            Self::NothingToWithdraw { role } => {
                write!(
                    f,
                    "You have neither approved nor rejected for `{role}`, so there is nothing to take back."
                )
            }
            Self::SignedAndDecided { role } => write!(
                f,
                "The decision was GO, so your answer for `{role}` stays. To stop the release, decide `/deploy no-go` first."
            ),
            Self::NoRejection { role } => write!(
                f,
                "You have not rejected for `{role}`, so there is no reason to give."
            ),
            Self::NothingToAcknowledge => {
                write!(
                    f,
                    "No open request waits for a role that you hold, so there is nothing to acknowledge."
                )
            }
            Self::PingNotDue => write!(f, "The request was answered, so nobody is pinged."),
            Self::AlreadyGo => write!(f, "The decision is GO already; nothing was changed."),
            Self::AlreadyNoGo => write!(f, "The decision is NO-GO already; nothing was changed."),
            Self::NotYet { wish, holds } => {
                let wish = match wish {
                    Wish::Go => "GO",
                    Wish::Finish => "The end",
                };
                write!(
                    f,
                    "{wish} waits until {}.",
                    some_of(holds.iter().map(hold_name).collect())
                )
            }
            Self::ReasonNeeded => write!(
                f,
                "Say why it failed: give `reason` as well. Nothing was changed."
            ),
            Self::PeopleOnly => write!(f, "Only a person can do this."),
            Self::WhichDeployment => write!(
                f,
                "Which deployment? Use this in the thread of one, or give its number as `deployment`. `/deploy list` shows those that run."
            ),
            Self::UnknownChecklist { typed, known } if known.is_empty() => write!(
                f,
                "There is no checklist `{}`, and none at all. The operator puts Markdown files into the checklists directory.",
                inert(typed)
            ),
            Self::UnknownChecklist { typed, known } => write!(
                f,
                "There is no checklist `{}`. There is {}.",
                inert(typed),
                list(known.iter().map(|name| format!("`{}`", inert(name))), "and")
            ),
            Self::BrokenChecklist { name, line, why } => write!(
                f,
                "`{}` cannot be started: line {line}: {} `/checklist lint` shows all that is wrong with it.",
                inert(name),
                inert(why)
            ),
            Self::NotAnAssignment { typed } => write!(
                f,
                "`{}` does not give a variable its value. Write `name=value`, with a space between several and double quotes around a value with spaces.",
                inert(typed)
            ),
            Self::UnknownVariable { typed, known } if known.is_empty() => {
                write!(
                    f,
                    "This checklist has no variable `{}`, and none at all. Leave `variables` out.",
                    inert(typed)
                )
            }
            Self::UnknownVariable { typed, known } => write!(
                f,
                "This checklist has no variable `{}`. It has {}.",
                inert(typed),
                list(known.iter().map(|name| format!("`{name}`")), "and")
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// Who did something, for a sentence.
fn actor_name(actor: Actor) -> String {
    match actor {
        Actor::Person(person) => person_name(person),
        Actor::CheckRunner => "its check".to_owned(),
        Actor::Timer => "a timer".to_owned(),
        Actor::Document => "the document itself".to_owned(),
    }
}

fn person_name(person: UserId) -> String {
    format!("<@{person}>")
}

fn holder_name(holder: &super::sign_off::Holder) -> String {
    match holder {
        super::sign_off::Holder::Member(member) => person_name(*member),
        super::sign_off::Holder::DiscordRole(role) => format!("<@&{role}>"),
    }
}

fn allowed_name(allowed: &Allowed) -> String {
    match allowed {
        Allowed::Everyone => "everyone".to_owned(),
        Allowed::Starter => "who started it".to_owned(),
        Allowed::SignOffHolder => "whoever holds one of its sign-off roles".to_owned(),
        Allowed::ManageServer => "whoever may manage the server".to_owned(),
        Allowed::DiscordRole(role) => format!("<@&{role}>"),
        Allowed::Member(member) => person_name(*member),
    }
}

fn hold_name(hold: &Hold) -> String {
    match hold {
        Hold::Open { item } => format!("`{item}` is done"),
        Hold::Blocked { item } => format!("`{item}` is unblocked"),
        Hold::Check { check } => format!("check `{check}` has passed"),
        Hold::SignOff { role } => format!("`{role}` has signed"),
        Hold::Rejected { role } => format!("`{role}` no longer rejects"),
        Hold::Decision => "the decision is GO".to_owned(),
    }
}

/// The first few, and how many more.
fn some_of(names: Vec<String>) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 {
        return list(names.into_iter(), "and");
    }
    let shown: Vec<_> = names.into_iter().take(SHOWN).collect();
    format!("{} and {more} more", shown.join(", "))
}

fn list(names: impl Iterator<Item = String>, word: &str) -> String {
    let mut names: Vec<_> = names.collect();
    match names.pop() {
        None => "nobody".to_owned(),
        Some(only) if names.is_empty() => only,
        Some(last) => format!("{} {word} {last}", names.join(", ")),
    }
}

fn quoted(title: &str) -> String {
    format!("“{}”", inert(title))
}

/// A typed text with nothing in it that Discord would format or mention, short enough for a sentence.
fn inert(typed: &str) -> String {
    const SHOWN: usize = 120;
    let mut text: String = typed
        .chars()
        .map(|c| match c {
            '`' => 'ˋ',
            '@' => '＠',
            '<' => '‹',
            '>' => '›',
            c if c.is_control() => ' ',
            c => c,
        })
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
        .take(SHOWN + 1)
        .collect();
    if text.chars().count() > SHOWN {
        text.pop();
        text.push('…');
    }
    for mark in ['*', '_', '~', '|', '['] {
        text = text.replace(mark, &format!("\\{mark}"));
    }
    text
}

fn unstopped(text: &str) -> &str {
    text.trim_end_matches(['.', '!', '…'])
}
