//! What every probe gets, and what it gives back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use super::capture::Captures;
use super::condition::Expressions;
use super::guard::{Guard, Refusal};
use super::observation::Observation;
use super::redact::Redactor;
use super::urls::Urls;
use super::variables::Variables;
use super::{Limits, written};
use crate::domain::check::CheckResult;

/// One try of one check.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) limits: &'a Limits,
    pub(super) guard: &'a Guard,
    pub(super) variables: &'a Variables,
    pub(super) urls: &'a Urls,
    pub(super) redactor: &'a Redactor,
    /// Conditions and captures, compiled.
    pub(super) expressions: &'a Expressions,
    /// Where captured values go.
    pub(super) captures: &'a Captures,
    /// The results of the checks that this one waited for.
    pub(super) results: &'a [CheckResult],
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

/// Why a probe got no further.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hindrance {
    /// A sentence with what to do.
    pub(super) sentence: String,
    /// What was seen up to there, where that alone shows that the check has failed; nothing where the probe could
    /// not be made.
    pub(super) failed_with: Option<BTreeMap<String, Value>>,
}

impl Hindrance {
    /// The probe could not be made.
    pub(super) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            failed_with: None,
        }
    }

    /// What was seen on the way is not what it should be, so the probe was not made to its end.
    pub(super) fn failed(sentence: impl Into<String>, evidence: BTreeMap<String, Value>) -> Self {
        Self {
            sentence: sentence.into(),
            failed_with: Some(evidence),
        }
    }
}

impl From<Refusal> for Hindrance {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.to_string())
    }
}

impl Run<'_> {
    /// The text with its variables replaced.
    pub(super) fn expand<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, Hindrance> {
        self.variables
            .expand(text)
            .map_err(|unknown| Hindrance::new(unknown.to_string()))
    }

    /// Several texts with their variables replaced.
    pub(super) fn expand_all(&self, texts: &[String]) -> Result<Vec<String>, Hindrance> {
        let expanded = texts.iter().map(|text| self.expand(text));
        expanded.map(|text| text.map(Cow::into_owned)).collect()
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
