//! The text as the `CommonMark` reader is given it: of the same length, so that offsets hold in the source.

use std::borrow::Cow;

use super::lines::Lines;

/// Containers deeper than this are read as text. Real checklists stay below ten; the reader's time for a blank line
/// grows with the depth of what is open.
pub(super) const NESTING_LIMIT: usize = 64;

/// Bytes a line must have to open more containers than the limit: a tab indents by two of them.
const SHORTEST_DEEP_LINE: usize = NESTING_LIMIT / 2;

/// A text prepared for the `CommonMark` reader.
pub(super) struct Surface<'source> {
    /// As long as the source, byte for byte in the same places.
    pub(super) text: Cow<'source, str>,
    /// Where the first container beyond the limit stands.
    pub(super) too_deep: Option<usize>,
}

/// Turns lone carriage returns into line feeds, since parts of the reader only look for those, and takes the meaning
/// from list and quote marks beyond [`NESTING_LIMIT`].
pub(super) fn surface<'source>(source: &'source str, lines: &Lines) -> Surface<'source> {
    let bytes = source.as_bytes();
    let mut changed: Option<Vec<u8>> = None;
    let mut too_deep = None;
    let ends = lines.starts().iter().skip(1).copied().chain([bytes.len()]);
    for (&start, end) in lines.starts().iter().zip(ends) {
        if end - start >= SHORTEST_DEEP_LINE
            && let Some(mark) = excess_mark(bytes, start)
        {
            too_deep.get_or_insert(mark);
            set(&mut changed, bytes, mark, b'x');
        }
    }
    if bytes.contains(&b'\r') {
        for (index, byte) in bytes.iter().enumerate() {
            if *byte == b'\r' && bytes.get(index + 1) != Some(&b'\n') {
                set(&mut changed, bytes, index, b'\n');
            }
        }
    }
    let text = match changed.map(String::from_utf8) {
        // Only ASCII was put in the place of ASCII, so the bytes are still UTF-8.
        Some(Ok(text)) => Cow::Owned(text),
        Some(Err(_)) | None => Cow::Borrowed(source),
    };
    Surface { text, too_deep }
}

fn set(changed: &mut Option<Vec<u8>>, bytes: &[u8], at: usize, byte: u8) {
    if let Some(slot) = changed.get_or_insert_with(|| bytes.to_vec()).get_mut(at) {
        *slot = byte;
    }
}

/// The first list or quote mark of a line that would open a container beyond the limit.
fn excess_mark(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut marks = 0;
    // A list is nested by at least two columns.
    let mut columns = 0;
    let is_blank = |byte: Option<&u8>| matches!(byte, None | Some(b' ' | b'\t' | b'\n' | b'\r'));
    loop {
        let mark = match bytes.get(at)? {
            b' ' | b'\t' => {
                if marks == 0 {
                    columns += if bytes[at] == b'\t' { 4 - columns % 4 } else { 1 };
                }
                at += 1;
                continue;
            }
            b'>' => at,
            b'-' | b'*' | b'+' if is_blank(bytes.get(at + 1)) => at,
            b'0'..=b'9' => {
                let digits = bytes[at..]
                    .iter()
                    .take(10)
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let end = at + digits;
                if !matches!(bytes.get(end), Some(b'.' | b')')) || !is_blank(bytes.get(end + 1)) {
                    return None;
                }
                end
            }
            _ => return None,
        };
        marks += 1;
        if marks + columns / 2 > NESTING_LIMIT {
            return Some(mark);
        }
        at = mark + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_lone_carriage_returns_is_not_copied() {
        let source = "# a\r\n- [ ] b\n> > 1. c\n";
        let surface = surface(source, &Lines::of(source));
        assert!(matches!(surface.text, Cow::Borrowed(_)));
        assert_eq!(surface.too_deep, None);
    }

    #[test]
    fn lone_carriage_returns_become_line_feeds_in_place() {
        let source = "a\rb\r\nc\r\r\nd\r";
        assert_eq!(surface(source, &Lines::of(source)).text, "a\nb\r\nc\n\r\nd\n");
    }

    #[test]
    fn marks_beyond_the_limit_lose_their_meaning() {
        let source = format!("{}a", "> ".repeat(NESTING_LIMIT + 2));
        let surface = surface(&source, &Lines::of(&source));
        assert_eq!(surface.too_deep, Some(2 * NESTING_LIMIT));
        assert_eq!(surface.text, format!("{}x > a", "> ".repeat(NESTING_LIMIT)));
    }
}
