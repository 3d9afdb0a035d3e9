//! Where lines begin, so that an offset is a line and a column without counting from the top.

use std::cell::Cell;

/// The starts of a text's lines. A line ends with `\n`, `\r\n` or a lone `\r`, as `CommonMark` has it.
pub(super) struct Lines {
    starts: Vec<usize>,
    /// Where the last column was counted: offset of the line's start, offset, characters before it. Diagnostics
    /// come in the order of the document, so that one endless line is counted once rather than once for each.
    counted: Cell<(usize, usize, usize)>,
    /// Which start was found last: most questions go through the document in its order.
    found: Cell<usize>,
}

/// How many lines further on a line is looked for one by one.
const NEAR: usize = 8;

impl Lines {
    /// The lines of a text.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut starts = Vec::with_capacity(bytes.len() / 32 + 1);
        starts.push(0);
        if bytes.contains(&b'\r') {
            for (index, byte) in bytes.iter().enumerate() {
                if *byte == b'\n' || (*byte == b'\r' && bytes.get(index + 1) != Some(&b'\n')) {
                    starts.push(index + 1);
                }
            }
        } else {
            line_feeds(bytes, |index| starts.push(index + 1));
        }
        Self {
            starts,
            counted: Cell::new((0, 0, 0)),
            found: Cell::new(0),
        }
    }

    /// The offsets at which the lines start.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// The 1-based line an offset stands in.
    pub(super) fn line(&self, offset: usize) -> usize {
        let last = self.found.get();
        let from = match self.starts.get(last) {
            Some(start) if *start <= offset => last,
            Some(_) | None => 0,
        };
        let ahead = self.starts.get(from..).unwrap_or_default();
        let further = ahead
            .iter()
            .take(NEAR)
            .position(|start| *start > offset)
            .unwrap_or_else(|| ahead.partition_point(|start| *start <= offset));
        let line = from + further;
        self.found.set(line.saturating_sub(1));
        line
    }

    /// The offset at which a 1-based line starts.
    pub(super) fn start(&self, line: usize) -> Option<usize> {
        self.starts.get(line.checked_sub(1)?).copied()
    }

    /// The 1-based line and column, in characters, of an offset. A byte order mark takes no column.
    pub(super) fn place(&self, text: &str, offset: usize) -> (usize, usize) {
        let offset = text.floor_char_boundary(offset);
        let line = self.line(offset);
        let start = self.start(line).unwrap_or(0);
        let (counted_line, counted_offset, counted) = self.counted.get();
        let (from, before) = if counted_line == start && counted_offset <= offset && counted_offset >= start {
            (counted_offset, counted)
        } else {
            (start, 0)
        };
        let characters = text.get(from..offset).map_or(0, |part| {
            part.chars().filter(|character| *character != '\u{feff}').count()
        });
        self.counted.set((start, offset, before + characters));
        (line, before + characters + 1)
    }

    /// A 1-based line without its line end and without a byte order mark.
    pub(super) fn text<'text>(&self, text: &'text str, line: usize) -> Option<&'text str> {
        let start = self.start(line)?;
        let end = self.start(line + 1).unwrap_or(text.len());
        let line = text.get(start..end)?.trim_end_matches(['\r', '\n']);
        Some(line.strip_prefix('\u{feff}').unwrap_or(line))
    }
}

/// Calls with the place of every line feed, looking at eight bytes at a time: lines are too short for a search that
/// begins anew after each.
fn line_feeds(bytes: &[u8], mut found: impl FnMut(usize)) {
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    const LINE_FEEDS: u64 = u64::from_le_bytes([b'\n'; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let difference = u64::from_le_bytes(*word) ^ LINE_FEEDS;
        // The high bit of every byte that is zero, and of no other.
        let mut matches = !(((difference & LOW) + LOW) | difference | LOW);
        while matches != 0 {
            found(index * 8 + matches.trailing_zeros() as usize / 8);
            matches &= matches - 1;
        }
    }
    for (index, _) in rest.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        found(words.len() * 8 + index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_counts_once() {
        let text = "a\nb\r\nc\rd\r\r\ne";
        let lines = Lines::of(text);
        let seen: Vec<Option<&str>> = (1..=7).map(|line| lines.text(text, line)).collect();
        assert_eq!(
            seen,
            [
                Some("a"),
                Some("b"),
                Some("c"),
                Some("d"),
                Some(""),
                Some("e"),
                None
            ]
        );
    }

    #[test]
    fn line_feeds_are_found_wherever_they_stand() {
        let text = "\n\n12345\n\u{8a}\u{10a}\n789012345\n\nabcdefg\nx\n";
        let wanted: Vec<usize> = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(index, _)| index + 1))
            .collect();
        assert_eq!(Lines::of(text).starts(), wanted);
    }

    #[test]
    fn lines_are_found_in_any_order_of_asking() {
        let text = "a\n".repeat(40);
        let lines = Lines::of(&text);
        let offsets = (0..=text.len()).chain((0..=text.len()).rev());
        for offset in offsets.chain([0, 79, 3, 40, 41, 12, 80, 0]) {
            assert_eq!(lines.line(offset), offset / 2 + 1, "offset {offset}");
        }
    }

    #[test]
    fn columns_are_characters_in_any_order_of_asking() {
        let text = "\u{feff}äb\n日本x";
        let lines = Lines::of(text);
        let x = text.len() - 1;
        assert_eq!(lines.place(text, x), (2, 3));
        assert_eq!(lines.place(text, x - 3), (2, 2));
        assert_eq!(lines.place(text, 5), (1, 2));
        assert_eq!(lines.place(text, x), (2, 3));
        assert_eq!(lines.place(text, 1000), (2, 4));
    }
}
