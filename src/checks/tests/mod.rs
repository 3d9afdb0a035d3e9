//! Checks as their users see them: a check goes in, a result comes out.

mod burst;
mod command;
mod database;
mod dns;
mod env;
mod file;
mod flow;
mod github;
mod http;
mod limits;
mod load;
mod problems;
mod prometheus;
mod push;
mod secrets;
mod server;
mod steps;
mod tcp;
mod tls;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use regex::Regex;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::ManualClock;
use crate::domain::check::{CheckSeverity, CommandProbe, Condition, EnvProbe, EnvSource, HttpProbe, Probe};
use crate::domain::ids::CheckId;

/// A time-out that a check which works never comes near.
const AMPLE: Duration = Duration::from_secs(20);
/// A time-out that a check which hangs runs into.
const SHORT: Duration = Duration::from_millis(200);

fn checks_with(change: impl FnOnce(&mut GuardSettings, &mut Limits)) -> Checks {
    checks_at(Timestamp::UNIX_EPOCH, change)
}

fn checks_at(now: Timestamp, change: impl FnOnce(&mut GuardSettings, &mut Limits)) -> Checks {
    let mut settings = GuardSettings {
        commands: vec!["sh".to_owned(), "no-such-program-here".to_owned()],
        environment: vec!["PATH".to_owned()],
        // Whoever runs the tests owns what the programs are given to work with.
        command_user: "root".to_owned(),
        readable: vec![PathBuf::from("/")],
        ..GuardSettings::default()
    };
    let mut limits = Limits::default();
    change(&mut settings, &mut limits);
    let path = std::env::var("PATH").expect("a PATH");
    let environment = [
        ("PATH", path.as_str()),
        ("DATABASE_URL", "postgresql://me:pa55word-canary@db.example/app"),
        ("EMPTY", ""),
        ("HOME", "/home/of-the-bot"),
        ("PORT", "8080"),
    ];
    let guard = Guard::new(settings, environment.into_iter().collect()).expect("the settings are right");
    Checks::new(limits, guard, Arc::new(ManualClock::new(now))).expect("a client")
}

fn checks() -> Checks {
    checks_with(|_, _| {})
}

fn check(probe: Probe, pass: Option<&str>) -> Check {
    Check {
        id: CheckId::new("it"),
        description: None,
        probe,
        pass: pass.map(|text| Condition {
            text: text.to_owned(),
            line: 12,
            column: 11,
        }),
        timeout: AMPLE,
        retry: None,
        after: Vec::new(),
        severity: CheckSeverity::default(),
        rhythm: None,
        line: 10,
    }
}

fn get(url: impl Into<String>) -> HttpProbe {
    HttpProbe {
        url: url.into(),
        method: "GET".to_owned(),
        headers: BTreeMap::new(),
        body: None,
        json: None,
        follow: 0,
        capture: Vec::new(),
    }
}

fn shell(script: &str) -> CommandProbe {
    CommandProbe {
        run: ["sh", "-c", script].map(str::to_owned).to_vec(),
        cwd: None,
        capture: None,
    }
}

fn env_file(path: &std::path::Path) -> EnvProbe {
    EnvProbe {
        source: EnvSource::File(path.to_str().expect("a path in UTF-8").to_owned()),
        ..EnvProbe::default()
    }
}

fn in_short(mut check: Check) -> Check {
    check.timeout = SHORT;
    check
}

async fn run(check: &Check) -> CheckResult {
    checks().run(check, &Variables::new()).await
}

/// Status and sentence, with what differs from run to run made the same.
fn told(result: &CheckResult) -> String {
    let mut told = format!("{:?}: {}", result.status, result.why);
    for (pattern, same) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"localhost:\d+", "localhost:PORT"),
        (r"(latency|duration) is (less than )?[\d.]+ m?s", "$1 is SPAN"),
        (r"after (less than )?[\d.]+ m?s$", "after SPAN"),
    ] {
        told = Regex::new(pattern)
            .expect("a regular expression")
            .replace_all(&told, same)
            .into_owned();
    }
    told
}
