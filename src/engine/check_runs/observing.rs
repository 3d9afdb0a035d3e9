//! Observations that came due: the probe is made, and what it saw is taken through the door.

use metrics::counter;
use tokio::sync::watch;
use tracing::{error, info};

use super::{CheckRuns, OneRun, ended};
use crate::domain::check::CheckResult;
use crate::domain::command::{ActingAs, Command};
use crate::domain::deployment::Deployment;
use crate::domain::effects::Then;
use crate::domain::ids::{CheckId, InputId};
use crate::domain::refusal::Refusal;
use crate::engine::error::{Fault, HandleError};
use crate::engine::{Input, Wish};
use crate::store::DueTimer;

/// What came of an observation that was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Made {
    /// It is recorded, with the timer of the next one.
    Recorded,
    /// It is not waited for, now or ever; its timer can go.
    InVain,
    /// It was made before its time; its timer stays.
    TooEarly,
    /// It was ended before it saw anything, as the bot stops; its timer stays, and the next start makes it.
    Stopped,
}

/// What whoever asks for a check sees whose series is under way: its latest observation. The series goes on by itself.
pub(super) fn under_way(deployment: &Deployment, check: &CheckId) -> Option<watch::Receiver<OneRun>> {
    let series = deployment.series_under_way(check)?;
    let (_, run) = watch::channel(OneRun::Recorded(series.last.clone()));
    Some(run)
}

impl CheckRuns {
    /// Makes an observation that came due. It may be made twice, where the bot is cut off in between, and counts once.
    ///
    /// # Errors
    /// When the database cannot be read or written; its timer stays.
    pub(in crate::engine) async fn observe(&self, due: &DueTimer) -> Result<Made, Fault> {
        let Then::Observe {
            check,
            series,
            number,
        } = &due.timer.then
        else {
            error!(
                deployment = due.deployment.0,
                timer = due.timer.key.0,
                "a timer is named as an observation and is none; it is dropped"
            );
            return Ok(Made::InVain);
        };
        let deployment = match self.engine.any_deployment(due.deployment).await {
            Ok(Some(deployment)) => deployment,
            Ok(None) => return Ok(Made::InVain),
            Err(fault @ (Fault::DamagedHistory { .. } | Fault::ChecklistLost { .. })) => {
                // One damaged deployment must not be tried for ever.
                error!(deployment = due.deployment.0, check = check.as_str(), error = %fault, "an observation was given up");
                return Ok(Made::InVain);
            }
            Err(fault) => return Err(fault),
        };
        let Some(result) = self.look(&deployment, check).await else {
            return Ok(if self.stop.is_cancelled() {
                Made::Stopped
            } else {
                Made::InVain
            });
        };
        let status = if result.has_passed() {
            "passed"
        } else {
            "not_passed"
        };
        counter!("holdpoint_check_observations_total", "status" => status).increment(1);
        let input = Input {
            // The same for every try of it, so that one counts.
            id: InputId::new(format!(
                "observation:{}:{check}:{series}.{number}",
                due.deployment.0
            )),
            guild: None,
            actor: ActingAs::CheckRunner,
            wish: Wish::Change {
                deployment: due.deployment,
                command: Command::RecordObservation {
                    result,
                    series: *series,
                    number: *number,
                },
            },
        };
        match self.engine.handle(input).await {
            Ok(handled) if handled.events.is_empty() => Ok(Made::InVain),
            Ok(_) => Ok(Made::Recorded),
            Err(HandleError::Refused(Refusal::ObservationNotDue)) if self.stands(due, check).await? => {
                info!(
                    deployment = due.deployment.0,
                    check = check.as_str(),
                    "an observation is not due yet after all, as the clock went back"
                );
                Ok(Made::TooEarly)
            }
            Err(HandleError::Refused(refusal)) => {
                info!(deployment = due.deployment.0, check = check.as_str(), %refusal, "an observation was made in vain");
                Ok(Made::InVain)
            }
            Err(HandleError::Fault(Fault::Stopping)) => Ok(Made::Stopped),
            Err(HandleError::Fault(fault)) => Err(fault),
        }
    }

    /// Whether the deployment still waits for just this observation.
    async fn stands(&self, due: &DueTimer, check: &CheckId) -> Result<bool, Fault> {
        let deployment = self.engine.any_deployment(due.deployment).await?;
        let set = deployment.and_then(|deployment| deployment.observation_timer(check));
        // The database keeps whole milliseconds.
        Ok(set.is_some_and(|set| {
            set.then == due.timer.then && set.due.as_millisecond() == due.timer.due.as_millisecond()
        }))
    }

    /// Makes the probe; nothing when the deployment ends before it does, or the bot stops.
    async fn look(&self, deployment: &Deployment, check: &CheckId) -> Option<CheckResult> {
        let probed = deployment.checklist.checks.get(check)?;
        let (checks, variables) = self.means_of(deployment);
        tokio::select! {
            result = checks.run(probed, &variables) => Some(result),
            _ = ended(&self.engine, deployment.id) => None,
            () = self.stop.cancelled() => None,
        }
    }
}
