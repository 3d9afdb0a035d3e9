//! Checks: automated probes, the conditions their observations must meet, and the evidence they leave.
//!
//! A [`Checks`] is made once and shared. [`Checks::problems`] tells what is wrong with a check when its checklist
//! is loaded; [`Checks::run`] makes the probe, judges what it saw, and gives a result whatever happens: that a
//! probe could not be made is a result too. What a probe may reach or run is the [`Guard`]'s to say, and nothing
//! leaves this module that has not been through its redaction.
//!
//! What waits for what when several run is decided in `plan`.
//!
//! One file per probe, named as it is written in a checklist; `probes` tells them apart, `reach` is their way to
//! other machines, and `exchange` what those have in common that ask by HTTP.

mod alarm;
mod blocking;
mod burst;
mod capture;
mod combined;
mod command;
mod condition;
mod database;
mod dns;
mod dotenv;
mod env;
mod exchange;
mod file;
mod github;
mod glance;
mod guard;
mod hand;
mod headers;
mod http;
mod judge;
mod kinds;
mod load;
mod manual;
mod observation;
mod plan;
mod probe;
mod probes;
mod problems;
mod prometheus;
mod push;
mod reach;
mod readable;
mod redact;
mod scan;
mod seal;
mod shape;
mod share;
mod tcp;
mod template;
#[cfg(test)]
mod tests;
mod tls;
mod trust;
mod urls;
mod uses;
mod variables;
mod verdict;
mod wire;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_rustls::rustls;

pub use dotenv::{DotEnv, read as read_dotenv};
pub use guard::{Guard, GuardSettings, GuardSettingsError, METADATA_NETWORKS};
pub use plan::{Elsewhere, Ended};
pub use problems::Problem;
pub use push::{SignedPost, Unsigned};
pub use trust::Trust;
pub use variables::{Environment, UnknownVariable, Variables};

use crate::clock::Clock;
use crate::domain::check::{Check, CheckResult, CheckStatus, Probe, Retry};
use crate::domain::checklist::Variable;
use crate::domain::ids::{CheckId, DeploymentId, VariableName};
use capture::{Captured, Captures};
use condition::{Expressions, LastCondition};
use hand::Hand;
use judge::Judgement;
use probe::{Hindrance, Run, Seen};
use redact::Redactor;
use share::{Place, Queue, Shares, Turns};
use urls::Urls;
use wire::{Caller, Client};

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
    /// Bytes of an HTTP answer's body, or of a file's content, that are read.
    pub body_bytes: usize,
    /// Bytes of each output of a command that are kept.
    pub output_bytes: usize,
    /// Bytes of an output after which a command is stopped.
    pub flood_bytes: usize,
    /// Bytes of memory that each process of a command may write to; nothing for as many as there are. What is
    /// reserved and not used does not count.
    pub memory_bytes: Option<u64>,
    /// Processes and threads that a command may have; nothing for as many as the machine lets it have. Root is not
    /// held to any number by the kernel.
    pub processes: Option<u64>,
    /// How long a command that ran out of time has to end by itself before it is killed. Its result does not wait.
    pub stop_grace: Duration,
}

/// What runs checks. Clones share connections, compiled conditions, limits and turns.
#[derive(Clone)]
pub struct Checks {
    shared: Arc<Shared>,
    turns: Arc<Turns>,
}

/// TLS could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("TLS for checks could not be set up")]
pub struct SetUpError(#[from] rustls::Error);

struct Shared {
    limits: Limits,
    guard: Arc<Guard>,
    clock: Arc<dyn Clock>,
    client: Client,
    expressions: Arc<Expressions>,
    shares: Arc<Shares>,
}

/// What the checks of a run are given.
#[derive(Clone, Copy)]
struct Given<'a> {
    variables: &'a Variables,
    /// Knows what is secret among them.
    known: &'a Redactor,
    urls: &'a Urls,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: 16,
            per_host: 4,
            body_bytes: 1 << 20,
            output_bytes: 64 << 10,
            flood_bytes: 256 << 20,
            memory_bytes: Some(4 << 30),
            processes: Some(512),
            stop_grace: Duration::from_secs(5),
        }
    }
}

impl Checks {
    /// Sets up what checks share. Fails when TLS cannot be initialised.
    pub fn new(limits: Limits, guard: Guard, clock: Arc<dyn Clock>) -> Result<Self, SetUpError> {
        let shares = Arc::new(Shares::new(&limits));
        let guard = Arc::new(guard);
        Ok(Self {
            turns: Arc::new(shares.turns()),
            shared: Arc::new(Shared {
                client: Client::new(Arc::clone(&guard), limits.per_host)?,
                shares,
                expressions: Arc::default(),
                limits,
                guard,
                clock,
            }),
        })
    }

    /// The same for checklists that came from chat and that nobody has approved, see [`Trust::Imported`]. It shares
    /// the limits with this one, and nothing that was connected.
    ///
    /// # Errors
    /// When TLS cannot be initialised.
    pub fn for_imported(&self) -> Result<Self, SetUpError> {
        let shared = &*self.shared;
        let guard = Arc::new(shared.guard.for_imported());
        Ok(Self {
            turns: Arc::clone(&self.turns),
            shared: Arc::new(Shared {
                client: Client::new(Arc::clone(&guard), shared.limits.per_host)?,
                limits: shared.limits.clone(),
                guard,
                clock: Arc::clone(&shared.clock),
                expressions: Arc::clone(&shared.expressions),
                shares: Arc::clone(&shared.shares),
            }),
        })
    }

    /// The same for the checks of a deployment, which take turns with those of others: however many it has, another's
    /// next check waits for no more of them than may run at once.
    #[must_use]
    pub fn of_deployment(&self, deployment: DeploymentId) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            turns: self.shared.shares.turns_of(deployment),
        }
    }

    /// Everything wrong with a check that can be told without running it, in the order of the source: its
    /// condition does not compile, names what is not observed or compares what cannot be compared; its parameters
    /// name unknown variables or cannot be used. `variables` are the ones its checklist declares. What it uses of
    /// other checks is [`Checks::problems_between`]'s.
    pub fn problems(check: &Check, variables: &BTreeMap<VariableName, Variable>) -> Vec<Problem> {
        problems::problems(check, variables)
    }

    /// Everything wrong with what the checks of a checklist use of one another: captures of checks that they do not
    /// come after, and captures that are never made.
    pub fn problems_between(checks: &BTreeMap<CheckId, Check>) -> Vec<Problem> {
        problems::between(checks)
    }

    /// The variables that the parameters of a check name. What one of its steps captures for the next is none.
    pub fn variables_of(check: &Check) -> BTreeSet<VariableName> {
        let own = match &check.probe {
            Probe::HttpSteps(_) => probes::captures(&check.probe),
            _ => Vec::new(),
        };
        probes::texts(&check.probe)
            .into_iter()
            .flat_map(template::placeholders)
            .filter(|placeholder| placeholder.captured().is_none())
            .filter(|placeholder| !own.iter().any(|name| name == placeholder.name))
            .map(|placeholder| VariableName::new(placeholder.name))
            .collect()
    }

    /// Runs a check when there is room for it, by itself: what it is after is not looked at. Never fails: what stood
    /// in the way is a result as well, with the status [`CheckStatus::Error`]. From when it starts, a try takes no
    /// longer than its time-out.
    ///
    /// Dropping the future ends the check; a command's whole process group is killed.
    pub async fn run(&self, check: &Check, variables: &Variables) -> CheckResult {
        let given = Given {
            variables,
            known: &self.redactor(variables),
            urls: &Urls::default(),
        };
        let queue = self.queue(check, given);
        self.run_with(check, &queue, given, &[]).await.0
    }

    /// Where a check waits for its place.
    fn queue(&self, check: &Check, given: Given<'_>) -> Queue {
        self.turns
            .queue(probes::lane(&check.probe, given.variables, given.urls))
    }

    /// Knows everything that no check with these variables may show.
    fn redactor(&self, variables: &Variables) -> Redactor {
        let passed_on = self.shared.guard.secrets_passed_on();
        Redactor::new(variables.secrets().chain(&passed_on))
    }

    /// The same with the results of the checks it waited for. It is tried again as often as it says.
    async fn run_with(
        &self,
        check: &Check,
        queue: &Queue,
        given: Given<'_>,
        results: &[CheckResult],
    ) -> (CheckResult, BTreeMap<String, Captured>) {
        let mut hand = Hand::new(&self.shared.client);
        let place = queue.place().await;
        let (mut result, mut captured) = self.run_once(check, &place, &mut hand, given, results).await;
        hand.caller.put_down();
        drop(place);
        let Some(Retry { times, wait }) = check.retry else {
            return (result, captured);
        };
        let (at, started) = (result.at, Instant::now());
        let first = Duration::from_millis(result.duration_ms);
        let mut tries = 1;
        while tries <= times && result.status != CheckStatus::Passed {
            tokio::time::sleep(wait).await;
            let place = queue.place().await;
            (result, captured) = self.run_once(check, &place, &mut hand, given, results).await;
            hand.caller.put_down();
            tries += 1;
        }
        if tries > 1 {
            let how = if result.status == CheckStatus::Passed {
                format!(" (at try {tries})")
            } else {
                format!(" (after {tries} tries)")
            };
            let room = LONGEST_WHY - how.len();
            result.why = written::beginning(&result.why, room).into_owned() + &how;
            result.observed.insert("tries".to_owned(), Value::from(tries));
        }
        result.at = at;
        result.duration_ms = (first + started.elapsed()).as_millis() as u64;
        (result, captured)
    }

    /// One try of a check that has its place.
    async fn run_once(
        &self,
        check: &Check,
        _place: &Place<'_>,
        hand: &mut Hand<'_>,
        given: Given<'_>,
        results: &[CheckResult],
    ) -> (CheckResult, BTreeMap<String, Captured>) {
        let shared = &*self.shared;
        // What one check captures is its own to hide, until it is handed on.
        let before = hand.redactor.take().filter(|before| before.is_as(given.known));
        let redactor = before.unwrap_or_else(|| given.known.fork());
        let at = shared.clock.now();
        let started = Instant::now();
        let captures = Captures::default();
        let run = Run {
            limits: &shared.limits,
            guard: &shared.guard,
            variables: given.variables,
            urls: given.urls,
            redactor: &redactor,
            expressions: &shared.expressions,
            captures: &captures,
            results,
            now: at,
            timeout: check.timeout,
            deadline: started + check.timeout,
        };
        let outcome = {
            let work = pin!(shared.outcome(check, &run, &hand.caller, &mut hand.condition));
            hand.alarm.before(run.deadline + MARGIN, work).await
        };
        let outcome = outcome.unwrap_or_else(|| {
            let took = written::duration(check.timeout);
            Err(Hindrance::new(format!(
                "the check had not ended after {took}; raise `timeout` if that is too short"
            )))
        });
        let (status, why, observed) = match outcome {
            Ok((true, why, observed)) => (CheckStatus::Passed, why, observed),
            Ok((false, why, observed)) => (CheckStatus::Failed, why, observed),
            Err(Hindrance {
                sentence,
                failed_with,
            }) => match failed_with {
                Some(observed) => (CheckStatus::Failed, sentence, observed),
                None => (
                    CheckStatus::Error,
                    sentence,
                    push::kept_anyway(&run, &check.probe),
                ),
            },
        };
        let result = CheckResult {
            check: check.id.clone(),
            status,
            // The boundary: nothing that has not been through the redactor is in a result.
            why: redactor.beginning(why, LONGEST_WHY),
            observed: redactor.redact_observed(observed),
            at,
            duration_ms: started.elapsed().as_millis() as u64,
        };
        hand.redactor = Some(redactor);
        (result, captures.into_values())
    }
}

/// Whether it passed, why, and what was observed.
type Outcome = (bool, String, BTreeMap<String, Value>);

impl Shared {
    async fn outcome(
        &self,
        check: &Check,
        run: &Run<'_>,
        caller: &Caller<'_>,
        last: &mut LastCondition,
    ) -> Result<Outcome, Hindrance> {
        let condition = match &check.pass {
            Some(condition) => {
                let compiled = last.or_of(&self.expressions.conditions, &condition.text);
                Some(compiled.map_err(|flaw| {
                    Hindrance::new(format!("the condition cannot be used: {}", flaw.sentence))
                })?)
            }
            None => None,
        };
        let compiled = condition.map(|condition| &**condition);
        let seen = probes::make(run, caller, &check.probe, compiled).await?;
        let Seen {
            observation,
            mut evidence,
            mut holds,
            mut why,
        } = seen;
        if let Some(condition) = condition {
            let own = why;
            let judged = verdict::judged(run, condition, observation).await?;
            let looked_at;
            Judgement {
                holds,
                why,
                looked_at,
            } = judged;
            if !holds && matches!(check.probe, Probe::Combined(_)) {
                // Which members did not pass is what somebody asks next, whatever the condition asks.
                why = format!("{why}; {own}");
            }
            for (name, value) in looked_at {
                evidence.entry(name).or_insert(value);
            }
        }
        match run.captures.missing() {
            Some(missing) if holds => Ok((false, missing, evidence)),
            _ => Ok((holds, why, evidence)),
        }
    }
}
