//! What is posted from outside: believed when it is signed, judged, and taken through the door.

use tracing::{error, info, warn};

use super::check_runs::CheckRuns;
use super::error::{Fault, HandleError};
use super::{Input, Repeated, Wish};
use crate::checks::SignedPost;
use crate::domain::check::{Attestation, Check, Inbox, Post, Probe, Standing};
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
    /// No such deployment or check takes posts, or it is not signed as it must be. The log alone says which.
    Unwelcome,
    /// It is signed, and its deployment has ended.
    Ended,
    /// It is signed, and its body is no JSON that can be judged.
    Unreadable,
    /// It could not be written down; the same may be sent again.
    Unavailable,
}

/// The path that results for a check of a deployment are posted to.
pub fn hook_path(deployment: DeploymentId, check: &CheckId) -> String {
    format!("/hooks/{}/{check}", deployment.0)
}

/// The check as it runs in a deployment: one whose result is posted is given what came last, and one that people attest how
/// it stands.
pub(super) fn with_what_stands(check: &Check, deployment: &Deployment) -> Check {
    let mut check = check.clone();
    let last = deployment.checks.get(&check.id);
    match &mut check.probe {
        Probe::Push(probe) => {
            probe.inbox = Some(Inbox {
                path: hook_path(deployment.id, &check.id),
                last: last.and_then(Post::of),
            });
        }
        Probe::Manual(probe) => {
            let attested = last.and_then(Attestation::of);
            probe.standing = Some(attested.map_or(Standing::Open, Standing::Attested));
        }
        _ => {}
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
        let Some(deployment) = self.engine.any_deployment(post.deployment).await? else {
            warn!(
                deployment = post.deployment.0,
                "a post came for a deployment that there is not"
            );
            return Ok(Taken::Unwelcome);
        };
        let of_check = deployment.checklist.checks.get(&post.check);
        let Some((check, probe)) = of_check.and_then(|check| match &check.probe {
            Probe::Push(probe) => Some((check, probe)),
            _ => None,
        }) else {
            // The name came from outside and may be anything, so the log goes without it.
            warn!(
                deployment = post.deployment.0,
                "a post came for a check that there is not, or that is not posted to"
            );
            return Ok(Taken::Unwelcome);
        };
        let (checks, variables) = self.means_of(&deployment);
        let signed = SignedPost {
            id: &post.id,
            timestamp: &post.timestamp,
            signatures: &post.signatures,
            body: &post.body,
        };
        if let Err(unsigned) = checks.vet_post(probe, &variables, &signed) {
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
        let result = checks.judge_post(check, &variables, &path, received).await;
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
                Ok(Taken::Ended)
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
