//! Where a value came from.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Where a setting's value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The built-in default.
    Default,
    /// The settings file.
    File(PathBuf),
    /// A variable of the environment, by its name.
    Variable(String),
}

impl Origin {
    /// Which wins: the greater.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Variable(_) => 2,
        }
    }

    /// The form in which it travels through the config crate, which carries a text with each value.
    pub(super) fn to_mark(&self) -> String {
        match self {
            Self::Default => "default".to_owned(),
            Self::File(path) => format!("file:{}", path.display()),
            Self::Variable(name) => format!("variable:{name}"),
        }
    }

    /// The reverse of [`Origin::to_mark`].
    pub(super) fn from_mark(mark: Option<&str>) -> Self {
        match mark.and_then(|mark| mark.split_once(':')) {
            Some(("file", path)) => Self::File(Path::new(path).to_owned()),
            Some(("variable", name)) => Self::Variable(name.to_owned()),
            Some(_) | None => Self::Default,
        }
    }

    /// One word for the kind and, where there is one, the name: what a machine wants.
    pub(super) fn parts(&self) -> (&'static str, Option<String>) {
        match self {
            Self::Default => ("default", None),
            Self::File(path) => ("file", Some(path.display().to_string())),
            Self::Variable(name) => ("environment", Some(name.clone())),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("the built-in default"),
            Self::File(path) => write!(formatter, "the file {}", path.display()),
            Self::Variable(name) => write!(formatter, "the environment variable {name}"),
        }
    }
}
