//! A message before it is one of Discord's: what it says, whom it pings, what can be pressed. Discord's limits hold here.

use crate::domain::ids::{DiscordRoleId, UserId};
use crate::domain::sign_off::Holder;

/// Discord's limits, in characters or pieces (Discord's documentation, "Message" and "Message Components").
pub(crate) mod limit {
    pub(crate) const CONTENT: usize = 2000;
    pub(crate) const DESCRIPTION: usize = 4096;
    pub(crate) const TITLE: usize = 256;
    pub(crate) const BUTTONS: usize = 5;
    pub(crate) const OPTIONS: usize = 25;
    pub(crate) const CUSTOM_ID: usize = 100;
    pub(crate) const LABEL: usize = 80;
    pub(crate) const OPTION_TEXT: usize = 100;
    pub(crate) const PLACEHOLDER: usize = 150;
    pub(crate) const CHOICES: usize = 25;
    pub(crate) const CHOICE_NAME: usize = 100;
    pub(crate) const MODAL_TITLE: usize = 45;
    pub(crate) const INPUT_LABEL: usize = 45;
    pub(crate) const THREAD_NAME: usize = 100;
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Text above the embed; the only place from which a mention pings.
    pub(crate) content: String,
    /// The embed.
    pub(crate) embed: Option<Embed>,
    /// What can be pressed, row by row.
    pub(crate) rows: Vec<Row>,
    /// Whom it pings: these and nobody else, whatever the text says.
    pub(crate) pings: Vec<Holder>,
    /// Files.
    pub(crate) files: Vec<File>,
}

/// A framed part of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Embed {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) colour: Colour,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) footer: String,
}

/// What a frame's colour says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Going on.
    #[default]
    Blue,
    /// Good.
    Green,
    /// Somebody is waited for.
    Yellow,
    /// Bad.
    Red,
    /// Over.
    Grey,
}

impl Colour {
    /// As 0xRRGGBB.
    pub(crate) fn rgb(self) -> u32 {
        match self {
            Self::Blue => 0x58_65_F2,
            Self::Green => 0x2D_7D_46,
            Self::Yellow => 0xE0_A3_00,
            Self::Red => 0xC8_3C_3C,
            Self::Grey => 0x80_84_8E,
        }
    }
}

/// A row of components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// Up to five buttons.
    Buttons(Vec<Button>),
    /// A select menu with up to 25 options, one of which is chosen.
    Select {
        custom_id: String,
        placeholder: String,
        options: Vec<Choice>,
    },
}

/// A button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Button {
    pub(crate) custom_id: String,
    pub(crate) label: String,
    pub(crate) style: Style,
    pub(crate) usable: Usable,
}

/// Whether a button can be pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Usable {
    #[default]
    Yes,
    No,
}

/// How a button looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Primary,
    Secondary,
    Success,
    Danger,
}

/// An option of a select menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) description: String,
}

/// A file that comes with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    /// A message of text alone.
    pub(crate) fn text(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }

    /// A button row added.
    pub(crate) fn with_buttons(mut self, buttons: Vec<Button>) -> Self {
        self.rows.push(Row::Buttons(buttons));
        self
    }
}

/// A mention of whoever holds a role.
pub(crate) fn mention(holder: Holder) -> String {
    match holder {
        Holder::Member(UserId(id)) => format!("<@{id}>"),
        Holder::DiscordRole(DiscordRoleId(id)) => format!("<@&{id}>"),
    }
}

#[cfg(test)]
pub(crate) mod shown {
    //! Messages as they read in a chat, for snapshots.

    use super::{Message, Row, Usable};

    /// The message as plain lines.
    pub(crate) fn shown(message: &Message) -> String {
        let mut lines: Vec<String> = Vec::new();
        if !message.content.is_empty() {
            lines.push(message.content.clone());
        }
        if let Some(embed) = &message.embed {
            lines.push(format!("┌ {:?} · {}", embed.colour, embed.title));
            lines.extend(embed.description.lines().map(|line| format!("│ {line}")));
            for (name, value) in &embed.fields {
                lines.push(format!("├ {name}"));
                lines.extend(value.lines().map(|line| format!("│ {line}")));
            }
            lines.push(format!("└ {}", embed.footer));
        }
        for row in &message.rows {
            match row {
                Row::Buttons(buttons) => lines.push(
                    buttons
                        .iter()
                        .map(|button| {
                            let off = if button.usable == Usable::No { " (off)" } else { "" };
                            format!("[{}]{off} → {}", button.label, button.custom_id)
                        })
                        .collect::<Vec<_>>()
                        .join("  "),
                ),
                Row::Select {
                    custom_id,
                    placeholder,
                    options,
                } => {
                    lines.push(format!("▾ {placeholder} → {custom_id}"));
                    lines.extend(options.iter().map(|option| {
                        format!("    {} = {} ({})", option.value, option.label, option.description)
                    }));
                }
            }
        }
        if !message.pings.is_empty() {
            let pinged: Vec<_> = message
                .pings
                .iter()
                .map(|holder| super::mention(*holder))
                .collect();
            lines.push(format!("pings {}", pinged.join(" ")));
        }
        for file in &message.files {
            lines.push(format!("file {} ({} bytes)", file.name, file.bytes.len()));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod limits_kept {
    //! Discord's limits as a test holds every message to them, with those that no message comes near.

    use super::{Message, Row, limit};

    const FOOTER: usize = 2048;
    const FIELD_NAME: usize = 256;
    const FIELD_VALUE: usize = 1024;
    const FIELDS: usize = 25;
    const EMBEDS: usize = 6000;
    const ROWS: usize = 5;

    impl Message {
        /// What of it breaks one of Discord's limits; nothing, for every message this bot makes.
        pub(crate) fn broken_limits(&self) -> Vec<String> {
            let mut broken = Vec::new();
            let mut hold = |what: &str, length: usize, limit: usize| {
                if length > limit {
                    broken.push(format!("{what}: {length} of {limit}"));
                }
            };
            let count = |text: &str| text.chars().count();
            hold("content", count(&self.content), limit::CONTENT);
            if let Some(embed) = &self.embed {
                hold("title", count(&embed.title), limit::TITLE);
                hold("description", count(&embed.description), limit::DESCRIPTION);
                hold("footer", count(&embed.footer), FOOTER);
                hold("fields", embed.fields.len(), FIELDS);
                let mut all = count(&embed.title) + count(&embed.description) + count(&embed.footer);
                for (name, value) in &embed.fields {
                    hold("field name", count(name), FIELD_NAME);
                    hold("field value", count(value), FIELD_VALUE);
                    all += count(name) + count(value);
                }
                hold("embed", all, EMBEDS);
            }
            hold("rows", self.rows.len(), ROWS);
            let mut ids = Vec::new();
            for row in &self.rows {
                match row {
                    Row::Buttons(buttons) => {
                        hold("buttons", buttons.len(), limit::BUTTONS);
                        for button in buttons {
                            hold("custom id", count(&button.custom_id), limit::CUSTOM_ID);
                            hold("label", count(&button.label), limit::LABEL);
                            ids.push(button.custom_id.as_str());
                        }
                    }
                    Row::Select {
                        custom_id,
                        placeholder,
                        options,
                    } => {
                        hold("custom id", count(custom_id), limit::CUSTOM_ID);
                        hold("placeholder", count(placeholder), limit::PLACEHOLDER);
                        hold("options", options.len(), limit::OPTIONS);
                        for option in options {
                            hold("option value", count(&option.value), limit::OPTION_TEXT);
                            hold("option label", count(&option.label), limit::OPTION_TEXT);
                            hold(
                                "option description",
                                count(&option.description),
                                limit::OPTION_TEXT,
                            );
                        }
                        ids.push(custom_id.as_str());
                    }
                }
            }
            let all = ids.len();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() != all {
                broken.push("custom ids are not unique".to_owned());
            }
            broken
        }
    }
}
