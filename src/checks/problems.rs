//! What is wrong with a check, told when its checklist is loaded and not at midnight.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{self, Flaw};
use super::observation::Kind;
use super::{kinds, probes, template, written};
use crate::domain::check::{Check, Condition, HttpCapture, HttpSteps, Probe};
use crate::domain::checklist::Variable;
use crate::domain::ids::{CheckId, VariableName};

/// What a probe observes.
type Names = BTreeMap<String, Kind>;

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

pub(super) fn problems(check: &Check, variables: &BTreeMap<VariableName, Variable>) -> Vec<Problem> {
    let declared: BTreeSet<&str> = variables.keys().map(VariableName::as_str).collect();
    let mut problems: Vec<Problem> = probes::flaws(&check.probe, check.timeout)
        .into_iter()
        .map(|message| at_line(check.line, message))
        .collect();
    let names = probes::names(&check.probe);
    match &check.probe {
        Probe::HttpSteps(probe) => problems.extend(of_steps(probe, &declared, &names)),
        probe => {
            let unknown = unknown_variables(probes::texts(probe), &declared, None);
            problems.extend(unknown.into_iter().map(|message| at_line(check.line, message)));
            if let Probe::Http(probe) = probe {
                problems.extend(of_captures(&probe.capture, &declared, &names));
            }
        }
    }
    problems.extend(check.pass.iter().flat_map(|pass| of_condition(pass, &names)));
    if let Probe::Push(probe) = &check.probe
        && let Some(name) = super::push::secret_variable(probe)
        && variables.get(&name).is_some_and(|variable| !variable.secret)
    {
        problems.push(at_line(
            check.line,
            format!("the variable {name} is shown to everybody, so nothing can be signed with it; write `secret: true` at it"),
        ));
    }
    problems
}

pub(super) fn between(checks: &BTreeMap<CheckId, Check>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for check in checks.values() {
        let before = super::Checks::with_needed(check.needs().cloned(), checks);
        let texts = probes::texts(&check.probe);
        let mut told = BTreeSet::new();
        for (other, capture) in texts
            .into_iter()
            .flat_map(template::placeholders)
            .filter_map(|placeholder| placeholder.captured())
        {
            let sentence = of_capture_elsewhere(other, capture, &before, checks);
            if let Some(sentence) = sentence.filter(|sentence| told.insert(sentence.clone())) {
                problems.push(at_line(check.line, sentence));
            }
        }
    }
    problems
}

/// What is wrong with the use of another check's capture.
fn of_capture_elsewhere(
    other: &str,
    capture: &str,
    before: &[CheckId],
    checks: &BTreeMap<CheckId, Check>,
) -> Option<String> {
    let placeholder = format!("{{{{ {other}.{capture} }}}}");
    let id = CheckId::new(other);
    let Some(named) = checks.get(&id) else {
        let hint = match kinds::nearest(other, checks.keys().map(CheckId::as_str)) {
            Some(nearest) => format!("; did you mean {nearest}?"),
            None => "; name one that captures it".to_owned(),
        };
        return Some(format!("`{placeholder}` names no check{hint}"));
    };
    if !before.contains(&id) {
        return Some(format!(
            "`{placeholder}` is known only when {other} has run; write `after: {other}`"
        ));
    }
    let captures = probes::captures(&named.probe);
    if captures.iter().any(|known| known == capture) {
        return None;
    }
    Some(if captures.is_empty() {
        format!("`{placeholder}` is not there: check {other} captures nothing; give it a `capture`")
    } else {
        match kinds::nearest(capture, captures.iter().map(String::as_str)) {
            Some(nearest) => format!("check {other} captures no {capture}; did you mean {nearest}?"),
            None => format!(
                "check {other} captures no {capture}; it captures {}",
                written::joined(&captures, "and")
            ),
        }
    })
}

/// Goes through the steps in order, knowing at each what was captured before.
fn of_steps(probe: &HttpSteps, declared: &BTreeSet<&str>, names: &Names) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut known = declared.clone();
    let mut captured = BTreeMap::new();
    for (index, step) in probe.steps.iter().enumerate() {
        let later = |name: &str| {
            let rest = probe.steps.iter().enumerate().skip(index);
            rest.filter(|(_, step)| step.request.capture.iter().any(|capture| capture.name == name))
                .map(|(at, _)| at + 1)
                .next()
        };
        let texts = super::http::texts(&step.request);
        let unknown = unknown_variables(texts, &known, Some((index + 1, &later)));
        let flaws = super::http::flaws(&step.request)
            .into_iter()
            .map(|flaw| format!("step {}: {flaw}", index + 1));
        problems.extend(flaws.chain(unknown).map(|message| Problem {
            line: step.line,
            column: step.column,
            message,
        }));
        problems.extend(step.pass.iter().flat_map(|pass| of_condition(pass, names)));
        problems.extend(of_captures(&step.request.capture, declared, names));
        for capture in &step.request.capture {
            if let Some(first) = captured.insert(capture.name.as_str(), index + 1) {
                problems.push(Problem {
                    line: capture.value.line,
                    column: capture.value.column,
                    message: format!(
                        "`{}` is captured by step {first} already; choose another name",
                        capture.name
                    ),
                });
            }
            known.insert(&capture.name);
        }
    }
    problems
}

fn of_captures(captures: &[HttpCapture], declared: &BTreeSet<&str>, names: &Names) -> Vec<Problem> {
    let mut problems = Vec::new();
    for capture in captures {
        let flaws = match condition::compile_value(&capture.value.text) {
            Ok(compiled) => condition::on_deep_stack(|| Ok(kinds::flaws_of_value(&compiled, names)))
                .unwrap_or_else(|flaw| vec![flaw]),
            Err(flaw) => vec![flaw],
        };
        problems.extend(flaws.into_iter().map(|flaw| placed(&capture.value, &flaw)));
        if declared.contains(capture.name.as_str()) {
            problems.push(Problem {
                line: capture.value.line,
                column: capture.value.column,
                message: format!(
                    "`{}` is the name of a variable as well; choose another for what is captured",
                    capture.name
                ),
            });
        }
    }
    problems
}

fn of_condition(condition: &Condition, names: &Names) -> Vec<Problem> {
    let flaws = match condition::compile(&condition.text) {
        Ok(compiled) => {
            condition::on_deep_stack(|| Ok(kinds::flaws(&compiled, names))).unwrap_or_else(|flaw| vec![flaw])
        }
        Err(flaw) => vec![flaw],
    };
    flaws.into_iter().map(|flaw| placed(condition, &flaw)).collect()
}

fn at_line(line: usize, message: String) -> Problem {
    Problem {
        line,
        column: 1,
        message,
    }
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

/// Which step captures a name that is not known yet at a step, with that step's number.
type Later<'a> = (usize, &'a dyn Fn(&str) -> Option<usize>);

/// Sentences about names that stand for no variable. Captures of other checks are not looked at.
fn unknown_variables(texts: Vec<&str>, known: &BTreeSet<&str>, later: Option<Later<'_>>) -> Vec<String> {
    let mut found = Vec::new();
    for placeholder in texts.into_iter().flat_map(template::placeholders) {
        let name = placeholder.name;
        if placeholder.captured().is_some() || known.contains(name) {
            continue;
        }
        let captured_later = later.and_then(|(own, later)| Some((own, later(name)?)));
        let nearest = kinds::nearest(name, known.iter().copied());
        let sentence = match (captured_later, nearest) {
            (Some((own, at)), _) if own == at => {
                format!("step {own} uses `{name}`, which it captures itself only when it is answered")
            }
            (Some((own, at)), _) => {
                format!("step {own} uses `{name}`, which step {at} captures only afterwards; swap them")
            }
            (None, Some(nearest)) => format!("there is no variable {name}; did you mean {nearest}?"),
            (None, None) => {
                format!("there is no variable {name}; declare it under `variables`")
            }
        };
        if !found.contains(&sentence) {
            found.push(sentence);
        }
    }
    found
}
