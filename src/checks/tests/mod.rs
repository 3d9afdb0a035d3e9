//! Checks as their users see them: a check goes in, a result comes out.

mod burst;
mod command;
mod env;
mod http;
mod limits;
mod load;
mod problems;
mod secrets;
mod server;
mod tcp;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use regex::Regex;

use super::*;
use crate::clock::ManualClock;
use crate::domain::check::{CommandProbe, Condition, EnvProbe, HttpProbe, Probe};
use crate::domain::ids::CheckId;

/// A time-out that a check which works never comes near.
const AMPLE: Duration = Duration::from_secs(20);
/// A time-out that a check which hangs runs into.
const SHORT: Duration = Duration::from_millis(200);

fn checks_with(change: impl FnOnce(&mut GuardSettings, &mut Limits)) -> Checks {
    let mut settings = GuardSettings {
        commands: vec!["sh".to_owned(), "no-such-program-here".to_owned()],
        environment: vec!["PATH".to_owned()],
        ..GuardSettings::default()
    };
    let mut limits = Limits::default();
    change(&mut settings, &mut limits);
    let path = std::env::var("PATH").expect("a PATH");
    let environment = [
        ("PATH", path.as_str()),
        ("DATABASE_URL", "postgresql://me:pa55word-canary@db.example/app"),
        ("EMPTY", ""),
        ("PORT", "8080"),
    ];
    let guard = Guard::new(settings, environment.into_iter().collect()).expect("the settings are right");
    Checks::new(limits, guard, Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH))).expect("a client")
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
        file: Some(path.to_str().expect("a path in UTF-8").to_owned()),
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
