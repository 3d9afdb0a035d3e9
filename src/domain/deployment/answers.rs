//! What the roles have answered: requests, approvals that count and rejections that stand.

use jiff::Timestamp;

use crate::domain::event::Actor;
use crate::domain::ids::UserId;
use crate::domain::sign_off::Signature;

/// How far a role's sign-off is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignOff {
    /// The request that waits for an answer, or was answered.
    pub request: Option<Request>,
    /// The request that rests, as what it was made on does not hold. Beside it there is no other.
    pub resting: Option<Resting>,
    /// How often it was asked, also in vain; numbers the cards.
    pub requests: u32,
    /// Approvals that count.
    pub signatures: Vec<Signature>,
    /// The rejection that stands, the first where there are several.
    pub rejection: Option<Rejection>,
    /// Rejections of other people that stand beside it: one person's change of mind does not take another's away.
    pub further_rejections: Vec<Rejection>,
}

impl SignOff {
    /// Every rejection that stands, oldest first.
    pub fn rejections(&self) -> impl Iterator<Item = &Rejection> {
        self.rejection.iter().chain(&self.further_rejections)
    }

    /// A person's rejection.
    pub fn rejection_of(&self, person: UserId) -> Option<&Rejection> {
        self.rejections().find(|rejection| rejection.by == person)
    }

    /// A person's approval.
    pub fn signature_of(&self, person: UserId) -> Option<&Signature> {
        self.signatures.iter().find(|signature| signature.by == person)
    }

    /// Forgets what a person answered.
    pub(super) fn forget(&mut self, person: UserId) {
        self.signatures.retain(|given| given.by != person);
        self.further_rejections.retain(|given| given.by != person);
        if self.rejection.as_ref().is_some_and(|given| given.by == person) {
            self.rejection = (!self.further_rejections.is_empty()).then(|| self.further_rejections.remove(0));
        }
    }

    /// Lets the wait for an answer begin anew, from the first person on.
    pub(super) fn wait_anew(&mut self, at: Timestamp) {
        if let Some(request) = &mut self.request {
            *request = Request::made(at);
        }
    }

    pub(super) fn has_approvals(&self, quorum: usize) -> bool {
        self.rejection.is_none() && self.signatures.len() >= quorum
    }
}

/// A request that rests until what it was made on holds again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    /// The request as it was.
    pub request: Request,
    /// Since when it rests.
    pub since: Timestamp,
}

impl Resting {
    /// The request as it goes on: while it rested, nobody was waited for.
    pub(super) fn resumed(self, at: Timestamp) -> Request {
        let rested = at.duration_since(self.since);
        Request {
            waits_since: self.request.waits_since.saturating_add(rested).unwrap_or(at),
            ..self.request
        }
    }
}

/// A request to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Since when.
    pub at: Timestamp,
    /// How many pings have followed it.
    pub pings: u32,
    /// Since when those pinged last are waited for: the request's time, then the last ping's; later by as long as it rested.
    pub waits_since: Timestamp,
    /// When the last ping went out.
    pub pinged_at: Option<Timestamp>,
    /// Who asked again last, and when.
    pub asked_again: Option<(Actor, Timestamp)>,
    /// Until when pings wait, and who asked for that.
    pub acknowledged: Option<(UserId, Timestamp)>,
}

impl Request {
    pub(super) fn made(at: Timestamp) -> Self {
        Self {
            at,
            pings: 0,
            waits_since: at,
            pinged_at: None,
            asked_again: None,
            acknowledged: None,
        }
    }
}

/// A role's no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Whose.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why, when they have said it.
    pub reason: Option<String>,
}
