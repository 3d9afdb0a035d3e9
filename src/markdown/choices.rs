//! Boxes within lines: places where a document offers answers to choose from, as `[ ] GO  [ ] NO-GO`.

use std::ops::Range;

use crate::domain::checklist::{Checklist, ItemIndex};

use super::document;
use super::lines::Lines;
use super::outline::Leaf;
use super::surface::surface;

/// A box that Markdown would tick, and those of other scripts; each with what it is when it is ticked.
const BOXES: [(&str, &str); 3] = [("[ ]", "[x]"), ("☐", "☑"), ("□", "☑")];
/// Boxes that somebody has ticked.
const TICKED: [&str; 4] = ["[x]", "[X]", "☑", "☒"];

/// A line that offers answers to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// 1-based line of the source.
    pub line: usize,
    /// The task it stands in.
    pub item: Option<ItemIndex>,
    /// What stands before its first box, as Markdown; in a table also the cells before it.
    pub lead: String,
    /// Its answers, from left to right; at least two.
    pub answers: Vec<Answer>,
}

/// An answer with its box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What stands after its box, as Markdown; for a cell that is a box alone, what its column is called.
    pub label: String,
    /// The box in the source.
    pub span: Range<usize>,
}

/// The lines of a document that offer answers, and in which nobody has ticked one yet. A task's own box is no answer.
pub fn choices(checklist: &Checklist) -> Vec<Choice> {
    let source = checklist.source.as_str();
    let lines = Lines::of(source);
    let surface = surface(source, &lines);
    let front = super::front_matter::body(&surface.text);
    let outline = document::read_with_leaves(source, &surface.text, front, &lines);
    let mut found: Vec<Found> = Vec::new();
    for leaf in &outline.leaves {
        let from = outline.atoms.partition_point(|atom| atom.start < leaf.span.start);
        let looking = Looking {
            source,
            lines: &lines,
            leaf,
            atoms: outline.atoms.get(from..).unwrap_or_default(),
        };
        looking.look(&mut found);
    }
    found
        .into_iter()
        .filter(|found| !found.answered && found.choice.answers.len() > 1)
        .map(|found| found.choice)
        .collect()
}

/// What an unticked box is when it is ticked; `None` for what is no such box.
pub(super) fn ticked(mark: &str) -> Option<&'static str> {
    BOXES
        .iter()
        .find(|(unticked, _)| *unticked == mark)
        .map(|(_, ticked)| *ticked)
}

/// A line on which boxes were found.
struct Found {
    choice: Choice,
    /// Whether somebody has ticked one already.
    answered: bool,
}

/// A box, and whether it is ticked.
struct InlineBox {
    span: Range<usize>,
    ticked: bool,
}

/// A look at one paragraph, heading or cell.
struct Looking<'document> {
    source: &'document str,
    lines: &'document Lines,
    leaf: &'document Leaf,
    /// Code, links, images and HTML from its beginning on.
    atoms: &'document [Range<usize>],
}

impl Looking<'_> {
    fn look(&self, lines: &mut Vec<Found>) {
        let boxes = self.boxes();
        for (index, InlineBox { span, ticked }) in boxes.iter().enumerate() {
            let line = self.lines.line(span.start);
            if lines.last().is_none_or(|last| last.choice.line != line) {
                lines.push(Found {
                    choice: Choice {
                        line,
                        item: self.leaf.item,
                        lead: self.lead(line, span.start),
                        answers: Vec::new(),
                    },
                    answered: false,
                });
            }
            let Some(found) = lines.last_mut() else { return };
            found.answered |= *ticked;
            let next = boxes.get(index + 1).map_or(usize::MAX, |next| next.span.start);
            found.choice.answers.push(Answer {
                label: self.label(line, span.end, next),
                span: span.clone(),
            });
        }
    }

    /// The boxes that are written as text.
    fn boxes(&self) -> Vec<InlineBox> {
        let from = self.leaf.span.start;
        let text = self.source.get(self.leaf.span.clone()).unwrap_or_default();
        let bytes = self.source.as_bytes();
        let mut atoms = self.atoms.iter().peekable();
        let mut covered = 0;
        let mut boxes = Vec::new();
        for (offset, first) in text.match_indices(['[', '☐', '□', '☑', '☒']) {
            let unticked = BOXES.iter().map(|(mark, _)| (*mark, false));
            let mark = unticked
                .chain(TICKED.map(|mark| (mark, true)))
                .find(|(mark, _)| text.get(offset..).is_some_and(|rest| rest.starts_with(mark)));
            let Some((mark, ticked)) = mark else { continue };
            let span = from + offset..from + offset + mark.len();
            while let Some(atom) = atoms.next_if(|atom| atom.start < span.end) {
                covered = covered.max(atom.end);
            }
            let is_escaped = bytes[..span.start].ends_with(b"\\");
            // Brackets with one of these after them say where a link goes.
            let is_link = first == "[" && matches!(bytes.get(span.end), Some(b'(' | b'[' | b':'));
            if span.start >= covered && !is_escaped && !is_link {
                boxes.push(InlineBox { span, ticked });
            }
        }
        boxes
    }

    /// What stands on a line before its first box.
    fn lead(&self, line: usize, to: usize) -> String {
        let start = self.lines.start(line).unwrap_or(0);
        let from = if self.leaf.header.is_some() {
            // The cells before this one belong to it.
            start
        } else {
            start.max(self.leaf.span.start)
        };
        self.source.get(from..to).unwrap_or_default().trim().to_owned()
    }

    /// What stands after a box, up to the next one, to code or HTML, or to the line's end.
    fn label(&self, line: usize, from: usize, next_box: usize) -> String {
        let next_line = self.lines.start(line + 1).unwrap_or(self.source.len());
        let atom = self.atoms.partition_point(|atom| atom.start < from);
        let next_atom = self.atoms.get(atom).map_or(usize::MAX, |atom| atom.start);
        let to = self.leaf.span.end.min(next_line).min(next_box).min(next_atom);
        let written = self.source.get(from..to).unwrap_or_default().trim();
        match &self.leaf.header {
            Some(header) if !written.contains(char::is_alphanumeric) => header.clone(),
            _ => written.to_owned(),
        }
    }
}
