//! The `env` probe.

use crate::domain::check::{EnvFormat, EnvProbe, EnvVariable, Probe};
use crate::markdown::front_matter::values::{Entry, Values};
use crate::markdown::front_matter::yaml::{NodeId, Value};

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
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
