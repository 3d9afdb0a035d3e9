//! Markdown to checklists and back. PURE: bytes in, a checklist and every finding out; no I/O.
//!
//! [`parse`] is total: whatever the bytes are, it answers in time linear in their number with a checklist and with
//! diagnostics that name line and column. [`export()`] writes the same document filled in.

mod annotations;
mod blanks;
mod choices;
mod diagnostic;
mod document;
mod encoding;
mod export;
mod front_matter;
mod json;
mod lines;
mod mojibake;
mod numbering;
mod outline;
mod surface;
mod words;

use sha2::{Digest as _, Sha256};

use crate::domain::checklist::{Checklist, Section};
use crate::domain::ids::{ChecklistHash, ChecklistName};

pub use self::choices::{Answer, Choice, choices};
pub use self::diagnostic::{Colour, Diagnostic, Severity, render_diagnostic};
pub use self::export::{BoxState, Filling, ItemFilling, export};
pub use self::json::json;
pub use self::words::nearest;

use self::lines::Lines;

/// What reading a document gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The checklist: whole even where the front matter is not.
    pub checklist: Checklist,
    /// What was found, by line and column.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether something was found that keeps a deployment from starting.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Most findings that are told of one document; one more says how many others there are.
const DIAGNOSTICS_LIMIT: usize = 1000;

/// Reads a document. Never fails: what cannot be understood is a diagnostic.
pub fn parse(name: &ChecklistName, bytes: &[u8]) -> Parsed {
    let decoded = encoding::decode(bytes);
    let source = decoded.text;
    let lines = Lines::of(&source);
    let mut findings = Findings::new(&source, &lines);
    for finding in decoded.findings {
        findings.add(
            finding.severity,
            finding.offset,
            finding.message,
            Some(finding.help),
        );
    }

    let surface = surface::surface(&source, &lines);
    if let Some(offset) = surface.too_deep {
        findings.add(
            Severity::Warning,
            offset,
            format!(
                "Lists and quotes deeper than {} levels are read as text.",
                surface::NESTING_LIMIT
            ),
            Some("Split the list; headings nest too.".to_owned()),
        );
    }
    let front = front_matter::read(&surface.text, &mut findings);
    let mut outline = document::read(&source, &surface.text, front.body, &lines);
    numbering::number(
        &mut outline.sections,
        &outline.section_offsets,
        &mut outline.items,
    );
    annotations::apply(
        &source,
        &outline.comments,
        &mut outline.items,
        &front,
        &mut findings,
    );
    let gates = front_matter::bind(&front, &mut outline.sections, &mut outline.items, &mut findings);
    let blanks = blanks::name(outline.gaps, &outline.items, &outline.sections);
    let mut diagnostics = findings.into_diagnostics();
    diagnostics.sort_by(|one, other| {
        (one.line, one.column, one.severity).cmp(&(other.line, other.column, other.severity))
    });

    let title = front
        .title
        .or_else(|| first_title(&outline.sections))
        .unwrap_or_else(|| name.as_str().to_owned());
    Parsed {
        checklist: Checklist {
            name: name.clone(),
            hash: hash(bytes),
            title,
            sections: outline.sections,
            items: outline.items,
            blanks,
            variables: front.variables,
            checks: front.checks,
            sign_offs: front.sign_offs,
            gates,
            escalations: front.escalations,
            source,
        },
        diagnostics,
    }
}

fn first_title(sections: &[Section]) -> Option<String> {
    sections
        .iter()
        .find(|section| section.level == 1 && !section.title.is_empty())
        .map(|section| section.title.clone())
}

fn hash(bytes: &[u8]) -> ChecklistHash {
    use std::fmt::Write as _;
    let digest = Sha256::digest(bytes);
    let mut text = String::with_capacity(64);
    for byte in digest {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    ChecklistHash::new(text)
}

/// Diagnostics that are being collected.
struct Findings<'source> {
    source: &'source str,
    lines: &'source Lines,
    diagnostics: Vec<Diagnostic>,
    untold: usize,
    /// The gravest that is not told.
    gravest: Severity,
}

impl<'source> Findings<'source> {
    fn new(source: &'source str, lines: &'source Lines) -> Self {
        Self {
            source,
            lines,
            diagnostics: Vec::new(),
            untold: 0,
            gravest: Severity::Note,
        }
    }

    /// Adds a finding at an offset of the source.
    fn add(&mut self, severity: Severity, offset: usize, message: String, help: Option<String>) {
        if self.is_full(severity) {
            return;
        }
        let (line, column) = self.lines.place(self.source, offset);
        self.add_at(severity, (line, column), message, help);
    }

    /// Adds a finding at a 1-based line and column.
    fn add_at(&mut self, severity: Severity, place: (usize, usize), message: String, help: Option<String>) {
        if self.is_full(severity) {
            return;
        }
        let (line, column) = place;
        self.diagnostics.push(Diagnostic {
            severity,
            message,
            line,
            column,
            help,
        });
    }

    fn is_full(&mut self, severity: Severity) -> bool {
        let full = self.diagnostics.len() >= DIAGNOSTICS_LIMIT;
        if full {
            self.untold += 1;
            self.gravest = self.gravest.min(severity);
        }
        full
    }

    fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        if self.untold > 0 {
            self.diagnostics.push(Diagnostic {
                severity: self.gravest,
                message: format!("There are {} more findings that are not told.", self.untold),
                line: self.lines.line(self.source.len()),
                column: 1,
                help: Some("Mend those above first.".to_owned()),
            });
        }
        self.diagnostics
    }
}

#[cfg(test)]
mod tests;
