//! What a probe saw, by the names that a condition may use.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use cel::common::types::{
    CelBool, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt,
};
use cel::common::value::Val;
use serde_json::Value;

use super::headers::Headers;
use super::uses::Use;

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
    Headers(Headers),
    Durations(BTreeMap<&'static str, Duration>),
    Fractions(BTreeMap<&'static str, f64>),
    Names(Vec<String>),
    Json(Value),
    /// Nothing, and why: a clause such as `the body is not JSON`.
    Nothing(String),
}

/// One thing seen that has no parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Truth(bool),
    Whole(i64),
    Text(&'a str),
}

/// Everything a probe saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Observation {
    /// By name, each once. They are few, and looked at seldom.
    values: Vec<(Cow<'static, str>, Observed)>,
    /// Why something is as it was seen, by its name.
    reasons: BTreeMap<String, String>,
}

impl AsRef<Observation> for Observation {
    fn as_ref(&self) -> &Observation {
        self
    }
}

impl Observation {
    /// Notes something seen.
    #[must_use]
    pub(super) fn with(mut self, name: impl Into<Cow<'static, str>>, observed: Observed) -> Self {
        let name = name.into();
        match self.values.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) => *before = observed,
            None => self.values.push((name, observed)),
        }
        self
    }

    /// What was seen under names that differ.
    pub(super) fn of(values: Vec<(Cow<'static, str>, Observed)>) -> Self {
        Self {
            values,
            reasons: BTreeMap::new(),
        }
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
        let found = self.values.iter().find(|(known, _)| known == name);
        found.map(|(_, observed)| observed)
    }

    /// The truth, number or text that stands under a name and the keys that follow it.
    pub(super) fn scalar(&self, name: &str, keys: &[String]) -> Option<Scalar<'_>> {
        match (self.get(name)?, keys) {
            (Observed::Truth(truth), []) => Some(Scalar::Truth(*truth)),
            (Observed::Whole(number), []) => Some(Scalar::Whole(*number)),
            (Observed::Text(text), []) => Some(Scalar::Text(text)),
            (Observed::Headers(headers), [key]) => match headers.get(key)? {
                Cow::Borrowed(text) => Some(Scalar::Text(text)),
                Cow::Owned(_) => None,
            },
            (Observed::Json(json), keys) => match keys
                .iter()
                .try_fold(json, |json, key| json.as_object()?.get(key))?
            {
                Value::Bool(truth) => Some(Scalar::Truth(*truth)),
                Value::Number(number) => number.as_i64().map(Scalar::Whole),
                Value::String(text) => Some(Scalar::Text(text)),
                Value::Null | Value::Array(_) | Value::Object(_) => None,
            },
            _ => None,
        }
    }

    /// What a condition finds under a name, as far as it uses it; nothing for what was not seen.
    pub(super) fn for_condition<'a>(&'a self, name: &str, used: &'a Use) -> Option<Box<dyn Val + 'a>> {
        Some(match self.get(name)? {
            Observed::Truth(truth) => Box::new(CelBool::from(*truth)),
            Observed::Whole(number) => Box::new(CelInt::from(*number)),
            Observed::Fraction(number) => Box::new(CelDouble::from(*number)),
            Observed::Duration(duration) => span(*duration),
            Observed::Text(text) => Box::new(CelString::from(text.as_str())),
            Observed::Headers(headers) => {
                let text = |text: Cow<'a, str>| -> Box<dyn Val + 'a> { Box::new(CelString::from(text)) };
                match used {
                    Use::Whole => map(headers.iter().map(|(name, value)| (name, text(value)))),
                    Use::Parts(parts) => map(parts
                        .keys()
                        .filter_map(|name| Some((name.as_str(), text(headers.get(name)?))))),
                }
            }
            Observed::Durations(spans) => map(spans.iter().map(|(name, duration)| (*name, span(*duration)))),
            Observed::Fractions(numbers) => map(numbers
                .iter()
                .map(|(name, number)| (*name, Box::new(CelDouble::from(*number)) as Box<dyn Val>))),
            Observed::Names(names) => Box::new(CelList::from(
                names
                    .iter()
                    .map(|name| Box::new(CelString::from(name.as_str())) as Box<dyn Val + 'a>)
                    .collect::<Vec<_>>(),
            )),
            Observed::Json(json) => from_json(json, used),
            Observed::Nothing(_) => return None,
        })
    }
}

fn span<'a>(duration: Duration) -> Box<dyn Val + 'a> {
    let span = chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::MAX);
    Box::new(CelDuration::from(span))
}

fn map<'a>(entries: impl Iterator<Item = (&'a str, Box<dyn Val + 'a>)>) -> Box<dyn Val + 'a> {
    let entries: HashMap<CelMapKey<'a>, Box<dyn Val + 'a>> = entries
        .map(|(name, value)| (CelMapKey::from(name), value))
        .collect();
    Box::new(CelMap::from(entries))
}

/// JSON as a condition sees it: numbers that are whole are whole, so that they can be reckoned with. Of an object, only
/// what is used is there; what has no keys is there as it is, so that a sentence can say so.
fn from_json<'a>(json: &'a Value, used: &Use) -> Box<dyn Val + 'a> {
    match json {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(number) => {
            if let Some(number) = number.as_i64() {
                Box::new(CelInt::from(number))
            } else if let Some(number) = number.as_u64() {
                Box::new(CelUInt::from(number))
            } else if let Some(number) = number.as_f64() {
                Box::new(CelDouble::from(number))
            } else {
                Box::new(CelNull)
            }
        }
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(values) => Box::new(CelList::from(
            values
                .iter()
                .map(|value| from_json(value, &Use::Whole))
                .collect::<Vec<_>>(),
        )),
        Value::Object(entries) => match used {
            Use::Whole => map(entries
                .iter()
                .map(|(key, value)| (key.as_str(), from_json(value, &Use::Whole)))),
            Use::Parts(parts) => map(parts.iter().filter_map(|(key, used)| {
                let (key, value) = entries.get_key_value(key)?;
                Some((key.as_str(), from_json(value, used)))
            })),
        },
    }
}
