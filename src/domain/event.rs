//! What has happened to a deployment. Events are kept for ever, as JSON; fields are added, never changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::check::CheckResult;
use super::ids::{
    BlankId, ChannelId, CheckId, ChecklistHash, ChecklistName, GuildId, ItemId, RoleKey, UserId,
};
use super::sign_off::Signature;

/// An event with its place in a deployment's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// 1 for the first event of a deployment.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who or what brought it about.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
}

/// Who or what brings an event about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    Person(UserId),
    /// The check runner.
    CheckRunner,
    /// A timer.
    Timer,
    /// The document, before anybody touched it.
    Document,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "a field is what its name says; the variant says the rest"
)]
pub enum Event {
    /// A checklist began to run.
    Started {
        /// The bytes it keeps to.
        checklist: ChecklistHash,
        /// Its name at the time.
        name: ChecklistName,
        /// What is released.
        version: String,
        /// Where to.
        environment: String,
        /// The Discord server.
        guild: GuildId,
        /// The channel it was started in.
        channel: ChannelId,
        /// Values given for variables.
        variables: BTreeMap<String, String>,
    },
    /// An item was ticked.
    Ticked { item: ItemId, how: How },
    /// A closed item was opened again.
    Unticked { item: ItemId, how: How },
    /// An item was closed without being done.
    Skipped { item: ItemId, reason: String },
    /// An item cannot go on.
    Blocked { item: ItemId, reason: String },
    /// A blocked item can go on.
    Unblocked { item: ItemId, reason: Option<String> },
    /// A blank was filled in.
    Filled { blank: BlankId, value: String },
    /// An item was given to somebody, or to nobody.
    Assigned { item: ItemId, to: Option<UserId> },
    /// A remark was made.
    Noted { item: Option<ItemId>, text: String },
    /// A check ran, and this is what it came to: the one observation that decides it, or the last of several.
    CheckRecorded { result: CheckResult },
    /// A check that several observations decide was observed.
    CheckObserved {
        /// What was seen.
        result: CheckResult,
        /// Which series of the check, from 1.
        series: u32,
        /// Which observation of the series, from 1.
        number: u32,
        /// When it was due; absent where somebody asked for it. Long before it was made when the bot was down.
        due: Option<Timestamp>,
    },
    /// A check that is watched after GO no longer passes.
    WatchTurned { check: CheckId },
    /// A check that turned pinged the next people.
    WatchPinged {
        /// Which check.
        check: CheckId,
        /// Which ping since it turned, from 1.
        ping: u32,
        /// When it was due; before the time of the event when the bot was down.
        due: Timestamp,
    },
    /// Somebody has seen that a check turned; its pings wait.
    WatchAcknowledged { check: CheckId, until: Timestamp },
    /// It passes again.
    WatchRecovered { check: CheckId },
    /// A role was asked to sign.
    SignOffRequested { role: RoleKey },
    /// A request rests, as what it waited for no longer holds. Its card stays.
    SignOffRecalled { role: RoleKey },
    /// A request that rested asks again, on the same card: what it waits for holds once more.
    SignOffResumed { role: RoleKey },
    /// Somebody asked again while a request waits; its pings go on as they were.
    AskedAgain { role: RoleKey },
    /// An unanswered request pinged the next people.
    Pinged {
        /// For which role.
        role: RoleKey,
        /// 1 for the first after the request itself.
        ping: u32,
        /// When it was due; long before the event's time when the bot was down.
        due: Timestamp,
    },
    /// Somebody has seen the request; its pings wait.
    Acknowledged { role: RoleKey, until: Timestamp },
    /// Somebody approved.
    Approved { role: RoleKey, signature: Signature },
    /// Somebody rejected.
    Rejected { role: RoleKey, reason: Option<String> },
    /// They said why.
    RejectionExplained { role: RoleKey, reason: String },
    /// Somebody took their approval or rejection back.
    Withdrawn { role: RoleKey },
    /// An approval no longer counts, as what it was given on has changed.
    Voided {
        /// For which role.
        role: RoleKey,
        /// Whose.
        by: UserId,
        /// The check whose result changed.
        check: CheckId,
    },
    /// GO or NO-GO.
    Decided {
        decision: Decision,
        reason: Option<String>,
    },
    /// The deployment ended.
    Finished {
        outcome: Outcome,
        reason: Option<String>,
    },
}

/// What brought a tick about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// A person's hand.
    ByHand,
    /// What the item follows: its checks, its nested items, its sign-off, the decision.
    ByWhatItFollows,
    /// It was ticked in the document.
    InTheDocument,
}

/// The answer to whether to release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Release.
    Go,
    /// Do not, for now.
    NoGo,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that holds was done.
    Complete,
    /// It was given up.
    Failed,
}

impl Event {
    /// Its name in the database and the audit log.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Ticked { .. } => "ticked",
            Self::Unticked { .. } => "unticked",
            Self::Skipped { .. } => "skipped",
            Self::Blocked { .. } => "blocked",
            Self::Unblocked { .. } => "unblocked",
            Self::Filled { .. } => "filled",
            Self::Assigned { .. } => "assigned",
            Self::Noted { .. } => "noted",
            Self::CheckRecorded { .. } => "check_recorded",
            Self::CheckObserved { .. } => "check_observed",
            Self::WatchTurned { .. } => "watch_turned",
            Self::WatchPinged { .. } => "watch_pinged",
            Self::WatchAcknowledged { .. } => "watch_acknowledged",
            Self::WatchRecovered { .. } => "watch_recovered",
            Self::SignOffRequested { .. } => "sign_off_requested",
            Self::SignOffRecalled { .. } => "sign_off_recalled",
            Self::SignOffResumed { .. } => "sign_off_resumed",
            Self::AskedAgain { .. } => "asked_again",
            Self::Pinged { .. } => "pinged",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::RejectionExplained { .. } => "rejection_explained",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Voided { .. } => "voided",
            Self::Decided { .. } => "decided",
            Self::Finished { .. } => "finished",
        }
    }
}
