//! A check that cannot fail is worse than none: whoever reads its tick believes that something was looked at.

mod figures;
mod files;
mod network;
mod passing;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use holdpoint::checks::{Checks, Environment, Guard, GuardSettings, Limits, Variables};
use holdpoint::clock::ManualClock;
use holdpoint::domain::check::{Check, CheckResult, CheckStatus, EnvProbe, EnvSource, Probe};
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::VariableName;
use jiff::Timestamp;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::shipped::shipped;

/// What a broken service answers: an error and no sense, and to everybody.
const BROKEN: &str = "HTTP/1.1 500 Internal Server Error\r\naccess-control-allow-origin: *\r\nx-frame-options: ALLOWALL\r\n\
                      content-length: 7\r\nconnection: close\r\n\r\ngarbage";
/// What a service answers that lets everything in, and says nothing.
const CARELESS: &str = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\ngarbage";

#[tokio::test]
async fn every_http_check_fails_when_a_service_is_broken_or_careless() {
    let mut servers = JoinSet::new();
    let broken = serve(&mut servers, BROKEN).await;
    let careless = serve(&mut servers, CARELESS).await;
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let of_broken = variables(checklist, &format!("http://{broken}"));
        let of_careless = variables(checklist, &format!("http://{careless}"));
        for check in checklist.checks.values() {
            if !matches!(check.probe, Probe::Http(_) | Probe::HttpSteps(_)) {
                continue;
            }
            let results = [
                checks.run(check, &of_broken).await,
                checks.run(check, &of_careless).await,
            ];
            assert_can_fail(shipped.name, check, &results);
            count += 1;
        }
    }
    assert!(count > 200, "only {count} HTTP checks were looked at");
}

#[tokio::test]
async fn every_check_of_variables_fails_when_they_are_missing_or_empty() {
    let mut count = 0;
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let Probe::Env(probe) = &check.probe else { continue };
            let mut check = check.clone();
            let mut own = probe.clone();
            own.source = EnvSource::Bot;
            let template = own.template.is_some();
            let beside = beside(&mut own);
            let names = [&own.required, &own.recommended, &own.optional]
                .into_iter()
                .flatten()
                .map(|variable| (variable.name.clone(), ""))
                .collect::<Environment>();
            check.probe = Probe::Env(own);
            let results = [
                checks(&[], Environment::default())
                    .run(&check, &Variables::new())
                    .await,
                checks(&[], names).run(&check, &Variables::new()).await,
            ];
            assert_can_fail(shipped.name, &check, &results);
            if template {
                assert_fails(shipped.name, &check, &results[0]);
            }
            drop(beside);
            count += 1;
        }
    }
    assert!(count > 70, "only {count} checks of variables were looked at");
}

#[tokio::test]
async fn every_check_of_secrets_of_their_own_fails_when_one_is_the_same_elsewhere() {
    let mut count = 0;
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let Probe::Env(probe) = &check.probe else { continue };
            if probe.differs_from.is_none() {
                continue;
            }
            let mut check = check.clone();
            let mut own = probe.clone();
            own.source = EnvSource::Bot;
            let _beside = beside(&mut own);
            let names = own
                .required
                .iter()
                .map(|variable| (variable.name.clone(), "SK-the-same-everywhere"))
                .collect::<Environment>();
            check.probe = Probe::Env(own);
            let result = checks(&[], names).run(&check, &Variables::new()).await;
            assert_fails(shipped.name, &check, &result);
            assert!(result.observed.contains_key("same"), "{result:?}");
            count += 1;
        }
    }
    assert_eq!(count, 2);
}

#[tokio::test]
async fn no_check_of_a_settings_file_passes_without_the_file() {
    let nowhere = tempfile::tempdir().expect("a temporary directory");
    let checks = checks(&[], Environment::default());
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Env(probe) = &mut check.probe else {
                continue;
            };
            let EnvSource::File(file) = &probe.source else {
                continue;
            };
            probe.source = EnvSource::File(nowhere.path().join(file).display().to_string());
            let _beside = beside(probe);
            let result = checks.run(&check, &Variables::new()).await;
            assert_ne!(
                result.status,
                CheckStatus::Passed,
                "{} {}: {result:?}",
                shipped.name,
                check.id
            );
        }
    }
}

#[tokio::test]
async fn every_command_fails_when_it_ends_badly_and_is_an_error_when_its_program_is_missing() {
    let mut count = 0;
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let variables = variables(checklist, "http://127.0.0.1:9");
        let mut programs = BTreeSet::new();
        for check in checklist.checks.values() {
            if let Probe::Command(command) = &check.probe {
                let program = command.run.first().expect("a command names its program");
                programs.insert(program.clone());
            }
        }
        let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
        let absent = tempfile::tempdir().expect("a temporary directory");
        let without = checks(&programs, path_of(absent.path()));
        let failing = fakes(&programs, "echo garbage; echo nonsense >&2; exit 3");
        let with_failing = checks(&programs, path_of(failing.path()));
        let half = fakes(&programs, "echo 'Tests: 1 failed, 1 passed, 10 total'; exit 0");
        let with_half = checks(&programs, path_of(half.path()));
        for check in checklist.checks.values() {
            let mut check = check.clone();
            let Probe::Command(command) = &mut check.probe else {
                continue;
            };
            command.cwd = None;
            let missing = without.run(&check, &variables).await;
            assert_eq!(
                missing.status,
                CheckStatus::Error,
                "{} {}: {missing:?}",
                shipped.name,
                check.id
            );
            let results = [
                with_failing.run(&check, &variables).await,
                with_half.run(&check, &variables).await,
            ];
            assert_can_fail(shipped.name, &check, &results);
            count += 1;
        }
    }
    assert!(count > 50, "only {count} commands were looked at");
}

#[tokio::test]
async fn every_check_made_of_others_passes_when_they_do_and_fails_when_one_does() {
    let mut servers = JoinSet::new();
    let broken = serve(&mut servers, BROKEN).await;
    let careless = serve(&mut servers, CARELESS).await;
    let checks = checks(&[], Environment::default());
    let mut count = 0;
    for shipped in shipped() {
        let checklist = &shipped.parsed.checklist;
        let simple = checklist
            .checks
            .values()
            .find(|check| matches!(check.probe, Probe::Http(_)))
            .expect("a check by HTTP");
        for check in checklist.checks.values() {
            let Probe::Combined(combined) = &check.probe else {
                continue;
            };
            for (server, expected) in [(careless, CheckStatus::Passed), (broken, CheckStatus::Failed)] {
                let variables = variables(checklist, &format!("http://{server}"));
                // Each of the others asks no more than for an answer with 200.
                let members = combined.members.iter().map(|member| Check {
                    id: member.clone(),
                    after: Vec::new(),
                    pass: None,
                    ..simple.clone()
                });
                let run: Vec<Check> = members.chain([check.clone()]).collect();
                let results: Vec<CheckResult> = checks
                    .run_all(run, Arc::new(variables), CancellationToken::new())
                    .collect()
                    .await;
                let own = results.iter().find(|result| result.check == check.id);
                assert_eq!(
                    own.map(|own| own.status),
                    Some(expected),
                    "{} {}: {own:#?}",
                    shipped.name,
                    check.id
                );
            }
            count += 1;
        }
    }
    assert!(count > 5, "only {count} checks made of others were looked at");
}

/// Whoever adds a kind of check to the checklists proves here that it can fail, or the tests no longer compile.
#[test]
fn every_kind_of_check_is_among_those_that_are_proven_to_fail() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for shipped in shipped() {
        for check in shipped.parsed.checklist.checks.values() {
            let kind = match &check.probe {
                Probe::Http(_) | Probe::HttpSteps(_) => "http",
                Probe::Env(_) => "env",
                Probe::Command(_) => "command",
                Probe::Combined(_) => "all",
                Probe::File(_) => "file",
                Probe::Tls(_) => "tls",
                Probe::Dns(_) => "dns",
                Probe::Burst(_) | Probe::Load(_) => "load",
                Probe::Prometheus(_) => "prometheus",
                Probe::Github(_) => "github",
                Probe::Database(_) => "database",
                Probe::Tcp(_) | Probe::Push(_) => {
                    panic!("{} {}: nothing proves that it can fail", shipped.name, check.id)
                }
            };
            *kinds.entry(kind).or_default() += 1;
        }
    }
    assert_eq!(kinds.len(), 11, "{kinds:?}");
}

fn assert_fails(checklist: &str, check: &Check, result: &CheckResult) {
    assert_eq!(
        result.status,
        CheckStatus::Failed,
        "{checklist} {}: {result:#?}",
        check.id
    );
}

fn assert_can_fail(checklist: &str, check: &Check, results: &[CheckResult]) {
    assert!(
        results.iter().any(|result| result.status == CheckStatus::Failed),
        "{checklist} {} never failed: {results:#?}",
        check.id
    );
}

/// A checker that may run these programs, and has this environment.
fn checks(programs: &[&str], environment: Environment) -> Checks {
    let settings = GuardSettings {
        commands: programs.iter().map(|program| (*program).to_owned()).collect(),
        environment: vec!["PATH".to_owned()],
        // Whoever runs the tests owns the directories that the programs are given.
        command_user: "root".to_owned(),
        readable: vec![PathBuf::from("/")],
        ..GuardSettings::default()
    };
    let guard = Guard::new(settings, environment).expect("the settings are right");
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    Checks::new(Limits::default(), guard, clock).expect("a checker")
}

/// Gives a check of variables that looks into other files what it looks for there: each of its variables, all of one
/// value. The directory is theirs.
fn beside(probe: &mut EnvProbe) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("beside.env");
    let mut lines = "SOMETHING=SK-the-same-everywhere\n".to_owned();
    for variable in &probe.required {
        lines.push_str(&variable.name);
        lines.push_str("=SK-the-same-everywhere\n");
    }
    fs::write(&file, lines).expect("a file can be written");
    for path in [&mut probe.differs_from, &mut probe.template] {
        if path.is_some() {
            *path = Some(file.display().to_string());
        }
    }
    directory
}

/// Values for all that a checklist's checks name, with every address this one, and what checks hand on to others.
fn variables(checklist: &Checklist, address: &str) -> Variables {
    let mut variables = Variables::new();
    for (name, variable) in &checklist.variables {
        let is_address = variable
            .default
            .as_deref()
            .is_some_and(|default| default.starts_with("http"));
        variables = match &variable.default {
            _ if variable.secret => {
                variables.with_secret(name.clone(), SecretString::from(format!("made-up-{name}")))
            }
            _ if is_address => variables.with(name.clone(), address),
            Some(default) => variables.with(name.clone(), default.clone()),
            None => variables.with(name.clone(), "made-up"),
        };
    }
    for check in checklist.checks.values() {
        let captures = match &check.probe {
            Probe::Http(http) => http.capture.iter().map(|capture| capture.name.as_str()).collect(),
            Probe::Command(command) => named_groups(command.capture.as_deref()),
            _ => Vec::new(),
        };
        for capture in captures {
            variables = variables.with(VariableName::new(format!("{}.{capture}", check.id)), "made-up");
        }
    }
    variables
}

/// The names of the groups of a regular expression.
fn named_groups(pattern: Option<&str>) -> Vec<&str> {
    pattern
        .unwrap_or_default()
        .split("(?<")
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .map(|(name, _)| name)
        .collect()
}

/// A server that gives everybody this answer.
async fn serve(servers: &mut JoinSet<()>, answer: impl Into<String>) -> SocketAddr {
    let answer: Arc<str> = Arc::from(answer.into());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    servers.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut request = vec![0; 16 * 1024];
                // The requests are small: what comes first is all of one.
                if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                    // Closing with a part of the request unread would reset the connection under the answer.
                    let rest = async { while stream.read(&mut request).await.is_ok_and(|read| read > 0) {} };
                    let _ = tokio::time::timeout(Duration::from_secs(5), rest).await;
                }
            });
        }
    });
    address
}

/// An answer with this JSON.
fn json_answer(json: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{json}",
        json.len()
    )
}

/// A directory with programs of these names, which all do the same.
pub(crate) fn fakes(programs: &[&str], script: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for program in programs {
        let file = directory.path().join(program);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a program can be written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("it can be made to run");
    }
    directory
}

fn path_of(directory: &Path) -> Environment {
    BTreeMap::from([("PATH", directory.display().to_string())])
        .into_iter()
        .collect()
}
