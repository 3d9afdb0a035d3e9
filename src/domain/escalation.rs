//! Escalation policies: whom an unanswered request pings, and when.

use std::time::Duration;

use super::ids::PolicyName;
use super::sign_off::Rank;

/// A ladder of people to ping until a request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationPolicy {
    /// Its key in the front matter.
    pub name: PolicyName,
    /// The rungs, lowest first; at least one.
    pub levels: Vec<Level>,
    /// How many more times the last level is pinged after its first time.
    pub repeat: u32,
}

/// One rung of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Who is pinged.
    pub rank: Rank,
    /// How long an answer is waited for before the next ping.
    pub wait: Duration,
}

impl EscalationPolicy {
    /// What holds where a checklist names no policy: the owner has 30 minutes, the deputy 30, the lead an hour, three times.
    pub fn built_in() -> Self {
        let level = |rank, minutes: u64| Level {
            rank,
            wait: Duration::from_secs(minutes * 60),
        };
        Self {
            name: PolicyName::new("built-in"),
            levels: vec![
                level(Rank::Owner, 30),
                level(Rank::Deputy, 30),
                level(Rank::Lead, 60),
            ],
            repeat: 2,
        }
    }

    /// The level of the `n`th ping, counting from 0 for the request itself; `None` when the ladder has ended.
    pub fn level(&self, n: u32) -> Option<Level> {
        let last = u32::try_from(self.levels.len()).ok()?.checked_sub(1)?;
        if n > last + self.repeat {
            return None;
        }
        self.levels.get(usize::try_from(n.min(last)).ok()?).copied()
    }
}
