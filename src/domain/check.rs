//! Checks: automated probes, their parameters and what they found.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::CheckId;

/// An automated probe with the condition its observation must meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its key in the front matter.
    pub id: CheckId,
    /// What it is about, for people; else its key.
    pub description: Option<String>,
    /// What it does.
    pub probe: Probe,
    /// What its observation must meet, in CEL. Without one, the probe's own verdict holds.
    pub pass: Option<Condition>,
    /// How long it may take.
    pub timeout: Duration,
    /// 1-based line of its key in the source.
    pub line: usize,
}

/// A CEL expression and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The expression.
    pub text: String,
    /// 1-based line of the source.
    pub line: usize,
    /// 1-based column of the source.
    pub column: usize,
}

/// What a check does. Texts may name variables as `{{ name }}`.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// One HTTP request. Observes `status`, `headers`, `body`, `json`, `latency`, `redirects`, `url`.
    Http(HttpProbe),
    /// Environment variables. Observes `missing`, `empty`, `malformed`, never a value.
    Env(EnvProbe),
    /// A program. Observes `exit_code`, `stdout`, `stderr`, `duration` and each named capture.
    Command(CommandProbe),
}

/// Parameters of an HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpProbe {
    /// Where to.
    pub url: String,
    /// `GET` unless said otherwise.
    pub method: String,
    /// Headers to send.
    pub headers: BTreeMap<String, String>,
    /// A body as text.
    pub body: Option<String>,
    /// A body as JSON; sets the content type.
    pub json: Option<serde_json::Value>,
    /// How many redirects to follow; 0 unless said otherwise, so that a redirect can be observed.
    pub follow: u32,
}

/// Parameters of a look at environment variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvProbe {
    /// A file in `.env` form, relative to the bot's working directory; else the bot's own environment.
    pub file: Option<String>,
    /// Must be there and not empty.
    pub required: Vec<EnvVariable>,
    /// Reported when missing, without failing.
    pub recommended: Vec<EnvVariable>,
    /// Looked at only when there.
    pub optional: Vec<EnvVariable>,
}

/// An environment variable and the form its value must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVariable {
    /// Its name.
    pub name: String,
    /// The form of its value.
    pub format: Option<EnvFormat>,
}

/// Forms a value can be held to without being shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvFormat {
    /// An absolute URL; with a scheme, of that scheme.
    Url(Option<String>),
    /// This many hexadecimal digits.
    Hex(usize),
    /// Begins with this text.
    Prefix(String),
    /// Is this text.
    Equals(String),
    /// At least this many characters.
    MinLength(usize),
    /// Decodes from base64 to a JSON document.
    Base64Json,
    /// A whole number.
    Integer,
}

/// Parameters of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandProbe {
    /// The program and its arguments; never a shell line.
    pub run: Vec<String>,
    /// Its working directory.
    pub cwd: Option<String>,
    /// A regular expression whose named groups are observed, searched in standard output, then standard error.
    pub capture: Option<String>,
}

/// What became of one run of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// The condition held.
    Passed,
    /// The probe was made and the condition did not hold.
    Failed,
    /// The probe could not be made.
    Error,
}

/// What a check saw: evidence. Capped and redacted before it is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Which check.
    pub check: CheckId,
    /// What became of it.
    pub status: CheckStatus,
    /// Why, in a sentence: the part of the condition that failed with what was observed and expected, or what stood in the way.
    pub why: String,
    /// What was observed, by name.
    pub observed: BTreeMap<String, serde_json::Value>,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}
