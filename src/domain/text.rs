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
            /// Refuses an empty text and one of more than [`Self::LIMIT`] characters.
            pub fn parse(typed: &str) -> Result<Self, Refusal> {
                let text = typed.trim();
                let length = text.chars().count();
                if length == 0 {
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
