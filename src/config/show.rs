//! What is in force and where it came from: `holdpoint config`.

use std::fmt;

use serde_json::{Value as Json, json};

use super::origin::Origin;

/// What a secret that is set looks like.
const MASK: &str = "********";

/// One setting as it is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveSetting {
    pub(super) key: String,
    pub(super) value: ShownValue,
    pub(super) origin: Origin,
}

/// Every setting as it is in force, in the order of the documented file. [`fmt::Display`] writes an aligned table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveSettings {
    settings: Vec<EffectiveSetting>,
}

/// A value that may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ShownValue {
    NotSet,
    Masked,
    Text(String),
    Number(u64),
    YesOrNo(bool),
    List(Vec<String>),
}

impl EffectiveSettings {
    pub(super) fn new(settings: Vec<EffectiveSetting>) -> Self {
        Self { settings }
    }

    /// The settings, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &EffectiveSetting> {
        self.settings.iter()
    }

    /// One setting by its dotted key.
    pub fn get(&self, key: &str) -> Option<&EffectiveSetting> {
        self.settings.iter().find(|setting| setting.key == key)
    }

    /// An object by dotted key: `{"http.listen": {"value": …, "source": "default" | "file" | "environment",
    /// "name": the file or the variable, or null}}`. A masked value is `"********"`, one that is not set `null`.
    pub fn to_json(&self) -> Json {
        let settings = self.settings.iter().map(|setting| {
            let (source, name) = setting.origin.parts();
            (
                setting.key.clone(),
                json!({ "value": setting.value.to_json(), "source": source, "name": name }),
            )
        });
        Json::Object(settings.collect())
    }
}

impl EffectiveSetting {
    /// The dotted key, such as `http.listen`.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value as it is shown; a secret is masked.
    pub fn shown(&self) -> String {
        self.value.to_string()
    }

    /// Where the value came from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl fmt::Display for EffectiveSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 3]> = self
            .settings
            .iter()
            .map(|setting| {
                let origin = match setting.origin.parts() {
                    (source, None) => source.to_owned(),
                    (_, Some(name)) => name,
                };
                [setting.key.clone(), setting.shown(), origin]
            })
            .collect();
        let heading = ["setting", "value", "from"].map(str::to_owned);
        let width = |column: usize| {
            let cells = std::iter::once(&heading)
                .chain(&rows)
                .filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let (keys, values) = (width(0), width(1));
        for [key, value, origin] in std::iter::once(&heading).chain(&rows) {
            writeln!(formatter, "{key:keys$}  {value:values$}  {origin}")?;
        }
        Ok(())
    }
}

impl ShownValue {
    fn to_json(&self) -> Json {
        match self {
            Self::NotSet => Json::Null,
            Self::Masked => json!(MASK),
            Self::Text(text) => json!(text),
            Self::Number(number) => json!(number),
            Self::YesOrNo(answer) => json!(answer),
            Self::List(items) => json!(items),
        }
    }
}

impl fmt::Display for ShownValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSet => formatter.write_str("(not set)"),
            Self::Masked => formatter.write_str(MASK),
            // Quoted and escaped, so that a line break or a control character cannot break the table.
            Self::Text(text) => write!(formatter, "{text:?}"),
            Self::Number(number) => number.fmt(formatter),
            Self::YesOrNo(answer) => answer.fmt(formatter),
            Self::List(items) => write!(formatter, "{items:?}"),
        }
    }
}
