//! Holdpoint makes a Markdown deployment checklist live in a Discord server.
//!
//! The modules in reading order; `ARCHITECTURE.md` has the map.

pub mod checks;
pub mod clock;
pub mod domain;
