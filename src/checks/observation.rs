//! What a probe saw, by the names that a condition may use.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use cel::Value as CelValue;
use serde_json::Value;

/// What kind of thing stands behind a name, known before anything is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// True or false.
    Truth,
    /// A whole number.
    Whole,
    /// A number that need not be whole.
    Fraction,
    /// A span of time.
    Duration,
    /// A text.
    Text,
    /// Texts by name, the names in lower case.
    Headers,
    /// Spans of time by name, the names known.
    Durations(&'static [&'static str]),
    /// Numbers that need not be whole by name, the names known.
    Fractions(&'static [&'static str]),
    /// A list of names.
    Names,
    /// Whatever the other side sent.
    Anything,
}

/// One thing seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Observed {
    Truth(bool),
    Whole(i64),
    Fraction(f64),
    Duration(Duration),
    Text(String),
    Headers(BTreeMap<String, String>),
    Durations(BTreeMap<&'static str, Duration>),
    Fractions(BTreeMap<&'static str, f64>),
    Names(Vec<String>),
    Json(Value),
    /// Nothing, and why: a clause such as `the body is not JSON`.
    Nothing(String),
}

/// Everything a probe saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Observation {
    values: BTreeMap<String, Observed>,
    /// Why something is as it was seen, by its name.
    reasons: BTreeMap<String, String>,
}

impl Observation {
    /// Notes something seen.
    #[must_use]
    pub(super) fn with(mut self, name: &str, observed: Observed) -> Self {
        self.values.insert(name.to_owned(), observed);
        self
    }

    /// Notes why something is as it was seen, in a sentence that a condition which fails on it ends with.
    #[must_use]
    pub(super) fn because(mut self, name: &str, sentence: impl Into<String>) -> Self {
        self.reasons.insert(name.to_owned(), sentence.into());
        self
    }

    /// Why something is as it was seen, where that was noted.
    pub(super) fn reason(&self, name: &str) -> Option<&str> {
        self.reasons.get(name).map(String::as_str)
    }

    /// What was seen under a name.
    pub(super) fn get(&self, name: &str) -> Option<&Observed> {
        self.values.get(name)
    }

    /// What a condition finds under a name; nothing for what was not seen.
    pub(super) fn for_condition(&self, name: &str) -> Option<CelValue> {
        let value = match self.values.get(name)? {
            Observed::Truth(truth) => CelValue::Bool(*truth),
            Observed::Whole(number) => CelValue::Int(*number),
            Observed::Fraction(number) => CelValue::Float(*number),
            Observed::Duration(duration) => span(*duration),
            Observed::Text(text) => CelValue::from(text.as_str()),
            Observed::Headers(headers) => headers
                .iter()
                .map(|(name, value)| (name.clone(), CelValue::from(value.as_str())))
                .collect::<HashMap<_, _>>()
                .into(),
            Observed::Durations(spans) => spans
                .iter()
                .map(|(name, duration)| ((*name).to_owned(), span(*duration)))
                .collect::<HashMap<_, _>>()
                .into(),
            Observed::Fractions(numbers) => numbers
                .iter()
                .map(|(name, number)| ((*name).to_owned(), CelValue::Float(*number)))
                .collect::<HashMap<_, _>>()
                .into(),
            Observed::Names(names) => CelValue::List(Arc::new(
                names.iter().map(|name| CelValue::from(name.as_str())).collect(),
            )),
            Observed::Json(json) => from_json(json),
            Observed::Nothing(_) => return None,
        };
        Some(value)
    }
}

fn span(duration: Duration) -> CelValue {
    CelValue::Duration(chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::MAX))
}

/// JSON as a condition sees it: numbers that are whole are whole, so that they can be reckoned with.
fn from_json(json: &Value) -> CelValue {
    match json {
        Value::Null => CelValue::Null,
        Value::Bool(bool) => CelValue::Bool(*bool),
        Value::Number(number) => number
            .as_i64()
            .map(CelValue::Int)
            .or_else(|| number.as_u64().map(CelValue::UInt))
            .or_else(|| number.as_f64().map(CelValue::Float))
            .unwrap_or(CelValue::Null),
        Value::String(text) => CelValue::from(text.as_str()),
        Value::Array(values) => CelValue::List(Arc::new(values.iter().map(from_json).collect())),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), from_json(value)))
            .collect::<HashMap<_, _>>()
            .into(),
    }
}
