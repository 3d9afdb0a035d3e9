//! `checks`. One file for each probe.

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
mod relations;
mod rhythm;
mod tcp;
mod tls;

use std::collections::BTreeMap;
use std::time::Duration;

use self::relations::Named;
use super::values::{Entry, Fields, Values, is_key, listed};
use super::yaml::{NodeId, Place, Value};
use crate::domain::check::{Check, Condition, EnvSource, Probe, Rule};
use crate::domain::ids::CheckId;

/// How long a probe may take unless said otherwise.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a sequence of requests may take in all unless said otherwise.
const STEPS_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a command may take unless said otherwise.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a number of requests may take that nothing paces, unless said otherwise.
const LOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// The probes, as they are written.
const PROBES: [&str; 15] = [
    "http",
    "env",
    "command",
    "file",
    "tcp",
    "tls",
    "dns",
    "burst",
    "load",
    "database",
    "prometheus",
    "github",
    "push",
    "all",
    "any",
];

/// What every check may say besides.
const SHARED: [&str; 6] = ["description", "pass", "timeout", "retry", "after", "severity"];

/// Reads `checks`; also gives every key that stands there with its place, whether the check is sound or not.
pub(super) fn checks(
    values: &mut Values<'_, '_, '_>,
    id: NodeId,
) -> (BTreeMap<CheckId, Check>, BTreeMap<CheckId, Place>) {
    let entries = values.entries(id, "`checks`").unwrap_or_default();
    let mut checks = BTreeMap::new();
    let mut declared = BTreeMap::new();
    let mut named = BTreeMap::new();
    for entry in entries {
        if !is_key(&entry.key) {
            values.error(
                entry.place,
                format!("`{}` cannot be a check's key.", entry.key),
                Some("A key is at most 40 lower-case letters, digits and hyphens.".to_owned()),
            );
            continue;
        }
        let check_id = CheckId::new(entry.key.as_str());
        declared.insert(check_id.clone(), entry.place);
        let mut others = Vec::new();
        if let Some(check) = check(values, &entry, &mut others) {
            checks.insert(check_id.clone(), check);
        }
        named.insert(check_id, others);
    }
    relations::tell_wrong(values, &named, &checks, &declared);
    (checks, declared)
}

fn check(values: &mut Values<'_, '_, '_>, entry: &Entry, named: &mut Vec<Named>) -> Option<Check> {
    let what = format!("the check `{}`", entry.key);
    let known: Vec<&str> = SHARED.into_iter().chain(rhythm::KEYS).chain(PROBES).collect();
    let fields = values.fields(entry.value, &what, &known)?;
    let given: Vec<&Entry> = fields
        .entries()
        .iter()
        .filter(|field| PROBES.contains(&field.key.as_str()))
        .collect();
    let probe = match given.as_slice() {
        [] => {
            values.error(
                entry.place,
                format!("The check `{}` says nothing to do.", entry.key),
                Some(format!("Give it one of {}.", listed(&PROBES))),
            );
            None
        }
        [only] => match only.key.as_str() {
            "http" => http::read(values, only),
            "env" => env::read(values, only),
            "tcp" => tcp::read(values, only),
            "all" => combined::read(values, only, Rule::All, named),
            "any" => combined::read(values, only, Rule::Any, named),
            "tls" => tls::read(values, only),
            "dns" => dns::read(values, only),
            "file" => file::read(values, only),
            "prometheus" => prometheus::read(values, only),
            "github" => github::read(values, only),
            "database" => database::read(values, only),
            "burst" => burst::read(values, only),
            "load" => load::read(values, only),
            "push" => push::read(values, only),
            _ => command::read(values, only),
        },
        [_, second, ..] => {
            values.error(
                second.place,
                format!("The check `{}` has more than one thing to do.", entry.key),
                Some(format!(
                    "Keep one of {}; make another check of the other.",
                    listed(&PROBES)
                )),
            );
            None
        }
    };
    let description = fields
        .get("description")
        .and_then(|id| values.text(id, "`description`"));
    let pass = part(values, &fields, "pass", |values, id| {
        expression(values, id, "`pass`", "a condition")
    });
    let timeout = part(values, &fields, "timeout", |values, id| {
        values.duration(id, "`timeout`")
    });
    let retry = part(values, &fields, "retry", flow::retry);
    let after = part(values, &fields, "after", |values, id| {
        flow::after(values, id, named)
    });
    let severity = part(values, &fields, "severity", flow::severity);
    let rhythm = rhythm::read(values, &fields);
    let probe = probe?;
    if let Probe::Combined(_) = probe
        && let Some(field) = ["retry", "timeout"]
            .into_iter()
            .chain(rhythm::KEYS)
            .find_map(|key| fields.entry(key))
    {
        values.error(
            field.place,
            format!("`{}` means nothing to a check that is made of others.", field.key),
            Some("Write it at the checks it is made of.".to_owned()),
        );
        return None;
    }
    if let Probe::Push(_) = probe
        && let Some(field) = ["retry", "timeout", "after"]
            .into_iter()
            .chain(rhythm::KEYS)
            .find_map(|key| fields.entry(key))
    {
        values.error(
            field.place,
            format!("`{}` means nothing to a check whose result is posted.", field.key),
            Some("Say in `push` how old the last post may be: `within: 1h`.".to_owned()),
        );
        return None;
    }
    if let (Ok(Some(_)), Some(field)) = (&rhythm, fields.entry("after")) {
        values.error(
            field.place,
            "A check that is observed over time cannot be `after` others.".to_owned(),
            Some("Each of its observations is made by itself; take `after` out.".to_owned()),
        );
        return None;
    }
    let usual = match &probe {
        Probe::HttpSteps(_) => STEPS_TIMEOUT,
        Probe::Command(_) => COMMAND_TIMEOUT,
        Probe::Env(probe) if matches!(probe.source, EnvSource::Command(_)) => COMMAND_TIMEOUT,
        // After the last request is sent, its answer has as long as that of any other probe.
        Probe::Burst(burst) => burst.within + PROBE_TIMEOUT,
        Probe::Load(load) => load.takes().unwrap_or(load.warm_up + LOAD_TIMEOUT) + PROBE_TIMEOUT,
        _ => PROBE_TIMEOUT,
    };
    // A part that was written and is wrong makes the check wrong: it must not run as if the part were not there.
    let pass = pass.ok()?;
    if pass.is_none() && never_fails(&probe) {
        values.warning(
            entry.place,
            format!("The check `{}` cannot fail.", entry.key),
            Some("List what must be there under `required`, or say under `pass` what must hold.".to_owned()),
        );
    }
    Some(Check {
        id: CheckId::new(entry.key.as_str()),
        description,
        probe,
        pass,
        timeout: timeout.ok()?.unwrap_or(usual),
        retry: retry.ok()?,
        after: after.ok()?.unwrap_or_default(),
        severity: severity.ok()?.unwrap_or_default(),
        rhythm: rhythm.ok()?,
        line: entry.place.0,
    })
}

/// A part is there and wrong, which has been told.
struct Unsound;

/// A part that need not be there.
fn part<Part>(
    values: &mut Values<'_, '_, '_>,
    fields: &Fields,
    key: &str,
    read: impl FnOnce(&mut Values<'_, '_, '_>, NodeId) -> Option<Part>,
) -> Result<Option<Part>, Unsound> {
    match fields.get(key) {
        None => Ok(None),
        Some(id) => read(values, id).map(Some).ok_or(Unsound),
    }
}

/// A CEL expression with its place. `pass: true` is one too.
fn expression(values: &mut Values<'_, '_, '_>, id: NodeId, what: &str, wanted: &str) -> Option<Condition> {
    let (line, column) = values.place(id);
    match &values.tree.node(id).value {
        Value::Scalar { text, .. } if !text.trim().is_empty() => Some(Condition {
            text: text.clone(),
            line,
            column,
        }),
        _ => {
            values.wrong_type(id, what, wanted);
            None
        }
    }
}

/// Whether a probe that is left to its own verdict is content with whatever it sees.
fn never_fails(probe: &Probe) -> bool {
    match probe {
        Probe::Env(probe) => {
            probe.required.is_empty() && probe.template.is_none() && probe.differs_from.is_none()
        }
        _ => false,
    }
}

/// Headers to send, by name.
fn headers(values: &mut Values<'_, '_, '_>, id: Option<NodeId>) -> Option<BTreeMap<String, String>> {
    let mut headers = Some(BTreeMap::new());
    if let Some(id) = id {
        for header in values.entries(id, "`headers`").unwrap_or_default() {
            let text = values.text(header.value, &format!("the header `{}`", header.key));
            headers = headers.zip(text).map(|(mut headers, text)| {
                headers.insert(header.key, text);
                headers
            });
        }
    }
    headers
}

/// A field that must be there.
fn required(values: &mut Values<'_, '_, '_>, fields: &Fields, entry: &Entry, key: &str) -> Option<NodeId> {
    let found = fields.get(key);
    if found.is_none() {
        let place = if fields.entries().is_empty() {
            entry.place
        } else {
            fields.place
        };
        values.error(place, format!("`{}` has no `{key}`.", entry.key), None);
    }
    found
}
