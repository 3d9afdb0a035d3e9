//! `variables` and `checks`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::values::{Entry, Fields, Values, is_key, is_variable_name, listed};
use super::yaml::{NodeId, Place, Value};
use crate::domain::check::{
    Check, CommandProbe, Condition, EnvFormat, EnvProbe, EnvVariable, HttpProbe, Probe,
};
use crate::domain::checklist::Variable;
use crate::domain::ids::{CheckId, VariableName};

/// How long an HTTP request or a look at variables may take unless said otherwise.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a command may take unless said otherwise.
const COMMAND_TIMEOUT: Duration = Duration::from_mins(1);

/// Most redirects a check may follow.
const FOLLOW_LIMIT: u32 = 20;

const PROBES: [&str; 3] = ["http", "env", "command"];

/// Reads `variables`.
pub(super) fn variables(values: &mut Values<'_, '_, '_>, id: NodeId) -> BTreeMap<VariableName, Variable> {
    let entries = values.entries(id, "`variables`").unwrap_or_default();
    let mut variables = BTreeMap::new();
    for entry in entries {
        if !is_variable_name(&entry.key) {
            values.error(
                entry.place,
                format!("`{}` cannot be a variable's name.", entry.key),
                Some(
                    "A name is lower-case letters, digits and underscores, and begins with a letter."
                        .to_owned(),
                ),
            );
            continue;
        }
        if let Some(variable) = variable(values, &entry) {
            variables.insert(VariableName::new(entry.key), variable);
        }
    }
    variables
}

fn variable(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Variable> {
    if values.is_nothing(entry.value) {
        return Some(Variable::default());
    }
    if matches!(values.tree.node(entry.value).value, Value::Scalar { .. }) {
        return Some(Variable {
            default: values.text(entry.value, "a variable's value"),
            ..Variable::default()
        });
    }
    let what = format!("the variable `{}`", entry.key);
    let fields = values.fields(entry.value, &what, &["default", "env", "secret", "description"])?;
    let mut text = |key: &str| {
        fields
            .get(key)
            .and_then(|id| values.text(id, &format!("`{key}`")))
    };
    let (default, env, description) = (text("default"), text("env"), text("description"));
    let secret = fields.get("secret").and_then(|id| values.truth(id, "`secret`"));
    Some(Variable {
        default,
        env,
        secret: secret.unwrap_or(false),
        description,
    })
}

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
    let known = ["description", "http", "env", "command", "pass", "timeout"];
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
            "http" => http(values, only),
            "env" => env(values, only),
            _ => command(values, only),
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
    let usual = match probe {
        Probe::Http(_) | Probe::Env(_) => PROBE_TIMEOUT,
        Probe::Command(_) => COMMAND_TIMEOUT,
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

fn http(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let known = ["url", "method", "headers", "body", "json", "follow"];
    let fields = values.fields(entry.value, "`http`", &known)?;
    let url = required(values, &fields, entry, "url").and_then(|id| values.words(id, "`url`"));
    let method = match fields.get("method") {
        None => Some("GET".to_owned()),
        Some(id) => method(values, id),
    };
    let mut headers = Some(BTreeMap::new());
    if let Some(id) = fields.get("headers") {
        for header in values.entries(id, "`headers`").unwrap_or_default() {
            let text = values.text(header.value, &format!("the header `{}`", header.key));
            headers = headers.zip(text).map(|(mut headers, text)| {
                headers.insert(header.key, text);
                headers
            });
        }
    }
    let body = fields.get("body").map(|id| values.text(id, "`body`"));
    let json = fields.get("json").map(|id| values.json(id));
    if let (Some(_), Some(json)) = (&body, fields.entry("json")) {
        values.error(
            json.place,
            "`http` has both `body` and `json`.".to_owned(),
            Some("A request has one body; keep one of them.".to_owned()),
        );
        return None;
    }
    let follow = match fields.get("follow") {
        None => Some(0),
        Some(id) => values.whole(id, "`follow`", 0, FOLLOW_LIMIT),
    };
    Some(Probe::Http(HttpProbe {
        url: url?,
        method: method?,
        headers: headers?,
        body: match body {
            Some(body) => Some(body?),
            None => None,
        },
        json,
        follow: follow?,
    }))
}

fn method(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<String> {
    let text = values.words(id, "`method`")?;
    // RFC 9110, 9.1: a method is a token; those in use are letters.
    if text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Some(text.to_ascii_uppercase());
    }
    values.wrong_type(id, "`method`", "an HTTP method such as `GET` or `POST`");
    None
}

fn env(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(
        entry.value,
        "`env`",
        &["file", "required", "recommended", "optional"],
    )?;
    let file = fields.get("file").map(|id| values.words(id, "`file`"));
    let mut sound = true;
    let mut list = |key: &str| {
        let Some(id) = fields.get(key) else {
            return Vec::new();
        };
        let Some(entries) = values.list(id, &format!("`{key}`")) else {
            sound = false;
            return Vec::new();
        };
        let read: Vec<Option<EnvVariable>> =
            entries.iter().map(|entry| env_variable(values, *entry)).collect();
        sound &= read.iter().all(Option::is_some);
        read.into_iter().flatten().collect()
    };
    let probe = EnvProbe {
        required: list("required"),
        recommended: list("recommended"),
        optional: list("optional"),
        file: match file {
            Some(file) => Some(file?),
            None => None,
        },
    };
    if probe.required.is_empty() && probe.recommended.is_empty() && probe.optional.is_empty() && sound {
        values.error(
            entry.place,
            "`env` names no variable.".to_owned(),
            Some("List names under `required`, `recommended` or `optional`.".to_owned()),
        );
        return None;
    }
    sound.then_some(Probe::Env(probe))
}

/// `NAME` or `NAME: format`.
fn env_variable(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<EnvVariable> {
    let (name, place, format) = if let Value::Mapping(_) = values.tree.node(id).value {
        let mut entries = values.entries(id, "an entry of `env`")?.into_iter();
        let (Some(entry), None) = (entries.next(), entries.next()) else {
            values.wrong_type(id, "an entry of `env`", "`NAME` or `NAME: format`");
            return None;
        };
        (entry.key, entry.place, Some(entry.value))
    } else {
        (values.words(id, "an entry of `env`")?, values.place(id), None)
    };
    // POSIX.1-2017, 8.1, and what shells accept.
    let sound = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if !sound || name.is_empty() {
        values.error(
            place,
            format!("`{name}` cannot be the name of an environment variable."),
            Some("A name is letters, digits and underscores, and does not begin with a digit.".to_owned()),
        );
        return None;
    }
    let format = match format {
        None => None,
        Some(id) => {
            let text = values.words(id, "a format")?;
            let Some(format) = env_format(&text) else {
                let forms = "`url`, `url(postgresql)`, `hex(64)`, `prefix(sk_live_)`, `equals(production)`, `min(32)`, `base64-json` and `integer`";
                values.error(
                    values.place(id),
                    format!("`{text}` is not a format."),
                    Some(format!("The formats are {forms}.")),
                );
                return None;
            };
            Some(format)
        }
    };
    Some(EnvVariable { name, format })
}

fn env_format(text: &str) -> Option<EnvFormat> {
    let (name, argument) = match text.split_once('(') {
        None => (text, None),
        Some((name, rest)) => (name, Some(rest.strip_suffix(')')?)),
    };
    let argument = argument.filter(|argument| !argument.is_empty());
    match (name, argument) {
        ("url", None) if !text.contains('(') => Some(EnvFormat::Url(None)),
        ("url", Some(scheme)) => Some(EnvFormat::Url(Some(scheme.to_owned()))),
        ("hex", Some(digits)) => digits.parse().ok().map(EnvFormat::Hex),
        ("prefix", Some(prefix)) => Some(EnvFormat::Prefix(prefix.to_owned())),
        ("equals", Some(value)) => Some(EnvFormat::Equals(value.to_owned())),
        ("min", Some(length)) => length.parse().ok().map(EnvFormat::MinLength),
        ("base64-json", None) if text == name => Some(EnvFormat::Base64Json),
        ("integer", None) if text == name => Some(EnvFormat::Integer),
        _ => None,
    }
}

fn command(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`command`", &["run", "cwd", "capture"])?;
    let run = required(values, &fields, entry, "run").and_then(|id| run(values, id));
    let cwd = fields.get("cwd").map(|id| values.words(id, "`cwd`"));
    let capture = fields.get("capture").map(|id| values.words(id, "`capture`"));
    Some(Probe::Command(CommandProbe {
        run: run?,
        cwd: match cwd {
            Some(cwd) => Some(cwd?),
            None => None,
        },
        capture: match capture {
            Some(capture) => Some(capture?),
            None => None,
        },
    }))
}

fn run(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<Vec<String>> {
    if let Value::Scalar { text, .. } = &values.tree.node(id).value {
        let words: Vec<&str> = text.split_whitespace().collect();
        values.error(
            values.place(id),
            "`run` must be a list: the program and its arguments.".to_owned(),
            Some(format!(
                "Nothing is given to a shell. Write `run: [{}]`.",
                words.join(", ")
            )),
        );
        return None;
    }
    let list = values.list(id, "`run`")?;
    let run: Option<Vec<String>> = list
        .iter()
        .map(|word| values.text(*word, "a word of `run`"))
        .collect();
    let run = run?;
    if run.first().is_none_or(|program| program.trim().is_empty()) {
        values.error(values.place(id), "`run` names no program.".to_owned(), None);
        return None;
    }
    Some(run)
}
