//! What HTML comments in items say: `check: …`, `sign-off: …`, `decision`, `optional`.

use crate::domain::checklist::{Item, ItemIndex};
use crate::domain::ids::{CheckId, RoleKey};

use super::front_matter::FrontMatter;
use super::outline::Comment;
use super::words::nearest;
use super::{Findings, Severity};

const WORDS: [&str; 4] = ["check", "sign-off", "decision", "optional"];

/// Binds items to what their comments name.
pub(super) fn apply(
    source: &str,
    comments: &[Comment],
    items: &mut [Item],
    front: &FrontMatter,
    findings: &mut Findings<'_>,
) {
    let mut decision = None;
    for comment in comments {
        let inside = comment.span.start + 4..comment.span.end.saturating_sub(3);
        let Some(text) = source.get(inside.clone()) else {
            continue;
        };
        let parts = parts(text, inside.start);
        if !parts.iter().any(|part| WORDS.contains(&part.word)) {
            near_misses(&parts, findings);
            continue;
        }
        let Some(item) = comment.item.and_then(|index| items.get_mut(index)) else {
            // "optional" alone is a word like any other where no item is.
            if let Some(part) = parts
                .iter()
                .find(|part| part.argument.is_some() && WORDS.contains(&part.word))
            {
                findings.add(
                    Severity::Warning,
                    part.offset,
                    format!("`{}` stands in no item, so it binds nothing.", part.word),
                    Some("Move the comment into the item's line.".to_owned()),
                );
            }
            continue;
        };
        for part in &parts {
            apply_part(part, item, comment.item, &mut decision, front, findings);
        }
    }
}

/// One part of a comment, between semicolons.
struct Part<'text> {
    word: &'text str,
    /// What is after the colon, and where.
    argument: Option<(&'text str, usize)>,
    offset: usize,
}

fn parts(text: &str, start: usize) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut offset = start;
    for part in text.split(';') {
        let (word, argument) = match part.split_once(':') {
            Some((word, argument)) => (word, Some((argument, offset + word.len() + 1))),
            None => (part, None),
        };
        let indent = word.len() - word.trim_start().len();
        if !part.trim().is_empty() {
            parts.push(Part {
                word: word.trim(),
                argument,
                offset: offset + indent,
            });
        }
        offset += part.len() + 1;
    }
    parts
}

fn near_misses(parts: &[Part<'_>], findings: &mut Findings<'_>) {
    // A comment is ours only when it begins like one of ours, so that prose with a colon stays prose.
    if let Some(part) = parts.first().filter(|part| part.argument.is_some()) {
        near_miss(part, findings);
    }
}

fn near_miss(part: &Part<'_>, findings: &mut Findings<'_>) -> bool {
    // One word more can be a slip, as in `sign off`; more of them are prose.
    let Some(near) = nearest(part.word, WORDS).filter(|_| part.word.split_whitespace().count() <= 2) else {
        return false;
    };
    findings.add(
        Severity::Warning,
        part.offset,
        format!(
            "`{}` is not an annotation, so the comment binds nothing.",
            part.word
        ),
        Some(format!("Did you mean `{near}`?")),
    );
    true
}

fn apply_part(
    part: &Part<'_>,
    item: &mut Item,
    index: Option<ItemIndex>,
    decision: &mut Option<(ItemIndex, usize)>,
    front: &FrontMatter,
    findings: &mut Findings<'_>,
) {
    match part.word {
        "check" => {
            for (name, offset) in names(part, findings) {
                check(name, offset, item, front, findings);
            }
        }
        "sign-off" => {
            for (name, offset) in names(part, findings) {
                sign_off(name, offset, item, front, findings);
            }
        }
        "decision" => {
            if let (Some((first, line)), Some(index)) = (*decision, index)
                && first != index
            {
                findings.add(
                    Severity::Error,
                    part.offset,
                    "The GO / NO-GO decision stands twice.".to_owned(),
                    Some(format!("The first is in line {line}; keep one.")),
                );
                return;
            }
            item.decision = true;
            *decision = index.map(|index| (index, item.line));
        }
        "optional" => item.optional = true,
        _ => {
            if !near_miss(part, findings) {
                findings.add(
                    Severity::Warning,
                    part.offset,
                    "This part of the comment is not an annotation.".to_owned(),
                    Some(
                        "The annotations are `check: …`, `sign-off: …`, `decision` and `optional`."
                            .to_owned(),
                    ),
                );
            }
        }
    }
}

/// The names after a colon, between commas.
fn names<'text>(part: &Part<'text>, findings: &mut Findings<'_>) -> Vec<(&'text str, usize)> {
    let mut names = Vec::new();
    if let Some((argument, start)) = part.argument {
        let mut offset = start;
        for name in argument.split(',') {
            let indent = name.len() - name.trim_start().len();
            if !name.trim().is_empty() {
                names.push((name.trim(), offset + indent));
            }
            offset += name.len() + 1;
        }
    }
    if names.is_empty() {
        findings.add(
            Severity::Error,
            part.offset,
            format!("`{}` names nothing.", part.word),
            Some(format!(
                "Write a key of the front matter after it, as `{}: key`.",
                part.word
            )),
        );
    }
    names
}

fn check(name: &str, offset: usize, item: &mut Item, front: &FrontMatter, findings: &mut Findings<'_>) {
    let id = CheckId::new(name);
    if front.declared_checks.contains_key(&id) {
        if item.checks.contains(&id) {
            findings.add(
                Severity::Warning,
                offset,
                format!("The check `{name}` is named twice here."),
                None,
            );
        } else {
            item.checks.push(id);
        }
    } else if !front.unread {
        let known = front.declared_checks.keys().map(CheckId::as_str);
        unknown("check", "checks", name, nearest(name, known), offset, findings);
    }
}

fn sign_off(name: &str, offset: usize, item: &mut Item, front: &FrontMatter, findings: &mut Findings<'_>) {
    let key = RoleKey::new(name);
    if !front.declared_sign_offs.contains_key(&key) {
        if !front.unread {
            let known = front.declared_sign_offs.keys().map(RoleKey::as_str);
            unknown(
                "sign-off",
                "sign-offs",
                name,
                nearest(name, known),
                offset,
                findings,
            );
        }
        return;
    }
    match &item.sign_off {
        Some(first) if *first != key => findings.add(
            Severity::Error,
            offset,
            format!("The item already has the sign-off `{first}`."),
            Some("An item has one; make an item of the other.".to_owned()),
        ),
        Some(_) => {}
        None => item.sign_off = Some(key),
    }
}

fn unknown(
    what: &str,
    key: &str,
    name: &str,
    near: Option<&str>,
    offset: usize,
    findings: &mut Findings<'_>,
) {
    let help = match near {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Write it under `{key}` in the front matter."),
    };
    findings.add(
        Severity::Error,
        offset,
        format!("There is no {what} `{name}`."),
        Some(help),
    );
}
