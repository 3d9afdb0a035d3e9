//! The deciding core: pure, synchronous and total. No I/O, no clock, no Discord, no database.

pub mod check;
pub mod checklist;
pub mod command;
pub mod decide;
pub mod deployment;
pub mod effects;
pub mod escalation;
pub mod event;
pub mod hold;
pub mod ids;
pub mod items_progress;
pub mod refusal;
pub mod rights;
pub mod sign_off;
pub mod slug;
pub mod text;
pub mod view;

#[cfg(test)]
mod tests;
