//! YAML values as the types they must have; what has another is told where it stands.

use std::collections::HashMap;
use std::time::Duration;

use super::yaml::{NodeId, Place, Tree, Value};
use crate::markdown::words::nearest;
use crate::markdown::{Findings, Severity};

/// Reads values of one tree.
pub(super) struct Values<'tree, 'findings, 'source> {
    pub(super) tree: &'tree Tree,
    pub(super) findings: &'findings mut Findings<'source>,
}

/// One entry of a mapping.
#[derive(Clone)]
pub(super) struct Entry {
    /// Its key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) place: Place,
    /// Its value.
    pub(super) value: NodeId,
}

/// The entries of a mapping whose keys are known.
pub(super) struct Fields {
    entries: Vec<Entry>,
    /// Where the mapping stands.
    pub(super) place: Place,
}

impl Fields {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<NodeId> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The entry of a key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The entries in their order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl<'tree> Values<'tree, '_, '_> {
    /// Tells an error at a place.
    pub(super) fn error(&mut self, place: Place, message: String, help: Option<String>) {
        self.findings.add_at(Severity::Error, place, message, help);
    }

    /// Tells a warning at a place.
    pub(super) fn warning(&mut self, place: Place, message: String, help: Option<String>) {
        self.findings.add_at(Severity::Warning, place, message, help);
    }

    /// Where a value stands.
    pub(super) fn place(&self, id: NodeId) -> Place {
        self.tree.node(id).place
    }

    /// Whether nothing is written.
    pub(super) fn is_nothing(&self, id: NodeId) -> bool {
        matches!(&self.tree.node(id).value, Value::Scalar { text, plain: true } if is_null(text))
    }

    /// The entries of a mapping. Keys that stand twice and keys that are no text are told and left out.
    pub(super) fn entries(&mut self, id: NodeId, what: &str) -> Option<Vec<Entry>> {
        let tree: &'tree Tree = self.tree;
        let node = tree.node(id);
        let Value::Mapping(pairs) = &node.value else {
            self.wrong_type(id, what, "a mapping of keys to values");
            return None;
        };
        let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
        let mut seen: HashMap<&str, Place> = HashMap::with_capacity(pairs.len());
        for &(key, value) in pairs {
            let key_node = tree.node(key);
            let Value::Scalar { text, .. } = &key_node.value else {
                self.error(key_node.place, format!("A key of {what} is not text."), None);
                continue;
            };
            if let Some(first) = seen.insert(text.as_str(), key_node.place) {
                seen.insert(text.as_str(), first);
                self.error(
                    key_node.place,
                    format!("The key `{text}` stands twice in {what}."),
                    Some(format!("The first is in line {}; keep one.", first.0)),
                );
                continue;
            }
            entries.push(Entry {
                key: text.clone(),
                place: key_node.place,
                value,
            });
        }
        Some(entries)
    }

    /// The fields of a mapping; a key that is not known is told with the nearest one that is.
    pub(super) fn fields(&mut self, id: NodeId, what: &str, known: &[&str]) -> Option<Fields> {
        let mut entries = self.entries(id, what)?;
        entries.retain(|entry| {
            let is_known = known.contains(&entry.key.as_str());
            if !is_known {
                let help = match nearest(&entry.key, known.iter().copied()) {
                    Some(near) => format!("Did you mean `{near}`?"),
                    None => format!("The keys are {}.", listed(known)),
                };
                let message = format!("There is no key `{}` in {what}.", entry.key);
                self.findings
                    .add_at(Severity::Error, entry.place, message, Some(help));
            }
            is_known
        });
        Some(Fields {
            entries,
            place: self.place(id),
        })
    }

    /// Text. A number or a truth value is taken as it is written.
    pub(super) fn text(&mut self, id: NodeId, what: &str) -> Option<String> {
        let tree: &'tree Tree = self.tree;
        match &tree.node(id).value {
            Value::Scalar { text, plain } if !(*plain && is_null(text)) => Some(text.clone()),
            _ => {
                self.wrong_type(id, what, "text");
                None
            }
        }
    }

    /// Text that is not empty.
    pub(super) fn words(&mut self, id: NodeId, what: &str) -> Option<String> {
        let text = self.text(id, what)?;
        if text.trim().is_empty() {
            self.error(
                self.place(id),
                format!("{} must not be empty.", capital(what)),
                None,
            );
            return None;
        }
        Some(text)
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, id: NodeId, what: &str) -> Option<bool> {
        match &self.tree.node(id).value {
            Value::Scalar { text, plain: true } if matches!(text.as_str(), "true" | "True" | "TRUE") => {
                Some(true)
            }
            Value::Scalar { text, plain: true } if matches!(text.as_str(), "false" | "False" | "FALSE") => {
                Some(false)
            }
            _ => {
                self.wrong_type(id, what, "`true` or `false`");
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn whole(&mut self, id: NodeId, what: &str, least: u32, most: u32) -> Option<u32> {
        let number = match &self.tree.node(id).value {
            Value::Scalar { text, plain: true } => text.parse::<u32>().ok(),
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong_type(id, what, &format!("a whole number from {least} to {most}"));
        }
        number
    }

    /// A length of time that is not zero, as `500ms`, `10s`, `5m` or `1h`.
    pub(super) fn duration(&mut self, id: NodeId, what: &str) -> Option<Duration> {
        let duration = match &self.tree.node(id).value {
            Value::Scalar { text, .. } => duration(text),
            _ => None,
        };
        if duration.is_none() {
            self.error(
                self.place(id),
                format!("{} must be a length of time.", capital(what)),
                Some(
                    "Write a whole number above zero and its unit: `500ms`, `10s`, `5m` or `1h`.".to_owned(),
                ),
            );
        }
        duration
    }

    /// The values of a list.
    pub(super) fn list(&mut self, id: NodeId, what: &str) -> Option<&'tree [NodeId]> {
        let tree: &'tree Tree = self.tree;
        if let Value::Sequence(values) = &tree.node(id).value {
            Some(values)
        } else {
            self.wrong_type(id, what, "a list");
            None
        }
    }

    /// A value as JSON. The tree's depth and size are bounded, so this may recurse.
    pub(super) fn json(&mut self, id: NodeId) -> serde_json::Value {
        let tree: &'tree Tree = self.tree;
        match &tree.node(id).value {
            Value::Scalar { text, plain: false } => serde_json::Value::String(text.clone()),
            Value::Scalar { text, plain: true } => plain_json(text),
            Value::Sequence(values) => values.iter().map(|value| self.json(*value)).collect(),
            Value::Mapping(_) => {
                let entries = self.entries(id, "the JSON").unwrap_or_default();
                let pairs = entries.into_iter().map(|entry| {
                    let value = self.json(entry.value);
                    (entry.key, value)
                });
                serde_json::Value::Object(pairs.collect())
            }
        }
    }

    /// Tells that a value is not what it must be.
    pub(super) fn wrong_type(&mut self, id: NodeId, what: &str, wanted: &str) {
        let is = match &self.tree.node(id).value {
            Value::Scalar { text, plain: true } if is_null(text) => "nothing",
            Value::Scalar { .. } => "text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        };
        let is = match (&self.tree.node(id).value, is) {
            (Value::Scalar { text, .. }, "text") => format!("`{}`", shortened(text)),
            (_, is) => is.to_owned(),
        };
        self.error(
            self.place(id),
            format!("{} must be {wanted}, and is {is}.", capital(what)),
            None,
        );
    }
}

/// Whether a key is of the form that checks, sign-offs and policies have: `[a-z0-9][a-z0-9-]{0,39}`.
pub(super) fn is_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.next().is_some_and(is_letter)
        && text.len() <= 40
        && bytes.all(|byte| is_letter(byte) || byte == b'-')
}

/// Whether a name is of the form that variables have: `[a-z][a-z0-9_]*`.
pub(super) fn is_variable_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Names as a person lists them: `a`, `b` and `c`.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [others @ .., last] => {
            let others: Vec<String> = others.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and `{last}`", others.join(", "))
        }
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// A plain scalar by YAML's core schema, as far as JSON has such a value.
fn plain_json(text: &str) -> serde_json::Value {
    match text {
        _ if is_null(text) => serde_json::Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => text
            .parse::<i64>()
            .ok()
            .map(serde_json::Value::from)
            .or_else(|| {
                let is_number = text
                    .starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'));
                let number = is_number.then(|| text.parse::<f64>().ok()).flatten()?;
                serde_json::Number::from_f64(number).map(serde_json::Value::Number)
            })
            .unwrap_or_else(|| serde_json::Value::String(text.to_owned())),
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(40)
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

fn capital(what: &str) -> String {
    let mut characters = what.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
