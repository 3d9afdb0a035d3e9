//! The `command` probe.

use super::required;
use crate::domain::check::{CommandProbe, Probe};
use crate::markdown::front_matter::values::{Entry, Values};
use crate::markdown::front_matter::yaml::{NodeId, Value};

pub(super) fn read(values: &mut Values<'_, '_, '_>, entry: &Entry) -> Option<Probe> {
    let fields = values.fields(entry.value, "`command`", &["run", "cwd", "capture"])?;
    let run = required(values, &fields, entry, "run").and_then(|id| program(values, id, "run"));
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

/// A program and its arguments.
pub(super) fn program(values: &mut Values<'_, '_, '_>, id: NodeId, key: &str) -> Option<Vec<String>> {
    if let Value::Scalar { text, .. } = &values.tree.node(id).value {
        let words: Vec<&str> = text.split_whitespace().collect();
        values.error(
            values.place(id),
            format!("`{key}` must be a list: the program and its arguments."),
            Some(format!(
                "Nothing is given to a shell. Write `{key}: [{}]`.",
                words.join(", ")
            )),
        );
        return None;
    }
    let list = values.list(id, &format!("`{key}`"))?;
    let words: Option<Vec<String>> = list
        .iter()
        .map(|word| values.text(*word, &format!("a word of `{key}`")))
        .collect();
    let words = words?;
    if words.first().is_none_or(|program| program.trim().is_empty()) {
        values.error(values.place(id), format!("`{key}` names no program."), None);
        return None;
    }
    Some(words)
}
