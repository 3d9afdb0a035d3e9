//! Checks: automated probes, their parameters and what they found.

mod burst;
mod command;
mod env;
mod http;
mod load;
mod tcp;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use burst::BurstProbe;
pub use command::CommandProbe;
pub use env::{EnvFormat, EnvProbe, EnvVariable};
pub use http::HttpProbe;
pub use load::{LoadBaseline, LoadExtent, LoadProbe};
pub use tcp::TcpProbe;

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
    /// One connection. Observes `open`, `closed`, `banner`, `latency`.
    Tcp(TcpProbe),
    /// Many requests at once. Observes `sent`, `limited`, `failed`, `retry_after`, `headers`, `statuses`.
    Burst(BurstProbe),
    /// A load. Observes `p50`, `p90`, `p95`, `p99`, `max`, `mean`, `rate`, `requests`, `errors`, `error_percent`,
    /// `statuses`, `baseline`, `ratio`.
    Load(LoadProbe),
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
