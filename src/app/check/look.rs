//! How a status is told: in words, by a sign, to programs, and in the exit code.

use crate::app::Ended;
use crate::domain::check::CheckStatus;

/// What a round came to, from good to bad: the worst of its checks is the whole round's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Nothing speaks against the deployment.
    Well,
    /// A condition did not hold.
    Badly,
    /// A check could not be made, so nobody knows.
    Unable,
}

/// How one status is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// For programs.
    pub(super) name: &'static str,
    /// For people.
    pub(super) word: &'static str,
    /// One column wide.
    pub(super) sign: char,
    /// Its colour on a terminal, as the number of a graphic rendition (ECMA-48, 8.3.117).
    pub(super) colour: &'static str,
    /// What it makes of the round.
    pub(super) verdict: Verdict,
    /// The element that says so in JUnit XML; none for what passed.
    pub(super) element: Option<&'static str>,
    /// Where it stands in a summary.
    pub(super) rank: u8,
}

/// A check that was ended before it had a result. To programs it is an error: nobody knows what it would have come to.
pub(super) const CANCELLED: Look = Look {
    name: "error",
    word: "cancelled",
    sign: '-',
    colour: "33",
    verdict: Verdict::Unable,
    element: Some("error"),
    rank: 9,
};

/// What is said of a check that was ended before it had a result.
pub(super) const WHY_CANCELLED: &str = "the run was cancelled before this check had a result";

/// How a status is told. This is the one place that tells them apart.
pub(super) fn look(status: CheckStatus) -> Look {
    let (name, word, sign, colour, verdict, element, rank) = match status {
        CheckStatus::Passed => ("passed", "passed", '✓', "32", Verdict::Well, None, 0),
        CheckStatus::Failed => ("failed", "failed", '✗', "31", Verdict::Badly, Some("failure"), 1),
        CheckStatus::Error => (
            "error",
            "could not run",
            '!',
            "33",
            Verdict::Unable,
            Some("error"),
            2,
        ),
        CheckStatus::Skipped => ("skipped", "skipped", '-', "2", Verdict::Well, Some("skipped"), 3),
    };
    Look {
        name,
        word,
        sign,
        colour,
        verdict,
        element,
        rank,
    }
}

impl Verdict {
    /// How the command ends with it.
    pub(super) fn ended(self) -> Ended {
        match self {
            Self::Well => Ended::Well,
            Self::Badly => Ended::Badly,
            Self::Unable => Ended::Unable,
        }
    }
}
