//! Who carries messages: what the outbox asks of the chat side.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::domain::deployment::Deployment;
use crate::domain::effects::Owed;
use crate::domain::ids::DeploymentId;
use crate::domain::sign_off::Owners;
use crate::store::{Posted, Store};

/// A message to deliver.
pub struct Delivery<'a> {
    /// Unique for ever; what Discord is asked to tell repeats by.
    pub id: i64,
    /// How often it was tried before.
    pub attempts: u32,
    /// When it became owed.
    pub owed_since: Timestamp,
    /// What is owed.
    pub owed: &'a Owed,
    /// How the deployment is now.
    pub deployment: &'a Arc<Deployment>,
    /// Who holds which role there.
    pub owners: &'a Owners,
    /// Where posted messages are looked up.
    pub store: &'a Store,
    /// Now.
    pub now: Timestamp,
}

/// Why a message was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It was not posted; trying again may help, not before this long.
    Retry {
        /// How long Discord asks to wait; our own pace otherwise.
        after: Option<Duration>,
        /// Why.
        why: String,
    },
    /// Trying again cannot help.
    GiveUp {
        /// Why.
        why: String,
    },
    /// The answer was lost: it may have been posted.
    Unknown {
        /// Why.
        why: String,
    },
}

/// Carries messages to where people read them.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Delivers a message. Answers where it stands, when there is something to remember.
    async fn deliver(&self, delivery: Delivery<'_>) -> Result<Option<Posted>, Trouble>;

    /// Called once where a message stands has been remembered. What people did with it before then concerned a message
    /// that nobody knew, so it has to be looked for now.
    async fn remembered(&self, _deployment: DeploymentId, _owed: &Owed, _posted: Posted) {}
}
