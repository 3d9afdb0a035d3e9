//! What is wrong with a check, told when its checklist is loaded and not at midnight.

use std::collections::BTreeMap;

use super::condition::{self, Flaw};
use super::{kinds, probes, template};
use crate::domain::check::{Check, Condition, Probe};
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

pub(super) fn problems(check: &Check, variables: &BTreeMap<VariableName, Variable>) -> Vec<Problem> {
    let mut sentences = probes::flaws(&check.probe, check.timeout);
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
    let names = probes::names(&check.probe);
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

fn unknown_variables(probe: &Probe, variables: &BTreeMap<VariableName, Variable>) -> Vec<String> {
    let mut found = Vec::new();
    for placeholder in probes::texts(probe).into_iter().flat_map(template::placeholders) {
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
