//! Stories told of the core: given a checklist and what happened, when somebody does something, then this follows.

mod attesting;
mod commands;
mod decisions;
mod following;
mod gates;
mod items;
mod kit;
mod observing;
mod people;
mod pings;
mod properties;
mod sentences;
mod sign_offs;
mod sketches;
mod starting;
mod terse;
mod watching;
