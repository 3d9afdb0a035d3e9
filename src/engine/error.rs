//! What can go wrong behind the door. A refusal is somebody's; a fault is ours.

use crate::domain::deployment::Foreign;
use crate::domain::ids::{ChecklistHash, DeploymentId};
use crate::domain::refusal::Refusal;
use crate::store::StoreError;

/// Why an input changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// It cannot be, and the sentence says why and what to do.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Something that broke.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A deployment's history does not fit its checklist.
    #[error(
        "the history of deployment {deployment} is damaged: {foreign}; `holdpoint audit verify` finds where"
    )]
    DamagedHistory {
        /// Which.
        deployment: DeploymentId,
        /// Where.
        #[source]
        foreign: Foreign,
    },
    /// A deployment's checklist is not in the database.
    #[error("the checklist {hash} of deployment {deployment} is not in the database; restore a back-up")]
    ChecklistLost {
        /// Which.
        deployment: DeploymentId,
        /// Of which bytes.
        hash: ChecklistHash,
    },
    /// The same history was written by somebody else, again and again.
    #[error(
        "deployment {deployment} was changed by another program at the same time; only one may run on a database"
    )]
    Contested {
        /// Which.
        deployment: DeploymentId,
    },
    /// A transaction failed; nothing of it was kept.
    #[error("it could not be written to the database, and nothing of it was kept: {why}")]
    CommitFailed {
        /// The database's sentence.
        why: String,
    },
    /// The bot is shutting down.
    #[error("Holdpoint is stopping; try again when it is back")]
    Stopping,
}
