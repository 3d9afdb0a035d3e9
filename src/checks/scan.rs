//! A look at a condition's characters before it is parsed: how deep it is nested, and where its `&&` stand.
//!
//! The CEL parser descends once per bracket and per operator, so a text that is nested too deeply has to be
//! turned away before it is read.

use std::ops::Range;

/// The longest condition, in bytes.
pub(super) const LONGEST: usize = 4000;
/// The most brackets inside one another.
pub(super) const DEEPEST: usize = 32;
/// The most operators, dots and brackets in all.
pub(super) const MOST_OPERATORS: usize = 250;

/// Why a condition is not even parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch {
    /// Where the limit was passed, in bytes.
    pub(super) offset: usize,
    /// What there is too much of.
    pub(super) what: &'static str,
}

/// Holds the text to the limits above.
pub(super) fn measure(text: &str) -> Result<(), TooMuch> {
    if text.len() > LONGEST {
        return Err(TooMuch {
            offset: text.floor_char_boundary(LONGEST),
            what: "the condition is longer than 4000 bytes; split it into several checks",
        });
    }
    let (mut depth, mut operators) = (0_usize, 0);
    for (offset, character) in code(text) {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !(character.is_alphanumeric() || character.is_whitespace() || character == '_') {
            operators += 1;
        }
        let what = if depth > DEEPEST {
            "the condition is nested more than 32 brackets deep; write it flatter, or split it into several checks"
        } else if operators > MOST_OPERATORS {
            "the condition has more than 250 operators; split it into several checks"
        } else {
            continue;
        };
        return Err(TooMuch { offset, what });
    }
    Ok(())
}

/// The parts of a condition that `&&` joins at its outermost level, so that each can be judged alone. One part
/// where there is no such `&&`, or where an operator that binds less tightly stands beside it.
pub(super) fn conjuncts(text: &str) -> Vec<Range<usize>> {
    split(text, 0..text.len())
}

fn split(text: &str, span: Range<usize>) -> Vec<Range<usize>> {
    let span = trimmed(text, span);
    let part = &text[span.clone()];
    let mut depth = 0_usize;
    let mut cuts = Vec::new();
    let mut previous = None;
    // Whether the bracket that opens the part is also the one that closes it.
    let mut wrapped = part.starts_with('(') && part.ends_with(')');
    for (offset, character) in code(part) {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                wrapped &= depth > 0 || offset + 1 == part.len();
            }
            '?' | '|' if depth == 0 => return vec![span],
            '&' if depth == 0 && previous == Some((offset.wrapping_sub(1), '&')) => {
                cuts.push(offset - 1);
                // A third `&` is a mistake that the parser reports, and no part of another cut.
                previous = None;
                continue;
            }
            _ => {}
        }
        previous = Some((offset, character));
    }
    if cuts.is_empty() {
        return if wrapped && span.len() > 2 {
            split(text, span.start + 1..span.end - 1)
        } else {
            vec![span]
        };
    }
    let mut parts = Vec::new();
    let mut from = 0;
    for cut in cuts.into_iter().chain([part.len()]) {
        parts.extend(split(text, span.start + from..span.start + cut));
        from = (cut + 2).min(part.len());
    }
    parts
}

fn trimmed(text: &str, span: Range<usize>) -> Range<usize> {
    let part = &text[span.clone()];
    let start = span.start + (part.len() - part.trim_start().len());
    start..start + part.trim().len()
}

/// The characters of an expression that are neither in a string nor in a comment, with their offsets.
fn code(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &text[from..];
            let character = rest.chars().next()?;
            let offset = from;
            if rest.starts_with("//") {
                from += rest.find('\n').unwrap_or(rest.len());
            } else if matches!(character, '"' | '\'') {
                let raw = text[..from].trim_end_matches(['b', 'B']).ends_with(['r', 'R']);
                from += string_length(rest, character, raw);
            } else {
                from += character.len_utf8();
                return Some((offset, character));
            }
        }
    })
}

/// How long the string at the beginning of the text is, quotes included.
fn string_length(text: &str, quote: char, raw: bool) -> usize {
    let triple: String = std::iter::repeat_n(quote, 3).collect();
    let closing = if text.starts_with(&triple) {
        &triple[..]
    } else {
        &triple[..1]
    };
    let mut at = closing.len();
    while let Some(character) = text[at..].chars().next() {
        if text[at..].starts_with(closing) {
            return at + closing.len();
        }
        at += character.len_utf8();
        if character == '\\' && !raw {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> Vec<&str> {
        conjuncts(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn conditions_are_split_where_an_outermost_and_stands() {
        assert_eq!(parts("a == 1 && b"), ["a == 1", "b"]);
        assert_eq!(parts("(a && (b && c)) && d"), ["a", "b", "c", "d"]);
        assert_eq!(parts("(a) && (b || c && d)"), ["a", "b || c && d"]);
        assert_eq!(parts("(a + b) > (c)"), ["(a + b) > (c)"]);
        assert_eq!(parts("a && b || c"), ["a && b || c"]);
        assert_eq!(parts("a ? b && c : d"), ["a ? b && c : d"]);
        assert_eq!(
            parts("x.all(i, i > 1 && i < 3) && y"),
            ["x.all(i, i > 1 && i < 3)", "y"]
        );
        assert_eq!(
            parts(r#"a == "x && y" && b == '\' && '"#),
            [r#"a == "x && y""#, r"b == '\' && '"]
        );
        assert_eq!(parts(r"a.matches(r'\') && b"), [r"a.matches(r'\')", "b"]);
        assert_eq!(
            parts("a == '''it's && so''' && b"),
            ["a == '''it's && so'''", "b"]
        );
        assert_eq!(parts("a // && b\n && c"), ["a // && b", "c"]);
        assert_eq!(parts("a &&& b"), ["a", "& b"]);
        assert_eq!(parts("a &&&& b"), ["a", "", "b"]);
        assert_eq!(parts(""), [""]);
    }

    #[test]
    fn a_text_over_a_limit_is_turned_away_where_it_passes_it() {
        let deep = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(measure(&deep(32)), Ok(()));
        assert_eq!(measure(&deep(10_000)).map_err(|error| error.offset), Err(LONGEST));
        assert_eq!(measure(&deep(33)).map_err(|error| error.offset), Err(32));
        assert_eq!(measure(&vec!["1"; 251].join("+")), Ok(()));
        assert_eq!(
            measure(&vec!["1"; 252].join("+")).map_err(|error| error.offset),
            Err(501)
        );
        assert_eq!(measure(&format!("'{}'", "(".repeat(1000))), Ok(()));
    }

    proptest! {
        #[test]
        fn any_text_is_scanned_without_panic(text in r#"[ab&|?()\[\]"'\\/ \n\PC]{0,60}"#) {
            let _ = measure(&text);
            for span in conjuncts(&text) {
                prop_assert!(text.get(span).is_some());
            }
        }
    }
}
