//! From Markdown events to headings, tasks, blanks and comments.
//!
//! A task is what remark and GitHub's own pages take for one: the first paragraph of a list item that begins with
//! `[ ]` or `[x]` and white space. The reader's own extension says where most of them are, which spares it from taking
//! them for links; it does not see those that begin a line after their list item, so a mark is looked for in any case.

use std::ops::Range;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag};

use super::blanks::{GapContext, find_gaps};
use super::lines::Lines;
use super::outline::{Comment, HEADER_LENGTH, Leaf, Outline, Piece, PieceText};
use super::words::collapse_into;
use crate::domain::checklist::{Item, ItemIndex, Section, SectionIndex};
use crate::domain::ids::{ItemId, SectionId};

/// Reads Markdown that begins at `base` of the source. `surface` is as long as `source`.
pub(super) fn read(source: &str, surface: &str, base: usize, lines: &Lines) -> Outline {
    read_into(source, surface, base, lines, Leaves::Forgotten)
}

/// The same, with every run of inline content.
pub(super) fn read_with_leaves(source: &str, surface: &str, base: usize, lines: &Lines) -> Outline {
    read_into(source, surface, base, lines, Leaves::Kept)
}

/// Whether runs of inline content are kept: only few readers want them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaves {
    Kept,
    Forgotten,
}

fn read_into(source: &str, surface: &str, base: usize, lines: &Lines, leaves: Leaves) -> Outline {
    let mut reader = Reader {
        source,
        lines,
        outline: Outline::with_room_for(lines.starts().len()),
        containers: Vec::new(),
        tasks: Vec::new(),
        headings: Vec::new(),
        leaf: OpenLeaf::default(),
        table: Table::default(),
        skipping: false,
        bare_mark: None,
        has_gaps: has_gaps(source),
        leaves,
    };
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS;
    let text = surface.get(base..).unwrap_or_default();
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.event(&event, range.start + base..range.end + base);
    }
    reader.close_leaf();
    reader.outline
}

enum Container {
    List {
        ordered: bool,
    },
    Item {
        task: Option<ItemIndex>,
        ordered: bool,
        /// Whether nothing of it has been seen.
        fresh: bool,
    },
    Other,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum LeafKind {
    /// Nothing is open.
    #[default]
    None,
    /// Text that belongs to nothing of ours.
    Paragraph,
    /// The first paragraph of a task.
    Task(ItemIndex),
    Heading(SectionIndex),
    Cell,
}

/// A run of inline content that is being read. Its buffers are used again for the next.
#[derive(Default)]
struct OpenLeaf {
    kind: LeafKind,
    /// Whether it began without a paragraph, as in a tight list.
    implicit: bool,
    /// Whether it is the first of a list item and nothing of it has been seen.
    first: bool,
    start: Option<usize>,
    end: usize,
    /// Where what follows a task's mark begins.
    content: usize,
    text: String,
    pieces: Vec<Piece>,
    /// Where the atoms of this leaf begin in the outline.
    atoms: usize,
}

#[derive(Default)]
struct Table {
    headers: Vec<String>,
    in_head: bool,
    column: usize,
    row: String,
}

struct Reader<'source> {
    source: &'source str,
    lines: &'source Lines,
    outline: Outline,
    containers: Vec<Container>,
    /// The tasks that are open, outermost first.
    tasks: Vec<ItemIndex>,
    /// The headings that are open, outermost first.
    headings: Vec<SectionIndex>,
    leaf: OpenLeaf,
    table: Table,
    /// Whether the inside of a code or HTML block is being passed.
    skipping: bool,
    /// A task's mark after which its line ended, until what comes next shows whether there is a task.
    bare_mark: Option<usize>,
    /// Whether there can be a blank anywhere; where there is none, no leaf need remember its pieces.
    has_gaps: bool,
    leaves: Leaves,
}

impl Reader<'_> {
    fn event(&mut self, event: &Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) if is_inline(tag) => {
                self.inline(&range);
                if matches!(tag, Tag::Link { .. } | Tag::Image { .. }) {
                    self.atom(range);
                }
            }
            Event::Start(tag) => self.start(tag, &range),
            Event::End(end) => {
                use pulldown_cmark::TagEnd;
                match end {
                    TagEnd::Emphasis
                    | TagEnd::Strong
                    | TagEnd::Strikethrough
                    | TagEnd::Superscript
                    | TagEnd::Subscript
                    | TagEnd::Link
                    | TagEnd::Image => {}
                    TagEnd::TableHead => {
                        self.close_leaf();
                        self.table.in_head = false;
                    }
                    TagEnd::TableCell => {
                        self.close_leaf();
                        self.table.column += 1;
                    }
                    TagEnd::CodeBlock | TagEnd::HtmlBlock | TagEnd::MetadataBlock(_) => self.skipping = false,
                    TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::TableRow => self.close_leaf(),
                    _ => {
                        self.close_leaf();
                        self.bare_mark = None;
                        if let Some(Container::Item { task: Some(_), .. }) = self.containers.pop() {
                            self.tasks.pop();
                        }
                    }
                }
            }
            Event::Text(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                if !self.skipping {
                    self.inline(&range);
                    self.text(text, range);
                }
            }
            Event::Code(text) => {
                self.inline(&range);
                self.atom(range.clone());
                self.code(text, range);
            }
            Event::InlineHtml(html) => {
                self.inline(&range);
                self.atom(range.clone());
                if html.starts_with("<!--") {
                    self.comment(range);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                self.inline(&range);
                self.line_break(range);
            }
            Event::FootnoteReference(_) => {
                self.inline(&range);
                self.atom(range);
            }
            Event::TaskListMarker(_) => {
                if !matches!(self.leaf.kind, LeafKind::Heading(_)) {
                    self.inline(&(range.end.saturating_sub(3)..range.end));
                }
            }
            Event::Html(_) => {}
            Event::Rule => {
                self.close_leaf();
                self.touch();
            }
        }
    }

    /// A block begins.
    fn start(&mut self, tag: &Tag<'_>, range: &Range<usize>) {
        self.close_leaf();
        let bare_mark = self.bare_mark.take();
        match tag {
            Tag::Paragraph => {
                let first = self.touch();
                self.open_leaf(LeafKind::Paragraph);
                self.leaf.first = first;
                if let Some(mark) = bare_mark
                    && self.lines.line(range.start) == self.lines.line(mark) + 1
                {
                    self.leaf.start = Some(mark);
                    self.leaf.end = mark + 3;
                    self.task(mark);
                }
            }
            Tag::Heading { level, .. } => {
                self.touch();
                let section = self.heading(*level, range.start);
                self.open_leaf(LeafKind::Heading(section));
            }
            Tag::CodeBlock(_) | Tag::MetadataBlock(_) => {
                self.touch();
                self.skipping = true;
            }
            Tag::HtmlBlock => {
                self.touch();
                self.skipping = true;
                self.comments_of_block(range);
            }
            Tag::List(first) => {
                self.touch();
                self.containers.push(Container::List {
                    ordered: first.is_some(),
                });
            }
            Tag::Item => {
                let ordered = matches!(self.containers.last(), Some(Container::List { ordered: true }));
                self.containers.push(Container::Item {
                    task: None,
                    ordered,
                    fresh: true,
                });
            }
            Tag::Table(_) => {
                self.touch();
                self.table = Table::default();
                self.containers.push(Container::Other);
            }
            Tag::TableHead => self.table.in_head = true,
            Tag::TableRow => {
                self.table.column = 0;
                self.table.row.clear();
            }
            Tag::TableCell => self.open_leaf(LeafKind::Cell),
            _ => {
                self.touch();
                self.containers.push(Container::Other);
            }
        }
    }

    /// Marks the innermost list item as begun; whether it was not.
    fn touch(&mut self) -> bool {
        match self.containers.last_mut() {
            Some(Container::Item { fresh, .. }) => std::mem::take(fresh),
            _ => false,
        }
    }

    fn heading(&mut self, level: HeadingLevel, offset: usize) -> SectionIndex {
        let level = level as u8;
        while let Some(&open) = self.headings.last() {
            if self
                .outline
                .sections
                .get(open)
                .is_some_and(|section| section.level < level)
            {
                break;
            }
            self.headings.pop();
        }
        let index = self.outline.sections.len();
        self.outline.sections.push(Section {
            id: SectionId::new(""),
            title: String::new(),
            level,
            line: self.lines.line(offset),
            parent: self.headings.last().copied(),
            optional: false,
        });
        self.outline.section_offsets.push(offset);
        self.headings.push(index);
        index
    }

    fn open_leaf(&mut self, kind: LeafKind) {
        self.leaf.kind = kind;
        self.leaf.implicit = false;
        self.leaf.first = false;
        self.leaf.start = None;
        self.leaf.end = 0;
        self.leaf.content = 0;
        self.leaf.text.clear();
        self.leaf.pieces.clear();
        self.leaf.atoms = self.outline.atoms.len();
    }

    /// Inline content is seen: opens a leaf where a tight list has none, and finds a task's mark at its beginning.
    fn inline(&mut self, range: &Range<usize>) {
        if self.leaf.kind == LeafKind::None {
            let first = self.touch();
            self.open_leaf(LeafKind::Paragraph);
            self.leaf.implicit = true;
            self.leaf.first = first;
        }
        if self.leaf.start.is_none() {
            self.leaf.start = Some(range.start);
            if std::mem::take(&mut self.leaf.first) {
                self.task(range.start);
            }
        }
        self.leaf.end = self.leaf.end.max(range.end);
    }

    fn task(&mut self, at: usize) {
        let Some(checked) = task_mark(self.source.as_bytes(), at) else {
            return;
        };
        let Some(Container::Item { task, ordered, .. }) = self.containers.last_mut() else {
            return;
        };
        let index = self.outline.items.len();
        *task = Some(index);
        let parent = self.tasks.last().copied();
        self.outline.items.push(Item {
            id: ItemId::new(""),
            line: item_line(self.source.as_bytes(), at, self.lines),
            checked,
            depth: self.tasks.len() + 1,
            text: String::new(),
            section: self.headings.last().copied(),
            parent,
            ordered: *ordered,
            marker: at + 1..at + 2,
            optional: false,
            checks: Vec::new(),
            sign_off: None,
            decision: false,
        });
        self.tasks.push(index);
        self.leaf.kind = LeafKind::Task(index);
        self.leaf.content = at + 3;
    }

    fn text(&mut self, text: &CowStr<'_>, range: Range<usize>) {
        let content = self.leaf.content;
        if range.end <= content {
            return;
        }
        if range.start < content {
            // The mark and what follows it came as one; a mark has no character that is written in another way.
            let rest = text.get(content - range.start..).unwrap_or_default();
            self.piece(rest, content..range.end);
        } else {
            self.piece(text, range);
        }
    }

    fn code(&mut self, text: &CowStr<'_>, range: Range<usize>) {
        // The same number of backticks, and perhaps of spaces, stands on both sides.
        let margin = range.len().saturating_sub(text.len()) / 2;
        let inside = range.start + margin..range.start + margin + text.len();
        let is_source = self.source.get(inside.clone()) == Some(text);
        self.piece(text, if is_source { inside } else { range });
    }

    fn line_break(&mut self, range: Range<usize>) {
        if range.end <= self.leaf.content {
            return;
        }
        if self.leaf.kind != LeafKind::Paragraph {
            collapse_into(&mut self.leaf.text, " ");
        }
        if self.has_gaps {
            self.leaf.pieces.push(Piece {
                span: range,
                text: PieceText::Break,
            });
        }
    }

    fn piece(&mut self, text: &str, span: Range<usize>) {
        if self.leaf.kind != LeafKind::Paragraph {
            collapse_into(&mut self.leaf.text, text);
        }
        if !self.has_gaps {
            return;
        }
        let text = if text.len() == span.len() {
            PieceText::Source
        } else {
            PieceText::Decoded(text.to_owned())
        };
        self.leaf.pieces.push(Piece { span, text });
    }

    fn atom(&mut self, range: Range<usize>) {
        self.outline.atoms.push(range);
    }

    fn comment(&mut self, span: Range<usize>) {
        self.outline.comments.push(Comment {
            span,
            item: self.tasks.last().copied(),
        });
    }

    fn comments_of_block(&mut self, range: &Range<usize>) {
        let mut from = range.start;
        while let Some(block) = self.source.get(from..range.end) {
            let Some(open) = block.find("<!--") else { return };
            let Some(length) = block[open..].find("-->") else {
                return;
            };
            let end = from + open + length + 3;
            self.comment(from + open..end);
            from = end;
        }
    }

    fn close_leaf(&mut self) {
        let kind = std::mem::take(&mut self.leaf.kind);
        let text = self.leaf.text.trim_end();
        match kind {
            LeafKind::None => return,
            LeafKind::Task(index) => {
                if self.leaf.end <= self.leaf.content {
                    // A mark without a word after it is no task; nothing can have been nested in it yet.
                    self.bare_mark = self.leaf.start;
                    self.outline.items.truncate(index);
                    self.tasks.pop();
                    if let Some(Container::Item { task, .. }) = self.containers.last_mut() {
                        *task = None;
                    }
                } else if let Some(item) = self.outline.items.get_mut(index) {
                    text.clone_into(&mut item.text);
                }
            }
            LeafKind::Heading(index) => {
                if let Some(section) = self.outline.sections.get_mut(index) {
                    text.clone_into(&mut section.title);
                }
            }
            LeafKind::Cell => {
                if self.table.in_head {
                    let header = text.to_owned();
                    self.table.headers.push(header);
                } else if self.table.row.is_empty()
                    && text.chars().any(char::is_alphanumeric)
                    && !is_box(text)
                {
                    text.clone_into(&mut self.table.row);
                }
            }
            LeafKind::Paragraph => {}
        }
        let Some(start) = self.leaf.start else { return };
        let span = start.max(self.leaf.content)..self.leaf.end;
        let around = match kind {
            LeafKind::Cell if !self.table.in_head => {
                let header = self
                    .table
                    .headers
                    .get(self.table.column)
                    .map_or("", String::as_str);
                Some((self.table.row.as_str(), header))
            }
            _ => None,
        };
        let context = GapContext {
            source: self.source,
            lines: self.lines,
            pieces: &self.leaf.pieces,
            excluded: self.outline.atoms.get(self.leaf.atoms..).unwrap_or_default(),
            item: self.tasks.last().copied(),
            section: self.headings.last().copied(),
            around,
        };
        if self.has_gaps {
            find_gaps(&context, span.clone(), &mut self.outline.gaps);
        }
        if self.leaves == Leaves::Kept {
            self.outline.leaves.push(Leaf {
                span: span.clone(),
                item: self.tasks.last().copied(),
                header: around.map(|(_, header)| header.chars().take(HEADER_LENGTH).collect()),
            });
        }
        if kind != LeafKind::Cell {
            self.outline.paragraphs.push(span);
        }
    }
}

fn is_inline(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
    )
}

/// Whether the mark at an offset is a task's, and whether it is ticked.
fn task_mark(bytes: &[u8], at: usize) -> Option<bool> {
    let [b'[', mark, b']', after, ..] = bytes.get(at..)? else {
        return None;
    };
    if !matches!(after, b' ' | b'\t' | b'\n' | b'\r') {
        return None;
    }
    match mark {
        b' ' | b'\t' => Some(false),
        b'x' | b'X' => Some(true),
        _ => None,
    }
}

/// Whether there are three underscores in a row. Underscores are seldom, and one alone is found faster than three are.
fn has_gaps(source: &str) -> bool {
    source.match_indices('_').any(|(at, _)| {
        source
            .as_bytes()
            .get(at..)
            .is_some_and(|rest| rest.starts_with(b"___"))
    })
}

/// Whether a table's cell is a box and nothing else.
fn is_box(text: &str) -> bool {
    matches!(text, "[ ]" | "[x]" | "[X]")
}

/// The line of a list item whose mark of a task is at `at`: the one before where the item's first line was empty.
fn item_line(bytes: &[u8], at: usize, lines: &Lines) -> usize {
    let line = lines.line(at);
    let before = lines
        .start(line)
        .and_then(|start| bytes.get(start..at))
        .unwrap_or_default();
    if line > 1 && before.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'>')) {
        line - 1
    } else {
        line
    }
}
