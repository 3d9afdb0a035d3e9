//! Runs of checks: which are meant, their progress, and their results taken through the door.

mod observing;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::select_all;
use futures_util::{FutureExt as _, StreamExt as _};
use metrics::counter;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

pub(super) use self::observing::Made;
use super::error::{Fault, HandleError};
use super::hooks::with_what_stands;
use super::{Engine, Input, Wish};
use crate::checks::{Checks, Elsewhere, Ended, Environment, SetUpError, Trust, Variables};
use crate::domain::check::{Check, CheckResult, CheckStatus};
use crate::domain::checklist::{Checklist, SectionIndex};
use crate::domain::command::{ActingAs, Command};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{CheckId, DeploymentId, InputId, ItemId};
use crate::domain::refusal::Refusal;

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

/// How far what somebody asked for is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunProgress {
    /// The checks that were asked for, in the order of their first items, each behind those it is after or made of.
    pub checks: Vec<CheckId>,
    /// The results so far, in the order of the checks.
    pub results: Vec<CheckResult>,
    /// Why there are checks without a result although nothing more will come; the first reason where there are several.
    pub stopped: Option<Stopped>,
    /// Whether nothing more will come.
    pub ended: bool,
}

/// Why a check ended without a result that counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    /// The deployment takes no results any more, and the refusal says why.
    Refused(Refusal),
    /// The result could not be written down, or was never reached. The log says what broke.
    Broken,
    /// The bot is stopping.
    Stopping,
}

/// What asking for a run came to.
pub enum RunWish {
    /// They run; this tells how far they are.
    Running(RunView),
    /// No check is meant.
    NothingToRun,
}

/// What one asker sees of the checks under way: those that they asked for, and those that these need.
pub struct RunView {
    checks: Vec<Viewed>,
}

struct Viewed {
    check: CheckId,
    run: watch::Receiver<OneRun>,
    /// Whether its end has been seen.
    ended: bool,
}

/// One check of a deployment, from when it begins.
#[derive(Clone, Debug, PartialEq)]
enum OneRun {
    UnderWay,
    Recorded(CheckResult),
    Stopped(Stopped),
}

/// Runs checks for deployments. Each check of a deployment is under way at most once: whoever asks for one that is joins
/// it. Who asks for a check asks for those it is after or made of as well; one of those that is under way is waited for,
/// and what it captures is handed over.
#[derive(Clone)]
pub struct CheckRuns {
    pub(super) engine: Engine,
    checks: Checks,
    /// For checklists that came from chat.
    checks_of_imported: Checks,
    environment: Environment,
    under_way: Arc<Mutex<UnderWay>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// Tells runs within one start of the bot apart; the start itself is told by its time.
    next_run: Arc<AtomicU64>,
}

/// The checks that run now.
type UnderWay = HashMap<(DeploymentId, CheckId), Running>;

/// A check that runs now, for those who join it.
struct Running {
    run: watch::Receiver<OneRun>,
    /// How it ended, as soon as it did, for the checks that need it.
    ended: watch::Receiver<Option<Ended>>,
}

/// What tells those who joined a check how it goes.
struct Tellers {
    run: watch::Sender<OneRun>,
    ended: watch::Sender<Option<Ended>>,
}

impl Running {
    fn is_under_way(&self) -> bool {
        !tells_no_more(&self.run) && *self.run.borrow() == OneRun::UnderWay
    }

    /// Waits for its end, and gives nothing when there will be none.
    async fn ends(mut ended: watch::Receiver<Option<Ended>>) -> Option<Ended> {
        let found = ended.wait_for(Option::is_some).await;
        found.ok().and_then(|ended| ended.clone())
    }
}

impl RunView {
    /// How far they are now.
    pub fn progress(&mut self) -> RunProgress {
        let mut progress = RunProgress {
            ended: true,
            ..RunProgress::default()
        };
        for Viewed { check, run, ended } in &mut self.checks {
            progress.checks.push(check.clone());
            // Looked at first: what is told before the end is there once the end is.
            let told_all = tells_no_more(run);
            *ended = true;
            match &*run.borrow_and_update() {
                OneRun::Recorded(result) => progress.results.push(result.clone()),
                OneRun::Stopped(why) => {
                    progress.stopped.get_or_insert_with(|| why.clone());
                }
                OneRun::UnderWay if told_all => {
                    progress.stopped.get_or_insert(Stopped::Broken);
                }
                OneRun::UnderWay => *ended = false,
            }
            progress.ended &= *ended;
        }
        progress
    }

    /// Waits until the progress is another than when it was last asked for.
    pub async fn changed(&mut self) {
        let waiting: Vec<_> = self
            .checks
            .iter_mut()
            .filter(|viewed| !viewed.ended)
            .map(|viewed| Box::pin(viewed.run.changed()))
            .collect();
        if !waiting.is_empty() {
            // Whether it was changed or tells no more is seen when the progress is asked for.
            let _ = select_all(waiting).await;
        }
    }

    /// Waits until all of them have ended.
    pub async fn ended(&mut self) {
        while !self.progress().ended {
            self.changed().await;
        }
    }
}

impl CheckRuns {
    /// A runner on this engine. `environment` is where variables with an `env` find their values.
    ///
    /// # Errors
    /// When TLS cannot be initialised.
    pub fn new(
        engine: Engine,
        checks: Checks,
        environment: Environment,
        stop: CancellationToken,
    ) -> Result<Self, SetUpError> {
        Ok(Self {
            engine,
            checks_of_imported: checks.for_imported()?,
            checks,
            environment,
            under_way: Arc::default(),
            tasks: TaskTracker::new(),
            stop,
            next_run: Arc::default(),
        })
    }

    /// What runs the checks of a deployment, and with which values: as far as its checklist is trusted now.
    pub(super) fn means_of(&self, deployment: &Deployment) -> (Checks, Variables) {
        let nothing = Environment::default();
        let (checks, environment) = match self.engine.trust(&deployment.checklist.hash) {
            Trust::Operator => (&self.checks, &self.environment),
            Trust::Imported => (&self.checks_of_imported, &nothing),
        };
        let variables = Variables::of(
            &deployment.checklist.variables,
            &deployment.variables,
            environment,
        );
        (checks.of_deployment(deployment.id), variables)
    }

    /// Begins the checks that are meant and not under way, and joins those that are.
    pub fn begin(&self, deployment: &Arc<Deployment>, selection: &Selection) -> RunWish {
        let wanted = selected(deployment, selection);
        if wanted.is_empty() {
            return RunWish::NothingToRun;
        }
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = Checks::with_needed_beside(wanted, &deployment.checklist.checks, |id| {
            under_way
                .get(&(deployment.id, id.clone()))
                .is_some_and(Running::is_under_way)
        });
        let mut view = Vec::with_capacity(wanted.len());
        let mut begun = Vec::new();
        let mut told = HashMap::new();
        let mut elsewhere = Elsewhere::new();
        for id in wanted {
            let Some(check) = deployment.checklist.checks.get(&id) else {
                continue;
            };
            let key = (deployment.id, id.clone());
            if let Some(run) = observing::under_way(deployment, &id) {
                view.push(Viewed {
                    check: id,
                    run,
                    ended: false,
                });
                continue;
            }
            let joined = under_way.get(&key).filter(|running| running.is_under_way());
            let run = if let Some(joined) = joined {
                elsewhere.insert(id.clone(), Running::ends(joined.ended.clone()).boxed());
                joined.run.clone()
            } else {
                let (teller, run) = watch::channel(OneRun::UnderWay);
                let (ended_teller, ended) = watch::channel(None);
                let tellers = Tellers {
                    run: teller,
                    ended: ended_teller,
                };
                let joinable = run.clone();
                under_way.insert(key, Running { run: joinable, ended });
                told.insert(id.clone(), tellers);
                begun.push(with_what_stands(check, deployment));
                run
            };
            view.push(Viewed {
                check: id,
                run,
                ended: false,
            });
        }
        drop(under_way);
        if !begun.is_empty() {
            let batch = Batch {
                of: self.clone(),
                deployment: Arc::clone(deployment),
                number: self.next_run.fetch_add(1, Ordering::Relaxed),
                told,
            };
            self.tasks.spawn(batch.run(begun, elsewhere));
        }
        RunWish::Running(RunView { checks: view })
    }

    /// Has something done that a stop waits for.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Waits for a while, or until everything stops.
    pub(super) async fn pause(&self, length: Duration) {
        // Which of the two it was is seen by looking.
        let _ = tokio::time::timeout(length, self.stop.cancelled()).await;
    }

    /// Ends every run and waits until it has ended. What they found so far is kept. Runs that begin afterwards end at
    /// once; it may be called again to wait for those.
    pub async fn stop_and_drain(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Checks that were begun together.
struct Batch {
    of: CheckRuns,
    deployment: Arc<Deployment>,
    number: u64,
    told: HashMap<CheckId, Tellers>,
}

impl Batch {
    async fn run(self, checks: Vec<Check>, elsewhere: Elsewhere) {
        let (checks_of_deployment, variables) = self.of.means_of(&self.deployment);
        let cancel = self.of.stop.child_token();
        let begun = self.of.engine.now().as_nanosecond();
        let recorded = checks_of_deployment
            .run_beside(checks, elsewhere, Arc::new(variables), cancel.clone())
            // While one result is written down, the other checks go on.
            .for_each_concurrent(None, |ended| {
                if let Some(told) = self.told.get(&ended.result.check) {
                    told.ended.send_replace(Some(ended.clone()));
                }
                self.record(begun, ended.result)
            });
        let mut recorded = pin!(recorded);
        let refusal = tokio::select! {
            () = &mut recorded => None,
            refusal = ended(&self.of.engine, self.deployment.id) => {
                // Nobody waits for what the deployment no longer takes.
                cancel.cancel();
                recorded.await;
                Some(refusal)
            }
        };
        let why = refusal.map_or(Stopped::Stopping, Stopped::Refused);
        for (check, told) in &self.told {
            if *told.run.borrow() == OneRun::UnderWay {
                self.tell(check, OneRun::Stopped(why.clone()));
            }
        }
    }

    async fn record(&self, begun: i128, result: CheckResult) {
        let status = match result.status {
            CheckStatus::Passed => "passed",
            CheckStatus::Failed => "failed",
            CheckStatus::Error => "error",
            CheckStatus::Skipped => "skipped",
        };
        counter!("holdpoint_check_runs_total", "status" => status).increment(1);
        let (deployment, check) = (self.deployment.id, result.check.clone());
        let input = Input {
            id: InputId::new(format!("check:{}:{begun}.{}:{check}", deployment.0, self.number)),
            guild: None,
            actor: ActingAs::CheckRunner,
            wish: Wish::Change {
                deployment,
                command: Command::RecordCheck {
                    result: result.clone(),
                },
            },
        };
        let came = match self.of.engine.handle(input).await {
            Ok(_) => OneRun::Recorded(result),
            Err(HandleError::Refused(refusal)) => {
                warn!(deployment = deployment.0, %refusal, "a check's result came too late");
                OneRun::Stopped(Stopped::Refused(refusal))
            }
            Err(HandleError::Fault(Fault::Stopping)) => OneRun::Stopped(Stopped::Stopping),
            Err(HandleError::Fault(fault)) => {
                error!(
                    deployment = deployment.0,
                    check = check.as_str(),
                    error = %fault,
                    "a check's result was lost"
                );
                OneRun::Stopped(Stopped::Broken)
            }
        };
        self.tell(&check, came);
    }

    /// Tells how a check ended. Whoever asks for it from now on has it run again.
    fn tell(&self, check: &CheckId, came: OneRun) {
        let Some(told) = self.told.get(check) else {
            return;
        };
        let key = (self.deployment.id, check.clone());
        let mut under_way = self.of.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way
            .get(&key)
            .is_some_and(|running| running.run.same_channel(&told.run.subscribe()))
        {
            under_way.remove(&key);
        }
        drop(under_way);
        told.run.send_replace(came);
    }
}

/// Waits until a deployment has ended, and answers how it then refuses a result.
async fn ended(engine: &Engine, id: DeploymentId) -> Refusal {
    // Subscribed before the deployment is looked at, so that an end in between is not slept over.
    let mut endings = engine.shared().endings.subscribe();
    loop {
        match engine.any_deployment(id).await {
            Ok(Some(deployment)) => {
                if let Some(finished) = &deployment.finished {
                    return Refusal::Finished {
                        deployment: id,
                        outcome: finished.outcome,
                    };
                }
            }
            Ok(None) => return Refusal::UnknownDeployment,
            // Its results will meet the same fault, and say so.
            Err(fault) => {
                warn!(deployment = id.0, error = %fault, "whether a deployment has ended cannot be read");
            }
        }
        if endings.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Whether nobody is left who could tell more: its task died, or told all.
fn tells_no_more(run: &watch::Receiver<OneRun>) -> bool {
    run.has_changed().is_err()
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
