//! The desk: the one task that decides. It takes the inputs that wait, decides each on the state the one before it left,
//! and commits them all in one transaction; each still succeeds or fails alone. While one batch is written, the next is
//! decided on what the first will have led to, and thrown away if that does not come about.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use metrics::{counter, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::error::{Fault, HandleError};
use super::{Handled, Input, Repeated, Shared, Wish};
use crate::domain::command::{Command, Context};
use crate::domain::decide::{Decided, decide, start};
use crate::domain::deployment::Deployment;
use crate::domain::effects::{TimerKey, effects};
use crate::domain::event::Recorded;
use crate::domain::ids::{DeploymentId, InputId};
use crate::domain::refusal::Refusal;
use crate::store::{CommitError, Unit};

/// How many inputs one transaction takes at most. More would make the first of them wait for the last.
const BATCH: usize = 256;
/// How many are decided before it is looked whether a transaction has ended, and the next can begin.
const AT_A_TIME: usize = 16;
/// How often a batch is decided again, once it was found not to fit what is on disk.
const TRIES: usize = 2;

/// An input that waits, and where its answer goes.
pub(super) struct Job {
    pub(super) input: Input,
    pub(super) reply: oneshot::Sender<Result<Handled, HandleError>>,
}

/// The task that decides.
pub(super) struct Desk {
    shared: Arc<Shared>,
    waiting: mpsc::Receiver<Job>,
    next_deployment: DeploymentId,
}

/// What was decided of one input, to be answered once it is on disk.
struct Settled {
    job: Job,
    began: Instant,
    answer: Result<Handled, HandleError>,
}

/// Inputs that are decided together and written together.
#[derive(Default)]
struct Batch {
    settled: Vec<Settled>,
    units: Vec<Unit>,
    outcome: Outcome,
}

/// What a batch leads to when it is written.
#[derive(Default)]
struct Outcome {
    states: HashMap<DeploymentId, Arc<Deployment>>,
    applied: HashMap<InputId, DeploymentId>,
}

/// A batch that is being written.
struct Writing {
    inputs: usize,
    outcome: Outcome,
    end: BoxFuture<'static, Result<(), Unwritten>>,
}

/// Why nothing of a batch was kept.
enum Unwritten {
    /// It was decided on what is not so, or an input of it had been applied before. Nobody was answered.
    Conflict {
        deployment: DeploymentId,
        settled: Vec<Settled>,
    },
    /// The database broke. All of it were told so.
    Fault,
}

/// When the inbox is asked whether an input was applied before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Where the answer hangs on it. What is accepted is found to be a repeat when it is written, as the inbox takes
    /// nothing twice.
    WhereItMatters,
    /// Always, since something was found to be one.
    Always,
}

impl Desk {
    pub(super) fn new(
        shared: Arc<Shared>,
        waiting: mpsc::Receiver<Job>,
        next_deployment: DeploymentId,
    ) -> Self {
        Self {
            shared,
            waiting,
            next_deployment,
        }
    }

    /// Decides until stopped, and then what still waits.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut next = Batch::default();
        let mut writing: Option<Writing> = None;
        // Half of the batch before: one that goes with less would need a sync of its own for a few, and leave the others to
        // be decided when nothing else is done.
        let mut enough = 0;
        let mut jobs = Vec::with_capacity(AT_A_TIME);
        let (mut stopping, mut ended) = (false, false);
        loop {
            if writing.is_none() {
                if !next.settled.is_empty() && (next.settled.len() >= enough || self.waiting.is_empty()) {
                    writing = Some(self.write(std::mem::take(&mut next)));
                } else if next.settled.is_empty() && ended {
                    return;
                }
            }
            let room = BATCH.saturating_sub(next.settled.len()).min(AT_A_TIME);
            tokio::select! {
                biased;
                written = async {
                    match &mut writing {
                        Some(writing) => (&mut writing.end).await,
                        None => std::future::pending().await,
                    }
                } => {
                    enough = writing.take().map_or(0, |writing| writing.inputs / 2);
                    let Err(unwritten) = written else { continue };
                    if let Unwritten::Conflict { settled, .. } = unwritten {
                        self.decide_again(settled).await;
                    }
                    // It was decided on what has not come about.
                    let settled = std::mem::take(&mut next).settled;
                    self.decide_all(jobs_of(settled), &mut next, None, Look::WhereItMatters).await;
                }
                taken = self.waiting.recv_many(&mut jobs, room), if room > 0 && !ended => {
                    ended = taken == 0;
                    let before = writing.as_ref().map(|writing| &writing.outcome);
                    self.decide_all(jobs.drain(..), &mut next, before, Look::WhereItMatters).await;
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.waiting.close();
                }
            }
        }
    }

    /// A batch that is written, and answered, while this is waited for.
    fn write(&self, batch: Batch) -> Writing {
        let Batch {
            settled,
            units,
            outcome,
        } = batch;
        Writing {
            inputs: settled.len(),
            outcome,
            end: write(Arc::clone(&self.shared), settled, units).boxed(),
        }
    }

    /// Decides anew what did not fit what is on disk, by itself and on nothing but what is there.
    async fn decide_again(&mut self, settled: Vec<Settled>) {
        let mut settled = settled;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut batch = Batch::default();
            self.decide_all(jobs_of(settled), &mut batch, None, Look::Always)
                .await;
            let written = write(Arc::clone(&self.shared), batch.settled, batch.units).await;
            match written {
                Err(Unwritten::Conflict {
                    deployment,
                    settled: again,
                }) if tries == TRIES => return fail(again, || Fault::Contested { deployment }),
                Err(Unwritten::Conflict { settled: again, .. }) => settled = again,
                Ok(()) | Err(Unwritten::Fault) => return,
            }
        }
    }

    /// Decides every input on the state that those before it leave, in its batch and in the one `before` it, which is not
    /// on disk either.
    async fn decide_all(
        &mut self,
        jobs: impl IntoIterator<Item = Job>,
        batch: &mut Batch,
        before: Option<&Outcome>,
        look: Look,
    ) {
        for job in jobs {
            let began = Instant::now();
            let answer = self.decide_one(&job.input, batch, before, look).await;
            batch.settled.push(Settled { job, began, answer });
        }
    }

    async fn decide_one(
        &mut self,
        input: &Input,
        batch: &mut Batch,
        before: Option<&Outcome>,
        look: Look,
    ) -> Result<Handled, HandleError> {
        let not_on_disk = batch
            .outcome
            .applied
            .get(&input.id)
            .or_else(|| before?.applied.get(&input.id));
        // A start is looked up, so that one that comes again takes no number.
        let looked = look == Look::Always || matches!(input.wish, Wish::Start(_));
        let applied = match not_on_disk {
            None if looked => self.applied(&input.id).await?,
            known => known.copied(),
        };
        if let Some(deployment) = applied {
            return self.repeated(deployment, batch, before).await;
        }
        match self.decide_new(input, batch, before).await {
            // What was done cannot be done again, but whoever asks again is told that it is done.
            Err(HandleError::Refused(refusal)) if !looked => match self.applied(&input.id).await? {
                Some(deployment) => self.repeated(deployment, batch, before).await,
                None => Err(refusal.into()),
            },
            decided => decided,
        }
    }

    async fn decide_new(
        &mut self,
        input: &Input,
        batch: &mut Batch,
        before: Option<&Outcome>,
    ) -> Result<Handled, HandleError> {
        let now = self.shared.now();
        let (before, decided) = match &input.wish {
            Wish::Start(wish) => {
                let owners = self.shared.owners(wish.guild).await?;
                let context = Context {
                    now,
                    actor: &input.actor,
                    rights: self.shared.rules.rights(wish.guild),
                    owners: &owners,
                    four_eyes: self.shared.rules.four_eyes,
                };
                let decided = start(self.next_deployment, wish.clone(), &context)?;
                self.next_deployment = DeploymentId(self.next_deployment.0 + 1);
                (None, decided)
            }
            Wish::Change { deployment, command } => {
                let before = self.state(*deployment, batch, before).await?;
                if input.guild.is_some_and(|guild| guild != before.guild) {
                    return Err(Refusal::UnknownDeployment.into());
                }
                let owners = self.shared.owners(before.guild).await?;
                let context = Context {
                    now,
                    actor: &input.actor,
                    rights: self.shared.rules.rights(before.guild),
                    owners: &owners,
                    four_eyes: self.shared.rules.four_eyes,
                };
                let decided = decide(&before, command.clone(), &context)?;
                (Some(before), decided)
            }
        };
        let Decided { events, after } = decided;
        let events: Arc<[Recorded]> = events.into();
        let after = Arc::new(after);
        batch
            .units
            .push(unit(input, before.as_deref(), &events, &after, now));
        batch.outcome.states.insert(after.id, Arc::clone(&after));
        batch.outcome.applied.insert(input.id.clone(), after.id);
        Ok(Handled {
            before,
            after,
            events,
            repeated: Repeated::No,
        })
    }

    /// Which deployment an input was applied to, by what is on disk.
    async fn applied(&self, input: &InputId) -> Result<Option<DeploymentId>, Fault> {
        let seen = self.shared.store.seen(std::slice::from_ref(input)).await?;
        Ok(seen.get(input).map(|seen| seen.deployment))
    }

    /// The answer to an input that was applied before.
    async fn repeated(
        &self,
        deployment: DeploymentId,
        batch: &Batch,
        before: Option<&Outcome>,
    ) -> Result<Handled, HandleError> {
        Ok(Handled {
            before: None,
            after: self.state(deployment, batch, before).await?,
            events: Arc::default(),
            repeated: Repeated::Yes,
        })
    }

    /// A deployment as all that was decided has left it.
    async fn state(
        &self,
        id: DeploymentId,
        batch: &Batch,
        before: Option<&Outcome>,
    ) -> Result<Arc<Deployment>, HandleError> {
        let decided = batch.outcome.states.get(&id).or_else(|| before?.states.get(&id));
        match decided {
            Some(state) => Ok(Arc::clone(state)),
            None => Ok(self
                .shared
                .resident(id)
                .await?
                .ok_or(Refusal::UnknownDeployment)?),
        }
    }
}

/// Writes a batch. When it is on disk, states are published, callers answered, workers woken.
async fn write(shared: Arc<Shared>, settled: Vec<Settled>, units: Vec<Unit>) -> Result<(), Unwritten> {
    match shared.store.commit(&units).await {
        Ok(()) => {}
        Err(CommitError::Conflict { deployment }) => {
            info!(
                deployment = deployment.0,
                "what was decided does not fit what is on disk; deciding again"
            );
            for unit in &units {
                shared.residents.forget(unit.deployment);
            }
            return Err(Unwritten::Conflict { deployment, settled });
        }
        Err(CommitError::Fault(fault)) => {
            error!(error = %fault, inputs = settled.len(), "a commit failed; nothing of it was kept");
            // The store does not copy its errors, so each who waits is told the same sentence.
            let why = fault.to_string();
            fail(settled, || Fault::CommitFailed { why: why.clone() });
            return Err(Unwritten::Fault);
        }
    }
    for one in &settled {
        if let Ok(handled) = &one.answer {
            shared.residents.keep(Arc::clone(&handled.after));
        }
    }
    answer(settled);
    if units.iter().any(|unit| !unit.owed.is_empty()) {
        shared.wake_outbox.notify_one();
    }
    if units.iter().any(|unit| !unit.set.is_empty()) {
        shared.wake_timers.notify_one();
        shared.wake_observations.notify_one();
    }
    if units.iter().any(|unit| unit.after.finished.is_some()) {
        shared.endings.send_replace(());
    }
    Ok(())
}

fn jobs_of(settled: Vec<Settled>) -> impl Iterator<Item = Job> {
    settled.into_iter().map(|one| one.job)
}

fn unit(
    input: &Input,
    before: Option<&Deployment>,
    events: &Arc<[Recorded]>,
    after: &Arc<Deployment>,
    now: jiff::Timestamp,
) -> Unit {
    let effects = effects(before, events, after);
    let fired = match &input.wish {
        Wish::Change {
            command: Command::PingDue { role, due, .. },
            ..
        } => Some((TimerKey::of_ping(role), *due)),
        Wish::Change {
            command: Command::WatchPingDue { check, due, .. },
            ..
        } => Some((TimerKey::of_watch(check), *due)),
        Wish::Change { .. } | Wish::Start(_) => None,
    };
    let checklist = match &input.wish {
        Wish::Start(start) => Some((
            start.checklist.hash.clone(),
            start.checklist.name.clone(),
            start.checklist_bytes.to_vec(),
        )),
        Wish::Change { .. } => None,
    };
    Unit {
        input: input.id.clone(),
        at: now,
        deployment: after.id,
        events: Arc::clone(events),
        owed: effects.owed,
        set: effects.set,
        stop: effects.stop,
        fired,
        after: Arc::clone(after),
        checklist,
    }
}

fn answer(settled: Vec<Settled>) {
    for one in settled {
        let outcome = match &one.answer {
            Ok(Handled {
                repeated: Repeated::Yes,
                ..
            }) => "repeated",
            Ok(_) => "done",
            Err(HandleError::Refused(_)) => "refused",
            Err(HandleError::Fault(_)) => "fault",
        };
        counter!("holdpoint_commands_total", "outcome" => outcome).increment(1);
        histogram!("holdpoint_command_seconds").record(one.began.elapsed().as_secs_f64());
        // Whoever asked may have gone; what was decided stays decided.
        let _ = one.job.reply.send(one.answer);
    }
}

/// Nothing was kept: even those that were refused may have been so on the strength of what was not.
fn fail(settled: Vec<Settled>, fault: impl Fn() -> Fault) {
    answer(
        settled
            .into_iter()
            .map(|one| Settled {
                answer: Err(fault().into()),
                ..one
            })
            .collect(),
    );
}
