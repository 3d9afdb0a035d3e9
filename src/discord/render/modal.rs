//! Forms that ask for a reason or a note.

use super::super::custom_id::Press;
use super::escape::label;
use super::message::limit;
use super::words;
use crate::domain::deployment::Deployment;
use crate::domain::ids::{ItemId, RoleKey};
use crate::domain::text::{Reason, Remark};

/// The `custom_id` of a form's only field.
pub(crate) const TEXT: &str = "text";

/// A form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modal {
    /// What is done with it: the same as of the button that opened it, see [`Press::parse`].
    pub(crate) custom_id: String,
    /// What it asks, at most 45 characters.
    pub(crate) title: String,
    /// Its fields, at most five.
    pub(crate) inputs: Vec<Input>,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) custom_id: String,
    /// At most 45 characters.
    pub(crate) label: String,
    pub(crate) style: InputStyle,
    pub(crate) needed: Needed,
    /// The fewest characters.
    pub(crate) min: usize,
    /// The most characters.
    pub(crate) max: usize,
    /// At most 100 characters.
    pub(crate) placeholder: String,
}

/// How large a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InputStyle {
    /// One line.
    #[expect(dead_code, reason = "every text asked for so far may be long")]
    Short,
    /// Several lines.
    Paragraph,
}

/// Whether a field may be left empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needed {
    /// It may not.
    Yes,
    /// It may.
    #[expect(dead_code, reason = "everything asked for so far is needed")]
    No,
}

/// Asks why an item is skipped.
pub(crate) fn skip(deployment: &Deployment, item: &ItemId) -> Modal {
    let press = Press::Skip {
        deployment: deployment.id,
        item: item.clone(),
    };
    reason(
        &press,
        &format!("Skip {item}"),
        "Why is it not done?",
        "It stands on every sign-off card",
    )
}

/// Asks why an item is blocked.
pub(crate) fn block(deployment: &Deployment, item: &ItemId) -> Modal {
    let press = Press::Block {
        deployment: deployment.id,
        item: item.clone(),
    };
    reason(
        &press,
        &format!("Block {item}"),
        "What stands in the way?",
        "Who or what it waits for",
    )
}

/// Asks why a role rejected.
pub(crate) fn explain(deployment: &Deployment, role: &RoleKey) -> Modal {
    let press = Press::Explain {
        deployment: deployment.id,
        role: role.clone(),
    };
    let title = format!(
        "Rejected: {}",
        words::role_label(deployment, role, limit::MODAL_TITLE)
    );
    reason(
        &press,
        &title,
        "What has to change before you approve?",
        "What is wrong, and what would mend it",
    )
}

/// Asks what shows that an item is done.
pub(crate) fn evidence(deployment: &Deployment, item: &ItemId) -> Modal {
    let press = Press::Tick {
        deployment: deployment.id,
        item: item.clone(),
    };
    form(
        &press,
        &format!("Tick {item}"),
        "What shows that it is done?",
        "A link, or what you saw",
        Remark::LIMIT,
    )
}

/// Asks for a note on an item.
pub(crate) fn note(deployment: &Deployment, item: &ItemId) -> Modal {
    let press = Press::Note {
        deployment: deployment.id,
        item: item.clone(),
    };
    form(
        &press,
        &format!("Note on {item}"),
        "Your note",
        "It is kept with the item, and stands in the report",
        Remark::LIMIT,
    )
}

fn reason(press: &Press, title: &str, question: &str, placeholder: &str) -> Modal {
    form(press, title, question, placeholder, Reason::LIMIT)
}

fn form(press: &Press, title: &str, question: &str, placeholder: &str, max: usize) -> Modal {
    Modal {
        custom_id: press.custom_id(),
        title: label(title, limit::MODAL_TITLE),
        inputs: vec![Input {
            custom_id: TEXT.to_owned(),
            label: label(question, limit::INPUT_LABEL),
            style: InputStyle::Paragraph,
            needed: Needed::Yes,
            min: 1,
            max,
            placeholder: label(placeholder, limit::OPTION_TEXT),
        }],
    }
}
