//! The checklists that are shipped: what they carry of the documents they were written after, that each of their checks
//! can fail and can pass, and that a release by each of them can be finished.
#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test may panic, in its helpers too, and one that is skipped says why"
)]

mod checks;
mod demos;
mod releases;
mod shipped;
mod sources;
