//! What a reader has to say about a document, and how it looks on a terminal.

use std::fmt::Write as _;

use serde::Serialize;
use unicode_width::UnicodeWidthChar as _;

use super::lines::Lines;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something the document says cannot be done; a deployment must not start from it.
    Error,
    /// Something is probably not what was meant.
    Warning,
    /// Something was done on the reader's behalf.
    Note,
}

impl Severity {
    /// Its name in lower case, as compilers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A finding at a place in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What is so, as a sentence.
    pub message: String,
    /// 1-based line of the source.
    pub line: usize,
    /// 1-based column of the source, in characters.
    pub column: usize,
    /// What to do next.
    pub help: Option<String>,
}

/// Whether a text carries terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text alone.
    Plain,
    /// ANSI escape sequences.
    Ansi,
}

/// Columns of the source line that are shown; what is beyond is cut and marked with `…`.
const SHOWN_COLUMNS: usize = 96;

/// Columns kept before the caret when a long line is cut.
const SHOWN_BEFORE: usize = 48;

/// How wide a tab is shown.
const TAB_WIDTH: usize = 4;

/// A diagnostic as a compiler would print it: place, message, the line with a caret under the column, and help.
///
/// `source` is [`Checklist::source`](crate::domain::checklist::Checklist::source). The text ends with a line end.
pub fn render_diagnostic(file: &str, source: &str, diagnostic: &Diagnostic, colour: Colour) -> String {
    let paint = Paint(colour);
    let severity_colour = match diagnostic.severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
        Severity::Note => "1;36",
    };
    let mut text = String::new();
    let place = format!("{file}:{}:{}:", diagnostic.line, diagnostic.column);
    let severity = format!("{}:", diagnostic.severity.name());
    // Writing to a `String` cannot fail.
    let _ = writeln!(
        text,
        "{} {} {}",
        paint.with("1", &place),
        paint.with(severity_colour, &severity),
        paint.with("1", &diagnostic.message)
    );
    let number = diagnostic.line.to_string();
    let gutter = " ".repeat(number.len());
    if let Some(line) = Lines::of(source).text(source, diagnostic.line) {
        let (shown, caret) = excerpt(line, diagnostic.column);
        let bar = paint.with("1;34", "|");
        let number = paint.with("1;34", &number);
        let caret_text = paint.with(severity_colour, "^");
        let _ = writeln!(text, "{gutter} {bar}");
        let _ = writeln!(text, "{}", format!("{number} {bar} {shown}").trim_end());
        let _ = writeln!(text, "{gutter} {bar} {}{caret_text}", " ".repeat(caret));
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(text, "{gutter} {} {help}", paint.with("1;34", "= help:"));
    }
    text
}

struct Paint(Colour);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        match self.0 {
            Colour::Plain => text.to_owned(),
            Colour::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// The part of a line that is shown, and the display column of the caret in it.
fn excerpt(line: &str, column: usize) -> (String, usize) {
    // Only a window is ever looked at in detail, so that a line of megabytes costs one pass.
    let before = column.saturating_sub(1);
    let first = before.saturating_sub(SHOWN_BEFORE);
    let mut shown = String::new();
    let mut caret = 0;
    let mut width = 0;
    let mut cut = false;
    if first > 0 {
        shown.push('…');
        width += 1;
    }
    let mut seen = 0;
    for (index, character) in line.chars().enumerate().skip(first) {
        seen = index + 1;
        if index == before {
            caret = width;
        }
        if width >= SHOWN_COLUMNS && index > before {
            cut = true;
            break;
        }
        match character {
            '\t' => {
                let spaces = TAB_WIDTH - width % TAB_WIDTH;
                shown.extend(std::iter::repeat_n(' ', spaces));
                width += spaces;
            }
            character if is_unprintable(character) => {
                shown.push('\u{fffd}');
                width += 1;
            }
            character => {
                shown.push(character);
                width += character.width().unwrap_or(0);
            }
        }
    }
    if before >= seen {
        caret = width;
    }
    if cut {
        shown.push('…');
    }
    (shown, caret)
}

/// Characters that would move the cursor, hide text or turn its direction on a terminal.
fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: usize, column: usize) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: "There is no check `helth`.".to_owned(),
            line,
            column,
            help: Some("Did you mean `health`?".to_owned()),
        }
    }

    #[test]
    fn looks_like_a_compilers() {
        let source = "# Title\n\n- [ ] Answers <!-- check: helth -->\n";
        insta::assert_snapshot!(render_diagnostic("checklists/x.md", source, &at(3, 27), Colour::Plain), @r"
        checklists/x.md:3:27: error: There is no check `helth`.
          |
        3 | - [ ] Answers <!-- check: helth -->
          |                           ^
          = help: Did you mean `health`?
        ");
    }

    #[test]
    fn a_tab_and_wide_characters_keep_the_caret_in_place() {
        let source = "\t日本 x\r\n";
        insta::assert_snapshot!(render_diagnostic("x.md", source, &at(1, 5), Colour::Plain), @r"
        x.md:1:5: error: There is no check `helth`.
          |
        1 |     日本 x
          |          ^
          = help: Did you mean `health`?
        ");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let source = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let text = render_diagnostic("x.md", &source, &at(1, 501), Colour::Plain);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[2].chars().count() < 110, "{}", lines[2]);
        let caret = lines[3].chars().position(|character| character == '^');
        let mark = lines[2].chars().position(|character| character == '!');
        assert_eq!(caret, mark);
        assert!(lines[2].starts_with("1 | …") && lines[2].ends_with('…'));
    }

    #[test]
    fn escape_sequences_of_a_document_do_not_reach_the_terminal() {
        let text = render_diagnostic("x.md", "a\u{1b}[31m\u{202e}b", &at(1, 1), Colour::Plain);
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }

    #[test]
    fn colours_are_there_only_when_asked_for() {
        let coloured = render_diagnostic("x.md", "a", &at(1, 1), Colour::Ansi);
        assert!(coloured.contains("\u{1b}[1;31merror:\u{1b}[0m"), "{coloured:?}");
    }

    #[test]
    fn a_place_outside_the_document_is_still_told() {
        let text = render_diagnostic("x.md", "a", &at(9, 4), Colour::Plain);
        insta::assert_snapshot!(text, @r"
        x.md:9:4: error: There is no check `helth`.
          = help: Did you mean `health`?
        ");
    }
}
