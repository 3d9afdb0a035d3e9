//! Checks: automated probes, the conditions their observations must meet, and the evidence they leave.
//!
//! A [`Checks`] is made once and shared. [`Checks::problems`] tells what is wrong with a check when its checklist
//! is loaded; [`Checks::run`] makes the probe, judges what it saw, and gives a result whatever happens: that a
//! probe could not be made is a result too. What a probe may reach or run is the [`Guard`]'s to say, and nothing
//! leaves this module that has not been through its redaction.
//!
//! One file per probe, named as it is written in a checklist; `probes` tells them apart, `reach` is their way to other machines.

mod burst;
mod command;
mod condition;
mod dotenv;
mod env;
mod guard;
mod http;
mod judge;
mod kinds;
mod load;
mod observation;
mod probe;
mod probes;
mod problems;
mod reach;
mod redact;
mod scan;
mod share;
mod tcp;
mod template;
#[cfg(test)]
mod tests;
mod variables;
mod wire;
mod written;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub use guard::{Guard, GuardSettings, GuardSettingsError, METADATA_NETWORKS};
pub use problems::Problem;
pub use variables::{Environment, UnknownVariable, Variables};

use crate::clock::Clock;
use crate::domain::check::{Check, CheckResult, CheckStatus};
use crate::domain::checklist::Variable;
use crate::domain::ids::VariableName;
use condition::CompiledConditions;
use judge::Judgement;
use probe::{Hindrance, Run, Seen};
use redact::Redactor;
use share::{Place, Shares};

/// The most characters of a result's `why`.
const LONGEST_WHY: usize = 600;
/// How long past its time-out a check may take before it is ended from outside. Every probe ends itself in time;
/// this is for the one that does not.
const MARGIN: Duration = Duration::from_millis(500);

/// How much checks may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Checks running at once.
    pub at_once: usize,
    /// HTTP checks asking one host at once, and commands running at once.
    pub per_host: usize,
    /// Bytes of an HTTP answer's body that are read.
    pub body_bytes: usize,
    /// Bytes of each output of a command that are kept.
    pub output_bytes: usize,
    /// How long a command that ran out of time has to end by itself before it is killed. Its result does not wait.
    pub stop_grace: Duration,
}

/// What runs checks. Clones share connections, compiled conditions and limits.
#[derive(Clone)]
pub struct Checks {
    shared: Arc<Shared>,
}

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client for checks could not be set up")]
pub struct SetUpError(#[from] reqwest::Error);

struct Shared {
    limits: Limits,
    guard: Arc<Guard>,
    clock: Arc<dyn Clock>,
    client: reqwest::Client,
    conditions: CompiledConditions,
    shares: Shares,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: 16,
            per_host: 4,
            body_bytes: 1 << 20,
            output_bytes: 64 << 10,
            stop_grace: Duration::from_secs(5),
        }
    }
}

impl Checks {
    /// Sets up what checks share. Fails when TLS cannot be initialised.
    pub fn new(limits: Limits, guard: Guard, clock: Arc<dyn Clock>) -> Result<Self, SetUpError> {
        let guard = Arc::new(guard);
        let client = http::client(&limits, Arc::clone(&guard))?;
        Ok(Self {
            shared: Arc::new(Shared {
                shares: Shares::new(&limits),
                conditions: CompiledConditions::default(),
                limits,
                guard,
                clock,
                client,
            }),
        })
    }

    /// Everything wrong with a check that can be told without running it, in the order of the source: its
    /// condition does not compile, names what is not observed or compares what cannot be compared; its parameters
    /// name unknown variables or cannot be used. `variables` are the ones its checklist declares.
    pub fn problems(check: &Check, variables: &BTreeMap<VariableName, Variable>) -> Vec<Problem> {
        problems::problems(check, variables)
    }

    /// Runs a check when there is room for it. Never fails: what stood in the way is a result as well, with the
    /// status [`CheckStatus::Error`]. From when it starts, it takes no longer than its time-out.
    ///
    /// Dropping the future ends the check; a command's whole process group is killed.
    pub async fn run(&self, check: &Check, variables: &Variables) -> CheckResult {
        let place = self.place(check, variables).await;
        self.run_at(place, check, variables).await
    }

    /// Waits for a place that the check can run in.
    async fn place(&self, check: &Check, variables: &Variables) -> Place {
        let lane = probes::lane(&check.probe, variables);
        self.shared.shares.take(lane).await
    }

    /// Runs a check that has a place, which is free again when it has ended.
    async fn run_at(&self, _place: Place, check: &Check, variables: &Variables) -> CheckResult {
        let shared = &*self.shared;
        let passed_on = shared.guard.secrets_passed_on();
        let redactor = Redactor::new(variables.secrets().chain(&passed_on));
        let at = shared.clock.now();
        let started = Instant::now();
        let run = Run {
            limits: &shared.limits,
            guard: &shared.guard,
            variables,
            redactor: &redactor,
            timeout: check.timeout,
            deadline: started + check.timeout,
        };
        let outcome = tokio::time::timeout_at(run.deadline + MARGIN, shared.outcome(check, &run))
            .await
            .unwrap_or_else(|_| {
                let took = written::duration(check.timeout);
                Err(Hindrance::new(format!(
                    "the check had not ended after {took}; raise `timeout` if that is too short"
                )))
            });
        let (status, why, observed) = match outcome {
            Ok((true, why, observed)) => (CheckStatus::Passed, why, observed),
            Ok((false, why, observed)) => (CheckStatus::Failed, why, observed),
            Err(Hindrance(why)) => (CheckStatus::Error, why, BTreeMap::new()),
        };
        CheckResult {
            check: check.id.clone(),
            status,
            // The boundary: nothing that has not been through the redactor is in a result.
            why: redactor.beginning(&why, LONGEST_WHY),
            observed: observed
                .into_iter()
                .map(|(name, value)| (redactor.redact(&name), redactor.redact_value(&value)))
                .collect(),
            at,
            duration_ms: started.elapsed().as_millis() as u64,
        }
    }

    /// Runs checks together, as many at once as the limits allow, and gives each result as it comes.
    ///
    /// When `cancel` is cancelled or the stream is dropped, checks that have not ended are ended and give no
    /// result.
    pub fn run_all(
        &self,
        checks: Vec<Check>,
        variables: Arc<Variables>,
        cancel: CancellationToken,
    ) -> impl Stream<Item = CheckResult> + Send + use<> {
        let all = checks.len().max(1);
        let checker = self.clone();
        stream::iter(checks)
            .map(move |check| {
                let (checker, variables, cancel) = (checker.clone(), Arc::clone(&variables), cancel.clone());
                async move {
                    let checking = async {
                        let place = checker.place(&check, &variables).await;
                        // What has its place runs as a task of its own, so that many share the processors. Dropping this
                        // ends it.
                        let running = AbortOnDropHandle::new(tokio::spawn({
                            let (checker, variables) = (checker.clone(), Arc::clone(&variables));
                            async move { checker.run_at(place, &check, &variables).await }
                        }));
                        match running.await {
                            Ok(result) => Some(result),
                            Err(ended) => match ended.try_into_panic() {
                                Ok(panic) => std::panic::resume_unwind(panic),
                                // The runtime is shutting down.
                                Err(_) => None,
                            },
                        }
                    };
                    // The check goes at once when it is cancelled, and not only when the stream does.
                    cancel.run_until_cancelled(checking).await.flatten()
                }
            })
            .buffer_unordered(all)
            .filter_map(std::future::ready)
    }
}

/// Whether it passed, why, and what was observed.
type Outcome = (bool, String, BTreeMap<String, Value>);

impl Shared {
    async fn outcome(&self, check: &Check, run: &Run<'_>) -> Result<Outcome, Hindrance> {
        let condition = match &check.pass {
            Some(condition) => Some(self.conditions.get(&condition.text).map_err(|flaw| {
                Hindrance::new(format!("the condition cannot be used: {}", flaw.sentence))
            })?),
            None => None,
        };
        let seen = probes::make(run, &self.client, &check.probe, condition.as_deref()).await?;
        let Seen {
            observation,
            mut evidence,
            holds,
            why,
        } = seen;
        let Some(condition) = condition else {
            return Ok((holds, why, evidence));
        };
        let judgement = if condition.heavy {
            let redactor = run.redactor.clone();
            let until = run.deadline.into_std();
            let judged =
                condition::on_own_thread(move || judge::judge(&condition, &observation, &redactor, until));
            run.in_time(judged, || "the condition could not be worked out".to_owned())
                .await?
                .ok_or_else(|| Hindrance::new("the condition could not be worked out; write it simpler"))?
        } else {
            judge::judge(&condition, &observation, run.redactor, run.deadline.into_std())
        };
        let Judgement {
            holds,
            why,
            looked_at,
        } = judgement;
        for (name, value) in looked_at {
            evidence.entry(name).or_insert(value);
        }
        Ok((holds, why, evidence))
    }
}
