//! Runs of checks, answered as they go.

use std::sync::Arc;
use std::time::Duration;

use serenity::all::Http;
use tokio::sync::watch;

use super::Bot;
use super::find;
use super::interactions::{From, faulted, refused};
use super::render::message::Message;
use super::render::{answer, check_table};
use super::reply::{Asker, Reply};
use super::wire::Seen;
use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, SectionId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::{Act, HoldsARole};
use crate::engine::{HandleError, RunProgress, RunWish, Selection};

/// How often at most the answer of a run of checks is edited: Discord lets a message be edited five times in five seconds.
const EDIT_PACE: Duration = Duration::from_millis(1100);

impl Bot {
    /// Runs checks: promises an answer at once, then edits it as results come in.
    pub(super) async fn check(
        &self,
        http: &Http,
        asker: &Asker,
        from: &From<'_>,
        named: Option<DeploymentId>,
        what: Option<&str>,
    ) {
        if !asker.promise(http, Seen::ByAll).await {
            return;
        }
        let wanted = async {
            let deployment = self.meant(from, named).await?;
            let selection = match what {
                None => Some(Selection::All),
                Some(typed) => selection(&deployment, typed),
            };
            Ok::<_, HandleError>((deployment, selection))
        };
        match wanted.await {
            Ok((deployment, Some(selection))) => {
                self.run_checks(http, asker, from, &deployment, &selection).await;
            }
            Ok((_, None)) => {
                let unknown = answer::unknown_section(what.unwrap_or_default());
                asker
                    .after_promise(http, Seen::ByAll, Reply::to_asker(unknown))
                    .await;
            }
            Err(error) => {
                asker
                    .after_promise(http, Seen::ByAll, Reply::to_asker(refused(error)))
                    .await;
            }
        }
    }

    /// Runs checks for somebody who was promised an answer.
    pub(super) async fn run_checks(
        &self,
        http: &Http,
        asker: &Asker,
        from: &From<'_>,
        deployment: &Arc<Deployment>,
        selection: &Selection,
    ) {
        if let Err(refusal) = self.may_work(from, deployment).await {
            return asker
                .after_promise(http, Seen::ByAll, Reply::to_asker(refused(refusal)))
                .await;
        }
        match self.check_runs.begin(deployment, selection) {
            RunWish::NothingToRun => {
                asker.edit(http, &answer::nothing_to_check(deployment)).await;
            }
            RunWish::Running(progress) => self.follow_run(http, asker, deployment.id, progress).await,
        }
    }

    async fn follow_run(
        &self,
        http: &Http,
        asker: &Asker,
        deployment: DeploymentId,
        mut progress: watch::Receiver<RunProgress>,
    ) {
        loop {
            let shown = progress.borrow_and_update().clone();
            match self.engine.any_deployment(deployment).await {
                Ok(Some(deployment)) => {
                    asker.edit(http, &run_table(&deployment, &shown)).await;
                }
                Ok(None) => return,
                Err(fault) => {
                    asker.edit(http, &faulted(&fault)).await;
                    return;
                }
            }
            if shown.ended {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(EDIT_PACE) => {}
                // Every check is being ended: what is shown next is the last.
                () = self.stopping.cancelled() => {
                    if progress.wait_for(|progress| progress.ended).await.is_err() {
                        return;
                    }
                    continue;
                }
            }
            if progress.has_changed().is_ok_and(|changed| !changed) && progress.changed().await.is_err() {
                return;
            }
        }
    }

    async fn may_work(&self, from: &From<'_>, deployment: &Deployment) -> Result<(), HandleError> {
        let rights = self.engine.rules().rights(from.guild);
        let owners = self.engine.owners(from.guild).await?;
        let holds = deployment.checklist.sign_offs.keys().any(|role| {
            owners
                .rank_of(role, from.person.id, &from.person.discord_roles)
                .is_some()
        });
        let holds = if holds { HoldsARole::Yes } else { HoldsARole::No };
        if !rights.permit(Act::Work, from.person, deployment.started_by, holds) {
            return Err(Refusal::NotAllowed {
                act: Act::Work,
                allowed: rights.of(Act::Work).to_vec(),
            }
            .into());
        }
        if let Some(finished) = &deployment.finished {
            return Err(Refusal::Finished {
                deployment: deployment.id,
                outcome: finished.outcome,
            }
            .into());
        }
        Ok(())
    }
}

fn selection(deployment: &Deployment, typed: &str) -> Option<Selection> {
    let item = find::item(&deployment.checklist, typed);
    let by_title = || find::section(&deployment.checklist, typed).map(Selection::Section);
    let exact_section = deployment
        .checklist
        .section(&SectionId::new(typed.trim()))
        .map(|(index, _)| Selection::Section(index));
    exact_section
        .or_else(|| {
            deployment
                .checklist
                .item(&item)
                .map(|_| Selection::Item(item.clone()))
        })
        .or_else(by_title)
}

fn run_table(deployment: &Deployment, progress: &RunProgress) -> Message {
    let ended = if progress.ended {
        check_table::Ended::Yes
    } else {
        check_table::Ended::No
    };
    check_table::run(
        deployment,
        check_table::RunShown {
            checks: &progress.checks,
            results: &progress.results,
            ended,
            fault: progress.fault.as_deref(),
        },
    )
}
