//! What is wrong with a check, told when its checklist is loaded and not at midnight.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::Value;

use super::condition::{self, Flaw};
use super::{kinds, observation, template};
use crate::domain::check::{Check, CommandProbe, Condition, EnvFormat, EnvProbe, HttpProbe, Probe};
use crate::domain::checklist::Variable;
use crate::domain::ids::VariableName;

/// Something wrong with a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// 1-based line of the source.
    pub line: usize,
    /// 1-based column of the source, in characters; 1 where only the line is known.
    pub column: usize,
    /// What is wrong and what to do, in a sentence.
    pub message: String,
}

/// Names that every command observes, which no capture may take.
const COMMAND_NAMES: [&str; 4] = ["exit_code", "stdout", "stderr", "duration"];

pub(super) fn problems(check: &Check, variables: &BTreeMap<VariableName, Variable>) -> Vec<Problem> {
    let mut sentences = match &check.probe {
        Probe::Http(probe) => http(probe),
        Probe::Env(_) => Vec::new(),
        Probe::Command(probe) => command(probe),
    };
    sentences.extend(unknown_variables(&check.probe, variables));
    let mut problems: Vec<Problem> = sentences
        .into_iter()
        .map(|message| Problem {
            line: check.line,
            column: 1,
            message,
        })
        .collect();
    if let Some(condition) = &check.pass {
        let flaws = flaws(check, &condition.text);
        problems.extend(flaws.into_iter().map(|flaw| placed(condition, &flaw)));
    }
    problems
}

fn flaws(check: &Check, text: &str) -> Vec<Flaw> {
    let compiled = match condition::compile(text) {
        Ok(compiled) => compiled,
        Err(flaw) => return vec![flaw],
    };
    let names = observation::names_observed(check);
    condition::on_deep_stack(|| Ok(kinds::flaws(&compiled, &names))).unwrap_or_else(|flaw| vec![flaw])
}

/// A flaw with its place in the source. Inside a condition of one line, the column is counted on from where it
/// begins; how one of several lines was folded is not known here, so it is told where it begins.
fn placed(condition: &Condition, flaw: &Flaw) -> Problem {
    let before = condition.text.get(..flaw.offset).unwrap_or(&condition.text);
    let within = if condition.text.trim_end().contains('\n') {
        0
    } else {
        before.chars().count()
    };
    Problem {
        line: condition.line,
        column: condition.column + within,
        message: flaw.sentence.clone(),
    }
}

fn http(probe: &HttpProbe) -> Vec<String> {
    let mut found = Vec::new();
    if template::placeholders(&probe.url).is_empty() {
        match reqwest::Url::parse(&probe.url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            Ok(url) => found.push(format!(
                "`url` has the scheme {}, and only http and https are spoken",
                url.scheme()
            )),
            Err(_) => found.push("`url` is not a URL; write it as in https://app.example/health".to_owned()),
        }
    }
    if Method::from_bytes(probe.method.as_bytes()).is_err() {
        found.push(format!(
            "`{}` is not an HTTP method; write GET or POST",
            probe.method
        ));
    }
    for name in probe.headers.keys() {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            found.push(format!("`{name}` cannot be the name of a header; mend `headers`"));
        }
    }
    if probe.body.is_some() && probe.json.is_some() {
        found.push("a request has one body: keep either `body` or `json`".to_owned());
    }
    found
}

fn command(probe: &CommandProbe) -> Vec<String> {
    let mut found = Vec::new();
    if probe.run.first().is_none_or(|program| program.trim().is_empty()) {
        found.push("`run` names no program; write it as in [npm, test]".to_owned());
    }
    if let Some(program) = probe.run.first().filter(|program| is_relative(program)) {
        found.push(format!(
            "`run` names the program {program} by a relative path, which no setting can allow; write [sh, {program}], or its absolute path"
        ));
    }
    let Some(pattern) = &probe.capture else {
        return found;
    };
    match regex::Regex::new(pattern) {
        Ok(capture) => {
            let names: Vec<&str> = capture.capture_names().flatten().collect();
            if names.is_empty() {
                found.push(
                    r"`capture` has no named group, so it captures nothing; write one as in (?<passed>\d+)"
                        .to_owned(),
                );
            }
            for taken in names.iter().filter(|name| COMMAND_NAMES.contains(name)) {
                found.push(format!("`capture` names a group {taken}, which every command observes already; choose another name"));
            }
        }
        Err(error) => {
            found.push(format!(
                "`capture` is not a regular expression: {}",
                kinds::last_line(&error.to_string())
            ));
        }
    }
    found
}

/// Whether a program is named by a path that depends on the directory it is looked for from.
fn is_relative(program: &str) -> bool {
    program.contains('/') && !program.starts_with('/') && !program.contains("{{")
}

fn unknown_variables(probe: &Probe, variables: &BTreeMap<VariableName, Variable>) -> Vec<String> {
    let mut texts: Vec<&str> = Vec::new();
    match probe {
        Probe::Http(HttpProbe {
            url,
            method: _,
            headers,
            body,
            json,
            follow: _,
        }) => {
            texts.push(url);
            texts.extend(headers.values().map(String::as_str));
            texts.extend(body.as_deref());
            if let Some(json) = json {
                collect_texts(json, &mut texts);
            }
        }
        Probe::Env(EnvProbe {
            file,
            required,
            recommended,
            optional,
        }) => {
            texts.extend(file.as_deref());
            for variable in required.iter().chain(recommended).chain(optional) {
                if let Some(EnvFormat::Prefix(text) | EnvFormat::Equals(text)) = &variable.format {
                    texts.push(text);
                }
            }
        }
        Probe::Command(CommandProbe { run, cwd, capture: _ }) => {
            texts.extend(run.iter().map(String::as_str));
            texts.extend(cwd.as_deref());
        }
    }
    let mut found = Vec::new();
    for placeholder in texts.into_iter().flat_map(template::placeholders) {
        if variables.contains_key(&VariableName::new(placeholder.name)) {
            continue;
        }
        let nearest = kinds::nearest(placeholder.name, variables.keys().map(VariableName::as_str));
        let sentence = match nearest {
            Some(nearest) => format!(
                "there is no variable {}; did you mean {nearest}?",
                placeholder.name
            ),
            None => format!(
                "there is no variable {}; declare it under `variables`",
                placeholder.name
            ),
        };
        if !found.contains(&sentence) {
            found.push(sentence);
        }
    }
    found
}

fn collect_texts<'a>(json: &'a Value, texts: &mut Vec<&'a str>) {
    match json {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(entries) => {
            for (key, value) in entries {
                texts.push(key);
                collect_texts(value, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
