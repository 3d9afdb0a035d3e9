//! The whole of Holdpoint against the stand-in for Discord: the real client, the real database, a clock that tests move.
//! One file for each thing it can do; the harness tells how a test's world is made and what it may not leave behind.

#![cfg(feature = "try")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may panic, in its helpers too"
)]

mod attestations;
mod bad_input;
mod checks;
mod escalation;
mod from_chat;
mod harness;
mod isolation;
mod main_job;
mod permissions;
mod posted;
mod sign_offs;
#[path = "../http/signing.rs"]
mod signing;
mod sustained;
mod traps;
