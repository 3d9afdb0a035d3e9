//! The SHA-256 of a file, as the operator writes it.

use std::{fmt, str::FromStr};

/// The SHA-256 of a file, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sha256(String);

/// A text that is no [`Sha256`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 has 64 hexadecimal digits")]
pub struct ParseSha256Error;

impl Sha256 {
    /// What a list of them is told to hold.
    pub(super) const EXPECTED: &'static str =
        "the SHA-256 of a checklist, 64 hexadecimal digits, as `sha256sum` prints them";

    /// Its 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Sha256 {
    type Err = ParseSha256Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(ParseSha256Error)
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
