//! The command line through the real program: what it prints, with which exit code, and what it says when something is
//! wrong. Exit code 1 means that it looked and found something wrong, 2 that it could not do what it was asked.
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may panic, in its helpers too, and one that is skipped says why"
)]

mod check;
mod checklists;
mod databases;
mod place;
mod records;
mod service;
mod settings;
