//! Texts that people type, parsed at the edge: trimmed, not empty, and of bounded length.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;

macro_rules! bounded_text {
    ($($(#[$doc:meta])* $name:ident = $what:literal, at most $limit:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The most characters it may have.
            pub const LIMIT: usize = $limit;

            /// Takes a typed text, without the white space around it.
            ///
            /// # Errors
            /// Refuses a text in which nothing can be seen and one of more than [`Self::LIMIT`] characters.
            pub fn parse(typed: &str) -> Result<Self, Refusal> {
                let text = typed.trim();
                let length = text.chars().count();
                if text.chars().all(|c| c.is_whitespace() || is_unseen(c)) {
                    Err(Refusal::TextEmpty { what: $what })
                } else if length > $limit {
                    Err(Refusal::TextTooLong { what: $what, length, limit: $limit })
                } else {
                    Ok(Self(text.to_owned()))
                }
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

bounded_text! {
    /// Why something was skipped, blocked, rejected or stopped.
    Reason = "A reason", at most 1000;
    /// A remark on a deployment or an item.
    Remark = "A note", at most 1000;
    /// What a blank is filled with.
    BlankValue = "A blank's value", at most 200;
    /// What is being released, as `2.4.1`.
    Version = "A version", at most 60;
    /// Where it is being released to, as `staging`.
    Environment = "An environment", at most 40;
}

/// Whether a character takes no space on a screen, or turns the direction of those around it.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}
