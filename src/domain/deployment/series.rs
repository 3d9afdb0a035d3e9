//! Checks that several observations decide: how far they are, when the next observation is due, and what is watched.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Deployment, Phase};
use crate::domain::check::{AfterGo, CheckResult, CheckStatus, Rhythm};
use crate::domain::effects::{Then, Timer, TimerKey};
use crate::domain::ids::CheckId;

/// How many of a check's latest results are kept in mind, to be shown in a row.
pub const RECENT: usize = 20;

/// Observations of one check, from when somebody asked for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Which series of the check it is, from 1.
    pub number: u32,
    /// How many observations it has.
    pub observations: u32,
    /// How many of the latest passed in a row.
    pub passed: u32,
    /// How many of the latest did not pass in a row.
    pub not_passed: u32,
    /// How long nobody looked since the first of those that passed in a row, as the bot was down.
    pub missed: SignedDuration,
    /// From when the next observation is counted.
    pub paced_from: Timestamp,
    /// The latest observation.
    pub last: CheckResult,
    /// Whether the check is decided.
    pub stage: Stage,
}

/// Whether a series has decided its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// More observations are needed.
    UnderWay,
    /// It is decided; after GO it may be observed on.
    Decided,
}

/// How far a check is that several observations decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesProgress {
    /// How many observations passed in a row.
    pub passed: u32,
    /// How many have to.
    pub needed: u32,
    /// How many of the latest did not pass.
    pub not_passed: u32,
    /// How many in a row fail the check.
    pub failures: u32,
    /// When the last observation is due, if all pass and none is missed.
    pub until: Timestamp,
    /// How long nobody looked, by which the window is longer.
    pub missed: SignedDuration,
}

/// An observation as its event tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed<'a> {
    pub(super) result: &'a CheckResult,
    pub(super) series: u32,
    pub(super) number: u32,
    pub(super) due: Option<Timestamp>,
}

impl Series {
    fn begun(number: u32, result: &CheckResult) -> Self {
        Self {
            number,
            observations: 1,
            passed: u32::from(result.has_passed()),
            not_passed: u32::from(!result.has_passed()),
            missed: SignedDuration::ZERO,
            paced_from: result.at,
            last: result.clone(),
            stage: Stage::UnderWay,
        }
    }

    fn observe(&mut self, observed: Observed<'_>, every: Duration) {
        let Observed {
            result, number, due, ..
        } = observed;
        self.observations = number;
        let due = due.unwrap_or(result.at);
        let late = result.at.duration_since(due);
        // A little late is no gap, and must not let the pace drift; more is time that nobody saw.
        let gap = late > signed(every / 2);
        // A window begins when its first observation was made, not when it should have been.
        let begins = self.passed == 0;
        self.paced_from = if gap || begins { result.at } else { due };
        if result.has_passed() {
            if begins {
                self.missed = SignedDuration::ZERO;
            } else if gap {
                self.missed = self.missed.saturating_add(late);
            }
            self.passed = self.passed.saturating_add(1);
            self.not_passed = 0;
        } else {
            self.missed = SignedDuration::ZERO;
            self.passed = 0;
            self.not_passed = self.not_passed.saturating_add(1);
        }
        self.last = result.clone();
    }

    fn next_due(&self, rhythm: &Rhythm) -> Timestamp {
        later(self.paced_from, rhythm.every)
    }
}

impl Deployment {
    /// How a check is observed, where one observation does not decide it.
    pub fn rhythm_of(&self, check: &CheckId) -> Option<Rhythm> {
        self.checklist.checks.get(check)?.rhythm
    }

    /// The series of a check that is not decided yet.
    pub fn series_under_way(&self, check: &CheckId) -> Option<&Series> {
        self.series
            .get(check)
            .filter(|series| series.stage == Stage::UnderWay)
    }

    /// How far a check is whose series is not decided yet; nothing once the deployment has ended.
    pub fn series_progress(&self, check: &CheckId) -> Option<SeriesProgress> {
        if matches!(self.phase, Phase::Finished(_)) {
            return None;
        }
        let series = self.series_under_way(check)?;
        let rhythm = self.rhythm_of(check)?;
        let needed = rhythm.needed();
        let after_next = needed.saturating_sub(series.passed).saturating_sub(1);
        Some(SeriesProgress {
            passed: series.passed,
            needed,
            not_passed: series.not_passed,
            failures: rhythm.failures.get(),
            until: later(series.next_due(&rhythm), rhythm.every.saturating_mul(after_next)),
            missed: series.missed,
        })
    }

    /// Whether a check is observed now because the decision was GO.
    pub fn is_watched(&self, check: &CheckId) -> bool {
        self.phase == Phase::Releasing
            && self
                .rhythm_of(check)
                .is_some_and(|rhythm| rhythm.after_go == AfterGo::Watched)
    }

    /// The latest results of a check, the oldest first; at most [`RECENT`].
    pub fn recent_of(&self, check: &CheckId) -> impl ExactSizeIterator<Item = CheckStatus> + '_ {
        static NONE: VecDeque<CheckStatus> = VecDeque::new();
        self.recent.get(check).unwrap_or(&NONE).iter().copied()
    }

    /// The timer of a check's next observation: while its series is not decided, and after GO while it is watched.
    pub fn observation_timer(&self, check: &CheckId) -> Option<Timer> {
        if matches!(self.phase, Phase::Finished(_)) {
            return None;
        }
        let rhythm = self.rhythm_of(check)?;
        let watched = self.is_watched(check);
        let go = || self.decision.as_ref().map(|decided| decided.at);
        let (due, series, number) = match self.series.get(check) {
            Some(series) if series.stage == Stage::UnderWay => (
                series.next_due(&rhythm),
                series.number,
                series.observations.checked_add(1)?,
            ),
            // What was decided long before GO is looked at again right after it.
            Some(series) if watched => (
                series.next_due(&rhythm).max(go()?),
                series.number,
                series.observations.checked_add(1)?,
            ),
            None if watched => (go()?, 1, 1),
            Some(_) | None => return None,
        };
        Some(Timer {
            key: TimerKey::of_observation(check),
            due,
            then: Then::Observe {
                check: check.clone(),
                series,
                number,
            },
        })
    }

    pub(super) fn apply_observed(&mut self, observed: Observed<'_>) -> Result<(), String> {
        let check = &observed.result.check;
        let rhythm = self
            .rhythm_of(check)
            .ok_or_else(|| format!("the checklist does not observe a check {check} several times"))?;
        match self.series.get_mut(check) {
            Some(series) if series.number == observed.series => series.observe(observed, rhythm.every),
            Some(_) | None => {
                let begun = Series::begun(observed.series, observed.result);
                self.series.insert(check.clone(), begun);
            }
        }
        self.remember(check, observed.result.status);
        Ok(())
    }

    pub(super) fn apply_recorded(&mut self, result: &CheckResult) {
        let check = &result.check;
        match self.series.get_mut(check) {
            // The result of a series is that of its last observation, which is remembered already.
            Some(series) if series.last.at == result.at => series.stage = Stage::Decided,
            Some(_) | None => self.remember(check, result.status),
        }
        self.checks.insert(check.clone(), result.clone());
    }

    fn remember(&mut self, check: &CheckId, status: CheckStatus) {
        let recent = self.recent.entry(check.clone()).or_default();
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back(status);
    }
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(signed(by)).unwrap_or(Timestamp::MAX)
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
