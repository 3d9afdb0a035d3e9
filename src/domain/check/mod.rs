//! Checks: automated probes, their parameters and what they found.

mod burst;
mod combined;
mod command;
mod database;
mod dns;
mod env;
mod file;
mod flow;
mod github;
mod http;
mod load;
mod prometheus;
mod push;
mod rhythm;
mod tcp;
mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use burst::BurstProbe;
pub use combined::{CombinedProbe, Rule};
pub use command::CommandProbe;
pub use database::DatabaseProbe;
pub use dns::{DnsProbe, RecordType};
pub use env::{EnvFormat, EnvProbe, EnvSource, EnvVariable};
pub use file::{FileFormat, FileProbe};
pub use flow::{CheckSeverity, Retry};
pub use github::{GithubAlerts, GithubProbe, GithubQuestion};
pub use http::{HttpCapture, HttpProbe, HttpStep, HttpSteps};
pub use load::{LoadBaseline, LoadExtent, LoadProbe};
pub use prometheus::{PrometheusProbe, PrometheusRange};
pub use push::{Inbox, Post, PushProbe};
pub use rhythm::{
    AfterGo, LONGEST_EVERY, LONGEST_FOR, MOST_IN_A_ROW, MOST_OBSERVATIONS, Rhythm, SHORTEST_EVERY,
    SHORTEST_WATCH, Verdict, in_words,
};
pub use tcp::TcpProbe;
pub use tls::TlsProbe;

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
    /// How long it may take; each try by itself where it is tried again.
    pub timeout: Duration,
    /// Whether it is tried again when it did not pass.
    pub retry: Option<Retry>,
    /// The checks that must have passed in the same run before it is made, in the order they are written.
    pub after: Vec<CheckId>,
    /// How much it matters.
    pub severity: CheckSeverity,
    /// How it is observed, where one observation does not decide it.
    pub rhythm: Option<Rhythm>,
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
    /// One HTTP request. Observes `status`, `headers`, `body`, `json`, `latency`, `redirects`, `url`, `address`,
    /// `version`.
    Http(HttpProbe),
    /// HTTP requests one after another. Observes what the last one does.
    HttpSteps(HttpSteps),
    /// Environment variables. Observes `missing`, `empty`, `malformed`, `same`, `not_set` and `undocumented`, never a
    /// value.
    Env(EnvProbe),
    /// A program. Observes `exit_code`, `stdout`, `stderr`, `duration` and each named capture.
    Command(CommandProbe),
    /// One connection. Observes `open`, `closed`, `banner`, `latency`.
    Tcp(TcpProbe),
    /// One TLS handshake. Observes `valid`, `days_left`, `version`, `oldest_version`, `names`, `issuer`, `chain`.
    Tls(TlsProbe),
    /// One question to DNS. Observes `answers`, `ttl`.
    Dns(DnsProbe),
    /// Files. Observes `exists`, `count`, `path`, `size`, `age`, `sha256`, `text`, `content`.
    File(FileProbe),
    /// A query in PromQL. Observes `value`, `series`, `count`.
    Prometheus(PrometheusProbe),
    /// A question about a repository. What it observes depends on what is asked.
    Github(GithubProbe),
    /// A query that reads. Observes `rows`, `count`, `value`, `latency`.
    Database(DatabaseProbe),
    /// Many requests at once. Observes `sent`, `limited`, `failed`, `retry_after`, `headers`, `statuses`.
    Burst(BurstProbe),
    /// A load. Observes `p50`, `p90`, `p95`, `p99`, `max`, `mean`, `rate`, `requests`, `errors`, `error_percent`,
    /// `statuses`, `baseline`, `ratio`.
    Load(LoadProbe),
    /// What is posted from outside. Observes `status`, `json`, `age`.
    Push(PushProbe),
    /// Other checks. Observes `passed`, `failed`, `total`.
    Combined(CombinedProbe),
}

impl Check {
    /// The checks whose results it needs before it can be made: those it is after, and those it is made of.
    pub fn needs(&self) -> impl Iterator<Item = &CheckId> {
        let members = match &self.probe {
            Probe::Combined(combined) => combined.members.as_slice(),
            _ => &[],
        };
        self.after.iter().chain(members)
    }
}

impl Probe {
    /// Its name, as it is written in a checklist.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Http(_) | Self::HttpSteps(_) => "http",
            Self::Env(_) => "env",
            Self::Command(_) => "command",
            Self::Tcp(_) => "tcp",
            Self::Tls(_) => "tls",
            Self::Dns(_) => "dns",
            Self::File(_) => "file",
            Self::Burst(_) => "burst",
            Self::Load(_) => "load",
            Self::Prometheus(_) => "prometheus",
            Self::Github(_) => "github",
            Self::Database(_) => "database",
            Self::Push(_) => "push",
            Self::Combined(probe) => match probe.rule {
                Rule::All => "all",
                Rule::Any => "any",
            },
        }
    }
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
    /// It was not made, as a check that it comes after did not pass in the same run.
    ///
    /// It counts as not passed, also where the check passed before: that pass stood on the other check having
    /// passed, and that no longer holds, so nobody may be let through on it, and whoever signed on it is asked
    /// again. As it says nothing new about the system, it takes no tick away that a person or the document made;
    /// a failed check does.
    Skipped,
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
