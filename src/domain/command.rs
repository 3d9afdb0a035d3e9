//! What somebody or something asks for. Commands are imperative; what comes of them are events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::check::CheckResult;
use super::checklist::Checklist;
use super::event::Outcome;
use super::ids::{BlankId, ChannelId, GuildId, ItemId, RoleKey, UserId};
use super::rights::{Person, Rights};
use super::sign_off::Owners;
use super::text::{BlankValue, Environment, Reason, Remark, Version};

/// A wish to run a checklist.
#[derive(Clone, Debug)]
pub struct Start {
    /// The checklist as it is now; the deployment keeps to it.
    pub checklist: Arc<Checklist>,
    /// The bytes it was read from, which are kept with the deployment.
    pub checklist_bytes: Arc<[u8]>,
    /// The Discord server.
    pub guild: GuildId,
    /// The channel in which its thread opens.
    pub channel: ChannelId,
    /// What is released.
    pub version: Version,
    /// Where to.
    pub environment: Environment,
    /// Values for variables, in place of their defaults.
    pub variables: BTreeMap<String, String>,
}

/// A wish to change a deployment.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    missing_docs,
    reason = "a field is what its name says; the variant says the rest"
)]
pub enum Command {
    /// Tick an item.
    Tick { item: ItemId },
    /// Tick an item, and say what shows that it is done.
    Attest { item: ItemId, evidence: Remark },
    /// Open a ticked or skipped item again.
    Untick { item: ItemId },
    /// Close an item, and what is nested in it, without doing it.
    Skip { item: ItemId, reason: Reason },
    /// Say that an item cannot go on.
    Block { item: ItemId, reason: Reason },
    /// Say that it can again.
    Unblock { item: ItemId, reason: Option<Reason> },
    /// Fill a blank in.
    Fill { blank: BlankId, value: BlankValue },
    /// Give an item to a person, or to nobody.
    Assign { item: ItemId, to: Option<UserId> },
    /// Write a remark down, on an item or on the whole.
    Note { item: Option<ItemId>, text: Remark },
    /// Take the result of a check that somebody asked for. Where several observations decide it, this is the first.
    RecordCheck { result: CheckResult },
    /// Take an observation of a check that came due.
    RecordObservation {
        result: CheckResult,
        /// Which series of the check, from 1.
        series: u32,
        /// Which observation of the series, from 1.
        number: u32,
    },
    /// Ask a role to sign, now or again.
    RequestSignOff { role: RoleKey },
    /// Approve for a role.
    Approve { role: RoleKey },
    /// Reject for a role; the reason may follow.
    Reject { role: RoleKey, reason: Option<Reason> },
    /// Give the reason of one's rejection.
    ExplainRejection { role: RoleKey, reason: Reason },
    /// Take one's approval or rejection back.
    Withdraw { role: RoleKey },
    /// Decide GO.
    Go,
    /// Decide NO-GO.
    NoGo { reason: Reason },
    /// End the deployment.
    Finish {
        outcome: Outcome,
        reason: Option<Reason>,
    },
    /// Say that one has seen a request; its pings wait for a while. Without a role, all that the person holds.
    /// At most [`LONGEST_SNOOZE`]; it never brings the next ping nearer.
    Acknowledge { role: Option<RoleKey>, snooze: Duration },
    /// Answer for a role on one of its cards, as a reaction does. It counts only while that card is the latest.
    AnswerCard {
        role: RoleKey,
        /// Which of the role's requests the card belongs to, from 1.
        request: u32,
        answer: CardAnswer,
    },
    /// A ping of an unanswered request has come due.
    PingDue {
        role: RoleKey,
        ping: u32,
        due: Timestamp,
    },
}

/// What somebody answers on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "a field is what its name says; the variant says the rest"
)]
pub enum CardAnswer {
    /// Approve.
    Approve,
    /// Reject; the reason may follow.
    Reject { reason: Option<Reason> },
    /// Take one's approval or rejection back.
    Withdraw,
    /// Say that one has seen the request; its pings wait for a while.
    Acknowledge { snooze: Duration },
}

/// The longest that an acknowledgement lets pings wait, so that nobody silences a request for good: a day.
pub const LONGEST_SNOOZE: Duration = Duration::from_hours(24);

/// Who acts, and what they act under.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// Who acts.
    pub actor: &'a ActingAs,
    /// The rights of the Discord server.
    pub rights: &'a Rights,
    /// Who holds which role there.
    pub owners: &'a Owners,
    /// Whether who started a deployment may be its only signer.
    pub four_eyes: FourEyes,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActingAs {
    /// A person.
    Person(Person),
    /// The check runner.
    CheckRunner,
    /// A timer that came due.
    Timer,
}

/// Whether two people are needed for a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FourEyes {
    /// Who started a deployment cannot be its only signer.
    Required,
    /// They can.
    Waived,
}
