//! Parameters of a check that is made of other checks.

use crate::domain::ids::CheckId;

/// Other checks of the same checklist, judged together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CombinedProbe {
    /// How many of them must pass.
    pub rule: Rule,
    /// Which, in the order they are written; never empty, none twice.
    pub members: Vec<CheckId>,
}

/// How many of the members must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Every one.
    All,
    /// One at least.
    Any,
}
