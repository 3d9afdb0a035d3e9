//! The hash chain of `events`.
//!
//! The hash of an event is the SHA-256 of these bytes, in lower-case hexadecimal, where every line ends in one line
//! feed and a length counts bytes:
//!
//! ```text
//! holdpoint event 1
//! ⟨hash of the event before, 64 hexadecimal digits; 64 zeros for the first⟩
//! ⟨position⟩
//! ⟨deployment_id⟩
//! ⟨seq⟩
//! ⟨at_ms⟩
//! ⟨length of actor⟩:⟨actor⟩
//! ⟨length of kind⟩:⟨kind⟩
//! ⟨length of body⟩:⟨body⟩
//! ```
//!
//! Numbers are decimal; `actor`, `kind` and `body` are the columns' text as it stands. As lengths come first, no
//! byte can move from one field to the next without another hash.

use sha2::{Digest, Sha256};

/// The hash the first event carries as that of the one before.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What the hash of an event covers besides the hash before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    pub(super) position: i64,
    pub(super) deployment: i64,
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) actor: &'a str,
    pub(super) kind: &'a str,
    pub(super) body: &'a str,
}

impl Link<'_> {
    /// The hash of this event after the one with `previous`.
    pub(super) fn hash(&self, previous: &str) -> String {
        let Self {
            position,
            deployment,
            seq,
            at_ms,
            actor,
            kind,
            body,
        } = self;
        let covered = format!(
            "holdpoint event 1\n{previous}\n{position}\n{deployment}\n{seq}\n{at_ms}\n\
             {}:{actor}\n{}:{kind}\n{}:{body}\n",
            actor.len(),
            kind.len(),
            body.len()
        );
        format!("{:x}", Sha256::digest(covered))
    }
}

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Position of the last event; 0 before the first.
    pub(super) position: i64,
    pub(super) hash: String,
}

impl Head {
    /// Reads it from the database.
    pub(super) async fn load(connection: &mut sqlx::SqliteConnection) -> Result<Self, sqlx::Error> {
        let last = sqlx::query!("SELECT position, hash FROM events ORDER BY position DESC LIMIT 1")
            .fetch_optional(connection)
            .await?;
        Ok(last.map_or_else(
            || Self {
                position: 0,
                hash: GENESIS.to_owned(),
            },
            |last| Self {
                position: last.position,
                hash: last.hash,
            },
        ))
    }
}
