//! Dialogs: where a reason is asked.

use super::escape;
use super::message::limit;
use crate::discord::custom_id::Press;
use crate::domain::deployment::Deployment;
use crate::domain::ids::{ItemId, RoleKey};
use crate::domain::text::{Reason, Remark};

/// A dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modal {
    /// What its answer is for: a [`Press`].
    pub(crate) custom_id: String,
    /// At most 45 characters (Discord's limit).
    pub(crate) title: String,
    /// What it asks.
    pub(crate) inputs: Vec<Input>,
}

/// One text it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) custom_id: String,
    /// At most 45 characters (Discord's limit).
    pub(crate) label: String,
    pub(crate) placeholder: String,
    pub(crate) lines: Lines,
    pub(crate) required: bool,
    /// The fewest characters.
    pub(crate) least: u16,
    /// The most characters.
    pub(crate) most: u16,
}

/// How much room a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    #[expect(dead_code, reason = "every text asked for so far may be long")]
    One,
    Several,
}

/// The `custom_id` of the one text that each dialog asks for.
pub(crate) const TEXT: &str = "text";

/// Asks why an item is skipped.
pub(crate) fn skip(deployment: &Deployment, item: &ItemId) -> Modal {
    one_text(
        Press::Skip { deployment: deployment.id, item: item.clone() },
        format!("Skip {item}"),
        "Why is it skipped?",
        "It stays in the report: not needed here, done elsewhere …",
        Reason::LIMIT,
    )
}

/// Asks what blocks an item.
pub(crate) fn block(deployment: &Deployment, item: &ItemId) -> Modal {
    one_text(
        Press::Block { deployment: deployment.id, item: item.clone() },
        format!("Block {item}"),
        "What stands in the way?",
        "Who or what has to move before it can go on",
        Reason::LIMIT,
    )
}

/// Asks for a note on an item.
pub(crate) fn note(deployment: &Deployment, item: &ItemId) -> Modal {
    one_text(
        Press::Note { deployment: deployment.id, item: item.clone() },
        format!("Note on {item}"),
        "What should be remembered?",
        "",
        Remark::LIMIT,
    )
}

/// Asks why somebody rejected.
pub(crate) fn explain(deployment: &Deployment, role: &RoleKey) -> Modal {
    one_text(
        Press::Explain { deployment: deployment.id, role: role.clone() },
        format!("Rejected for {role}"),
        "What has to change before you approve?",
        "",
        Reason::LIMIT,
    )
}

fn one_text(press: Press, title: String, label: &str, placeholder: &str, most: usize) -> Modal {
    Modal {
        custom_id: press.custom_id(),
        title: escape::label(&title, limit::MODAL_TITLE),
        inputs: vec![Input {
            custom_id: TEXT.to_owned(),
            label: escape::label(label, limit::INPUT_LABEL),
            placeholder: placeholder.to_owned(),
            lines: Lines::Several,
            required: true,
            least: 1,
            most: u16::try_from(most).unwrap_or(4000),
        }],
    }
}
