//! Short documents in, what was read of them out.

mod check_findings;
mod documents;
mod encodings;
mod exports;
mod front_matter_findings;
mod front_matters;
mod network_probes;
mod properties;
mod questions;

use std::fmt::Write as _;

use crate::domain::ids::ChecklistName;

use super::{Colour, Parsed, parse, render_diagnostic};

fn read(text: &str) -> Parsed {
    read_bytes(text.as_bytes())
}

fn read_bytes(bytes: &[u8]) -> Parsed {
    parse(&ChecklistName::new("release"), bytes)
}

/// Sections, items and blanks, one a line, in the order of the document.
fn outline(text: &str) -> String {
    let parsed = read(text);
    let checklist = &parsed.checklist;
    let mut lines: Vec<(usize, u8, String)> = Vec::new();
    for section in &checklist.sections {
        let marks = "#".repeat(usize::from(section.level));
        let optional = if section.optional { " (optional)" } else { "" };
        lines.push((
            section.line,
            0,
            format!("{marks} {} {}{optional}", section.id, section.title),
        ));
    }
    for item in &checklist.items {
        let mark = if item.checked { 'x' } else { ' ' };
        let mut line = format!("{}[{mark}] {} {}", "  ".repeat(item.depth), item.id, item.text);
        if item.ordered {
            line.push_str(" (ordered)");
        }
        if item.optional {
            line.push_str(" (optional)");
        }
        if item.decision {
            line.push_str(" (decision)");
        }
        for check in &item.checks {
            // Writing to a `String` cannot fail.
            let _ = write!(line, " (check {check})");
        }
        if let Some(role) = &item.sign_off {
            let _ = write!(line, " (sign-off {role})");
        }
        lines.push((item.line, 1, line));
    }
    for blank in &checklist.blanks {
        lines.push((
            blank.line,
            2,
            format!("    ____ {} \"{}\"", blank.id, blank.label),
        ));
    }
    lines.sort_by_key(|(line, kind, _)| (*line, *kind));
    lines.into_iter().fold(String::new(), |mut all, (line, _, text)| {
        let _ = writeln!(all, "{line:>2} {text}");
        all
    })
}

/// What is told of a document, as a terminal shows it.
fn told(text: &str) -> String {
    let parsed = read(text);
    parsed
        .diagnostics
        .iter()
        .map(|diagnostic| render_diagnostic("x.md", &parsed.checklist.source, diagnostic, Colour::Plain))
        .collect()
}
