//! Whom a message is for: who holds a role, in which rank, and who stands in where nobody holds that rank.

use super::message::mention;
use crate::domain::deployment::Deployment;
use crate::domain::ids::RoleKey;
use crate::domain::sign_off::{Holder, Owners, Rank};

/// The most people one message mentions. Discord takes up to 100 of a kind; nobody reads so many.
const MOST: usize = 30;

/// Who is asked for a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The rank they hold it in.
    pub(crate) rank: Rank,
    /// Those who are mentioned; never empty.
    pub(crate) holders: Vec<Holder>,
    /// How many more hold it in the same rank.
    pub(crate) more: usize,
}

impl Asked {
    /// Those who hold a role in a rank and have not approved. Where nobody is left, those of the rank below, then of the
    /// ranks above.
    pub(crate) fn of(deployment: &Deployment, owners: &Owners, role: &RoleKey, rank: Rank) -> Option<Self> {
        let has_approved = |holder: &Holder| {
            deployment.sign_offs.get(role).is_some_and(|sign_off| {
                sign_off
                    .signatures
                    .iter()
                    .any(|signature| *holder == Holder::Member(signature.by))
            })
        };
        let order = match rank {
            Rank::Owner => [Rank::Owner, Rank::Deputy, Rank::Lead],
            Rank::Deputy => [Rank::Deputy, Rank::Owner, Rank::Lead],
            Rank::Lead => [Rank::Lead, Rank::Deputy, Rank::Owner],
        };
        order.into_iter().find_map(|rank| {
            let mut holders = owners.holders(role, rank);
            holders.retain(|holder| !has_approved(holder));
            let more = holders.len().saturating_sub(MOST);
            holders.truncate(MOST);
            (!holders.is_empty()).then_some(Self { rank, holders, more })
        })
    }

    /// Those whom a role's request has reached so far: the owners at first, then whoever its last ping went to.
    pub(crate) fn now(deployment: &Deployment, owners: &Owners, role: &RoleKey) -> Option<Self> {
        let request = deployment
            .sign_offs
            .get(role)
            .and_then(|sign_off| sign_off.request.as_ref());
        Self::of(
            deployment,
            owners,
            role,
            rank_of_ping(deployment, role, request.map_or(0, |request| request.pings)),
        )
    }

    /// Their mentions.
    pub(crate) fn mentions(&self) -> String {
        let mut names: Vec<_> = self.holders.iter().map(|holder| mention(*holder)).collect();
        if self.more > 0 {
            names.push(format!("and {} more", self.more));
        }
        names.join(" ")
    }
}

/// The rank that the `n`th ping of a request is for; 0 is the request itself.
pub(crate) fn rank_of_ping(deployment: &Deployment, role: &RoleKey, ping: u32) -> Rank {
    deployment
        .policy_of(role)
        .level(ping)
        .map_or(Rank::Lead, |level| level.rank)
}

/// A rank in a word.
pub(crate) fn rank_name(rank: Rank) -> &'static str {
    match rank {
        Rank::Owner => "owner",
        Rank::Deputy => "deputy",
        Rank::Lead => "lead",
    }
}

/// Those of a rank in a word.
pub(crate) fn rank_plural(rank: Rank) -> &'static str {
    match rank {
        Rank::Owner => "owners",
        Rank::Deputy => "deputies",
        Rank::Lead => "leads",
    }
}

/// That nobody can be asked for a role: none of its holders is left, or it has none.
pub(crate) fn nobody(owners: &Owners, role: &RoleKey) -> &'static str {
    if owners.0.get(role).is_some_and(|holders| !holders.is_empty()) {
        "nobody else holds the role"
    } else {
        "nobody holds the role"
    }
}
