//! The deciding core: pure, synchronous and total. No I/O, no clock, no Discord, no database.

pub mod check;
pub mod checklist;
pub mod escalation;
pub mod ids;
pub mod sign_off;
