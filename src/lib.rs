//! Holdpoint makes a Markdown deployment checklist live in a Discord server.
//!
//! The modules in reading order; `ARCHITECTURE.md` has the map.

pub mod domain;

pub mod markdown;

pub mod clock;

pub mod checks;

pub mod store;

pub mod report;

pub mod engine;

pub mod discord;

pub mod http;

pub mod config;

pub mod telemetry;

pub mod cli;

pub mod app;
