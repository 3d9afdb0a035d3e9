//! The same document, filled in.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::domain::checklist::Checklist;
use crate::domain::ids::{BlankId, ItemId};

use super::choices::ticked;
use super::document;
use super::lines::Lines;
use super::outline::Outline;
use super::surface::surface;

/// What became of a checklist, to be written into its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filling {
    /// By item. Items that are not named stay as they are.
    pub items: BTreeMap<ItemId, ItemFilling>,
    /// By blank. Blanks that are not named, or whose value is empty, stay as they are.
    pub blanks: BTreeMap<BlankId, String>,
    /// By 1-based line of the source: what is appended there. A line on which nothing can be appended without
    /// changing what the document says, as in a code block or a table, takes its notes to the end of the document.
    pub notes: BTreeMap<usize, Vec<String>>,
    /// The boxes of answers that are ticked, as [`choices`](super::choices()) names them.
    pub answers: Vec<Range<usize>>,
}

/// What became of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemFilling {
    /// Its box; `None` leaves it as it is.
    pub state: Option<BoxState>,
    /// What is appended to its first line, in plain text.
    pub annotation: Option<String>,
}

/// What is written into a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoxState {
    /// `[x]`.
    Ticked,
    /// `[ ]`.
    Unticked,
    /// `[ ]`: Markdown has no box for it, so the annotation must say that it was skipped, by whom and why.
    Skipped,
}

/// Writes a checklist's document with its boxes, blanks and notes filled in. Every byte that is not named stays.
pub fn export(checklist: &Checklist, filling: &Filling) -> String {
    let source = checklist.source.as_str();
    let mut edits: Vec<Edit> = Vec::new();
    for item in &checklist.items {
        let Some(state) = filling.items.get(&item.id).and_then(|item| item.state) else {
            continue;
        };
        let is_ticked = state == BoxState::Ticked;
        if is_ticked != item.checked {
            let mark = if is_ticked { "x" } else { " " };
            edits.push(Edit::new(item.marker.start, item.marker.end, mark.to_owned()));
        }
    }
    for blank in &checklist.blanks {
        if let Some(value) = filling
            .blanks
            .get(&blank.id)
            .map(|value| escape(value))
            .filter(|value| !value.is_empty())
        {
            edits.push(Edit::new(blank.span.start, blank.span.end, value));
        }
    }
    for answer in &filling.answers {
        if let Some(mark) = source.get(answer.clone()).and_then(ticked) {
            edits.push(Edit::new(answer.start, answer.end, mark.to_owned()));
        }
    }
    append_notes(checklist, filling, &mut edits);
    edits.sort_by_key(|edit| (edit.start, edit.end));

    let mut out =
        String::with_capacity(source.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut copied = 0;
    for edit in edits {
        // Edits do not overlap; one that did would be left out rather than garble the document.
        if let Some(kept) = source.get(copied..edit.start) {
            out.push_str(kept);
            out.push_str(&edit.text);
            copied = edit.end;
        }
    }
    out.push_str(source.get(copied..).unwrap_or_default());
    out
}

struct Edit {
    start: usize,
    end: usize,
    text: String,
}

impl Edit {
    fn new(start: usize, end: usize, text: String) -> Self {
        Self { start, end, text }
    }
}

fn append_notes(checklist: &Checklist, filling: &Filling, edits: &mut Vec<Edit>) {
    let annotated = filling.items.values().any(|item| item.annotation.is_some());
    if !annotated && filling.notes.is_empty() {
        return;
    }
    let source = checklist.source.as_str();
    let lines = Lines::of(source);
    let surface = surface(source, &lines);
    let front = super::front_matter::body(&surface.text);
    let outline = document::read(source, &surface.text, front, &lines);
    let places = Places {
        source,
        lines: &lines,
        outline: &outline,
    };
    let mut homeless = Vec::new();
    let mut append = |at: Option<usize>, text: &str| {
        let text = escape(text);
        if text.is_empty() {
            return;
        }
        match at {
            Some(at) => edits.push(Edit::new(at, at, format!(" — *{text}*"))),
            None => homeless.push(text),
        }
    };
    for item in &checklist.items {
        if let Some(annotation) = filling
            .items
            .get(&item.id)
            .and_then(|item| item.annotation.as_deref())
        {
            append(places.end_of_line(lines.line(item.marker.start)), annotation);
        }
    }
    for (line, notes) in &filling.notes {
        for note in notes {
            append(places.end_of_line(*line), note);
        }
    }
    if !homeless.is_empty() {
        edits.push(Edit::new(
            source.len(),
            source.len(),
            postscript(source, &homeless),
        ));
    }
}

/// Notes that have no line of their own, as paragraphs after the document.
fn postscript(source: &str, notes: &[String]) -> String {
    let end = if source.contains("\r\n") { "\r\n" } else { "\n" };
    // Closing marks would be needed only where a code fence or comment is never closed; an empty line parts the rest.
    let mut text = String::new();
    if !source.is_empty() && !source.ends_with(['\n', '\r']) {
        text.push_str(end);
    }
    for note in notes {
        text.push_str(end);
        for part in ["*", note, "*", end] {
            text.push_str(part);
        }
    }
    text
}

/// Where something may be appended.
struct Places<'source> {
    source: &'source str,
    lines: &'source Lines,
    outline: &'source Outline,
}

impl Places<'_> {
    /// The end of a line's text, where the line is part of a paragraph or heading; beyond code, links and HTML that
    /// reach over the line's end.
    fn end_of_line(&self, line: usize) -> Option<usize> {
        let start = self.lines.start(line)?;
        let next = self.lines.start(line + 1).unwrap_or(self.source.len());
        let end = start + self.source.get(start..next)?.trim_end_matches(['\r', '\n']).len();
        let paragraphs = &self.outline.paragraphs;
        let index = paragraphs.partition_point(|paragraph| paragraph.end <= start);
        let paragraph = paragraphs.get(index).filter(|paragraph| paragraph.start <= end)?;
        let mut at = end.min(paragraph.end);
        let atoms = &self.outline.atoms;
        let from = atoms.partition_point(|atom| atom.start < paragraph.start);
        for atom in atoms.get(from..).unwrap_or_default() {
            if atom.start >= at {
                break;
            }
            at = at.max(atom.end);
        }
        let before = self.source.get(..at)?.trim_end_matches([' ', '\t']);
        // A backslash at a line's end is a line break; it must stay the line's last character.
        let slashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
        Some(before.len() - slashes % 2)
    }
}

/// Plain text as Markdown that says the same: on one line, with every character that could begin something escaped.
fn escape(text: &str) -> String {
    let mut words = String::new();
    super::words::collapse_into(&mut words, text);
    let words = words.trim_end();
    let mut escaped = String::with_capacity(words.len() + 8);
    let numbered = words.bytes().take_while(u8::is_ascii_digit).count();
    for (index, character) in words.char_indices() {
        let special = match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            '#' | '+' | '-' | '=' | ':' => index == 0,
            // "1." at the beginning of a line would begin a list.
            '.' | ')' => index == numbered && numbered > 0,
            _ => false,
        };
        if special {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
