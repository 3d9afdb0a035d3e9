//! What a load comes to: how long answers took, and what became of the requests that got none.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};
use tokio::time::Instant;

/// The longest wait that is told apart from longer ones. A request is not waited for any longer either.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// Significant digits of every wait: 1.234 s and 1.235 s are told apart.
const DIGITS: u8 = 3;

/// Counts and waits of the requests that count.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    /// In nanoseconds. Its size is fixed: 200 KiB, however many requests there are.
    waits: Histogram<u64>,
    longest: Duration,
    requests: u64,
    answered: u64,
    in_time: u64,
    errors: u64,
    last: Option<Instant>,
    statuses: BTreeMap<u16, u64>,
    fates: BTreeMap<&'static str, u64>,
}

impl Figures {
    pub(super) fn new() -> Result<Self, CreationError> {
        Ok(Self {
            waits: Histogram::new_with_max(LONGEST_WAIT.as_nanos() as u64, DIGITS)?,
            longest: Duration::ZERO,
            requests: 0,
            answered: 0,
            in_time: 0,
            errors: 0,
            last: None,
            statuses: BTreeMap::new(),
            fates: BTreeMap::new(),
        })
    }

    /// Notes an answer that was read to its end. `stop` is when nothing more is sent, where time decides.
    pub(super) fn answer(&mut self, status: u16, from: Instant, until: Instant, stop: Option<Instant>) {
        self.wait(from, until);
        self.requests += 1;
        self.answered += 1;
        if stop.is_none_or(|stop| until <= stop) {
            self.in_time += 1;
        }
        // RFC 9110, 15: the classes 4 and 5 are errors.
        if status >= 400 {
            self.errors += 1;
        }
        *self.statuses.entry(status).or_default() += 1;
    }

    /// Notes a request that was given up: it waited for so long at least.
    pub(super) fn given_up(&mut self, from: Instant, until: Instant) {
        self.wait(from, until);
        self.failed("got no answer in time", until);
    }

    /// Notes a request that failed. How soon it did says nothing about how fast answers are.
    pub(super) fn failed(&mut self, fate: &'static str, until: Instant) {
        self.requests += 1;
        self.errors += 1;
        self.last = self.last.max(Some(until));
        *self.fates.entry(fate).or_default() += 1;
    }

    /// Requests that count, whatever became of them.
    pub(super) fn requests(&self) -> u64 {
        self.requests
    }

    /// Requests that were not answered well: with 400 or more, or not wholly.
    pub(super) fn errors(&self) -> u64 {
        self.errors
    }

    /// How many of a hundred requests are errors.
    pub(super) fn error_percent(&self) -> f64 {
        if self.requests == 0 {
            return 0.0;
        }
        self.errors as f64 * 100.0 / self.requests as f64
    }

    /// Whether there is any wait to tell of.
    pub(super) fn has_waits(&self) -> bool {
        !self.waits.is_empty()
    }

    /// The wait that this part of all waits, from 0 to 1, did not exceed.
    pub(super) fn quantile(&self, part: f64) -> Duration {
        Duration::from_nanos(self.waits.value_at_quantile(part)).min(self.longest)
    }

    /// The longest wait, at most [`LONGEST_WAIT`].
    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// The mean wait.
    pub(super) fn mean(&self) -> Duration {
        Duration::from_nanos(self.waits.mean() as u64)
    }

    /// Answers a second: those that came until `stop`, where time decides, else all of them until the last.
    pub(super) fn rate(&self, warm: Instant, stop: Option<Instant>) -> f64 {
        let (answers, until) = match stop {
            Some(stop) => (self.in_time, Some(stop)),
            None => (self.answered, self.last),
        };
        let seconds = until.map_or(0.0, |until| until.saturating_duration_since(warm).as_secs_f64());
        if seconds > 0.0 {
            answers as f64 / seconds
        } else {
            0.0
        }
    }

    /// How many answers had each status.
    pub(super) fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.statuses
    }

    /// Clauses about the errors, the most frequent first: `10 were answered 503`.
    pub(super) fn error_clauses(&self) -> Vec<String> {
        let answered = self
            .statuses
            .iter()
            .filter(|(status, _)| **status >= 400)
            .map(|(status, count)| (*count, format!("were answered {status}")));
        let fates = self
            .fates
            .iter()
            .map(|(fate, count)| (*count, (*fate).to_owned()));
        let mut all: Vec<(u64, String)> = answered.chain(fates).collect();
        all.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        all.into_iter()
            .map(|(count, fate)| format!("{count} {fate}"))
            .collect()
    }

    fn wait(&mut self, from: Instant, until: Instant) {
        let wait = until.saturating_duration_since(from).min(LONGEST_WAIT);
        self.waits.saturating_record(wait.as_nanos() as u64);
        self.longest = self.longest.max(wait);
        self.last = self.last.max(Some(until));
    }
}
