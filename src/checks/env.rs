//! The `env` probe: are the variables there, and do they have the form they should?
//!
//! Nothing that leaves this module has a value in it, only names, forms and line numbers.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use super::observation::{Kind, Observation, Observed};
use super::probe::{Hindrance, Run, Seen};
use super::{dotenv, written};
use crate::domain::check::{EnvFormat, EnvProbe, EnvVariable};

/// The largest `.env` file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// What the look is observed by: names of variables, never a value.
pub(super) const NAMES: [(&str, Kind); 3] = [
    ("missing", Kind::Names),
    ("empty", Kind::Names),
    ("malformed", Kind::Names),
];

/// The texts that may name variables of the checklist.
pub(super) fn texts(probe: &EnvProbe) -> Vec<&str> {
    let mut texts: Vec<&str> = probe.file.as_deref().into_iter().collect();
    for variable in probe
        .required
        .iter()
        .chain(&probe.recommended)
        .chain(&probe.optional)
    {
        if let Some(EnvFormat::Prefix(text) | EnvFormat::Equals(text)) = &variable.format {
            texts.push(text);
        }
    }
    texts
}

/// Looks at the variables.
pub(super) async fn probe(run: &Run<'_>, probe: &EnvProbe) -> Result<Seen, Hindrance> {
    let file = match &probe.file {
        Some(path) => Some((run.expand(path)?, read_file(run, path).await?)),
        None => None,
    };
    let value_of = |name: &str| match &file {
        Some((_, file)) => file.values.get(name).map(String::as_str),
        None => run.guard.environment().get(name),
    };

    let mut required = Findings::default();
    for variable in &probe.required {
        required.look(run, variable, value_of(&variable.name))?;
    }
    let mut recommended = Findings::default();
    for variable in &probe.recommended {
        recommended.look(run, variable, value_of(&variable.name))?;
    }
    let mut optional = Findings::default();
    for variable in &probe.optional {
        if let Some(value) = value_of(&variable.name) {
            optional.look(run, variable, Some(value))?;
        }
    }

    let place = file
        .as_ref()
        .map_or_else(|| "the bot's environment".to_owned(), |(path, _)| path.clone());
    let mut evidence = BTreeMap::from([("looked_in".to_owned(), Value::from(place.as_str()))]);
    required.note("", &mut evidence);
    recommended.note("recommended_", &mut evidence);
    optional.note("optional_", &mut evidence);
    if let Some((_, file)) = &file {
        if !file.repeated.is_empty() {
            evidence.insert("repeated".to_owned(), json!(file.repeated));
        }
        if !file.unreadable.is_empty() {
            evidence.insert("unreadable_lines".to_owned(), json!(file.unreadable));
        }
    }

    let holds = required.is_empty();
    let mut why = if holds {
        match probe.required.len() {
            0 => format!("no variable is required in {place}"),
            1 => format!("{} is set in {place}", probe.required[0].name),
            count => format!("all {count} required variables are set in {place}"),
        }
    } else {
        format!("{} in {place}", required.clause())
    };
    for (tier, findings) in [("recommended", &recommended), ("optional", &optional)] {
        if !findings.is_empty() {
            why.push_str("; of the ");
            why.push_str(tier);
            why.push_str(" ones ");
            why.push_str(&findings.clause());
        }
    }
    if let Some((_, file)) = &file
        && !holds
        && !file.unreadable.is_empty()
    {
        let lines: Vec<String> = file.unreadable.iter().map(usize::to_string).collect();
        why.push_str("; not NAME=value: line ");
        why.push_str(&written::joined(&lines, "and"));
    }

    // Only a required variable can be missing. One that is there and unfit is named whatever its tier, so that a
    // condition can hold an optional variable to its form.
    let tiers = [&required, &recommended, &optional];
    let empty = tiers.iter().flat_map(|tier| tier.empty.iter().cloned()).collect();
    let malformed = tiers
        .iter()
        .flat_map(|tier| tier.malformed.iter().map(|(name, _)| name.clone()))
        .collect();
    let observation = Observation::default()
        .with("missing", Observed::Names(required.missing.clone()))
        .with("empty", Observed::Names(empty))
        .with("malformed", Observed::Names(malformed));
    Ok(Seen {
        observation,
        evidence,
        holds,
        why,
    })
}

/// Variables that are not as they should be.
#[derive(Default)]
struct Findings {
    missing: Vec<String>,
    empty: Vec<String>,
    /// Names with what was expected of them.
    malformed: Vec<(String, String)>,
}

impl Findings {
    fn look(&mut self, run: &Run<'_>, variable: &EnvVariable, value: Option<&str>) -> Result<(), Hindrance> {
        match value {
            None => self.missing.push(variable.name.clone()),
            Some(value) if value.trim().is_empty() => self.empty.push(variable.name.clone()),
            Some(value) => {
                if let Some(format) = &variable.format
                    && !has_format(run, format, value)?
                {
                    self.malformed.push((variable.name.clone(), expected(format)));
                }
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.empty.is_empty() && self.malformed.is_empty()
    }

    fn note(&self, tier: &str, evidence: &mut BTreeMap<String, Value>) {
        let malformed: Vec<&String> = self.malformed.iter().map(|(name, _)| name).collect();
        for (what, names) in [
            ("missing", json!(self.missing)),
            ("empty", json!(self.empty)),
            ("malformed", json!(malformed)),
        ] {
            // The required ones are always noted: that nothing is missing is evidence too.
            if tier.is_empty() || names != json!([]) {
                evidence.insert(format!("{tier}{what}"), names);
            }
        }
    }

    /// As `A and B are missing, C is empty and D is malformed (expected a URL)`.
    fn clause(&self) -> String {
        let are = |names: &[String]| if names.len() == 1 { "is" } else { "are" };
        let mut clauses = Vec::new();
        for (names, what) in [(&self.missing, "missing"), (&self.empty, "empty")] {
            if !names.is_empty() {
                clauses.push(format!("{} {} {what}", written::joined(names, "and"), are(names)));
            }
        }
        clauses.extend(
            self.malformed
                .iter()
                .map(|(name, expected)| format!("{name} is malformed (expected {expected})")),
        );
        written::joined(&clauses, "and")
    }
}

async fn read_file(run: &Run<'_>, path: &str) -> Result<dotenv::DotEnv, Hindrance> {
    let path = run.expand(path)?;
    let opened = run.in_time(tokio::fs::File::open(Path::new(&path)), || {
        format!("the file {path} could not be opened")
    });
    let file = opened.await?.map_err(|error| {
        Hindrance::new(match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("the file {path} is not there; create it, or mend `file` (it is relative to the bot's working directory)")
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("the file {path} may not be read by the bot; change its permissions")
            }
            _ => format!("the file {path} could not be opened: {error}"),
        })
    })?;
    let mut bytes = Vec::new();
    let mut limited = file.take(LARGEST_FILE + 1);
    let reading = run.in_time(limited.read_to_end(&mut bytes), || {
        format!("the file {path} could not be read")
    });
    reading
        .await?
        .map_err(|error| Hindrance::new(format!("the file {path} could not be read: {error}")))?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(Hindrance::new(format!(
            "the file {path} is larger than 1 MiB, which is no `.env` file; mend `file`"
        )));
    }
    Ok(dotenv::read(&String::from_utf8_lossy(&bytes)))
}

fn has_format(run: &Run<'_>, format: &EnvFormat, value: &str) -> Result<bool, Hindrance> {
    Ok(match format {
        EnvFormat::Url(scheme) => reqwest::Url::parse(value).is_ok_and(|url| {
            let same = |wanted: &String| {
                // The two names of PostgreSQL's scheme mean the same.
                let plain = |scheme: &str| scheme.replace("postgresql", "postgres");
                plain(wanted).eq_ignore_ascii_case(&plain(url.scheme()))
            };
            !url.cannot_be_a_base() && url.has_host() && scheme.as_ref().is_none_or(same)
        }),
        EnvFormat::Hex(digits) => {
            value.len() == *digits && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        }
        EnvFormat::Prefix(prefix) => value.starts_with(&run.expand(prefix)?),
        EnvFormat::Equals(text) => value == run.expand(text)?,
        EnvFormat::MinLength(characters) => value.chars().count() >= *characters,
        EnvFormat::Base64Json => {
            let packed: String = value
                .chars()
                .filter(|character| !character.is_whitespace())
                .collect();
            let decoded = [alphabet::STANDARD, alphabet::URL_SAFE]
                .into_iter()
                .find_map(|alphabet| {
                    let config =
                        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
                    GeneralPurpose::new(&alphabet, config).decode(&packed).ok()
                });
            decoded.is_some_and(|decoded| {
                serde_json::from_slice::<Value>(&decoded)
                    .is_ok_and(|json| json.is_object() || json.is_array())
            })
        }
        EnvFormat::Integer => value.trim().parse::<i128>().is_ok(),
    })
}

/// What a format asks for, as the checklist has it.
fn expected(format: &EnvFormat) -> String {
    match format {
        EnvFormat::Url(None) => "a URL".to_owned(),
        EnvFormat::Url(Some(scheme)) => format!("a URL that begins with {scheme}://"),
        EnvFormat::Hex(digits) => format!("{digits} hexadecimal digits"),
        EnvFormat::Prefix(prefix) => format!("it to begin with {prefix}"),
        EnvFormat::Equals(text) => text.clone(),
        EnvFormat::MinLength(characters) => format!("at least {characters} characters"),
        EnvFormat::Base64Json => "a JSON document in base64".to_owned(),
        EnvFormat::Integer => "a whole number".to_owned(),
    }
}
