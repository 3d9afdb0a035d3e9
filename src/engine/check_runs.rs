//! Runs of checks: which are meant, their progress, and their results taken through the door.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt;
use metrics::counter;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

use super::error::HandleError;
use super::{Engine, Input, Wish};
use crate::checks::{Checks, Environment, Variables};
use crate::domain::check::{Check, CheckResult, CheckStatus};
use crate::domain::checklist::{Checklist, SectionIndex};
use crate::domain::command::{ActingAs, Command};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{CheckId, DeploymentId, InputId, ItemId, VariableName};

/// Which checks are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that are bound to an item.
    All,
    /// Those bound to items of a section and what stands in it.
    Section(SectionIndex),
    /// Those bound to an item and what is nested in it.
    Item(ItemId),
    /// Those that did not pass when they last ran.
    NotPassed,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunProgress {
    /// The checks it runs, in the order of their first items.
    pub checks: Vec<CheckId>,
    /// The results so far, in the order they came.
    pub results: Vec<CheckResult>,
    /// Set when a result could not be recorded: the run ended there.
    pub fault: Option<String>,
    /// Whether nothing more will come.
    pub ended: bool,
}

/// What asking for a run came to.
pub enum RunWish {
    /// It runs; this tells how far it is. The same run is given to whoever asks while it lasts.
    Running(watch::Receiver<RunProgress>),
    /// No check is meant.
    NothingToRun,
}

/// Runs checks for deployments.
#[derive(Clone)]
pub struct CheckRuns {
    engine: Engine,
    checks: Checks,
    environment: Environment,
    under_way: Arc<Mutex<HashMap<DeploymentId, UnderWay>>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Tells runs within one start of the bot apart; the start itself is told by its time.
    next_run: Arc<AtomicU64>,
}

struct UnderWay {
    checks: Vec<CheckId>,
    progress: watch::Receiver<RunProgress>,
}

impl CheckRuns {
    /// A runner on this engine. `environment` is where variables with an `env` find their values.
    pub fn new(engine: Engine, checks: Checks, environment: Environment, stop: CancellationToken) -> Self {
        Self {
            engine,
            checks,
            environment,
            under_way: Arc::default(),
            tasks: TaskTracker::new(),
            stop,
            next_run: Arc::default(),
        }
    }

    /// Begins a run, or joins the one that already runs the same checks of the deployment.
    pub fn begin(&self, deployment: &Arc<Deployment>, selection: &Selection) -> RunWish {
        let wanted = selected(deployment, selection);
        if wanted.is_empty() {
            return RunWish::NothingToRun;
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = under_way.get(&deployment.id)
            && wanted.iter().all(|check| running.checks.contains(check))
            && !running.progress.borrow().ended
            // A run whose task died tells nothing any more.
            && running.progress.has_changed().is_ok()
        {
            return RunWish::Running(running.progress.clone());
        }
        let (told, progress) = watch::channel(RunProgress {
            checks: wanted.clone(),
            ..RunProgress::default()
        });
        under_way.insert(
            deployment.id,
            UnderWay {
                checks: wanted.clone(),
                progress: progress.clone(),
            },
        );
        drop(under_way);
        let checks: Vec<Check> = wanted
            .iter()
            .filter_map(|id| deployment.checklist.checks.get(id))
            .cloned()
            .collect();
        let run = Run {
            of: self.clone(),
            deployment: Arc::clone(deployment),
            number: self.next_run.fetch_add(1, Ordering::Relaxed),
            told,
        };
        self.tasks.spawn(run.run(checks));
        RunWish::Running(progress)
    }

    /// Ends every run and waits until it has ended. What they found so far is kept. Runs that begin afterwards end at
    /// once; it may be called again to wait for those.
    pub async fn stop_and_drain(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

struct Run {
    of: CheckRuns,
    deployment: Arc<Deployment>,
    number: u64,
    told: watch::Sender<RunProgress>,
}

impl Run {
    async fn run(self, checks: Vec<Check>) {
        let variables = variables(&self.deployment.checklist, &self.deployment, &self.of.environment);
        let cancel = self.of.stop.child_token();
        let begun = self.of.engine.now().as_nanosecond();
        let mut results = std::pin::pin!(
            self.of
                .checks
                .run_all(checks, Arc::new(variables), cancel.clone())
        );
        while let Some(result) = results.next().await {
            let status = match result.status {
                CheckStatus::Passed => "passed",
                CheckStatus::Failed => "failed",
                CheckStatus::Error => "error",
            };
            counter!("holdpoint_check_runs_total", "status" => status).increment(1);
            let input = Input {
                id: InputId::new(format!(
                    "check:{}:{begun}.{}:{}",
                    self.deployment.id.0, self.number, result.check
                )),
                guild: None,
                actor: ActingAs::CheckRunner,
                wish: Wish::Change {
                    deployment: self.deployment.id,
                    command: Command::RecordCheck {
                        result: result.clone(),
                    },
                },
            };
            match self.of.engine.handle(input).await {
                Ok(_) => self.told.send_modify(|progress| progress.results.push(result)),
                Err(HandleError::Refused(refusal)) => {
                    // The deployment has ended; its checks with it.
                    warn!(deployment = self.deployment.id.0, %refusal, "a check's result came too late");
                    cancel.cancel();
                    self.told
                        .send_modify(|progress| progress.fault = Some(refusal.to_string()));
                    break;
                }
                Err(HandleError::Fault(fault)) => {
                    error!(deployment = self.deployment.id.0, error = %fault, "a check's result was lost");
                    cancel.cancel();
                    self.told
                        .send_modify(|progress| progress.fault = Some(fault.to_string()));
                    break;
                }
            }
        }
        self.told.send_modify(|progress| progress.ended = true);
        let mut under_way = self.of.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way
            .get(&self.deployment.id)
            .is_some_and(|running| running.progress.same_channel(&self.told.subscribe()))
        {
            under_way.remove(&self.deployment.id);
        }
    }
}

/// The checks meant, in the order of their first items. A check bound to no item holds nothing, and runs with all.
fn selected(deployment: &Deployment, selection: &Selection) -> Vec<CheckId> {
    let checklist = &deployment.checklist;
    let mut wanted: Vec<CheckId> = Vec::new();
    let mut want = |check: &CheckId| {
        if !wanted.contains(check) {
            wanted.push(check.clone());
        }
    };
    let target = match selection {
        Selection::Item(id) => checklist.item(id).map(|(index, _)| index),
        Selection::All | Selection::Section(_) | Selection::NotPassed => None,
    };
    for (index, item) in checklist.items.iter().enumerate() {
        let meant = match selection {
            Selection::All => true,
            Selection::NotPassed => item.checks.iter().any(|check| !deployment.has_passed(check)),
            Selection::Section(section) => item
                .section
                .is_some_and(|own| checklist.section_within(own, *section)),
            Selection::Item(_) => target.is_some_and(|target| is_within(checklist, index, target)),
        };
        if meant {
            for check in &item.checks {
                if *selection != Selection::NotPassed || !deployment.has_passed(check) {
                    want(check);
                }
            }
        }
    }
    if *selection == Selection::All {
        checklist.checks.keys().for_each(want);
    }
    wanted
}

fn is_within(checklist: &Checklist, index: usize, outer: usize) -> bool {
    let mut at = Some(index);
    while let Some(current) = at {
        if current == outer {
            return true;
        }
        at = checklist.items.get(current).and_then(|item| item.parent);
    }
    false
}

/// The values of a checklist's variables in a deployment: what was given at its start, else what the environment
/// holds, else the default. A variable without any is left out, and a check that names it says so.
fn variables(checklist: &Checklist, deployment: &Deployment, environment: &Environment) -> Variables {
    let mut values = Variables::new();
    for (name, variable) in &checklist.variables {
        let name: &VariableName = name;
        let given = deployment.variables.get(name.as_str()).cloned();
        let held = || {
            variable
                .env
                .as_ref()
                .and_then(|env| environment.get(env))
                .map(str::to_owned)
        };
        let Some(value) = given.or_else(held).or_else(|| variable.default.clone()) else {
            continue;
        };
        values = if variable.secret {
            values.with_secret(name.clone(), SecretString::from(value))
        } else {
            values.with(name.clone(), value)
        };
    }
    values
}
