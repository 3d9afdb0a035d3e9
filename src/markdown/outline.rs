//! What a document holds, as it is read.

use std::ops::Range;

use crate::domain::checklist::{Item, ItemIndex, Section};

use super::blanks::Gap;

/// What a document holds, in its order, not yet numbered.
#[derive(Default)]
pub(super) struct Outline {
    /// Headings; their ids are empty.
    pub(super) sections: Vec<Section>,
    /// Where each heading starts.
    pub(super) section_offsets: Vec<usize>,
    /// Tasks; their ids are empty.
    pub(super) items: Vec<Item>,
    /// Blanks.
    pub(super) gaps: Vec<Gap>,
    /// HTML comments.
    pub(super) comments: Vec<Comment>,
    /// Paragraphs and headings outside tables: where a note may be appended to a line.
    pub(super) paragraphs: Vec<Range<usize>>,
    /// Code, links, images and HTML inside paragraphs: what a note must not be put into.
    pub(super) atoms: Vec<Range<usize>>,
    /// Every run of inline content, where it was asked for.
    pub(super) leaves: Vec<Leaf>,
}

impl Outline {
    /// An outline with room for what a document of so many lines usually holds.
    pub(super) fn with_room_for(lines: usize) -> Self {
        Self {
            sections: Vec::with_capacity(lines / 16),
            section_offsets: Vec::with_capacity(lines / 16),
            items: Vec::with_capacity(lines / 3),
            paragraphs: Vec::with_capacity(lines / 2),
            atoms: Vec::with_capacity(lines / 4),
            ..Self::default()
        }
    }
}

/// An HTML comment.
pub(super) struct Comment {
    /// From `<!--` to `-->`.
    pub(super) span: Range<usize>,
    /// The task it stands in.
    pub(super) item: Option<ItemIndex>,
}

/// How many characters of a column's name each of its cells is given: a long one over many cells would take all memory.
pub(super) const HEADER_LENGTH: usize = 80;

/// A run of inline content: a paragraph, a heading or a cell.
pub(super) struct Leaf {
    /// Its text, without a task's mark.
    pub(super) span: Range<usize>,
    /// The task it stands in.
    pub(super) item: Option<ItemIndex>,
    /// Of a cell below a table's head, what its column is called; no more of it than [`HEADER_LENGTH`].
    pub(super) header: Option<String>,
}

/// A piece of a leaf's plain text and where it comes from.
pub(super) struct Piece {
    /// Its place in the source.
    pub(super) span: Range<usize>,
    pub(super) text: PieceText,
}

/// What a piece says.
pub(super) enum PieceText {
    /// What stands in the source.
    Source,
    /// A line's end.
    Break,
    /// What an entity or an escape stands for.
    Decoded(String),
}
