//! What can be wrong with the settings, as sentences.

use std::{fmt, path::PathBuf};

use super::origin::Origin;

/// One thing that is wrong with the settings. It reads as a sentence without its final stop.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file that was asked for cannot be read.
    #[error(
        "the settings file {} cannot be read ({fault}); check the path given with --config and that this user \
         may read it",
        path.display()
    )]
    UnreadableFile {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        fault: std::io::Error,
    },
    /// The file is not TOML.
    #[error("the settings file {} is not valid TOML: {place}: {message}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// `line 3, column 9`, or `somewhere`.
        place: String,
        /// What the parser expected, without the text of the line, which may hold a secret.
        message: String,
    },
    /// A variable's name or value is not Unicode.
    #[error("the environment variable {name} is not valid Unicode; set it again in UTF-8")]
    NotUnicode {
        /// Its name, as far as it is readable.
        name: String,
    },
    /// A key that means nothing.
    #[error("{}; {}", unknown(key, origin), advice(nearest.as_deref()))]
    UnknownKey {
        /// The key, dotted, or the variable's name.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// What may have been meant, written the same way.
        nearest: Option<String>,
    },
    /// A value of the wrong type, or out of range.
    #[error("{key} is {found}, but must be {expected}; it comes from {origin}")]
    WrongValue {
        /// The key, dotted.
        key: String,
        /// What it is, in words.
        found: String,
        /// What it should be, in words.
        expected: String,
        /// Where it came from.
        origin: Origin,
    },
    /// The token and its file, in the same place.
    #[error(
        "discord.token and discord.token_file are both set, by {token} and by {file}, and only one of them can \
         hold; remove one"
    )]
    TwoTokens {
        /// Where the token came from.
        token: Origin,
        /// Where the file's name came from.
        file: Origin,
    },
    /// A stand-in for Discord of which only one half is given.
    #[error("{set} is set, by {origin}, without {missing}; set both to rehearse on this machine, or neither")]
    HalfALocalDiscord {
        /// The setting that is there.
        set: &'static str,
        /// The one that is not.
        missing: &'static str,
        /// Where the one that is there came from.
        origin: Origin,
    },
}

/// Everything that is wrong with the settings: one sentence a line.
#[derive(Debug)]
pub struct InvalidSettings {
    problems: Vec<Problem>,
}

impl InvalidSettings {
    /// The problems, in the order in which they were found.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl FromIterator<Problem> for InvalidSettings {
    fn from_iter<I: IntoIterator<Item = Problem>>(problems: I) -> Self {
        Self {
            problems: problems.into_iter().collect(),
        }
    }
}

impl From<Problem> for InvalidSettings {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{problem}.")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidSettings {}

fn unknown(key: &str, origin: &Origin) -> String {
    match origin {
        Origin::Variable(name) => format!("the environment variable {name} names no setting"),
        Origin::Default | Origin::File(_) => format!("{origin} has {key}, which is no setting"),
    }
}

fn advice(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("the nearest is {nearest}"),
        None => "remove it, or run `holdpoint config` to see those there are".to_owned(),
    }
}
