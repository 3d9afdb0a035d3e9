//! What is posted from outside: believed when it is signed, judged, and taken through the door.

use tracing::{error, info, warn};

use super::check_runs::CheckRuns;
use super::error::{Fault, HandleError};
use super::{Input, Repeated, Wish};
use crate::checks::{SignedPost, Variables};
use crate::domain::check::{Check, Inbox, Post, Probe};
use crate::domain::command::{ActingAs, Command};
use crate::domain::deployment::Deployment;
use crate::domain::ids::{CheckId, DeploymentId, InputId};

/// The most lists and objects inside one another in a body.
const DEEPEST: usize = 64;

/// A result that somebody posts for a check, not yet believed.
#[derive(Clone, Debug)]
pub struct IncomingPost {
    /// For which deployment.
    pub deployment: DeploymentId,
    /// For which check.
    pub check: CheckId,
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signatures: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is judged, and the result is on disk.
    Recorded,
    /// The same post was taken before, so nothing changed.
    Repeated,
    /// No such deployment or check takes posts now, or it is not signed as it must be. The log alone says which.
    Unwelcome,
    /// It is signed, and its body is no JSON that can be judged.
    Unreadable,
    /// It could not be written down; the same may be sent again.
    Unavailable,
}

/// The path that results for a check of a deployment are posted to.
pub fn hook_path(deployment: DeploymentId, check: &CheckId) -> String {
    format!("/hooks/{}/{check}", deployment.0)
}

/// The check as it runs in a deployment: one whose result is posted is given what came last.
pub(super) fn with_inbox(check: &Check, deployment: &Deployment) -> Check {
    let mut check = check.clone();
    if let Probe::Push(probe) = &mut check.probe {
        probe.inbox = Some(Inbox {
            path: hook_path(deployment.id, &check.id),
            last: deployment.checks.get(&check.id).and_then(Post::of),
        });
    }
    check
}

impl CheckRuns {
    /// Takes what was posted. The same post, known by its id, is applied once.
    pub async fn take_post(&self, post: IncomingPost) -> Taken {
        match self.try_post(post).await {
            Ok(taken) => taken,
            Err(Fault::Stopping) => Taken::Unavailable,
            Err(fault) => {
                error!(error = %fault, "a post could not be taken");
                Taken::Unavailable
            }
        }
    }

    async fn try_post(&self, post: IncomingPost) -> Result<Taken, Fault> {
        let found = self.engine.any_deployment(post.deployment).await?;
        let Some(deployment) = found.filter(|deployment| deployment.finished.is_none()) else {
            return Ok(Taken::Unwelcome);
        };
        let Some(check) = deployment.checklist.checks.get(&post.check) else {
            return Ok(Taken::Unwelcome);
        };
        let Probe::Push(probe) = &check.probe else {
            return Ok(Taken::Unwelcome);
        };
        let variables = Variables::of(
            &deployment.checklist.variables,
            &deployment.variables,
            &self.environment,
        );
        let signed = SignedPost {
            id: &post.id,
            timestamp: &post.timestamp,
            signatures: &post.signatures,
            body: &post.body,
        };
        if let Err(unsigned) = self.checks.vet_post(probe, &variables, &signed) {
            warn!(deployment = post.deployment.0, check = check.id.as_str(), why = %unsigned, "a post was not believed");
            return Ok(Taken::Unwelcome);
        }
        let Some(json) = serde_json::from_slice(&post.body)
            .ok()
            .filter(|json| is_shallow(json, DEEPEST))
        else {
            return Ok(Taken::Unreadable);
        };
        let path = hook_path(deployment.id, &check.id);
        let received = Post::new(self.engine.now(), json);
        let result = self.checks.judge_post(check, &variables, &path, received).await;
        let input = Input {
            id: InputId::new(format!("post:{}:{}:{}", deployment.id.0, check.id, post.id)),
            guild: None,
            actor: ActingAs::CheckRunner,
            wish: Wish::Change {
                deployment: deployment.id,
                command: Command::RecordCheck { result },
            },
        };
        match self.engine.handle(input).await {
            Ok(handled) if handled.repeated == Repeated::Yes => Ok(Taken::Repeated),
            Ok(_) => Ok(Taken::Recorded),
            Err(HandleError::Refused(refusal)) => {
                info!(deployment = post.deployment.0, check = check.id.as_str(), %refusal, "a post came too late");
                Ok(Taken::Unwelcome)
            }
            Err(HandleError::Fault(fault)) => Err(fault),
        }
    }
}

/// Whether nothing in it is nested deeper than this.
fn is_shallow(json: &serde_json::Value, depth: usize) -> bool {
    match json {
        serde_json::Value::Array(values) => {
            depth > 0 && values.iter().all(|value| is_shallow(value, depth - 1))
        }
        serde_json::Value::Object(entries) => {
            depth > 0 && entries.values().all(|value| is_shallow(value, depth - 1))
        }
        _ => true,
    }
}
