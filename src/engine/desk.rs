//! The desk: the one task that decides. It takes the inputs that wait, decides each on the state the one before it left,
//! and commits them all in one transaction; each still succeeds or fails alone.

use std::collections::HashMap;
use std::sync::Arc;

use metrics::{counter, histogram};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::error::{Fault, HandleError};
use super::{Handled, Input, Repeated, Shared, Wish};
use crate::domain::command::{Command, Context};
use crate::domain::decide::{Decided, decide, start};
use crate::domain::deployment::Deployment;
use crate::domain::effects::{TimerKey, effects};
use crate::domain::event::Recorded;
use crate::domain::ids::{DeploymentId, InputId};
use crate::domain::refusal::Refusal;
use crate::store::{CommitError, Seen, Unit};

/// How many inputs one transaction takes at most. More would make the first of them wait for the last.
const BATCH: usize = 256;

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
    reply: oneshot::Sender<Result<Handled, HandleError>>,
    input: Input,
    answer: Result<Handled, HandleError>,
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
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                taken = self.waiting.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        return;
                    }
                }
                () = stop.cancelled() => {
                    self.waiting.close();
                    if self.waiting.recv_many(&mut batch, BATCH).await == 0 {
                        return;
                    }
                }
            }
            let begun = std::time::Instant::now();
            let inputs = batch.len();
            self.settle(batch).await;
            let seconds = begun.elapsed().as_secs_f64();
            for _ in 0..inputs {
                histogram!("holdpoint_command_seconds").record(seconds);
            }
        }
    }

    async fn settle(&mut self, batch: Vec<Job>) {
        let mut jobs = batch;
        for last in [false, false, true] {
            let (settled, units) = self.decide_all(jobs).await;
            if units.is_empty() {
                return answer(settled);
            }
            match self.shared.store.commit(&units).await {
                Ok(()) => return self.publish(settled, &units),
                Err(CommitError::Conflict { deployment }) => {
                    warn!(deployment = deployment.0, "the history moved on; deciding again");
                    for unit in &units {
                        self.shared.residents.forget(unit.deployment);
                    }
                    if last {
                        return fail(settled, |_| Fault::Contested { deployment });
                    }
                    jobs = settled
                        .into_iter()
                        .map(|one| Job {
                            input: one.input,
                            reply: one.reply,
                        })
                        .collect();
                }
                Err(CommitError::Fault(fault)) => {
                    error!(error = %fault, inputs = settled.len(), "a commit failed; nothing of it was kept");
                    // The store does not copy its errors, so each who waits is told the same sentence.
                    let sentence = fault.to_string();
                    return fail(settled, |_| Fault::CommitFailed {
                        why: sentence.clone(),
                    });
                }
            }
        }
    }

    /// Decides every input on the state that those before it leave. Nothing is on disk yet.
    async fn decide_all(&mut self, jobs: Vec<Job>) -> (Vec<Settled>, Vec<Unit>) {
        let ids: Vec<InputId> = jobs.iter().map(|job| job.input.id.clone()).collect();
        let seen = match self.shared.store.seen(&ids).await {
            Ok(seen) => seen,
            Err(fault) => {
                let why = fault.to_string();
                error!(error = %why, "the inbox cannot be read");
                let settled = jobs
                    .into_iter()
                    .map(|job| Settled {
                        reply: job.reply,
                        input: job.input,
                        answer: Err(Fault::CommitFailed { why: why.clone() }.into()),
                    })
                    .collect();
                return (settled, Vec::new());
            }
        };
        let mut states: HashMap<DeploymentId, Arc<Deployment>> = HashMap::new();
        let mut in_batch: HashMap<InputId, DeploymentId> = HashMap::new();
        let mut settled = Vec::with_capacity(jobs.len());
        let mut units = Vec::with_capacity(jobs.len());
        for job in jobs {
            let Job { input, reply } = job;
            let answer = self
                .decide_one(&input, &seen, &mut states, &mut in_batch, &mut units)
                .await;
            settled.push(Settled { reply, input, answer });
        }
        (settled, units)
    }

    async fn decide_one(
        &mut self,
        input: &Input,
        seen: &HashMap<InputId, Seen>,
        states: &mut HashMap<DeploymentId, Arc<Deployment>>,
        in_batch: &mut HashMap<InputId, DeploymentId>,
        units: &mut Vec<Unit>,
    ) -> Result<Handled, HandleError> {
        let applied = seen
            .get(&input.id)
            .map(|seen| seen.deployment)
            .or_else(|| in_batch.get(&input.id).copied());
        if let Some(deployment) = applied {
            let after = match states.get(&deployment) {
                Some(state) => Arc::clone(state),
                None => self
                    .shared
                    .resident(deployment)
                    .await?
                    .ok_or(Refusal::UnknownDeployment)?,
            };
            return Ok(Handled {
                before: None,
                after,
                events: Arc::default(),
                repeated: Repeated::Yes,
            });
        }
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
                let before = match states.get(deployment) {
                    Some(state) => Arc::clone(state),
                    None => self
                        .shared
                        .resident(*deployment)
                        .await?
                        .ok_or(Refusal::UnknownDeployment)?,
                };
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
        units.push(unit(input, before.as_deref(), &events, &after, now));
        states.insert(after.id, Arc::clone(&after));
        in_batch.insert(input.id.clone(), after.id);
        Ok(Handled {
            before,
            after,
            events,
            repeated: Repeated::No,
        })
    }

    /// The batch is on disk: states are published, workers woken, callers answered.
    fn publish(&self, settled: Vec<Settled>, units: &[Unit]) {
        for one in &settled {
            if let Ok(handled) = &one.answer {
                self.shared.residents.keep(Arc::clone(&handled.after));
            }
        }
        if units.iter().any(|unit| !unit.owed.is_empty()) {
            self.shared.wake_outbox.notify_one();
        }
        if units.iter().any(|unit| !unit.set.is_empty()) {
            self.shared.wake_timers.notify_one();
        }
        if units.iter().any(|unit| unit.after.finished.is_some()) {
            self.shared.endings.send_replace(());
        }
        answer(settled);
    }
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
        } => Some((TimerKey(format!("ping:{role}")), *due)),
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
        // Whoever asked may have gone; what was decided stays decided.
        let _ = one.reply.send(one.answer);
    }
}

/// Nothing was kept: even those that were refused may have been so on the strength of what was not.
fn fail(settled: Vec<Settled>, fault: impl Fn(&InputId) -> Fault) {
    answer(
        settled
            .into_iter()
            .map(|one| Settled {
                answer: Err(fault(&one.input.id).into()),
                ..one
            })
            .collect(),
    );
}
