//! Holdpoint makes a Markdown deployment checklist live in a Discord server.
//!
//! The modules in reading order; `ARCHITECTURE.md` has the map.

pub mod cli;
pub mod clock;
pub mod config;
pub mod domain;
pub mod http;
pub mod telemetry;
