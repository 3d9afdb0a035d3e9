//! What became of a deployment: figures and evidence, and the same document filled in.
//!
//! Everything here is pure; names of people are asked for, as only Discord knows them.

mod appendix;
mod choosing;
mod escape;
mod filling;
mod summary;

pub use self::appendix::markdown_summary;
pub use self::filling::filling;
pub use self::summary::{
    CheckEvidence, Closing, DecisionMade, End, ItemCounts, OpenItem, Remarked, RoleEvidence, Signed, Summary,
    Turned, summary,
};

use crate::domain::deployment::Deployment;
use crate::domain::ids::UserId;
use crate::markdown;

/// How a person is called.
pub type Names<'a> = &'a dyn Fn(UserId) -> String;

/// The deployment's document with every box, name, date and blank filled in, and a report at its end.
///
/// Line ends are those of the document.
pub fn document(deployment: &Deployment, names: Names<'_>) -> String {
    let filled = markdown::export(&deployment.checklist, &filling(deployment, names));
    let end = if deployment.checklist.source.contains("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    let appendix = markdown_summary(&summary(deployment), names);
    let mut document = filled;
    if !document.is_empty() && !document.ends_with(['\n', '\r']) {
        document.push_str(end);
    }
    // The empty line keeps the rule below from turning a last line into a heading.
    document.push_str(end);
    document.push_str(&format!("---\n\n{appendix}").replace('\n', end));
    document
}

#[cfg(test)]
mod tests;
