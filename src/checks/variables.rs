//! The values that the parameters of checks name, and the environment they may look at.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::template;
use crate::domain::checklist::Variable;
use crate::domain::ids::VariableName;

/// Values by name, some of them secret. Printing them shows names and plain values only.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    values: BTreeMap<VariableName, VariableValue>,
}

#[derive(Clone, Debug)]
enum VariableValue {
    Plain(String),
    Secret(SecretString),
}

/// A text names a variable that has no value, or a capture that was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariable {
    /// Its name; for a capture, the check's and its own with a point between them.
    pub name: VariableName,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_str();
        match name.split_once('.') {
            Some((check, capture)) => write!(
                f,
                "check {check} has captured nothing as {capture} in this run; look at its `capture` and at what it saw"
            ),
            None => write!(
                f,
                "the variable {name} has no value; give it one when the deployment starts, or a default in the front matter"
            ),
        }
    }
}

impl std::error::Error for UnknownVariable {}

/// Environment variables as they were at one moment: the bot's own, or what a test made up. Printing it shows
/// names only.
#[derive(Clone, Default)]
pub struct Environment {
    values: BTreeMap<String, SecretString>,
}

impl Variables {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// The values of the variables that a checklist declares: what was given, else what the environment holds, else
    /// the default. A variable without any is left out, and a check that names it says so.
    pub fn of(
        declared: &BTreeMap<VariableName, Variable>,
        given: &BTreeMap<String, String>,
        environment: &Environment,
    ) -> Self {
        let mut values = Self::new();
        for (name, variable) in declared {
            let held = || variable.env.as_ref().and_then(|env| environment.get(env));
            let given = given.get(name.as_str()).map(String::as_str);
            let Some(value) = given.or_else(held).or(variable.default.as_deref()) else {
                continue;
            };
            values = if variable.secret {
                values.with_secret(name.clone(), SecretString::from(value))
            } else {
                values.with(name.clone(), value)
            };
        }
        values
    }

    /// Whether a variable has a value.
    pub fn has(&self, name: &VariableName) -> bool {
        self.values.contains_key(name)
    }

    /// Gives a variable a value that may be shown.
    #[must_use]
    pub fn with(mut self, name: VariableName, value: impl Into<String>) -> Self {
        self.values.insert(name, VariableValue::Plain(value.into()));
        self
    }

    /// Gives a variable a value that is never shown: it is removed from everything a check reports.
    #[must_use]
    pub fn with_secret(mut self, name: VariableName, value: SecretString) -> Self {
        self.values.insert(name, VariableValue::Secret(value));
        self
    }

    /// The text with each `{{ name }}` replaced by the variable's value. What it returns can hold secrets.
    pub fn expand<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, UnknownVariable> {
        template::expand(text, |name| {
            self.values
                .get(&VariableName::new(name))
                .map(|value| match value {
                    VariableValue::Plain(plain) => plain.clone(),
                    VariableValue::Secret(secret) => secret.expose_secret().to_owned(),
                })
        })
        .map_err(|name| UnknownVariable {
            name: VariableName::new(name),
        })
    }

    /// The values that must not be shown.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.values.values().filter_map(|value| match value {
            VariableValue::Plain(_) => None,
            VariableValue::Secret(secret) => Some(secret),
        })
    }
}

impl Environment {
    /// The environment of this process, now. Values that are not UTF-8 are taken with replacement characters.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect()
    }

    /// The value of a variable. It may be a secret.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(ExposeSecret::expose_secret)
    }
}

impl<Name: Into<String>, Value: Into<String>> FromIterator<(Name, Value)> for Environment {
    fn from_iter<Pairs: IntoIterator<Item = (Name, Value)>>(pairs: Pairs) -> Self {
        Self {
            values: pairs
                .into_iter()
                .map(|(name, value)| (name.into(), SecretString::from(value.into())))
                .collect(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_expanded_and_an_unknown_name_is_told() {
        let variables = Variables::new()
            .with(VariableName::new("base_url"), "https://app.example")
            .with_secret(VariableName::new("token"), SecretString::from("s3cr3t"));
        assert_eq!(
            variables.expand("{{ base_url }}/?t={{ token }}").as_deref(),
            Ok("https://app.example/?t=s3cr3t")
        );
        assert_eq!(
            variables.expand("{{ other }}").map_err(|error| error.to_string()),
            Err(
                "the variable other has no value; give it one when the deployment starts, or a default in the front matter"
                    .to_owned()
            )
        );
    }

    #[test]
    fn printing_shows_no_secret() {
        let variables =
            Variables::new().with_secret(VariableName::new("token"), SecretString::from("s3cr3t"));
        let environment: Environment = [("TOKEN", "s3cr3t")].into_iter().collect();
        let printed = format!("{variables:?} {environment:?}");
        assert!(
            printed.contains("token") && printed.contains("TOKEN"),
            "{printed}"
        );
        assert!(!printed.contains("s3cr3t"), "{printed}");
    }
}
