//! Parameters of the `manual` probe, and what a person has attested.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{CheckResult, CheckStatus};
use crate::domain::ids::{CheckId, UserId};

/// Parameters of a check that a person decides: nothing is probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualProbe {
    /// Whether a person has to say what shows it.
    pub evidence: Evidence,
    /// How it stands in a deployment. Put in by whoever runs the check there and never read from a checklist; nothing
    /// where there is no deployment.
    pub standing: Option<Standing>,
}

/// Whether an attestation needs evidence: a link, or what the person saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Evidence {
    /// It may be given.
    #[default]
    Optional,
    /// Without it, nothing is attested.
    Required,
}

/// How a check that a person decides stands in a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has attested it, or whoever did has taken it back.
    Open,
    /// Somebody has.
    Attested(Attestation),
}

/// What a person has attested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// What shows it.
    pub evidence: Option<String>,
}

impl Attestation {
    /// Under which name a result keeps who attested.
    pub const BY: &str = "attested_by";
    /// Under which name a result keeps what shows it.
    pub const EVIDENCE: &str = "evidence";

    /// What a result says was attested; nothing when it says that nothing was.
    pub fn of(result: &CheckResult) -> Option<Self> {
        let text = |name| result.observed.get(name).and_then(Value::as_str);
        (result.status == CheckStatus::Passed).then_some(())?;
        Some(Self {
            by: UserId(text(Self::BY)?.parse().ok()?),
            at: result.at,
            evidence: text(Self::EVIDENCE).map(str::to_owned),
        })
    }

    /// The result that it is of a check.
    pub fn result(&self, check: &CheckId) -> CheckResult {
        CheckResult {
            check: check.clone(),
            status: CheckStatus::Passed,
            why: self.sentence(),
            observed: self.observed(),
            at: self.at,
            duration_ms: 0,
        }
    }

    /// What was attested, in a sentence.
    pub fn sentence(&self) -> String {
        match &self.evidence {
            Some(evidence) => format!("a person attests it: {evidence}"),
            None => "a person attests it".to_owned(),
        }
    }

    /// What a result keeps of it. An id is kept as text, for JSON numbers lose digits of it.
    pub fn observed(&self) -> BTreeMap<String, Value> {
        let evidence = self.evidence.iter();
        std::iter::once((Self::BY.to_owned(), Value::from(self.by.0.to_string())))
            .chain(evidence.map(|evidence| (Self::EVIDENCE.to_owned(), Value::from(evidence.as_str()))))
            .collect()
    }
}
