//! Values taken from what a check saw, for the requests and checks that come after it. They live in memory only, as
//! long as the run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cel::Value as CelValue;
use secrecy::SecretString;

use super::condition::Compiled;
use super::judge;
use super::observation::Observation;
use super::probe::{Hindrance, Run};
use super::redact::Redactor;
use super::variables::Variables;
use super::verdict;
use super::written;
use crate::domain::check::HttpCapture;
use crate::domain::ids::{CheckId, VariableName};

/// The longest value that is captured, in bytes. Tokens and identifiers are far shorter; web servers take headers of
/// 8 KiB.
const LONGEST: usize = 8 << 10;
/// The fewest characters of a captured value that are removed from reports: `7` or `true` would be taken out of every
/// number and sentence, and keep nothing secret.
const SHORTEST_SECRET: usize = 6;

/// A captured value. Printing it does not show a secret.
#[derive(Clone, Debug)]
pub(super) enum Captured {
    /// What a command printed, which its own result shows as well; or what is too short to be kept secret.
    Plain(String),
    /// What came back from a server, which is a token more often than not.
    Secret(SecretString),
}

/// What one try of a check has captured so far.
#[derive(Debug, Default)]
pub(super) struct Captures {
    values: Mutex<BTreeMap<String, Captured>>,
    missing: Mutex<Option<String>>,
}

impl Captures {
    /// Keeps a value that may be shown. One that is too long is none.
    pub(super) fn take_plain(&self, name: &str, value: &str) {
        if value.len() <= LONGEST {
            self.insert(name, Captured::Plain(value.to_owned()));
        }
    }

    /// Notes that something could not be captured: a sentence.
    fn miss(&self, sentence: String) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.get_or_insert(sentence);
    }

    /// Why not everything could be captured, in a sentence.
    pub(super) fn missing(&self) -> Option<String> {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.clone()
    }

    /// What was captured.
    pub(super) fn into_values(self) -> BTreeMap<String, Captured> {
        self.values.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, name: &str, value: Captured) {
        // A panic while the lock is held cannot leave the map half changed.
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.insert(name.to_owned(), value);
    }
}

/// Takes what is to be captured from an answer. From then on it is removed from everything reported. What is missing
/// is noted, and comes back in a sentence.
pub(super) async fn take(
    run: &Run<'_>,
    wanted: &[HttpCapture],
    observation: &Arc<Observation>,
) -> Result<(Vec<(VariableName, SecretString)>, Option<String>), Hindrance> {
    let mut taken = Vec::with_capacity(wanted.len());
    let mut missing = None;
    for capture in wanted {
        let value = run.expressions.values.get(&capture.value.text).map_err(|flaw| {
            Hindrance::new(format!(
                "`{}` cannot be captured: {}",
                capture.name, flaw.sentence
            ))
        })?;
        match verdict::value(run, &value, observation).await? {
            Ok(text) => {
                let secret = SecretString::from(text.clone());
                let captured = if text.chars().count() >= SHORTEST_SECRET {
                    run.redactor.learn(&secret);
                    Captured::Secret(secret.clone())
                } else {
                    Captured::Plain(text)
                };
                run.captures.insert(&capture.name, captured);
                taken.push((VariableName::new(&capture.name), secret));
            }
            Err(why) => {
                let sentence = format!("{why}, so nothing could be captured as {}", capture.name);
                run.captures.miss(sentence.clone());
                missing.get_or_insert(sentence);
            }
        }
    }
    Ok((taken, missing))
}

/// The value of an expression as a text; else a clause that says why there is none.
pub(super) fn text(
    value: &Compiled,
    observation: &Observation,
    redactor: &Redactor,
    until: std::time::Instant,
) -> Result<String, String> {
    let found = judge::value(value, observation, redactor, until)?;
    let text = match &found {
        CelValue::String(text) => text.to_string(),
        CelValue::Int(number) => number.to_string(),
        CelValue::UInt(number) => number.to_string(),
        CelValue::Float(number) => number.to_string(),
        CelValue::Bool(truth) => truth.to_string(),
        other => {
            let name = judge::named(value);
            let shown = match other {
                CelValue::Null => "null".to_owned(),
                CelValue::List(_) => "a list".to_owned(),
                CelValue::Map(_) => "an object".to_owned(),
                other => written::value(other, redactor),
            };
            return Err(format!("{name} is {shown}, which is not a text"));
        }
    };
    if text.is_empty() {
        return Err(format!("{} is empty", judge::named(value)));
    }
    if text.len() > LONGEST {
        return Err(format!("{} is longer than {LONGEST} bytes", judge::named(value)));
    }
    Ok(text)
}

/// The variables with what checks have captured, each as `check.name`.
pub(super) fn with_captured<'a>(
    variables: &Variables,
    captured: impl IntoIterator<Item = (&'a CheckId, &'a BTreeMap<String, Captured>)>,
) -> Variables {
    let mut extended = variables.clone();
    for (check, values) in captured {
        for (name, value) in values {
            let name = VariableName::new(format!("{check}.{name}"));
            extended = match value {
                Captured::Plain(text) => extended.with(name, text.clone()),
                Captured::Secret(secret) => extended.with_secret(name, secret.clone()),
            };
        }
    }
    extended
}
