//! What became of a deployment, as data.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::check::CheckStatus;
use crate::domain::deployment::{Deployment, ItemState, SignOff};
use crate::domain::event::{Actor, Decision, How, Outcome};
use crate::domain::ids::{CheckId, ChecklistHash, ChecklistName, DeploymentId, ItemId, RoleKey, UserId};
use crate::domain::sign_off::Rank;

/// A deployment's report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Its number.
    pub deployment: DeploymentId,
    /// The checklist's title.
    pub title: String,
    /// The checklist's name in the catalog.
    pub checklist: ChecklistName,
    /// The bytes it kept to.
    pub checklist_hash: ChecklistHash,
    /// What was released.
    pub version: String,
    /// Where to.
    pub environment: String,
    /// Who started it.
    pub started_by: Option<UserId>,
    /// When.
    pub started_at: Timestamp,
    /// How many events led here.
    pub events: u64,
    /// The last decision.
    pub decision: Option<DecisionMade>,
    /// How it ended; nothing while it runs.
    pub end: Option<End>,
    /// How many items are in which state.
    pub items: ItemCounts,
    /// Items closed without being done, in the order of the document.
    pub skipped: Vec<Closing>,
    /// Items that cannot go on.
    pub blocked: Vec<Closing>,
    /// Items that hold and are open.
    pub open: Vec<OpenItem>,
    /// Every check of the checklist, in the order of their keys.
    pub checks: Vec<CheckEvidence>,
    /// Every role the checklist asks.
    pub sign_offs: Vec<RoleEvidence>,
    /// Remarks, oldest first.
    pub notes: Vec<Remarked>,
}

/// How many items are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ItemCounts {
    /// All of them.
    pub total: usize,
    /// Done.
    pub ticked: usize,
    /// Of these, ticked in the document before the start.
    pub ticked_in_the_document: usize,
    /// Closed without being done.
    pub skipped: usize,
    /// Cannot go on.
    pub blocked: usize,
    /// Open, and held something.
    pub open: usize,
    /// Open, and held nothing.
    pub optional_open: usize,
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecisionMade {
    /// GO or NO-GO.
    pub decision: Decision,
    /// Whose.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why, where it was said.
    pub reason: Option<String>,
}

/// An end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// Who said so.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// How long after the start, in seconds.
    pub after_seconds: i64,
    /// Why, where it was said.
    pub reason: Option<String>,
}

/// An item that was skipped or is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Closing {
    /// Which.
    pub item: ItemId,
    /// Its words.
    pub text: String,
    /// By whom or what.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// An item that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenItem {
    /// Which.
    pub item: ItemId,
    /// Its words.
    pub text: String,
    /// Whose it is.
    pub assignee: Option<UserId>,
}

/// A check and what it saw when it last ran.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckEvidence {
    /// Which.
    pub check: CheckId,
    /// What it is about.
    pub description: Option<String>,
    /// Items that it decides.
    pub items: Vec<ItemId>,
    /// What became of it; nothing when it never ran.
    pub status: Option<CheckStatus>,
    /// Why.
    pub why: Option<String>,
    /// What was observed, by name; capped and redacted when it was recorded.
    pub observed: BTreeMap<String, serde_json::Value>,
    /// When it began.
    pub at: Option<Timestamp>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// How far it was observed, where more observations had to decide it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecided: Option<Undecided>,
}

/// Observations that had not decided a check yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Undecided {
    /// How many passed in a row.
    pub passed: u32,
    /// How many had to.
    pub needed: u32,
}

/// A role and its answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleEvidence {
    /// Which.
    pub role: RoleKey,
    /// Its name for people.
    pub title: String,
    /// How many had to approve.
    pub quorum: usize,
    /// Whether as many approved, and nobody rejects.
    pub approved: bool,
    /// How often it was asked.
    pub requests: u32,
    /// Approvals that count.
    pub signatures: Vec<Signed>,
    /// Rejections that stand, oldest first.
    pub rejections: Vec<Turned>,
}

/// An approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Signed {
    /// Whose.
    pub by: UserId,
    /// In which capacity.
    pub rank: Rank,
    /// When.
    pub at: Timestamp,
}

/// A rejection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turned {
    /// Whose.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
    /// Why, when it was said.
    pub reason: Option<String>,
}

/// A remark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remarked {
    /// On which item; on the whole otherwise.
    pub item: Option<ItemId>,
    /// What it says.
    pub text: String,
    /// Whose.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Sums a deployment up.
pub fn summary(deployment: &Deployment) -> Summary {
    let checklist = &deployment.checklist;
    let mut summary = Summary {
        deployment: deployment.id,
        title: checklist.title.clone(),
        checklist: checklist.name.clone(),
        checklist_hash: checklist.hash.clone(),
        version: deployment.version.clone(),
        environment: deployment.environment.clone(),
        started_by: deployment.started_by,
        started_at: deployment.started_at,
        events: deployment.seq,
        decision: deployment.decision.as_ref().map(|decided| DecisionMade {
            decision: decided.decision,
            by: decided.by,
            at: decided.at,
            reason: decided.reason.clone(),
        }),
        end: deployment.finished.as_ref().map(|finished| End {
            outcome: finished.outcome,
            by: finished.by,
            at: finished.at,
            after_seconds: finished.at.duration_since(deployment.started_at).as_secs(),
            reason: finished.reason.clone(),
        }),
        items: ItemCounts::default(),
        skipped: Vec::new(),
        blocked: Vec::new(),
        open: Vec::new(),
        checks: checks(deployment),
        sign_offs: sign_offs(deployment),
        notes: deployment
            .notes
            .iter()
            .map(|note| Remarked {
                item: note.item.clone(),
                text: note.text.clone(),
                by: note.by,
                at: note.at,
            })
            .collect(),
    };
    summary.count_items(deployment);
    summary
}

impl Summary {
    fn count_items(&mut self, deployment: &Deployment) {
        for (index, item) in deployment.checklist.items.iter().enumerate() {
            let closing = |by: Actor, at: Timestamp, reason: &str| Closing {
                item: item.id.clone(),
                text: item.text.clone(),
                by,
                at,
                reason: reason.to_owned(),
            };
            self.items.total += 1;
            match deployment.item_state(index) {
                ItemState::Ticked { how, .. } => {
                    self.items.ticked += 1;
                    self.items.ticked_in_the_document += usize::from(*how == How::InTheDocument);
                }
                ItemState::Skipped { by, at, reason } => {
                    self.items.skipped += 1;
                    self.skipped.push(closing(*by, *at, reason));
                }
                ItemState::Blocked { by, at, reason } => {
                    self.items.blocked += 1;
                    self.blocked.push(closing(*by, *at, reason));
                }
                ItemState::Open if deployment.checklist.is_optional(index) => self.items.optional_open += 1,
                ItemState::Open => {
                    self.items.open += 1;
                    self.open.push(OpenItem {
                        item: item.id.clone(),
                        text: item.text.clone(),
                        assignee: deployment.items.get(index).and_then(|progress| progress.assignee),
                    });
                }
            }
        }
    }
}

fn checks(deployment: &Deployment) -> Vec<CheckEvidence> {
    let mut items: BTreeMap<&CheckId, Vec<ItemId>> = BTreeMap::new();
    for item in &deployment.checklist.items {
        for check in &item.checks {
            items.entry(check).or_default().push(item.id.clone());
        }
    }
    deployment
        .checklist
        .checks
        .iter()
        .map(|(id, check)| {
            let result = deployment.checks.get(id);
            let undecided = deployment
                .series_under_way(id)
                .zip(check.rhythm)
                .map(|(series, rhythm)| Undecided {
                    passed: series.passed,
                    needed: rhythm.needed(),
                });
            CheckEvidence {
                check: id.clone(),
                description: check.description.clone(),
                items: items.remove(id).unwrap_or_default(),
                status: result.map(|result| result.status),
                why: result.map(|result| result.why.clone()),
                observed: result.map(|result| result.observed.clone()).unwrap_or_default(),
                at: result.map(|result| result.at),
                duration_ms: result.map(|result| result.duration_ms),
                undecided,
            }
        })
        .collect()
}

fn sign_offs(deployment: &Deployment) -> Vec<RoleEvidence> {
    deployment
        .checklist
        .sign_offs
        .iter()
        .map(|(role, rule)| {
            let sign_off = deployment.sign_offs.get(role);
            RoleEvidence {
                role: role.clone(),
                title: rule.title.clone(),
                quorum: rule.quorum,
                approved: deployment.is_approved(role),
                requests: sign_off.map_or(0, |sign_off| sign_off.requests),
                signatures: sign_off
                    .into_iter()
                    .flat_map(|sign_off| &sign_off.signatures)
                    .map(|signature| Signed {
                        by: signature.by,
                        rank: signature.rank,
                        at: signature.at,
                    })
                    .collect(),
                rejections: sign_off
                    .into_iter()
                    .flat_map(SignOff::rejections)
                    .map(|rejection| Turned {
                        by: rejection.by,
                        at: rejection.at,
                        reason: rejection.reason.clone(),
                    })
                    .collect(),
            }
        })
        .collect()
}
