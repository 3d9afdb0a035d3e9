//! Judging without keeping others waiting: what is heavy gets a thread of its own, and the deadline holds for all.

use std::sync::Arc;

use super::capture;
use super::condition::{self, Compiled};
use super::judge::{self, Judgement};
use super::observation::Observation;
use super::probe::{Hindrance, Run};

/// Judges what was observed.
pub(super) async fn judged(
    run: &Run<'_>,
    condition: &Arc<Compiled>,
    observation: impl AsRef<Observation> + Into<Arc<Observation>>,
) -> Result<Judgement, Hindrance> {
    let until = run.deadline.into_std();
    if !condition.heavy {
        return Ok(judge::judge(condition, observation.as_ref(), run.redactor, until));
    }
    let (condition, observation, redactor) = (Arc::clone(condition), observation.into(), run.redactor.fork());
    let judged = condition::on_own_thread(move || judge::judge(&condition, &observation, &redactor, until));
    run.in_time(judged, || "the condition could not be worked out".to_owned())
        .await?
        .ok_or_else(|| Hindrance::new("the condition could not be worked out; write it simpler"))
}

/// Works out the value of an expression as a text; else a clause that says why there is none.
pub(super) async fn value(
    run: &Run<'_>,
    value: &Arc<Compiled>,
    observation: &Arc<Observation>,
) -> Result<Result<String, String>, Hindrance> {
    let until = run.deadline.into_std();
    if !value.heavy {
        return Ok(capture::text(value, observation, run.redactor, until));
    }
    let (value, observation, redactor) = (Arc::clone(value), Arc::clone(observation), run.redactor.fork());
    let found = condition::on_own_thread(move || capture::text(&value, &observation, &redactor, until));
    run.in_time(found, || {
        "what is to be captured could not be worked out".to_owned()
    })
    .await?
    .ok_or_else(|| Hindrance::new("what is to be captured could not be worked out; write it simpler"))
}
