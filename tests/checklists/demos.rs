//! Targets on which all checks of a checklist pass, with a switch for each of them that makes exactly it fail.

mod around;
mod booking;
mod by_http;
mod clients;
mod crm;
mod portal;
pub(crate) mod service;
mod telehealth;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use holdpoint::checks::{Checks, Environment, Guard, GuardSettings, Limits, Variables};
use holdpoint::clock::ManualClock;
use holdpoint::domain::check::{Check, CheckResult, CheckStatus, EnvSource, Probe, Retry};
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::CheckId;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _};
use tokio_util::sync::CancellationToken;

use super::checks::fakes;

/// What became of each check.
pub(crate) type Results = BTreeMap<String, CheckResult>;

/// What stands on the machine that a demo's checks run on: programs, files and a database.
pub(crate) struct Machine {
    directory: tempfile::TempDir,
    programs: tempfile::TempDir,
    checks: Checks,
}

impl Machine {
    /// A machine with no programs and no files.
    pub(crate) fn bare() -> Self {
        Self::with(&[], "", &[])
    }

    /// A machine with these programs, all of which do the same, and these files.
    pub(crate) fn with(programs: &[&str], script: &str, files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let fakes = fakes(programs, script);
        let settings = GuardSettings {
            commands: programs.iter().map(|program| (*program).to_owned()).collect(),
            environment: vec!["PATH".to_owned()],
            command_user: "root".to_owned(),
            readable: vec!["/".into()],
            ..GuardSettings::default()
        };
        let environment: Environment = [("PATH", path_with(fakes.path()))].into_iter().collect();
        let guard = Guard::new(settings, environment).expect("the settings are right");
        // Late enough that something can have expired.
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(36);
        let clock = Arc::new(ManualClock::new(now));
        let machine = Self {
            directory,
            programs: fakes,
            checks: Checks::new(Limits::default(), guard, clock).expect("a checker"),
        };
        for (path, content) in files {
            machine.write(path, content);
        }
        machine
    }

    /// Where a file of its is.
    pub(crate) fn path(&self, path: &str) -> String {
        self.directory.path().join(path).display().to_string()
    }

    /// Writes a file.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let file = self.directory.path().join(path);
        fs::create_dir_all(file.parent().expect("a directory")).expect("it can be made");
        fs::write(file, content).expect("a file can be written");
    }

    /// Takes a file away that may not be there.
    pub(crate) fn remove(&self, path: &str) {
        match fs::remove_file(self.directory.path().join(path)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => panic!("{path}: {error}"),
            Ok(()) | Err(_) => {}
        }
    }

    /// Writes what a program of its does, where that stands beside the program.
    pub(crate) fn answer(&self, program: &str, script: &str) {
        let file = self.programs.path().join(format!("{program}.answers"));
        fs::write(file, script).expect("a file can be written");
    }

    /// The path of its database, in which these statements have been carried out.
    pub(crate) async fn database(&self, statements: &str) -> String {
        let file = self.directory.path().join("demo.db");
        self.remove("demo.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            // It is gone after the run.
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off);
        let mut connection = sqlx::SqliteConnection::connect_with(&options)
            .await
            .expect("a connection");
        connection
            .execute(sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())))
            .await
            .expect("the tables");
        connection.close().await.expect("an end");
        format!("sqlite:{}", file.display())
    }

    /// The check, looking for its files here.
    fn placed(&self, check: &Check) -> Check {
        let here = |path: &str| self.path(path);
        let mut check = check.clone();
        match &mut check.probe {
            Probe::File(probe) => probe.path = here(&probe.path),
            Probe::Env(probe) => {
                if let EnvSource::File(file) = &probe.source {
                    probe.source = EnvSource::File(here(file));
                }
                for beside in [&mut probe.differs_from, &mut probe.template] {
                    *beside = beside.as_deref().map(here);
                }
            }
            Probe::Command(probe) => probe.cwd = None,
            _ => {}
        }
        // What is quick everywhere is not quick each time on a machine that runs all tests at once.
        if check
            .pass
            .as_ref()
            .is_some_and(|pass| pass.text.contains("latency"))
        {
            check.retry = Some(Retry {
                times: 10,
                wait: Duration::from_millis(20),
            });
        }
        check
    }

    /// Runs all checks of a checklist.
    pub(crate) async fn run(&self, checklist: &Checklist, variables: Variables) -> Results {
        let placed = checklist
            .checks
            .values()
            .map(|check| self.placed(check))
            .collect();
        self.run_placed(placed, variables)
            .map(|result| (result.check.to_string(), result))
            .collect()
            .await
    }
}

impl Machine {
    /// Runs checks that look where they should.
    pub(crate) fn run_placed(
        &self,
        placed: Vec<Check>,
        variables: Variables,
    ) -> impl Stream<Item = CheckResult> + use<> {
        self.checks
            .run_all(placed, Arc::new(variables), CancellationToken::new())
    }
}

/// The programs of the demo, then those that limit what they may use.
fn path_with(programs: &Path) -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{}:{own}", programs.display())
}

/// Values for what a checklist's checks name: every address this one, secrets made up, all else as it is shipped.
pub(crate) fn variables(checklist: &Checklist, address: SocketAddr) -> Variables {
    checklist
        .variables
        .iter()
        .fold(Variables::new(), |variables, (name, variable)| {
            match &variable.default {
                _ if variable.secret => {
                    variables.with_secret(name.clone(), SecretString::from(format!("made-up-{name}")))
                }
                Some(default) if default.starts_with("http") => {
                    let path = reqwest::Url::parse(default)
                        .expect("an address")
                        .path()
                        .to_owned();
                    variables.with(
                        name.clone(),
                        format!("http://{address}{}", path.trim_end_matches('/')),
                    )
                }
                Some(default) => variables.with(name.clone(), default.clone()),
                None => variables.with(name.clone(), "made-up"),
            }
        })
}

/// The checklist with those of its checks alone that ask a service over HTTP, for pages, flows and figures.
pub(crate) fn asked_by_http(mut checklist: Checklist) -> Checklist {
    checklist.checks.retain(|_, check| {
        matches!(
            check.probe,
            Probe::Http(_) | Probe::HttpSteps(_) | Probe::Prometheus(_)
        )
    });
    let left: BTreeSet<CheckId> = checklist.checks.keys().cloned().collect();
    for check in checklist.checks.values_mut() {
        check.after.retain(|other| left.contains(other));
    }
    checklist
}

/// What Prometheus answers to the query of each check: what it says while all is well, but for the check whose switch is
/// thrown. The table has a row for each check, with what is well and what is not.
pub(crate) fn figures(
    checklist: &Checklist,
    switch: &str,
    table: &[(&str, f64, f64)],
) -> BTreeMap<String, f64> {
    let mut figures = BTreeMap::new();
    for (name, well, ill) in table {
        let check = checklist.checks.values().find(|check| check.id.as_str() == *name);
        let query = check.and_then(|check| match &check.probe {
            Probe::Prometheus(probe) => Some(probe.query.clone()),
            _ => None,
        });
        let query = query.expect("a check that asks Prometheus");
        // Two checks may ask the same: what is not well is so for both.
        if *name == switch {
            figures.insert(query, *ill);
        } else {
            figures.entry(query).or_insert(*well);
        }
    }
    figures
}

/// These checks, and as skipped those that come after one of them.
pub(crate) fn with_those_after<'a>(
    checklist: &'a Checklist,
    mut not_passed: BTreeMap<&'a str, CheckStatus>,
) -> BTreeMap<&'a str, CheckStatus> {
    for check in checklist.checks.values() {
        if check
            .after
            .iter()
            .any(|other| not_passed.contains_key(other.as_str()))
        {
            not_passed
                .entry(check.id.as_str())
                .or_insert(CheckStatus::Skipped);
        }
    }
    not_passed
}

/// That exactly these checks did not pass, in one of these ways.
pub(crate) fn assert_not_passed(switched: &str, results: &Results, expected: &BTreeMap<&str, CheckStatus>) {
    let not_passed: BTreeMap<&str, CheckStatus> = results
        .iter()
        .filter(|(_, result)| result.status != CheckStatus::Passed)
        .map(|(check, result)| (check.as_str(), result.status))
        .collect();
    let unexpected: BTreeSet<&str> = not_passed.keys().copied().collect();
    assert_eq!(
        not_passed,
        *expected,
        "with {switched}: {:#?}",
        unexpected
            .iter()
            .filter_map(|check| results.get(*check))
            .collect::<Vec<_>>()
    );
}
