//! What stands around the services of a demo: the machine with its files, settings, programs and databases, servers that
//! speak TLS, DNS, limits, loads, and GitHub.

mod answering;
mod certificates;
mod commands;
mod files;
mod tables;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use holdpoint::checks::Variables;
use holdpoint::domain::check::{Check, EnvProbe, EnvSource, GithubQuestion, LoadExtent, Probe, Retry};
use holdpoint::domain::checklist::Checklist;
use holdpoint::domain::ids::VariableName;
use secrecy::SecretString;
use tokio::task::JoinSet;

use self::answering::{LOAD, github, limiting, loaded};
use self::certificates::Certificates;
pub(super) use self::certificates::Fault;
use self::commands::{COMMANDS, ILL, WELL};
use self::files::FILES;
use self::tables::{ALONG, DATABASES, RECORDS, VALUES};
use super::Machine;
use crate::checks::figures::{EMPTY, redis};
use crate::checks::network::{knowing, record};
use crate::checks::passing::{FILLED, INFO, sound};

/// A switch: the check that finds what it makes wrong, and which of the ways in which that can be wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Switch<'a> {
    pub(super) check: &'a str,
    pub(super) fault: Option<Fault>,
}

impl Switch<'_> {
    pub(super) const NONE: Self = Self {
        check: "",
        fault: None,
    };
}

/// The surroundings of one checklist.
pub(super) struct Around {
    name: &'static str,
    machine: Machine,
    certificates: Certificates,
}

/// Where things are in one run.
pub(super) struct Places {
    tls: BTreeMap<String, SocketAddr>,
    resolver: SocketAddr,
    limited: SocketAddr,
    loaded: SocketAddr,
    github: SocketAddr,
    /// For whom nothing is tried again: it is meant to fail.
    ill: String,
}

impl Around {
    /// The surroundings of the checklist of this name.
    pub(super) fn new(name: &'static str, checklist: &Checklist) -> Self {
        for (of, check) in rows().filter(|(of, _)| *of == name) {
            assert!(
                checklist.checks.keys().any(|id| id.as_str() == check),
                "a table has a row for the check {check} of {of}, which is not there"
            );
        }
        let programs: BTreeSet<&str> = commands(checklist).map(|(_, words)| words[0].as_str()).collect();
        let programs: Vec<&str> = programs.into_iter().collect();
        // A program that is being written cannot be run, so what changes from run to run stands in a file beside it.
        let machine = Machine::with(&programs, ". \"$0.answers\"", &[]);
        let certificates = Certificates::new();
        machine.write("ca.pem", &certificates.pem());
        Self {
            name,
            machine,
            certificates,
        }
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The checks that fail with the one whose switch is thrown, itself among them.
    pub(super) fn failing<'a>(&self, checklist: &'a Checklist, switch: Switch<'a>) -> BTreeSet<&'a str> {
        let mut failing = BTreeSet::from([switch.check]);
        for (name, check, along) in ALONG {
            if *name == self.name && *check == switch.check {
                failing.extend(along.iter().copied());
            }
        }
        let check = found(checklist, switch.check);
        if let Probe::Env(probe) = &check.probe
            && let Some((file, variable)) = self.emptied(check, probe)
        {
            let along = checklist.checks.values().filter(|other| {
                let Probe::Env(probe) = &other.probe else {
                    return false;
                };
                let named = probe.required.iter().any(|own| own.name == variable)
                    || (other.pass.is_some()
                        && [&probe.recommended, &probe.optional]
                            .into_iter()
                            .flatten()
                            .any(|own| own.name == variable));
                named && probe.source == EnvSource::File(file.to_owned())
            });
            failing.extend(along.map(|other| other.id.as_str()));
        }
        failing
    }

    /// The variable that has no value once a check's switch is thrown, and its file; nothing where something else is wrong.
    fn emptied<'a>(&self, check: &Check, probe: &'a EnvProbe) -> Option<(&'a str, &'a str)> {
        let EnvSource::File(file) = &probe.source else {
            panic!("{}: only files are played here", check.id)
        };
        let other = VALUES
            .iter()
            .any(|(name, of, _, _)| *name == self.name && check.id.as_str() == *of);
        if other || probe.differs_from.is_some() || probe.template.is_some() {
            return None;
        }
        let variable = [&probe.required, &probe.recommended, &probe.optional]
            .into_iter()
            .flatten()
            .next();
        Some((file, &variable.expect("a variable").name))
    }

    /// Lays everything out as it is with this switch thrown. `variables` are what leads to the demo's services.
    pub(super) async fn lay(
        &self,
        servers: &mut JoinSet<()>,
        checklist: &Checklist,
        switch: Switch<'_>,
        variables: Variables,
    ) -> (Variables, Places) {
        self.lay_files(switch);
        self.lay_settings(checklist, switch);
        self.lay_programs(checklist, switch, &variables);
        let ill = DATABASES
            .iter()
            .find(|(name, check, _)| *name == self.name && *check == switch.check)
            .map_or("", |(_, _, ill)| *ill);
        let (statement, info) = match ill.split_once("->") {
            Some((well, ill)) => ("", INFO.replace(well, ill)),
            None => (ill, INFO.to_owned()),
        };
        let mut variables = variables;
        let secret = |name: &str| checklist.variables.contains_key(&VariableName::new(name));
        if secret("database_url") {
            let database = self
                .machine
                .database(&format!("{EMPTY}{FILLED}{statement}"))
                .await;
            variables =
                variables.with_secret(VariableName::new("database_url"), SecretString::from(database));
        }
        if secret("redis_url") {
            let redis = redis(servers, &info).await;
            variables = variables.with_secret(VariableName::new("redis_url"), SecretString::from(redis));
        }
        let places = Places {
            tls: self.lay_tls(servers, checklist, switch).await,
            resolver: self.lay_dns(servers, checklist, switch, &variables).await,
            limited: limiting(servers, switch.check).await,
            loaded: loaded(servers, switch.check).await,
            github: github(servers, &ill_at_github(checklist, switch.check)).await,
            ill: switch.check.to_owned(),
        };
        (variables, places)
    }

    fn lay_files(&self, switch: Switch<'_>) {
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        for (name, check, path, piece) in FILES {
            if *name == self.name {
                let content = files.entry(path).or_default();
                if *check != switch.check {
                    content.push_str(piece);
                }
            }
        }
        for (path, content) in files {
            if content.is_empty() {
                self.machine.remove(path);
            } else {
                self.machine.write(path, &content);
            }
        }
    }

    fn lay_settings(&self, checklist: &Checklist, switch: Switch<'_>) {
        // Of several checks that name a variable, the one that asks for most knows what is right.
        let mut files: BTreeMap<&str, BTreeMap<&str, String>> = BTreeMap::new();
        let mut most: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (_, probe, file) in settings(checklist) {
            for variable in [&probe.required, &probe.recommended, &probe.optional]
                .into_iter()
                .flatten()
            {
                let most = most.entry((file, &variable.name)).or_default();
                let values = files.entry(file).or_default();
                if variable.formats.len() >= *most {
                    *most = variable.formats.len();
                    values.insert(&variable.name, sound(variable));
                }
            }
        }
        for (check, probe, file) in settings(checklist) {
            let thrown = check.id.as_str() == switch.check;
            let values = files.get_mut(file).expect("a file that is named");
            for (name, of, variable, ill) in VALUES {
                if thrown && *name == self.name && check.id.as_str() == *of {
                    values.insert(variable, (*ill).to_owned());
                }
            }
            if let (true, Some((_, variable))) = (thrown, self.emptied(check, probe)) {
                values.insert(variable, String::new());
            }
        }
        for (check, probe, file) in settings(checklist) {
            let thrown = check.id.as_str() == switch.check;
            let values = &files[file];
            if let Some(elsewhere) = &probe.differs_from {
                let first = &probe.required[0].name;
                let text = dotenv(values.iter().map(|(name, value)| {
                    let same = thrown && name == first;
                    (
                        *name,
                        if same {
                            value.clone()
                        } else {
                            format!("other-{value}")
                        },
                    )
                }));
                self.machine.write(elsewhere, &text);
            }
            if let Some(template) = &probe.template {
                let more = thrown.then_some("ADDED_SINCE");
                let names = values.keys().copied().chain(more);
                let text = dotenv(names.map(|name| (name, String::new())));
                self.machine.write(template, &text);
            }
        }
        for (file, values) in files {
            self.machine.write(file, &dotenv(values));
        }
    }

    fn lay_programs(&self, checklist: &Checklist, switch: Switch<'_>, variables: &Variables) {
        let ending = |check: &Check| {
            let row = COMMANDS
                .iter()
                .find(|(name, of, _, _)| *name == self.name && check.id.as_str() == *of);
            let (well, ill) = row.map_or((WELL, ILL), |(_, _, well, ill)| (*well, *ill));
            if check.id.as_str() == switch.check {
                ill
            } else {
                well
            }
        };
        let mut answers: BTreeMap<String, BTreeMap<String, (u8, &str)>> = BTreeMap::new();
        for (check, words) in commands(checklist) {
            let words: Vec<String> = words
                .iter()
                .map(|word| variables.expand(word).expect("a value for each variable"))
                .map(Cow::into_owned)
                .collect();
            let (program, words) = words.split_first().expect("a program");
            let of_program = answers.entry(program.clone()).or_default();
            let is_ill = check.id.as_str() == switch.check;
            if is_ill || !of_program.contains_key(&words.join(" ")) {
                of_program.insert(words.join(" "), ending(check));
            }
        }
        for (program, answers) in answers {
            let mut script = "case \"$*\" in\n".to_owned();
            for (words, (code, says)) in answers {
                let _ = writeln!(
                    script,
                    "{}) printf '%s\\n' {}; exit {code} ;;",
                    quoted(&words),
                    quoted(says)
                );
            }
            script.push_str("*) echo 'nobody expected that' >&2; exit 64 ;;\nesac\n");
            // What prints nothing prints no line either.
            let script = script.replace("printf '%s\\n' ''; ", "");
            self.machine.answer(&program, &script);
        }
    }

    async fn lay_tls(
        &self,
        servers: &mut JoinSet<()>,
        checklist: &Checklist,
        switch: Switch<'_>,
    ) -> BTreeMap<String, SocketAddr> {
        let mut faults: BTreeMap<&str, Option<Fault>> = BTreeMap::new();
        for check in checklist.checks.values() {
            if let Probe::Tls(probe) = &check.probe {
                let fault = faults.entry(&probe.host).or_default();
                if check.id.as_str() == switch.check {
                    *fault = switch.fault;
                }
            }
        }
        let mut places = BTreeMap::new();
        for (host, fault) in faults {
            places.insert(host.to_owned(), self.certificates.server(servers, fault).await);
        }
        places
    }

    async fn lay_dns(
        &self,
        servers: &mut JoinSet<()>,
        checklist: &Checklist,
        switch: Switch<'_>,
        variables: &Variables,
    ) -> SocketAddr {
        let mut records = BTreeMap::new();
        for check in checklist.checks.values() {
            let Probe::Dns(probe) = &check.probe else {
                continue;
            };
            let row = RECORDS
                .iter()
                .find(|(name, of, _)| *name == self.name && check.id.as_str() == *of);
            let (_, _, says) = row.unwrap_or_else(|| panic!("{}: no record in the table", check.id));
            let (kind, data) = record(says);
            let name = variables.expand(&probe.name).expect("a value for each variable");
            if check.id.as_str() != switch.check {
                records.insert((name.into_owned(), kind), data);
            }
        }
        knowing(servers, move |name, kind| {
            let data = records.get(&(name.to_owned(), kind))?;
            Some((kind, data.clone()))
        })
        .await
    }

    /// The check, looking at what is laid out here.
    pub(super) fn placed(&self, check: &Check, places: &Places) -> Check {
        let mut check = self.machine.placed(check);
        let at = |url: &str, place: SocketAddr| {
            let (_, path) = url.split_once("}}").expect("an address that is a variable");
            format!("http://{place}{path}")
        };
        match &mut check.probe {
            Probe::Tls(probe) => {
                probe.host = places.tls[&probe.host].to_string();
                probe.ca = Some(self.machine.path("ca.pem"));
            }
            Probe::Dns(probe) => probe.resolver = Some(places.resolver.to_string()),
            Probe::Github(probe) => probe.base_url = format!("http://{}", places.github),
            Probe::Burst(probe) => probe.request.url = at(&probe.request.url, places.limited),
            Probe::Load(probe) => {
                probe.request.url = at(&probe.request.url, places.loaded);
                probe.extent = LoadExtent::Requests(LOAD);
                probe.warm_up = Duration::ZERO;
                check.retry = Some(Retry {
                    times: 10,
                    wait: Duration::from_millis(20),
                });
            }
            _ => {}
        }
        if check.id.as_str() == places.ill {
            check.retry = None;
        }
        check
    }
}

/// The checklist and the check of each row of the tables.
fn rows() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of_commands = COMMANDS.iter().map(|row| (row.0, row.1));
    of_commands
        .chain(FILES.iter().map(|row| (row.0, row.1)))
        .chain(DATABASES.iter().map(|row| (row.0, row.1)))
        .chain(RECORDS.iter().map(|row| (row.0, row.1)))
        .chain(VALUES.iter().map(|row| (row.0, row.1)))
        .chain(ALONG.iter().map(|row| (row.0, row.1)))
}

/// The check of this name.
pub(super) fn found<'a>(checklist: &'a Checklist, name: &str) -> &'a Check {
    let mut checks = checklist.checks.values();
    checks
        .find(|check| check.id.as_str() == name)
        .expect("a check of the checklist")
}

/// The checks that run a program, with its words.
fn commands(checklist: &Checklist) -> impl Iterator<Item = (&Check, &[String])> {
    checklist.checks.values().filter_map(|check| match &check.probe {
        Probe::Command(command) => Some((check, command.run.as_slice())),
        _ => None,
    })
}

/// The checks of settings, each with its file.
fn settings(checklist: &Checklist) -> impl Iterator<Item = (&Check, &EnvProbe, &str)> {
    checklist.checks.values().filter_map(|check| match &check.probe {
        Probe::Env(probe) => match &probe.source {
            EnvSource::File(file) => Some((check, probe, file.as_str())),
            EnvSource::Bot | EnvSource::Command(_) => None,
        },
        _ => None,
    })
}

/// Of what GitHub tells badly: the file of a workflow, or alerts.
fn ill_at_github(checklist: &Checklist, switch: &str) -> String {
    let check = checklist
        .checks
        .values()
        .find(|check| check.id.as_str() == switch);
    match check.map(|check| &check.probe) {
        Some(Probe::Github(probe)) => match &probe.question {
            GithubQuestion::Workflow { file, .. } => file.clone(),
            GithubQuestion::Alerts { .. } => "alerts".to_owned(),
            GithubQuestion::Checks { .. } | GithubQuestion::Compare { .. } => {
                panic!("{switch}: GitHub has no answer to that here")
            }
        },
        _ => String::new(),
    }
}

fn dotenv<'a>(values: impl IntoIterator<Item = (&'a str, String)>) -> String {
    values.into_iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}={value}");
        text
    })
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
