//! From what a column holds to what the domain calls it, and back.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::{CorruptRow, StoreError};

/// A column of a row, for saying what is wrong with it.
#[derive(Clone, Copy)]
pub(super) struct Column<'a, Key> {
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    pub(super) row: &'a Key,
}

impl<Key: std::fmt::Display> Column<'_, Key> {
    pub(super) fn corrupt(&self, why: impl std::fmt::Display) -> CorruptRow {
        CorruptRow {
            table: self.table,
            column: self.name,
            row: self.row.to_string(),
            why: why.to_string(),
        }
    }

    pub(super) fn instant(&self, milliseconds: i64) -> Result<Timestamp, CorruptRow> {
        Timestamp::from_millisecond(milliseconds)
            .map_err(|error| self.corrupt(format!("is no instant ({error})")))
    }

    pub(super) fn count<N: TryFrom<i64>>(&self, number: i64) -> Result<N, CorruptRow> {
        N::try_from(number).map_err(|_| self.corrupt(format!("cannot be {number}")))
    }

    pub(super) fn json<T: DeserializeOwned>(&self, text: &str) -> Result<T, CorruptRow> {
        serde_json::from_str(text).map_err(|error| self.corrupt(format!("cannot be read ({error})")))
    }
}

/// Whole milliseconds since 1970.
pub(super) fn milliseconds(instant: Timestamp) -> i64 {
    instant.as_millisecond()
}

/// A 64-bit id of Discord's as `SQLite`'s signed integer, bit for bit.
pub(super) fn column_of(snowflake: u64) -> i64 {
    snowflake.cast_signed()
}

/// The reverse of [`column_of`].
pub(super) fn snowflake_of(column: i64) -> u64 {
    column.cast_unsigned()
}

/// A count as `SQLite`'s signed integer.
pub(super) fn number<N: TryInto<i64> + Copy + std::fmt::Display>(count: N) -> Result<i64, StoreError> {
    count
        .try_into()
        .map_err(|_| StoreError::Unfit(format!("the number {count} is too large")))
}

/// JSON text.
pub(super) fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unfit(error.to_string()))
}
