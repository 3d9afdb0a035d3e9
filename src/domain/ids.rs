//! Names for things. Each is a newtype, so that a message is never taken for a channel.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! snowflake {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

snowflake! {
    /// A Discord server.
    GuildId;
    /// A channel or thread.
    ChannelId;
    /// A message in a channel.
    MessageId;
    /// A person or a bot.
    UserId;
    /// A role of a Discord server, as distinct from a sign-off role of a checklist.
    DiscordRoleId;
}

/// One run of a checklist. Numbers are given out in order, one series for the whole database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentId(pub i64);

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; whoever makes one has parsed it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_id! {
    /// An item's place in its checklist: the numbers of its sections and of itself, as `3.2.1`.
    ItemId;
    /// A section's place in its checklist, as `3.2`. Items and subsections of a section share one
    /// series of numbers, so an item and a section never have the same one.
    SectionId;
    /// A check's key in the front matter.
    CheckId;
    /// A sign-off role's key in the front matter, as `tech-lead`.
    RoleKey;
    /// A blank to be filled in: its item's id and its label, as `4.1.1/date`.
    BlankId;
    /// An escalation policy's key in the front matter.
    PolicyName;
    /// A variable's name in the front matter.
    VariableName;
    /// A checklist's name in the catalog: its file name without the ending.
    ChecklistName;
    /// SHA-256 of a checklist's bytes, in lower-case hexadecimal.
    ChecklistHash;
    /// What makes an input unique, so that it is applied once: an interaction id, a message with
    /// member and emoji, a delivery id, a timer id.
    InputId;
}
