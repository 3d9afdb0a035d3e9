//! What every check may say of how it is run: how often it is tried, what it waits for, how much it matters.

use std::time::Duration;

/// That a check is tried again when it did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How many more times, after the first, until it passes.
    pub times: u32,
    /// How long to wait before each of them.
    pub wait: Duration,
}

/// How much it matters that a check passes, the gravest first. It orders what did not pass; every check holds the
/// release alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CheckSeverity {
    /// Users are hit at once.
    Critical,
    /// It must be mended before the release.
    #[default]
    High,
    /// It should be mended soon.
    Medium,
    /// Good to know.
    Low,
}

impl CheckSeverity {
    /// Every severity, the gravest first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// As it is written in a checklist.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }
}
