//! Rhythms: how often a check is observed, and how many observations decide it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{CheckResult, CheckStatus};

/// A check that one observation does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// How long after one observation the next is made, written `every`; [`SHORTEST_EVERY`] at least.
    pub every: Duration,
    /// For how long every observation has to pass, written `for`; between `every` and [`LONGEST_FOR`].
    pub lasting: Option<Duration>,
    /// How many observations in a row have to fail before the check has failed, written `failures`.
    pub failures: NonZeroU32,
    /// How many observations in a row have to pass before the check has passed, written `successes`.
    pub successes: NonZeroU32,
    /// Whether it is observed on after GO, written `watch`.
    pub after_go: AfterGo,
}

/// What becomes of a check after GO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterGo {
    /// It is observed until the deployment ends.
    Watched,
    /// It runs when somebody asks for it.
    Left,
}

/// What the latest observations of a check come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Enough of them passed in a row.
    Passed,
    /// Enough of them did not.
    NotPassed,
}

/// The shortest `every`: more often, a check would be load, and its history longer than anybody reads.
pub const SHORTEST_EVERY: Duration = Duration::from_secs(10);
/// The shortest `every` of a check that is watched, as a deployment may be open for weeks and each observation is kept.
pub const SHORTEST_WATCH: Duration = Duration::from_mins(1);
/// The longest `every`: a day.
pub const LONGEST_EVERY: Duration = Duration::from_hours(24);
/// The longest `for`: a week.
pub const LONGEST_FOR: Duration = Duration::from_hours(7 * 24);
/// The most observations that `for` may ask for: each is an event, and is kept.
pub const MOST_OBSERVATIONS: u32 = 5000;
/// The most observations in a row that `failures` and `successes` may ask for.
pub const MOST_IN_A_ROW: u32 = 100;

/// The most bytes of JSON that one observed value takes in an observation of many.
const VALUE_BYTES: usize = 256;
/// The most bytes of JSON that all its observed values take.
const EVIDENCE_BYTES: usize = 1024;

impl Rhythm {
    /// How many observations in a row have to pass. A window is full when its last observation is made as long after its
    /// first as `for` says, so that an hour of minutes has 61.
    pub fn needed(&self) -> u32 {
        let window = self.lasting.map_or(1, |lasting| {
            let steps = lasting.as_millis().div_ceil(self.every.as_millis().max(1));
            u32::try_from(steps).unwrap_or(u32::MAX).saturating_add(1)
        });
        window.max(self.successes.get())
    }

    /// What so many observations in a row come to; nothing while more are needed.
    pub fn verdict(&self, passed: u32, not_passed: u32) -> Option<Verdict> {
        if passed >= self.needed() {
            Some(Verdict::Passed)
        } else if not_passed >= self.failures.get() {
            Some(Verdict::NotPassed)
        } else {
            None
        }
    }

    /// The result of a check whose last observation decided it: that observation, with what it took said before why.
    pub fn concluded(&self, last: CheckResult, verdict: Verdict, observations: u32) -> CheckResult {
        let needed = self.needed();
        let took = match (verdict, self.lasting) {
            (Verdict::Passed, Some(lasting)) => Some(format!(
                "all {needed} observations passed, over {}",
                in_words(lasting)
            )),
            (Verdict::Passed, None) if needed > 1 => Some(format!("{needed} observations in a row passed")),
            (Verdict::NotPassed, _) if self.failures.get() > 1 => {
                Some(format!("{} observations in a row did not pass", self.failures))
            }
            (Verdict::NotPassed, _) if needed > 1 => Some(format!("observation {observations} did not pass")),
            (Verdict::Passed, None) | (Verdict::NotPassed, _) => None,
        };
        match took {
            Some(took) if last.why.is_empty() => CheckResult { why: took, ..last },
            Some(took) => CheckResult {
                why: format!("{took}: {}", last.why),
                ..last
            },
            None => last,
        }
    }
}

impl CheckResult {
    /// Whether it passed.
    pub fn has_passed(&self) -> bool {
        self.status == CheckStatus::Passed
    }

    /// The result as one observation of many, with as much of what it saw as is kept of each: long values by their
    /// beginnings, and as many as have room. The result that decides keeps all.
    #[must_use]
    pub fn as_one_of_many(mut self) -> Self {
        let mut left = EVIDENCE_BYTES;
        self.observed = std::mem::take(&mut self.observed)
            .into_iter()
            .filter_map(|(name, value)| {
                let written = value.to_string();
                let value = if written.len() > VALUE_BYTES {
                    serde_json::Value::String(beginning(&value, &written))
                } else {
                    value
                };
                left = left.checked_sub(name.len() + written.len().min(VALUE_BYTES))?;
                Some((name, value))
            })
            .collect();
        self
    }
}

/// A length of time in its largest whole unit: `1 h`, `90 min`, `45 s`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

/// The beginning of a value that is too long, as text: of a text itself, else of its JSON.
fn beginning(value: &serde_json::Value, written: &str) -> String {
    let whole = value.as_str().unwrap_or(written);
    let mut end = VALUE_BYTES.min(whole.len());
    while !whole.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", whole.get(..end).unwrap_or_default())
}
