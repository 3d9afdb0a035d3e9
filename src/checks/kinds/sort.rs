//! What kinds of values there are as far as can be told without evaluating, and what can be done with two of them.

use cel::common::ast::operators;

/// What kind of value an expression has, as far as can be told beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Truth,
    Whole,
    Unsigned,
    Fraction,
    Text,
    Bytes,
    Duration,
    Time,
    List,
    Names,
    Object,
    Headers,
    /// Spans of time under these names.
    Durations(&'static [&'static str]),
    /// Fractions under these names.
    Fractions(&'static [&'static str]),
    Null,
    Unknown,
}

impl Sort {
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Unsigned | Self::Fraction)
    }

    pub(super) fn equals(self, other: Self) -> bool {
        let listed = |sort| matches!(sort, Self::List | Self::Names);
        let keyed = |sort| {
            matches!(
                sort,
                Self::Object | Self::Headers | Self::Durations(_) | Self::Fractions(_)
            )
        };
        self == Self::Unknown
            || other == Self::Unknown
            || self == other
            || (self.is_number() && other.is_number())
            || (listed(self) && listed(other))
            || (keyed(self) && keyed(other))
    }

    pub(super) fn compares(self, other: Self) -> bool {
        let ordered = |sort: Self| {
            sort.is_number()
                || matches!(
                    sort,
                    Self::Truth | Self::Text | Self::Bytes | Self::Duration | Self::Time | Self::Unknown
                )
        };
        ordered(self) && ordered(other) && self.equals(other)
    }

    /// What reckoning with two operands gives; nothing when it cannot be done.
    pub(super) fn reckoned(self, name: &str, other: Self) -> Option<Self> {
        let adds = name == operators::ADD;
        let takes = name == operators::SUBSTRACT;
        match (self, other) {
            (
                Self::Unknown,
                Self::Truth | Self::Null | Self::Headers | Self::Durations(_) | Self::Fractions(_),
            )
            | (
                Self::Truth | Self::Null | Self::Headers | Self::Durations(_) | Self::Fractions(_),
                Self::Unknown,
            ) => None,
            (Self::Unknown, _) | (_, Self::Unknown) => Some(Self::Unknown),
            (one, other) if one.is_number() && one == other => {
                (one != Self::Fraction || name != operators::MODULO).then_some(one)
            }
            (Self::Duration, Self::Duration) if adds || takes => Some(Self::Duration),
            (Self::Time, Self::Duration) if adds || takes => Some(Self::Time),
            (Self::Duration, Self::Time) if adds => Some(Self::Time),
            (Self::Time, Self::Time) if takes => Some(Self::Duration),
            (Self::Text, Self::Text) | (Self::Bytes, Self::Bytes) if adds => Some(self),
            (Self::List | Self::Names, Self::List | Self::Names) if adds => Some(Self::List),
            _ => None,
        }
    }

    pub(super) fn read(self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Whole | Self::Unsigned => "a whole number",
            Self::Fraction => "a fraction",
            Self::Text => "a text",
            Self::Bytes => "bytes",
            Self::Duration => "a span of time",
            Self::Time => "a time",
            Self::List | Self::Names => "a list",
            Self::Object | Self::Headers | Self::Durations(_) | Self::Fractions(_) => "an object",
            Self::Null => "null",
            Self::Unknown => "unknown",
        }
    }
}
