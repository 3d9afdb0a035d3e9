//! Discord's ids.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The first millisecond of 2015 in Unix time, from which Discord's ids count.
const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

/// One of Discord's 64-bit ids. It carries its time of birth, sorts by it, and is a string in JSON.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snowflake(u64);

impl Snowflake {
    /// Takes a number as an id.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// When the id was made, in Unix milliseconds.
    pub const fn timestamp_ms(self) -> i64 {
        (self.0 >> 22) as i64 + DISCORD_EPOCH_MS
    }

    /// The smallest id that could have been made at `unix_ms`.
    pub(crate) const fn at(unix_ms: i64) -> Self {
        let since_epoch = unix_ms.saturating_sub(DISCORD_EPOCH_MS);
        Self(if since_epoch < 0 {
            0
        } else {
            (since_epoch as u64) << 22
        })
    }
}

impl fmt::Display for Snowflake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Debug for Snowflake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl FromStr for Snowflake {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl From<Snowflake> for u64 {
    fn from(id: Snowflake) -> Self {
        id.0
    }
}

impl From<u64> for Snowflake {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl Serialize for Snowflake {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
