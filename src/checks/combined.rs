//! The `all` and `any` probes: what became of other checks, judged together.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::written;
use crate::domain::check::{CheckResult, CheckStatus, CombinedProbe, Rule};

/// What the members are observed by.
pub(super) const NAMES: [(&str, Kind); 3] = [
    ("passed", Kind::Names),
    ("failed", Kind::Names),
    ("total", Kind::Whole),
];

/// The most members that are named with how they ended.
const NAMED: usize = 6;

/// Looks at the results of the members, which have ended by now.
pub(super) fn probe(run: &Run<'_>, probe: &CombinedProbe) -> Result<Seen, Hindrance> {
    let mut passed = Vec::new();
    let mut failed = Vec::new();
    let mut clauses = Vec::new();
    for member in &probe.members {
        let Some(result) = run.results.iter().find(|result| result.check == *member) else {
            return Err(Hindrance::new(format!(
                "check {member} has not run, so nothing is known of it; run it along"
            )));
        };
        if result.status == CheckStatus::Passed {
            passed.push(member.to_string());
        } else {
            failed.push(member.to_string());
            clauses.push(clause(result));
        }
    }
    let total = probe.members.len();
    let holds = match probe.rule {
        Rule::All => failed.is_empty(),
        Rule::Any => !passed.is_empty(),
    };
    let left_out = clauses.len().saturating_sub(NAMED);
    clauses.truncate(NAMED);
    if left_out > 0 {
        clauses.push(format!("{left_out} more did not pass either"));
    }
    let clauses = clauses.join("; ");
    let counted = format!("{} of {total} passed", passed.len());
    let why = match (holds, clauses.is_empty()) {
        (_, true) => format!("{} passed", written::joined(&passed, "and")),
        (true, false) => format!("{} passed, while {clauses}", written::joined(&passed, "and")),
        (false, false) => format!("{counted}: {clauses}"),
    };
    Ok(Seen {
        evidence: BTreeMap::from([
            ("passed".to_owned(), Value::from(passed.clone())),
            ("failed".to_owned(), Value::from(failed.clone())),
            ("total".to_owned(), json!(total)),
        ]),
        observation: Observation::default()
            .with("passed", Observed::Names(passed))
            .with("failed", Observed::Names(failed))
            .with("total", Observed::Whole(total as i64)),
        holds,
        why,
    })
}

/// How a member that did not pass ended, as `health failed`.
fn clause(result: &CheckResult) -> String {
    format!("{} {}", result.check, ended(result.status))
}

/// How a check ended, as the end of a sentence about it.
pub(super) fn ended(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Passed => "passed",
        CheckStatus::Failed => "failed",
        CheckStatus::Error => "could not be run",
        CheckStatus::Skipped => "was skipped",
    }
}
