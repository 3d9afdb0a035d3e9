//! Checks that are watched and do not pass: who has been pinged for them, and who is next.

use jiff::{SignedDuration, Timestamp};

use super::Deployment;
use crate::domain::effects::{Then, Timer, TimerKey};
use crate::domain::escalation::EscalationPolicy;
use crate::domain::ids::{CheckId, UserId};
use crate::domain::sign_off::Rank;

/// A check that is watched and does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turned {
    /// Since when.
    pub since: Timestamp,
    /// How many pings followed the word that it turned.
    pub pings: u32,
    /// When somebody was told last.
    pub told_at: Timestamp,
    /// Who has seen it, and until when that lets pings wait.
    pub acknowledged: Option<(UserId, Timestamp)>,
}

impl Turned {
    /// One that turned just now.
    pub(super) fn at(since: Timestamp) -> Self {
        Self {
            since,
            pings: 0,
            told_at: since,
            acknowledged: None,
        }
    }

    /// The same after a ping.
    pub(super) fn pinged(self, ping: u32, at: Timestamp) -> Self {
        Self {
            pings: ping,
            told_at: at,
            acknowledged: None,
            ..self
        }
    }
}

impl Deployment {
    /// The ladder that a check climbs when its watch turns: the one it names, else the built-in one.
    pub fn policy_of_watch(&self, check: &CheckId) -> EscalationPolicy {
        let named = self
            .checklist
            .checks
            .get(check)
            .and_then(|check| check.escalate.as_ref());
        named
            .and_then(|name| self.checklist.escalations.get(name))
            .cloned()
            .unwrap_or_else(EscalationPolicy::built_in)
    }

    /// Whom a ping of a turned watch is for, counting from 1. Those who answer for the release heard of it first, and had the
    /// first rung's time; then the first rung is pinged.
    pub fn rank_of_watch_ping(&self, check: &CheckId, ping: u32) -> Option<Rank> {
        Some(self.policy_of_watch(check).level(ping.checked_sub(1)?)?.rank)
    }

    /// The timer of the next ping for a check that turned: none where it passes, or the ladder has ended.
    ///
    /// It comes due when those who were told last have had their time, or when an acknowledgement runs out, whichever is
    /// later.
    pub fn watch_timer(&self, check: &CheckId) -> Option<Timer> {
        if self.finished.is_some() {
            return None;
        }
        let turned = self.turned.get(check)?;
        let policy = self.policy_of_watch(check);
        let ping = turned.pings.checked_add(1)?;
        policy.level(turned.pings)?;
        let patience = policy.level(turned.pings.saturating_sub(1))?.wait;
        let due = turned
            .told_at
            .checked_add(SignedDuration::try_from(patience).ok()?)
            .ok()?;
        Some(Timer {
            key: TimerKey::of_watch(check),
            due: turned.acknowledged.map_or(due, |(_, until)| due.max(until)),
            then: Then::WatchPing {
                check: check.clone(),
                ping,
            },
        })
    }
}
