//! Buttons and rows, made so that they are within Discord's limits.

use super::super::custom_id::Press;
use super::escape::label;
use super::message::{Button, Message, Row, Style, Usable, limit};

/// A button; nothing where the press cannot be written in a `custom_id`, as for an item nested forty levels deep.
/// What it does can be done with a command as well.
pub(crate) fn button(press: &Press, text: &str, style: Style) -> Option<Button> {
    let custom_id = press.custom_id();
    fits(&custom_id).then(|| Button {
        custom_id,
        label: label(text, limit::LABEL),
        style,
        usable: Usable::Yes,
    })
}

/// Whether a text can be a `custom_id` or an option's value: 1 to 100 characters.
pub(crate) fn fits(id: &str) -> bool {
    (1..=limit::CUSTOM_ID).contains(&id.chars().count())
}

impl Message {
    /// The buttons there are, in one row; no row when there are none.
    pub(crate) fn with_row<const N: usize>(self, buttons: [Option<Button>; N]) -> Self {
        let buttons: Vec<_> = buttons.into_iter().flatten().take(limit::BUTTONS).collect();
        if buttons.is_empty() {
            self
        } else {
            self.with_buttons(buttons)
        }
    }

    /// A menu added; none when it has no options or cannot be named.
    pub(crate) fn with_menu(
        mut self,
        press: &Press,
        placeholder: &str,
        options: Vec<super::message::Choice>,
    ) -> Self {
        let custom_id = press.custom_id();
        if !options.is_empty() && fits(&custom_id) {
            let placeholder = label(placeholder, limit::PLACEHOLDER);
            self.rows.push(Row::Select {
                custom_id,
                placeholder,
                options,
            });
        }
        self
    }
}
