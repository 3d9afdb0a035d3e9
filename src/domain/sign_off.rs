//! Sign-offs: who must approve, who may, and what a signature was given on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{ChecklistHash, DiscordRoleId, PolicyName, RoleKey, UserId};

/// A role whose approval a checklist asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOffRule {
    /// Its key in the front matter, as `tech-lead`.
    pub key: RoleKey,
    /// Its name for people, as `Tech Lead`.
    pub title: String,
    /// How many different people must approve; at least 1.
    pub quorum: usize,
    /// The escalation policy that pings them; the built-in one unless said otherwise.
    pub escalate: Option<PolicyName>,
}

/// In which capacity somebody holds a role. Escalation climbs them in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// Who is asked first.
    Owner,
    /// Who signs when the owner does not.
    Deputy,
    /// Who answers for both.
    Lead,
}

/// Who holds a role: a member, or whoever has a Discord role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// This member.
    Member(UserId),
    /// Everyone with this role of the Discord server.
    DiscordRole(DiscordRoleId),
}

/// Who holds which role in one Discord server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owners(pub BTreeMap<RoleKey, Vec<(Rank, Holder)>>);

impl Owners {
    /// The highest rank in which a person holds a role, by membership or by one of their Discord roles.
    pub fn rank_of(&self, role: &RoleKey, person: UserId, discord_roles: &[DiscordRoleId]) -> Option<Rank> {
        self.0
            .get(role)?
            .iter()
            .filter(|(_, holder)| match holder {
                Holder::Member(member) => *member == person,
                Holder::DiscordRole(role) => discord_roles.contains(role),
            })
            .map(|(rank, _)| *rank)
            .min()
    }

    /// Who holds a role in one rank.
    pub fn holders(&self, role: &RoleKey, rank: Rank) -> Vec<Holder> {
        self.0
            .get(role)
            .into_iter()
            .flatten()
            .filter(|(held, _)| *held == rank)
            .map(|(_, holder)| *holder)
            .collect()
    }
}

/// A person's approval, and what it was given on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Who.
    pub by: UserId,
    /// In which capacity.
    pub rank: Rank,
    /// When.
    pub at: Timestamp,
    /// Which of the role's requests it answered, from 1: on whose card it can be taken back.
    #[serde(default)]
    pub request: u32,
    /// The checklist they saw.
    pub checklist: ChecklistHash,
    /// The version they saw.
    pub version: String,
    /// The check results they saw.
    pub checks: ChecksSeen,
}

/// The status of every check, one letter each in the order of their keys: `P` passed, `F` failed, `E` could not be run,
/// `S` skipped, `-` not run yet. Equal when signers saw the same results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChecksSeen(pub String);
