//! Front matter: what a team says about its checklist in YAML between two lines of `---` at the very start.

mod checks;
mod people;
mod sections;
mod values;
mod variables;
mod yaml;

use std::collections::BTreeMap;

use crate::domain::check::Check;
use crate::domain::checklist::Variable;
use crate::domain::escalation::EscalationPolicy;
use crate::domain::ids::{CheckId, PolicyName, RoleKey, VariableName};
use crate::domain::sign_off::SignOffRule;

use super::{Findings, Severity};

use self::values::Values;
use self::yaml::{Place, Tree};

pub(super) use self::sections::bind;

/// Largest front matter that is read, in bytes.
const SIZE_LIMIT: usize = 1 << 20;

const KEYS: [&str; 8] = [
    "title",
    "description",
    "variables",
    "checks",
    "sign-offs",
    "escalations",
    "gates",
    "sections",
];

/// What the front matter says, as far as it can be understood.
#[derive(Default)]
pub(super) struct FrontMatter {
    /// Where the Markdown begins.
    pub(super) body: usize,
    /// Whether what is not here may only be so because the front matter could not be read.
    pub(super) unread: bool,
    pub(super) title: Option<String>,
    pub(super) variables: BTreeMap<VariableName, Variable>,
    pub(super) checks: BTreeMap<CheckId, Check>,
    /// Every check's key with its place, those of unsound checks too.
    pub(super) declared_checks: BTreeMap<CheckId, Place>,
    pub(super) sign_offs: BTreeMap<RoleKey, SignOffRule>,
    /// Every sign-off's key with its place, those of unsound ones too.
    pub(super) declared_sign_offs: BTreeMap<RoleKey, Place>,
    pub(super) escalations: BTreeMap<PolicyName, EscalationPolicy>,
    gates: Vec<sections::GateEntry>,
    sections: Vec<sections::SectionEntry>,
}

/// Where the Markdown of a document begins.
pub(super) fn body(text: &str) -> usize {
    let lines = super::Lines::of("");
    read(text, &mut Findings::new("", &lines)).body
}

/// Reads the front matter of a document, if it has one.
pub(super) fn read(text: &str, findings: &mut Findings<'_>) -> FrontMatter {
    let start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let markdown = |unread| FrontMatter {
        body: start,
        unread,
        ..FrontMatter::default()
    };
    let block = match find(text, start) {
        Extent::None => return markdown(false),
        Extent::Unclosed { looks_like_ours } => {
            let severity = if looks_like_ours {
                Severity::Error
            } else {
                Severity::Warning
            };
            findings.add(
                severity,
                start,
                "The front matter that begins here does not end.".to_owned(),
                Some("Write a line of `---` after its last line.".to_owned()),
            );
            return markdown(true);
        }
        Extent::Closed(block) => block,
    };
    let yaml = text.get(block.yaml.clone()).unwrap_or_default();
    let first = yaml
        .lines()
        .map(str::trim_end)
        .find(|line| !line.trim().is_empty() && !is_comment(line));
    match first {
        None if yaml.lines().any(is_comment) => return markdown(false),
        None => {
            return FrontMatter {
                body: block.body,
                ..FrontMatter::default()
            };
        }
        Some(line) if !is_entry(line) => {
            // Two thematic breaks with Markdown between them, or something that was meant to be front matter.
            let is_prose = yaml
                .lines()
                .any(|line| line.trim().is_empty() || is_comment(line))
                || has_tasks(yaml);
            if !is_prose {
                findings.add(
                    Severity::Error,
                    block.yaml.start,
                    "The front matter is not a mapping of keys to values.".to_owned(),
                    Some(
                        "Write `title: …`, or an empty line between `---` and text that is none.".to_owned(),
                    ),
                );
            }
            return markdown(!is_prose);
        }
        Some(_) => {}
    }
    let tree = if yaml.len() > SIZE_LIMIT {
        Err(yaml::Failure {
            place: (2, 1),
            message: format!("The front matter is larger than {SIZE_LIMIT} bytes."),
            help: None,
        })
    } else {
        Tree::read(yaml, 2)
    };
    match tree {
        Ok(tree)
            if tree
                .root
                .is_some_and(|root| matches!(tree.node(root).value, yaml::Value::Mapping(_))) =>
        {
            let mut front = decode(&tree, findings);
            front.body = block.body;
            front
        }
        failed => {
            let failure = failed.err().unwrap_or(yaml::Failure {
                place: (2, 1),
                message: "The front matter is not a mapping of keys to values.".to_owned(),
                help: None,
            });
            findings.add_at(Severity::Error, failure.place, failure.message, failure.help);
            FrontMatter {
                // Tasks between two thematic breaks are tasks, whatever the first line looks like.
                body: if has_tasks(yaml) { start } else { block.body },
                unread: true,
                ..FrontMatter::default()
            }
        }
    }
}

fn decode(tree: &Tree, findings: &mut Findings<'_>) -> FrontMatter {
    let mut front = FrontMatter::default();
    if let Some(place) = issue_template(tree) {
        findings.add_at(
            Severity::Note,
            place,
            "This front matter is for GitHub's issue templates, so it says nothing here.".to_owned(),
            Some(
                "Put keys such as `checks` in place of it, where the file is to be a checklist only."
                    .to_owned(),
            ),
        );
        return front;
    }
    let mut values = Values { tree, findings };
    let Some(fields) = tree
        .root
        .and_then(|root| values.fields(root, "the front matter", &KEYS))
    else {
        return front;
    };
    front.title = fields
        .get("title")
        .and_then(|id| values.words(id, "`title`"))
        .map(|title| {
            let mut line = String::new();
            super::words::collapse_into(&mut line, &title);
            line
        });
    if let Some(id) = fields.get("description") {
        values.text(id, "`description`");
    }
    // A key with nothing after it is a part that has not been written yet.
    let given = |values: &Values<'_, '_, '_>, key: &str| fields.get(key).filter(|id| !values.is_nothing(*id));
    if let Some(id) = given(&values, "variables") {
        front.variables = variables::variables(&mut values, id);
    }
    let mut policies = Vec::new();
    if let Some(id) = given(&values, "escalations") {
        (front.escalations, policies) = people::escalations(&mut values, id);
    }
    if let Some(id) = given(&values, "checks") {
        (front.checks, front.declared_checks) = checks::checks(&mut values, id, &policies);
    }
    if let Some(id) = given(&values, "sign-offs") {
        (front.sign_offs, front.declared_sign_offs) = people::sign_offs(&mut values, id, &policies);
    }
    if let Some(id) = given(&values, "gates") {
        front.gates = sections::gates(&mut values, id, &front.declared_sign_offs);
    }
    if let Some(id) = given(&values, "sections") {
        front.sections = sections::sections(&mut values, id);
    }
    front
}

/// Where the front matter of an issue template begins, if it is one: GitHub wants `name` and `about` in it, and nothing in it
/// is ours but the `title`, which is an issue's there.
/// <https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-and-pull-requests>
fn issue_template(tree: &Tree) -> Option<Place> {
    let root = tree.node(tree.root?);
    let yaml::Value::Mapping(entries) = &root.value else {
        return None;
    };
    let keys = entries
        .iter()
        .filter_map(|(key, _)| match &tree.node(*key).value {
            yaml::Value::Scalar { text, .. } => Some(text.as_str()),
            _ => None,
        });
    let (mut named, mut described, mut ours) = (false, false, false);
    for key in keys {
        named |= key == "name";
        described |= key == "about";
        ours |= key != "title" && KEYS.contains(&key);
    }
    (named && described && !ours).then_some(root.place)
}

enum Extent {
    None,
    Unclosed { looks_like_ours: bool },
    Closed(Block),
}

struct Block {
    /// Between the lines of `---`.
    yaml: std::ops::Range<usize>,
    /// After the closing line.
    body: usize,
}

/// Where front matter stands: from a first line of `---` to a line of `---` or `...`.
fn find(text: &str, start: usize) -> Extent {
    let rest = text.get(start..).unwrap_or_default();
    let mut lines = rest.split_inclusive('\n');
    let Some(first) = lines
        .next()
        .filter(|line| line.trim_end() == "---" && line.ends_with('\n'))
    else {
        return Extent::None;
    };
    let yaml_start = start + first.len();
    let mut at = yaml_start;
    let mut key = None;
    for line in lines {
        let trimmed = line.trim_end();
        if matches!(trimmed, "---" | "...") {
            return Extent::Closed(Block {
                yaml: yaml_start..at,
                body: at + line.len(),
            });
        }
        if key.is_none() && !trimmed.is_empty() && !is_comment(trimmed) {
            key = Some(trimmed);
        }
        at += line.len();
    }
    match key {
        Some(line) if is_entry(line) => Extent::Unclosed {
            looks_like_ours: line
                .split_once(':')
                .is_some_and(|(key, _)| KEYS.contains(&key.trim())),
        },
        _ => Extent::None,
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Whether a line begins a mapping.
fn is_entry(line: &str) -> bool {
    if line.starts_with('{') {
        return true;
    }
    let Some(colon) = line
        .find(": ")
        .or_else(|| line.ends_with(':').then(|| line.len() - 1))
    else {
        return false;
    };
    let key = line[..colon].trim_matches(['"', '\'']);
    key.starts_with(|first: char| first.is_alphanumeric() || first == '_')
        && key
            .chars()
            .all(|character| character.is_alphanumeric() || matches!(character, '_' | '-' | ' ' | '.'))
}

/// Whether a line looks like a task, which no line of sound front matter does.
fn has_tasks(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches([' ', '\t', '>']);
        let after = line.strip_prefix(['-', '*', '+']).or_else(|| {
            line.trim_start_matches(|first: char| first.is_ascii_digit())
                .strip_prefix(['.', ')'])
        });
        after.is_some_and(|after| {
            let after = after.trim_start();
            ["[ ] ", "[x] ", "[X] "]
                .iter()
                .any(|mark| after.starts_with(mark))
        })
    })
}
