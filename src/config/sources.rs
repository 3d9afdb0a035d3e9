//! The layers that settings are read from, merged by the config crate.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use super::{
    origin::Origin,
    problem::{InvalidSettings, Problem},
};

/// The file that is read when none is named and it is there.
pub const DEFAULT_FILE: &str = "holdpoint.toml";

/// What the names of our variables begin with.
pub(super) const PREFIX: &str = "HOLDPOINT__";

/// What stands between the parts of a variable's name.
pub(super) const SEPARATOR: &str = "__";

const DEFAULTS: &str = include_str!("../../config/holdpoint.toml");

/// Which file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsFile {
    /// A file that somebody named; it must be there.
    Named(PathBuf),
    /// A file that is read if it is there.
    IfPresent(PathBuf),
    /// No file.
    None,
}

impl SettingsFile {
    /// The file given with `--config`, or [`DEFAULT_FILE`] where there is one.
    pub fn named_or_default(named: Option<&Path>) -> Self {
        match named {
            Some(path) => Self::Named(path.to_owned()),
            None => Self::IfPresent(PathBuf::from(DEFAULT_FILE)),
        }
    }

    fn read(&self) -> Result<Option<(PathBuf, String)>, Problem> {
        let (path, required) = match self {
            Self::Named(path) => (path, true),
            Self::IfPresent(path) => (path, false),
            Self::None => return Ok(None),
        };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                // Editors on Windows may begin a file with a byte order mark.
                let text = text
                    .strip_prefix('\u{feff}')
                    .map_or_else(|| text.clone(), str::to_owned);
                Ok(Some((path.clone(), text)))
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound && !required => Ok(None),
            Err(fault) => Err(Problem::UnreadableFile {
                path: path.clone(),
                fault,
            }),
        }
    }
}

/// The variables of the environment that are ours, as an argument, so that a test can bring its own.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        std::env::vars_os().collect()
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .filter(|(name, _)| is_ours(&name.to_string_lossy()))
            .collect();
        Self { variables }
    }
}

/// The merged layers: a tree whose leaves know where they came from.
#[derive(Debug)]
pub(super) struct Layers {
    pub(super) root: Value,
}

impl Layers {
    pub(super) fn collect(file: &SettingsFile, environment: Environment) -> Result<Self, InvalidSettings> {
        let defaults = Layer::from_toml(DEFAULTS, &Origin::Default, Path::new("config/holdpoint.toml"))?;
        let mut builder = Config::builder().add_source(defaults);
        if let Some((path, text)) = file.read()? {
            builder = builder.add_source(Layer::from_toml(&text, &Origin::File(path.clone()), &path)?);
        }
        builder = builder.add_source(Layer::from_environment(environment)?);
        let merged = builder.build().map_err(|fault| Problem::NotToml {
            path: PathBuf::from(DEFAULT_FILE),
            place: "somewhere".to_owned(),
            message: fault.to_string(),
        })?;
        Ok(Self { root: merged.cache })
    }
}

/// One layer, collected beforehand, each value marked with its origin.
#[derive(Debug, Clone)]
struct Layer {
    values: Map<String, Value>,
}

impl Layer {
    fn from_toml(text: &str, origin: &Origin, path: &Path) -> Result<Self, Problem> {
        let values = File::from_str(text, FileFormat::Toml)
            .collect()
            .map_err(|fault| not_toml(path, &fault))?;
        let values = values
            .into_iter()
            .map(|(key, value)| (key, marked(value, origin)))
            .collect();
        Ok(Self { values })
    }

    fn from_environment(environment: Environment) -> Result<Self, InvalidSettings> {
        let mut values = Map::new();
        let mut problems = Vec::new();
        for (name, value) in environment.variables {
            let (name, value) = match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => (name, value),
                (Ok(name), Err(_)) => {
                    problems.push(Problem::NotUnicode { name });
                    continue;
                }
                (Err(name), _) => {
                    problems.push(Problem::NotUnicode {
                        name: name.to_string_lossy().into_owned(),
                    });
                    continue;
                }
            };
            let Some(key) = key_of_variable(&name) else {
                let origin = Origin::Variable(name.clone());
                problems.push(Problem::UnknownKey {
                    key: name,
                    origin,
                    nearest: None,
                });
                continue;
            };
            let origin = Origin::Variable(name);
            values.insert(key, Value::new(Some(&origin.to_mark()), ValueKind::String(value)));
        }
        if problems.is_empty() {
            Ok(Self { values })
        } else {
            Err(problems.into_iter().collect())
        }
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}

/// The variable that sets a key.
pub(super) fn variable_of_key(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', SEPARATOR))
}

/// The key that a variable sets; none when its name has a part that no key can have.
fn key_of_variable(name: &str) -> Option<String> {
    let rest = name.get(PREFIX.len()..)?.to_lowercase();
    let parts: Vec<&str> = rest.split(SEPARATOR).collect();
    let sound = |part: &&str| {
        !part.is_empty()
            && part
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    parts.iter().all(sound).then(|| parts.join("."))
}

fn is_ours(name: &str) -> bool {
    name.get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

fn marked(value: Value, origin: &Origin) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => ValueKind::Table(
            table
                .into_iter()
                .map(|(key, value)| (key, marked(value, origin)))
                .collect(),
        ),
        ValueKind::Array(items) => {
            ValueKind::Array(items.into_iter().map(|value| marked(value, origin)).collect())
        }
        leaf => leaf,
    };
    Value::new(Some(&origin.to_mark()), kind)
}

/// The parser's message quotes the line it stumbled on, gutter and all. That line may be the token's, so only the
/// place and what was expected are kept.
fn not_toml(path: &Path, fault: &ConfigError) -> Problem {
    let text = match fault {
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        other => other.to_string(),
    };
    let mut place = "somewhere".to_owned();
    let mut message = Vec::new();
    for line in text.lines() {
        if let Some((_, at)) = line.split_once(" at line ") {
            place = format!("line {at}");
        } else if !is_quotation(line) && !line.trim().is_empty() {
            message.push(line.trim());
        }
    }
    let message = if message.is_empty() {
        "it cannot be read".to_owned()
    } else {
        message.join(", ")
    };
    Problem::NotToml {
        path: path.to_owned(),
        place,
        message,
    }
}

fn is_quotation(line: &str) -> bool {
    line.trim_start()
        .trim_start_matches(|letter: char| letter.is_ascii_digit())
        .trim_start()
        .starts_with('|')
}
