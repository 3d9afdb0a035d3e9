//! Blanks: places for text, written as three or more underscores.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::domain::checklist::{Blank, Item, ItemIndex, Section, SectionIndex};
use crate::domain::ids::BlankId;
use crate::domain::slug::slug;

use super::lines::Lines;
use super::outline::{Piece, PieceText};
use super::words::collapse_into;

/// Longest label, in characters.
const LABEL_LENGTH: usize = 80;

/// A blank that has no id yet.
pub(super) struct Gap {
    /// The words before it.
    pub(super) label: String,
    /// The task it stands in.
    pub(super) item: Option<ItemIndex>,
    /// The section it stands in.
    pub(super) section: Option<SectionIndex>,
    /// 1-based line.
    pub(super) line: usize,
    /// The underscores.
    pub(super) span: Range<usize>,
}

/// What is known of a paragraph, heading or cell in which blanks are looked for.
pub(super) struct GapContext<'leaf> {
    pub(super) source: &'leaf str,
    pub(super) lines: &'leaf Lines,
    /// Its plain text.
    pub(super) pieces: &'leaf [Piece],
    /// Code, links, images and HTML in it, in order.
    pub(super) excluded: &'leaf [Range<usize>],
    pub(super) item: Option<ItemIndex>,
    pub(super) section: Option<SectionIndex>,
    /// In a table, the words of the row's first cell and of the column's header.
    pub(super) around: Option<(&'leaf str, &'leaf str)>,
}

/// Appends the blanks of one paragraph, heading or cell.
pub(super) fn find_gaps(context: &GapContext<'_>, span: Range<usize>, gaps: &mut Vec<Gap>) {
    let Some(text) = context.source.get(span.clone()) else {
        return;
    };
    let bytes = text.as_bytes();
    if !bytes.contains(&b'_') || !text.contains("___") {
        return;
    }
    let mut excluded = context.excluded.iter().peekable();
    let mut covered = 0;
    let mut label_from = span.start;
    let mut piece = 0;
    let mut word = Word::default();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("___")) {
        let start = at + found;
        let length = bytes[start..].iter().take_while(|byte| **byte == b'_').count();
        let run = span.start + start..span.start + start + length;
        at = start + length;
        while let Some(atom) = excluded.next_if(|atom| atom.start < run.end) {
            covered = covered.max(atom.end);
        }
        word.advance(bytes, start);
        if run.start < covered || word.is_url || !is_gap(text, start, length) {
            continue;
        }
        let line = context.lines.line(run.start);
        let from = label_from.max(context.lines.start(line).unwrap_or(0));
        let before = words_between(context, from, run.start, &mut piece);
        let label = label(&before)
            .or_else(|| {
                context
                    .around
                    .and_then(|(row, header)| label(&format!("{row} {header}")))
            })
            .or_else(|| label(&words_after(context, run.end, piece)))
            .unwrap_or_else(|| "Blank".to_owned());
        label_from = run.end;
        gaps.push(Gap {
            label,
            item: context.item,
            section: context.section,
            line,
            span: run,
        });
    }
}

/// Gives each blank its id: the item's id, else `footer` after the last item, else the section's id; then the words
/// of its label; then a number where the same stands already.
pub(super) fn name(gaps: Vec<Gap>, items: &[Item], sections: &[Section]) -> Vec<Blank> {
    let last_item = items.last().map_or(0, |item| item.marker.start);
    let mut used: HashSet<String> = HashSet::with_capacity(gaps.len());
    let mut repeats: HashMap<String, usize> = HashMap::new();
    gaps.into_iter()
        .map(|gap| {
            let section = gap.section.and_then(|index| sections.get(index));
            let place = match (gap.item.and_then(|index| items.get(index)), section) {
                (Some(item), _) => item.id.as_str(),
                (None, Some(section)) if gap.span.start < last_item && !section.id.as_str().is_empty() => {
                    section.id.as_str()
                }
                _ => "footer",
            };
            let words = slug(&gap.label);
            let words = if words.is_empty() { "blank" } else { &words };
            let base = format!("{place}/{words}");
            let repeat = repeats.entry(base.clone()).or_insert(0);
            let id = loop {
                *repeat += 1;
                let id = if *repeat == 1 {
                    base.clone()
                } else {
                    format!("{base}-{repeat}")
                };
                if used.insert(id.clone()) {
                    break id;
                }
            };
            Blank {
                id: BlankId::new(id),
                label: gap.label,
                item: gap.item,
                line: gap.line,
                span: gap.span,
            }
        })
        .collect()
}

/// Whether a run of underscores is a place for text rather than part of a name, a URL or of emphasis.
fn is_gap(text: &str, start: usize, length: usize) -> bool {
    let before = text[..start].chars().next_back();
    if before.is_some_and(|character| character.is_alphanumeric() || character == '\\') {
        return false;
    }
    let after = &text[start + length..];
    if after.starts_with(char::is_alphanumeric) {
        // "____ms" and "____%" are places for a number with its unit; "___name" is a name or emphasis.
        let unit = after
            .chars()
            .take(3)
            .take_while(|character| character.is_alphanumeric())
            .count();
        let is_unit = length > 3
            && unit <= 2
            && after
                .chars()
                .take(unit)
                .all(|character| character.is_ascii_alphabetic())
            && after.as_bytes().get(unit) != Some(&b'_');
        if !is_unit {
            return false;
        }
    }
    true
}

/// The word that is being read, up to an offset.
#[derive(Default)]
struct Word {
    offset: usize,
    /// Whether it has begun as a URL.
    is_url: bool,
}

impl Word {
    fn advance(&mut self, bytes: &[u8], offset: usize) {
        while self.offset < offset {
            let rest = bytes.get(self.offset..offset).unwrap_or_default();
            if rest.first().is_some_and(u8::is_ascii_whitespace) {
                self.is_url = false;
            } else if rest.starts_with(b"://") || rest.starts_with(b"www.") {
                self.is_url = true;
            }
            self.offset += 1;
        }
    }
}

/// Plain text between two offsets. `piece` is the first piece that may reach that far, and is moved on.
fn words_between(context: &GapContext<'_>, from: usize, to: usize, piece: &mut usize) -> String {
    let mut words = String::new();
    while let Some(next) = context.pieces.get(*piece) {
        if next.span.start >= to {
            break;
        }
        append(context, next, from..to, &mut words);
        if next.span.end > to {
            break;
        }
        *piece += 1;
    }
    words
}

/// Plain text after an offset, up to the next run of underscores or the line's end.
fn words_after(context: &GapContext<'_>, from: usize, piece: usize) -> String {
    let mut words = String::new();
    for next in context.pieces.get(piece..).unwrap_or_default() {
        if matches!(next.text, PieceText::Break) || words.len() > 4 * LABEL_LENGTH {
            break;
        }
        append(context, next, from..usize::MAX, &mut words);
        if let Some(end) = words.find("___") {
            words.truncate(end);
            break;
        }
    }
    words
}

fn append(context: &GapContext<'_>, piece: &Piece, within: Range<usize>, words: &mut String) {
    match &piece.text {
        PieceText::Decoded(text) if piece.span.start >= within.start => collapse_into(words, text),
        PieceText::Decoded(_) => {}
        PieceText::Break => collapse_into(words, " "),
        PieceText::Source => {
            let from = piece.span.start.max(within.start);
            let to = piece.span.end.min(within.end);
            if let Some(text) = context.source.get(from..to) {
                collapse_into(words, text);
            }
        }
    }
}

/// Words as a label: without the marks around them; `None` when nothing is left.
fn label(words: &str) -> Option<String> {
    let words = words.trim_start_matches(|character: char| !character.is_alphanumeric());
    let words = words.trim_end_matches(|character: char| {
        !character.is_alphanumeric() && !matches!(character, ')' | ']' | '%' | '?' | '"' | '”' | '»')
    });
    let label: String = words.chars().take(LABEL_LENGTH).collect();
    let label = label.trim_end();
    (!label.is_empty()).then(|| label.to_owned())
}
