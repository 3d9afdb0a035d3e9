//! A sequence of requests: what one captures the next ones use, and cookies are kept between them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::ask;
use super::cookies::Cookies;
use super::request::Request;
use crate::checks::headers::Asked;
use crate::checks::probe::{Hindrance, Run, Seen};
use crate::checks::wire::Caller;
use crate::checks::{capture, verdict};
use crate::domain::check::HttpSteps;

/// The texts that may name variables and captures of other checks.
pub(in crate::checks) fn texts(probe: &HttpSteps) -> Vec<&str> {
    let steps = probe.steps.iter();
    steps.flat_map(|step| super::texts(&step.request)).collect()
}

/// Makes the requests in order, as long as each is answered as it should be. What was seen is the last one's answer,
/// and headers named in `asked` are kept of that.
pub(in crate::checks) async fn probe(
    run: &Run<'_>,
    caller: &Caller<'_>,
    probe: &HttpSteps,
    asked: &[Asked],
) -> Result<Seen, Hindrance> {
    let mut cookies = Cookies::default();
    let mut variables = run.variables.clone();
    let mut walked: Vec<Value> = Vec::with_capacity(probe.steps.len());
    let last = probe.steps.len().saturating_sub(1);
    for (index, step) in probe.steps.iter().enumerate() {
        let number = index + 1;
        let own = Run {
            variables: &variables,
            ..*run
        };
        let request = Request::new(&own, &step.request)
            .map_err(|hindrance| at(&format!("step {number}"), hindrance))?;
        let path = request.url.path().to_owned();
        let name = format!("step {number} ({} {path})", request.method);
        let answer = ask(&own, caller, &step.request, request, &mut cookies)
            .await
            .map_err(|hindrance| at(&name, hindrance))?;
        // Before anything is told or cut, what was captured has to be known as a secret.
        let (taken, missing) = capture::take(&own, &step.request.capture, &answer.observation)
            .await
            .map_err(|hindrance| at(&name, hindrance))?;
        walked.push(json!({
            "request": format!("{} {path}", step.request.method),
            "status": answer.status.as_u16(),
            "latency_ms": answer.latency.as_millis() as u64,
        }));

        let (holds, why) = match &step.pass {
            Some(pass) => {
                let condition = run.expressions.conditions.get(&pass.text).map_err(|flaw| {
                    Hindrance::new(format!("{name}: the condition cannot be used: {}", flaw.sentence))
                })?;
                let judged = verdict::judged(&own, &condition, Arc::clone(&answer.observation))
                    .await
                    .map_err(|hindrance| at(&name, hindrance))?;
                (judged.holds, judged.why)
            }
            None => answer.verdict(),
        };
        let is_last = index == last;
        // Of the last step the check's own condition speaks, where the step has none.
        let stopped = if !holds && (step.pass.is_some() || !is_last) {
            Some(why.clone())
        } else {
            missing
        };
        let mut evidence = answer.evidence(&own, asked);
        evidence.insert("steps".to_owned(), Value::from(walked.clone()));
        if let Some(why) = stopped {
            return Err(Hindrance::failed(format!("{name}: {why}"), evidence));
        }
        if is_last {
            return Ok(Seen {
                observation: Arc::unwrap_or_clone(answer.observation),
                evidence,
                holds,
                why: if holds {
                    format!("all {number} steps passed; at the last, {why}")
                } else {
                    format!("{name}: {why}")
                },
            });
        }
        for (name, value) in taken {
            variables = variables.with_secret(name, value);
        }
    }
    Err(Hindrance::new("`steps` is empty; write at least one request"))
}

/// The same, with the step it happened at.
fn at(step: &str, hindrance: Hindrance) -> Hindrance {
    Hindrance {
        sentence: format!("{step}: {}", hindrance.sentence),
        ..hindrance
    }
}
