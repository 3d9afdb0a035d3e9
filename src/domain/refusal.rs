//! What cannot be, said as a sentence with what to do next. A refusal is not a fault: nothing broke.

use std::fmt;

use jiff::Timestamp;

use super::event::{Actor, Outcome};
use super::hold::Hold;
use super::ids::{BlankId, CheckId, ChecklistName, DeploymentId, ItemId, RoleKey, UserId, VariableName};
use super::rights::{Act, Allowed};
use super::text::is_unseen;

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
    /// The item has a check that a person attests with evidence, and none was given.
    EvidenceNeeded { item: ItemId },
    /// The item is closed by what it follows, and would be closed by it again.
    StillFollows { item: ItemId, follows: StillFollows },
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
    /// Only who started the deployment has signed.
    SignedByStarterAlone { starter: UserId, wish: Wish },
    /// The card is not the role's latest.
    CardOutdated { role: RoleKey },
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
    /// No such observation is waited for.
    ObservationNotDue,
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
    /// A file that was brought cannot be imported. `why` goes on from its name, and has nothing of the file in it.
    NotImported { file: String, why: String },
    /// The name stands for a checklist of the operator's.
    NameTaken { name: ChecklistName },
    /// The checklist is the operator's, so it is not for people to remove.
    NotAnImport { name: ChecklistName },
    /// The Discord server has as many imported checklists as it may.
    TooManyImports { most: usize },
    /// The checklist has an error.
    BrokenChecklist { name: String, line: usize, why: String },
    /// What was typed for variables is not `name=value`.
    NotAnAssignment { typed: String },
    /// The variable is secret, so that its value is never given in chat.
    SecretVariable { name: VariableName, env: Option<String> },
}

/// What an item that cannot be opened by hand follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StillFollows {
    /// Checks, all of which passed.
    Checks(Vec<CheckId>),
    /// Nested items, all of which are closed.
    Items(Vec<ItemId>),
    /// A sign-off that was given.
    SignOff(RoleKey),
    /// The decision, which was GO.
    Decision,
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
                    Act::Manage => "say who holds which role, or import checklists",
                };
                write!(f, "You may not {what} here. ")?;
                if allowed.is_empty() {
                    f.write_str("The settings open it to nobody; whoever runs the bot can change them.")
                } else {
                    let allowed = allowed.iter().map(allowed_name).collect();
                    write!(f, "It is open to {}; ask one of them.", some_of(allowed, "or"))
                }
            }
            Self::Finished { deployment, outcome } => {
                let outcome = match outcome {
                    Outcome::Complete => "complete",
                    Outcome::Failed => "failed",
                };
                write!(
                    f,
                    "Deployment {deployment} has ended: {outcome}. Only notes can be added. `/deploy report` shows it, `/deploy start` begins another."
                )
            }
            Self::UnknownItem { typed, nearest } => {
                unknown(f, "item", typed, nearest.as_ref().map(ItemId::as_str))
            }
            Self::UnknownBlank { typed, nearest } => {
                unknown(f, "blank", typed, nearest.as_ref().map(BlankId::as_str))
            }
            Self::UnknownRole { typed, roles } => {
                write!(f, "This checklist asks no role {} to sign. ", code(typed))?;
                if roles.is_empty() {
                    f.write_str("It asks nobody; add `sign-offs` to its front matter if it should.")
                } else {
                    let roles = roles.iter().map(|role| code(role.as_str())).collect();
                    write!(f, "It asks {}.", some_of(roles, "and"))
                }
            }
            Self::UnknownDeployment => f.write_str(
                "There is no such deployment in this server. `/deploy list` shows those that run.",
            ),
            Self::AlreadyClosed { item, by, at } => write!(
                f,
                "{} was closed already, by {} <t:{}:R>. `/deploy untick` opens it again.",
                code(item.as_str()),
                actor_name(*by),
                at.as_second()
            ),
            Self::AlreadyOpen { item } => {
                write!(f, "{} is open already; nothing was changed.", code(item.as_str()))
            }
            Self::ItemBlocked { item, by, reason } => write!(
                f,
                "{} is blocked by {}: “{}”. When that is out of the way, `/deploy unblock` it first.",
                code(item.as_str()),
                actor_name(*by),
                inert(reason)
            ),
            Self::NotBlocked { item } => {
                write!(f, "{} is not blocked; nothing was changed.", code(item.as_str()))
            }
            Self::FollowsItems { item, open } => write!(
                f,
                "{} ticks itself when what is nested in it is done. Still open: {}.",
                code(item.as_str()),
                some_of(open.iter().map(|id| code(id.as_str())).collect(), "and")
            ),
            Self::FollowsChecks { item, checks } => write!(
                f,
                "{} ticks itself when {} passed. Run `/deploy check`; to go on without, `/deploy skip` it with a reason.",
                code(item.as_str()),
                checks_have(checks)
            ),
            Self::EvidenceNeeded { item } => write!(
                f,
                "{item} needs evidence: a link, or what you saw. Give it along: `/deploy tick item:{item} evidence:…`",
                item = inert(item.as_str())
            ),
            Self::StillFollows { item, follows } => {
                let item = code(item.as_str());
                match follows {
                    StillFollows::Checks(checks) => write!(
                        f,
                        "{item} is ticked because {} passed, and opens by itself when that changes. If it is wrong all the same, say so with `/deploy note` or `/deploy no-go`.",
                        checks_have(checks)
                    ),
                    StillFollows::Items(items) => write!(
                        f,
                        "{item} is closed because all that is nested in it is. `/deploy untick` what is not done: {}.",
                        some_of(items.iter().map(|id| code(id.as_str())).collect(), "or")
                    ),
                    StillFollows::SignOff(role) => write!(
                        f,
                        "{item} is ticked because {} approved. Whoever approved withdraws it by taking their ✅ off the card.",
                        code(role.as_str())
                    ),
                    StillFollows::Decision => {
                        write!(
                            f,
                            "{item} is ticked because the decision is GO. `/deploy no-go` takes that back."
                        )
                    }
                }
            }
            Self::FollowsSignOff { item, role } => write!(
                f,
                "{} is the sign-off of {}. Whoever holds the role answers the card with ✅ or ❌; `/deploy signoff` asks again.",
                code(item.as_str()),
                code(role.as_str())
            ),
            Self::FollowsDecision { item } => write!(
                f,
                "{} is the decision. Take it with `/deploy go` or `/deploy no-go`.",
                code(item.as_str())
            ),
            Self::Held { item, section, holds } => write!(
                f,
                "{} is held: {} does not begin until {}.",
                code(item.as_str()),
                quoted(section),
                held_until(holds)
            ),
            Self::SignOffNotReady { role, holds } if holds.is_empty() => write!(
                f,
                "No request to {} is open. `/deploy signoff` asks again, on a new card.",
                code(role.as_str())
            ),
            Self::SignOffNotReady { role, holds } => write!(
                f,
                "It is too early to sign: {} is asked once {}.",
                code(role.as_str()),
                held_until(holds)
            ),
            Self::AlreadyApproved { role } => write!(
                f,
                "{} has approved already. Taking the ✅ off the card withdraws it.",
                code(role.as_str())
            ),
            Self::NotHolder { role, held_by } if held_by.is_empty() => write!(
                f,
                "You do not hold the role {}, and nobody does yet. `/owner set` names who does.",
                code(role.as_str())
            ),
            Self::NotHolder { role, held_by } => write!(
                f,
                "You do not hold the role {}, so this does not count. It is held by {}.",
                code(role.as_str()),
                some_of(held_by.iter().map(holder_name).collect(), "and")
            ),
            Self::FourEyes { role } => write!(
                f,
                "You started this deployment, so you cannot be its only signer. Somebody else has to sign first, for {} or for another role.",
                code(role.as_str())
            ),
            Self::SignedByStarterAlone { starter, wish } => write!(
                f,
                "{} waits until somebody besides {} has signed: who started a deployment cannot be its only signer.",
                wish_name(*wish),
                person_name(*starter)
            ),
            Self::CardOutdated { role } => write!(
                f,
                "This card no longer counts, as what it showed has changed. If {} is still asked, answer the latest card.",
                code(role.as_str())
            ),
            Self::NothingToWithdraw { role } => write!(
                f,
                "You have neither approved nor rejected for {}, so there is nothing to take back.",
                code(role.as_str())
            ),
            Self::SignedAndDecided { role } => write!(
                f,
                "The decision is GO, so what {} answered stays. To stop the release, decide `/deploy no-go` first.",
                code(role.as_str())
            ),
            Self::NoRejection { role } => write!(
                f,
                "No rejection of yours stands for {}, so there is no reason to give.",
                code(role.as_str())
            ),
            Self::NothingToAcknowledge => f.write_str(
                "No open request waits for a role that you hold, so there is nothing to acknowledge.",
            ),
            Self::PingNotDue => f.write_str("This ping is not due, or no longer, so nobody was pinged."),
            Self::ObservationNotDue => f.write_str(
                "This observation of a check is not waited for, or no longer, so it does not count.",
            ),
            Self::AlreadyGo => f.write_str("The decision is GO already; nothing was changed."),
            Self::AlreadyNoGo => f.write_str("The decision is NO-GO already; nothing was changed."),
            Self::NotYet { wish, holds } => {
                write!(f, "{} waits until {}.", wish_name(*wish), held_until(holds))
            }
            Self::ReasonNeeded => {
                f.write_str("Say why it failed: give `reason` as well. Nothing was changed.")
            }
            Self::PeopleOnly => f.write_str("Only a person can do this."),
            Self::UnknownVariable { typed, known } if known.is_empty() => write!(
                f,
                "This checklist has no variable {}, nor any other that can be given. Leave `variables` out.",
                code(typed)
            ),
            Self::WhichDeployment => write!(
                f,
                "Which deployment? Use this in the thread of one, or give its number as `deployment`. `/deploy list` shows those that run."
            ),
            Self::UnknownChecklist { typed, known } if known.is_empty() => write!(
                f,
                "There is no checklist {}, and none at all. Bring one with `/checklist import`, or have the operator put Markdown files into the checklists directory.",
                code(typed)
            ),
            Self::UnknownChecklist { typed, known } => write!(
                f,
                "There is no checklist {}. There is {}.",
                code(typed),
                some_of(known.iter().map(|name| code(name)).collect(), "and")
            ),
            Self::NotImported { file, why } => {
                write!(f, "{} was not imported: it {why}.", code(file))
            }
            Self::NameTaken { name } => write!(
                f,
                "{} is a checklist that the operator put there. Import yours under another `name`.",
                code(name.as_str())
            ),
            Self::NotAnImport { name } => write!(
                f,
                "{} was not imported: the operator put it there, and takes it from the checklists directory.",
                code(name.as_str())
            ),
            Self::TooManyImports { most } => write!(
                f,
                "This server has {most} imported checklists, the most that it may have. Take one away with `/checklist remove`."
            ),
            Self::BrokenChecklist { name, line, why } => write!(
                f,
                "{} cannot be started: line {line}: {} `/checklist lint` shows all that is wrong with it.",
                code(name),
                plain(why)
            ),
            Self::NotAnAssignment { typed } => write!(
                f,
                "{} does not give a variable its value. Write `name=value`, with a space between several and double quotes around a value with spaces.",
                code(typed)
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
                "This checklist has no variable {}. It has {}.",
                code(typed),
                some_of(known.iter().map(|name| code(name)).collect(), "and")
            ),
            Self::SecretVariable { name, env: Some(env) } => write!(
                f,
                "{} is secret, so it cannot be given in chat; nothing was started. Set {} where the bot runs, and change the value if it was typed here.",
                code(name.as_str()),
                code(env)
            ),
            Self::SecretVariable { name, env: None } => write!(
                f,
                "{} is secret, so it cannot be given in chat; nothing was started. Give it an `env` in the checklist's front matter, and change the value if it was typed here.",
                code(name.as_str())
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

fn wish_name(wish: Wish) -> &'static str {
    match wish {
        Wish::Go => "GO",
        Wish::Finish => "The end",
    }
}

fn unknown(f: &mut fmt::Formatter<'_>, what: &str, typed: &str, nearest: Option<&str>) -> fmt::Result {
    write!(f, "This checklist has no {what} {}. ", code(typed))?;
    match nearest {
        Some(nearest) => write!(
            f,
            "The nearest is {}; pick one from the list that opens as you type.",
            code(nearest)
        ),
        None => f.write_str("Pick one from the list that opens as you type."),
    }
}

fn checks_have(checks: &[CheckId]) -> String {
    let names = checks.iter().map(|check| code(check.as_str())).collect();
    if checks.len() == 1 {
        format!("check {} has", some_of(names, "and"))
    } else {
        format!("checks {} have", some_of(names, "and"))
    }
}

fn held_until(holds: &[Hold]) -> String {
    some_of(holds.iter().map(hold_name).collect(), "and")
}

fn hold_name(hold: &Hold) -> String {
    match hold {
        Hold::Open { item } => format!("{} is done", code(item.as_str())),
        Hold::Blocked { item } => format!("{} is unblocked", code(item.as_str())),
        Hold::Check { check } => format!("check {} has passed", code(check.as_str())),
        Hold::NotRun { item, check } => format!(
            "check {} has run ({} is ticked in the document, but its check has not run; {} runs it)",
            code(check.as_str()),
            code(item.as_str()),
            code(&format!("/deploy check what:{item}"))
        ),
        Hold::SignOff { role } => format!("{} has signed", code(role.as_str())),
        Hold::Rejected { role } => format!("{} no longer rejects", code(role.as_str())),
        Hold::Decision => "the decision is GO".to_owned(),
    }
}

/// The first few, and how many more.
fn some_of(mut names: Vec<String>, word: &str) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 {
        names.truncate(SHOWN);
        names.push(format!("{more} more"));
    }
    match names.pop() {
        None => "nobody".to_owned(),
        Some(only) if names.is_empty() => only,
        Some(last) => format!("{} {word} {last}", names.join(", ")),
    }
}

fn quoted(title: &str) -> String {
    format!("“{}”", inert(title))
}

/// A text within backticks, where Discord formats nothing.
fn code(text: &str) -> String {
    let plain = plain(text);
    format!("`{}`", if plain.is_empty() { " " } else { &plain })
}

/// A typed text with nothing in it that Discord would format or mention, short enough for a sentence.
fn inert(typed: &str) -> String {
    let mut text = String::new();
    for c in plain(typed).chars() {
        match c {
            '<' => text.push('‹'),
            '>' => text.push('›'),
            '\\' | '*' | '_' | '~' | '|' | '[' | ']' => {
                text.push('\\');
                text.push(c);
            }
            // A word joiner keeps an address from becoming a link, and cannot be seen.
            '/' if text.ends_with(":/") => text.push_str("/\u{2060}"),
            c => text.push(c),
        }
    }
    text
}

/// A text on one line, without backticks, mentions and what is not seen, cut after a hundred and twenty characters.
fn plain(text: &str) -> String {
    const SHOWN: usize = 120;
    let mut characters = text.chars().filter(|c| !is_unseen(*c)).map(|c| match c {
        '`' => 'ˋ',
        '@' => '＠',
        '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    });
    let mut shown: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}
