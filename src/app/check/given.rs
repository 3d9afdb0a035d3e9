//! The values that were given for variables: on the command line and in files.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

use crate::checks::read_dotenv;
use crate::cli::Assignment;
use crate::domain::checklist::{Checklist, Variable};
use crate::domain::ids::VariableName;
use crate::markdown::nearest;

/// The largest file of values that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// The values given, by the names of the variables.
///
/// # Errors
/// When a name is not one that the checklist declares, a secret stands on the command line, or a file cannot be read. No
/// value is in any of these sentences.
pub(super) fn given(
    checklist: &Checklist,
    assignments: &[Assignment],
    files: &[impl AsRef<Path>],
) -> anyhow::Result<BTreeMap<String, String>> {
    let mut given = BTreeMap::new();
    for file in files.iter().map(AsRef::as_ref) {
        for (name, value) in read(file)? {
            declared(checklist, &name).with_context(|| format!("{} cannot be used", file.display()))?;
            given.insert(name, value);
        }
    }
    for Assignment { name, value } in assignments {
        let variable = declared(checklist, name)?;
        if variable.secret {
            bail!(
                "the variable {name} is secret, and others can read a command line; {}",
                how_to_give(name, variable)
            );
        }
        given.insert(name.clone(), value.clone());
    }
    Ok(given)
}

/// What to do so that a variable has a value, as a clause.
pub(super) fn how_to_give(name: &str, variable: &Variable) -> String {
    let mut ways = Vec::new();
    if let Some(env) = &variable.env {
        ways.push(format!("set the environment variable {env}"));
    }
    if !variable.secret {
        ways.push(format!("give --var {name}=VALUE"));
    }
    ways.push(format!("write {name}=VALUE into a file for --var-file"));
    if variable.secret {
        ways.push("leave it out on a terminal and be asked".to_owned());
    }
    match ways.split_last() {
        Some((last, front)) if !front.is_empty() => format!("{} or {last}", front.join(", ")),
        Some(_) | None => ways.concat(),
    }
}

fn declared<'checklist>(
    checklist: &'checklist Checklist,
    name: &str,
) -> anyhow::Result<&'checklist Variable> {
    if let Some(variable) = checklist.variables.get(&VariableName::new(name)) {
        return Ok(variable);
    }
    let known: Vec<&str> = checklist.variables.keys().map(VariableName::as_str).collect();
    Err(match nearest(name, known.iter().copied()) {
        Some(near) => anyhow!("the checklist has no variable {name}; did you mean {near}?"),
        None if known.is_empty() => anyhow!("the checklist has no variable {name}, and none at all"),
        None => anyhow!(
            "the checklist has no variable {name}; it has {}",
            known.join(", ")
        ),
    })
}

/// Reads a file by its ending. What its parser says is not passed on where it could quote a value.
fn read(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let name = file.display();
    let mut text = String::new();
    let opened = File::open(file)
        .and_then(|opened| opened.take(LARGEST_FILE + 1).read_to_string(&mut text))
        .map_err(|error| {
            anyhow!("{name} cannot be read ({error}); check the path, and that this user may read it")
        })?;
    if opened as u64 > LARGEST_FILE {
        bail!("{name} is larger than {LARGEST_FILE} bytes, the most that a file of values may have");
    }
    let ending = file.extension().map(OsStr::to_ascii_lowercase);
    match ending.as_deref().and_then(|ending| ending.to_str()) {
        Some("json") => from_json(&text),
        Some("toml") => from_toml(&text),
        _ => from_lines(&text),
    }
    .map_err(|why| anyhow!("{name} {why}"))
}

fn from_lines(text: &str) -> Result<BTreeMap<String, String>, String> {
    let read = read_dotenv(text);
    if let Some(line) = read.unreadable.first() {
        return Err(format!(
            "has no NAME=VALUE in line {line}; mend it, or put a # before it"
        ));
    }
    if let Some(name) = read.repeated.first() {
        return Err(format!("gives {name} more than once; keep one"));
    }
    Ok(read.values)
}

fn from_json(text: &str) -> Result<BTreeMap<String, String>, String> {
    let read: Value = serde_json::from_str(text).map_err(|error| {
        format!(
            "is not JSON from line {}, column {}; mend it",
            error.line(),
            error.column()
        )
    })?;
    let Value::Object(entries) = read else {
        return Err("is not a JSON object; write it as { \"name\": \"value\" }".to_owned());
    };
    entries
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            Value::Number(number) => Ok((name, number.to_string())),
            Value::Bool(truth) => Ok((name, truth.to_string())),
            Value::Null | Value::Array(_) | Value::Object(_) => Err(no_value(&name)),
        })
        .collect()
}

fn from_toml(text: &str) -> Result<BTreeMap<String, String>, String> {
    let read: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        format!("is not TOML from line {line}; mend it")
    })?;
    read.into_iter()
        .map(|(name, value)| match value {
            toml::Value::String(text) => Ok((name, text)),
            toml::Value::Integer(number) => Ok((name, number.to_string())),
            toml::Value::Float(number) => Ok((name, number.to_string())),
            toml::Value::Boolean(truth) => Ok((name, truth.to_string())),
            toml::Value::Datetime(time) => Ok((name, time.to_string())),
            toml::Value::Array(_) | toml::Value::Table(_) => Err(no_value(&name)),
        })
        .collect()
}

fn no_value(name: &str) -> String {
    format!("gives {name} something that is no single value; write a text, a number, true or false")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ChecklistName;
    use crate::markdown::parse;

    fn told(file: &str, text: &str) -> Result<BTreeMap<String, String>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(file);
        std::fs::write(&path, text).unwrap();
        let list = "---\nvariables:\n  base_url: https://a.example\n  limit: 5\n  token: { env: TOKEN, secret: true }\n---\n- [ ] a\n";
        let checklist = parse(&ChecklistName::new("l"), list.as_bytes()).checklist;
        given(&checklist, &[], &[&path])
            .map_err(|error| format!("{error:#}").replace(&path.display().to_string(), file))
    }

    #[test]
    fn a_file_is_read_by_its_ending() {
        let same = Ok(BTreeMap::from(
            [
                ("base_url", "https://b.example/?a=b"),
                ("limit", "7"),
                ("token", "s3cr3t"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ));
        for (file, text) in [
            (
                "values.env",
                "# ours\nexport base_url=\"https://b.example/?a=b\"\r\nlimit=7\ntoken='s3cr3t'\n",
            ),
            (
                "values.toml",
                "base_url = \"https://b.example/?a=b\"\nlimit = 7\ntoken = \"s3cr3t\"\n",
            ),
            (
                "values.JSON",
                "{ \"base_url\": \"https://b.example/?a=b\", \"limit\": 7, \"token\": \"s3cr3t\" }",
            ),
        ] {
            assert_eq!(told(file, text), same, "{file}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_without_a_value() {
        for (file, text, sentence) in [
            (
                "a.env",
                "limit=7\ns3cr3t\n",
                "a.env has no NAME=VALUE in line 2; mend it, or put a # before it",
            ),
            (
                "a.env",
                "limit=7\nlimit=8\n",
                "a.env gives limit more than once; keep one",
            ),
            (
                "a.json",
                "\"s3cr3t\"",
                "a.json is not a JSON object; write it as { \"name\": \"value\" }",
            ),
            (
                "a.json",
                "{ \"token\": s3cr3t }",
                "a.json is not JSON from line 1, column 12; mend it",
            ),
            (
                "a.toml",
                "limit = 7\ntoken = s3cr3t\n",
                "a.toml is not TOML from line 2; mend it",
            ),
            (
                "a.toml",
                "limit = [\"s3cr3t\"]",
                "a.toml gives limit something that is no single value; write a text, a number, true or false",
            ),
            (
                "a.env",
                "base_ulr=x",
                "a.env cannot be used: the checklist has no variable base_ulr; did you mean base_url?",
            ),
            (
                "a.env",
                "zzz=x",
                "a.env cannot be used: the checklist has no variable zzz; it has base_url, limit, token",
            ),
        ] {
            assert_eq!(told(file, text), Err(sentence.to_owned()), "{text}");
        }
    }
}
