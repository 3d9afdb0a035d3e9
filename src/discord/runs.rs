//! Runs of checks, answered as they go.

use std::sync::Arc;
use std::time::Duration;

use serenity::all::{Builder, ChannelId, Http, Nonce};
use tracing::warn;

use super::Bot;
use super::connect::with_sources;
use super::find;
use super::interactions::{From, faulted, refused};
use super::render::message::Message;
use super::render::{answer, check_table};
use super::reply::{Asker, Reply, Told};
use super::wire::{self, Seen};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{DeploymentId, SectionId, UserId};
use crate::domain::refusal::Refusal;
use crate::domain::rights::Act;
use crate::engine::{HandleError, RunProgress, RunView, RunWish, Selection};

/// How often at most the answer of a run of checks is edited: Discord lets a message be edited five times in five seconds.
const EDIT_PACE: Duration = Duration::from_millis(1100);

impl Bot {
    /// Runs checks: promises an answer at once, then edits it as results come in.
    pub(super) async fn check(
        &self,
        http: &Http,
        asker: &Asker,
        from: &From,
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
        from: &From,
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
            RunWish::Running(run) => self.follow_run(http, asker, from, deployment.id, run).await,
        }
    }

    async fn follow_run(
        &self,
        http: &Http,
        asker: &Asker,
        from: &From,
        deployment: DeploymentId,
        mut run: RunView,
    ) {
        let mut answer = Told::Yes;
        loop {
            let shown = run.progress();
            let deployment = match self.engine.any_deployment(deployment).await {
                Ok(Some(deployment)) => deployment,
                Ok(None) => return,
                Err(fault) => {
                    asker.edit(http, &faulted(&fault)).await;
                    return;
                }
            };
            let table = run_table(&deployment, &shown);
            if answer != Told::TooLate {
                answer = asker.edit(http, &table).await;
            }
            if shown.ended {
                if answer == Told::TooLate {
                    self.tell_in_thread(http, asker, from.person.id, &deployment, table)
                        .await;
                }
                return;
            }
            if answer != Told::TooLate {
                tokio::select! {
                    () = tokio::time::sleep(EDIT_PACE) => {}
                    // Every check is being ended: what is shown next is the last.
                    () = self.stopping.cancelled() => run.ended().await,
                }
            }
            run.changed().await;
        }
    }

    /// Tells an asker in the deployment's thread what their run came to, as the answer to them can be changed no more.
    async fn tell_in_thread(
        &self,
        http: &Http,
        asker: &Asker,
        person: UserId,
        deployment: &Deployment,
        table: Message,
    ) {
        let channel = match self.engine.posted(deployment.id, "thread").await {
            Ok(thread) => thread.map_or(deployment.channel, |thread| thread.channel),
            Err(fault) => {
                warn!(error = %fault, "what a run of checks came to could not be told");
                return;
            }
        };
        let message = check_table::late(person, table);
        let sent = wire::create(&message)
            // One interaction is answered once, even where a request is sent again on its way.
            .nonce(Nonce::String(format!("hpr{}", asker.id)))
            .enforce_nonce(true)
            .execute(http, (ChannelId::new(channel.0), None))
            .await;
        if let Err(error) = sent {
            warn!(
                deployment = deployment.id.0,
                error = with_sources(&error),
                "what a run of checks came to did not reach Discord"
            );
        }
    }

    async fn may_work(&self, from: &From, deployment: &Deployment) -> Result<(), HandleError> {
        let owners = self.engine.owners(from.guild).await?;
        self.engine.rules().rights(from.guild).require(
            Act::Work,
            &from.person,
            &deployment.checklist,
            deployment.started_by,
            &owners,
        )?;
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
            stopped: progress.stopped.as_ref(),
        },
    )
}
