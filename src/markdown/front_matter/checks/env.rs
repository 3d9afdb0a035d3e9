//! The `env` probe.

use super::command::program;
use crate::domain::check::{EnvFormat, EnvProbe, EnvSource, EnvVariable, Probe};
use crate::markdown::front_matter::values::{Entry, Fields, Values};
use crate::markdown::front_matter::yaml::{NodeId, Value};

/// The formats, as they are written.
const FORMS: &str = "`url`, `url(postgresql)`, `hex(64)`, `prefix(sk_live_)`, `equals(production)`, `same-as(OTHER)`, `matches(^v\\d+$)`, `min(32)`, `base64-json` and `integer`";

const KNOWN: [&str; 7] = [
    "file",
    "command",
    "required",
    "recommended",
    "optional",
    "differs_from",
    "template",
];

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`env`", &KNOWN)?;
    let source = source(values, &fields);
    let mut path = |key: &str| match fields.get(key) {
        None => Some(None),
        Some(id) => values.words(id, &format!("`{key}`")).map(Some),
    };
    let (differs_from, template) = (path("differs_from"), path("template"));
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
        source: source?,
        differs_from: differs_from?,
        template: template?,
    };
    let names_none = probe.required.is_empty() && probe.recommended.is_empty() && probe.optional.is_empty();
    if names_none && probe.template.is_none() && sound {
        values.error(
            entry.place,
            "`env` names no variable.".to_owned(),
            Some(
                "List names under `required`, `recommended` or `optional`, or give a `template`.".to_owned(),
            ),
        );
        return None;
    }
    if let (true, true, Some(differs_from)) = (sound, probe.required.is_empty(), fields.entry("differs_from"))
    {
        values.error(
            differs_from.place,
            "`differs_from` compares nothing.".to_owned(),
            Some(
                "It compares the variables under `required`; list those whose values must differ.".to_owned(),
            ),
        );
        return None;
    }
    sound.then_some(Probe::Env(probe))
}

fn source(values: &mut Values<'_, '_, '_>, fields: &Fields) -> Option<EnvSource> {
    match (fields.get("file"), fields.entry("command")) {
        (None, None) => Some(EnvSource::Bot),
        (Some(id), None) => values.words(id, "`file`").map(EnvSource::File),
        (None, Some(command)) => program(values, command.value, "command").map(EnvSource::Command),
        (Some(_), Some(command)) => {
            values.error(
                command.place,
                "`env` has both `file` and `command`.".to_owned(),
                Some("The variables are looked for in one place; keep one of them.".to_owned()),
            );
            None
        }
    }
}

/// `NAME`, `NAME: format` or `NAME: [format, format]`.
fn env_variable(values: &mut Values<'_, '_, '_>, id: NodeId) -> Option<EnvVariable> {
    let (name, place, format) = if let Value::Mapping(_) = values.tree.node(id).value {
        let mut entries = values.entries(id, "an entry of `env`")?.into_iter();
        let (Some(entry), None) = (entries.next(), entries.next()) else {
            values.wrong_type(
                id,
                "an entry of `env`",
                "`NAME`, `NAME: format` or `NAME: [format, format]`",
            );
            return None;
        };
        (entry.key, entry.place, Some(entry.value))
    } else {
        (values.words(id, "an entry of `env`")?, values.place(id), None)
    };
    if !is_name(&name) {
        values.error(
            place,
            format!("`{name}` cannot be the name of an environment variable."),
            Some("A name is letters, digits and underscores, and does not begin with a digit.".to_owned()),
        );
        return None;
    }
    let formats = match format {
        None => Some(Vec::new()),
        Some(id) => match &values.tree.node(id).value {
            Value::Sequence(_) => {
                let read: Vec<Option<EnvFormat>> = values
                    .list(id, "the formats")?
                    .iter()
                    .map(|format| format_of(values, *format, &name))
                    .collect();
                read.into_iter().collect()
            }
            _ => format_of(values, id, &name).map(|format| vec![format]),
        },
    };
    Some(EnvVariable {
        formats: formats?,
        name,
    })
}

fn format_of(values: &mut Values<'_, '_, '_>, id: NodeId, name: &str) -> Option<EnvFormat> {
    let text = values.words(id, "a format")?;
    let place = values.place(id);
    let Some(format) = env_format(&text) else {
        values.error(
            place,
            format!("`{text}` is not a format."),
            Some(format!("The formats are {FORMS}.")),
        );
        return None;
    };
    match &format {
        EnvFormat::Matches(pattern) => {
            if let Err(error) = regex::Regex::new(pattern) {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or_default().trim();
                values.error(
                    place,
                    format!("`{pattern}` is not a regular expression."),
                    Some(format!("{}.", last.trim_start_matches("error: "))),
                );
                return None;
            }
        }
        EnvFormat::SameAs(other) if other == name => {
            values.error(
                place,
                format!("`{name}` is always the same as itself."),
                Some("Name another variable in `same-as(…)`.".to_owned()),
            );
            return None;
        }
        _ => {}
    }
    Some(format)
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
        ("same-as", Some(other)) if is_name(other) => Some(EnvFormat::SameAs(other.to_owned())),
        ("matches", Some(pattern)) => Some(EnvFormat::Matches(pattern.to_owned())),
        ("equals", Some(value)) => Some(EnvFormat::Equals(value.to_owned())),
        ("min", Some(length)) => length.parse().ok().map(EnvFormat::MinLength),
        ("base64-json", None) if text == name => Some(EnvFormat::Base64Json),
        ("integer", None) if text == name => Some(EnvFormat::Integer),
        _ => None,
    }
}

/// Whether a text can name a variable (POSIX.1-2017, 8.1, and what shells accept).
fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
}
