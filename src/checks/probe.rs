//! What every probe gets, and what it gives back.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::guard::Guard;
use super::observation::Observation;
use super::redact::Redactor;
use super::variables::Variables;
use super::{Limits, written};

/// One run of one check.
pub(super) struct Run<'a> {
    pub(super) limits: &'a Limits,
    pub(super) guard: &'a Guard,
    pub(super) variables: &'a Variables,
    pub(super) redactor: &'a Redactor,
    /// The date at which the check began.
    pub(super) now: Timestamp,
    /// How long the check may take.
    pub(super) timeout: Duration,
    /// When that is over.
    pub(super) deadline: Instant,
}

/// What a probe saw, and its own verdict on it.
#[derive(Debug)]
pub(super) struct Seen {
    /// For the condition. May hold secrets.
    pub(super) observation: Observation,
    /// For people, secrets already out of texts that were cut.
    pub(super) evidence: BTreeMap<String, Value>,
    /// Whether the probe, left to itself, is content.
    pub(super) holds: bool,
    /// Why, in a sentence.
    pub(super) why: String,
}

/// Why a probe could not be made: a sentence with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hindrance(pub(super) String);

impl Hindrance {
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl Run<'_> {
    /// The text with its variables replaced.
    pub(super) fn expand(&self, text: &str) -> Result<String, Hindrance> {
        self.variables
            .expand(text)
            .map_err(|unknown| Hindrance::new(unknown.to_string()))
    }

    /// What the work gives, if it is done before the deadline; else the clause with how long that was.
    pub(super) async fn in_time<Done>(
        &self,
        work: impl Future<Output = Done>,
        otherwise: impl FnOnce() -> String,
    ) -> Result<Done, Hindrance> {
        tokio::time::timeout_at(self.deadline, work)
            .await
            .map_err(|_| self.out_of_time(&otherwise()))
    }

    /// The sentence for what was not done before the deadline.
    pub(super) fn out_of_time(&self, clause: &str) -> Hindrance {
        Hindrance::new(format!(
            "{clause} within {}; raise `timeout` if that is too short",
            written::duration(self.timeout)
        ))
    }
}
