//! In which order checks run: each when those it is after, or made of, have ended, and all others at once.
//!
//! This is the one place where that is decided, for runs from chat and from a terminal.

mod line;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{BoxFuture, Shared, join_all};
use futures_util::{FutureExt as _, Stream, StreamExt as _, stream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinError, JoinSet, yield_now};
use tokio_util::sync::CancellationToken;

use self::line::{Line, Waiting};
use super::capture::{self, Captured};
use super::combined::ended;
use super::hand::Hand;
use super::redact::Redactor;
use super::share::Lane;
use super::urls::Urls;
use super::{Checks, Given, Variables, probes};
use crate::domain::check::{Check, CheckResult, CheckStatus, ManualProbe, Probe, PushProbe};
use crate::domain::ids::CheckId;

/// How a check ended, with what the checks after it may use. Printing it shows no secret.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What is reported of it.
    pub result: CheckResult,
    /// What it captured, and what the checks before it did, where there is anything.
    captured: Option<Arc<BTreeMap<CheckId, BTreeMap<String, Captured>>>>,
}

/// Checks that are under way in another run, each with what tells how it ends; nothing when it is ended without a
/// result.
pub type Elsewhere = HashMap<CheckId, BoxFuture<'static, Option<Ended>>>;

/// A check under way, for everybody who waits for it.
type UnderWay = Shared<BoxFuture<'static, Option<Ended>>>;

impl Checks {
    /// The checks that are wanted with those they need, and those that these need in turn: each stands after what it
    /// needs, and else in the order wanted. Names that stand for no check are left out.
    pub fn with_needed(
        wanted: impl IntoIterator<Item = CheckId>,
        checks: &BTreeMap<CheckId, Check>,
    ) -> Vec<CheckId> {
        Self::with_needed_beside(wanted, checks, |_| false)
    }

    /// The same, where some are under way already: what those need is their own run's to see to.
    pub fn with_needed_beside(
        wanted: impl IntoIterator<Item = CheckId>,
        checks: &BTreeMap<CheckId, Check>,
        is_under_way: impl Fn(&CheckId) -> bool,
    ) -> Vec<CheckId> {
        let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
        // What is being looked at, with what is left to look at of the checks it needs.
        let mut open: Vec<(&Check, Vec<&CheckId>)> = Vec::new();
        for id in wanted {
            let mut next = checks.get(&id).filter(|_| seen.insert(id));
            loop {
                if let Some(check) = next.take() {
                    let mut needs: Vec<&CheckId> = if is_under_way(&check.id) {
                        Vec::new()
                    } else {
                        check.needs().collect()
                    };
                    needs.reverse();
                    open.push((check, needs));
                }
                let Some((check, needs)) = open.last_mut() else {
                    break;
                };
                if let Some(needed) = needs.pop() {
                    next = checks.get(needed).filter(|_| seen.insert(needed.clone()));
                } else {
                    order.push(check.id.clone());
                    open.pop();
                }
            }
        }
        order
    }

    /// Runs checks together, as many at once as the limits allow, and gives each result as it comes. A check that is
    /// after others, or made of others, runs when those have ended; where one of those it is after did not pass or is
    /// not among `checks`, it gives [`CheckStatus::Skipped`]. [`Checks::with_needed`] finds what belongs together.
    ///
    /// When `cancel` is cancelled or the stream is dropped, checks that have not ended are ended and give no
    /// result.
    pub fn run_all(
        &self,
        checks: Vec<Check>,
        variables: Arc<Variables>,
        cancel: CancellationToken,
    ) -> impl Stream<Item = CheckResult> + Send + use<> {
        self.run_beside(checks, Elsewhere::new(), variables, cancel)
            .map(|ended| ended.result)
    }

    /// The same, where some of the checks that are needed run elsewhere already and are waited for.
    pub fn run_beside(
        &self,
        checks: Vec<Check>,
        elsewhere: Elsewhere,
        variables: Arc<Variables>,
        cancel: CancellationToken,
    ) -> impl Stream<Item = Ended> + Send + use<> {
        let (ordered, circular) = ordered(checks);
        let circular: Vec<Ended> = circular
            .iter()
            .map(|check| {
                self.unmade(
                    check,
                    CheckStatus::Error,
                    "it waits for itself by way of the checks it needs; mend `after`, `all` or `any`"
                        .to_owned(),
                )
            })
            .collect();
        let checker = self.clone();
        // Nothing begins before the first result is asked for.
        let begun = stream::once(async move { checker.begin(ordered, elsewhere, &variables) });
        stream::iter(circular).chain(begun.flat_map(move |begun| results(begun, cancel.clone())))
    }

    /// Begins every check. Those that can run at once stand in line by what they crowd, and as many tasks as there can be
    /// places take one after the other; each that waits for others, or that rests between tries, has a task of its own. Each
    /// check stands after those it needs.
    fn begin(&self, checks: Vec<Check>, elsewhere: Elsewhere, variables: &Arc<Variables>) -> Begun {
        let mut under_way: HashMap<CheckId, UnderWay> = elsewhere
            .into_iter()
            .map(|(id, ends)| (id, ends.shared()))
            .collect();
        let needed: BTreeSet<CheckId> = checks.iter().flat_map(Check::needs).cloned().collect();
        let (teller, ends) = mpsc::unbounded_channel();
        let run = Arc::new(OneRun {
            teller,
            checker: self.clone(),
            checks,
            known: self.redactor(variables),
            variables: Arc::clone(variables),
            urls: Urls::default(),
        });
        let left = run.checks.len();
        let mut tasks = JoinSet::new();
        let mut lines: BTreeMap<Lane, Arc<Line>> = BTreeMap::new();
        for (index, check) in run.checks.iter().enumerate() {
            let waits: Vec<(CheckId, Option<UnderWay>)> = check
                .needs()
                .map(|needed| (needed.clone(), under_way.get(needed).cloned()))
                .collect();
            let needed_by = needed.contains(&check.id).then(|| {
                let (teller, told) = oneshot::channel();
                under_way.insert(check.id.clone(), told.map(Result::ok).boxed().shared());
                teller
            });
            let lane = probes::lane(&check.probe, variables, &run.urls)
                .filter(|_| waits.is_empty() && check.retry.is_none());
            let waiting = Waiting { index, needed_by };
            let Some(lane) = lane else {
                tasks.spawn(Arc::clone(&run).make(waiting, waits));
                continue;
            };
            let line = lines
                .entry(lane)
                .or_insert_with_key(|lane| Arc::new(Line::new(self.turns.queue(Some(lane.clone())))));
            if line.push(waiting) {
                tasks.spawn(Arc::clone(&run).take_from(Arc::clone(line)));
            }
        }
        Begun { tasks, ends, left }
    }

    /// Waits for what a check needs, then runs it, or tells why it is skipped.
    async fn run_when_ready(
        &self,
        check: &Check,
        waits: Vec<(CheckId, Option<UnderWay>)>,
        given: Given<'_>,
    ) -> Ended {
        let waited = join_all(waits.into_iter().map(|(id, run)| async move {
            let ended = match run {
                Some(run) => run.await.ok_or("was stopped"),
                None => Err("does not run along"),
            };
            (id, ended)
        }))
        .await;
        let mut captured = BTreeMap::new();
        let mut results = Vec::with_capacity(waited.len());
        for (id, one) in waited {
            let after = check.after.contains(&id);
            let how = match &one {
                Ok(one) if one.result.status == CheckStatus::Passed => None,
                Ok(one) => Some(ended(one.result.status)),
                Err(how) => Some(*how),
            };
            if let Some(how) = how.filter(|_| after) {
                return self.unmade(
                    check,
                    CheckStatus::Skipped,
                    format!("waits for {id}, which {how}"),
                );
            }
            if let Ok(one) = one {
                captured.extend(
                    one.captured
                        .iter()
                        .flat_map(|captured| captured.iter())
                        .map(|(id, values)| (id.clone(), values.clone())),
                );
                results.push(one.result);
            }
        }
        let extended;
        let given = if captured.is_empty() {
            given
        } else {
            let variables = capture::with_captured(given.variables, &captured);
            let known = self.redactor(&variables);
            extended = (variables, known);
            Given {
                variables: &extended.0,
                known: &extended.1,
                ..given
            }
        };
        if let Probe::Push(PushProbe { inbox: None, .. }) = &check.probe {
            return self.unmade(
                check,
                CheckStatus::Skipped,
                "is posted to a deployment, and there is none here; `/deploy check` looks at what has come"
                    .to_owned(),
            );
        }
        if let Probe::Manual(ManualProbe { standing: None, .. }) = &check.probe {
            return self.unmade(
                check,
                CheckStatus::Skipped,
                "is attested by a person in a deployment, and there is none here; `/deploy tick` does that"
                    .to_owned(),
            );
        }
        let queue = self.queue(check, given);
        // What it takes while it runs is not there yet while it waits for others.
        let made = Box::pin(self.run_with(check, &queue, given, &results));
        let (result, own) = made.await;
        if !own.is_empty() {
            captured.insert(check.id.clone(), own);
        }
        Ended {
            result,
            captured: (!captured.is_empty()).then(|| Arc::new(captured)),
        }
    }

    /// The end of a check that was not made.
    fn unmade(&self, check: &Check, status: CheckStatus, why: String) -> Ended {
        Ended {
            result: CheckResult {
                check: check.id.clone(),
                status,
                why,
                observed: BTreeMap::new(),
                at: self.shared.clock.now(),
                duration_ms: 0,
            },
            captured: None,
        }
    }
}

/// What the checks of one run have in common.
struct OneRun {
    teller: mpsc::UnboundedSender<Ended>,
    checker: Checks,
    checks: Vec<Check>,
    variables: Arc<Variables>,
    /// What is secret among the variables.
    known: Redactor,
    urls: Urls,
}

impl OneRun {
    fn given(&self) -> Given<'_> {
        Given {
            variables: &self.variables,
            known: &self.known,
            urls: &self.urls,
        }
    }

    /// Makes a check when what it waits for has ended.
    async fn make(self: Arc<Self>, waiting: Waiting, waits: Vec<(CheckId, Option<UnderWay>)>) {
        let check = &self.checks[waiting.index];
        let made = self.checker.run_when_ready(check, waits, self.given());
        let ended = made.await;
        waiting.tell(&self.teller, ended);
    }

    /// Makes one check after the other that stands in the line.
    async fn take_from(self: Arc<Self>, line: Arc<Line>) {
        let mut hand = Hand::new(&self.checker.shared.client);
        let mut before = None;
        while let Some(waiting) = line.next() {
            let place = if let Some(place) = before.and_then(|place| line.queue.again(place)) {
                place
            } else {
                hand.caller.put_down();
                line.queue.place().await
            };
            let check = &self.checks[waiting.index];
            let (result, own) = {
                // Made where it stands, as to move it would be to copy all that it will ever hold.
                let given = self.given();
                let made = pin!(self.checker.run_once(check, &place, &mut hand, given, &[]));
                made.await
            };
            let captured = (!own.is_empty()).then(|| Arc::new(BTreeMap::from([(check.id.clone(), own)])));
            waiting.tell(&self.teller, Ended { result, captured });
            before = Some(place);
        }
        hand.caller.put_down();
    }
}

/// Checks that were begun together. Dropping it ends them.
struct Begun {
    tasks: JoinSet<()>,
    ends: mpsc::UnboundedReceiver<Ended>,
    /// How many are still to come.
    left: usize,
}

impl Begun {
    /// What the next check ends with; nothing when there is none. Once it is cancelled, those that have not ended are ended.
    async fn next(&mut self, cancel: &CancellationToken) -> Option<Ended> {
        if !cancel.is_cancelled() {
            if let Ok(ended) = self.ends.try_recv() {
                return Some(ended);
            }
            // Whoever ends a check while somebody waits here has to wake them. So those that can go on go on first, and then
            // what they have ended with is there without that.
            yield_now().await;
        }
        while let Some(one) = self.tasks.try_join_next() {
            pass_on_panic(one);
        }
        match cancel.run_until_cancelled(self.ends.recv()).await {
            Some(Some(ended)) => Some(ended),
            Some(None) => {
                while let Some(one) = self.tasks.join_next().await {
                    pass_on_panic(one);
                }
                None
            }
            None => {
                self.tasks.abort_all();
                // Those that had ended before have their results.
                self.ends.try_recv().ok()
            }
        }
    }
}

/// What checks end with, as it comes. When it is cancelled or dropped, those that have not ended are ended.
fn results(begun: Begun, cancel: CancellationToken) -> impl Stream<Item = Ended> + Send {
    stream::unfold((begun, cancel), |(mut begun, cancel)| async move {
        // Nothing is left to be waited for once all have told how they ended.
        begun.left = begun.left.checked_sub(1)?;
        let ended = begun.next(&cancel).await?;
        Some((ended, (begun, cancel)))
    })
}

/// A task that panicked has left checks without a result.
fn pass_on_panic(one: Result<(), JoinError>) {
    if let Err(Ok(panic)) = one.map_err(JoinError::try_into_panic) {
        std::panic::resume_unwind(panic);
    }
}

/// The checks so that each stands after those it needs; apart from them, those that cannot be ordered, as they wait for
/// one another or for one that does.
fn ordered(checks: Vec<Check>) -> (Vec<Check>, Vec<Check>) {
    if checks.iter().all(|check| check.needs().next().is_none()) {
        return (checks, Vec::new());
    }
    let mut left: BTreeSet<CheckId> = checks.iter().map(|check| check.id.clone()).collect();
    let mut ordered = Vec::with_capacity(checks.len());
    let mut waiting = checks;
    loop {
        let before = waiting.len();
        waiting = waiting
            .into_iter()
            .filter_map(|check| {
                if check.needs().any(|needed| left.contains(needed)) {
                    return Some(check);
                }
                left.remove(&check.id);
                ordered.push(check);
                None
            })
            .collect();
        if waiting.is_empty() || waiting.len() == before {
            return (ordered, waiting);
        }
    }
}
