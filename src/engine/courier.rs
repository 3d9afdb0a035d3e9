//! Who carries messages: what the outbox asks of the chat side.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::Engine;
use crate::domain::deployment::Deployment;
use crate::domain::effects::Owed;
use crate::domain::sign_off::Owners;
use crate::store::Posted;

/// A message to deliver.
pub struct Delivery<'a> {
    /// Unique for ever in this database; with the tag, what Discord is asked to tell repeats by.
    pub id: i64,
    /// What tells it from a message of another database with the same number: six hexadecimal digits.
    pub tag: &'a str,
    /// How often it was tried before.
    pub attempts: u32,
    /// Whether an earlier try may have posted it.
    pub posted_before: PostedBefore,
    /// When it became owed.
    pub owed_since: Timestamp,
    /// What is owed.
    pub owed: &'a Owed,
    /// How the deployment is now.
    pub deployment: &'a Arc<Deployment>,
    /// Who holds which role there.
    pub owners: &'a Owners,
    /// Where posted messages are looked up.
    pub engine: &'a Engine,
    /// Now.
    pub now: Timestamp,
    /// Cancelled when the bot stops. Whoever carries sees through what is on its way then, and lets go of what waits.
    pub stop: &'a CancellationToken,
}

/// Whether an earlier try may have posted a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostedBefore {
    /// No try was made.
    No,
    /// A try was made of which the end is not known: its answer was lost, or it was cut off before its end was
    /// written down, perhaps with the process that made it.
    Perhaps,
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
    /// The bot stops, and the message would have waited, as for a rate limit. It stays owed as it is: the next start
    /// delivers it.
    Stopped,
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
}
