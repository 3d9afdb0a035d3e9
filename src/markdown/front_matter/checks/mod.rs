//! `checks`. One file for each probe.

mod burst;
mod command;
mod env;
mod http;
mod load;
mod tcp;

use std::collections::BTreeMap;
use std::time::Duration;

use super::values::{Entry, Fields, Values, is_key, listed};
use super::yaml::{NodeId, Place, Value};
use crate::domain::check::{Check, Condition, Probe};
use crate::domain::ids::CheckId;

/// How long a probe may take unless said otherwise.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a command may take unless said otherwise.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// How long a number of requests may take that nothing paces, unless said otherwise.
const LOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// The probes, as they are written.
const PROBES: [&str; 6] = ["http", "env", "command", "tcp", "burst", "load"];

/// What every check may say besides.
const SHARED: [&str; 3] = ["description", "pass", "timeout"];

/// Reads `checks`; also gives every key that stands there with its place, whether the check is sound or not.
pub(super) fn checks(
    values: &mut Values<'_, '_, '_>,
    id: NodeId,
) -> (BTreeMap<CheckId, Check>, BTreeMap<CheckId, Place>) {
    let entries = values.entries(id, "`checks`").unwrap_or_default();
    let mut checks = BTreeMap::new();
    let mut declared = BTreeMap::new();
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
        if let Some(check) = check(values, &entry) {
            checks.insert(check_id, check);
        }
    }
    (checks, declared)
}

fn check(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Check> {
    let what = format!("the check `{}`", entry.key);
    let known: Vec<&str> = SHARED.into_iter().chain(PROBES).collect();
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
            "burst" => burst::read(values, only),
            "load" => load::read(values, only),
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
    let pass = fields.get("pass").map(|id| {
        let (line, column) = values.place(id);
        let text = match &values.tree.node(id).value {
            // `pass: true` is a condition too.
            Value::Scalar { text, .. } if !text.trim().is_empty() => Some(text.clone()),
            _ => {
                values.wrong_type(id, "`pass`", "a condition");
                None
            }
        };
        text.map(|text| Condition { text, line, column })
    });
    let timeout = fields.get("timeout").map(|id| values.duration(id, "`timeout`"));
    let probe = probe?;
    let usual = match &probe {
        Probe::Http(_) | Probe::Env(_) | Probe::Tcp(_) => PROBE_TIMEOUT,
        Probe::Command(_) => COMMAND_TIMEOUT,
        // After the last request is sent, its answer has as long as that of any other probe.
        Probe::Burst(burst) => burst.within + PROBE_TIMEOUT,
        Probe::Load(load) => load.takes().unwrap_or(load.warm_up + LOAD_TIMEOUT) + PROBE_TIMEOUT,
    };
    // A part that was written and is wrong makes the check wrong: it must not run as if the part were not there.
    let (pass, timeout) = match (pass, timeout) {
        (Some(None), _) | (_, Some(None)) => return None,
        (pass, timeout) => (pass.flatten(), timeout.flatten()),
    };
    Some(Check {
        id: CheckId::new(entry.key.as_str()),
        description,
        probe,
        pass,
        timeout: timeout.unwrap_or(usual),
        line: entry.place.0,
    })
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
